"""A cluster of ten times the nodes takes ten times as long, not a hundred times."""

from __future__ import annotations

import json

from multus import MultusComponent
from tests.bench.registration import seconds
from tests.support.arguments import k3s, node
from tests.support.recording import Graph, run


def graph_of(count: int) -> Graph:
    nodes = [node(f"node-{number:03}", 0, host=f"node-{number:03}.example") for number in range(count)]
    return run(lambda: MultusComponent("m", k3s(*nodes))).graph


def test_time_per_node_stays_the_same() -> None:
    seconds(1)
    few, many = min(seconds(15) for _ in range(2)), seconds(120)
    assert many < 3 * 8 * few


def test_what_a_node_adds_to_the_state_does_not_depend_on_the_others() -> None:
    def size(graph: Graph) -> int:
        return sum(len(json.dumps(each.wire)) + len(each.request.dependencies) for each in graph)

    one, two, four = (size(graph_of(count)) for count in (10, 20, 40))
    assert abs((four - two) - 2 * (two - one)) < 0.02 * (four - two)
