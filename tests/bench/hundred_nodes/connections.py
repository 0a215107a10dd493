"""What a log of sshd tells about its connections; exact, where samples would miss what is short."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

# What sshd 9.2 and 10 say at LogLevel VERBOSE: sshd.c, auth.c, packet.c.
_DIALLED = re.compile(r"Connection from (\S+ port \d+) on (\S+) port ")
_ACCEPTED = re.compile(r"Accepted \S+ for \S+ from (\S+ port \d+)")
_ENDED = re.compile(
    r"(?:Disconnected from|Connection (?:closed|reset) by|Closing connection to|Timeout before authentication for)"
    r".*?(\S+ port \d+)"
)
_DROPPED = re.compile(r"drop connection #\d+ from ")


@dataclass(frozen=True)
class Connections:
    """The connections of a time.

    Attributes:
        dialled: how many there were.
        dialled_one_host: how many of them were to one host, at the most. The official plugin closes that of a copy, and
            that of a command never (pulumi-command 1.2.1, remote/commandOutputs.go): it has as many open at its end.
        open_at_once: the most that were open at one moment.
        open_at_one_host: the most that one host had open at one moment.
        greeting_at_once: the most that were dialled and not yet authenticated at one moment.
        dropped: how many sshd refused because too many were not yet authenticated (MaxStartups); each is dialled again.
    """

    dialled: int = 0
    dialled_one_host: int = 0
    open_at_once: int = 0
    open_at_one_host: int = 0
    greeting_at_once: int = 0
    dropped: int = 0


def connections(log: str) -> Connections:
    """Follow a log from its first line to its last. Only its first line about a connection names the host."""
    # A client takes one port for several hosts at once, which then go by turns.
    hosts_of: defaultdict[str, list[str]] = defaultdict(list)
    greeting: Counter[str] = Counter()
    open_at: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for line in log.splitlines():
        if begun := _DIALLED.match(line):
            client, host = begun.groups()
            hosts_of[client].append(host)
            open_at[host] += 1
            greeting[client] += 1
            all_of[host] += 1
            most |= Counter({"open": open_at.total(), "of one": open_at[host], "greeting": greeting.total()})
        elif accepted := _ACCEPTED.match(line):
            greeting -= Counter({accepted[1]: 1})
        elif (ended := _ENDED.match(line)) and hosts_of[ended[1]]:
            if greeting[ended[1]] == len(hosts_of[ended[1]]):
                greeting[ended[1]] -= 1
            open_at[hosts_of[ended[1]].pop(0)] -= 1
        elif _DROPPED.match(line):
            most["dropped"] += 1
    return Connections(
        dialled=all_of.total(),
        dialled_one_host=max(all_of.values(), default=0),
        open_at_once=most["open"],
        open_at_one_host=most["of one"],
        greeting_at_once=most["greeting"],
        dropped=most["dropped"],
    )
