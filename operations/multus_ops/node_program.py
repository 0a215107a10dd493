"""The node program as the operator's commands send it: with the phases that only people ask for."""

from __future__ import annotations

from importlib import resources

from multus.node_steps import program_text, stripped


def program_for_people() -> str:
    """The text for the standard input of `sh -s -- PHASE`."""
    return stripped(resources.files(__package__).joinpath("diagnose.sh").read_text(encoding="utf-8")) + program_text()
