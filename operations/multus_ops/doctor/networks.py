"""What definitions of networks say. Pure."""

from __future__ import annotations

import json
import shlex
from typing import Any

from multus.metadata import Object
from multus.network_conf import plugin_confs, plugins_called

from .meshes import MESHES

DEFINITIONS = ("k8s.cni.cncf.io", "v1")
"""Group and version of networks' definitions, as the client's calls for custom objects take them."""
PLURAL = "network-attachment-definitions"

_UNREPORTED = (None, "", "0.1.0", "0.2.0")


def conf_of(network: Object) -> dict[str, Any]:
    """The CNI configuration of a definition, empty where it has none or where that is no JSON object."""
    return as_object(str((network.get("spec") or {}).get("config") or ""))


def as_object(text: str) -> dict[str, Any]:
    """A text as a JSON object, empty where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def plugins_of(network: Object) -> list[str]:
    """The plugins that a network calls, those for addresses too."""
    return plugins_called(conf_of(network))


def lacks_version(network: Object) -> bool:
    """Whether pods get the network and no entry for it in `network-status`.

    So it was seen with Multus v4.3.0 and these versions of a definition's configuration, and with none at all.
    """
    conf = conf_of(network)
    return bool(conf) and conf.get("cniVersion") in _UNREPORTED


def makes_no_interface(network: Object) -> bool:
    """Whether pods get nothing from it that `network-status` could name, or that nobody can say here.

    A definition without a configuration stands for a file on the nodes, as meshes write it.
    """
    return not has_config(network) or {each.get("type") for each in plugin_confs(conf_of(network))} <= set(MESHES)


def has_config(network: Object) -> bool:
    """Whether a definition has a configuration of its own, whatever that says."""
    return bool(str((network.get("spec") or {}).get("config") or "").strip())


def changed_at(network: Object) -> str:
    """When a definition's `spec` was last written, as the API writes times; empty where it does not say."""
    about = network["metadata"]
    writers = (each for each in about.get("managedFields", ()) if "f:spec" in each.get("fieldsV1", {}))
    return max((str(each.get("time", "")) for each in writers), default=str(about.get("creationTimestamp", "")))


def edit_values(network: Object) -> dict[str, str]:
    """What a command names that lets a person change a definition."""
    about = network["metadata"]
    return {"network": about["name"], "network_namespace": about["namespace"]}


def patch_values(network: Object, conf: dict[str, Any]) -> dict[str, str]:
    """What a command names that gives a definition another configuration."""
    patch = shlex.quote(json.dumps({"spec": {"config": json.dumps(conf)}}))
    return {**edit_values(network), "patch": patch}
