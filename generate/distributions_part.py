"""A part of the node program, written from what distros.py says of nodes in general."""

from __future__ import annotations

from multus.distros import USUAL_DIRECTORIES, USUAL_ON_NODES

_HEAD = """\
# Written from components/multus/distros.py by `make generate`: what is tried on every node, and the
# directories that are meant where none is said.

"""


def written() -> str:
    """The part as it has to be: one value a line, since a command has blanks."""
    directories = " ".join(f"{name}={value}" for name, value in USUAL_DIRECTORIES.items())
    return f"{_HEAD}{directories}\n" + "".join(
        f"{name}='{chr(10).join(values)}'\n" for name, values in USUAL_ON_NODES.items()
    )
