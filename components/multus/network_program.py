"""Which networks one program has, so that each can be held against the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from pulumi.runtime import get_root_resource
from pulumi.runtime.settings import get_monitor

from .network_plan import NetworkPlan


class _Process:
    """Stands for the program whose components a plugin makes: its process serves one run of one program."""


_PROCESS = _Process()
_lock = threading.Lock()
# By the connection to the engine: every run of a program has its own, and is forgotten with it.
_of_program: WeakKeyDictionary[Any, dict[str, NetworkPlan]] = WeakKeyDictionary()


class Beside:
    """The program's networks, for one of them.

    Attributes:
        others: the plans of the others that are known so far, by the names of their resources.
    """

    def __init__(self, name: str, known: dict[str, NetworkPlan]) -> None:
        self.others: Mapping[str, NetworkPlan] = {other: plan for other, plan in known.items() if other != name}
        self._name, self._known = name, known

    def add(self, plan: NetworkPlan) -> None:
        """Make this one known to those that follow."""
        self._known[self._name] = plan


@contextmanager
def networks_beside(name: str) -> Iterator[Beside]:
    """The program's networks while one of them is planned; two at once would not see each other."""
    with _lock:
        program = _PROCESS if get_root_resource() is None else get_monitor()
        yield Beside(name, _of_program.setdefault(program, {}))
