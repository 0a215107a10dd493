"""disable and enable: people take Multus out of the way, and no phase of a stack brings half of it back."""

from __future__ import annotations

import os
import time

import pytest

from tests.support.scratch_node import Node

CONF = "00-multus.conflist"
DEAD, ALIVE, NEW = "d" * 64, "a" * 64, "e" * 64


def disabled(node: Node) -> Node:
    result = node.people("disable", seconds=0)
    assert result.ok, result.err
    assert "pods get their network from " in result.out
    return node


def test_disable_asks_nobody(installed: Node) -> None:
    installed.api.asked.clear()
    installed.api.broken = 500
    disabled(installed)
    assert installed.api.asked == []
    assert [file.name for file in installed.conf.iterdir()].count(CONF) == 0
    assert (installed.state / "conf" / CONF).exists()
    assert installed.kubeconfig.exists()


@pytest.mark.parametrize("what", ["kubeconfig", "binary"])
def test_disable_needs_nothing_of_multus(installed: Node, what: str) -> None:
    getattr(installed, what).unlink()
    disabled(installed)


def test_disable_takes_a_configuration_that_is_no_json(installed: Node) -> None:
    (installed.conf / CONF).write_text('{"cniVersion', encoding="utf-8")
    (installed.conf / "00-multus.conf").write_text("", encoding="utf-8")
    disabled(installed)
    assert not list(installed.conf.glob("00-multus*"))


def test_disable_on_a_node_that_no_stack_knows(node: Node) -> None:
    node.pod_installs()
    before = {path for path in node.tree() if CONF not in path}
    disabled(node)
    node.pod_installs()
    assert node.provision().ok
    node.state.joinpath("marker").unlink()
    assert node.people("enable", seconds=3).ok
    assert before <= set(node.tree())
    assert not node.state.exists()


def test_disable_refuses_where_no_network_would_remain(installed: Node) -> None:
    (installed.conf / "10-flannel.conflist").unlink()
    result = installed.people("disable", seconds=0)
    assert not result.ok
    assert "no other valid configuration would remain" in result.err
    assert (installed.conf / CONF).exists()
    assert not (installed.state / "disabled").exists()


def test_disable_again_keeps_the_copy_and_the_time(installed: Node) -> None:
    disabled(installed)
    since = (installed.state / "disabled").read_text()
    result = installed.people("disable", seconds=0)
    assert "no Multus configuration to take away" in result.out
    assert (installed.state / "disabled").read_text() == since
    assert (installed.state / "conf" / CONF).exists()


def test_no_phase_of_a_stack_brings_it_back(installed: Node) -> None:
    disabled(installed)
    for result in (installed.preflight(), installed.verify(), installed.verify(disarm_on_failure="true")):
        assert not result.ok
        assert "Multus is disabled; " in result.err
        assert "multus-ops enable" in result.err
    assert not (installed.conf / CONF).exists()


def test_a_refused_preflight_does_not_enable(node: Node) -> None:
    node.pod_installs()
    disabled(node)
    assert not node.preflight().ok
    assert not node.preflight().ok


def test_enable_puts_the_configuration_back_where_the_pod_does_not(installed: Node) -> None:
    before = (installed.conf / CONF).read_text()
    disabled(installed)
    result = installed.people("enable", seconds=3)
    assert result.ok, result.err
    assert "verified: " in result.out
    assert (installed.conf / CONF).read_text() == before
    assert not (installed.state / "disabled").exists()
    assert installed.preflight().ok


def test_enable_that_fails_leaves_the_default_network(installed: Node) -> None:
    disabled(installed)
    installed.api.broken = 401
    result = installed.people("enable", seconds=3, disarm_on_failure="true")
    assert not result.ok
    assert "the API server does not know the token" in result.err
    assert not (installed.conf / CONF).exists()
    assert (installed.state / "disabled").exists()


def test_enable_gives_back_what_ended_meanwhile_and_nothing_that_begins(installed: Node) -> None:
    installed.add_sandbox(DEAD, "gone", "net1", alive=False)
    installed.add_sandbox(ALIVE, "web", "net1", alive=True)
    hour_ago = time.time() - 3600
    for file in [*installed.cache.iterdir(), *(installed.cache / "results").iterdir()]:
        os.utime(file, (hour_ago, hour_ago))
    disabled(installed)
    os.utime(installed.state / "disabled", (hour_ago + 60, hour_ago + 60))
    # The runtime writes this before there is anything else to see of the pod.
    installed.add_sandbox(NEW, "new", "net1", alive=False)
    result = installed.people("enable", seconds=3)
    assert result.ok, result.err
    said = [line for line in result.out.splitlines() if "gave back" in line]
    assert said == [f"gave back the interfaces of dead sandbox {DEAD}"]


def test_a_destroyed_stack_takes_the_mark_along(installed: Node) -> None:
    disabled(installed)
    installed.api.marker_is_there = False
    for result in (installed.disarm(), installed.clean()):
        assert result.ok, result.err
    assert not installed.state.exists()
