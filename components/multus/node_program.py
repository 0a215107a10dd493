"""The node program: its text, the file of it that is copied to a node, and how root takes it there.

The state of a stack holds its hash and not its text, which it would keep twice for every node.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

import pulumi

STATE_DIR = "/var/lib/multus-install"
PROGRAM = f"{STATE_DIR}/node.sh"


@cache
def program_text() -> str:
    """The node program as it is delivered to a node: its parts in one text, without what only people need."""
    return program_ending_with(_part("main.sh"))


def program_ending_with(last: str) -> str:
    """The same with another text in the place of its last part, which runs the phase."""
    parts = resources.files(__package__).joinpath("node")
    names = sorted(each.name for each in parts.iterdir() if each.name.endswith(".sh"))
    first = ("distributions.sh", "options.sh")
    between = [name for name in names if name not in (*first, "main.sh")]
    return without_comments("".join(["#!/bin/sh\n", *(_part(name) for name in (*first, *between)), last]))


def _part(name: str) -> str:
    return resources.files(__package__).joinpath("node", name).read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    """A shell text without comments, empty lines and indentation, which no text of several lines in it may need."""
    lines = [line.strip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and (not line.startswith("#") or line.startswith("#!")))


@cache
def program_hash() -> str:
    """The SHA-256 of the program."""
    return hashlib.sha256(program_text().encode()).hexdigest()


@cache
def program_asset() -> pulumi.FileAsset:
    """A file of the program, for as long as this process lives. Of an asset of text, the state would keep the text."""
    directory = Path(tempfile.mkdtemp(prefix="multus-"))
    atexit.register(shutil.rmtree, directory)
    file = directory / "node.sh"
    file.write_text(program_text(), encoding="utf-8")
    return pulumi.FileAsset(str(file))


def taking(words: str) -> str:
    """The shell text by which root takes the program from standard input, if it is this one, and runs a phase by it.

    Without it, what lies on the node already has to be this one: the step that has succeeded uses a copy up. The phase
    is told which of the two it is.
    """
    alone = f'ls -lnd {STATE_DIR} | grep -q "^d....-..-[^ ]* *[0-9]* 0 "'
    anothers = f"error: {STATE_DIR}: is not root's alone; look at who made it, and remove it"
    refuse = "error: the node program has not arrived; set rotation to another value and run pulumi up"
    return "; ".join(
        [
            f"umask 077; mkdir -p {STATE_DIR}",
            f'{alone} || {{ echo "{anothers}" >&2; exit 1; }}',
            f"cd {STATE_DIR} || exit; cat >new",
            f'is() {{ [ "$(sha256sum <$1)" = "{program_hash()}  -" ]; }}',
            "kept=false; if is new; then mv new node.sh; else rm new; kept=true; fi",
            f'[ -f node.sh ] && is node.sh || {{ rmdir {STATE_DIR} 2>/dev/null; echo "{refuse}" >&2; exit 1; }}',
            f"exec sh node.sh {words} --kept $kept",
        ]
    )
