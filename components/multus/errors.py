"""What the component raises.

MultusError                 everything below; a pulumi.RunError, so that the engine prints one line and no traceback
+-- InvalidArgumentsError   the arguments cannot work; carries every problem found, not the first
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import pulumi


class ProblemKind(Enum):
    """What sort of a problem it is, for code that has to tell them apart: sentences are for people."""

    VALUE = "value"
    """A value cannot work, alone or beside others, or is missing."""
    UNKNOWN_KEY = "unknown key"
    """There is no argument of that name."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the arguments.

    Attributes:
        path: where, in args.py's spelling with dots, an index or a user's own key in brackets: `nodes[1].host_key`,
            `scheduling.labels['app']`; `arguments` for all of it.
        reason: what was given and why it cannot work, as half a sentence.
        fix: what to write instead, as an order.
        kind: what sort of a problem it is.
    """

    path: str
    reason: str
    fix: str
    kind: ProblemKind = ProblemKind.VALUE

    @property
    def key(self) -> str:
        """The argument at the end of the path: `host_key` of `nodes[1].host_key`."""
        return key_of(self.path)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; {self.fix}."


def no_host_path(path: str, value: str, example: str) -> Problem:
    """What is wrong with a text that is to be a path on the hosts."""
    reason = f"{value!r} is not an absolute host path of plain characters"
    return Problem(path, reason, f"write one such as {example!r}")


def key_of(path: str) -> str:
    """The argument at the end of a path, without an index: `nodes` of `nodes[1]`."""
    return path.rpartition(".")[2].partition("[")[0]


class MultusError(pulumi.RunError):
    """The base of every error that this package raises on purpose."""


class InvalidArgumentsError(MultusError):
    """Arguments that cannot work. Unless an Output brought one of them late, nothing has been registered by then.

    It is no ValueError: those are wrapped by the SDK on their way out of an Output, and end in a traceback.

    Attributes:
        problems: every problem found, those of the types first.
    """

    def __init__(self, problems: Sequence[Problem], what: str = "Multus") -> None:
        self.problems = tuple(problems)
        count = "1 argument" if len(self.problems) == 1 else f"{len(self.problems)} arguments"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{what} was not planned, {count} cannot work:\n{lines}")
