"""One stack, read as the program reads it: what the command line has to know to reach its cluster and its nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from .args import MultusComponentArgs
from .configuration import SettingsError, read
from .engine import Engine
from .plan import InstallPlan, resolve


@dataclass(frozen=True)
class Stack:
    """A stack's configuration.

    Attributes:
        engine: runs Pulumi on it.
        kubeconfig: the content of a kubeconfig of a cluster administrator.
        context: the context to use in it; its current one where None.
        component: the component's arguments, every node with its SSH key.
    """

    engine: Engine
    kubeconfig: str = field(repr=False)
    context: str | None
    component: MultusComponentArgs = field(repr=False)

    @classmethod
    def load(cls, name: str, folder: Path = Path(), config_file: Path | None = None) -> Self:
        """Ask Pulumi for a stack's configuration, secrets included.

        Raises:
            EngineError: Pulumi, the project or the stack is not there, or its secrets cannot be read.
            SettingsError: the configuration cannot work.
        """
        engine = Engine(name, folder, config_file)
        values: dict[str, dict[str, Any]] = engine.json("config", "--json", "--show-secrets")
        found = read(
            {key: item.get("value", "") for key, item in values.items()},
            {key for key, item in values.items() if item.get("secret")},
        )
        if found.problems:
            raise SettingsError(name, found.problems)
        return cls(engine, found.kubeconfig, found.context, found.component)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.engine.stack

    @cached_property
    def plan(self) -> InstallPlan:
        """The install that the configuration asks for."""
        return resolve(self.component)

    def outputs(self) -> dict[str, Any]:
        """The outputs of its last update; empty before the first. Secret ones are masked."""
        found: dict[str, Any] = self.engine.json("stack", "output", "--json", takes_config=False)
        return found
