"""The annotations by which pods ask for networks: read as Multus v4.3.0 reads them, and mended. Pure.

Sources: multus-cni v4.3.0, pkg/k8sclient/k8sclient.go (parsePodNetworkAnnotation, tryLoadK8sPodDefaultNetwork).
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from multus.metadata import Object

NETWORKS = "k8s.v1.cni.cncf.io/networks"
NETWORK_STATUS = "k8s.v1.cni.cncf.io/network-status"
DEFAULT_NETWORK = "v1.multus-cni.io/default-network"

_WORD = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_INTERFACE = 15


class NotReadError(ValueError):
    """An annotation is one that Multus refuses."""


class NetworkName(NamedTuple):
    """The definition of a network."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def annotation_of(pod: Object, key: str = NETWORKS) -> str:
    """The text of an annotation, empty where the pod has none."""
    return str((pod["metadata"].get("annotations") or {}).get(key, ""))


def is_long(text: str) -> bool:
    """Whether Multus reads it as JSON: one of these characters anywhere is enough."""
    return any(each in text for each in '[{"')


def entries_of(text: str) -> list[Object]:
    """The networks that an annotation asks for, each as an entry of its long form.

    Raises:
        NotReadError: why Multus cannot read it, as a sentence without its subject.
    """
    if not text.strip():
        return []
    return _long_entries(text) if is_long(text) else [_entry(word.strip()) for word in text.split(",")]


def networks_of(pod: Object, key: str = NETWORKS) -> list[Object]:
    """The networks that a pod asks for; none where Multus cannot read its annotation."""
    try:
        return entries_of(annotation_of(pod, key))
    except NotReadError:
        return []


def interfaces_of(pod: Object) -> list[Object]:
    """What Multus has written on a pod about its interfaces, one entry each; nothing where nobody can read it."""
    try:
        status = json.loads(annotation_of(pod, NETWORK_STATUS) or "[]")
    except ValueError:
        return []
    return [each for each in status if isinstance(each, dict)] if isinstance(status, list) else []


def _long_entries(text: str) -> list[Object]:
    try:
        asked = json.loads(text)
    except ValueError as error:
        raise NotReadError(
            f"is no JSON ({error}), which Multus takes a text with [, {{ or a quotation mark for"
        ) from None
    if not isinstance(asked, list):
        raise NotReadError("is JSON, and no list")
    for each in asked:
        if not isinstance(each, dict):
            raise NotReadError(f"has {json.dumps(each)} in its list, which is no object with a name")
        _check_addresses(each.get("ips"))
        _check_interface(each.get("interface"))
    return asked


def _check_interface(interface: object) -> None:
    name = str(interface or "")
    if len(name) > _LONGEST_INTERFACE or set(name) & set(" /"):
        raise NotReadError(f"names an interface {name!r}, which is longer than 15 characters or has a slash")


def _check_addresses(addresses: object) -> None:
    if addresses is None:
        return
    if not isinstance(addresses, list):
        raise NotReadError(f"has {json.dumps(addresses)} for `ips`, which is no list")
    for each in addresses:
        try:
            ipaddress.ip_interface(str(each))
        except ValueError:
            raise NotReadError(f"asks for the address {each}, which is none") from None


def _parts(word: str) -> Object:
    path, _, interface = word.partition("@")
    namespace, _, name = path.rpartition("/")
    known = {"name": name.strip(), "namespace": namespace.strip(), "interface": interface.strip()}
    return {key: value for key, value in known.items() if value}


def _entry(word: str) -> Object:
    parts = _parts(word)
    names = [parts.get("name", ""), *([parts["namespace"]] if "namespace" in parts else [])]
    if not all(map(_WORD.fullmatch, names)):
        raise NotReadError(
            f"has {word!r} in its short form, which is no [NAMESPACE/]NAME[@INTERFACE] of a-z, 0-9 and -"
        )
    _check_interface(parts.get("interface"))
    return parts


def asked_for(entry: Object, own: str) -> NetworkName:
    """Which definition Multus looks for: a slash in a long form's `name` is a part of the name.

    Args:
        entry: an entry of the long form.
        own: the namespace of what names none: the pod's, and for the default network that of Multus' own networks.
    """
    return NetworkName(str(entry.get("namespace") or own), str(entry.get("name", "")))


def asking_for(text: str, own: str, wrong: NetworkName, right: NetworkName) -> str:
    """The annotation that asks for another network in the place of one, in its own form; all else stays."""
    entries = [
        {**each, "name": right.name, "namespace": right.namespace} if asked_for(each, own) == wrong else each
        for each in entries_of(text)
    ]
    return json.dumps(entries) if is_long(text) else _short_or_long(entries)


def _short_or_long(entries: list[Object]) -> str:
    """The short form, where Multus reads it: it takes no dot, which a definition's name may have."""
    words = (
        f"{each['namespace'] + '/' if 'namespace' in each else ''}{each['name']}"
        f"{'@' + each['interface'] if 'interface' in each else ''}"
        for each in entries
    )
    return _if_read(",".join(words)) or json.dumps(entries)


def mended(text: str) -> str | None:
    """An annotation that Multus cannot read, as it was meant; None where only its author knows."""
    candidates = [text, re.sub(r",(\s*[\]}])", r"\1", text), re.sub(r",(\s*[\]}])", r"\1", text.replace("'", '"'))]
    for candidate in candidates:
        try:
            meant = json.loads(candidate)
        except ValueError:
            continue
        return _if_read(_as_entries(meant))
    words = [_parts(word) for word in text.split(",") if word.strip()]
    return None if is_long(text) or not all(each.get("name") for each in words) else _if_read(_short_or_long(words))


def _as_entries(meant: Any) -> str:
    """A text or a list of texts is meant as the short form, an object as the only one of its list."""
    listed = meant if isinstance(meant, list) else [meant]
    if listed and all(isinstance(each, str) for each in listed):
        return ",".join(listed)
    return json.dumps([_with_listed_addresses(each) if isinstance(each, dict) else each for each in listed])


def _with_listed_addresses(entry: Object) -> Object:
    return {**entry, "ips": [entry["ips"]]} if isinstance(entry.get("ips"), str) else entry


def _if_read(text: str) -> str | None:
    try:
        return text if entries_of(text) else None
    except NotReadError:
        return None


def without_member(entries: Iterable[Object], key: str) -> str:
    """The long form of entries, but for one member."""
    return json.dumps([{each: value for each, value in entry.items() if each != key} for entry in entries])
