"""What people meet who install the chart themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate.chart_readme import descriptions, leaves
from multus import __version__, objects, resolve
from multus.args import Plugin
from multus.chart_values import values_of
from multus.defaults import DEFAULT_RESOURCES
from multus.image import DEFAULT_REPOSITORY, DEFAULT_TAGS
from multus.server import parse_server
from tests.support.helm_template import Helm, Objects
from tests.support.object_differences import differences
from tests.support.paths import CHART

SERVER: dict[str, Any] = {"apiServer": {"host": "192.0.2.1"}}
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# What Helm itself adds to the values of a dependency.
OF_HELM = {"global", "enabled"}

FILES: list[tuple[str, dict[str, Any]]] = [
    ("values-k3s.yaml", {"distro": "k3s"}),
    ("values-k3s-legacy.yaml", {"distro": "k3s", "k3s_version": "v1.28.14+k3s1"}),
    ("values-vanilla.yaml", {"distro": "vanilla", "api_server": "https://192.0.2.1:6443"}),
]


def file_values(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHART / name).read_text())
    loaded["apiServer"].setdefault("host", "192.0.2.1")
    return loaded


@pytest.mark.parametrize("plugin", list(Plugin))
@pytest.mark.parametrize(("name", "args"), FILES, ids=[name for name, _ in FILES])
def test_values_file_is_the_distributions_plan(
    name: str, args: Any, plugin: Plugin, helm: Helm, tmp_path: Path
) -> None:
    plan = resolve({**args, "plugin": plugin, "method": "helm", "conf": {"master_conf": "10-flannel.conflist"}})
    server = parse_server(plan.api_server)
    values = file_values(name)
    if "network" not in values:
        values["network"] = {"file": "10-flannel.conflist"}
    made = helm.template({**values, "plugin": plugin.value}, tmp_path, "--skip-tests")
    meant = helm.template(values_of(plan, server.host, server.port), tmp_path, "--skip-tests")
    assert set(meant) < set(made)
    assert not [line for key in meant for line in differences(meant[key], made[key], f"{key} ")]


def test_there_is_a_values_file_for_every_kind_of_cluster_that_is_promised() -> None:
    assert sorted(file.name for file in CHART.glob("values-*.yaml")) == sorted(name for name, _ in FILES)


def test_the_names_that_people_know_are_kept() -> None:
    assert {"image", "cni", "network", "resources", "nodeSelector", "tolerations"} <= VALUES.keys()
    assert {"configDir", "binDir", "configFile"} <= VALUES["cni"].keys()
    assert {"defaultNetwork", "namespace"} <= VALUES["network"].keys()


def test_defaults_are_the_components(helm: Helm, tmp_path: Path) -> None:
    assert VALUES["image"]["repository"] == DEFAULT_REPOSITORY
    for plugin in Plugin:
        made = helm.template({**SERVER, "plugin": plugin.value}, tmp_path)
        (container,) = made["DaemonSet", "kube-multus-ds"]["spec"]["template"]["spec"]["containers"]
        assert container["image"] == f"{DEFAULT_REPOSITORY}:{DEFAULT_TAGS[plugin]}"
        assert container["resources"] == DEFAULT_RESOURCES[plugin]


def test_chart_and_component_have_one_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["version"] == __version__


def test_every_value_is_described() -> None:
    said = descriptions()
    assert [key for key, _ in leaves(VALUES, said) if key not in said] == []


def objects_of(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the schema that names its keys."""
    if "properties" in schema:
        yield path, schema
        for key, part in schema["properties"].items():
            yield from objects_of(part, f"{path}.{key}")
    if "items" in schema:
        yield from objects_of(schema["items"], f"{path}[]")


def test_schema_refuses_what_it_does_not_name() -> None:
    assert all(schema["additionalProperties"] is False for _, schema in objects_of(SCHEMA))


