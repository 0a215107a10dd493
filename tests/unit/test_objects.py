"""What the objects may do, and that their paths agree with each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from multus import InstallPlan, objects, resolve
from multus.metadata import NODE_LABEL, Object
from tests.support.arguments import k3s

PLAN = resolve(k3s(namespace="networks", rotation="7", image={"pull_secrets": ["registry"]}))
ROLES = {"cluster": objects.cluster_role(PLAN), "marker": objects.marker_role(PLAN)}
DAEMON_SETS = {
    "main": objects.daemon_set(PLAN, "127.0.0.1", "6444"),
    "fallback": objects.fallback_daemon_set(PLAN, "127.0.0.1", "6444"),
}
both = pytest.mark.parametrize("daemon_set", DAEMON_SETS.values(), ids=DAEMON_SETS)


def pod(daemon_set: Object) -> dict[str, Any]:
    spec: dict[str, Any] = daemon_set["spec"]["template"]["spec"]
    return spec


def container(daemon_set: Object) -> dict[str, Any]:
    (only,) = pod(daemon_set)["containers"]
    found: dict[str, Any] = only
    return found


def everything(plan: InstallPlan) -> Iterator[Object]:
    yield objects.service_account(plan)
    yield objects.cluster_role(plan)
    yield objects.cluster_role_binding(plan)
    yield objects.marker_role(plan)
    yield objects.marker_role_binding(plan)
    yield objects.token_secret(plan)
    yield objects.daemon_set(plan, "h", "1")
    yield objects.fallback_daemon_set(plan, "h", "1")
    yield objects.marker(plan, "p/s/n")


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
def test_role_has_no_wildcard(role: Object) -> None:
    assert "*" not in json.dumps(role["rules"])


def test_cluster_role_is_what_thin_multus_calls() -> None:
    allowed = {
        (group, resource, verb)
        for rule in ROLES["cluster"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert allowed == {
        ("k8s.cni.cncf.io", "network-attachment-definitions", "get"),
        ("", "pods", "get"),
        ("", "pods/status", "update"),
        ("", "events", "create"),
        ("", "events", "patch"),
    }


def test_marker_role_reads_one_config_map() -> None:
    assert ROLES["marker"]["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["multus-install"], "verbs": ["get"]}
    ]


@pytest.mark.parametrize(
    ("binding", "role"),
    [
        (objects.cluster_role_binding(PLAN), ROLES["cluster"]),
        (objects.marker_role_binding(PLAN), ROLES["marker"]),
    ],
    ids=ROLES,
)
def test_binding_gives_the_role_to_the_account_alone(binding: Object, role: Object) -> None:
    account = objects.service_account(PLAN)["metadata"]
    assert binding["roleRef"]["kind"] == role["kind"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]


def test_account_is_mounted_nowhere_by_itself() -> None:
    assert objects.service_account(PLAN)["automountServiceAccountToken"] is False
    assert all(pod(each)["automountServiceAccountToken"] is False for each in DAEMON_SETS.values())


def test_token_belongs_to_the_account_and_carries_the_rotation() -> None:
    token = objects.token_secret(PLAN)
    assert token["metadata"]["name"] == "multus-token-7"
    assert token["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "multus"}
    assert token["type"] == "kubernetes.io/service-account-token"
    assert not {"data", "stringData"} & set(token)


@both
def test_container_has_no_privilege(daemon_set: Object) -> None:
    assert container(daemon_set)["securityContext"] == {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@both
def test_container_runs_thin_with_memory_to_spare(daemon_set: Object) -> None:
    assert container(daemon_set)["command"] == ["/thin_entrypoint"]
    assert container(daemon_set)["resources"]["limits"] == {"memory": "128Mi"}


@both
def test_every_mount_has_its_volume_and_no_other_host_path(daemon_set: Object) -> None:
    volumes = {volume["name"]: volume for volume in pod(daemon_set)["volumes"]}
    mounts = {mount["name"]: mount for mount in container(daemon_set)["volumeMounts"]}
    assert set(volumes) == set(mounts)
    assert {volume["hostPath"]["path"] for volume in volumes.values() if "hostPath" in volume} == {
        PLAN.cni_conf_dir,
        PLAN.cni_bin_dir,
    }
    assert all(volume["hostPath"]["type"] == "Directory" for volume in volumes.values() if "hostPath" in volume)
    assert all("mountPropagation" not in mount for mount in mounts.values())
    assert volumes["token"]["secret"]["secretName"] == PLAN.token_secret


@both
def test_flags_mounts_and_plan_name_the_same_paths(daemon_set: Object) -> None:
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in container(daemon_set)["args"])
    mounts = {mount["mountPath"]: mount["name"] for mount in container(daemon_set)["volumeMounts"]}
    volumes = {volume["name"]: volume.get("hostPath", {}).get("path") for volume in pod(daemon_set)["volumes"]}
    assert volumes[mounts[flags["cni-conf-dir"]]] == PLAN.cni_conf_dir
    assert volumes[mounts[flags["multus-autoconfig-dir"]]] == PLAN.cni_conf_dir
    assert volumes[mounts[flags["cni-bin-dir"]]] == PLAN.cni_bin_dir
    assert flags["multus-kubeconfig-file-host"] == PLAN.kubeconfig_path
    assert PLAN.kubeconfig_path == f"{PLAN.cni_conf_dir}/multus.d/multus.kubeconfig"


@both
def test_selector_matches_its_pods_and_no_other(daemon_set: Object) -> None:
    selector = daemon_set["spec"]["selector"]["matchLabels"]
    for each in DAEMON_SETS.values():
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert (selector.items() <= labels.items()) is (each is daemon_set)


def test_a_node_is_served_by_exactly_one_daemon_set() -> None:
    def expression(daemon_set: Object) -> dict[str, Any]:
        affinity = pod(daemon_set)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        (term,) = affinity["nodeSelectorTerms"]
        (found,) = [item for item in term["matchExpressions"] if item["key"] == NODE_LABEL]
        chosen: dict[str, Any] = found
        return chosen

    main, fallback = expression(DAEMON_SETS["main"]), expression(DAEMON_SETS["fallback"])
    assert {**main, "operator": "NotIn"} == fallback
    assert main["operator"] == "In"
    assert objects.node_label("a")["metadata"]["labels"] == {NODE_LABEL: main["values"][0]}


def test_only_the_fallback_removes_on_exit() -> None:
    removing = {
        name for name, each in DAEMON_SETS.items() if "--cleanup-config-on-exit=true" in container(each)["args"]
    }
    assert removing == {"fallback"}


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_a_keeper_comes_first_and_takes_the_flags_place(plugin: str) -> None:
    plan = resolve(k3s(plugin=plugin, keeper={"image": "r.example/curl:1"}))
    keeper, *others = pod(objects.fallback_daemon_set(plan, "h", "1"))["initContainers"]
    assert (keeper["name"], keeper["image"], keeper["restartPolicy"]) == ("keeper", "r.example/curl:1", "Always")
    assert "keeper" not in [each["name"] for each in others]
    assert not [word for word in container(objects.fallback_daemon_set(plan, "h", "1"))["args"] if "cleanup" in word]
    # Images with curl have another user than root, who owns the directory; no capability lets it into anything else.
    context = {"privileged": False, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
    assert keeper["securityContext"] == {**context, "runAsUser": 0, "capabilities": {"drop": ["ALL"]}}
    assert [mount["name"] for mount in keeper["volumeMounts"]] == ["cni", "token"]
    # Thin's own configuration is what stays; beside a daemon's it has to be written.
    assert keeper["command"][4:] == [
        plan.cni_conf_dir,
        objects.FALLBACK_DAEMON_SET,
        "kube-system",
        *(['"confDir":"/etc/cni/multus/net.d"'] if plugin == "thick" else []),
    ]


def test_a_keeper_may_get_what_it_asks_for_and_no_more() -> None:
    assert objects.keeper_access(resolve(k3s())) == {}
    access = objects.keeper_access(resolve(k3s(keeper={"image": "r.example/curl:1"}, namespace="networks")))
    rules = [*access["role"]["rules"], *access["cluster-role"]["rules"]]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get"}
    assert [(rule["resources"], rule.get("resourceNames")) for rule in rules] == [
        (["daemonsets"], [objects.FALLBACK_DAEMON_SET]),
        (["namespaces"], ["networks"]),
        (["nodes"], None),
    ]


def test_objects_lie_in_the_namespace_of_the_plan() -> None:
    for each in everything(PLAN):
        namespace = each["metadata"].get("namespace")
        assert namespace == (None if each["kind"].startswith("Cluster") else "networks"), each["kind"]


def test_account_has_the_priority_that_kube_system_has_by_itself() -> None:
    """With the bare flow schema of all accounts, thin gives up before a busy API server has answered it."""
    schema = objects.flow_schema(PLAN)
    assert schema is not None
    assert schema["spec"]["priorityLevelConfiguration"] == {"name": "workload-high"}
    (rule,) = schema["spec"]["rules"]
    assert rule["subjects"] == [
        {"kind": "ServiceAccount", "serviceAccount": {"name": "multus", "namespace": "networks"}}
    ]
    assert objects.flow_schema(resolve(k3s())) is None


@pytest.mark.parametrize(
    ("arguments", "served"),
    [
        ({"k3s_version": "v1.28.15+k3s1"}, False),
        ({"k3s_version": "v1.29.10+k3s1"}, True),
        ({}, True),
    ],
    ids=["1.28", "1.29", "not-said"],
)
def test_no_cluster_is_given_a_flow_schema_that_it_does_not_serve(arguments: dict[str, str], served: bool) -> None:
    plan = resolve(k3s(namespace="networks", **arguments))
    assert (objects.flow_schema(plan) is not None) is served


def test_a_namespace_that_we_make_on_gke_admits_the_class_of_the_pods() -> None:
    gke = {"distro": "gke", "api_server": "https://192.0.2.1", "namespace": "networks"}
    plan = resolve({**gke, "create_namespace": True})
    quota = objects.priority_quota(plan)
    assert quota is not None
    [selector] = quota["spec"]["scopeSelector"]["matchExpressions"]
    classes = {
        pod(each)["priorityClassName"]
        for each in (objects.daemon_set(plan, "h", "1"), objects.fallback_daemon_set(plan, "h", "1"))
    }
    assert (selector["scopeName"], set(selector["values"])) == ("PriorityClass", classes)
    assert quota["metadata"]["namespace"] == objects.namespace(plan)["metadata"]["name"]
    for without in (
        gke,
        {**gke, "create_namespace": True, "namespace": "kube-system"},
        {**gke, "create_namespace": True, "scheduling": {"priority_class": "mine"}},
        k3s(namespace="networks", create_namespace=True),
    ):
        assert objects.priority_quota(resolve(without)) is None


@pytest.mark.parametrize(("tag", "reads"), [("v4.3.0", False), ("v4.3.1", True), ("v5.0.0", True), ("own-build", True)])
def test_devices_that_pods_claim_are_read_by_a_multus_that_asks_for_them(tag: str, reads: bool) -> None:
    plan = resolve(k3s(image={"repository": "r.example/multus", "tag": tag}))
    groups = {group for rule in objects.cluster_role(plan)["rules"] for group in rule["apiGroups"]}
    assert ("resource.k8s.io" in groups) is reads


def test_daemons_with_certificates_have_that_priority_too() -> None:
    certificates = {"per_node_certificates": {"bootstrap_kubeconfig": "/etc/kubernetes/kubelet.conf"}}
    schema = objects.flow_schema(resolve(k3s(namespace="networks", plugin="thick", daemon=certificates)))
    assert schema is not None
    assert {"kind": "Group", "group": {"name": "system:multus"}} in schema["spec"]["rules"][0]["subjects"]


def test_pull_secrets_reach_the_pod() -> None:
    assert all(pod(each)["imagePullSecrets"] == [{"name": "registry"}] for each in DAEMON_SETS.values())
    assert "imagePullSecrets" not in pod(objects.daemon_set(resolve(k3s()), "h", "1"))


THICK = resolve(k3s(plugin="thick", log={"file": "/var/log/multus/multus.log"}))
DAEMON = objects.daemon_set(THICK, "127.0.0.1", "6444")


def volumes_of(daemon_set: Object) -> dict[str, dict[str, Any]]:
    return {volume["name"]: volume for volume in pod(daemon_set)["volumes"]}


def test_thick_watches_what_thin_asks_for() -> None:
    allowed = {rule["resources"][0]: rule["verbs"] for rule in objects.cluster_role(THICK)["rules"]}
    assert allowed == {
        "network-attachment-definitions": ["get", "list", "watch"],
        "pods": ["get", "list", "watch"],
        "pods/status": ["update"],
        "events": ["create", "patch"],
    }


def test_thick_sees_one_file_under_one_path() -> None:
    """The daemon looks plugins up in its own tree and runs them in the host's, and k3s' are links."""
    places = {mount["mountPath"]: mount for mount in container(DAEMON)["volumeMounts"]}
    volumes = volumes_of(DAEMON)
    for path in (THICK.cni_conf_dir, "/var/lib/rancher/k3s/data", "/var/lib/cni/multus", "/var/log/multus"):
        assert volumes[places[path]["name"]]["hostPath"]["path"] == path
    assert volumes[places["/hostroot"]["name"]]["hostPath"] == {"path": "/", "type": "Directory"}
    assert {path for path, mount in places.items() if "mountPropagation" in mount} == {
        "/hostroot",
        "/run/netns",
        "/var/lib/kubelet",
    }
    assert "Bidirectional" not in json.dumps(DAEMON)


@pytest.mark.parametrize("plan", [PLAN, THICK], ids=["thin", "thick"])
def test_every_mount_has_a_volume_and_a_place_of_its_own(plan: InstallPlan) -> None:
    spec = pod(objects.daemon_set(plan, "h", "1"))
    names = [volume["name"] for volume in spec["volumes"]]
    assert len(set(names)) == len(names)
    used: set[str] = set()
    for each in [*spec["containers"], *spec.get("initContainers", [])]:
        places = [mount["mountPath"] for mount in each["volumeMounts"]]
        assert len(set(places)) == len(places)
        used |= {mount["name"] for mount in each["volumeMounts"]}
    assert used == set(names)


def test_thick_follows_other_directories() -> None:
    plan = resolve({"distro": "k0s", "plugin": "thick", "api_server": "https://a"})
    volumes = volumes_of(objects.daemon_set(plan, "h", "1"))
    assert volumes["kubelet"]["hostPath"]["path"] == "/var/lib/k0s/kubelet"
    talos = resolve({"distro": "talos", "plugin": "thick"})
    assert volumes_of(objects.daemon_set(talos, "h", "1"))["netns"]["hostPath"]["path"] == "/var/run/netns"


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_the_kubelet_of_talos_is_not_asked_for_what_it_does_not_see(plugin: str) -> None:
    """It runs in a container without /opt, and looks for a host path of a type there."""
    volumes = volumes_of(objects.daemon_set(resolve({"distro": "talos", "plugin": plugin}), "h", "1"))
    assert volumes["cnibin"]["hostPath"] == {"path": "/opt/cni/bin"}
    assert volumes["cni"]["hostPath"] == {"path": "/etc/cni/net.d", "type": "Directory"}
    elsewhere = resolve({"distro": "talos", "plugin": plugin, "cni_bin_dir": "/var/lib/cni-bin"})
    assert "type" not in volumes_of(objects.daemon_set(elsewhere, "h", "1"))["cnibin"]["hostPath"]


def test_thick_sees_where_the_links_of_microk8s_lead_to() -> None:
    """Each refresh of the snap makes absolute links to /snap/microk8s/current of its plugins."""
    plan = resolve({"distro": "microk8s", "plugin": "thick"})
    daemon_set = objects.daemon_set(plan, "h", "1")
    mounts = {mount["mountPath"]: mount for mount in container(daemon_set)["volumeMounts"]}
    assert mounts["/snap"] == {
        "name": "linked-0",
        "mountPath": "/snap",
        "readOnly": True,
        # Each revision is a file system of its own, mounted at its refresh.
        "mountPropagation": "HostToContainer",
    }
    assert volumes_of(daemon_set)["linked-0"]["hostPath"] == {"path": "/snap", "type": "Directory"}
    thin = objects.daemon_set(resolve({"distro": "microk8s"}), "h", "1")
    assert "linked-0" not in volumes_of(thin)


@pytest.mark.parametrize(
    ("distro", "expressions"),
    [
        ("vanilla", []),
        ("eks", [("eks.amazonaws.com/compute-type", "NotIn", ["fargate", "hybrid", "auto"])]),
        ("aks", [("type", "NotIn", ["virtual-kubelet"])]),
    ],
)
def test_no_pod_waits_for_a_node_that_is_no_host(distro: str, expressions: list[Any]) -> None:
    """By its toleration a pod would be planned there, and no rollout would ever be complete."""
    given = {"scheduling": {**SCHEDULING}, "distro": distro, "api_server": "https://a"}
    plan = resolve(given)
    for daemon_set in (objects.daemon_set(plan, "h", "1"), objects.fallback_daemon_set(plan, "h", "1")):
        required = pod(daemon_set)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert len(required["nodeSelectorTerms"]) == 2
        for term in required["nodeSelectorTerms"]:
            found = [(each["key"], each["operator"], each["values"]) for each in term["matchExpressions"]]
            assert found[found.index(("kubernetes.io/os", "In", ["linux"])) + 2 :] == expressions


def test_thick_is_replaced_node_by_node_and_has_time_to_leave() -> None:
    assert DAEMON["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1}
    assert pod(DAEMON)["terminationGracePeriodSeconds"] == 30
    assert pod(DAEMON)["hostPID"] is True


def test_thick_installs_the_shim_and_what_gives_interfaces_back_without_a_daemon() -> None:
    installers = pod(DAEMON)["initContainers"]
    assert [each["command"][-1] for each in installers[:2]] == ["thin", "thick"]
    assert all(not each["securityContext"]["privileged"] for each in installers)
    assert container(DAEMON)["securityContext"] == {"privileged": True, "allowPrivilegeEscalation": True}


def test_a_changed_configuration_is_a_map_of_another_name() -> None:
    one, other = THICK, resolve(k3s(plugin="thick", log={"level": "debug"}))
    first, second = objects.own_conf_map(one), objects.own_conf_map(other)
    assert first is not None
    assert second is not None
    assert first["metadata"]["name"] != second["metadata"]["name"]
    for plan, made in ((one, first), (other, second)):
        volumes = volumes_of(objects.daemon_set(plan, "h", "1"))
        assert volumes["own-conf"]["configMap"]["name"] == made["metadata"]["name"]
    assert objects.own_conf_map(PLAN) is None


def test_pods_tokens_are_projected_and_renewed() -> None:
    plan = resolve(k3s(credentials="pod"))
    daemon_set = objects.fallback_daemon_set(plan, "h", "1")
    assert "secret" not in volumes_of(daemon_set)["token"]
    assert volumes_of(daemon_set)["token"]["projected"]["sources"][0]["serviceAccountToken"]["path"] == "token"
    assert "--cleanup-config-on-exit=true" in container(daemon_set)["args"]
    assert "--skip-config-watch=true" not in container(daemon_set)["args"]


def test_certificates_per_node_are_allowed_for_and_mounted() -> None:
    certificates = {"bootstrap_kubeconfig": "/etc/kubernetes/kubelet.conf"}
    plan = resolve(k3s(plugin="thick", daemon={"per_node_certificates": certificates}))
    binding = objects.certificates_binding(plan)
    assert binding is not None
    assert binding["roleRef"] == objects.cluster_role_binding(plan)["roleRef"]
    assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:multus"}]
    assert objects.certificates_binding(THICK) is None
    assert "certificatesigningrequests" in json.dumps(objects.cluster_role(plan))
    assert volumes_of(objects.daemon_set(plan, "h", "1"))["bootstrap"]["hostPath"]["path"] == "/etc/kubernetes"


SCHEDULING = {
    "node_selector": {"role": "edge"},
    "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "toleration_seconds": 5.0}],
    "affinity": {
        "podAntiAffinity": {},
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]},
                ]
            }
        },
    },
    "priority_class": "mine",
    "max_unavailable": "3",
    "min_ready_seconds": 0,
    "labels": {"team": "net"},
    "annotations": {"example.org/note": "any text"},
}


def test_pods_run_where_the_scheduling_says() -> None:
    plan = resolve(k3s(scheduling=SCHEDULING, security={"selinux": {"type": "spc_t"}}))
    daemon_set = objects.daemon_set(plan, "h", "1")
    spec = pod(daemon_set)
    assert spec["nodeSelector"] == {"role": "edge"}
    assert spec["tolerations"] == [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]
    assert spec["priorityClassName"] == "mine"
    assert spec["affinity"]["podAntiAffinity"] == {}
    assert daemon_set["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 3}
    assert daemon_set["spec"]["minReadySeconds"] == 0
    assert daemon_set["spec"]["template"]["metadata"]["annotations"] == {"example.org/note": "any text"}
    assert container(daemon_set)["securityContext"]["seLinuxOptions"] == {"type": "spc_t"}
    for each in everything(plan):
        assert each["metadata"]["labels"]["team"] == "net"


def test_every_term_of_a_users_affinity_is_narrowed() -> None:
    """Terms are alternatives: one without our label would put two pods on a node."""
    spec = pod(objects.daemon_set(resolve(k3s(scheduling=SCHEDULING)), "h", "1"))
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    keys = [[item["key"] for item in term["matchExpressions"]] for term in required["nodeSelectorTerms"]]
    assert keys == [["zone", "kubernetes.io/os", NODE_LABEL], ["kubernetes.io/os", NODE_LABEL]]
    assert required["nodeSelectorTerms"][1]["matchFields"]


def test_privileged_thin_is_for_selinux() -> None:
    daemon_set = objects.daemon_set(resolve(k3s(security={"privileged": True})), "h", "1")
    assert container(daemon_set)["securityContext"] == {
        "privileged": True,
        "allowPrivilegeEscalation": True,
        "readOnlyRootFilesystem": True,
    }
