from __future__ import annotations

import json
from typing import Any

import pytest

from multus import resolve
from multus.multus_conf import daemon_conf, entrypoint_flags, whole_conf
from tests.support.arguments import k3s, vanilla


def test_entrypoint_flags_name_the_kubeconfig_of_the_plan() -> None:
    plan = resolve(vanilla(cni_conf_dir="/srv/cni/net.d"))
    flags = entrypoint_flags(plan, removes_on_exit=False)
    assert f"--multus-kubeconfig-file-host={plan.kubeconfig_path}" in flags
    assert plan.kubeconfig_path == "/srv/cni/net.d/multus.d/multus.kubeconfig"


def test_entrypoint_removes_on_exit_only_where_told() -> None:
    """With the flag, a restart of the pod takes the configuration away for as long as it lasts."""
    plan = resolve(vanilla())
    kept, removing = entrypoint_flags(plan, removes_on_exit=False), entrypoint_flags(plan, removes_on_exit=True)
    assert set(removing) - set(kept) == {"--cleanup-config-on-exit=true", "--skip-config-watch=true"}
    assert set(kept) < set(removing)


def flags_of(**changes: Any) -> set[str]:
    return set(entrypoint_flags(resolve(k3s(**changes)), removes_on_exit=False))


def test_entrypoint_is_told_what_it_has_flags_for() -> None:
    plain = flags_of()
    assert "--override-network-name=true" in plain
    conf = {
        "cni_version": "1.0.0",
        "master_conf": "05-cilium.conflist",
        "override_network_name": False,
        "namespace_isolation": True,
        "global_namespaces": ["a", "b"],
        "readiness_indicator_file": "/run/ready",
        "additional_bin_dir": "/opt/more",
    }
    log = {"level": "debug", "file": "/var/log/multus.log", "to_stderr": False}
    assert flags_of(conf=conf, log=log) - plain == {
        "--cni-version=1.0.0",
        "--multus-master-cni-file-name=05-cilium.conflist",
        "--override-network-name=false",
        "--namespace-isolation=true",
        "--global-namespaces=a,b",
        "--readiness-indicator-file=/run/ready",
        "--additional-bin-dir=/opt/more",
        "--multus-log-level=debug",
        "--multus-log-file=/var/log/multus.log",
        "--multus-log-to-stderr=false",
    }


def written(**changes: Any) -> dict[str, Any]:
    text = whole_conf(resolve(changes.pop("args", None) or k3s(**changes)))
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def test_thin_writes_nothing_itself_where_the_entrypoint_can() -> None:
    assert whole_conf(resolve(k3s(conf={"namespace_isolation": True}))) is None


def test_a_key_without_a_flag_is_written_with_everything_that_the_entrypoint_would_say() -> None:
    """Without the capabilities hostPort dies; by its file the default network would never be given back."""
    directory = "/var/lib/rancher/k3s/agent/etc/cni/net.d"
    assert written(conf={"default_networks": ["a"], "system_namespaces": ["b"]}) == {
        "cniVersion": "1.0.0",
        "name": "multus-cni-network",
        "plugins": [
            {
                "type": "multus",
                "capabilities": {"portMappings": True, "bandwidth": True},
                "kubeconfig": f"{directory}/multus.d/multus.kubeconfig",
                "clusterNetwork": "cbr0",
                "confDir": directory,
                "logToStderr": True,
                "defaultNetworks": ["a"],
                "systemNamespaces": ["b"],
            }
        ],
    }
    flags = flags_of(conf={"default_networks": ["a"]})
    assert "--multus-conf-file=/etc/multus/00-multus.conflist" in flags
    assert not any("override" in flag for flag in flags)