def test_schema_names_what_values_yaml_has_and_nothing_else() -> None:
    said = descriptions()
    keys = {key.split(".")[0] for key, _ in leaves(VALUES, said)}
    assert set(SCHEMA["properties"]) - OF_HELM == keys
    for key in keys:
        named = SCHEMA["properties"][key].get("properties", {})
        if isinstance(VALUES[key], dict) and VALUES[key]:
            assert set(named) == set(VALUES[key]), key


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown", {"immage": {}}, "additional properties 'immage' not allowed"),
    ("unknown-nested", {"cni": {"confDir": "/x"}}, "additional properties 'confDir' not allowed"),
    ("plugin", {"plugin": "thicc"}, "at '/plugin'"),
    ("tag-moves", {"image": {"tag": "latest"}}, "at '/image/tag'"),
    ("tag-moves-thick", {"plugin": "thick", "image": {"tag": "snapshot-thick"}}, "at '/image/tag'"),
    ("digest", {"image": {"digest": "sha256:0"}}, "at '/image/digest'"),
    ("path", {"cni": {"binDir": "opt/cni"}}, "at '/cni/binDir'"),
    ("path-shell", {"cni": {"configDir": "/etc/$(reboot)"}}, "at '/cni/configDir'"),
    ("plugin-shell", {"referencePlugins": {"names": ["a b"], "image": "x:1"}}, "at '/referencePlugins/names/0'"),
    ("linked", {"cni": {"linkedDirs": ["snap"]}}, "at '/cni/linkedDirs/0'"),
    ("excluded", {"excludedNodes": {"type": "virtual-kubelet"}}, "at '/excludedNodes/type'"),
    ("excluded-value", {"excludedNodes": {"type": ["a b"]}}, "at '/excludedNodes/type/0'"),
    ("file", {"network": {"file": "00-multus.conf"}}, "at '/network/file'"),
    ("own-network", {"network": {"defaultNetwork": "multus-cni-network"}}, "at '/network/defaultNetwork'"),
    ("port", {"apiServer": {"host": "x", "port": 70000}}, "at '/apiServer/port'"),
    ("port-text", {"apiServer": {"host": "x", "port": "6443"}}, "at '/apiServer/port'"),
    ("url", {"apiServer": {"host": "https://x"}}, "at '/apiServer/host'"),
    ("level", {"log": {"level": "loud"}}, "at '/log/level'"),
    ("quantity", {"resources": {"limits": {"memory": "much"}}}, "at '/resources/limits/memory'"),
    ("unavailable", {"updateStrategy": {"maxUnavailable": 0}}, "at '/updateStrategy/maxUnavailable'"),
    ("effect", {"tolerations": [{"effect": "Never"}]}, "at '/tolerations/0/effect'"),
    ("server", {"apiServer": {"host": ""}}, "apiServer.host: is missing"),
    ("thick-network", {"plugin": "thick", "network": {"defaultNetwork": "cbr0"}}, "network.defaultNetwork: would be"),
    ("thick-file", {"plugin": "thick", "cni": {"configFile": "00-multus.conflist"}}, "cni.configFile: thick writes"),
    ("thick-bin", {"plugin": "thick", "conf": {"additionalBinDir": "/x"}}, "conf.additionalBinDir: means nothing"),
    ("whole", {"network": {"defaultNetworks": ["a"]}}, "thin has no flag for network.defaultNetworks"),
    ("thin-daemon", {"daemon": {"metricsPort": 9091}}, "daemon: means nothing with thin"),
    ("thin-rotation", {"log": {"options": {"maxAge": 1}}}, "log.options: means nothing with thin"),
    ("no-file", {"plugin": "thick", "log": {"options": {"maxAge": 1}}}, "log.options: means nothing without a file"),
    ("pprof", {"plugin": "thick", "daemon": {"enablePprof": True}}, "daemon.enablePprof: has no port"),
    ("global", {"network": {"globalNamespaces": ["a"]}}, "network.globalNamespaces: means nothing"),
    ("system", {"network": {"systemNamespaces": ["a"]}}, "network.systemNamespaces: means nothing"),
    ("no-image", {"referencePlugins": {"names": ["macvlan"]}}, "referencePlugins.image: is missing"),
    ("label", {"commonLabels": {"app": "x"}}, "commonLabels.app: is upstream's"),
    ("other-image", {"image": {"tag": "v4.3.0-thick"}}, "is not upstream's thin image"),
]


