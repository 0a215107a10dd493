"""Why arguments that are well typed cannot work together. Pure: problems only, none of them raised here."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from . import argument_rules_nodes, argument_rules_plugins, argument_rules_pods, formats
from . import image as images
from .args import Credentials, Distro, Method, Plugin
from .argument_types import is_json
from .defaults import (
    DEFAULT_CERTIFICATE_DURATION,
    DEFAULT_RECONCILE,
    DEFAULT_SOCKET_DIR,
    DEFAULT_TIMEOUT_SECONDS,
    STATUS_CNI_VERSION,
)
from .distros import K3S_DATA_DIR, PROFILES, Profile, is_k3s_version, k3s_has_sidecars, k3s_profile
from .errors import Problem, no_host_path
from .server import parse_server

# Up to here a default network that is named by its file is not given back (multus-cni#1449, mended by #1521).
LAST_LOSING_RELEASE = (4, 3, 0)
# Under the default network's name Multus would find its own file first, and call itself without end.
MULTUS_NETWORK = "multus-cni-network"
TIMEOUT_RANGE = (30, 3600)
PARALLEL_RANGE = (1, 1000)
DIAL_ERROR_RANGE = (0, 20)
DIAL_TIMEOUT_RANGE = (1, 120)

# Keys of the daemon that older releases read over in silence, by the first release that knows them.
DAEMON_KEYS_SINCE = {"connection_limit": (4, 3, 0), "enable_pprof": (4, 3, 0)}
PORTS = (1, 65535)
"""The least and the greatest port."""

WRITTEN_WHOLE = (
    "cluster_network",
    "default_networks",
    "system_namespaces",
    "multus_namespace",
    "capabilities",
    "networks_dir",
    "retry_delete_on_error",
)
"""The keys of `conf` for which thin's entrypoint has no flag, so that the whole configuration is written instead."""


def plugin_of(valid: Mapping[str, Any]) -> Plugin:
    """The plugin that is meant."""
    plugin: Plugin = valid.get("plugin", Plugin.THIN)
    return plugin


def profile_of(valid: Mapping[str, Any]) -> Profile:
    """The distribution's profile, or vanilla's where none can be told."""
    distro = valid.get("distro", Distro.VANILLA)
    if distro is not Distro.K3S:
        return PROFILES.get(distro, PROFILES[Distro.VANILLA])
    version, data_dir = valid.get("k3s_version"), valid.get("data_dir", K3S_DATA_DIR).rstrip("/")
    return k3s_profile(version, flannel=valid.get("flannel", True), data_dir=data_dir)


