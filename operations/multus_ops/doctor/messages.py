"""What the kubelet, the runtime and Multus say, for people to read. Pure."""

from __future__ import annotations

import re

# A message of an event is never longer; the kubelet cuts it there.
LONGEST_EVENT = 1024


def readable(message: str) -> str:
    """A message in one line and whole, since the reason may be anywhere in it.

    What thick's shim appends is the network's configuration, which may hold credentials.
    """
    return " ".join(re.sub(r": StdinData: .*", "", message, flags=re.DOTALL).split())


def from_line_of(message: str, match: re.Match[str]) -> str:
    """From the line on that has the match: a log says much before it, and its end is no more than an event's."""
    start = message.rfind("\n", 0, match.start()) + 1
    return readable(message[start : start + LONGEST_EVENT])


def is_cut(message: str) -> bool:
    """Whether its end was lost before the API got it."""
    return len(message.encode()) >= LONGEST_EVENT
