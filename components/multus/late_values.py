"""Values that may be known at once or only later, as Outputs.

An Output costs the program several tasks, also where it only wraps what is known: with one for each word of each
command, a preview of a hundred nodes takes longer for them than for all the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pulumi

_T = TypeVar("_T")


def is_opaque(value: object) -> bool:
    """Whether a value is only known later."""
    return isinstance(value, (pulumi.Output, Awaitable))


def when_known(function: Callable[..., _T], *values: Any) -> pulumi.Input[_T]:
    """What a function makes of values: at once where all of them are known, else an Output."""
    if not any(map(is_opaque, values)):
        return function(*values)
    return pulumi.Output.all(*values).apply(lambda known: function(*known))
