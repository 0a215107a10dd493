"""components/schema.json: the schema that other languages see."""

from __future__ import annotations

import json
from typing import Any

from pulumi.provider.experimental.component import ComponentProvider

from multus import MultusComponent, MultusNetwork, __version__


def provider() -> ComponentProvider:
    """The provider as the plugin serves it."""
    return ComponentProvider([MultusComponent, MultusNetwork], "multus", version=__version__)


def schema() -> dict[str, Any]:
    """The schema as the plugin serves it."""
    found: dict[str, Any] = json.loads(provider().schema or "")
    return found


def written() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"
