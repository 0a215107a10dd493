"""The arguments of an install, read back from a cluster that nobody has a configuration of. Pure.

What the cluster does not show is left at its default. Commands over SSH need no more than this; a check that compares
the cluster with what was asked for would need all of it, and is not made from here.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from multus import image as images
from multus.args import Distro, Plugin
from multus.defaults import DEFAULT_NAMESPACE, DEFAULT_SOCKET_DIR
from multus.distros import PROFILES, is_k3s_version, k3s_has_moved
from multus.metadata import NODE_LABEL, Object
from multus.multus_conf import DAEMON_CONF_FILE, POD_ROOT, WHOLE_CONF_FILE
from multus.objects import DAEMON_SET
from multus.plan import InstallPlan, problems_of, resolve
from multus.server import Server
from multus.settings import camel

from .distribution import distro_of, has_flannel, kubelet_versions
from .snapshot import Snapshot, host_paths

# Arguments of `conf` by the flags of thin's entrypoint, and by the keys of a configuration in JSON.
_FLAGS = {
    "multus-master-cni-file-name": "master_conf",
    "namespace-isolation": "namespace_isolation",
    "global-namespaces": "global_namespaces",
    "override-network-name": "override_network_name",
    "readiness-indicator-file": "readiness_indicator_file",
    "additional-bin-dir": "additional_bin_dir",
}
_KEYS = {
    "multusMasterCNI": "master_conf",
    "namespaceIsolation": "namespace_isolation",
    "globalNamespaces": "global_namespaces",
    "overrideNetworkName": "override_network_name",
    "readinessindicatorfile": "readiness_indicator_file",
    "defaultNetworks": "default_networks",
    "systemNamespaces": "system_namespaces",
    "multusNamespace": "multus_namespace",
    "retryDeleteOnError": "retry_delete_on_error",
}


def arguments_of(snapshot: Snapshot, *, keep: bool = True) -> dict[str, Any]:
    """The component's arguments as far as a cluster shows them, in args.py's spelling.

    Args:
        snapshot: the cluster, at least its nodes and DaemonSets.
        keep: whether the directories, the image and Multus' configuration of the install are taken over; without, only
            what follows from the cluster itself is.
    """
    distro = distro_of(snapshot) or Distro.VANILLA
    if distro is Distro.OPENSHIFT:
        # It has no profile: its own Multus is not ours to install, but can be looked at.
        distro = Distro.VANILLA
    daemon_set = _main_set(snapshot)
    found: dict[str, Any] = {"distro": distro.value, **arguments_of_k3s(snapshot, distro)}
    server = _server(daemon_set) or PROFILES[distro].api_server
    if server is None and snapshot.endpoints:
        server = f"https://{snapshot.endpoints[0]}"
    if server != PROFILES[distro].api_server:
        found["api_server"] = server
    if daemon_set is None:
        return found
    if daemon_set["metadata"]["namespace"] != DEFAULT_NAMESPACE:
        found["namespace"] = daemon_set["metadata"]["namespace"]
    if is_thick_set(daemon_set):
        found["plugin"] = Plugin.THICK.value
    return found | (_kept(snapshot, daemon_set, _plan_of_defaults(found)) if keep else {})


def is_thick_set(daemon_set: Object) -> bool:
    """Whether a DaemonSet runs thick's daemon, which alone mounts the host's root."""
    return "hostroot" in host_paths(daemon_set)


def has_default_networks_name(snapshot: Snapshot) -> bool:
    """Whether the file that the install's pods write has the default network's name."""
    daemon_set = _main_set(snapshot)
    conf = {} if daemon_set is None else _conf_by_flags(daemon_set) | _conf_by_file(snapshot)
    return bool(conf.get("override_network_name"))


def as_settings(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Arguments as `--set` of `multus-ops render` takes them: text as it stands, everything else as JSON."""
    return {
        camel(key): value if isinstance(value, str) else json.dumps(_camel_keys(value), separators=(",", ":"))
        for key, value in arguments.items()
    }


