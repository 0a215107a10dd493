"""What is done again and again beside a run of Pulumi."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def repeated(action: Callable[[], None], every: float) -> Iterator[None]:
    """Do it every so many seconds while the block runs, and once more at its end, where what it raises is raised."""
    stop = threading.Event()

    def repeat() -> None:
        ended = False
        while not ended:
            ended = stop.wait(every)
            action()

    with ThreadPoolExecutor() as workers:
        repeating = workers.submit(repeat)
        try:
            yield
        finally:
            stop.set()
    repeating.result()
