"""Awaiting a condition, with a deadline."""

import time
from collections.abc import Callable

from lab.errors import LabError


def until(condition: Callable[[], bool], what: str, seconds: float = 180, every: float = 0.1) -> None:
    """Wait until the condition holds; at the deadline raise a LabError that names it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not so within {seconds:.0f} s")
        time.sleep(every)