def plan_for_nodes(
    snapshot: Snapshot, nodes: Sequence[Mapping[str, Any]], given: Mapping[str, Any], server: str
) -> InstallPlan:
    """What commands over SSH need: the nodes, and where Multus keeps its files on them.

    Args:
        snapshot: the cluster, at least its nodes and DaemonSets; an empty one where it could not be asked.
        nodes: the component's `nodes`, which have been checked.
        given: arguments that are known and have been checked, such as a stack's outputs; they win over what the
            cluster shows.
        server: the API server of the kubeconfig, for want of the install's own.
    """
    seen = arguments_of(snapshot) | dict(given)
    if PROFILES[Distro(seen["distro"])].api_server is None:
        seen.setdefault("api_server", server)
    # Where Multus works is a fact, even where this project would refuse to let it work there.
    directories: dict[str, Any] = {
        key: seen.pop(key).rstrip("/") for key in ("cni_conf_dir", "cni_bin_dir") if key in seen
    }
    unfit = {problem.path.partition(".")[0].partition("[")[0] for problem in problems_of(seen)}
    arguments = {key: value for key, value in seen.items() if key not in unfit or key == "distro"}
    if PROFILES[Distro(seen["distro"])].api_server is None:
        # One that a program cannot take is nothing that nodes are told.
        arguments.setdefault("api_server", "https://127.0.0.1:6443")
    # Thin stands by for thick where a step has put it and another takes it away; what it says has to be known.
    has_steps = {each["metadata"]["name"] for each in snapshot.nodes if _is_provisioned(each)}
    stands_by = {node["name"] for node in nodes} <= has_steps and bool(_own_file(snapshot))
    plan = resolve({**arguments, "nodes": list(nodes), "node_cleanup": stands_by})
    return plan.model_copy(update=directories)


def _is_provisioned(node: Object) -> bool:
    return bool(node["metadata"].get("labels", {}).get(NODE_LABEL) == "true")


def _plan_of_defaults(arguments: Mapping[str, Any]) -> InstallPlan | None:
    return None if problems_of(arguments) else resolve(arguments)


def _main_set(snapshot: Snapshot) -> Object | None:
    """The DaemonSet that tells most: this project's, else any."""
    sets = {each["metadata"]["name"]: each for each in reversed(snapshot.multus_sets)}
    return sets.get(DAEMON_SET) or next(iter(sets.values()), None)


def arguments_of_k3s(snapshot: Snapshot, distro: Distro) -> dict[str, Any]:
    """What decides k3s' paths besides its name; nothing for every other distribution."""
    if distro is not Distro.K3S:
        return {}
    old = [version for version in kubelet_versions(snapshot) if is_k3s_version(version) and not k3s_has_moved(version)]
    found: dict[str, Any] = {"k3s_version": old[0]} if old else {}
    return found if has_flannel(snapshot) else {**found, "flannel": False}


def _server(daemon_set: Object | None) -> str | None:
    """Where this project's pods ask the API, which upstream's leave to the cluster."""
    if daemon_set is None:
        return None
    env = {each["name"]: each.get("value") for each in _container(daemon_set).get("env", ())}
    host, port = env.get("KUBERNETES_SERVICE_HOST"), str(env.get("KUBERNETES_SERVICE_PORT", ""))
    return Server(str(host), int(port)).url if host and port.isdigit() else None


def _container(daemon_set: Object) -> Object:
    found: Object = daemon_set["spec"]["template"]["spec"]["containers"][0]
    return found


