"""Archives of plugins that lie on the machine that runs Pulumi: held against the plan, and copied to a node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pulumi
from pulumi_command import remote

from .errors import Problem
from .plan import PluginArchivePlan

ALL_COPIES = "multus-install-plugins-*.tgz"
"""The copies in the home of the login, where SFTP and the login's shell begin."""


def copied_as(again: str) -> str:
    """The name of a copy. One of another name is copied anew: changed triggers copy nothing (pulumi-command 1.2.1)."""
    return ALL_COPIES.replace("*", again)


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


def copy_archive(
    name: str,
    archives: Mapping[str, PluginArchivePlan],
    said: pulumi.Output[str],
    connection: remote.ConnectionArgs,
    again: str,
    opts: pulumi.ResourceOptions,
) -> remote.CopyToRemote:
    """Register the copy. The state keeps the hash and the path of the file, and nothing of what is in it.

    Args:
        name: the resource's.
        archives: the files of this machine by architecture.
        said: what the node's preflight has said, its architecture last.
        connection: how the node is reached.
        again: a text that changes when the node needs the file once more: the step after it takes it away.
        opts: Pulumi's options.
    """
    assets = {architecture: pulumi.FileAsset(each.path) for architecture, each in archives.items()}
    [first, *others] = assets.values()
    return remote.CopyToRemote(
        name,
        connection=connection,
        source=said.apply(lambda text: assets[architecture_in(text)]) if others else first,
        remote_path=copied_as(again),
        opts=opts,
    )
