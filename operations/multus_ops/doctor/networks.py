"""What definitions of networks say, and what pods ask of them. Pure."""

from __future__ import annotations

import json
import shlex
from typing import Any

from multus.metadata import Object

from .snapshot import NETWORKS

_UNREPORTED = (None, "", "0.1.0", "0.2.0")


def networks_of(pod: Object) -> list[Object]:
    """The networks that a pod's annotation asks for, each as an entry of its long form; words with commas too."""
    text = str(pod["metadata"].get("annotations", {}).get(NETWORKS, "")).strip()
    if not text.startswith("["):
        return [{"name": word.strip()} for word in text.split(",") if word.strip()]
    try:
        asked = json.loads(text)
    except ValueError:
        return []
    return [each for each in asked if isinstance(each, dict)]


def conf_of(network: Object) -> dict[str, Any]:
    """The CNI configuration of a definition, empty where it has none or where that is no JSON object."""
    return as_object(network.get("spec", {}).get("config", ""))


def as_object(text: str) -> dict[str, Any]:
    """A text as a JSON object, empty where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def plugin_confs(conf: dict[str, Any]) -> list[dict[str, Any]]:
    """The configurations of the plugins of a chain, or the one that there is."""
    chain = conf.get("plugins") if isinstance(conf.get("plugins"), list) else [conf]
    return [each for each in chain or () if isinstance(each, dict)]


def plugins_of(network: Object) -> list[str]:
    """The plugins that a network calls, those for addresses too."""
    chain = plugin_confs(conf_of(network))
    ipam = [each["ipam"].get("type") for each in chain if isinstance(each.get("ipam"), dict)]
    return [str(name) for name in (*(each.get("type") for each in chain), *ipam) if name]


def lacks_version(network: Object) -> bool:
    """Whether pods get the network and no entry for it in `network-status`.

    So it was seen with Multus v4.3.0 and these versions of a definition's configuration, and with none at all.
    """
    conf = conf_of(network)
    return bool(conf) and conf.get("cniVersion") in _UNREPORTED


def changed_at(network: Object) -> str:
    """When a definition's `spec` was last written, as the API writes times; empty where it does not say."""
    about = network["metadata"]
    writers = (each for each in about.get("managedFields", ()) if "f:spec" in each.get("fieldsV1", {}))
    return max((str(each.get("time", "")) for each in writers), default=str(about.get("creationTimestamp", "")))


def without(conf: dict[str, Any], key: str) -> dict[str, Any]:
    """The same, but for one key."""
    return {each: value for each, value in conf.items() if each != key}


def annotation_values(pod: Object, networks: str) -> dict[str, str]:
    """What a command names that gives a pod another annotation for its networks."""
    about = pod["metadata"]
    text = shlex.quote(f"{NETWORKS}={networks}")
    return {"pod": about["name"], "pod_namespace": about["namespace"], "networks": text}


def patch_values(network: Object, conf: dict[str, Any]) -> dict[str, str]:
    """What a command names that gives a definition another configuration."""
    about = network["metadata"]
    patch = shlex.quote(json.dumps({"spec": {"config": json.dumps(conf)}}))
    return {"network": about["name"], "network_namespace": about["namespace"], "patch": patch}
