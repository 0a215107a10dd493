"""A command's inputs: what they must be, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.standins.differences import Change, changes, ignored
from lab.standins.properties import UNKNOWN, Properties, Secret, reveal

_DEFAULTS = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
_CONNECTION = {*_DEFAULTS, "host", "hostKey", "password", "privateKey", "privateKeyPassword", "agentSocketPath"}
_INPUTS = {
    "connection",
    "create",
    "update",
    "delete",
    "stdin",
    "environment",
    "triggers",
    "logging",
    "addPreviousOutputInEnv",
}

Failure = tuple[str, str]


def checked(given: Properties) -> tuple[Properties, list[Failure]]:
    """The inputs with the connection's defaults, secret as a whole; and what is wrong, by property."""
    failures = [(key, f"Unrecognized field '{key}'") for key in sorted(given.keys() - _INPUTS)]
    connection = reveal(given.get("connection"))
    if connection is None:
        failures.append(("connection", "Missing required field 'connection'"))
    elif connection is not UNKNOWN:
        connection = _filled("connection", connection, {*_CONNECTION, "proxy"}, failures)
        if isinstance(connection.get("proxy"), dict):
            connection["proxy"] = _filled("connection.proxy", connection["proxy"], _CONNECTION, failures)
    return {**given, "connection": Secret(connection)}, failures


def _filled(where: str, connection: Properties, known: set[str], failures: list[Failure]) -> Properties:
    failures += [(where, f"Unrecognized field '{key}'") for key in sorted(connection.keys() - known)]
    if connection.get("host") is None:
        failures.append((where, "Missing required field 'host'"))
    return {**_DEFAULTS, **connection}


def differences(old: Properties, new: Properties, ignore: Sequence[str]) -> list[Change]:
    """The changed inputs. A secret is one value, whatever is in it; new or dropped triggers replace."""
    found = changes(_relevant(old), _relevant(new), (), lambda _path, one, other: bool(reveal(one) == reveal(other)))
    return [
        Change(change.path, change.kind, replaces=change.path == ("triggers",))
        for change in found
        if not ignored(change.path, ignore)
    ]


def _relevant(inputs: Properties) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key != "version" and not key.startswith("__")}
