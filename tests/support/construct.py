"""`python -m tests.support.construct`: prints what the installed component registers, as JSON.

Pulumi's SDK and the component's other requirements are all that it needs.
"""

from __future__ import annotations

import json

import pulumi

import multus
from tests.support.arguments import k3s, node
from tests.support.recording import run


def construct(method: str) -> dict[str, str]:
    """Type by name of everything that is registered."""
    arguments = k3s(node("server-1", 11), method=method)
    recorded = run(lambda: pulumi.export("path", multus.MultusComponent("multus", arguments).kubeconfig_path))
    return recorded.graph.types


if __name__ == "__main__":
    registered = {method: construct(method) for method in ("manifest", "helm")}
    print(json.dumps({"file": multus.__file__, "version": multus.__version__, "registered": registered}))
