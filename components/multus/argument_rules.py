"""Why arguments that are well typed cannot work together. Pure: problems only, none of them raised here."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from . import image as images
from .args import Credentials, Distro, Method, Plugin
from .argument_types import is_opaque
from .distros import K3S_DATA_DIR, PROFILES, Profile, is_k3s_version, k3s_profile
from .errors import Problem
from .server import parse_server

# Up to here a default network that is named by its file is not given back (multus-cni#1449, mended by #1521).
LAST_LOSING_RELEASE = (4, 3, 0)
# Under the default network's name Multus would find its own file first, and call itself without end.
MULTUS_NETWORK = "multus-cni-network"
TIMEOUT_RANGE = (30, 3600)
DIAL_ERROR_RANGE = (0, 20)
DIAL_TIMEOUT_RANGE = (1, 120)
LEAST_THICK_MEMORY = 100 * 2**20
RESERVED_LABELS = ("app", "name", "tier")

_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DNS_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_LOGIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")
_HOST_KEY = re.compile(r"^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?\s*\Z")
_SAFE_PATH = re.compile(r"^/[A-Za-z0-9._/+@-]+\Z")
_PROGRAM = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_CNI_VERSION = re.compile(r"^(0\.[34]\.\d+|1\.\d+\.\d+)\Z")
_CAPABILITY = re.compile(r"^[A-Za-z][A-Za-z0-9.-]{0,63}\Z")
_CONF_FILE = re.compile(r"^[A-Za-z0-9._-]+\.(conf|conflist)\Z")
_MAX_UNAVAILABLE = re.compile(r"^([1-9][0-9]*|[1-9][0-9]?%|100%)\Z")
_DURATION = re.compile(r"^([1-9][0-9]*)(m|h)\Z")
_QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?\Z")
_LABEL_NAME = re.compile(r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_LABEL_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")

_CHART = re.compile(r"^(oci://)?[A-Za-z0-9._/:@+-]+\Z")
_REPOSITORY_URL = re.compile(r"^https?://[^\s@]+\Z")
_EXACT_VERSION = re.compile(r"^v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?\Z")

_EXPONENTS: dict[str, int] = {unit: index for index, unit in enumerate("kMGTPE", 1)}
# Arguments that mean something whatever chart is installed.
OF_ANY_CHART = (
    *("distro", "k3s_version", "flannel", "data_dir", "cni_conf_dir", "cni_bin_dir"),
    *("method", "helm", "namespace", "create_namespace", "adopt", "timeout_seconds"),
)
# Keys of `conf` for which thin's entrypoint has no flag.
WRITTEN_WHOLE = (
    "cluster_network",
    "default_networks",
    "system_namespaces",
    "multus_namespace",
    "capabilities",
    "networks_dir",
    "retry_delete_on_error",
)


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
    if not is_foreign(valid):
        yield from _api_server(valid)
    yield from images.problems(valid.get("image", {}), plugin)
    yield from _conf(valid, plugin)
    yield from _log(valid.get("log", {}), plugin)
    yield from _daemon(valid, plugin)
    yield from _scheduling(valid.get("scheduling", {}))
    yield from _resources(valid.get("resources", {}), plugin)
    if plugin is Plugin.THICK and valid.get("security", {}).get("privileged") is False:
        yield Problem(
            "security.privileged", "is false, and thick's daemon runs plugins as the host does", "leave it out"
        )
    yield from _plugins(valid)
    yield from _nodes(valid.get("nodes", ()))
    yield from _credentials(valid)


def host(path: str, text: str) -> Iterator[Problem]:
    """Why a text is no SSH host."""
    if not text or re.search(r"[\s/@]", text):
        yield Problem(
            path,
            f"{text!r} is not a host name or address",
            "write it alone, the user and the port have keys of their own",
        )


def private_key(path: str, text: str) -> Iterator[Problem]:
    """Why a text is no private key. Never shows it."""
    if "PRIVATE KEY-----" not in text:
        yield Problem(
            path, "is not a private SSH key", "give the content of the key file, which begins with '-----BEGIN'"
        )


def host_key(path: str, text: str) -> Iterator[Problem]:
    """Why a text is no host's public key."""
    if not _HOST_KEY.match(text):
        yield Problem(
            path, f"{text[:40]!r} is not a public key line", "write 'ssh-ed25519 AAAA...' without the host's name"
        )


