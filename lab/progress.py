"""Steps, and telling the reader how far they are."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console


@dataclass(frozen=True)
class Step:
    """An action and the words for it; `minutes` says how long a long one takes."""

    title: str
    action: Callable[[], None]
    minutes: float = 0


class Report(Protocol):
    """Runs steps in order and reports them."""

    def __call__(self, steps: Sequence[Step]) -> None:
        """Do every step; the first failure ends it."""


def quietly(steps: Sequence[Step]) -> None:
    """Run the steps and print nothing."""
    for step in steps:
        step.action()


class Progress:
    """Prints each step's number, what it does, and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, steps: Sequence[Step]) -> None:
        """Do every step; the first failure ends it."""
        for number, step in enumerate(steps, 1):
            hint = f", about {step.minutes:g} min on 2 cores" if step.minutes else ""
            line = f"[{number}/{len(steps)}] {step.title}{hint}"
            start = time.monotonic()
            try:
                self._do(line, step)
            except Exception:
                self._say(f"{line}: failed after {_spent(start)}")
                raise
            self._say(f"{line}: {_spent(start)}")

    def _do(self, line: str, step: Step) -> None:
        if self._console.is_terminal:
            with self._console.status(line):
                step.action()
        else:
            if step.minutes:
                self._say(f"{line} ...")
            step.action()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _spent(start: float) -> str:
    seconds = time.monotonic() - start
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
