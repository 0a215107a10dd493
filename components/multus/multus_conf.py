"""What Multus reads: its kubeconfig on the host, the entrypoint's flags, and the files that are ours to write."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from typing import Any

from .args import Credentials
from .argument_rules import MULTUS_NETWORK
from .defaults import STATUS_CNI_VERSION, WHOLE_CNI_VERSION
from .plan import SHIM, InstallPlan, WholeConfPlan

POD_CONF_DIR = "/host/etc/cni/net.d"
POD_BIN_DIR = "/host/opt/cni/bin"
POD_RUN_DIR = "/host/run"
POD_ROOT = "/hostroot"
OWN_CONF_DIR = "/etc/multus"
WHOLE_CONF_FILE = "00-multus.conflist"
DAEMON_CONF_FILE = "daemon-config.json"
# What the daemon writes, and removes when it ends.
SHIM_CONF_FILE = "00-multus.conf"
# In the daemon's tree, with the default network's file alone.
DEFAULT_NETWORK_DIR = "/etc/multus-default"
CERTIFICATE_DIR = "/var/lib/multus-certificates"

THICK_CNI_VERSION = "0.3.1"
# A key that nobody but the node program reads, by which it is no leftover of another install: node/cni_dir.sh.
_WAITS = {"multusInstall": "waits"}
_NETWORKS_DIR = "/etc/cni/multus/net.d"


def entrypoint_flags(plan: InstallPlan, *, removes_on_exit: bool) -> list[str]:
    """The flags of thin_entrypoint.

    Args:
        plan: the install.
        removes_on_exit: whether the pod takes the configuration away when it stops, as it must on nodes that nothing
            else cleans. Its watch, any error of which does the same, is on only where it has tokens to renew.
    """
    flags: dict[str, Any] = {
        "multus-conf-file": posixpath.join(OWN_CONF_DIR, WHOLE_CONF_FILE) if plan.whole_conf else "auto",
        "multus-autoconfig-dir": POD_CONF_DIR,
        "cni-conf-dir": POD_CONF_DIR,
        "cni-bin-dir": POD_BIN_DIR,
        "multus-kubeconfig-file-host": plan.kubeconfig_path,
    }
    if plan.whole_conf is None:
        flags |= _auto_flags(plan)
    if removes_on_exit:
        flags["cleanup-config-on-exit"] = True
        if plan.credentials is Credentials.DURABLE:
            flags["skip-config-watch"] = True
    return [f"--{key}={_text(value)}" for key, value in flags.items()]


def whole_conf(plan: InstallPlan) -> str | None:
    """Thin's configuration where the entrypoint cannot write it, as JSON."""
    return None if plan.whole_conf is None else _thin_conf(plan, plan.whole_conf)


def waiting_conf(plan: InstallPlan, *, has_plugin: bool = False) -> tuple[str, str]:
    """The name and the content of what a node has before Multus comes to it, so that no pod starts without it.

    Its plugin is not there yet. A runtime that asks for STATUS (containerd since 2.0.1) calls the network not ready
    until then, and the node is not; an older one fails each sandbox, and the kubelet tries again. It has the name of a
    file that Multus' pod takes away when it goes, and sorts no earlier than what the pod writes.
    The default network goes by its name: a copy of its file would grow old, and by its file it is never given back.

    Args:
        plan: the install.
        has_plugin: whether the machine has thin's plugin and kubeconfig too, and serves pods by itself. Nothing asks
            for STATUS then, which thin cannot answer where it knows the default network by its name.
    """
    if plan.is_thick:
        named = plan.conf.override_network_name and plan.network_name
        keys = {
            "cniVersion": STATUS_CNI_VERSION,
            "name": named or MULTUS_NETWORK,
            "type": SHIM,
            "capabilities": dict.fromkeys(plan.capabilities, True),
            "daemonSocketDir": plan.daemon.socket_dir.rstrip("/"),
            **_WAITS,
        }
        return SHIM_CONF_FILE, _json(keys)
    version = WHOLE_CNI_VERSION if has_plugin else STATUS_CNI_VERSION
    whole = plan.whole_conf or WholeConfPlan(
        cni_version=version,
        cluster_network=plan.network_name or "",
        conf_dir=plan.cni_conf_dir,
        capabilities=plan.capabilities,
    )
    return WHOLE_CONF_FILE, _thin_conf(plan, whole.model_copy(update={"cni_version": version}), _WAITS)


def _thin_conf(plan: InstallPlan, whole: WholeConfPlan, more: Mapping[str, Any] | None = None) -> str:
    conf = plan.conf
    plugin: dict[str, Any] = {
        "type": "multus",
        "capabilities": dict.fromkeys(whole.capabilities, True),
        "kubeconfig": plan.kubeconfig_path,
        "clusterNetwork": whole.cluster_network,
        "readinessindicatorfile": conf.readiness_indicator_file,
        "binDir": conf.additional_bin_dir,
        "confDir": whole.conf_dir,
        "logFile": plan.log.file,
        "logLevel": plan.log.level,
        "logToStderr": plan.log.to_stderr,
        **_selection(plan),
    }
    plugins = [without_none(plugin)]
    return _json({"cniVersion": whole.cni_version, "name": MULTUS_NETWORK, "plugins": plugins, **(more or {})})


def kubeconfig(server: str, ca: str, token: str) -> str:
    """Byte for byte what thin_entrypoint writes from the same token: Multus v4.3.0, cmd/thin_entrypoint/main.go.

    Args:
        server: the API server's URL as the host reaches it.
        ca: the cluster's authority in base64, as the token's Secret has it.
        token: the account's token.
    """
    return f"""\
# Kubeconfig file for Multus CNI plugin.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: multus
  user:
    token: "{token}"
contexts:
- name: multus-context
  context:
    cluster: local
    user: multus
current-context: multus-context
"""


