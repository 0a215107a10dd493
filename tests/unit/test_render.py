"""render: arguments from a file and a command line, and the objects as YAML."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from multus import InvalidArgumentsError, objects, resolve
from multus.errors import MultusError
from multus.multus_conf import own_conf_name
from multus_ops.render import manifest, objects_of, plan_of, removal, without_nodes
from tests.support.arguments import HOST_KEY, SSH_KEY

VANILLA = ["distro=vanilla", "apiServer=https://192.0.2.10:6443"]


def names(text: str) -> list[str]:
    return [f"{each['kind']}/{each['metadata']['name']}" for each in yaml.safe_load_all(text)]


def test_the_order_is_the_one_in_which_they_have_to_be_made() -> None:
    assert names(manifest(plan_of(["distro=k3s", "plugin=thick", "createNamespace=true", "namespace=net"], None))) == [
        "CustomResourceDefinition/network-attachment-definitions.k8s.cni.cncf.io",
        "Namespace/net",
        "ServiceAccount/multus",
        "ClusterRole/multus",
        "ClusterRoleBinding/multus",
        "Role/multus-install",
        "RoleBinding/multus-install",
        "FlowSchema/multus",
        "Secret/multus-token-1",
        f"ConfigMap/{own_conf_name(plan_of(['distro=k3s', 'plugin=thick'], None))}",
        "DaemonSet/kube-multus-ds",
        "DaemonSet/kube-multus-ds-fallback",
    ]


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_yaml_says_what_the_objects_say(plugin: str) -> None:
    plan = plan_of([*VANILLA, f"plugin={plugin}"], None)
    assert list(yaml.safe_load_all(manifest(plan))) == objects_of(plan)
    assert "pulumi.com" not in manifest(plan)
    whole = objects.fallback_daemon_set(plan, "192.0.2.10", "6443")
    assert objects_of(plan)[-1]["spec"] == whole["spec"]
    assert "&id" not in manifest(plan)


@pytest.mark.parametrize("settings", [VANILLA, [*VANILLA[1:], "distro=gke"]], ids=["vanilla", "gke"])
def test_the_head_removes_everything_but_the_crd_and_the_namespace(settings: list[str]) -> None:
    plan = plan_of([*settings, "plugin=thick", "createNamespace=true", "namespace=net"], None)
    said = " ".join(removal(plan))
    for each in objects_of(plan):
        kept = each["kind"] in ("CustomResourceDefinition", "Namespace")
        assert (each["metadata"]["name"] in said.replace("-n net", "").split()) is not kept, each["metadata"]["name"]
    head = manifest(plan).partition("---")[0]
    assert all(f"#   {command}\n" in head for command in removal(plan))
    assert "network-attachment" not in said


def test_nested_and_typed_settings() -> None:
    settings = [
        "distro=k3s",
        "image.tag=v4.2.4",
        "conf.namespaceIsolation=true",
        'conf.globalNamespaces=["a","b"]',
        "scheduling.maxUnavailable=1",
        "scheduling.nodeSelector.example_org=yes",
        "timeoutSeconds=60",
        "rotation=20260101",
    ]
    plan = plan_of(settings, None)
    assert plan.image.endswith(":v4.2.4")
    assert plan.conf.global_namespaces == ("a", "b")
    assert plan.scheduling.max_unavailable == "1"
    assert (plan.timeout_seconds, plan.rotation) == (60, "20260101")


@pytest.mark.parametrize(
    "text",
    [
        "distro: k3s\nimage: {tag: v4.2.4}\n",
        "config:\n  multus:distro: k3s\n  multus:image: {tag: v4.2.4}\n  multus:nodes: [{name: a}]\n  other:key: x\n",
    ],
    ids=["arguments", "stack"],
)
def test_a_file(text: str) -> None:
    assert plan_of([], text).image.endswith(":v4.2.4")
    assert plan_of(["image.tag=v4.3.0"], text).image.endswith(":v4.3.0")


@pytest.mark.parametrize(
    ("settings", "text", "reason"),
    [
        (["distro"], None, "write key=value"),
        (["a..b=c"], None, "write key=value"),
        (["distro=k3s", "distro.x=1"], None, "distro is no set of keys"),
        ([], "- a\n", "not a mapping"),
        ([], "a: [\n", "not YAML"),
        (["distro=k3s", "image.pullPolicy=x"], None, "image.pullPolicy: 'x' is no pull policy"),
        (["distro=k3s", "imgae.tag=x"], None, "did you mean `image`"),
        (["distro=vanilla"], None, "apiServer: is missing"),
    ],
)
def test_refusals(settings: list[str], text: str | None, reason: str) -> None:
    with pytest.raises(MultusError) as caught:
        plan_of(settings, text)
    assert reason in str(caught.value)
    assert "_" not in str(caught.value).replace("a..b", "")


def test_every_problem_at_once() -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        plan_of(["distro=vanilla", "image.tag=latest", "plugin=thik"], None)
    assert len(caught.value.problems) == 3


def test_an_address_that_is_known_late_is_refused() -> None:
    async def late() -> str:
        return "https://192.0.2.10:6443"

    address: Any = late()
    with pytest.raises(MultusError, match="known while its program runs"):
        objects_of(resolve({"distro": "vanilla", "api_server": address}))
    address.close()


def test_nodes_do_not_matter() -> None:
    node: Any = {"name": "a", "host": "192.0.2.1", "host_key": HOST_KEY, "private_key": SSH_KEY}
    component: Any = {"distro": "k3s", "nodes": [node]}
    assert manifest(without_nodes(component)) == manifest(plan_of(["distro=k3s"], None))


def test_the_daemon_of_dhcp_is_among_them_and_goes_with_them() -> None:
    plan = plan_of(["distro=k3s", "dhcpDaemon.image=r.example/shell:1"], None)
    assert names(manifest(plan))[-1] == "DaemonSet/cni-dhcp-daemon"
    assert " cni-dhcp-daemon " in removal(plan)[0]
    assert "dhcp" not in " ".join(removal(plan_of(["distro=k3s"], None)))
