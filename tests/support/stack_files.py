"""The committed stack files as the engine hands them to the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.support.arguments import SSH_KEY
from tests.support.paths import STACKS

STACK_FILES = sorted(STACKS.glob("Pulumi.*.yaml"))
# What no stack file holds in clear, and every stack needs.
KUBECONFIG = "apiVersion: v1\nkind: Config\nusers: [{name: made-up, user: {token: made-up-admin-token}}]\n"
SECRETS = {"multus:kubeconfig": KUBECONFIG, "multus:sshPrivateKey": SSH_KEY}


def config_of(stack_file: Path) -> dict[str, str]:
    """The configuration of a stack: text as it stands, everything else as JSON."""
    values: dict[str, Any] = yaml.safe_load(stack_file.read_text(encoding="utf-8"))["config"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def stack_name(stack_file: Path) -> str:
    return stack_file.name.removeprefix("Pulumi.").removesuffix(".yaml")
