"""A command's inputs: what they must be, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lab.standins.differences import Change, changes, ignored
from lab.standins.properties import UNKNOWN, Properties, Secret, reveal

_DEFAULTS = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
_SECRETS = {"password", "privateKey", "privateKeyPassword"}
_LOGIN = {*_DEFAULTS, *_SECRETS, "host", "hostKey", "agentSocketPath"}
COPY = "command:remote:CopyToRemote"
_COPY_INPUTS = {"connection", "source", "remotePath", "triggers"}
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


def checked(given: Properties, *, copies: bool = False) -> tuple[Properties, list[Failure]]:
    """The inputs with the connection's defaults, secret as a whole; or as given, and what is wrong, by property.

    Args:
        given: the inputs.
        copies: whether they are of a copy, else of a command.
    """
    failures = sorted(_failures(given, copies=copies))
    inputs = dict(given)
    connection = reveal(given.get("connection"))
    if isinstance(connection, dict):
        inputs["connection"] = Secret(_secret_keys(connection) if failures else _filled(connection))
    elif connection is not None:
        inputs["connection"] = Secret(connection)
    return inputs, failures


def _failures(given: Properties, *, copies: bool) -> Iterator[Failure]:
    """What is wrong, in the official plugin's words."""
    kind = "CopyToRemoteInputs" if copies else "CommandInputs"
    for key in given.keys() - (_COPY_INPUTS if copies else _INPUTS):
        yield key, f"Unrecognized field '{key}' on 'remote.{kind}'"
    for key in ("remotePath", "source") if copies else ():
        if given.get(key) is None:
            yield key, f"Missing required field '{key}' on 'remote.{kind}'"
    connection = reveal(given.get("connection"))
    if connection is None:
        yield "connection", f"Missing required field 'connection' on 'remote.{kind}'"
    elif connection is not UNKNOWN:
        wrong = list(_wrong(connection, "remote.Connection", {*_LOGIN, "proxy"}))
        proxy = connection.get("proxy")
        if isinstance(proxy, dict):
            behind = list(_wrong(proxy, "remote.ProxyConnection", _LOGIN))
            wrong += [f"proxy: {_together('Connection.proxy', behind)}"] if behind else []
        if wrong:
            yield "connection", _together(f"{kind}.connection", wrong)


def _together(where: str, wrong: list[str]) -> str:
    lines = "".join(f"\n\t{line}" for line in wrong)
    return f"An error occurred decoding '{where}': {len(wrong)} failures decoding:{lines}"


def _wrong(login: Properties, kind: str, known: set[str]) -> Iterator[str]:
    if login.get("host") is None:
        yield f"host: Missing required field 'host' on '{kind}'"
    if isinstance(login.get("port"), str):
        yield f"port: Field 'port' on '{kind}' must be a 'float64'; got 'string' instead"
    for key in sorted(login.keys() - known):
        yield f"{key}: Unrecognized field '{key}' on '{kind}'"


def _filled(login: Properties) -> Properties:
    filled = {**_DEFAULTS, **login}
    if isinstance(login.get("proxy"), dict):
        filled["proxy"] = {**_DEFAULTS, **login["proxy"]}
    return _secret_keys(filled)


def _secret_keys(login: Properties) -> Properties:
    marked = {key: Secret(value) if key in _SECRETS else value for key, value in login.items()}
    if isinstance(login.get("proxy"), dict):
        marked["proxy"] = _secret_keys(login["proxy"])
    return marked


def differences(old: Properties, new: Properties, ignore: Sequence[str]) -> list[Change]:
    """The changed inputs. A secret is one value, whatever is in it; new or dropped triggers replace."""
    found = changes(_relevant(old), _relevant(new), (), lambda _path, one, other: bool(one == other))
    return [
        Change(change.path, change.kind, replaces=change.path == ("triggers",))
        for change in found
        if not ignored(change.path, ignore)
    ]


def _relevant(inputs: Properties) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key != "version" and not key.startswith("__")}
