"""What was seen of a network, and what is said about it. Clusters are the lab's."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from multus_ops.doctor.annotations import NetworkName
from multus_ops.network_check.choice import Choice, NotCheckableError, Wanted, addresses_of, choose, pods_on
from multus_ops.network_check.judgement import judge
from multus_ops.network_check.look import Answer, Asked, Link, Look, read_asked, read_look, room
from multus_ops.network_check.network import FromNode, Network
from multus_ops.network_check.pods import ask_command, attached_pod, plain_pod
from multus_ops.network_check.questions import MOST_NEIGHBOURS, Question, neighbours, questions_of
from multus_ops.network_check.report import Report, report_of, show
from multus_ops.network_check.seen import Holder, NodeSeen, PodSeen, Seen, holders_of
from multus_ops.network_check.verdict import Aspect, Result, Verdict

NAME = NetworkName("default", "link")
HOST_LOCAL = {"type": "host-local", "subnet": "10.97.0.0/24"}


def network(**plugin: Any) -> Network:
    return Network(NAME, {"cniVersion": "1.0.0", "name": "link", **plugin})


MACVLAN = network(type="macvlan", ipam=HOST_LOCAL)
BRIDGE = network(type="bridge", ipam=HOST_LOCAL)
GATEWAY = network(type="bridge", isGateway=True, ipam=HOST_LOCAL)
FIXED = network(type="macvlan", capabilities={"ips": True}, ipam={"type": "static"})
WAY_OUT = network(type="macvlan", ipam={**HOST_LOCAL, "routes": [{"dst": "0.0.0.0/0"}]})
FILE = Network(NAME)
WAYS = {"10.43.0.10": "eth0", "10.43.0.1": "eth0"}


def pod(number: int, node: str, *answers: Answer, mtu: int = 1500, address: str | None = None, **look: Any) -> PodSeen:
    """A pod as it ought to be: `p1` has 10.97.0.1 and so on."""
    own = f"10.97.0.{number}/24" if address is None else address
    there = {
        "links": {"lo": Link(65536, "unknown"), "eth0": Link(1500, "up"), "net1": Link(mtu, "up")},
        "addresses": {"net1": (own,) if own else ()},
        "defaults": {4: "eth0"},
        "ways": WAYS,
    }
    return PodSeen(f"p{number}", node, look=Look(**{**there, **look}), asked=Asked(answers, resolves=True))


def answer(number: int, by: str = "itself", missing: int = 0, device: str = "net1", mtu: int = 1500) -> Answer:
    size = mtu - 52 - missing if by == "itself" else 0
    return Answer(f"p{number}", f"10.97.0.{number}", by, size, device)


def plain(node: str, *, resolves: bool = True, **look: Any) -> PodSeen:
    return PodSeen("plain", node, look=Look(defaults={4: "eth0"}, ways=WAYS, **look), asked=Asked(resolves=resolves))


def cluster(first: PodSeen | None = None, second: PodSeen | None = None, of: Network = MACVLAN, **more: Any) -> Seen:
    """Two nodes with a pod each, well unless said otherwise."""
    pods = (first or pod(1, "a", answer(2)), second or pod(2, "b", answer(1)))
    return Seen(of, tuple(NodeSeen(each.node, (each,), plain(each.node), reached=True) for each in pods), **more)


def verdict(seen: Seen, aspect: Aspect, node: str = "a") -> Verdict:
    return judge(seen)[node][aspect]


def test_a_network_that_is_well_has_a_verdict_for_all_and_no_finding() -> None:
    report = report_of(cluster(), Choice(("a", "b")))
    assert {each.result for row in report.verdicts.values() for each in row.values()} == {Result.OK, Result.BY_DESIGN}
    assert (report.findings, report.unseen, report.is_well) == ((), (), True)
    assert [each.cell for each in report.verdicts["a"].values()] == [
        "net1",
        "10.97.0.1",
        "1 of 1",
        "1500",
        "eth0",
        "answers",
        "macvlan: by design",
    ]


def test_a_pod_that_does_not_start_says_why_and_the_command_that_names_the_trouble() -> None:
    broken = PodSeen("p1", "a", trouble="Link not found")
    seen = cluster(broken, pod(2, "b"), options="--stack prod")
    report = report_of(seen, Choice(("a", "b")))
    found, *others = report.findings
    assert (found.node, found.aspect, found.what) == ("a", Aspect.INTERFACE, "Link not found")
    assert found.fix == "multus-ops doctor --smoke --network default/link --node a --stack prod"
    assert not others
    assert {each.cell for aspect, each in report.verdicts["a"].items() if aspect is not Aspect.INTERFACE} == {
        "-",
        "macvlan: by design",
    }
    assert report.is_well is False


def test_a_pod_without_the_interface_is_one_that_multus_does_not_serve() -> None:
    bare = replace(pod(1, "a"), look=Look(links={"lo": Link(65536, "unknown"), "eth0": Link(1500, "up")}))
    found = verdict(cluster(bare, pod(2, "b")), Aspect.INTERFACE)
    assert (found.result, found.cell) == (Result.ERROR, "no net1")
    assert "p1 asked for net1, and has lo, eth0" in found.what
    assert found.fix == "multus-ops doctor"


@pytest.mark.parametrize("state", ["down", "lowerlayerdown"])
def test_an_interface_without_carrier_is_an_error(state: str) -> None:
    found = verdict(cluster(pod(1, "a", links={"net1": Link(1500, state)})), Aspect.INTERFACE)
    assert (found.result, found.cell) == (Result.ERROR, state)


def test_an_address_on_two_nodes_is_an_error_on_both() -> None:
    seen = cluster(second=pod(2, "b", address="10.97.0.1/24"))
    assert verdict(seen, Aspect.ADDRESS).what == "10.97.0.1 of p1 is also that of p2 on b"
    assert verdict(seen, Aspect.ADDRESS, "b").what == "10.97.0.1 of p2 is also that of p1 on a"


def test_addresses_are_compared_whole() -> None:
    assert verdict(cluster(pod(1, "a"), pod(11, "b")), Aspect.ADDRESS).result is Result.OK


def test_an_address_that_another_pod_has_is_an_error() -> None:
    seen = cluster(holders=(Holder("shop/web", "b", "10.97.0.1"), Holder("shop/db", "b", "10.97.0.9")))
    assert verdict(seen, Aspect.ADDRESS).what == "10.97.0.1 of p1 is also that of shop/web on b"
    assert verdict(seen, Aspect.ADDRESS, "b").result is Result.OK


def test_bridges_of_two_nodes_may_have_the_same_addresses() -> None:
    same = pod(2, "b", address="10.97.0.1/24")
    assert verdict(cluster(pod(1, "a"), same, BRIDGE), Aspect.ADDRESS).result is Result.OK
    held = cluster(pod(1, "a"), pod(2, "b"), BRIDGE, holders=(Holder("shop/web", "a", "10.97.0.1"),))
    assert verdict(held, Aspect.ADDRESS).result is Result.ERROR
    # One with an uplink, over which somebody has answered.
    joined = cluster(pod(1, "a", answer(2)), pod(2, "b"), BRIDGE, holders=(Holder("shop/web", "b", "10.97.0.1"),))
    assert verdict(joined, Aspect.ADDRESS).result is Result.ERROR


def test_no_address_is_an_error_where_the_network_gives_one() -> None:
    without = pod(1, "a", answer(2), address="")
    assert verdict(cluster(without), Aspect.ADDRESS).what == "p1 got no address"
    for of in (network(type="macvlan"), FILE):
        found = verdict(cluster(without, of=of), Aspect.ADDRESS)
        assert (found.result, found.cell) == (Result.OK, "none")


def test_an_address_good_on_its_link_alone_is_none_and_one_to_be_asked_at() -> None:
    look = Look(addresses={"net1": ("fe80::1/64",)})
    assert (look.on("net1"), look.asked_at("net1")) == ((), ("fe80::1%net1",))
    both = Look(addresses={"net1": ("10.97.0.1/24", "fd00::1/64", "fe80::1/64")})
    assert both.asked_at("net1") == ("10.97.0.1", "fd00::1")


@pytest.mark.parametrize(
    ("came", "sentence"),
    [
        (answer(2, "nobody"), "p1 gets no answer from p2 on b (10.97.0.2)"),
        (answer(2, "another"), "p1 asks p2 on b (10.97.0.2), and somebody else answers"),
        (answer(2, device="eth0"), "the way of p1 to p2 on b (10.97.0.2) goes by eth0, not by net1"),
        (answer(2, "nobody", device=""), "the way of p1 to p2 on b (10.97.0.2) goes by no link, not by net1"),
    ],
)
def test_a_neighbour_that_does_not_answer_over_the_interface_is_an_error(came: Answer, sentence: str) -> None:
    found = verdict(cluster(pod(1, "a", came)), Aspect.NEIGHBOURS)
    assert (found.result, found.cell, found.what) == (Result.ERROR, "0 of 1", sentence)


def test_what_to_do_about_it_is_the_plugins() -> None:
    silent = pod(1, "a", answer(2, "nobody"))
    assert "promiscuous" in verdict(cluster(silent), Aspect.NEIGHBOURS).fix
    other = verdict(cluster(silent, of=network(type="vlan", ipam=HOST_LOCAL)), Aspect.NEIGHBOURS).fix
    assert "promiscuous" not in other
    assert other.endswith("kubectl -n default edit network-attachment-definitions link")


def test_the_way_to_an_address_of_one_link_is_that_link() -> None:
    came = Answer("p2", "fe80::2%net1", "itself", 1428, "")
    assert verdict(cluster(pod(1, "a", came)), Aspect.NEIGHBOURS).result is Result.OK


def test_one_pod_alone_is_not_called_well() -> None:
    alone = Seen(MACVLAN, (NodeSeen("a", (pod(1, "a"),), plain("a")),))
    report = report_of(alone, Choice(("a",)))
    assert report.is_well is None
    assert report.unseen == ("a: whether neighbours answer: there is no second pod on its wire to ask",)


def test_pods_without_an_address_are_not_called_well() -> None:
    bare = network(type="macvlan")
    report = report_of(cluster(pod(1, "a", address=""), pod(2, "b", address=""), bare), Choice(("a", "b")))
    assert report.is_well is None
    assert "a, b: whether neighbours answer: its pods have no address to be asked at" in report.unseen


def test_pods_of_one_address_cannot_ask_each_other() -> None:
    found = verdict(cluster(pod(1, "a"), pod(2, "b", address="10.97.0.1/24")), Aspect.NEIGHBOURS)
    assert (found.cell, found.what) == ("-", "whether neighbours answer: all others have the same address")


def test_two_pods_of_one_node_do_not_speak_for_other_nodes() -> None:
    node = NodeSeen("a", (pod(1, "a", answer(2)), pod(2, "a", answer(1))), plain("a"))
    found = verdict(Seen(MACVLAN, (node,)), Aspect.NEIGHBOURS)
    assert (found.result, found.cell, found.decides) == (Result.UNSEEN, "2 of 2 on the node", True)
    found = verdict(Seen(BRIDGE, (node,)), Aspect.NEIGHBOURS)
    assert (found.result, found.cell) == (Result.OK, "2 of 2 on the node")


def test_of_a_bridge_other_nodes_need_not_answer_unless_one_of_them_does() -> None:
    nodes = tuple(
        NodeSeen(
            name,
            (pod(first, name, answer(second), answer(other, by)), pod(second, name, answer(first))),
            plain(name),
            reached=True,
        )
        for name, first, second, other, by in (("a", 1, 2, 3, "itself"), ("b", 3, 4, 1, "nobody"))
    )
    joined = Seen(BRIDGE, nodes)
    assert verdict(joined, Aspect.NEIGHBOURS).cell == "3 of 3"
    assert verdict(joined, Aspect.NEIGHBOURS, "b").result is Result.ERROR
    apart = replace(joined, nodes=(replace(nodes[0], pods=(pod(1, "a", answer(2)), nodes[0].pods[1])), nodes[1]))
    assert {verdict(apart, Aspect.NEIGHBOURS, name).cell for name in "ab"} == {"2 of 2 on the node"}


def test_a_packet_that_does_not_pass_is_told_with_the_size_that_does() -> None:
    seen = cluster(pod(1, "a", answer(2, missing=50)))
    found = verdict(seen, Aspect.PACKET)
    assert (found.result, found.cell) == (Result.ERROR, "1450 of 1500")
    assert found.what == "packets of 1500 bytes, the MTU, do not come through from p2 on b; those of up to 1450 do"
    assert '"mtu": 1450' in found.fix
    assert verdict(seen, Aspect.PACKET, "b").result is Result.OK


def test_nodes_with_interfaces_of_different_mtu_lose_the_larger_packets() -> None:
    seen = cluster(pod(1, "a", answer(2, mtu=1400)), pod(2, "b", answer(1, mtu=1400), mtu=1400))
    assert verdict(seen, Aspect.PACKET).what == "net1 has an MTU of 1500, and that of pods on b is 1400"
    assert verdict(seen, Aspect.PACKET, "b").result is Result.OK
    apart = cluster(pod(1, "a"), pod(2, "b", mtu=1400), BRIDGE)
    assert verdict(apart, Aspect.PACKET).result is not Result.ERROR


def test_an_image_that_cannot_measure_is_not_taken_for_a_wire_that_carries_nothing() -> None:
    found = verdict(cluster(pod(1, "a", answer(2, missing=1448))), Aspect.PACKET)
    assert (found.result, found.decides) == (Result.UNSEEN, True)


@pytest.mark.parametrize(
    ("address", "timestamps", "size"),
    [("10.97.0.2", True, 1448), ("10.97.0.2", False, 1460), ("fd00::2", True, 1428), ("fe80::2%net1", False, 1440)],
)
def test_a_segment_of_this_size_is_a_packet_of_1500_bytes(address: str, timestamps: bool, size: int) -> None:
    assert room(address, 1500, timestamps=timestamps) == size


def test_a_default_route_that_the_definition_does_not_speak_of_is_an_error() -> None:
    taken = verdict(cluster(pod(1, "a", answer(2), defaults={4: "eth0", 6: "net1"})), Aspect.DEFAULT_ROUTE)
    assert (taken.result, taken.cell) == (Result.ERROR, "eth0, net1")
    assert taken.what.startswith("the default route of IPv6 goes by net1")
    lost = verdict(cluster(pod(1, "a", answer(2), defaults={})), Aspect.DEFAULT_ROUTE)
    assert (lost.result, lost.cell) == (Result.ERROR, "none")
    assert lost.what.startswith("there is no default route of IPv4")


def test_a_default_route_that_it_speaks_of_is_by_design_and_missed_where_it_is_not_taken() -> None:
    taken = cluster(pod(1, "a", answer(2), defaults={4: "net1"}), of=WAY_OUT)
    assert verdict(taken, Aspect.DEFAULT_ROUTE).cell == "net1: by design"
    assert verdict(taken, Aspect.DEFAULT_ROUTE).result is Result.BY_DESIGN
    assert verdict(taken, Aspect.DEFAULT_ROUTE, "b").result is Result.WARNING


def silent(**look: Any) -> PodSeen:
    """A pod whom DNS does not answer."""
    return replace(pod(1, "a", answer(2), **look), asked=Asked((answer(2),)))


def test_dns_that_is_lost_with_the_network_is_an_error_and_a_warning_where_it_takes_the_way_out() -> None:
    found = verdict(cluster(silent()), Aspect.DNS)
    assert (found.result, found.what) == (
        Result.ERROR,
        "the cluster's DNS answers a pod without the network, and none with it",
    )
    ways = {"10.43.0.10": "net1", "10.43.0.1": "eth0"}
    found = verdict(cluster(silent(ways=ways)), Aspect.DNS)
    assert (found.result, "the way to 10.43.0.10, where" in found.what) == (Result.ERROR, True)
    found = verdict(cluster(silent(ways=ways), of=WAY_OUT), Aspect.DNS)
    assert (found.result, "priority" in found.fix) == (Result.WARNING, True)


def test_a_way_to_dns_over_the_network_is_good_where_dns_answers() -> None:
    assert verdict(cluster(pod(1, "a", answer(2), ways={"10.43.0.10": "net1"})), Aspect.DNS).result is Result.OK


def test_dns_that_nobody_reaches_says_nothing_about_the_network() -> None:
    seen = cluster(silent())
    deaf = replace(seen.nodes[0], plain=plain("a", resolves=False))
    report = report_of(replace(seen, nodes=(deaf, seen.nodes[1])), Choice(("a", "b")))
    assert report.unseen == ("a: the cluster's DNS: it answers pods without the network neither",)
    assert report.is_well is True
    none = replace(seen.nodes[0], plain=None)
    assert "no pod without the network" in verdict(replace(seen, nodes=(none, seen.nodes[1])), Aspect.DNS).what


@pytest.mark.parametrize(
    ("of", "reached", "result", "cell"),
    [
        (MACVLAN, None, Result.BY_DESIGN, "macvlan: by design"),
        (network(type="ipvlan", ipam=HOST_LOCAL), None, Result.BY_DESIGN, "ipvlan: by design"),
        (GATEWAY, True, Result.OK, "yes"),
        (GATEWAY, False, Result.ERROR, "no"),
        (GATEWAY, None, Result.UNSEEN, "-"),
        (BRIDGE, False, Result.BY_DESIGN, "no: the node is not in it"),
        (FILE, False, Result.BY_DESIGN, "no: the node is not in it"),
    ],
)
def test_a_node_reaches_its_pods_where_it_has_an_address_in_the_network(
    of: Network, reached: bool | None, result: Result, cell: str
) -> None:
    seen = cluster(of=of)
    node = replace(seen.nodes[0], reached=reached, said="dial tcp 10.97.0.1:8080: i/o timeout")
    found = verdict(replace(seen, nodes=(node, seen.nodes[1])), Aspect.NODE)
    assert (found.result, found.cell) == (result, cell)
    assert not found.decides
    assert ("i/o timeout" in found.what) is (result in (Result.ERROR, Result.UNSEEN))


def test_what_could_not_be_looked_at_is_said_once_for_all_its_nodes() -> None:
    seen = replace(cluster(of=GATEWAY), holders=None)
    nodes = tuple(replace(node, reached=None, said="no pod may ask") for node in seen.nodes)
    choice = Choice(("a", "b"), {"w": "it runs windows, and Multus is for Linux"}, {"c": "it is not Ready"})
    report = report_of(replace(seen, nodes=nodes), choice)
    assert "a, b: whether the node reaches its pods: no pod may ask" in report.unseen
    assert {"c: it is not Ready", "w: it runs windows, and Multus is for Linux"} <= set(report.unseen)
    assert any(each.startswith("addresses of other pods: ") for each in report.unseen)
    assert report.is_well is None
    assert report_of(replace(seen, nodes=nodes), replace(choice, missed={})).is_well is not False


def test_json_has_every_verdict_and_commands_one_a_line() -> None:
    report = report_of(cluster(pod(1, "a", answer(2, missing=50))), Choice(("a", "b")))
    said = json.loads(report.as_json())
    assert (said["well"], said["network"], said["plugin"]) == (False, "default/link", "macvlan")
    assert said["nodes"][0]["MTU"] == {"result": "error", "said": "1450 of 1500"}
    assert {*said["nodes"][1]} == {"node", *Aspect}
    [found] = said["findings"]
    assert (found["node"], found["aspect"], found["severity"], len(found["fix"])) == ("a", "MTU", "error", 2)


def printed(report: Report) -> str:
    out = io.StringIO()
    show(report, Console(width=80, file=out))
    return out.getvalue()


def test_people_get_a_table_of_nodes_and_what_is_wrong_below() -> None:
    text = printed(report_of(cluster(pod(1, "a", answer(2, "nobody"))), Choice(("a", "b"))))
    row = next(line for line in text.splitlines() if line.split()[:1] == ["a"])
    assert row.split() == ["a", "net1", "10.97.0.1", "0", "of", "1", "1500", "eth0", "answers", "macvlan:"]
    assert "network: default/link (macvlan)" in text
    assert "1. error node a: neighbours: p1 gets no answer from p2 on b (10.97.0.2)" in text
    assert "   # let the hypervisor" in text
    assert "Nothing is wrong" not in text


def test_of_a_long_address_nothing_is_left_out() -> None:
    address = "fd00:1111:2222:3333:4444:5555:6666:7777"
    text = printed(report_of(cluster(pod(1, "a", address=f"{address}/64"), pod(2, "b")), Choice(("a", "b"))))
    row = next(line for line in text.splitlines() if line.split()[:1] == ["a"])
    assert address in row
    assert row.rstrip().endswith("macvlan:")


def test_well_and_not_known_are_different_words() -> None:
    assert printed(report_of(cluster(), Choice(("a", "b")))).endswith("Nothing is wrong.\n")
    alone = Seen(MACVLAN, (NodeSeen("a", (pod(1, "a"),), plain("a")),))
    assert "too little to call the network well" in printed(report_of(alone, Choice(("a",))))


LOOKED = """\
link eth0 1450 up
link lo 65536 unknown
link net1 1500 up
link bonding_masters
address lo    inet 127.0.0.1/8 scope host lo
address eth0    inet 10.42.0.5/24 brd 10.42.0.255 scope global eth0
address net1    inet 10.97.0.1/24 scope global net1
address net1    inet6 fd00::1/64 scope global flags 02
address net1    inet6 fe80::1/64 scope link
route 4 default via 10.97.0.254 dev net1
route 4 default via 10.42.0.1 dev eth0
route 4 10.42.0.0/24 dev eth0 scope link  src 10.42.0.5
route 6 unreachable default dev lo  metric 4294967295  error -101
route 6 default via fe80::9 dev net1  metric 1024
route 6 default via fe80::8 dev eth0  metric 512
way 10.43.0.10 eth0
way 10.43.0.1
timestamps 0
"""


def test_what_a_pod_prints_about_itself_is_read() -> None:
    look = read_look(LOOKED)
    assert look.links["net1"] == Link(1500, "up")
    assert set(look.links) == {"eth0", "lo", "net1"}
    assert look.addresses["net1"] == ("10.97.0.1/24", "fd00::1/64", "fe80::1/64")
    assert look.defaults == {4: "net1", 6: "eth0"}
    assert look.ways == {"10.43.0.10": "eth0", "10.43.0.1": ""}
    assert look.timestamps is False


def test_what_a_pod_prints_about_others_is_read() -> None:
    asked = read_asked("answer p2 10.97.0.2 itself 1448 net1\nanswer p3 fe80::3%net1 nobody 0 \nnc: bad\ndns yes\n")
    assert asked.answers == (answer(2), Answer("p3", "fe80::3%net1", "nobody", 0, ""))
    assert asked.resolves


def node(name: str, *, ready: str = "True", system: str = "linux", **allocatable: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/os": system}},
        "spec": {"unschedulable": name == "cordoned"},
        "status": {"conditions": [{"type": "Ready", "status": ready}], "allocatable": allocatable},
    }


def test_every_linux_node_that_is_ready_is_chosen_also_a_cordoned_one() -> None:
    nodes = [node("a"), node("cordoned"), node("gone", ready="Unknown"), node("w", system="windows")]
    chosen = choose(nodes, (), MACVLAN)
    assert chosen.nodes == ("a", "cordoned")
    assert (list(chosen.missed), list(chosen.elsewhere)) == (["gone"], ["w"])
    assert choose(nodes, ("cordoned", "cordoned"), MACVLAN) == Choice(("cordoned",))


def test_a_device_plugins_network_is_looked_at_where_its_resource_is() -> None:
    sriov = Network(NAME, {"type": "sriov"}, "intel.com/vf")
    chosen = choose([node("a", **{"intel.com/vf": "4"}), node("b", **{"intel.com/vf": "0"}), node("c")], (), sriov)
    assert chosen.nodes == ("a",)
    assert chosen.elsewhere == {"b": "it has no intel.com/vf", "c": "it has no intel.com/vf"}


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        (("x",), "There is no node x: there are gone, w."),
        ((), "There is no node to look at. w: it runs windows, and Multus is for Linux; gone: it is not Ready"),
    ],
)
def test_without_a_node_nothing_is_started(named: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(NotCheckableError) as refused:
        choose([node("gone", ready="False"), node("w", system="windows")], named, MACVLAN)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("words", "of", "sentence"),
    [
        (["a=10.97.0.5"], FIXED, "--address a=10.97.0.5: write NODE=ADDRESS/LENGTH, such as a=10.97.0.5/24."),
        (["x=10.97.0.5/24"], FIXED, "no pod is started on x, but on a, b"),
        (["a=10.97.0.5/24"], FIXED, "name a free one for each of b by --address"),
        ([], FIXED, "name a free one for each of a, b by --address"),
        (["a=10.97.0.5/24"], MACVLAN, "network default/link lacks the capability `ips`"),
    ],
)
def test_addresses_that_do_not_go_with_the_network_are_refused(words: list[str], of: Network, sentence: str) -> None:
    with pytest.raises(NotCheckableError) as refused:
        addresses_of(words, of, ("a", "b"))
    assert sentence in str(refused.value)


def test_addresses_are_of_nodes_and_of_both_families() -> None:
    words = ["a=10.97.0.5/24", "b=10.97.0.6/24", "a=fd00::5/64"]
    given = addresses_of(words, FIXED, ("a", "b"))
    assert given == {"a": ("10.97.0.5/24", "fd00::5/64"), "b": ("10.97.0.6/24",)}
    assert [each.ips for each in pods_on(("a", "b"), FIXED, given)] == [*given.values()]


@pytest.mark.parametrize(
    ("of", "nodes", "count"),
    [
        (MACVLAN, 2, 2),
        (MACVLAN, 1, 2),
        (network(type="macvlan", mode="private", ipam=HOST_LOCAL), 1, 1),
        (BRIDGE, 2, 4),
        (network(type="bridge", ipam={"type": "static", "addresses": [{"address": "10.1.1.1/24"}]}), 2, 2),
        (network(type="host-device", device="eth1"), 1, 1),
        (network(type="vlan", master="eth0", vlanId=5), 1, 1),
        (Network(NAME, {"type": "macvlan"}, "intel.com/vf"), 1, 1),
        (FILE, 1, 1),
    ],
)
def test_a_second_pod_is_started_where_only_it_can_be_a_neighbour(of: Network, nodes: int, count: int) -> None:
    names = [f"n{index}" for index in range(nodes)]
    assert len(pods_on(names, of, {})) == count


def test_a_pod_asks_others_at_every_address_but_its_own_for_a_packet_that_both_can_have() -> None:
    first = pod(1, "a", addresses={"net1": ("10.97.0.1/24", "fd00::1/64", "fe80::1/64")})
    second = pod(2, "b", mtu=1400, addresses={"net1": ("10.97.0.1/24", "fd00::2/64")})
    bare = PodSeen("p3", "c", trouble="Link not found")
    assert questions_of([first, second, bare]) == {
        "p1": [Question("p2", "fd00::2", 1328)],
        "p2": [Question("p1", "fd00::1", 1328)],
    }
    assert ask_command([Question("p2", "fd00::2", 1328)])[-4:] == ["8080", "p2", "fd00::2", "1328"]


def test_every_pod_asks_and_is_asked_as_often_as_all_others() -> None:
    assert dict(neighbours(["a", "b", "c"])) == {"a": ("b", "c"), "b": ("c", "a"), "c": ("a", "b")}
    many = dict(neighbours([f"p{index}" for index in range(40)]))
    assert {len(asked) for asked in many.values()} == {MOST_NEIGHBOURS}
    assert {sum(name in asked for asked in many.values()) for name in many} == {MOST_NEIGHBOURS}


@pytest.mark.parametrize(
    ("of", "way"),
    [
        (MACVLAN, FromNode.NEVER),
        (network(type="ipvlan"), FromNode.NEVER),
        (GATEWAY, FromNode.ALWAYS),
        (network(type="bridge", isDefaultGateway=True), FromNode.ALWAYS),
        (network(type="ptp"), FromNode.ALWAYS),
        (BRIDGE, FromNode.PERHAPS),
        (network(type="host-device", device="eth1"), FromNode.PERHAPS),
        (FILE, FromNode.PERHAPS),
        (Network(NAME, {"plugins": [{"type": "macvlan"}, {"type": "tuning"}]}), FromNode.NEVER),
    ],
)
def test_who_has_a_way_into_the_network_is_the_plugins(of: Network, way: FromNode) -> None:
    assert of.from_node is way


def test_a_definition_is_read_with_its_resource() -> None:
    about = {"namespace": "shop", "name": "vf", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/vf"}}
    read = Network.of({"metadata": about, "spec": {"config": '{"type": "sriov"}'}})
    assert (str(read.name), read.plugin, read.resource) == ("shop/vf", "sriov", "intel.com/vf")
    empty = Network.of({"metadata": {"namespace": "shop", "name": "file"}, "spec": {}})
    assert (empty.plugin, empty.gives_addresses, empty.takes_default_route) == ("", None, False)


def test_who_holds_addresses_is_what_multus_has_written() -> None:
    def holding(name: str, network: str, phase: str = "Running") -> dict[str, Any]:
        status = json.dumps([{"name": "cbr0", "ips": ["10.42.0.5"]}, {"name": network, "ips": ["10.97.0.7"]}])
        return {
            "metadata": {
                "namespace": "default",
                "name": name,
                "annotations": {"k8s.v1.cni.cncf.io/network-status": status},
            },
            "spec": {"nodeName": "b"},
            "status": {"phase": phase},
        }

    pods = [
        holding("web", "default/link"),
        holding("ours", "default/link"),
        holding("done", "default/link", "Succeeded"),
        holding("other", "shop/link"),
    ]
    assert [*holders_of(pods, MACVLAN, ["ours"])] == [Holder("default/web", "b", "10.97.0.7")]


def test_pods_have_no_right_that_the_standard_restricted_does_not_admit() -> None:
    sriov = replace(FIXED, resource="intel.com/vf")
    attached = attached_pod("p-0a", Wanted("0a", "a", ("10.97.0.5/24",)), sriov, "busybox")
    [asked] = json.loads(attached["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"])
    assert asked == {"namespace": "default", "name": "link", "interface": "net1", "ips": ["10.97.0.5/24"]}
    assert attached["spec"]["containers"][0]["resources"]["limits"] == {"intel.com/vf": "1"}
    for body in (attached, plain_pod("plain", "a", "busybox", (), "p-0a")):
        spec = body["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["activeDeadlineSeconds"] == 300
        for container in spec["containers"]:
            rights = container["securityContext"]
            assert (rights["allowPrivilegeEscalation"], rights["capabilities"]) == (False, {"drop": ["ALL"]})
            assert "readinessProbe" not in container


def test_the_kubelet_asks_at_every_address_by_a_container_each() -> None:
    body = plain_pod("plain", "a", "busybox", ("10.97.0.5", "fd00::5"), "p-0a")
    probes = [each["readinessProbe"]["httpGet"] for each in body["spec"]["containers"]]
    assert [each["host"] for each in probes] == ["10.97.0.5", "fd00::5"]
    assert {each["path"] for each in probes} == {"/p-0a"}
    assert len({each["name"] for each in body["spec"]["containers"]}) == 2
