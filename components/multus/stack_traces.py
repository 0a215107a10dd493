"""The state keeps, for each resource, the calls that led to its registration: 1.4 kB, most of the event loop's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Six calls are the SDK's own, from the constructor of a resource inwards (pulumi 3.272, runtime/resource.py,
# _get_stack_trace). What is left says where the resource is made: the engine's source position, and who asked for it.
_CALLS = 8


@contextmanager
def brief_stack_traces() -> Iterator[None]:
    """Have the SDK note a few calls: it takes them by `traceback.extract_stack`, which heeds `sys.tracebacklimit`.

    What is raised meanwhile is printed later, and in full.
    """
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = _CALLS
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
