"""Archives of plugins on the machine that runs Pulumi: held against the plan, and which of them a node gets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi

from .errors import Problem
from .plan import PluginArchivePlan


def unfit_archives(archives: Mapping[str, PluginArchivePlan]) -> Iterator[Problem]:
    """Why files of this machine are not what the plan says, before anything is registered."""
    for architecture, archive in archives.items():
        path, file = f"reference_plugins.archives[{architecture!r}]", Path(archive.path)
        if not file.is_file():
            yield Problem(f"{path}.path", f"{archive.path!r} is no file on this machine", "write where it lies")
            continue
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != archive.sha256:
            reason = f"is not that of {archive.path!r}, which is {found}"
            yield Problem(f"{path}.sha256", reason, "look at who changed the file, or write that one")


def architecture_in(said: str) -> str:
    """The architecture of a node, in what its preflight has said: components/multus/node/preflight.sh."""
    return said.rpartition(", for ")[2].strip()


def asset_for(archives: Mapping[str, PluginArchivePlan], said: pulumi.Output[str]) -> Any:
    """The asset that a node needs, of the files of this machine by architecture.

    Args:
        archives: the files.
        said: what the node's preflight has said, its architecture last.
    """
    assets = {architecture: pulumi.FileAsset(each.path) for architecture, each in archives.items()}
    [first, *others] = assets.values()
    return said.apply(lambda text: assets[architecture_in(text)]) if others else first