def contradictions(valid: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that is well typed and cannot work."""
    plugin = plugin_of(valid)
    yield from _distro(valid)
    yield from _overall(valid)
    yield from _helm(valid)
    yield from _directories(valid)
    yield from _api_server(valid)
    yield from images.problems(valid.get("image", {}), plugin)
    yield from _conf(valid, plugin)
    yield from _log(valid.get("log", {}), plugin)
    yield from _daemon(valid, plugin)
    yield from argument_rules_pods.scheduling_problems(valid.get("scheduling", {}))
    yield from argument_rules_pods.resource_problems(valid.get("resources", {}), plugin)
    if plugin is Plugin.THICK and valid.get("security", {}).get("privileged") is False:
        yield Problem(
            "security.privileged", "is false, and thick's daemon runs plugins as the host does", "leave it out"
        )
    yield from argument_rules_plugins.problems(valid)
    yield from _keeper(valid)
    yield from _dhcp_daemon(valid)
    yield from _whereabouts(valid)
    yield from argument_rules_nodes.problems(valid.get("nodes", ()))
    yield from _credentials(valid)


def _distro(valid: Mapping[str, Any]) -> Iterator[Problem]:
    distro = valid.get("distro")
    if distro is Distro.OPENSHIFT:
        yield Problem(
            "distro",
            "'openshift' brings Multus itself, and a second one breaks it",
            "use the cluster's own, there is nothing to install",
        )
    if distro is not None and distro is not Distro.K3S:
        for key in ("k3s_version", "flannel", "data_dir"):
            if key in valid:
                yield Problem(key, f"says something of k3s, and the distribution is {distro.value}", "remove it")
    elif "k3s_version" in valid and not is_k3s_version(valid["k3s_version"]):
        yield Problem(
            "k3s_version",
            f"{valid['k3s_version']!r} is not a k3s version",
            "write it as `k3s --version` shows it, such as 'v1.30.4+k3s1'",
        )


def _overall(valid: Mapping[str, Any]) -> Iterator[Problem]:
    for key, what in (("namespace", "is not a namespace name"), ("rotation", "cannot be part of a Secret's name")):
        if key in valid and not formats.DNS_LABEL.matches(valid[key]):
            yield Problem(key, f"{valid[key]!r} {what}", "write lower-case letters, digits and dashes")
    ssh, scheduling = valid.get("ssh", {}), valid.get("scheduling", {})
    limit = valid.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS)
    for holder, key, path, (least, most), unit in (
        (valid, "timeout_seconds", "timeout_seconds", TIMEOUT_RANGE, " seconds"),
        (scheduling, "min_ready_seconds", "scheduling.min_ready_seconds", (0, limit - 1), " seconds"),
        (ssh, "parallel", "ssh.parallel", PARALLEL_RANGE, ""),
        (ssh, "dial_error_limit", "ssh.dial_error_limit", DIAL_ERROR_RANGE, ""),
        (ssh, "per_dial_timeout", "ssh.per_dial_timeout", DIAL_TIMEOUT_RANGE, " seconds"),
    ):
        if key in holder and not least <= holder[key] <= most:
            yield Problem(path, f"{holder[key]} is out of range", f"write {least} to {most}{unit}")


def _helm(valid: Mapping[str, Any]) -> Iterator[Problem]:
    helm = valid.get("helm")
    if helm is None:
        return
    if valid.get("method") is not Method.HELM:
        yield Problem("helm", "means nothing with method 'manifest'", "write method 'helm', or remove it")
        return
    if not is_json(helm.get("values", {}), known_late=True):
        yield Problem("helm.values", "is not made of what JSON has", "write it as a values file does")


def _directories(valid: Mapping[str, Any]) -> Iterator[Problem]:
    profile = profile_of(valid)
    for key in ("cni_conf_dir", "cni_bin_dir", "kubelet_dir", "netns_dir", "data_dir"):
        if key not in valid:
            continue
        if not formats.HOST_PATH.matches(valid[key]):
            yield no_host_path(key, valid[key], "/etc/cni/net.d")
        elif valid[key].rstrip("/") in profile.unread_dirs and key in ("cni_conf_dir", "cni_bin_dir"):
            real = getattr(profile, key)
            k3s = ""
            if profile.network == "cbr0":
                k3s = ", or `flannel: false` where k3s runs without it or a template of yours names them"
            yield Problem(
                key,
                f"{valid[key]!r} is not read by the runtime of {valid['distro'].value}",
                f"leave it out, which means {real!r}{k3s}",
            )


def _api_server(valid: Mapping[str, Any]) -> Iterator[Problem]:
    distro, api_server = valid.get("distro"), valid.get("api_server")
    if api_server is None and distro in PROFILES and profile_of(valid).api_server is None:
        yield Problem(
            "api_server",
            f"is missing, and {distro.value} has no address of its own that works before kube-proxy does",
            "write the control plane's URL, as `kubectl cluster-info` shows it",
        )
    elif isinstance(api_server, str):
        try:
            parse_server(api_server)
        except ValueError as error:
            yield Problem("api_server", str(error), "write https://HOST:PORT as the nodes' hosts reach it")


def _conf(valid: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    conf = valid.get("conf", {})
    if "cni_version" in conf and not formats.CNI_VERSION.matches(conf["cni_version"]):
        yield Problem(
            "conf.cni_version",
            f"{conf['cni_version']!r} is not a CNI version that Multus speaks",
            "write '0.3.1', '0.4.0' or '1.0.0'",
        )
    name = conf.get("network_name", "default")
    if not formats.CAPABILITY.matches(name) or name == MULTUS_NETWORK:
        yield Problem(
            "conf.network_name",
            f"{name!r} is not the name of a default network",
            "write the `name` that stands in its file",
        )
    yield from _default_network(valid, plugin)
    for key in ("default_networks", "system_namespaces", "global_namespaces"):
        for index, name in enumerate(conf.get(key, ())):
            if name is not None and not formats.DNS_SUBDOMAIN.matches(name):
                yield Problem(
                    f"conf.{key}[{index}]",
                    f"{name!r} is not a name in Kubernetes",
                    "write lower-case letters, digits, dots and dashes",
                )
    if "multus_namespace" in conf and not formats.DNS_LABEL.matches(conf["multus_namespace"]):
        yield Problem(
            "conf.multus_namespace",
            f"{conf['multus_namespace']!r} is not a namespace name",
            "write lower-case letters, digits and dashes",
        )
    if conf.get("global_namespaces") and not conf.get("namespace_isolation"):
        yield Problem("conf.global_namespaces", "means nothing without isolation", "set conf.namespace_isolation")
    if conf.get("system_namespaces") and not conf.get("default_networks"):
        yield Problem("conf.system_namespaces", "means nothing without default networks", "set conf.default_networks")
    for index, name in enumerate(conf.get("capabilities", ())):
        if name is not None and not formats.CAPABILITY.matches(name):
            yield Problem(
                f"conf.capabilities[{index}]", f"{name!r} is not a capability", "write one such as 'portMappings'"
            )
    for key in ("readiness_indicator_file", "additional_bin_dir", "networks_dir"):
        if key in conf and not formats.HOST_PATH.matches(conf[key]):
            yield no_host_path(f"conf.{key}", conf[key], "/etc/cni/multus/net.d")
    if plugin is Plugin.THICK:
        yield from _thick_conf(valid)


def _default_network(valid: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    conf, profile = valid.get("conf", {}), profile_of(valid)
    master = conf.get("master_conf")
    if master is not None and (not formats.CONF_FILE.matches(master) or formats.OWN_CONF_FILE.matches(master)):
        yield Problem(
            "conf.master_conf",
            f"{master!r} is not the file of a default network",
            f"write its name alone, such as {profile.network_file or '10-calico.conflist'!r}",
        )
    found = list(_cluster_network(conf, profile, plugin))
    yield from found
    if plugin is Plugin.THICK or not keys_written_whole(conf):
        return
    # For STATUS there is no pod. Multus v4.3.0 looks up a default network that goes by its name in a way that needs
    # one: pkg/k8sclient, getKubernetesDelegate.
    if _release_of(conf.get("cni_version", "")) >= _release_of(STATUS_CNI_VERSION):
        yield Problem(
            "conf.cni_version",
            f"{conf['cni_version']!r} has the runtime ask whether the network is ready, and thin, whose configuration "
            "is written whole, cannot answer up to v4.3.0, so that no node is ready",
            "write '1.0.0', or leave it out",
        )
    release = images.release(valid.get("image", {}), plugin)
    if "networks_dir" in conf and release is not None and release <= LAST_LOSING_RELEASE:
        yield Problem(
            "conf.networks_dir",
            "costs the default network's addresses up to v4.3.0, which looks for both in one directory",
            "give every network definition its configuration, or take a newer image.tag",
        )
    elif not found:
        yield from _whole_conf(conf, profile)


def _release_of(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if formats.CNI_VERSION.matches(version) else ()


def _cluster_network(conf: Mapping[str, Any], profile: Profile, plugin: Plugin) -> Iterator[Problem]:
    path, network = "conf.cluster_network", conf.get("cluster_network")
    if network is None:
        return
    if plugin is Plugin.THICK:
        yield Problem(
            path,
            f"{network!r} would be looked for in the daemon's pod, which writes the file's path itself",
            "name the default network's file as conf.master_conf",
        )
        return
    if "master_conf" in conf:
        yield Problem(path, "is given although conf.master_conf is", "keep one of the two")
    elif profile.network == "cbr0" and network == "flannel":
        yield Problem(
            path, "'flannel' is not what this distribution's flannel calls its network", "write 'cbr0', or leave it out"
        )
    elif "/" in network and not formats.HOST_PATH.matches(network):
        yield no_host_path(path, network, "/etc/cni/net.d/10-calico.conflist")
    elif "/" not in network and not formats.DNS_SUBDOMAIN.matches(network):
        yield Problem(path, f"{network!r} is neither a network's name nor an absolute path", "write one such as 'cbr0'")
    elif network == MULTUS_NETWORK or formats.OWN_CONF_FILE.matches(network):
        yield Problem(path, f"{network!r} is Multus' own, which would call itself", "name the default network")


def network_name(conf: Mapping[str, Any], profile: Profile) -> str | None:
    """The default network's name, or None where nothing says it."""
    cluster = conf.get("cluster_network")
    if cluster is not None and "/" not in cluster:
        return str(cluster)
    if "network_name" in conf:
        return str(conf["network_name"])
    file = posixpath.basename(cluster) if cluster else conf.get("master_conf", profile.network_file)
    return profile.network if file == profile.network_file else None


def keys_written_whole(conf: Mapping[str, Any]) -> list[str]:
    """The keys because of which thin's configuration is written whole."""
    return [key for key in WRITTEN_WHOLE if conf.get(key) not in (None, [], False)]


def _whole_conf(conf: Mapping[str, Any], profile: Profile) -> Iterator[Problem]:
    """What a configuration that is written whole lacks where the distribution does not say it."""
    keys = ", ".join(f"conf.{key}" for key in keys_written_whole(conf))
    because = f"is missing, and thin has no flag for {keys}, so that its configuration is written whole"
    if not profile.network_file and all(conf.get(key) is None for key in ("cluster_network", "master_conf")):
        yield Problem("conf.master_conf", because, "name the default network's file")
    elif network_name(conf, profile) is None:
        yield Problem("conf.network_name", because, "write the `name` that stands in the default network's file")


def _thick_conf(valid: Mapping[str, Any]) -> Iterator[Problem]:
    conf = valid.get("conf", {})
    if "additional_bin_dir" in conf:
        yield Problem(
            "conf.additional_bin_dir",
            "means nothing with thick, whose daemon looks in one directory",
            "put the plugins into cni_bin_dir",
        )


def _log(log: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    file = log.get("file")
    if file is not None and not formats.HOST_FILE.matches(file):
        yield no_host_path("log.file", file, "/var/log/multus.log")
    if "options" in log:
        if plugin is Plugin.THIN:
            yield Problem(
                "log.options",
                "means nothing with thin, where every call is a process of its own",
                "let the host's logrotate do it, or write plugin 'thick'",
            )
        elif file is None:
            yield Problem("log.options", "means nothing without a file", "set log.file")
        for key, value in log["options"].items():
            if value is not True and value is not False and value < 0:
                yield Problem(f"log.options.{key}", f"{value} is negative", "write 0 or more")


def _daemon(valid: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    daemon = valid.get("daemon", {})
    if plugin is Plugin.THIN:
        for key in daemon:
            yield Problem(f"daemon.{key}", "means nothing with thin, which has no daemon", "write plugin 'thick'")
        return
    release = images.release(valid.get("image", {}), plugin)
    for key, since in DAEMON_KEYS_SINCE.items():
        if daemon.get(key) and release is not None and release < since:
            first = ".".join(map(str, since))
            yield Problem(
                f"daemon.{key}", f"is silently ignored before v{first}", "take a newer image.tag, or leave it out"
            )
    limit, port = daemon.get("connection_limit", 1), daemon.get("metrics_port", 1)
    if limit < 1:
        yield Problem("daemon.connection_limit", f"{limit} lets nothing in", "write 1 or more")
    if not PORTS[0] <= port <= PORTS[1]:
        yield Problem("daemon.metrics_port", f"{port} is not a port", "write 1 to 65535")
    if daemon.get("enable_pprof") and "metrics_port" not in daemon:
        yield Problem("daemon.enable_pprof", "has no port to be served on", "set daemon.metrics_port")
    socket = daemon.get("socket_dir", DEFAULT_SOCKET_DIR)
    if not formats.SOCKET_DIR.matches(socket):
        yield Problem(
            "daemon.socket_dir",
            f"{socket!r} is not a directory of its own below /run, and the daemon erases it when it starts",
            "write one such as '/run/multus'",
        )
    yield from _certificates(daemon.get("per_node_certificates"))


def _certificates(certificates: Mapping[str, Any] | None) -> Iterator[Problem]:
    if certificates is None:
        return
    path = "daemon.per_node_certificates"
    kubeconfig = certificates.get("bootstrap_kubeconfig")
    if kubeconfig is not None and not formats.HOST_FILE.matches(kubeconfig):
        yield no_host_path(f"{path}.bootstrap_kubeconfig", kubeconfig, "/etc/kubernetes/kubelet.conf")
    duration = certificates.get("duration", DEFAULT_CERTIFICATE_DURATION)
    if not formats.DURATION.matches(duration):
        yield Problem(f"{path}.duration", f"{duration!r} is not 10 minutes or more", "write one such as '24h'")


def dhcp_image(valid: Mapping[str, Any]) -> str:
    """The image of the daemon of `dhcp`, empty where none is known that has a shell."""
    image: str = valid["dhcp_daemon"].get("image") or valid.get("reference_plugins", {}).get("image", "")
    if not image and plugin_of(valid) is Plugin.THICK:
        return images.reference(valid.get("image", {}), Plugin.THICK)
    return image


def _keeper(valid: Mapping[str, Any]) -> Iterator[Problem]:
    if "keeper" not in valid:
        return
    if valid.get("credentials") is Credentials.POD:
        reason = "leaves a token on the nodes, which with credentials 'pod' would expire"
        yield Problem("keeper", reason, "write 'durable'")
    if not k3s_has_sidecars(valid.get("k3s_version")):
        yield Problem("keeper", "is a sidecar, which Kubernetes has from 1.29 on", "remove it, or upgrade the cluster")


def _dhcp_daemon(valid: Mapping[str, Any]) -> Iterator[Problem]:
    if "dhcp_daemon" in valid and not dhcp_image(valid):
        yield Problem(
            "dhcp_daemon.image",
            "is missing, and thin's image has no shell",
            "name an image with a shell, sed, awk and base64",
        )


def _whereabouts(valid: Mapping[str, Any]) -> Iterator[Problem]:
    given = valid.get("whereabouts")
    if given is None:
        return
    if not formats.CRON.matches(given.get("reconcile", DEFAULT_RECONCILE)):
        yield Problem(
            "whereabouts.reconcile",
            f"{given['reconcile']!r} is not five fields of cron",
            "write one such as '0 * * * *'",
        )
    if valid.get("credentials") is Credentials.POD:
        yield Problem(
            "whereabouts", "keeps a token on the nodes, which with credentials 'pod' would expire", "write 'durable'"
        )


def _credentials(valid: Mapping[str, Any]) -> Iterator[Problem]:
    if valid.get("nodes") and not profile_of(valid).has_ssh:
        yield Problem("nodes", f"cannot be reached, {valid['distro'].value} has no SSH", "leave them out")
    if valid.get("credentials") is not Credentials.POD:
        return
    if valid.get("nodes"):
        yield Problem(
            "credentials",
            "'pod' gives no token to provision the listed nodes with",
            "write 'durable', or list no nodes",
        )
    if "rotation" in valid:
        yield Problem(
            "rotation", "means nothing with the pods' own tokens", "remove it, or write credentials 'durable'"
        )