def unbracketed(text: str) -> str:
    """An IPv6 address as SSH takes it."""
    return text.strip("[]")


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
        if key in valid and not _DNS_LABEL.match(valid[key]):
            yield Problem(key, f"{valid[key]!r} {what}", "write lower-case letters, digits and dashes")
    ssh = valid.get("ssh", {})
    for holder, key, path, (least, most), unit in (
        (valid, "timeout_seconds", "timeout_seconds", TIMEOUT_RANGE, " seconds"),
        (ssh, "dial_error_limit", "ssh.dial_error_limit", DIAL_ERROR_RANGE, ""),
        (ssh, "per_dial_timeout", "ssh.per_dial_timeout", DIAL_TIMEOUT_RANGE, " seconds"),
    ):
        if key in holder and not least <= holder[key] <= most:
            yield Problem(path, f"{holder[key]} is out of range", f"write {least} to {most}{unit}")


def is_foreign(valid: Mapping[str, Any]) -> bool:
    """Whether another chart than ours decides what is installed."""
    return "chart" in valid.get("helm", {})


def _helm(valid: Mapping[str, Any]) -> Iterator[Problem]:
    helm = valid.get("helm")
    if helm is None:
        return
    if valid.get("method") is not Method.HELM:
        yield Problem("helm", "means nothing with method 'manifest'", "write method 'helm', or remove it")
        return
    if not _is_json(helm.get("values", {}), known_late=True):
        yield Problem("helm.values", "is not made of what JSON has", "write it as a values file does")
    if not is_foreign(valid):
        for key in ("repository", "version", "daemon_set"):
            if key in helm:
                yield Problem(f"helm.{key}", "says something of another chart", "name it as helm.chart, or remove it")
        return
    yield from _foreign_chart(helm)
    for key, value in valid.items():
        if key not in OF_ANY_CHART and value not in ([], False):
            yield Problem(
                key,
                f"means nothing with chart {helm['chart']!r}, which decides by itself",
                "say it in helm.values where the chart has it, and remove it here",
            )


def _foreign_chart(helm: Mapping[str, Any]) -> Iterator[Problem]:
    chart, version, name = helm["chart"], helm.get("version"), helm.get("daemon_set")
    if not _CHART.match(chart):
        yield Problem("helm.chart", f"{chart!r} is no chart", "write a name, 'oci://...' or './path'")
    elif "repository" in helm and (chart.startswith("oci://") or "/" in chart):
        yield Problem("helm.repository", f"is given although {chart!r} says where it is", "keep one of the two")
    if "repository" in helm and not _REPOSITORY_URL.match(helm["repository"]):
        yield Problem("helm.repository", f"{helm['repository']!r} is no repository", "write its URL, 'https://...'")
    if version is None:
        yield Problem("helm.version", "is missing, and a newer chart would then install itself", "write the exact one")
    elif not _EXACT_VERSION.match(version):
        yield Problem("helm.version", f"{version!r} is not an exact version", "write one such as '4.3.0'")
    if name is None:
        yield Problem("helm.daemon_set", "is missing, and Helm waits for no DaemonSet", "name the chart's DaemonSet")
    elif not _DNS_SUBDOMAIN.match(name):
        yield Problem("helm.daemon_set", f"{name!r} is no DaemonSet's name", "write it as `kubectl get ds -A` shows it")


def _directories(valid: Mapping[str, Any]) -> Iterator[Problem]:
    profile = profile_of(valid)
    for key in ("cni_conf_dir", "cni_bin_dir", "kubelet_dir", "netns_dir", "containerd_config", "data_dir"):
        if key not in valid:
            continue
        if not _is_host_path(valid[key]):
            yield _bad_path(key, valid[key], "/etc/cni/net.d")
        elif valid[key].rstrip("/") in profile.unread_dirs and key in ("cni_conf_dir", "cni_bin_dir"):
            real = getattr(profile, key)
            k3s = ", or `flannel: false` where k3s runs without it" if profile.network == "cbr0" else ""
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
    if "cni_version" in conf and not _CNI_VERSION.match(conf["cni_version"]):
        yield Problem(
            "conf.cni_version",
            f"{conf['cni_version']!r} is not a CNI version that Multus speaks",
            "write '0.3.1', '0.4.0' or '1.0.0'",
        )
    name = conf.get("network_name", "default")
    if not _CAPABILITY.match(name) or name == MULTUS_NETWORK:
        yield Problem(
            "conf.network_name",
            f"{name!r} is not the name of a default network",
            "write the `name` that stands in its file",
        )
    yield from _default_network(valid, plugin)
    for key in ("default_networks", "system_namespaces", "global_namespaces"):
        for index, name in enumerate(conf.get(key, ())):
            if name is not None and not _DNS_SUBDOMAIN.match(name):
                yield Problem(
                    f"conf.{key}[{index}]",
                    f"{name!r} is not a name in Kubernetes",
                    "write lower-case letters, digits, dots and dashes",
                )
    if "multus_namespace" in conf and not _DNS_LABEL.match(conf["multus_namespace"]):
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
        if name is not None and not _CAPABILITY.match(name):
            yield Problem(
                f"conf.capabilities[{index}]", f"{name!r} is not a capability", "write one such as 'portMappings'"
            )
    for key in ("readiness_indicator_file", "additional_bin_dir", "networks_dir"):
        if key in conf and not _is_host_path(conf[key]):
            yield _bad_path(f"conf.{key}", conf[key], "/etc/cni/multus/net.d")
    if plugin is Plugin.THICK:
        yield from _thick_conf(valid)


