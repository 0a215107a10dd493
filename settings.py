"""The stack's configuration as the program needs it: read in one place, refused in sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import pulumi
from pulumi.runtime import config as runtime_config

from components.multus import MultusComponentArgs
from components.multus.configuration import SettingsError, read

__all__ = ["Settings", "SettingsError"]


@dataclass(frozen=True)
class Settings:
    """What the program needs to know.

    Attributes:
        kubeconfig: the content of a kubeconfig, always a secret.
        context: the context to use in it; its current one where None.
        component: the component's arguments.
    """

    kubeconfig: pulumi.Output[str]
    context: str | None
    component: MultusComponentArgs = field(repr=False)

    @classmethod
    def load(cls) -> Self:
        """Read the stack's configuration.

        Raises:
            SettingsError: with every problem found.
        """
        config = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
        found = read(config, {key for key in config if _is_secret(key)}, hidden=pulumi.Output.secret)
        if found.problems:
            raise SettingsError(pulumi.get_stack(), found.problems)
        return cls(kubeconfig=pulumi.Output.secret(found.kubeconfig), context=found.context, component=found.component)


def _is_secret(key: str) -> bool:
    return key in runtime_config.get_config_secret_keys_env() or runtime_config.is_config_secret(key)
