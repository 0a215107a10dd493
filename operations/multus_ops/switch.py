"""`disable` gives every node its default network back and keeps Multus away; `enable` undoes that.

Over SSH a node's configuration is taken away directly, which needs neither Multus nor its pod to work. Elsewhere the
pod does it when it ends, so that a pod that does not run cannot. Both may be interrupted and repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kubernetes import client

from multus.node_steps import options_for
from multus.plan import InstallPlan, NodePlan

from . import daemon_sets
from .kube_client import ClusterError, asked
from .node_program import program_for_people
from .ssh import NodeResult, run_on_nodes

_EVERY_SECONDS = 0.25
# How long a new pod has to stay up before it counts as one that hears when it is to end.
_SETTLED_SECONDS = 5
READS = ("conf_dir", "bin_dir", "namespace", "node", "plugin", "master", "socket_dir", "standby", "crictl")


@dataclass(frozen=True)
class NodeOutcome:
    """What became of one node.

    Attributes:
        name: the node.
        by: `ssh` or `api`.
        done: whether it is as it was asked for.
        seconds: when that was known, from the beginning.
        message: what was done, or what is wrong and what to do about it.
        reached: whether it could be asked at all.
    """

    name: str
    by: str
    done: bool
    seconds: float
    message: str
    reached: bool = True

    def __str__(self) -> str:
        mark = "" if self.done else "NOT done: "
        return f"{self.name}: {mark}{self.message} ({self.seconds:.1f} s)"


@dataclass
class Outcome:
    """What became of all of it.

    Attributes:
        action: `disable` or `enable`.
        nodes: every node that was reached over SSH, or whose Multus pod was asked to end or to start.
        daemon_sets: `namespace/name` of every DaemonSet that was stopped or started.
        trouble: what went wrong beyond single nodes.
        seconds: how long it took.
    """

    action: str
    nodes: list[NodeOutcome] = field(default_factory=list)
    daemon_sets: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether all of it is as it was asked for."""
        return not self.trouble and all(node.done for node in self.nodes)

    def as_json(self) -> dict[str, Any]:
        """The same for programs, in camel case."""
        found = asdict(self)
        return {"done": self.done, "daemonSets": found.pop("daemon_sets"), **found}