def _default_network(valid: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    conf, profile = valid.get("conf", {}), profile_of(valid)
    master = conf.get("master_conf")
    if master is not None and (not _CONF_FILE.match(master) or master.startswith("00-multus")):
        yield Problem(
            "conf.master_conf",
            f"{master!r} is not the file of a default network",
            f"write its name alone, such as {profile.network_file or '10-calico.conflist'!r}",
        )
    found = list(_cluster_network(conf, profile, plugin))
    yield from found
    if plugin is Plugin.THICK or not keys_written_whole(conf):
        return
    release = images.release(valid.get("image", {}), plugin)
    if "networks_dir" in conf and release is not None and release <= LAST_LOSING_RELEASE:
        yield Problem(
            "conf.networks_dir",
            "costs the default network's addresses up to v4.3.0, which looks for both in one directory",
            "give every network definition its configuration, or take a newer image.tag",
        )
    elif not found:
        yield from _told(conf, profile)


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
    elif "/" in network and not _is_host_path(network):
        yield _bad_path(path, network, "/etc/cni/net.d/10-calico.conflist")
    elif "/" not in network and not _DNS_SUBDOMAIN.match(network):
        yield Problem(path, f"{network!r} is neither a network's name nor an absolute path", "write one such as 'cbr0'")
    elif network == MULTUS_NETWORK or posixpath.basename(network).startswith("00-multus"):
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


def _told(conf: Mapping[str, Any], profile: Profile) -> Iterator[Problem]:
    """What a configuration that is written whole has to be told where the distribution does not say it."""
    said = ", ".join(f"conf.{key}" for key in keys_written_whole(conf))
    because = f"is missing, and thin has no flag for {said}, so that its configuration is written whole"
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
    if file is not None and (not _is_host_path(file) or posixpath.dirname(file.rstrip("/")) == "/"):
        yield _bad_path("log.file", file, "/var/log/multus.log")
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
    for key in ("connection_limit", "enable_pprof"):
        if daemon.get(key) and release is not None and release < (4, 3, 0):
            yield Problem(
                f"daemon.{key}", "is silently ignored before v4.3.0", "take a newer image.tag, or leave it out"
            )
    limit, port = daemon.get("connection_limit", 1), daemon.get("metrics_port", 1)
    if limit < 1:
        yield Problem("daemon.connection_limit", f"{limit} lets nothing in", "write 1 or more")
    if not 1 <= port <= 65535:
        yield Problem("daemon.metrics_port", f"{port} is not a port", "write 1 to 65535")
    if daemon.get("enable_pprof") and "metrics_port" not in daemon:
        yield Problem("daemon.enable_pprof", "has no port to be served on", "set daemon.metrics_port")
    socket = daemon.get("socket_dir", "/run/multus").rstrip("/")
    if not _is_host_path(socket) or not re.match(r"/run/[^/]+(/.+)?\Z", socket):
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
    if kubeconfig is not None and (not _is_host_path(kubeconfig) or posixpath.dirname(kubeconfig.rstrip("/")) == "/"):
        yield _bad_path(f"{path}.bootstrap_kubeconfig", kubeconfig, "/etc/kubernetes/kubelet.conf")
    duration = certificates.get("duration", "24h")
    match = _DURATION.match(duration)
    if not match or (match[2] == "m" and int(match[1]) < 10):
        yield Problem(f"{path}.duration", f"{duration!r} is not 10 minutes or more", "write one such as '24h'")


def _scheduling(scheduling: Mapping[str, Any]) -> Iterator[Problem]:
    for group in ("node_selector", "labels", "annotations"):
        for key, value in scheduling.get(group, {}).items():
            path = f"scheduling.{group}[{key!r}]"
            if not _LABEL_NAME.match(key):
                yield Problem(path, f"{key!r} is not a label's key", "write one such as 'example.org/team'")
            elif group != "annotations" and not _LABEL_VALUE.match(value):
                yield Problem(path, f"{value!r} is not a label's value", "write at most 63 letters, digits, '-_.'")
            elif group == "labels" and key in RESERVED_LABELS:
                yield Problem(path, "is upstream's, and the DaemonSets select by it", "choose another key")
    for index, toleration in enumerate(scheduling.get("tolerations", ())):
        if toleration is not None:
            yield from _toleration(f"scheduling.tolerations[{index}]", toleration)
    affinity = scheduling.get("affinity", {})
    for key in affinity:
        if key not in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
            yield Problem(
                f"scheduling.affinity[{key!r}]",
                "is no kind of affinity",
                "write nodeAffinity, podAffinity or podAntiAffinity",
            )
    if not all(_is_json(value) and isinstance(value, Mapping) for value in affinity.values()):
        yield Problem("scheduling.affinity", "is not made of plain mappings", "write it as a manifest does")
    elif not _has_terms(affinity.get("nodeAffinity", {})):
        yield Problem(
            "scheduling.affinity",
            "has required node terms that are none",
            "write requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms as a manifest does",
        )
    name = scheduling.get("priority_class", "a")
    if not _DNS_SUBDOMAIN.match(name):
        yield Problem(
            "scheduling.priority_class", f"{name!r} is not a PriorityClass' name", "write one such as 'my-critical'"
        )
    amount = scheduling.get("max_unavailable", "1")
    if not _MAX_UNAVAILABLE.match(amount):
        yield Problem(
            "scheduling.max_unavailable", f"{amount!r} is not a number or a percentage above 0", "write '1' or '25%'"
        )


def _toleration(path: str, toleration: Mapping[str, Any]) -> Iterator[Problem]:
    operator, effect = toleration.get("operator", "Equal"), toleration.get("effect", "NoExecute")
    if operator not in ("Exists", "Equal"):
        yield Problem(f"{path}.operator", f"{operator!r} is no operator", "write 'Exists' or 'Equal'")
    elif operator == "Exists" and "value" in toleration:
        yield Problem(f"{path}.value", "is given although the operator is 'Exists'", "remove it, or write 'Equal'")
    elif operator == "Equal" and "key" not in toleration:
        yield Problem(f"{path}.key", "is missing", "set it, or write operator 'Exists'")
    if effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
        yield Problem(
            f"{path}.effect", f"{effect!r} is no effect", "write 'NoSchedule', 'PreferNoSchedule' or 'NoExecute'"
        )
    elif "toleration_seconds" in toleration and effect != "NoExecute":
        yield Problem(f"{path}.toleration_seconds", f"means nothing with {effect}", "remove it")


def _resources(resources: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    for group, amounts in resources.items():
        for name, amount in amounts.items():
            if quantity(amount) is None:
                yield Problem(
                    f"resources.{group}[{name!r}]",
                    f"{amount!r} is not an amount",
                    "write one such as '100m' or '128Mi'",
                )
    memory = quantity(resources.get("limits", {}).get("memory", "1Gi"))
    if plugin is Plugin.THICK and memory is not None and memory < LEAST_THICK_MEMORY:
        yield Problem(
            "resources.limits['memory']",
            f"{resources['limits']['memory']!r} gets thick's daemon killed, and then no pod starts",
            "write '256Mi' or more, at least '100Mi'",
        )


def quantity(text: str) -> Decimal | None:
    """A Kubernetes amount as a number, or None where it is none."""
    match = _QUANTITY.match(text)
    if not match:
        return None
    number, unit = Decimal(match[1]), match[2] or ""
    if unit == "m":
        return number / 1000
    base = 1024 if unit.endswith("i") else 1000
    exponent = _EXPONENTS.get(unit[:1].replace("K", "k"), 0)
    return number * Decimal(base**exponent)


def _plugins(valid: Mapping[str, Any]) -> Iterator[Problem]:
    reference = valid.get("reference_plugins", {})
    lists = {
        "required_plugins": valid.get("required_plugins", ()),
        "reference_plugins.names": reference.get("names", ()),
    }
    for path, names in lists.items():
        for index, name in enumerate(names):
            if name is not None and not _PROGRAM.match(name):
                yield Problem(f"{path}[{index}]", f"{name!r} is not a plugin's name", "write one such as 'macvlan'")
    if "names" in reference and not reference["names"]:
        yield Problem("reference_plugins.names", "is empty", "name the plugins, or remove reference_plugins")
    if "image" in reference:
        yield from images.reference_problems("reference_plugins.image", reference["image"])
    if "directory" in reference and not _is_host_path(reference["directory"]):
        yield _bad_path("reference_plugins.directory", reference["directory"], "/opt/cni/bin")


def _credentials(valid: Mapping[str, Any]) -> Iterator[Problem]:
    if valid.get("nodes") and not profile_of(valid).has_ssh and not is_foreign(valid):
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


def _nodes(nodes: Sequence[Mapping[str, Any] | None]) -> Iterator[Problem]:
    present = [(f"nodes[{index}]", node) for index, node in enumerate(nodes) if node is not None]
    names = Counter(node["name"] for _, node in present if "name" in node)
    hosts = Counter(_address(node) for _, node in present)
    for path, node in present:
        name = node.get("name")
        if name is not None and not _DNS_SUBDOMAIN.match(name):
            yield Problem(f"{path}.name", f"{name!r} is not a node's name", "write it as `kubectl get nodes` shows it")
        elif names[name] > 1:
            yield Problem(f"{path}.name", f"{name!r} is there {names[name]} times", "list every node once")
        if isinstance(node.get("host"), str) and hosts[_address(node)] > 1:
            yield Problem(
                f"{path}.host",
                f"{node['host']!r} is listed for more than one node",
                "give every node a host of its own",
            )
        yield from _login(path, node)
        if "proxy" in node:
            yield from _login(f"{path}.proxy", node["proxy"])


def _address(node: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What no two nodes may share, where it is known: behind two jump hosts one address may be two hosts."""
    found, proxy = node.get("host"), node.get("proxy", {}).get("host")
    return (unbracketed(found), node.get("port", 22), str(proxy)) if isinstance(found, str) else None


def _login(path: str, login: Mapping[str, Any]) -> Iterator[Problem]:
    port, user = login.get("port", 22), login.get("user", "root")
    if isinstance(login.get("host"), str):
        yield from host(f"{path}.host", login["host"])
    if not 1 <= port <= 65535:
        yield Problem(f"{path}.port", f"{port} is not a port", "write 1 to 65535")
    if not _LOGIN.match(user):
        yield Problem(f"{path}.user", f"{user!r} is not a login name", "write it as `id -un` shows it on the host")
    key, known_key = login.get("private_key"), login.get("host_key")
    ignored = login.get("insecure_ignore_host_key", False)
    if isinstance(key, str):
        yield from private_key(f"{path}.private_key", key)
    if known_key is None and not ignored:
        yield Problem(
            f"{path}.host_key",
            "is missing",
            "write what `ssh-keyscan -t ed25519 HOST` shows after the name, once compared with the host itself",
        )
    elif known_key is not None and ignored:
        yield Problem(f"{path}.insecure_ignore_host_key", "is true although a host key is given", "keep one of the two")
    elif isinstance(known_key, str):
        yield from host_key(f"{path}.host_key", known_key)


def _bad_path(path: str, value: str, example: str) -> Problem:
    return Problem(
        path, f"{value!r} is not an absolute host path of plain characters", f"write one such as {example!r}"
    )


def _is_host_path(path: str) -> bool:
    return bool(_SAFE_PATH.match(path)) and ".." not in path.split("/") and path.rstrip("/") != ""


def _is_json(value: Any, *, known_late: bool = False) -> bool:
    """Whether JSON can say it; what is only known later may be allowed to stand in it."""

    def late(part: object) -> None:
        if not (known_late and is_opaque(part)):
            raise TypeError(part)

    try:
        json.dumps(value, allow_nan=False, sort_keys=True, default=late)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _has_terms(affinity: Any) -> bool:
    """Whether required node terms, where there are any, are a list of mappings."""
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    terms = required.get("nodeSelectorTerms") if isinstance(required, Mapping) else None
    return isinstance(terms, list) and bool(terms) and all(isinstance(term, Mapping) for term in terms)
