"""One stack, read as the program reads it: what the command line has to know to reach its cluster and its nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from multus.args import MultusComponentArgs
from multus.plan import InstallPlan, resolve
from multus.settings import SettingsError, read

from .pulumi_cli import PulumiCli


@dataclass(frozen=True)
class StackConfig:
    """A stack's configuration.

    Attributes:
        pulumi: runs Pulumi on it.
        kubeconfig: the content of a kubeconfig of a cluster administrator.
        context: the context to use in it; its current one where None.
        component: the component's arguments, every node with its SSH key.
    """

    pulumi: PulumiCli
    kubeconfig: str = field(repr=False)
    context: str | None
    component: MultusComponentArgs = field(repr=False)

    @classmethod
    def load(cls, name: str, folder: Path = Path(), config_file: Path | None = None) -> Self:
        """Ask Pulumi for a stack's configuration, secrets included.

        Raises:
            PulumiCliError: Pulumi, the project or the stack is not there, or its secrets cannot be read.
            SettingsError: the configuration cannot work.
        """
        pulumi = PulumiCli(name, folder, config_file)
        values: dict[str, dict[str, Any]] = pulumi.json("config", "--json", "--show-secrets")
        found = read(
            {key: item.get("value", "") for key, item in values.items()},
            {key for key, item in values.items() if item.get("secret")},
        )
        if found.problems:
            raise SettingsError(name, found.problems)
        return cls(pulumi, found.kubeconfig, found.context, found.component)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.pulumi.stack

    @cached_property
    def plan(self) -> InstallPlan:
        """The install that the configuration asks for."""
        return resolve(self.component)

    def outputs(self) -> dict[str, Any]:
        """The outputs of its last update; empty before the first. Secret ones are masked."""
        found: dict[str, Any] = self.pulumi.json("stack", "output", "--json", takes_config=False)
        return found
