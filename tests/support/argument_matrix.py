"""Arguments of every kind, for comparing what two ways make of them."""

from __future__ import annotations

from typing import Any

from multus.args import Distro, MultusComponentArgs
from multus.plan import problems_of
from tests.support.arguments import API_SERVER

_DISTROS: dict[str, Any] = {
    **{distro.value: {"distro": distro.value} for distro in Distro if distro is not Distro.OPENSHIFT},
    "k3s-old": {"distro": "k3s", "k3s_version": "v1.28.14+k3s1"},
    "k3s-bare": {"distro": "k3s", "flannel": False},
    "k3s-elsewhere": {"distro": "k3s", "data_dir": "/srv/k3s/"},
    "paths": {
        "distro": "vanilla",
        "cni_conf_dir": "/srv/cni/net.d/",
        "cni_bin_dir": "/srv/cni/bin/",
        "kubelet_dir": "/srv/kubelet/",
        "netns_dir": "/srv/netns/",
    },
}
_AFFINITY = {
    "podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}}
        ]
    },
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "true"]}]},
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]},
            ]
        },
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 7, "preference": {"matchExpressions": [{"key": "c", "operator": "Exists"}]}}
        ],
    },
}
_NETWORK = {"master_conf": "10-calico.conflist", "network_name": "k8s-pod-network"}
_COMMON: dict[str, Any] = {
    "least": {},
    "tag": {"image": {"repository": "r.example/m/multus", "tag": "v4.2.4-mine", "pull_policy": "Always"}},
    "digest": {"image": {"digest": f"sha256:{'0a' * 32}", "pull_secrets": ["one", "two"]}},
    "mirror": {"image": {"registry": "mirror.example:5000/ghcr"}},
    "server": {"api_server": "https://[2001:db8::1]:6443"},
    "conf": {"conf": {"cni_version": "1.0.0", "override_network_name": False, "master_conf": "10-calico.conflist"}},
    "isolation": {"conf": {"namespace_isolation": True, "global_namespaces": ["default", "shared"]}},
    "isolation-alone": {"conf": {"namespace_isolation": True}},
    "readiness": {"conf": {"readiness_indicator_file": "/run/flannel/subnet.env"}},
    "log": {"log": {"level": "debug", "file": "/var/log/multus/multus.log", "to_stderr": False}},
    "scheduling": {
        "scheduling": {
            "node_selector": {"example.org/multus": "true", "zone": "1"},
            "tolerations": [
                {"key": "a", "value": "b", "effect": "NoSchedule"},
                {"operator": "Exists", "effect": "NoExecute", "toleration_seconds": 3000000},
            ],
            "priority_class": "mine",
            "max_unavailable": "3",
            "min_ready_seconds": 20,
            "labels": {"team": "net", "number": "12"},
            "annotations": {"example.org/note": "a: 'b' {c}", "on": "yes"},
        }
    },
    "affinity": {"scheduling": {"affinity": _AFFINITY}},
    "intolerant": {"scheduling": {"tolerations": [], "max_unavailable": "50%"}},
    "resources": {"resources": {"requests": {"cpu": "1", "memory": "200Mi"}, "limits": {}}},
    "requests-alone": {"resources": {"requests": {}}},
    "selinux": {"security": {"privileged": True, "selinux": {"type": "spc_t", "level": "s0:c1,c2", "role": "r"}}},
    "selinux-alone": {"security": {"selinux": {"user": "u"}}},
    "plugins": {"reference_plugins": {"names": ["macvlan", "dhcp"], "image": "r.example/p:1", "directory": "/opt/p"}},
    "dhcp": {"dhcp_daemon": {"image": "r.example/shell:1"}},
    "whereabouts": {"whereabouts": {}},
    "keeper": {"keeper": {"image": "r.example/curl:1"}},
    "keeper-elsewhere": {"keeper": {"image": "r.example/curl:1"}, "namespace": "networks"},
    "pod-token": {"credentials": "pod"},
    "rotation": {"rotation": "2026"},
    "handover": {"handover": True},
    "elsewhere": {"namespace": "networks"},
    "elsewhere-rotation": {"namespace": "networks", "rotation": "true"},
}
_THIN: dict[str, Any] = {
    "cluster-network": {"conf": {"cluster_network": "cbr0"}},
    "cluster-file": {"conf": {"cluster_network": "/etc/cni/other/10-x.conf", "network_name": "x"}},
    "default-networks": {"conf": {**_NETWORK, "default_networks": ["a", "b"], "system_namespaces": ["kube-system"]}},
    "multus-namespace": {"conf": {**_NETWORK, "multus_namespace": "networks", "retry_delete_on_error": True}},
    "capabilities": {"conf": {**_NETWORK, "capabilities": ["portMappings", "io.kubernetes.cri.pod-annotations"]}},
    "networks-dir": {"conf": {**_NETWORK, "networks_dir": "/etc/cni/n.d"}, "image": {"tag": "v4.4.0"}},
    "networks-dir-name": {"conf": {"cluster_network": "x", "networks_dir": "/n"}, "image": {"tag": "v4.4.0"}},
    "whole": {
        "conf": {
            **_NETWORK,
            "cni_version": "0.4.0",
            "default_networks": ["a"],
            "namespace_isolation": True,
            "global_namespaces": ["g"],
            "readiness_indicator_file": "/run/r",
            "additional_bin_dir": "/opt/more",
        },
        "log": {"level": "error", "file": "/var/log/m.log", "to_stderr": False},
    },
    "more-plugins": {"conf": {"additional_bin_dir": "/opt/more"}},
}
_CERTIFICATES = {"bootstrap_kubeconfig": "/etc/kubernetes/kubelet.conf"}
_THICK: dict[str, Any] = {
    "daemon": {
        "daemon": {"connection_limit": 10000000, "metrics_port": 9091, "enable_pprof": True, "socket_dir": "/run/m/"}
    },
    "certificates": {"daemon": {"per_node_certificates": _CERTIFICATES}},
    "certificates-elsewhere": {
        "namespace": "networks",
        "daemon": {"per_node_certificates": {**_CERTIFICATES, "duration": "30m"}},
    },
    "rotated-log": {
        "log": {
            "file": "/var/log/m/m.log",
            "options": {"max_age": 3, "max_size": 1, "max_backups": 0, "compress": False},
        }
    },
    "networks": {
        "conf": {
            "default_networks": ["a"],
            "system_namespaces": ["kube-system", "b"],
            "multus_namespace": "m",
            "networks_dir": "/etc/n",
            "retry_delete_on_error": True,
            "capabilities": ["portMappings"],
            "readiness_indicator_file": "/etc/cni/net.d/ready",
        }
    },
    "no-capabilities": {"conf": {"capabilities": []}},
}


def plans() -> dict[str, MultusComponentArgs]:
    """Every combination, by a name that says what it is; each of them resolves."""
    found: dict[str, MultusComponentArgs] = {}
    for plugin, special in (("thin", _THIN), ("thick", _THICK)):
        for distro, base in _DISTROS.items():
            # Options mean the same on most distributions: all are tried on three, and the least on each.
            options = {**_COMMON, **special} if distro in ("k3s", "vanilla", "paths") else {"least": {}}
            for option, changes in options.items():
                args: Any = {"method": "helm", "plugin": plugin, **base, **changes}
                if any(problem.path == "api_server" for problem in problems_of(args)):
                    args["api_server"] = API_SERVER
                found[f"{distro}-{plugin}-{option}"] = args
    return found
