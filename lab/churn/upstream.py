"""Upstream's own manifests, as people edit them for such nodes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lab.commands import run
from lab.images import MULTUS_THICK, MULTUS_THIN
from lab.looks import Look

_MODULE = Path(__file__).parents[1] / "go" / "multus"
_PACKAGE = "gopkg.in/k8snetworkplumbingwg/multus-cni.v4"
_FILES = {"thin": "multus-daemonset.yml", "thick": "multus-daemonset-thick.yml"}
IMAGES = {"thin": MULTUS_THIN, "thick": MULTUS_THICK}


@cache
def _text(plugin: str) -> str:
    module = json.loads(run(["go", "-C", _MODULE, "mod", "download", "-json", _PACKAGE]).stdout)
    return (Path(module["Dir"]) / "deployments" / _FILES[plugin]).read_text()


def documents(plugin: str) -> list[dict[str, Any]]:
    """The objects of upstream's manifest of that plugin, v4.3.0, as it is."""
    return list(yaml.safe_load_all(_text(plugin)))


def manifest(
    plugin: str, look: Look, *, image: str | None = None, arguments: tuple[str, ...] = (), log_level: str = "verbose"
) -> list[dict[str, Any]]:
    """The same for nodes that look so.

    Args:
        plugin: `thin` or `thick`.
        look: where the nodes have what Multus meets.
        image: by default v4.3.0.
        arguments: further arguments of thin's entrypoint.
        log_level: Multus' log level.
    """
    found = documents(plugin)
    [spec] = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "DaemonSet"]
    paths = {"cni": look.conf_dir, "cnibin": look.bin_dir}
    for volume in spec["volumes"]:
        if volume["name"] in paths:
            volume["hostPath"]["path"] = str(paths[volume["name"]])
    for container in [*spec["containers"], *spec["initContainers"]]:
        container["image"] = image or IMAGES[plugin]
    [multus] = spec["containers"]
    if plugin == "thin":
        kubeconfig = look.conf_dir / "multus.d" / "multus.kubeconfig"
        multus["args"] += [f"--multus-kubeconfig-file-host={kubeconfig}", f"--multus-log-level={log_level}", *arguments]
        return found
    _correct_plugins(spec, multus, look)
    [config] = [each for each in found if each["kind"] == "ConfigMap"]
    said = json.loads(config["data"]["daemon-config.json"])
    config["data"]["daemon-config.json"] = json.dumps({**said, "binDir": str(look.bin_dir), "logLevel": log_level})
    return found


def _correct_plugins(spec: dict[str, Any], multus: dict[str, Any], look: Look) -> None:
    """The daemon finds plugins under the paths that the host has, and what links among them lead to."""
    [mount] = [each for each in multus["volumeMounts"] if each["name"] == "cnibin"]
    mount["mountPath"] = str(look.bin_dir)
    if look.plugin_dir != look.bin_dir:
        spec["volumes"].append({"name": "plugins", "hostPath": {"path": str(look.plugin_dir)}})
        multus["volumeMounts"].append({"name": "plugins", "mountPath": str(look.plugin_dir)})
