"""Files that SFTP copies into the home of a node's login, and how root gets one: never by its name.

What a login can write root never opens: the login's own shell hands it over as standard input, and root keeps a copy
of its own, whose hash it checks.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import remote

from .late_values import when_known


@dataclass(frozen=True)
class CopiedFile:
    """A copy in the home of the login, where SFTP and the login's shell begin.

    Attributes:
        name: the file's. One of a new name is copied: changed triggers copy nothing (pulumi-command 1.2.1).
        others: the names of all copies of this kind for this node, for a shell. Nodes may share a home.
    """

    name: str
    others: str

    @property
    def removal(self) -> str:
        """The shell text that removes every copy. Only a step that failed leaves one."""
        return f"rm -f {self.others}"

    def hand_over(self, command: str) -> str:
        """The login's command that runs another with the copy as its standard input, empty where there is none."""
        taking = f"f={self.name}; [ -f $f ] || f=/dev/null; {command.removeprefix('exec ')} <$f && {self.removal}"
        return f"exec sh -c {shlex.quote(taking)}"


def copied_file(suffix: str, whose: str, again: str) -> CopiedFile:
    """What a copy is called.

    Args:
        suffix: of what kind it is.
        whose: a text that no other node of any cluster has.
        again: a text that changes when the node needs the file once more: the step after it takes it away.
    """
    return CopiedFile(f"multus-install-{whose}-{again}{suffix}", f"multus-install-{whose}-*{suffix}")


def copy(
    name: str,
    source: Any,
    connection: remote.ConnectionArgs,
    file: pulumi.Input[CopiedFile],
    opts: pulumi.ResourceOptions,
) -> remote.CopyToRemote:
    """Register a copy. The state keeps the hash and the path of the file, and nothing of what is in it.

    Args:
        name: the resource's.
        source: the asset, by its path.
        connection: how the node is reached.
        file: what it is called there.
        opts: Pulumi's options.
    """
    path = when_known(lambda known: known.name, file)
    return remote.CopyToRemote(name, connection=connection, source=source, remote_path=path, opts=opts)
