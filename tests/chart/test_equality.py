"""The chart says what objects.py says, object by object, for every kind of plan."""

from __future__ import annotations

from typing import Any

import pytest

from multus import InstallPlan, objects, resolve
from multus.args import Credentials
from multus.chart_values import values_of
from multus.release import KEEP
from multus.server import parse_server
from tests.support.argument_matrix import plans
from tests.support.helm_template import Helm, Objects
from tests.support.object_differences import differences

PLANS = {name: resolve(args) for name, args in plans().items()}
# What Pulumi keeps for itself and a plain release makes.
PLAIN = {"crd": {"install": True}, "serviceAccount": {"create": True}, "rbac": {"create": True}}
PLAIN |= {"apiPriority": {"create": True}, "token": {"create": True}}


def values(plan: InstallPlan, over: Any) -> dict[str, Any]:
    server = parse_server(plan.api_server)
    found = values_of(plan, server.host, server.port)
    return {**found, **{key: {**found.get(key, {}), **value} for key, value in over.items()}}


def rendered(helm: Helm, folder: Any, over: Any) -> dict[str, Objects]:
    """Every plan, with one run of helm per namespace."""
    found: dict[str, Objects] = {}
    for namespace in sorted({plan.namespace for plan in PLANS.values()}):
        names = [name for name, plan in PLANS.items() if plan.namespace == namespace]
        here = folder / namespace
        here.mkdir()
        made = helm.template_all([values(PLANS[name], over) for name in names], here, namespace=namespace)
        found |= dict(zip(names, made, strict=True))
    return found


@pytest.fixture(scope="module")
def pulumis(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    return rendered(helm, tmp_path_factory.mktemp("pulumi"), {})


@pytest.fixture(scope="module")
def plain(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    return rendered(helm, tmp_path_factory.mktemp("plain"), PLAIN)


def of_release(plan: InstallPlan) -> list[dict[str, Any]]:
    """What objects.py says of the objects that are the release's under every owner."""
    server = parse_server(plan.api_server)
    host, port = server.host, str(server.port)
    kept = [
        objects.own_conf_map(plan),
        objects.daemon_set(plan, host, port),
        objects.fallback_daemon_set(plan, host, port),
    ]
    found = [each for each in kept if each is not None]
    if plan.handover:
        for each in found:
            each["metadata"]["annotations"] = {**each["metadata"].get("annotations", {}), **KEEP}
    return found


def of_pulumi(plan: InstallPlan) -> list[dict[str, Any]]:
    """The objects that Pulumi registers itself, but for the nodes' marker, its Role and the labels, which need SSH."""
    crd = objects.custom_resource_definition()
    crd["metadata"]["annotations"] = KEEP
    token = objects.token_secret(plan) if plan.credentials is Credentials.DURABLE else None
    found = [
        crd,
        objects.service_account(plan),
        objects.cluster_role(plan),
        objects.cluster_role_binding(plan),
        objects.certificates_binding(plan),
        objects.flow_schema(plan),
        *objects.keeper_access(plan).values(),
        token,
    ]
    return [each for each in found if each is not None]


def compare(described: list[dict[str, Any]], made: Objects) -> None:
    by_name = {(each["kind"], each["metadata"]["name"]): each for each in described}
    assert sorted(made) == sorted(by_name)
    found = [
        f"{kind} {name}{line}" for (kind, name), each in by_name.items() for line in differences(each, made[kind, name])
    ]
    assert not found, "\n" + "\n".join(found)


def test_there_are_many_plans_of_every_kind() -> None:
    assert len(PLANS) > 100
    assert {(plan.distro, plan.plugin) for plan in PLANS.values()} >= {
        (distro, plugin) for distro in ("k3s", "vanilla", "rke2", "talos", "gke") for plugin in ("thin", "thick")
    }


@pytest.mark.parametrize("name", PLANS)
def test_release_of_pulumi_is_what_the_raw_method_registers(name: str, pulumis: dict[str, Objects]) -> None:
    compare(of_release(PLANS[name]), pulumis[name])


@pytest.mark.parametrize("name", PLANS)
def test_plain_release_is_the_whole_install(name: str, plain: dict[str, Objects]) -> None:
    compare([*of_release(PLANS[name]), *of_pulumi(PLANS[name])], plain[name])


def test_a_difference_is_seen_with_its_path() -> None:
    one = {"a": [{"b": 1}, {"c": "2"}], "d": {}}
    other = {"a": [{"b": 1}, {"c": 2}], "e": True}
    assert list(differences(one, other)) == [
        ".a[1].c: objects.py says '2', the chart 2",
        ".d: the chart does not say {}",
        ".e: only the chart says True",
    ]