def daemon_conf(plan: InstallPlan) -> str:
    """What thick's daemon reads, as JSON.

    The configuration directory is mounted where the host has it, so that one path means one file on both sides. What
    lies elsewhere is read through the host's root; the shim, which runs on the host, is told none of these.
    """
    conf, daemon = plan.conf, plan.daemon
    certificates = daemon.per_node_certificates
    return _json(
        without_none(
            {
                "chrootDir": POD_ROOT,
                "cniVersion": conf.cni_version or THICK_CNI_VERSION,
                "cniConfigDir": plan.cni_conf_dir,
                "multusAutoconfigDir": plan.cni_conf_dir,
                "multusConfigFile": "auto",
                "multusMasterCNI": conf.master_conf,
                "overrideNetworkName": conf.override_network_name,
                "binDir": plan.cni_bin_dir,
                # The configuration that the daemon writes names the default network's file instead, and up to v4.3.0
                # a network that is known by its file is never given back.
                "clusterNetwork": DEFAULT_NETWORK_DIR,
                "confDir": POD_ROOT + (conf.networks_dir or _NETWORKS_DIR),
                "capabilities": None if conf.capabilities is None else dict.fromkeys(conf.capabilities, True),
                "readinessindicatorfile": _in_pod(plan, conf.readiness_indicator_file),
                "socketDir": POD_RUN_DIR + daemon.socket_dir.rstrip("/").removeprefix("/run"),
                "daemonSocketDir": daemon.socket_dir.rstrip("/"),
                "logLevel": plan.log.level or "verbose",
                "logFile": plan.log.file,
                "logToStderr": plan.log.to_stderr,
                "logOptions": camel_keys(plan.log.options) or None,
                "connectionLimit": daemon.connection_limit,
                "metricsPort": daemon.metrics_port,
                "enablePprof": daemon.enable_pprof or None,
                "perNodeCertificate": certificates
                and {
                    "enabled": True,
                    "bootstrapKubeconfig": certificates.bootstrap_kubeconfig,
                    "certDir": CERTIFICATE_DIR,
                    "certDuration": certificates.duration,
                },
                **_selection(plan),
            }
        )
    )


def standby_keys(plan: InstallPlan) -> str:
    """What thin is told while it stands in for the daemon, besides what node.sh finds on the node: members of JSON."""
    conf = plan.conf
    keys = {
        "confDir": conf.networks_dir or _NETWORKS_DIR,
        "readinessindicatorfile": conf.readiness_indicator_file,
        **_selection(plan),
    }
    return json.dumps(without_none(keys), separators=(",", ":"))[1:-1]


def keeper_keys(plan: InstallPlan) -> str:
    """The same for what stands in on nodes that no step reaches, in the order in which the chart writes them."""
    keys = json.loads(f"{{{standby_keys(plan)}}}")
    return json.dumps(keys, separators=(",", ":"), sort_keys=True)[1:-1]


def own_conf(plan: InstallPlan) -> tuple[str, str] | None:
    """The name and the content of the file that a ConfigMap has to carry, where there is one."""
    if plan.is_thick:
        return DAEMON_CONF_FILE, daemon_conf(plan)
    whole = whole_conf(plan)
    return None if whole is None else (WHOLE_CONF_FILE, whole)


def own_conf_name(plan: InstallPlan) -> str:
    """The ConfigMap's name. It changes with the content, so that pods roll and an old pod never reads a new file."""
    text = "\n".join(own_conf(plan) or ())
    return f"multus-conf-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def camel_keys(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same under the names that Multus, Helm and Kubernetes give its keys."""
    return {key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:]): options[key] for key in options}


def _auto_flags(plan: InstallPlan) -> dict[str, Any]:
    conf, log = plan.conf, plan.log
    return without_none(
        {
            # The runtime's cached result then has one name before and after an install, so that DEL finds it.
            "override-network-name": conf.override_network_name,
            "cni-version": conf.cni_version,
            "multus-master-cni-file-name": conf.master_conf,
            "namespace-isolation": conf.namespace_isolation or None,
            "global-namespaces": ",".join(conf.global_namespaces) or None,
            "readiness-indicator-file": conf.readiness_indicator_file,
            "additional-bin-dir": conf.additional_bin_dir,
            "multus-log-level": log.level,
            "multus-log-file": log.file,
            "multus-log-to-stderr": None if log.to_stderr else False,
        }
    )


def _selection(plan: InstallPlan) -> dict[str, Any]:
    """The keys about who gets which network, spelled alike in every configuration."""
    conf = plan.conf
    return {
        "defaultNetworks": list(conf.default_networks) or None,
        "systemNamespaces": list(conf.system_namespaces) or None,
        "multusNamespace": conf.multus_namespace,
        "namespaceIsolation": conf.namespace_isolation or None,
        "globalNamespaces": ",".join(conf.global_namespaces) or None,
        "retryDeleteOnError": conf.retry_delete_on_error or None,
    }


def _in_pod(plan: InstallPlan, path: str | None) -> str | None:
    """Where the daemon finds a host path: a second watch on one directory would hide the first one's events."""
    if path is None or posixpath.dirname(path) == plan.cni_conf_dir:
        return path
    return POD_ROOT + path


def without_none(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that have a value; false, zero and empty texts are values."""
    return {key: value for key, value in keys.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
