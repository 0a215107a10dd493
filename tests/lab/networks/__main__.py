"""The project's own program, and networks of its install: those of the stack's `networks:all`, by their names."""

from __future__ import annotations

import runpy
from pathlib import Path

import pulumi

from multus import MultusNetwork

project = runpy.run_path(str(Path(__file__).resolve().parents[3] / "__main__.py"))
multus, provider = project["multus"], project["provider"]
networks = {
    name: MultusNetwork(name, args, pulumi.ResourceOptions(provider=provider), multus=multus)
    for name, args in pulumi.Config("networks").require_object("all").items()
}
pulumi.export("references", {name: network.reference for name, network in networks.items()})
