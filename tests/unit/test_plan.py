"""Every refusal names the argument, the reason and the fix, and all of them come at once."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from multus import InvalidArgumentsError, MultusComponentArgs, resolve
from multus.args import ConfArgs, DaemonArgs, HelmArgs, ImageArgs, LogArgs, NodeArgs, SchedulingArgs, SshArgs
from multus.argument_types import fields_of
from multus.plan import ConfPlan, problems_of
from tests.support.arguments import HOST_KEY, SSH_KEY, k3s, node, vanilla


def thick(**changes: Any) -> Any:
    return k3s(plugin="thick", **changes)


def conf(**keys: Any) -> Any:
    return k3s(conf=keys)


def another_chart(*missing: str, **changes: Any) -> Any:
    helm = {"chart": "rke2-multus", "repository": "https://charts.example", "version": "4.3.0", "daemon_set": "multus"}
    kept = {key: value for key, value in {**helm, **changes}.items() if key not in missing}
    return {"distro": "rke2", "method": "helm", "helm": kept}


CERTIFICATES = "daemon.per_node_certificates"
KUBELET_CONF = "/etc/kubernetes/kubelet.conf"

REFUSALS: list[tuple[str, Any, str, str, str]] = [
    ("not-a-mapping", 5, "arguments", "5 is not a set of keys and values", "write a mapping"),
    ("none", None, "arguments", "None is not a set", "write a mapping"),
    ("distro-missing", {}, "distro", "is missing", "set `distro`"),
    ("distro-unknown", {"distro": "k3x"}, "distro", "'k3x' is not one of its values", "'k3s', 'vanilla'"),
    ("distro-type", {"distro": 3}, "distro", "3 is not one of its values", "'k3s', 'vanilla'"),
    ("unknown-key", k3s(namespac="x"), "namespac", "is not an argument", "did you mean `namespace`?"),
    ("unknown-far-key", k3s(zzz=1), "zzz", "is not an argument", "remove it; known are distro, k3s_version"),
    ("unknown-nested", k3s(image={"tagg": "x"}), "image.tagg", "is not an argument", "did you mean `tag`?"),
    ("unknown-in-node", k3s(node("a", 1, hots=1)), "nodes[0].hots", "is not an argument", "did you mean `host`?"),
    ("helm-manifest", k3s(helm={"values": {}}), "helm", "means nothing with method 'manifest'", "write method 'helm'"),
    ("method", k3s(method="hlem"), "method", "'hlem' is not one of its values", "'manifest' or 'helm'"),
    ("helm-values", k3s(method="helm", helm={"values": {"a": {1}}}), "helm.values", "JSON has", "as a values file"),
    ("helm-version", k3s(method="helm", helm={"version": "1.0.0"}), "helm.version", "another chart", "helm.chart"),
    ("helm-repo", k3s(method="helm", helm={"repository": "x"}), "helm.repository", "another chart", "helm.chart"),
    ("helm-daemon", k3s(method="helm", helm={"daemon_set": "x"}), "helm.daemon_set", "another chart", "helm.chart"),
    ("chart", another_chart("repository", chart="a chart"), "helm.chart", "'a chart' is no chart", "oci://"),
    ("chart-version", another_chart("version"), "helm.version", "is missing, and a newer chart", "the exact one"),
    ("chart-range", another_chart(version=">=4.0"), "helm.version", "is not an exact version", "'4.3.0'"),
    ("chart-daemon", another_chart("daemon_set"), "helm.daemon_set", "Helm waits for no DaemonSet", "name the chart's"),
    ("chart-ds-name", another_chart(daemon_set="A"), "helm.daemon_set", "'A' is no DaemonSet's name", "kubectl get ds"),
    ("chart-repo", another_chart(repository="x"), "helm.repository", "'x' is no repository", "https://"),
    ("chart-oci", another_chart(chart="oci://x/y"), "helm.repository", "although 'oci://x/y' says", "one of the two"),
    (
        "chart-nodes",
        another_chart() | k3s(node("a", 1), distro="rke2"),
        "nodes",
        "which decides by itself",
        "helm.values",
    ),
    ("chart-plugin", another_chart() | {"plugin": "thick"}, "plugin", "which decides by itself", "in helm.values"),
    ("chart-handover", another_chart() | {"handover": True}, "handover", "which decides by itself", "helm.values"),
    ("namespace-type", k3s(namespace=5), "namespace", "5 is not a string", "write a string"),
    ("namespace", k3s(namespace="Kube"), "namespace", "'Kube' is not a namespace name", "lower-case"),
    ("namespace-newline", k3s(namespace="kube\n"), "namespace", "is not a namespace name", "lower-case"),
    ("conf-dir-relative", k3s(cni_conf_dir="etc/cni"), "cni_conf_dir", "not an absolute host path", "'/etc/cni/net.d'"),
    ("conf-dir-blank", k3s(cni_conf_dir="/etc/my cni"), "cni_conf_dir", "plain characters", "write one such as"),
    ("bin-dir-up", k3s(cni_bin_dir="/opt/../cni"), "cni_bin_dir", "not an absolute host path", "write one such as"),
    ("bin-dir-root", k3s(cni_bin_dir="/"), "cni_bin_dir", "not an absolute host path", "write one such as"),
    ("bin-dir-newline", k3s(cni_bin_dir="/opt/cni\n"), "cni_bin_dir", "plain characters", "write one such as"),
    ("server-missing", {"distro": "vanilla"}, "api_server", "is missing, and vanilla has no", "kubectl cluster-info"),
    ("server-http", k3s(api_server="http://x"), "api_server", "does not begin with https://", "https://HOST:PORT"),
    ("server-path", k3s(api_server="https://x/a"), "api_server", "is more than scheme, host", "https://HOST:PORT"),
    ("server-user", k3s(api_server="https://u@x"), "api_server", "is more than scheme, host", "https://HOST:PORT"),
    ("server-query", k3s(api_server="https://x?a"), "api_server", "is more than scheme, host", "https://HOST:PORT"),
    ("server-port", k3s(api_server="https://x:99999"), "api_server", "is not a URL", "https://HOST:PORT"),
    ("server-bracket", k3s(api_server="https://[::1"), "api_server", "is not a URL", "https://HOST:PORT"),
    ("server-nothing", k3s(api_server="https://"), "api_server", "has no host name", "https://HOST:PORT"),
    ("server-dns", k3s(api_server="https://kubernetes.default.svc"), "api_server", "cluster DNS only", "https://HOST"),
    ("server-type", k3s(api_server=1), "api_server", "1 is not a string", "write a string"),
    ("rotation", k3s(rotation="a_b"), "rotation", "'a_b' cannot be part of a Secret's name", "lower-case"),
    ("timeout-low", k3s(timeout_seconds=29), "timeout_seconds", "29 is out of range", "30 to 3600"),
    ("timeout-high", k3s(timeout_seconds=3601), "timeout_seconds", "3601 is out of range", "30 to 3600"),
    ("dial-errors-low", k3s(ssh={"dial_error_limit": -1}), "ssh.dial_error_limit", "-1 is out of range", "0 to 20"),
    ("dial-errors-high", k3s(ssh={"dial_error_limit": 21}), "ssh.dial_error_limit", "21 is out of range", "0 to 20"),
    ("dial-low", k3s(ssh={"per_dial_timeout": 0}), "ssh.per_dial_timeout", "0 is out of range", "1 to 120 seconds"),
    ("dial-high", k3s(ssh={"per_dial_timeout": 121}), "ssh.per_dial_timeout", "121 is out of range", "1 to 120"),
    ("ssh-text", k3s(ssh="fast"), "ssh", "'fast' is not a set of keys", "write a mapping"),
    ("timeout-bool", k3s(timeout_seconds=True), "timeout_seconds", "True is not a whole number", "whole number"),
    ("timeout-half", k3s(timeout_seconds=30.5), "timeout_seconds", "30.5 is not a whole number", "whole number"),
    ("adopt-text", k3s(adopt="true"), "adopt", "'true' is not a boolean", "true or false"),
    ("live", k3s(live_attachments="keep"), "live_attachments", "'keep' is not one", "'refuse' or 'proceed'"),
    ("openshift", {"distro": "openshift"}, "distro", "'openshift' brings Multus itself", "use the cluster's own"),
    ("version", k3s(k3s_version="1.31"), "k3s_version", "'1.31' is not a k3s version", "k3s --version"),
    ("version-elsewhere", vanilla(k3s_version="v1.31.2"), "k3s_version", "says something of k3s", "remove it"),
    ("flannel-elsewhere", vanilla(flannel=True), "flannel", "says something of k3s, and the dis", "remove it"),
    ("data-dir-elsewhere", vanilla(data_dir="/srv"), "data_dir", "says something of k3s", "remove it"),
    ("data-dir", k3s(data_dir="srv"), "data_dir", "not an absolute host path", "write one such as"),
    ("kubelet-dir", k3s(kubelet_dir="x"), "kubelet_dir", "not an absolute host path", "write one such as"),
    ("netns-dir", k3s(netns_dir="x"), "netns_dir", "not an absolute host path", "write one such as"),
    ("containerd", k3s(containerd_config="x"), "containerd_config", "not an absolute host path", "write one such as"),
    ("bin-dir-k3s", k3s(cni_bin_dir="/opt/cni/bin"), "cni_bin_dir", "not read by the runtime of k3s", "data/cni'"),
    (
        "bin-dir-never",
        k3s(cni_bin_dir="/var/lib/rancher/k3s/data/cni/bin/"),
        "cni_bin_dir",
        "not read by the runtime of k3s",
        "'/var/lib/rancher/k3s/data/cni', or `flannel: false`",
    ),
    ("conf-dir-k3s", k3s(cni_conf_dir="/etc/cni/net.d"), "cni_conf_dir", "not read by the runtime", "flannel: false"),
    (
        "bin-dir-gke",
        {"distro": "gke", "api_server": "https://192.0.2.1", "cni_bin_dir": "/opt/cni/bin"},
        "cni_bin_dir",
        "not read by the runtime of gke",
        "'/home/kubernetes/bin'",
    ),
    ("plugin", k3s(plugin="thik"), "plugin", "'thik' is not one", "'thin' or 'thick'"),
    ("create-namespace", k3s(create_namespace=1), "create_namespace", "1 is not a boolean", "true or false"),
    ("credentials", k3s(credentials="token"), "credentials", "'token' is not one", "'durable' or 'pod'"),
    ("pod-nodes", k3s(node("a", 1), credentials="pod"), "credentials", "no token to provision", "list no nodes"),
    ("pod-rotation", k3s(credentials="pod", rotation="2"), "rotation", "means nothing", "credentials 'durable'"),
    ("node-cleanup", k3s(node_cleanup="no"), "node_cleanup", "'no' is not a boolean", "true or false"),
    ("talos-nodes", {"distro": "talos", "nodes": [node("a", 1)]}, "nodes", "talos has no SSH", "leave them out"),
    ("required", k3s(required_plugins=["a/b"]), "required_plugins[0]", "'a/b' is not a plugin's", "'macvlan'"),
    ("image-type", k3s(image="x"), "image", "'x' is not a set of keys", "write a mapping"),
    ("repository", k3s(image={"repository": "x:1"}), "image.repository", "not an image name without", "multus-cni"),
    ("tag", k3s(image={"tag": "a b"}), "image.tag", "'a b' is not a tag", "'v4.3.0'"),
    ("tag-moving", k3s(image={"tag": "latest"}), "image.tag", "'latest' moves", "'v4.3.0'"),
    ("tag-moving-thick", k3s(image={"tag": "snapshot-thick"}), "image.tag", "moves", "'v4.3.0'"),
    ("tag-other", k3s(image={"tag": "v4.2.4-thick"}), "image.tag", "not upstream's thin image", "'v4.3.0'"),
    ("tag-thin", thick(image={"tag": "v4.3.0"}), "image.tag", "not upstream's thick image", "'v4.3.0-thick'"),
    ("tag-old", k3s(image={"tag": "v4.0.2"}), "image.tag", "older than v4.1.0", "'v4.3.0'"),
    ("tag-old-thick", thick(image={"tag": "v4.2.2-thick"}), "image.tag", "older than v4.2.3", "'v4.3.0-thick'"),
    ("registry", k3s(image={"registry": "a b"}), "image.registry", "not a registry's name", "registry.example"),
    ("digest", k3s(image={"digest": "sha256:1"}), "image.digest", "is not a digest", "64 hex digits"),
    ("pull-policy", k3s(image={"pull_policy": "Ever"}), "image.pull_policy", "'Ever' is no pull policy", "Never"),
    ("pull-secret", k3s(image={"pull_secrets": ["a", "B"]}), "image.pull_secrets[1]", "not a Secret's name", "dots"),
    ("pull-secrets", k3s(image={"pull_secrets": "a"}), "image.pull_secrets", "'a' is not a list", "write a list"),
    ("pull-secret-type", k3s(image={"pull_secrets": [1]}), "image.pull_secrets[0]", "1 is not a string", "a string"),
    ("nodes-type", k3s() | {"nodes": {"a": 1}}, "nodes", "a value of type dict is not a list", "write a list"),
    ("node-type", k3s() | {"nodes": ["a"]}, "nodes[0]", "'a' is not a set of keys", "write a mapping"),
    ("node-name", k3s(node("A b", 1)), "nodes[0].name", "'A b' is not a node's name", "kubectl get nodes"),
    ("node-twice", k3s(node("a", 1), node("a", 2)), "nodes[1].name", "'a' is there 2 times", "every node once"),
    ("host-twice", k3s(node("a", 1), node("b", 1)), "nodes[1].host", "for more than one node", "host of its own"),
    (
        "host-twice-brackets",
        k3s(node("a", 1, host="2001:db8::1"), node("b", 1, host="[2001:db8::1]")),
        "nodes[0].host",
        "for more than one node",
        "host of its own",
    ),
    ("host-user", k3s(node("a", 1, host="u@h")), "nodes[0].host", "'u@h' is not a host name", "keys of their own"),
    ("host-empty", k3s(node("a", 1, host="")), "nodes[0].host", "'' is not a host name", "write it alone"),
    ("port-low", k3s(node("a", 1, port=0)), "nodes[0].port", "0 is not a port", "1 to 65535"),
    ("port-type", k3s(node("a", 1, port="22")), "nodes[0].port", "'22' is not a whole number", "whole number"),
    ("user", k3s(node("a", 1, user="a b")), "nodes[0].user", "'a b' is not a login name", "id -un"),
    ("key", k3s(node("a", 1, private_key="~/.ssh/id")), "nodes[0].private_key", "not a private SSH key", "-----BEGIN"),
    ("key-type", k3s(node("a", 1, private_key=5)), "nodes[0].private_key", "of type int is not a string", "a string"),
    (
        "host-key-missing",
        k3s({"name": "a", "host": "h", "private_key": SSH_KEY}),
        "nodes[0].host_key",
        "is missing",
        "ssh-keyscan",
    ),
    (
        "host-key",
        k3s(node("a", 1, host_key="h ssh-rsa AA")),
        "nodes[0].host_key",
        "not a public key line",
        "ssh-ed25519",
    ),
    (
        "host-key-ignored",
        k3s(node("a", 1, insecure_ignore_host_key=True)),
        "nodes[0].insecure_ignore_host_key",
        "is true although a host key is given",
        "keep one",
    ),
    ("sudo", k3s(node("a", 1, sudo="yes")), "nodes[0].sudo", "'yes' is not a boolean", "true or false"),
    ("gone", k3s(node("a", 1, gone="yes")), "nodes[0].gone", "'yes' is not a boolean", "true or false"),
    ("proxy", k3s(node("a", 1, proxy="jump")), "nodes[0].proxy", "'jump' is not a set of keys", "a mapping"),
    (
        "proxy-key",
        k3s(node("a", 1, proxy={"host": "192.0.2.9"})),
        "nodes[0].proxy.host_key",
        "is missing",
        "ssh-keyscan",
    ),
    (
        "proxy-port",
        k3s(node("a", 1, proxy={"host": "192.0.2.9", "host_key": HOST_KEY, "port": 0})),
        "nodes[0].proxy.port",
        "0 is not a port",
        "1 to 65535",
    ),
    # Thin and thick, each with what only the other has.
    ("log-options-thin", k3s(log={"options": {"max_age": 1}}), "log.options", "means nothing with thin", "logrotate"),
    ("limit-thin", k3s(daemon={"connection_limit": 5}), "daemon.connection_limit", "with thin", "plugin 'thick'"),
    ("port-thin", k3s(daemon={"metrics_port": 5}), "daemon.metrics_port", "with thin", "plugin 'thick'"),
    ("network-thick", thick(conf={"cluster_network": "/etc/x"}), "conf.cluster_network", "in the daemon's", "master_c"),
    ("bin-thick", thick(conf={"additional_bin_dir": "/a"}), "conf.additional_bin_dir", "with thick", "cni_bin_dir"),
    ("memory", thick(resources={"limits": {"memory": "50Mi"}}), "resources.limits['memory']", "killed", "'256Mi'"),
    ("memory-M", thick(resources={"limits": {"memory": "100M"}}), "resources.limits['memory']", "killed", "'256Mi'"),
    ("privileged", thick(security={"privileged": False}), "security.privileged", "is false", "leave it out"),
    # What Multus reads.
    ("conf", k3s(conf=5), "conf", "5 is not a set of keys", "write a mapping"),
    ("rename", conf(rename_conf_file=True), "conf.rename_conf_file", "is not an argument", "remove it"),
    ("cni-version", conf(cni_version="1"), "conf.cni_version", "'1' is not a CNI version", "'1.0.0'"),
    ("override", conf(override_network_name=1), "conf.override_network_name", "1 is not a boolean", "true or false"),
    ("name", conf(network_name="a b"), "conf.network_name", "'a b' is not the name of a", "`name`"),
    ("master", conf(master_conf="/etc/a.conf"), "conf.master_conf", "is not the file of a default", "10-flannel.conf"),
    ("master-own", conf(master_conf="00-multus.conf"), "conf.master_conf", "is not the file of a", "10-flannel"),
    ("flannel", conf(cluster_network="flannel"), "conf.cluster_network", "'flannel' is not what", "'cbr0'"),
    ("network", conf(cluster_network="a b"), "conf.cluster_network", "neither a network's name nor", "'cbr0'"),
    ("network-path", conf(cluster_network="a/b"), "conf.cluster_network", "not an absolute host", "10-calico"),
    ("network-own", conf(cluster_network="/e/00-multus.conf"), "conf.cluster_network", "Multus' own", "default net"),
    ("network-self", conf(cluster_network="multus-cni-network"), "conf.cluster_network", "call itself", "default"),
    ("name-self", conf(network_name="multus-cni-network"), "conf.network_name", "is not the name of a", "`name`"),
    (
        "network-twice",
        conf(cluster_network="cbr0", master_conf="10-flannel.conflist"),
        "conf.cluster_network",
        "is given although conf.master_conf is",
        "keep one",
    ),
    (
        "whole-master",
        vanilla(conf={"default_networks": ["a"]}),
        "conf.master_conf",
        "thin has no flag for conf.default_networks",
        "name the default network's file",
    ),
    (
        "whole-name",
        vanilla(conf={"multus_namespace": "a", "master_conf": "10-calico.conflist"}),
        "conf.network_name",
        "thin has no flag for conf.multus_namespace",
        "write the `name`",
    ),
    ("default", conf(default_networks=["A"]), "conf.default_networks[0]", "'A' is not a name", "lower-case"),
    (
        "system",
        conf(system_namespaces=["a"]),
        "conf.system_namespaces",
        "means nothing without default networks",
        "set conf.default_networks",
    ),
    ("multus-namespace", conf(multus_namespace="A"), "conf.multus_namespace", "not a namespace name", "lower-case"),
    ("isolation", conf(namespace_isolation=1), "conf.namespace_isolation", "1 is not a boolean", "true or false"),
    ("global", conf(global_namespaces=["a"]), "conf.global_namespaces", "without isolation", "namespace_isolation"),
    ("capability", conf(capabilities=["a b"]), "conf.capabilities[0]", "is not a capability", "portMappings"),
    ("indicator", conf(readiness_indicator_file="x"), "conf.readiness_indicator_file", "absolute", "write one"),
    ("more-bin", conf(additional_bin_dir="x"), "conf.additional_bin_dir", "absolute", "write one"),
    (
        "networks-dir",
        k3s(conf={"networks_dir": "x"}, image={"tag": "v4.3.1"}),
        "conf.networks_dir",
        "absolute",
        "write one",
    ),
    ("networks-dir-old", conf(networks_dir="/a/b"), "conf.networks_dir", "up to v4.3.0", "newer image.tag"),
    ("retry", conf(retry_delete_on_error=1), "conf.retry_delete_on_error", "1 is not a boolean", "true or false"),
    ("log", k3s(log=5), "log", "5 is not a set of keys", "write a mapping"),
    ("log-level", k3s(log={"level": "loud"}), "log.level", "'loud' is not one", "'panic'"),
    ("log-file", k3s(log={"file": "/multus.log"}), "log.file", "absolute host path", "/var/log/multus.log"),
    ("log-stderr", k3s(log={"to_stderr": 1}), "log.to_stderr", "1 is not a boolean", "true or false"),
    ("log-no-file", thick(log={"options": {}}), "log.options", "without a file", "set log.file"),
    (
        "log-negative",
        thick(log={"file": "/var/log/m.log", "options": {"max_age": -1}}),
        "log.options.max_age",
        "-1 is negative",
        "0 or more",
    ),
    # The daemon.
    ("daemon", thick(daemon=5), "daemon", "5 is not a set of keys", "write a mapping"),
    ("limit", thick(daemon={"connection_limit": 0}), "daemon.connection_limit", "lets nothing in", "1 or more"),
    (
        "limit-old",
        thick(daemon={"connection_limit": 5}, image={"tag": "v4.2.4-thick"}),
        "daemon.connection_limit",
        "silently ignored before v4.3.0",
        "newer image.tag",
    ),
    ("metrics", thick(daemon={"metrics_port": 0}), "daemon.metrics_port", "0 is not a port", "1 to 65535"),
    ("pprof", thick(daemon={"enable_pprof": True}), "daemon.enable_pprof", "has no port", "set daemon.metrics_port"),
    ("socket", thick(daemon={"socket_dir": "/run"}), "daemon.socket_dir", "erases it", "'/run/multus'"),
    ("socket-var", thick(daemon={"socket_dir": "/var/run/m"}), "daemon.socket_dir", "below /run", "'/run/multus'"),
    (
        "certificates",
        thick(daemon={"per_node_certificates": {}}),
        f"{CERTIFICATES}.bootstrap_kubeconfig",
        "miss",
        "set",
    ),
    (
        "certificate-path",
        thick(daemon={"per_node_certificates": {"bootstrap_kubeconfig": "x"}}),
        f"{CERTIFICATES}.bootstrap_kubeconfig",
        "absolute host path",
        KUBELET_CONF,
    ),
    (
        "certificate-duration",
        thick(daemon={"per_node_certificates": {"bootstrap_kubeconfig": KUBELET_CONF, "duration": "5m"}}),
        f"{CERTIFICATES}.duration",
        "'5m' is not 10 minutes or more",
        "'24h'",
    ),
    # The pods.
    ("scheduling", k3s(scheduling=5), "scheduling", "5 is not a set of keys", "write a mapping"),
    ("selector", k3s(scheduling={"node_selector": {"a b": "c"}}), "scheduling.node_selector['a b']", "key", "team"),
    ("selector-keys", k3s(scheduling={"node_selector": {1: "c"}}), "scheduling.node_selector", "no strings", "string"),
    ("selector-type", k3s(scheduling={"node_selector": {"a": 1}}), "scheduling.node_selector['a']", "string", "string"),
    ("label", k3s(scheduling={"labels": {"a": "b c"}}), "scheduling.labels['a']", "not a label's value", "63"),
    ("label-own", k3s(scheduling={"labels": {"app": "b"}}), "scheduling.labels['app']", "is upstream's", "another key"),
    ("annotation", k3s(scheduling={"annotations": {"": "b"}}), "scheduling.annotations['']", "not a label's", "team"),
    ("tolerations", k3s(scheduling={"tolerations": 1}), "scheduling.tolerations", "is not a list", "write a list"),
    (
        "toleration",
        k3s(scheduling={"tolerations": [{"key": "a", "operator": "In"}]}),
        "scheduling.tolerations[0].operator",
        "'In' is no operator",
        "'Exists' or 'Equal'",
    ),
    (
        "toleration-value",
        k3s(scheduling={"tolerations": [{"operator": "Exists", "value": "a"}]}),
        "scheduling.tolerations[0].value",
        "although the operator is 'Exists'",
        "remove it",
    ),
    (
        "toleration-key",
        k3s(scheduling={"tolerations": [{"value": "a"}]}),
        "scheduling.tolerations[0].key",
        "is missing",
        "'Exists'",
    ),
    (
        "toleration-effect",
        k3s(scheduling={"tolerations": [{"operator": "Exists", "effect": "No"}]}),
        "scheduling.tolerations[0].effect",
        "'No' is no effect",
        "'NoSchedule'",
    ),
    (
        "toleration-seconds",
        k3s(scheduling={"tolerations": [{"operator": "Exists", "effect": "NoSchedule", "toleration_seconds": 1}]}),
        "scheduling.tolerations[0].toleration_seconds",
        "means nothing with NoSchedule",
        "remove it",
    ),
    (
        "affinity-kind",
        k3s(scheduling={"affinity": {"node_affinity": {}}}),
        "scheduling.affinity['node_affinity']",
        "no kind of affinity",
        "nodeAffinity",
    ),
    ("affinity", k3s(scheduling={"affinity": {"podAffinity": 1}}), "scheduling.affinity", "plain mappings", "manifest"),
    (
        "affinity-terms",
        k3s(scheduling={"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}}),
        "scheduling.affinity",
        "node terms that are none",
        "nodeSelectorTerms",
    ),
    ("priority", k3s(scheduling={"priority_class": "A"}), "scheduling.priority_class", "not a Priority", "critical"),
    ("unavailable", k3s(scheduling={"max_unavailable": "0"}), "scheduling.max_unavailable", "above 0", "'25%'"),
    ("surge", k3s(scheduling={"max_surge": "1"}), "scheduling.max_surge", "is not an argument", "remove it"),
    ("resources", k3s(resources={"limits": {"cpu": "x"}}), "resources.limits['cpu']", "not an amount", "'100m'"),
    ("resources-type", k3s(resources=5), "resources", "5 is not a set of keys", "write a mapping"),
    ("security", k3s(security=5), "security", "5 is not a set of keys", "write a mapping"),
    ("reference", k3s(reference_plugins=5), "reference_plugins", "5 is not a set of keys", "write a mapping"),
    ("reference-image", k3s(reference_plugins={"names": ["a"]}), "reference_plugins.image", "is missing", "set"),
    (
        "reference-moving",
        k3s(reference_plugins={"names": ["a"], "image": "x/y:latest"}),
        "reference_plugins.image",
        "moves",
        "a fixed tag or a digest",
    ),
    (
        "reference-untagged",
        k3s(reference_plugins={"names": ["a"], "image": "registry.example:5000/y"}),
        "reference_plugins.image",
        "moves",
        "a fixed tag or a digest",
    ),
    (
        "reference-none",
        k3s(reference_plugins={"names": [], "image": "x/y:1"}),
        "reference_plugins.names",
        "is empty",
        "name the plugins",
    ),
    (
        "reference-name",
        k3s(reference_plugins={"names": ["../x"], "image": "x/y:1"}),
        "reference_plugins.names[0]",
        "is not a plugin's name",
        "'macvlan'",
    ),
]


@pytest.mark.parametrize(
    ("args", "path", "reason", "fix"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_plan_refuses(args: Any, path: str, reason: str, fix: str) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        resolve(args)
    problem = next(problem for problem in caught.value.problems if problem.path == path)
    assert reason in problem.reason
    assert fix in problem.fix
    assert str(problem) in str(caught.value)


def test_plan_refuses_nothing_else_with_it() -> None:
    """One mistake is one problem: the rows above add no noise of their own."""
    twice = {"not-a-mapping", "none", "node-twice", "host-twice", "host-twice-brackets"}
    assert twice < {name for name, *_ in REFUSALS}
    for name, args, path, *_ in REFUSALS:
        if name not in twice:
            assert [problem.path for problem in problems_of(args)] == [path], name


def test_plan_refuses_everything_at_once() -> None:
    args = k3s(
        node("a", 1, port="x", host_key="no"),
        {"name": "a", "hots": "h"},
        namespace="Kube",
        timeout_seconds="soon",
        image={"tag": "latest", "digest": 4},
        zzz=1,
    )
    assert {problem.path for problem in problems_of(args)} == {
        "zzz",
        "timeout_seconds",
        "image.digest",
        "image.tag",
        "namespace",
        "nodes[0].port",
        "nodes[0].name",
        "nodes[0].host_key",
        "nodes[1].host",
        "nodes[1].hots",
        "nodes[1].name",
        "nodes[1].private_key",
        "nodes[1].host_key",
    }


def test_plan_shows_no_secret() -> None:
    for key in ("made-up secret", ["made-up secret"], {"made-up": "secret"}):
        with pytest.raises(InvalidArgumentsError) as caught:
            resolve(k3s(node("a", 1, private_key=key)))
        assert "made-up" not in str(caught.value)


def test_plan_never_prints_the_key() -> None:
    assert "made0up0" not in repr(resolve(k3s(node("a", 1))))


def test_error_counts_and_lists() -> None:
    with pytest.raises(InvalidArgumentsError) as one:
        resolve({})
    assert str(one.value) == "Multus was not planned, 1 argument cannot work:\n  distro: is missing; set `distro`."
    with pytest.raises(InvalidArgumentsError, match="2 arguments cannot work"):
        resolve({"zzz": 1})
    assert isinstance(one.value, pulumi.RunError)
    # The SDK wraps a ValueError on its way out of an Output, and a traceback follows.
    assert not isinstance(one.value, ValueError)


def test_plan_of_k3s_has_the_defaults() -> None:
    plan = resolve({"distro": "k3s"})
    assert plan.model_dump(mode="json") == {
        "distro": "k3s",
        "plugin": "thin",
        "method": "manifest",
        "helm": {"values": {}, "chart": None, "repository": None, "version": None, "daemon_set": None},
        "handover": False,
        "namespace": "kube-system",
        "create_namespace": False,
        "image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0",
        "pull_policy": "IfNotPresent",
        "pull_secrets": [],
        "cni_conf_dir": "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "cni_bin_dir": "/var/lib/rancher/k3s/data/cni",
        "plugins_dir": "/var/lib/rancher/k3s/data",
        "kubelet_dir": "/var/lib/kubelet",
        "netns_dir": "/run/netns",
        "containerd_config": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        "api_server": "https://127.0.0.1:6444",
        "conf": ConfPlan().model_dump(mode="json"),
        "whole_conf": None,
        "log": {"level": None, "file": None, "to_stderr": True, "options": {}},
        "daemon": {
            "connection_limit": None,
            "metrics_port": None,
            "enable_pprof": False,
            "socket_dir": "/run/multus",
            "per_node_certificates": None,
        },
        "scheduling": {
            "node_selector": {},
            "tolerations": None,
            "affinity": {},
            "priority_class": "system-node-critical",
            "max_unavailable": "25%",
            "labels": {},
            "annotations": {},
        },
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "privileged": False,
        "selinux": {},
        "reference_plugins": None,
        "required_plugins": [],
        "nodes": [],
        "credentials": "durable",
        "rotation": "1",
        "adopt": False,
        "node_cleanup": True,
        "live_attachments": "refuse",
        "ssh": {"dial_error_limit": 3, "per_dial_timeout": 10},
        "timeout_seconds": 300,
    }
    assert plan.token_secret == "multus-token-1"


def test_plan_of_thick_has_defaults_of_its_own() -> None:
    plan = resolve(thick())
    assert plan.image == "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick"
    assert plan.scheduling.max_unavailable == "1"
    assert plan.resources == {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0"),
        ({"registry": "r.example:5000"}, "r.example:5000/k8snetworkplumbingwg/multus-cni:v4.3.0"),
        ({"registry": "r.example/ghcr", "repository": "a/b", "tag": "x"}, "r.example/ghcr/a/b:x"),
        ({"repository": "localhost/a", "registry": "r"}, "r/a:v4.3.0"),
    ],
    ids=["none", "mirror", "mirror-with-path", "localhost"],
)
def test_a_mirror_stands_in_for_the_registry(given: dict[str, str], expected: str) -> None:
    assert resolve(k3s(image=given)).image == expected


def test_a_jump_host_takes_the_nodes_key() -> None:
    proxy = {"host": "[2001:db8::9]", "host_key": HOST_KEY, "port": 2200.0}
    (planned,) = resolve(k3s(node("a", 1, proxy=proxy))).nodes
    assert planned.proxy is not None
    assert (planned.proxy.host, planned.proxy.port, planned.proxy.user) == ("2001:db8::9", 2200, "root")
    assert planned.proxy.private_key == SSH_KEY


@pytest.mark.parametrize(
    ("login", "sudo"),
    [({}, False), ({"user": "admin"}, True), ({"user": "admin", "sudo": False}, False), ({"sudo": True}, True)],
    ids=["root", "admin", "admin-without", "root-with"],
)
def test_sudo_is_for_whoever_is_not_root(login: dict[str, Any], sudo: bool) -> None:
    assert resolve(k3s(node("a", 1, **login))).nodes[0].sudo is sudo


def test_one_address_behind_two_jump_hosts_is_two_nodes() -> None:
    jumps = [{"host": f"192.0.2.{number}", "host_key": HOST_KEY} for number in (8, 9)]
    nodes = [node(name, 1, proxy=jump) for name, jump in zip("ab", jumps, strict=True)]
    assert len(resolve(k3s(*nodes)).nodes) == 2


def test_plugins_that_a_container_brings_need_not_be_there_before() -> None:
    plan = resolve(
        k3s(required_plugins=["macvlan", "dhcp"], reference_plugins={"names": ["macvlan"], "image": "a/b:1"})
    )
    assert plan.required_plugins == ("dhcp",)


def test_plan_of_vanilla_has_its_paths() -> None:
    plan = resolve(vanilla())
    assert (plan.cni_conf_dir, plan.cni_bin_dir) == ("/etc/cni/net.d", "/opt/cni/bin")
    assert plan.containerd_config == "/etc/containerd/config.toml"
    assert plan.api_server == "https://192.0.2.1:6443"


def test_plan_normalises() -> None:
    plan = resolve(
        k3s(
            node("a", 1, host="[2001:db8::7]", port=2222.0, host_key=HOST_KEY + "\n"),
            cni_conf_dir="/srv/cni/net.d/",
            timeout_seconds=60.0,
            image={"digest": "sha256:" + "a" * 64, "tag": "latest"},
        )
    )
    (planned,) = plan.nodes
    assert (planned.host, planned.port, planned.user, planned.path) == ("2001:db8::7", 2222, "root", "nodes[0]")
    assert isinstance(planned.port, int)
    assert isinstance(plan.timeout_seconds, int)
    assert plan.cni_conf_dir == "/srv/cni/net.d"
    assert plan.kubeconfig_path == "/srv/cni/net.d/multus.d/multus.kubeconfig"
    assert plan.image == "ghcr.io/k8snetworkplumbingwg/multus-cni@sha256:" + "a" * 64


def test_plan_takes_a_node_without_host_key_when_told() -> None:
    (planned,) = resolve(
        k3s({"name": "a", "host": "h", "private_key": SSH_KEY, "insecure_ignore_host_key": True})
    ).nodes
    assert planned.host_key is None


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ({"rotation": "2"}, True),
        ({"namespace": "multus"}, True),
        ({"image": {"tag": "v4.2.4"}}, True),
        ({"cni_bin_dir": "/srv/cni/bin"}, True),
        ({"plugin": "thick"}, True),
        ({"conf": {"namespace_isolation": True}}, True),
        ({"node_cleanup": False}, False),
        ({"adopt": True}, False),
        ({"live_attachments": "proceed"}, False),
        ({"timeout_seconds": 60}, False),
        ({"ssh": {"per_dial_timeout": 60}}, False),
        ({"nodes": [node("a", 1)]}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_fingerprint_changes_with_what_nodes_are_checked_for(change: dict[str, Any], changes: bool) -> None:
    assert (resolve({"distro": "k3s", **change}).fingerprint != resolve({"distro": "k3s"}).fingerprint) is changes


def test_another_chart_needs_no_api_server_and_nothing_of_ours() -> None:
    plan = resolve({**another_chart(values={"config": {"cni_conf": {}}}), "distro": "vanilla", "nodes": []})
    assert plan.helm.values == {"config": {"cni_conf": {}}}
    assert not plan.has_own_chart


def test_values_may_hold_what_is_known_late() -> None:
    late = pulumi.Output.from_input("x")
    plan = resolve(k3s(method="helm", helm={"values": {"podAnnotations": {"a": late}}}))
    assert plan.helm.values["podAnnotations"]["a"] is late
    assert plan.fingerprint == resolve(k3s(method="helm", helm={"values": {"podAnnotations": {"a": late}}})).fingerprint


def test_every_argument_is_tried_in_a_refusal() -> None:
    """An argument that is never refused is either unchecked or unknown to this table."""
    paths = [path for _, _, path, *_ in REFUSALS]
    tried = {*paths, *(path.split("[")[0] for path in paths), f"{CERTIFICATES}" if CERTIFICATES in str(paths) else ""}
    expected = {
        *fields_of(MultusComponentArgs),
        *(f"helm.{key}" for key in fields_of(HelmArgs)),
        *(f"image.{key}" for key in fields_of(ImageArgs) if key != "pull_secrets"),
        *(f"conf.{key}" for key in fields_of(ConfArgs)),
        *(f"log.{key}" for key in fields_of(LogArgs)),
        *(f"daemon.{key}" for key in fields_of(DaemonArgs)),
        *(f"scheduling.{key}" for key in fields_of(SchedulingArgs)),
        *(f"ssh.{key}" for key in fields_of(SshArgs)),
        *(f"nodes[0].{key}" for key in fields_of(NodeArgs)),
    }
    assert expected <= tried
