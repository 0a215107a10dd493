"""Pods that start without pause, none of which may lack an interface or be tried twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.churn.pods import Seen, churned
from lab.cluster import Cluster

# Thin Multus gives the API server 2 x 250 ms for an answer, and tries for 2.5 s; thick's daemon 50 ms (multus-cni
# v4.3.0, GetPod in pkg/multus/multus.go). A busy machine may exceed that for a moment, and then for every pod that
# starts in it; the next try succeeds. A dead way to the API server says the same of the same pods over and over.
_OVERLOADED = "context deadline exceeded"
_ONE_MORE_IN = 5
# The churn's own question, which is as small as Multus', has then taken longer than Multus waits.
_STALL_SECONDS = 0.25


@contextmanager
def churn(
    cluster: Cluster, nodes: Sequence[str] = (), *, at_least: int = 5, interfaces: Sequence[str] = ("eth0", "net1")
) -> Iterator[Seen]:
    """Pods come and go on these nodes while the block runs; none may lack an interface or be tried twice.

    Args:
        cluster: where.
        nodes: the names of the nodes, in turn; by default all.
        at_least: how many pods have to have been asked for before the block's end counts as its end.
        interfaces: what every pod has to have that asks for net1.
    """
    with churned(cluster, nodes) as running:
        yield running.seen
        running.await_asked(at_least - len(running.seen.pods))
    judge(running.seen, interfaces)


def judge(seen: Seen, interfaces: Sequence[str]) -> None:
    """Fail unless every pod that asks for net1 ran with these interfaces, and every other one with eth0, at once."""
    asked = len(seen.pods)
    lacking = {pod.name: pod.got for pod in seen.pods if pod.lacks(interfaces if pod.network else ["eth0"])}
    assert not seen.unanswered, f"not asked for: {seen.unanswered}"
    assert not seen.never_ran, f"did not end: {seen.never_ran} of {asked}"
    assert not seen.silent, f"did not say what they had: {seen.silent} of {asked}"
    assert not lacking, f"ran without an interface: {lacking} of {asked}"
    failed = {each.pod: each.reason for each in seen.failures if _OVERLOADED not in each.reason}
    assert not failed, f"failed sandboxes: {failed}"
    _assert_no_dead_way(seen)


def _assert_no_dead_way(seen: Seen) -> None:
    overloaded = [each.pod for each in seen.failures]
    again = {name for name in overloaded if overloaded.count(name) > 1}
    some = len(seen.pods) // (2 if seen.slowest_answer > _STALL_SECONDS else _ONE_MORE_IN)
    unanswered = f"unanswered: {seen.failures} of {len(seen.pods)}, slowest answer: {seen.slowest_answer:.2f} s"
    assert len(set(overloaded)) <= 1 + some, unanswered
    assert len(again) <= 1, f"more than once {again}, {unanswered}"
