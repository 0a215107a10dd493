"""The checkouts that are measured side by side."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from tests.support.paths import ROOT


@dataclass(frozen=True)
class Tree:
    """A checkout of this project.

    Attributes:
        name: what tables call it.
        folder: where it is; its program is in there.
        python: what runs that program.
    """

    name: str
    folder: Path
    python: Path


THIS = Tree("this tree", ROOT, Path(sys.executable))


@contextmanager
def trees(said: Sequence[str]) -> Iterator[list[Tree]]:
    """Those that were asked for, and this one at last.

    A commit is taken out of the repository for as long as the block lasts, and runs with this tree's packages.
    """
    with tempfile.TemporaryDirectory(prefix="multus-bench-") as scratch:
        yield [*(_folder(Path(word)) if Path(word).is_dir() else _commit(word, Path(scratch)) for word in said), THIS]


def _folder(folder: Path) -> Tree:
    python = folder.absolute() / ".venv" / "bin" / "python"
    if not python.exists():
        raise LabError(f"{python} is missing: run `make .venv/made` in {folder}")
    named = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True)
    return Tree(named.stdout.strip() or folder.name, folder.absolute(), python)


def _commit(commit: str, scratch: Path) -> Tree:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
    if archive.returncode:
        raise LabError(f"--tree {commit} is neither a folder nor a commit: {archive.stderr.decode().strip()}")
    folder = scratch / commit
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(folder, filter="data")
    # The official language host looks for its interpreter there.
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return Tree(commit, folder, folder / ".venv" / "bin" / "python")
