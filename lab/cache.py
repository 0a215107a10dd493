"""The folder of built programs, which all labs and checkouts share."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """$MULTUS_LAB_CACHE, else ~/.cache/multus-lab."""
    return Path(os.environ.get("MULTUS_LAB_CACHE") or Path.home() / ".cache" / "multus-lab").absolute()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Wait until no other process holds this name."""
    lock = root() / "locks" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def made_at_once(target: Path) -> Iterator[Path]:
    """A folder to fill that becomes `target` only when it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        filled = Path(scratch) / "filled"
        filled.mkdir()
        yield filled
        shutil.rmtree(target, ignore_errors=True)
        filled.rename(target)
