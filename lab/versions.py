"""Finding programs on PATH and asking them for their version."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab.commands import run
from lab.processes import PATH


def on_path(program: str) -> Path | None:
    """Find a program on PATH or in the system's own folders, since a user's PATH may lack the sbin ones."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{PATH}")
    return Path(found) if found else None


def version_of(program: Path, words: Sequence[str]) -> tuple[int, ...]:
    """The first version number that the program prints; () where it prints none."""
    printed = run([program, *words], check=False, timeout=30)
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", printed.stdout + printed.stderr)
    return tuple(int(part) for part in match.groups(default="0")) if match else ()


def fits(version: tuple[int, ...], at_least: tuple[int, ...], below: tuple[int, ...] = ()) -> bool:
    """Whether a version lies in the range; an empty bound is none."""
    return version >= at_least and (not below or version < below)