@dataclass
class Switch:
    """Turns Multus off and on.

    Attributes:
        api: the cluster.
        plan: the nodes to reach over SSH and where Multus keeps its files on them; None to use the API alone.
        progress: called with a sentence for everything that has happened.
        seconds: how long to wait for all pods, and again for each node.
    """

    api: client.ApiClient
    plan: InstallPlan | None
    progress: Callable[[str], None]
    seconds: int = 60

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._host = str(self.api.configuration.host)

    def disable(self) -> Outcome:
        """Every node back to its default network. Nodes first, so that it also works while the API server does not.

        Raises:
            ClusterError: the API server cannot be asked and there is no node to reach over SSH: nothing was changed.
        """
        outcome = Outcome("disable")
        nodes = self._over_ssh("disable", seconds=0)
        disarmed = {name for name, node in nodes.items() if node.done}
        by_pod: dict[str, NodeOutcome] = {}
        try:
            with asked(self._host):
                by_pod = self._stop(outcome, nodes)
        except ClusterError as error:
            if not nodes:
                raise
            again = "their pods write the configuration anew when they restart: repeat this command then"
            outcome.trouble.append(f"{error} Multus' DaemonSets are not stopped; {again}.")
        else:
            # A pod may have written the configuration anew before it was stopped.
            again_there = self._over_ssh("disable", only=disarmed, quiet=True, seconds=self.seconds)
            nodes |= {name: node for name, node in again_there.items() if not node.done}
        unreached = {name for name, node in nodes.items() if not node.reached}
        nodes |= {name: node for name, node in by_pod.items() if name not in nodes or name in unreached}
        outcome.nodes = list(nodes.values())
        return self._ended(outcome)

    def enable(self) -> Outcome:
        """Multus back on every node, and awaited there.

        Raises:
            ClusterError: the API server cannot be asked, and nothing was changed.
        """
        outcome = Outcome("enable")
        with asked(self._host):
            found = daemon_sets.find(self.api)
        try:
            self._start(outcome, found)
        except ClusterError as error:
            outcome.trouble.append(f"{error} Repeat this command when it answers.")
        return self._ended(outcome)

    def _start(self, outcome: Outcome, found: Sequence[Any]) -> None:
        with asked(self._host):
            for each in found:
                daemon_sets.start(self.api, each)
                outcome.daemon_sets.append(_named(each))
            for node in daemon_sets.keepers(self.api):
                daemon_sets.keep_no_longer(self.api, node)
        if not found:
            outcome.trouble.append("There is no DaemonSet of Multus in the cluster: install it again.")
        else:
            self.progress(f"started again: {', '.join(outcome.daemon_sets)}")
        nodes = self._over_ssh("enable", seconds=self.seconds, disarm_on_failure="true")
        outcome.nodes = list(nodes.values())
        with asked(self._host):
            nodes |= self._await_pods(found, {name for name, node in nodes.items() if node.reached})
        outcome.nodes = list(nodes.values())

    def _over_ssh(
        self, phase: str, *, only: set[str] | None = None, quiet: bool = False, **options: Any
    ) -> dict[str, NodeOutcome]:
        if self.plan is None:
            return {}
        plan, found = self.plan, {}
        nodes = [node for node in plan.nodes if not node.gone and (only is None or node.name in only)]

        def words(node: NodePlan) -> list[str]:
            known = options_for(plan, node)
            said = {key: known[key] for key in READS if known[key]} | options
            return [
                phase,
                *(word for key, value in said.items() for word in (f"--{key.replace('_', '-')}", str(value))),
            ]

        def ended(result: NodeResult) -> None:
            printed = result.stdout.strip().splitlines() or [""]
            outcome = NodeOutcome(
                result.node,
                "ssh",
                result.succeeded,
                self._passed(),
                result.trouble or printed[-1],
                not result.unreachable,
            )
            found[result.node] = outcome
            if not quiet or not outcome.done:
                self.progress(str(outcome))

        run_on_nodes(nodes, program_for_people(), words, seconds=self.seconds + 30, ended=ended)
        return found

    def _stop(self, outcome: Outcome, nodes: Mapping[str, NodeOutcome]) -> dict[str, NodeOutcome]:
        """End the pods; and say of every node that had one whether its pod has taken the configuration away."""
        disarmed = {name for name, node in nodes.items() if node.done}
        # Without Multus' configuration these would have none at all.
        refused = {name for name, node in nodes.items() if node.reached and not node.done}
        found = daemon_sets.find(self.api)
        for name in refused:
            daemon_sets.keep(self.api, name)
        leaving = [pod for pod in daemon_sets.pods(self.api, found) if pod.spec.node_name not in {None, *refused}]
        removing = {pod.spec.node_name for pod in leaving if _is_running(pod) and daemon_sets.removes_on_exit(pod.spec)}
        for each in found:
            staying = {
                pod.spec.node_name
                for pod in daemon_sets.pods(self.api, [each])
                if pod.spec.node_name not in {None, *disarmed, *refused} and not daemon_sets.removes_on_exit(pod.spec)
            }
            if staying:
                removing |= self._replace(each, staying)
            else:
                daemon_sets.stop(self.api, each)
            outcome.daemon_sets.append(_named(each))
        for name in {*daemon_sets.keepers(self.api)} - refused:
            daemon_sets.keep_no_longer(self.api, name)
        if found:
            self.progress(f"stopped: {', '.join(outcome.daemon_sets)} ({self._passed():.1f} s)")
        left = self._await(lambda: {pod.spec.node_name for pod in daemon_sets.pods(self.api, found)} - {None, *refused})
        return {pod.spec.node_name: self._by_pod(pod.spec.node_name, removing, left) for pod in leaving}

    def _replace(self, daemon_set: Any, nodes: set[str]) -> set[str]:
        """Pods that leave the configuration behind make way for such that do not; the nodes where that has happened."""
        self.progress(f"replacing the pods of {_named(daemon_set)} by pods that clean up when they end")
        for node in nodes:
            daemon_sets.keep(self.api, node)
        daemon_sets.stop_after_removal(self.api, daemon_set)
        since: dict[str, float] = {}

        def unsettled() -> set[str]:
            for pod in daemon_sets.pods(self.api, [daemon_set]):
                if _is_running(pod) and daemon_sets.removes_on_exit(pod.spec) and not pod.metadata.deletion_timestamp:
                    since.setdefault(pod.spec.node_name, time.monotonic())
            settled = {node for node, began in since.items() if time.monotonic() - began >= _SETTLED_SECONDS}
            return nodes - settled

        return nodes - self._await(unsettled)

    def _by_pod(self, node: str, removing: set[str], left: set[str]) -> NodeOutcome:
        conf = f"{self.plan.cni_conf_dir if self.plan else 'its CNI configuration directory'}"
        if node in removing and node not in left:
            return NodeOutcome(node, "api", True, self._passed(), "its pod has ended and taken the configuration away")
        why = "its pod does not end" if node in left else "its pod did not run, so that it could not clean up"
        fix = f"list the node in `nodes` or by --nodes FILE, or remove 00-multus.conf* from {conf} on it"
        return NodeOutcome(node, "api", False, self._passed(), f"{why}; {fix}")

    def _await_pods(self, found: Sequence[Any], over_ssh: set[str]) -> dict[str, NodeOutcome]:
        """Wait until the pods of all other nodes run, as they write the configuration when they start."""
        names = {_named(each) for each in found}
        since: dict[str, float] = {}

        def unsettled() -> set[str]:
            current = [each for each in daemon_sets.find(self.api) if _named(each) in names]
            known = [pod for pod in daemon_sets.pods(self.api, current) if pod.spec.node_name]
            for pod in known:
                if _is_running(pod) and not pod.metadata.deletion_timestamp:
                    since.setdefault(pod.spec.node_name, time.monotonic())
            settled = {node for node, began in since.items() if time.monotonic() - began >= _SETTLED_SECONDS}
            waiting = {pod.spec.node_name for pod in known} - settled - over_ssh
            return waiting if _is_observed(current, len(known)) else waiting | {"nodes without a pod yet"}

        late = self._await(unsettled)
        pods = daemon_sets.pods(self.api, list(found))
        outcomes = {}
        for node in sorted({pod.spec.node_name for pod in pods if pod.spec.node_name} - over_ssh):
            message = "its Multus pod does not run: `kubectl describe` it" if node in late else "its Multus pod runs"
            outcomes[node] = NodeOutcome(node, "api", node not in late, self._passed(), message)
        return outcomes

    def _await(self, missing: Callable[[], set[str]]) -> set[str]:
        """Poll until nothing is missing; what still is when the time is over."""
        deadline = time.monotonic() + self.seconds
        while found := missing():
            if time.monotonic() > deadline:
                return found
            time.sleep(_EVERY_SECONDS)
        return set()

    def _ended(self, outcome: Outcome) -> Outcome:
        outcome.seconds = round(self._passed(), 2)
        return outcome

    def _passed(self) -> float:
        return round(time.monotonic() - self._began, 2)


def _is_running(pod: Any) -> bool:
    return any(status.state.running for status in pod.status.container_statuses or ())


def _is_observed(found: Sequence[Any], pods: int) -> bool:
    """Whether the controller has made every pod that these DaemonSets ask for since they were changed."""
    is_current = all((each.status.observed_generation or 0) >= each.metadata.generation for each in found)
    return is_current and pods >= sum(each.status.desired_number_scheduled for each in found)


def _named(daemon_set: Any) -> str:
    return f"{daemon_set.metadata.namespace}/{daemon_set.metadata.name}"
