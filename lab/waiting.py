"""Awaiting a condition, with a deadline."""

import time
from collections.abc import Callable

from lab.errors import LabError


def until(condition: Callable[[], bool], what: str, seconds: float = 120, every: float = 0.1) -> None:
    """Return as soon as the condition holds; a LabError names what was awaited in vain."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not so within {seconds:.0f} s")
        time.sleep(every)
