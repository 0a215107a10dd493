"""The annotation that a pod's template gets, which Multus reads as it was meant."""

from __future__ import annotations

from typing import Any

import pytest

from multus import InvalidArgumentsError
from multus.attachment import NETWORKS, attachment, attachments
from multus.network_plan import NetworkPlan, resolve_network
from multus_ops.doctor.annotations import NETWORKS as READ
from multus_ops.doctor.annotations import asked_for, entries_of
from tests.support.network_refusals import local, static

LINK = resolve_network(local({"subnet": "10.97.0.0/24", "range_end": "10.97.0.99"}, allow=["ips", "mac"]), "link")
FIXED = resolve_network(static(allow=["ips"]), "fixed")
PLAIN = resolve_network({"macvlan": {}, "namespace": "blue"}, "plain")


def test_multus_reads_what_is_written() -> None:
    asked: list[Any] = [
        attachment(LINK, interface="db0", ips=["10.97.0.20/24"], mac="02:00:00:00:00:05"),
        PLAIN,
        "green/other.one",
    ]
    text = attachments(asked)[NETWORKS]
    assert READ == NETWORKS
    entries = entries_of(text)
    assert entries == [
        {
            "name": "link",
            "namespace": "default",
            "interface": "db0",
            "ips": ["10.97.0.20/24"],
            "mac": "02:00:00:00:00:05",
        },
        {"name": "plain", "namespace": "blue"},
        {"name": "other.one", "namespace": "green"},
    ]
    # Mistake 6: wherever the pod is, the network is found in its own namespace.
    assert [str(asked_for(each, "elsewhere")) for each in entries] == [
        "default/link",
        "blue/plain",
        "green/other.one",
    ]


@pytest.mark.parametrize(
    ("network", "asked", "path", "reason", "fix"),
    [
        (PLAIN, {"ips": ["10.97.0.5/24"]}, "ips", "network 'plain' does not allow it", "allow: ['ips']"),
        (PLAIN, {"mac": "02:00:00:00:00:05"}, "mac", "network 'plain' does not allow it", "allow: ['mac']"),
        (LINK, {"ips": "10.97.0.5/24"}, "ips", "is a text", "write ['10.97.0.5/24']"),
        (LINK, {"ips": ["10.97.0.5"]}, "ips[0]", "no address with a prefix", "'10.97.0.5/24'"),
        (LINK, {"ips": ["10.97.0.5", "x"]}, "ips[1]", "'x' is no address", "10.97.0.5/24"),
        (LINK, {"ips": ["10.97.0.100/24"]}, "ips[0]", "not among 10.97.0.2 to 10.97.0.99", "one of these"),
        (LINK, {"ips": ["10.97.0.1/24"]}, "ips[0]", "not among 10.97.0.2 to 10.97.0.99", "one of these"),
        (LINK, {"mac": "02-00"}, "mac", "is no MAC address", "02:00"),
        (LINK, {"mac": "01:00:00:00:00:05"}, "mac", "of a group", "even first byte"),
        (LINK, {"interface": "interface-of-link"}, "interface", "no link is called", "at most 15"),
        (LINK, {"interface": "a/b"}, "interface", "no link is called", "slash"),
        (LINK, {"interface": "eth0"}, "interface", "every pod's own", "another name"),
        ("a/b/c", {}, "network", "names no definition", "'namespace/name'"),
        ("lan", {}, "network", "names no definition", "'namespace/name'"),
        ("Blue/x", {}, "network", "names no definition", "'namespace/name'"),
    ],
)
def test_what_has_no_effect_is_refused(
    network: NetworkPlan | str, asked: Any, path: str, reason: str, fix: str
) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        attachment(network, **asked)
    problem = next(each for each in caught.value.problems if each.path == path)
    assert reason in problem.reason
    assert fix in problem.fix


def test_a_network_that_lets_pods_choose_knows_no_range() -> None:
    assert attachment(FIXED, ips=["192.0.2.7/24"]).asked == {"ips": ["192.0.2.7/24"]}


@pytest.mark.parametrize(
    ("interfaces", "index"),
    [(["a", "a"], 1), (["net2", None], 1), ([None, "net1"], 1), ([None, None, "net2"], 2)],
)
def test_two_interfaces_of_one_name_are_refused(interfaces: list[str | None], index: int) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        attachments([attachment(PLAIN, interface=each) for each in interfaces])
    assert [each.path for each in caught.value.problems] == [f"attachments[{index}].interface"]


def test_networks_are_counted_with_those_that_have_a_name() -> None:
    text = attachments([attachment(PLAIN, interface="net1"), PLAIN, attachment(PLAIN, interface="net3")])[NETWORKS]
    assert [each.get("interface") for each in entries_of(text)] == ["net1", None, "net3"]
