"""The node program as the operator's commands send it: with diagnose, disable and enable instead of its own phases."""

from __future__ import annotations

from importlib import resources

from multus.node_program import program_ending_with

PARTS = ("node_json.sh", "diagnose_checks.sh", "diagnose.sh")
"""What stands in the place of the node program's last part."""


def program_for_people() -> str:
    """The text for the standard input of `sh -s -- PHASE`."""
    own = resources.files(__package__)
    parts = (own.joinpath(name).read_text(encoding="utf-8") for name in PARTS)
    return program_ending_with("".join(parts))
