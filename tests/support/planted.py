"""What another user may lay at a path that root writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ANOTHER = 65534
_CONTENT = "root's alone"


class Plant:
    """A file of root's that nobody is to touch, and ways to lead a writer there."""

    def __init__(self, folder: Path) -> None:
        self._target = folder / "precious"
        self._target.write_text(_CONTENT, encoding="utf-8")
        self._target.chmod(0o600)

    def is_untouched(self) -> bool:
        about = self._target.stat()
        rights = (about.st_mode & 0o777, about.st_uid)
        return (self._target.read_text(encoding="utf-8"), rights) == (_CONTENT, (0o600, os.geteuid()))

    def symlink(self, path: Path) -> None:
        path.symlink_to(self._target)
        if os.geteuid() == 0:
            os.chown(path, ANOTHER, ANOTHER, follow_symlinks=False)

    def hard_link(self, path: Path) -> None:
        path.hardlink_to(self._target)


Lay = Callable[[Plant, Path], None]
LINKS = pytest.mark.parametrize("lay", [Plant.symlink, Plant.hard_link], ids=["symlink", "hard-link"])


def _anothers(directory: Path) -> None:
    directory.mkdir(parents=True)
    os.chown(directory, ANOTHER, ANOTHER)


def _everybodys(directory: Path) -> None:
    directory.mkdir(parents=True)
    directory.chmod(0o777)


def _led_elsewhere(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    elsewhere = directory.with_name("elsewhere")
    elsewhere.mkdir()
    directory.symlink_to(elsewhere)


def _led_nowhere(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.symlink_to("/nowhere")


DIRECTORIES = pytest.mark.parametrize("make", [_anothers, _everybodys, _led_elsewhere, _led_nowhere])
