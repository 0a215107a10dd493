"""The values with which the chart says what objects.py says. Pure.

Nothing that is empty stands here unless it differs from the chart's default: the provider loses empty lists and nulls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .multus_conf import WHOLE_CONF_FILE, camel_keys
from .plan import InstallPlan, LogPlan
from .pods import ACCOUNT, toleration

Values = dict[str, Any]

_VALUE_PATHS = {
    "cni_conf_dir": "cni.configDir",
    "cni_bin_dir": "cni.binDir",
    "kubelet_dir": "host.kubeletDir",
    "netns_dir": "host.netnsDir",
    "conf.cluster_network": "network.defaultNetwork",
    "conf.multus_namespace": "network.namespace",
    "conf.master_conf": "network.file",
    "conf.override_network_name": "network.overrideName",
    "conf.default_networks": "network.defaultNetworks",
    "conf.system_namespaces": "network.systemNamespaces",
    "conf.namespace_isolation": "network.namespaceIsolation",
    "conf.global_namespaces": "network.globalNamespaces",
    "scheduling.node_selector": "nodeSelector",
    "scheduling.tolerations": "tolerations",
    "scheduling.affinity": "affinity",
    "scheduling.priority_class": "priorityClassName",
    "scheduling.max_unavailable": "updateStrategy.maxUnavailable",
    "scheduling.min_ready_seconds": "minReadySeconds",
    "scheduling.labels": "commonLabels",
    "scheduling.annotations": "podAnnotations",
    "security.selinux": "securityContext.seLinuxOptions",
    "security": "securityContext",
    "rotation": "token.rotation",
}


def values_of(plan: InstallPlan, server_host: Any, server_port: Any) -> Values:
    """Everything that the plan decides, then what the user wants changed.

    Args:
        plan: the install.
        server_host: the API server's host, a str or an Output[str].
        server_port: its port, an int or an Output[int].

    Returns:
        The values. What the nodes' steps need before there are pods is the component's own: the chart makes none of it.
    """
    scheduling, reference = plan.scheduling, plan.reference_plugins
    groups: Values = {
        "image": {**_image(plan.image), "pullPolicy": plan.pull_policy, "pullSecrets": list(plan.pull_secrets)},
        "cni": {
            "configDir": plan.cni_conf_dir,
            "binDir": plan.cni_bin_dir,
            "pluginsDir": plan.plugins_dir,
            "linkedDirs": list(plan.linked_dirs),
            "configFile": WHOLE_CONF_FILE if plan.whole_conf else None,
        },
        "host": {
            "kubeletDir": plan.kubelet_dir,
            "netnsDir": plan.netns_dir,
            "kubeletSeesBinDir": None if plan.kubelet_sees_bin_dir else False,
        },
        "network": _network(plan),
        "conf": _conf(plan),
        "log": _log(plan.log),
        "daemon": _daemon(plan) if plan.is_thick else {},
        "referencePlugins": reference.model_dump(mode="json", exclude={"archives"})
        if reference and reference.image
        else {},
        "keeper": {"image": plan.keeper.image} if plan.keeper else {},
        "token": {"create": False, "secretName": plan.token_secret},
    }
    values: Values = {
        **without_empty_deep(groups),
        "plugin": plan.plugin.value,
        "apiServer": {"host": server_host, "port": server_port},
        "credentials": plan.credentials.value,
        "resources": plan.resources,
        "nodeSelector": scheduling.node_selector,
        "excludedNodes": {key: list(values) for key, values in scheduling.excluded_nodes.items()},
        "affinity": scheduling.affinity,
        "priorityClassName": scheduling.priority_class,
        "updateStrategy": {"maxUnavailable": scheduling.max_unavailable},
        "minReadySeconds": scheduling.min_ready_seconds,
        "commonLabels": scheduling.labels,
        "podAnnotations": scheduling.annotations,
        "securityContext": {"privileged": plan.privileged, "seLinuxOptions": plan.selinux},
        "handover": plan.handover,
        "crd": {"install": False},
        "serviceAccount": {"create": False, "name": ACCOUNT},
        "rbac": {"create": False},
        "apiPriority": {"create": False},
    }
    if scheduling.tolerations is not None:
        values["tolerations"] = [toleration(each) for each in scheduling.tolerations]
    return merged(values, plan.helm.values)


def value_path(argument: str) -> str:
    """Where the chart has an argument: `conf.master_conf` -> `network.file`, `log.to_stderr` -> `log.toStderr`."""
    parts = argument.split(".")
    for length in range(len(parts), 0, -1):
        known = _VALUE_PATHS.get(".".join(parts[:length]))
        if known is not None:
            return ".".join([known, *camel_keys(dict.fromkeys(parts[length:]))])
    return ".".join(camel_keys(dict.fromkeys(parts)))


def merged(values: Mapping[str, Any], over: Mapping[str, Any]) -> Values:
    """Values with others laid over them, key by key as Helm does; a list is taken whole."""
    result = dict(values)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return result


def _image(reference: str) -> Values:
    repository, _, digest = reference.partition("@")
    if digest:
        return {"repository": repository, "digest": digest}
    repository, _, tag = reference.rpartition(":")
    return {"repository": repository, "tag": tag}


def _network(plan: InstallPlan) -> Values:
    conf, whole = plan.conf, plan.whole_conf
    is_elsewhere = whole is not None and conf.networks_dir is None and whole.conf_dir != plan.cni_conf_dir
    return {
        "defaultNetwork": whole.cluster_network if whole else None,
        "directory": whole.conf_dir if whole and is_elsewhere else None,
        "namespace": conf.multus_namespace,
        "file": conf.master_conf,
        "overrideName": None if conf.override_network_name else False,
        "defaultNetworks": list(conf.default_networks),
        "systemNamespaces": list(conf.system_namespaces),
        "namespaceIsolation": conf.namespace_isolation or None,
        "globalNamespaces": list(conf.global_namespaces),
    }


def _conf(plan: InstallPlan) -> Values:
    conf, whole = plan.conf, plan.whole_conf
    return {
        "cniVersion": whole.cni_version if whole else conf.cni_version,
        "capabilities": _capabilities(whole.capabilities if whole else conf.capabilities),
        "readinessIndicatorFile": conf.readiness_indicator_file,
        "additionalBinDir": conf.additional_bin_dir,
        "networksDir": conf.networks_dir,
        "retryDeleteOnError": conf.retry_delete_on_error or None,
    }


def _capabilities(names: tuple[str, ...] | None) -> Values:
    """None of them is something else than nothing said, which leaves them to the default network."""
    if names is None:
        return {}
    return dict.fromkeys(names, True) or {"portMappings": False}


def _log(log: LogPlan) -> Values:
    return {
        "level": log.level.value if log.level else None,
        "file": log.file,
        "toStderr": None if log.to_stderr else False,
        "options": camel_keys(log.options),
    }


def _daemon(plan: InstallPlan) -> Values:
    daemon = plan.daemon
    certificates = daemon.per_node_certificates
    return {
        "connectionLimit": daemon.connection_limit,
        "metricsPort": daemon.metrics_port,
        "enablePprof": daemon.enable_pprof or None,
        "socketDir": daemon.socket_dir,
        "perNodeCertificates": camel_keys(certificates.model_dump()) if certificates else {},
    }


def without_empty_deep(values: Mapping[str, Any]) -> Values:
    """The values without None, {} and [], at any depth; false and zero stay."""
    nested = {key: without_empty_deep(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in nested.items() if value is not None and value != {} and value != []}
