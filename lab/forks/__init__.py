"""Python programs without their start.

An engine run starts four of them, and each spends most of its time on the same imports. A server has these behind it
once; every program of a test run is a fork of it, with the caller's streams, folder and environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.forks.client import VARIABLE
from lab.waiting import until

_CLIENT = Path(__file__).with_name("client.py")
_CHECKOUT = Path(__file__).resolve().parents[2]


def command(*program: str) -> list[str]:
    """The command that runs `FILE ...` or `-m MODULE ...` as `python -P` does, as a fork where there is a server."""
    return [sys.executable, "-I", "-S", str(_CLIENT), *program]


@contextmanager
def served(*modules: str) -> Iterator[None]:
    """Have a server, with these modules imported, for whatever this process and its children start in the block."""
    with tempfile.TemporaryDirectory(prefix="multus-lab-forks-") as folder:
        path = Path(folder) / "socket"
        environment = {**os.environ, "PYTHONPATH": str(_CHECKOUT)}
        server = [sys.executable, "-P", "-m", "lab.forks.server", str(path), *modules]
        with subprocess.Popen(server, env=environment, stdin=subprocess.DEVNULL) as process:
            try:
                until(lambda: path.exists() or process.poll() is not None, "programs can be forked")
                os.environ[VARIABLE] = str(path)
                yield
            finally:
                os.environ.pop(VARIABLE, None)
                process.terminate()
