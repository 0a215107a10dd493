"""Upstream's own manifest, applied by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from lab.commands import run
from lab.images import MULTUS_THIN
from lab.waiting import until
from tests.support.paths import ROOT

from .clusters import Lab
from .leftovers import has_conf

_MODULE = ROOT / "lab" / "go" / "multus"
_PACKAGE = "gopkg.in/k8snetworkplumbingwg/multus-cni.v4"


def upstream_manifest(lab: Lab) -> str:
    """Upstream's thin manifest as people edit it for such a cluster."""
    module = json.loads(run(["go", "-C", _MODULE, "mod", "download", "-json", _PACKAGE]).stdout)
    text = (Path(module["Dir"]) / "deployments" / "multus-daemonset.yml").read_text()
    documents = list(yaml.safe_load_all(text))
    [daemon_set] = [each for each in documents if each["kind"] == "DaemonSet"]
    spec = daemon_set["spec"]["template"]["spec"]
    paths = {"cni": lab.cluster.look.conf_dir, "cnibin": lab.cluster.look.bin_dir}
    for volume in spec["volumes"]:
        if volume["name"] in paths:
            volume["hostPath"]["path"] = str(paths[volume["name"]])
    for container in [*spec["containers"], *spec["initContainers"]]:
        container["image"] = MULTUS_THIN
    kubeconfig = lab.cluster.look.conf_dir / "multus.d" / "multus.kubeconfig"
    spec["containers"][0]["args"] += [f"--multus-kubeconfig-file-host={kubeconfig}", "--multus-log-level=verbose"]
    return yaml.safe_dump_all(documents)


def apply_upstream(lab: Lab) -> None:
    """Apply it as people do; returns when it serves."""
    kubectl = [str(lab.cluster.programs.path("kubectl")), "--kubeconfig", str(lab.cluster.kubeconfig)]
    run([*kubectl, "apply", "-f", "-"], stdin=upstream_manifest(lab))
    until(lambda: lab.pods.is_rolled_out("kube-multus-ds"), "upstream's Multus is there")
    # Its pod is ready before it has written anything.
    until(lambda: has_conf(lab.cluster.nodes[0]), "upstream's Multus has written its configuration", every=0.5)


def forget_results_under_upstreams_name(lab: Lab) -> None:
    """Under the name that upstream gives its network the runtime finds nothing again once Multus calls it otherwise."""
    [node] = lab.cluster.nodes
    node.run(["sh", "-c", "rm -f /var/lib/cni/results/multus-cni-network-*"])


def identities_of_upstream(lab: Lab) -> list[str]:
    apps, core = client.AppsV1Api(lab.pods.api), lab.pods.core
    found: list[Any] = [
        apps.read_namespaced_daemon_set("kube-multus-ds", "kube-system"),
        core.read_namespaced_service_account("multus", "kube-system"),
    ]
    return [each.metadata.uid for each in found]
