"""unused: no network goes or changes while pods of this node hold an interface of it."""

from __future__ import annotations

import pytest

from tests.support.scratch_node import Node


@pytest.mark.parametrize("held", ["macvlan-conf", "macvlan", "conf", "default.other", "*", "macvlan*"])
def test_a_network_that_nobody_here_uses_may_go(node: Node, held: str) -> None:
    node.deliver()
    node.add_sandbox("a1", "web", *(["net1"] if held != "macvlan-conf" else []), alive=True)
    node.add_sandbox("b2", "gone", "net1", alive=False)
    before = node.tree()
    result = node.run("unused", held=held)
    assert result.ok, result.err
    assert (result.out, result.err) == ("", "")
    assert node.tree() == before


def test_a_network_that_pods_here_use_stays_and_they_are_named(node: Node) -> None:
    node.add_sandbox("a1", "web", "net1", alive=True)
    node.add_sandbox("b2", "db", "db0", alive=True)
    node.add_sandbox("c3", "plain", alive=True)
    node.deliver()
    before = node.tree()
    result = node.run("unused", held="macvlan-conf")
    assert result.status == 1
    assert "error: node-1: running pods still have additional interfaces of macvlan-conf (" in result.err
    assert "default/web net1" in result.err
    assert "default/db db0" in result.err
    assert "plain" not in result.err
    assert "delete these pods, or set liveAttachments to proceed and run pulumi up" in result.err
    assert node.tree() == before


def test_told_to_proceed_it_warns_alone(node: Node) -> None:
    node.add_sandbox("a1", "web", "net1", alive=True)
    node.deliver()
    result = node.run("unused", held="macvlan-conf", live_attachments="proceed")
    assert result.ok, result.err
    assert "warning: node-1: running pods still have additional interfaces of macvlan-conf (default/web" in result.err
