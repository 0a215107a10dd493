"""Why listed nodes cannot be reached or told apart: names, hosts, logins and keys. Pure: problems only.

The tests of a single text also judge what is known late; there `path` says where it stands, such as `nodes[1].host`.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import formats, ssh_keys
from .defaults import DEFAULT_SSH_PORT, DEFAULT_SSH_USER
from .errors import Problem

Way = Sequence[Sequence[Any]]
"""Host and port of a node, then of its jump host where it has one; a host may be known late."""


def problems(nodes: Sequence[Mapping[str, Any] | None]) -> Iterator[Problem]:
    """Why these nodes cannot be taken; None stands for one whose type is already wrong."""
    present = [(f"nodes[{index}]", node) for index, node in enumerate(nodes) if node is not None]
    names = Counter(node["name"] for _, node in present if "name" in node)
    for path, node in present:
        name = node.get("name")
        if name is not None and not formats.DNS_SUBDOMAIN.matches(name):
            yield Problem(f"{path}.name", f"{name!r} is not a node's name", "write it as `kubectl get nodes` shows it")
        elif names[name] > 1:
            yield Problem(f"{path}.name", f"{name!r} is there {names[name]} times", "list every node once")
        yield from _login(path, node)
        if "proxy" in node:
            yield from _login(f"{path}.proxy", node["proxy"])
    # Nothing dials a host that is gone: another machine may have its address by now.
    yield from one_machine({path: _way(node) for path, node in present if not node.get("gone", False)})


def one_machine(ways: Mapping[str, Way]) -> Iterator[Problem]:
    """Why nodes are one machine: one host and port, dialled directly or through one jump host.

    Args:
        ways: every node's way by its path. One with a host that is not known yet is held against none.
    """
    known = {
        path: tuple((_spelling(host), port) for host, port in way)
        for path, way in ways.items()
        if all(isinstance(host, str) for host, _ in way)
    }
    times = Counter(known.values())
    for path, way in known.items():
        if times[way] > 1:
            where = " behind ".join(f"{host!r} with port {port}" for host, port in ways[path])
            yield Problem(
                f"{path}.host",
                f"{where} is listed for more than one node",
                "give every node a host or a port of its own",
            )


def host(path: str, text: str) -> Iterator[Problem]:
    """Why a text is no SSH host."""
    if not text or re.search(r"[\s/@]", text) or (":" in text and not _is_ipv6(unbracketed(text))):
        yield Problem(
            path,
            f"{text!r} is not a host name or address",
            "write it alone, the user and the port have keys of their own",
        )


def private_key(path: str, text: str) -> Iterator[Problem]:
    """Why a text is no private key. Never shows it."""
    trouble = ssh_keys.private_key_trouble(text)
    if trouble is not None:
        yield Problem(path, *trouble)


def host_key(path: str, text: str) -> Iterator[Problem]:
    """Why a text is no host's public key."""
    if not formats.HOST_KEY.matches(text):
        yield Problem(
            path, f"{text[:40]!r} is not a public key line", "write 'ssh-ed25519 AAAA...' without the host's name"
        )
        return
    trouble = ssh_keys.host_key_trouble(text)
    if trouble is not None:
        yield Problem(path, *trouble)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def unbracketed(text: str) -> str:
    """An IPv6 address as SSH takes it."""
    return text.strip("[]")


def _login(path: str, login: Mapping[str, Any]) -> Iterator[Problem]:
    port, user = login.get("port", DEFAULT_SSH_PORT), login.get("user", DEFAULT_SSH_USER)
    if isinstance(login.get("host"), str):
        yield from host(f"{path}.host", login["host"])
    if not 1 <= port <= 65535:
        yield Problem(f"{path}.port", f"{port} is not a port", "write 1 to 65535")
    if not formats.LOGIN.matches(user):
        yield Problem(f"{path}.user", f"{user!r} is not a login name", "write it as `id -un` shows it on the host")
    key, known_key = login.get("private_key"), login.get("host_key")
    ignored = login.get("insecure_ignore_host_key", False)
    if isinstance(key, str):
        yield from private_key(f"{path}.private_key", key)
    if known_key is None and not ignored:
        scan = "ssh-keyscan -t ed25519 HOST" if port == DEFAULT_SSH_PORT else f"ssh-keyscan -p {port} -t ed25519 HOST"
        yield Problem(
            f"{path}.host_key",
            "is missing",
            f"write what `{scan}` shows after the name, once compared with the host itself",
        )
    elif known_key is not None and ignored:
        yield Problem(f"{path}.insecure_ignore_host_key", "is true although a host key is given", "keep one of the two")
    elif isinstance(known_key, str):
        yield from host_key(f"{path}.host_key", known_key)


def _way(node: Mapping[str, Any]) -> Way:
    logins = [node, node["proxy"]] if "proxy" in node else [node]
    return [(login.get("host"), login.get("port", DEFAULT_SSH_PORT)) for login in logins]


def _spelling(text: str) -> str:
    """The one spelling of a host: names have no case (RFC 4343), and mean the same without the root's dot."""
    text = unbracketed(text)
    return str(ipaddress.IPv6Address(text)) if _is_ipv6(text) else text.lower().removesuffix(".")
