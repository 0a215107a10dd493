"""Processes that look like Multus' to node.sh."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(name: str, directory: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with this name and these arguments that does nothing until it is told to stop."""
    program = directory / name
    shutil.copy(shutil.which("cat") or "cat", program)
    # cat reads standard input for as long as it is open; "-" and what follows only have to be in its argument list.
    process = subprocess.Popen(
        [program, "-", *("--", *arguments)] if arguments else [program],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