@pytest.fixture(scope="module")
def of_schema(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What the schema says to each row: one run of helm tells of them all."""
    said = helm.schema_refusals([{**SERVER, **row[1]} for row in REFUSED], tmp_path_factory.mktemp("rows"))
    return dict(zip((row[0] for row in REFUSED), said, strict=True))


@pytest.mark.parametrize(("name", "values", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_chart_refuses(
    name: str, values: dict[str, Any], reason: str, of_schema: dict[str, str | None], helm: Helm, tmp_path: Path
) -> None:
    assert reason in (of_schema[name] or helm.refusal({**SERVER, **values}, tmp_path))


def test_chart_refuses_everything_at_once(helm: Helm, tmp_path: Path) -> None:
    values = {"daemon": {"metricsPort": 1}, "network": {"globalNamespaces": ["a"]}}
    said = helm.refusal(values, tmp_path)
    assert all(path in said for path in ("apiServer.host:", "daemon:", "network.globalNamespaces:"))


def test_chart_passes_helms_own_check(helm: Helm) -> None:
    done = helm.run("lint", "--strict", CHART, "--values", CHART / "values-k3s.yaml")
    assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout


def test_empty_lists_may_arrive_as_null(helm: Helm, tmp_path: Path) -> None:
    """The official provider makes null of an empty list."""
    made = helm.template({**SERVER, "tolerations": None, "network": {"defaultNetworks": None}}, tmp_path)
    assert made["DaemonSet", "kube-multus-ds"]["spec"]["template"]["spec"]["tolerations"] == []


@pytest.mark.parametrize(("version", "there"), [("v1.28.15+k3s1", False), ("1.29.0", True), ("v1.34.1-gke.1", True)])
def test_a_flow_schema_is_made_where_it_is_served(version: str, there: bool, helm: Helm, tmp_path: Path) -> None:
    made = helm.template(SERVER, tmp_path, "--skip-tests", "--kube-version", version, namespace="networks")
    assert (("FlowSchema", "multus") in made) is there


def test_a_keeper_is_refused_where_it_would_never_start_the_pod(helm: Helm, tmp_path: Path) -> None:
    values = {**SERVER, "keeper": {"image": "r.example/curl:1"}}
    assert "keeper: is a sidecar" in helm.refusal(values, tmp_path, "--kube-version", "v1.28.15+k3s1")
    made = helm.template(values, tmp_path, "--skip-tests", "--kube-version", "1.29.0")
    [keeper] = made["DaemonSet", "kube-multus-ds-fallback"]["spec"]["template"]["spec"]["initContainers"]
    assert keeper["restartPolicy"] == "Always"
    assert "initContainers" not in made["DaemonSet", "kube-multus-ds"]["spec"]["template"]["spec"]


def test_the_quota_of_the_chart_is_the_components(helm: Helm, tmp_path: Path) -> None:
    gke: Any = {"distro": "gke", "api_server": "https://192.0.2.1", "namespace": "networks", "create_namespace": True}
    described = objects.priority_quota(resolve(gke))
    assert described is not None
    values = {**SERVER, "priorityQuota": {"create": True}}
    made = helm.template(values, tmp_path, "--skip-tests", namespace="networks")
    assert not [*differences(described, made["ResourceQuota", "multus"])]
    assert ("ResourceQuota", "multus") not in helm.template(SERVER, tmp_path, "--skip-tests", namespace="networks")


def test_crd_stays_unless_it_is_told_to_go(helm: Helm, tmp_path: Path) -> None:
    crd = ("CustomResourceDefinition", "network-attachment-definitions.k8s.cni.cncf.io")
    assert helm.template(SERVER, tmp_path)[crd]["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in helm.template({**SERVER, "crd": {"keep": False}}, tmp_path)[crd]["metadata"]
    assert crd not in helm.template({**SERVER, "crd": {"install": False}}, tmp_path)


def test_another_account_and_token_can_be_used(helm: Helm, tmp_path: Path) -> None:
    values = {
        "serviceAccount": {"create": False, "name": "mine"},
        "token": {"create": False, "secretName": "mine-token"},
    }
    made = helm.template({**SERVER, **values}, tmp_path, "--skip-tests")
    assert {kind for kind, _ in made} == {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "DaemonSet"}
    spec = made["DaemonSet", "kube-multus-ds"]["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "mine"
    assert spec["volumes"][0]["secret"]["secretName"] == "mine-token"
    assert made["ClusterRoleBinding", "multus"]["subjects"][0]["name"] == "mine"


NETWORKS = "k8s.v1.cni.cncf.io/networks"


@pytest.fixture(scope="module")
def hooks(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    made = helm.template(SERVER, tmp_path_factory.mktemp("hooks"))
    return {key: each for key, each in made.items() if "helm.sh/hook" in each["metadata"].get("annotations", {})}


def test_helm_test_brings_its_network_and_two_pods(hooks: Objects) -> None:
    assert {key: each["metadata"]["annotations"]["helm.sh/hook"] for key, each in hooks.items()} == dict.fromkeys(
        [
            ("NetworkAttachmentDefinition", "multus-test-attached"),
            ("Pod", "multus-test-attached"),
            ("Pod", "multus-test-plain"),
        ],
        "test",
    )
    asked = {
        name: each["metadata"]["annotations"].get(NETWORKS) for (kind, name), each in hooks.items() if kind == "Pod"
    }
    assert asked == {"multus-test-attached": "multus-test-attached", "multus-test-plain": None}
    json.loads(hooks["NetworkAttachmentDefinition", "multus-test-attached"]["spec"]["config"])


def test_test_pods_may_do_nothing(hooks: Objects) -> None:
    for name in ("attached", "plain"):
        spec = hooks["Pod", f"multus-test-{name}"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        context = spec["containers"][0]["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["runAsNonRoot"] is True


def test_a_changed_configuration_rolls_the_pods(helm: Helm, tmp_path: Path) -> None:
    """Its name carries its digest, so that no annotation has to."""

    def mounted(values: dict[str, Any]) -> set[str]:
        made = helm.template({**SERVER, "plugin": "thick", **values}, tmp_path, "--skip-tests")
        (own,) = [name for kind, name in made if kind == "ConfigMap"]
        for daemon_set in ("kube-multus-ds", "kube-multus-ds-fallback"):
            volumes = made["DaemonSet", daemon_set]["spec"]["template"]["spec"]["volumes"]
            assert [each["configMap"]["name"] for each in volumes if "configMap" in each] == [own]
        return {own}

    assert mounted({}) != mounted({"log": {"level": "debug"}})


def test_handover_changes_no_pod(helm: Helm, tmp_path: Path) -> None:
    before, after = (helm.template({**SERVER, "plugin": "thick", "handover": on}, tmp_path) for on in (False, True))
    assert before.keys() == after.keys()
    for key in before:
        assert before[key].get("spec") == after[key].get("spec")
    kept = {key for key in after if after[key]["metadata"].get("annotations", {}).get("helm.sh/resource-policy")}
    assert {kind for kind, _ in kept} == {"DaemonSet", "ConfigMap", "CustomResourceDefinition"}