@pytest.mark.parametrize(
    ("conf", "network", "directory"),
    [
        ({"cluster_network": "other"}, "other", "/etc/cni/net.d"),
        ({"cluster_network": "/srv/x.conflist", "network_name": "x"}, "x", "/srv"),
        (
            {"retry_delete_on_error": True, "master_conf": "05-cilium.conflist", "network_name": "cilium"},
            "cilium",
            "/etc/cni/net.d",
        ),
    ],
    ids=["name", "path", "file"],
)
def test_the_default_network_is_told_by_name_and_directory(conf: dict[str, Any], network: str, directory: str) -> None:
    """Under that name Multus has to find another file than its own, or it would call itself without end."""
    found = written(args=vanilla(conf=conf))
    (plugin,) = found["plugins"]
    assert (plugin["clusterNetwork"], plugin["confDir"]) == (network, directory)
    assert found["name"] != network


def test_a_newer_multus_takes_the_file_and_another_directory() -> None:
    conf = {"networks_dir": "/srv/networks"}
    (plugin,) = written(conf=conf, image={"tag": "v4.3.1"})["plugins"]
    assert plugin["clusterNetwork"].endswith("/net.d/10-flannel.conflist")
    assert plugin["confDir"] == "/srv/networks"


def daemon_of(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(daemon_conf(resolve(k3s(plugin="thick", **changes))))
    return found


def test_daemon_is_told_the_paths_of_the_host() -> None:
    directory = "/var/lib/rancher/k3s/agent/etc/cni/net.d"
    assert daemon_of() == {
        "chrootDir": "/hostroot",
        "cniVersion": "0.3.1",
        "cniConfigDir": directory,
        "multusAutoconfigDir": directory,
        "multusConfigFile": "auto",
        "overrideNetworkName": True,
        "binDir": "/var/lib/rancher/k3s/data/cni",
        "clusterNetwork": "/etc/multus-default",
        "confDir": "/hostroot/etc/cni/multus/net.d",
        "socketDir": "/host/run/multus",
        "daemonSocketDir": "/run/multus",
        "logLevel": "verbose",
        "logToStderr": True,
    }


def test_daemon_is_told_everything_that_is_given() -> None:
    plain = daemon_of()
    told = daemon_of(
        conf={
            "cni_version": "1.0.0",
            "master_conf": "10-flannel.conflist",
            "default_networks": ["a"],
            "multus_namespace": "b",
            "capabilities": ["ips"],
            "readiness_indicator_file": "/run/flannel/subnet.env",
            "retry_delete_on_error": True,
        },
        log={"level": "error", "file": "/var/log/multus.log", "options": {"max_age": 3, "compress": False}},
        daemon={
            "connection_limit": 50,
            "metrics_port": 9091,
            "enable_pprof": True,
            "socket_dir": "/run/cni/multus/",
            "per_node_certificates": {"bootstrap_kubeconfig": "/etc/kubernetes/kubelet.conf"},
        },
    )
    assert {key: value for key, value in told.items() if plain.get(key) != value} == {
        "cniVersion": "1.0.0",
        "multusMasterCNI": "10-flannel.conflist",
        "defaultNetworks": ["a"],
        "multusNamespace": "b",
        "capabilities": {"ips": True},
        "readinessindicatorfile": "/hostroot/run/flannel/subnet.env",
        "retryDeleteOnError": True,
        "logLevel": "error",
        "logFile": "/var/log/multus.log",
        "logOptions": {"maxAge": 3, "compress": False},
        "connectionLimit": 50,
        "metricsPort": 9091,
        "enablePprof": True,
        "socketDir": "/host/run/cni/multus",
        "daemonSocketDir": "/run/cni/multus",
        "perNodeCertificate": {
            "enabled": True,
            "bootstrapKubeconfig": "/etc/kubernetes/kubelet.conf",
            "certDir": "/var/lib/multus-certificates",
            "certDuration": "24h",
        },
    }


def test_a_watched_directory_has_one_path_alone() -> None:
    """A second watch on the same directory would hide the events of the first."""
    directory = daemon_of()["cniConfigDir"]
    told = daemon_of(conf={"readiness_indicator_file": f"{directory}/10-flannel.conflist"})
    assert told["readinessindicatorfile"] == f"{directory}/10-flannel.conflist"
