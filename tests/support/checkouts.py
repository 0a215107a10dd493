"""A repository of its own with what this checkout holds, committed or not: for programs that clone or litter."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.paths import ROOT


def git(folder: Path, *arguments: str) -> str:
    """Run git there and give what it prints."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def copy_checkout(folder: Path) -> Path:
    """Make `folder` a repository with one commit: every file that git would take from this checkout."""
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source = ROOT / name
        # A file that is deleted and not yet committed is listed too; a link never is a file of this repository.
        if name and source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it is")
    return folder


def is_clean(folder: Path) -> bool:
    """Whether `git status` has nothing to say."""
    return git(folder, "status", "--porcelain") == ""