def _kept(snapshot: Snapshot, daemon_set: Object, default: InstallPlan | None) -> dict[str, Any]:
    paths = host_paths(daemon_set)
    found: dict[str, Any] = {}
    for key, volume in (("cni_conf_dir", "cni"), ("cni_bin_dir", "cnibin")):
        path = paths.get(volume)
        if path and path != getattr(default, key, None) and not _is_wrong(snapshot, key, path):
            found[key] = path
    image = str(_container(daemon_set).get("image", ""))
    if default is not None and image != default.image and image and not images.moves(image):
        found["image"] = _image(image)
    conf: dict[str, Any] = _conf_by_flags(daemon_set) | _conf_by_file(snapshot)
    if conf.get("override_network_name") is True:
        del conf["override_network_name"]
    if conf:
        found["conf"] = conf
    security = _security(daemon_set)
    if security:
        found["security"] = security
    socket_dir = _own_file(snapshot).get("daemonSocketDir", DEFAULT_SOCKET_DIR)
    if socket_dir != DEFAULT_SOCKET_DIR:
        found["daemon"] = {"socket_dir": socket_dir}
    return found


def _security(daemon_set: Object) -> dict[str, Any]:
    """What decides where its containers may write; thick's daemon is privileged, its installers need not be."""
    spec = daemon_set["spec"]["template"]["spec"]
    contexts = [each.get("securityContext") or {} for each in (*spec.get("initContainers", ()), *spec["containers"])]
    selinux = contexts[0].get("seLinuxOptions") or {}
    privileged = {"privileged": True} if all(each.get("privileged") for each in contexts) else {}
    return {**privileged, **({"selinux": selinux} if selinux else {})}


def _is_wrong(snapshot: Snapshot, key: str, path: str) -> bool:
    """Whether a runtime reads another directory, or MicroK8s' next refresh leaves this one behind."""
    facts = [report.facts for report in snapshot.reports.values()]
    read = [each.cni_conf_dir if key == "cni_conf_dir" else each.cni_bin_dirs for each in facts]
    return any(directories and path not in directories.split() for directories in read) or bool(
        re.match(r"/var/snap/microk8s/\d+/", path)
    )


def _image(reference: str) -> dict[str, str]:
    name, _, digest = reference.partition("@")
    if digest:
        return {"repository": name, "digest": digest}
    repository, _, tag = name.rpartition(":")
    return {"repository": repository, "tag": tag} if repository and "/" not in tag else {"repository": name}


def _conf_by_flags(daemon_set: Object) -> dict[str, Any]:
    words = (word.removeprefix("--").partition("=") for word in _container(daemon_set).get("args") or ())
    return {_FLAGS[flag]: _value(_FLAGS[flag], text) for flag, _, text in words if flag in _FLAGS}


def _conf_by_file(snapshot: Snapshot) -> dict[str, Any]:
    conf = _own_file(snapshot)
    found = {_KEYS[key]: _value(_KEYS[key], value) for key, value in conf.items() if key in _KEYS}
    if "readiness_indicator_file" in found:
        found["readiness_indicator_file"] = str(found["readiness_indicator_file"]).removeprefix(POD_ROOT)
    named = conf.get("clusterNetwork")
    if isinstance(named, str) and named.endswith((".conf", ".conflist")):
        found["master_conf"] = posixpath.basename(named)
    return found


def _own_file(snapshot: Snapshot) -> dict[str, Any]:
    """The configuration that a ConfigMap carries to the pods: thick's, or thin's where no flags can say it."""
    for config_map in snapshot.config_maps:
        for file in (DAEMON_CONF_FILE, WHOLE_CONF_FILE):
            try:
                conf = json.loads((config_map.get("data") or {}).get(file, "{}"))
            except ValueError:
                continue
            chained = conf.get("plugins") if isinstance(conf, dict) else None
            if isinstance(chained, list) and chained and isinstance(chained[0], dict):
                return dict(chained[0])
            if isinstance(conf, dict) and conf:
                return conf
    return {}


def _value(key: str, value: Any) -> Any:
    if key == "global_namespaces" and isinstance(value, str):
        return [name for name in value.split(",") if name]
    return value in (True, "true", "") if key in ("namespace_isolation", "override_network_name") else value


def _camel_keys(value: Any) -> Any:
    return {camel(key): item for key, item in value.items()} if isinstance(value, Mapping) else value
