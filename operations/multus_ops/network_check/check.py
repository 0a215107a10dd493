"""Starts pods with a network, looks into them, lets them ask each other, and takes them away again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from kubernetes import client
from kubernetes.stream import stream

from multus.metadata import Object

from ..doctor.annotations import NetworkName
from ..doctor.messages import readable
from ..short_lived_pods import DEFAULT_IMAGE, ShortLivedPods, short_lived_pods
from .choice import Choice, NotCheckableError, Wanted, addresses_of, choose, neighbours, pods_on
from .judgement import segment
from .look import is_link_local, read_asked, read_look
from .network import FromNode, Network
from .pods import ask_command, attached_pod, look_command, plain_pod
from .report import Report, report_of
from .seen import INTERFACE, Holder, NodeSeen, PodSeen, Seen, holders_of

LABEL = "multus-network-check"
_KIND = ("k8s.cni.cncf.io", "v1")
_PLURAL = "network-attachment-definitions"
_AT_ONCE = 16
# Asking ends by itself, unless the node is slow: see ask.sh.
_EXEC_SECONDS = 120
# Three failures, a second apart, each of up to three seconds: see the probe.
_PROBE_SECONDS = 15


@dataclass(frozen=True)
class CheckOptions:
    """What to start.

    Attributes:
        nodes: on which nodes; empty for all.
        addresses: words `NODE=ADDRESS/LENGTH`, for a network whose pods say their address.
        image: an image with busybox's `sh`, `ip`, `httpd`, `nc` and `nslookup`.
        seconds: how long the pods may take to start.
        words: the options that name the cluster to `multus-ops`, as they are typed.
    """

    nodes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    image: str = DEFAULT_IMAGE
    seconds: int = 60
    words: str = ""


def check(
    api: client.ApiClient, name: str, options: CheckOptions, progress: Callable[[str], None] = lambda _: None
) -> Report:
    """Look at a network on every chosen node.

    Args:
        api: the cluster.
        name: the definition's, `namespace/name` where it is not in the namespace `default`.
        options: what to start.
        progress: called with a few words about what is done next.

    Raises:
        NotCheckableError: nothing was started, and why.
        client.ApiException, urllib3.exceptions.HTTPError: the API server refused or does not answer.
    """
    core = client.CoreV1Api(api)
    network = _network(api, name)
    found: Any = core.list_node(_preload_content=False)
    choice = choose(json.loads(found.data)["items"], options.nodes, network)
    addresses = addresses_of(options.addresses, network, choice.nodes)
    with short_lived_pods(api, network.name.namespace, LABEL) as pods:
        wanted = pods_on(choice.nodes, network, addresses, f"network-check-{pods.run}")
        return _checked(_Run(api, pods, network, options, progress), choice, wanted)


def _network(api: client.ApiClient, name: str) -> Network:
    namespace, slash, own = name.rpartition("/")
    asked = NetworkName(namespace if slash else "default", own)
    objects = client.CustomObjectsApi(api)
    try:
        definition: Any = objects.get_namespaced_custom_object(*_KIND, asked.namespace, _PLURAL, asked.name)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise NotCheckableError(f"There is no network {asked}: {_others(objects)}.") from None
    return Network.of(definition)


def _others(objects: client.CustomObjectsApi) -> str:
    try:
        found: Any = objects.list_cluster_custom_object(*_KIND, _PLURAL)
    except client.ApiException as error:
        return (
            "the cluster has no definitions of networks"
            if error.status == HTTPStatus.NOT_FOUND
            else "look for its name"
        )
    names = sorted(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in found["items"])
    return f"there are {', '.join(names)}" if names else "there is none at all"


@dataclass(frozen=True)
class _Run:
    """One check under way."""

    api: client.ApiClient
    pods: ShortLivedPods
    network: Network
    options: CheckOptions
    progress: Callable[[str], None]

    def exec(self, pod: str, command: Sequence[str]) -> str:
        """What a command prints in a pod."""
        # Its own client: the stream puts its transport into the one that it is called with.
        with client.ApiClient(self.api.configuration) as own:
            printed: Any = stream(
                client.CoreV1Api(own).connect_get_namespaced_pod_exec,
                pod,
                self.pods.namespace,
                command=list(command),
                stdout=True,
                stderr=False,
                _request_timeout=_EXEC_SECONDS,
            )
        return str(printed)

    def looked(self, pod: PodSeen) -> PodSeen:
        """The same pod, once it was looked into."""
        try:
            return replace(pod, look=read_look(self.exec(pod.pod, look_command())))
        except client.ApiException as error:
            return replace(pod, trouble=f"runs, and cannot be looked into: {readable(str(error.reason or error.body))}")

    def asking(self, pod: PodSeen, asked: Sequence[tuple[str, str, int]]) -> PodSeen:
        """The same pod, once it has asked others."""
        if not pod.runs:
            return pod
        try:
            return replace(pod, asked=read_asked(self.exec(pod.pod, ask_command(asked))))
        except client.ApiException as error:
            return replace(pod, trouble=f"cannot be looked into any more: {readable(str(error.reason or error.body))}")


def _checked(run: _Run, choice: Choice, wanted: Sequence[Wanted]) -> Report:
    run.progress(f"starting {len(wanted)} pods on {len(choice.nodes)} nodes")
    for each in wanted:
        run.pods.start(attached_pod(each, run.network, run.options.image))
    running = _started(run, [each.name for each in wanted], run.options.seconds)
    with _workers() as workers:
        run.progress("looking into the pods")
        attached = [*workers.map(run.looked, (PodSeen(w.name, w.node, running[w.name]) for w in wanted))]
        by_node = {node: [pod for pod in attached if pod.node == node and pod.link] for node in choice.nodes}
        run.progress("asking neighbours, DNS and kubelets")
        plain, refused = _start_plain(run, {node: pods[0] for node, pods in by_node.items() if pods})
        asked = _questions(attached)
        asking = [workers.submit(run.asking, pod, asked.get(pod.pod, ())) for pod in attached]
        started = _started(run, plain.values(), run.options.seconds)
        beside = [workers.submit(_look_beside, run, PodSeen(name, node, started[name])) for node, name in plain.items()]
        reached = _reached(run, plain, refused)
        attached = [each.result() for each in asking]
        plains = {pod.node: pod for pod in (each.result() for each in beside)}
    nodes = tuple(
        NodeSeen(
            node,
            tuple(pod for pod in attached if pod.node == node),
            plains.get(node),
            *reached.get(node, (None, "")),
        )
        for node in choice.nodes
    )
    holders = _holders(run, [each.name for each in wanted])
    return report_of(Seen(run.network, nodes, holders, run.options.words), choice)


def _look_beside(run: _Run, pod: PodSeen) -> PodSeen:
    return run.asking(run.looked(pod), ()) if pod.runs else pod


@contextmanager
def _workers() -> Iterator[ThreadPoolExecutor]:
    """Threads that nobody waits for when the check is interrupted: they end with the pods that they look into."""
    workers = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield workers
    except BaseException:
        workers.shutdown(wait=False, cancel_futures=True)
        raise
    workers.shutdown()


def _started(run: _Run, names: Sequence[str] | Any, seconds: float) -> dict[str, str]:
    """Why each of these pods does not run once the time is over; empty for those that do."""
    names = set(names)

    def running(found: list[Any]) -> dict[str, Any]:
        return {pod.metadata.name: pod for pod in found if pod.metadata.name in names and pod.status.phase == "Running"}

    def is_enough(found: list[Any]) -> bool:
        there = running(found)
        run.progress(f"{len(there)} of {len(names)} pods run")
        return len(there) == len(names)

    found = run.pods.awaited(is_enough, seconds)
    there = running(found)
    pods = {pod.metadata.name: pod for pod in found}
    return {
        name: ""
        if name in there
        else (run.pods.why_not_running(pods[name]) if name in pods else "") or "it does not start"
        for name in names
    }


def _questions(pods: Sequence[PodSeen]) -> Mapping[str, list[tuple[str, str, int]]]:
    """Whom each pod asks, where, and for how much: at no address that it has itself."""
    known = {pod.pod: pod for pod in pods if pod.link}
    questions: dict[str, list[tuple[str, str, int]]] = {}
    for name, others in neighbours(list(known)):
        own = known[name].look.asked_at(INTERFACE)
        questions[name] = [
            (other, address, segment(known[name], known[other], address))
            for other in others
            for address in known[other].look.asked_at(INTERFACE)
            if address not in own
        ]
    return questions


def _start_plain(run: _Run, beside: Mapping[str, PodSeen]) -> tuple[dict[str, str], dict[str, str]]:
    """A pod without the network on each node, by node; and why its kubelet could not be told to ask, by node."""
    started, refused = {}, {}
    for index, (node, attached) in enumerate(beside.items()):
        name = f"network-check-{run.pods.run}-plain-{index}"
        addresses = [each for each in attached.look.asked_at(INTERFACE) if not is_link_local(each)]
        if run.network.from_node is FromNode.NEVER:
            addresses = []
        elif not addresses:
            refused[node] = "they have no address to be asked at"
        try:
            run.pods.start(plain_pod(name, node, run.options.image, addresses, attached.pod))
        except client.ApiException as error:
            # The Pod Security Standards have forbidden it since Kubernetes 1.34.
            if error.status != HTTPStatus.FORBIDDEN or not addresses:
                raise
            refused[node] = f"no pod may ask its kubelet for it here: {_message(error)}"
            run.pods.start(plain_pod(name, node, run.options.image, (), attached.pod))
        started[node] = name
    return started, refused


def _message(error: client.ApiException) -> str:
    try:
        return readable(str(json.loads(error.body or "")["message"]))
    except (ValueError, KeyError, TypeError):
        return readable(str(error.reason))


def _reached(run: _Run, plain: Mapping[str, str], refused: Mapping[str, str]) -> dict[str, tuple[bool | None, str]]:
    """Whether each node's kubelet has reached a pod, and what it said."""
    said: dict[str, tuple[bool | None, str]] = {node: (None, reason) for node, reason in refused.items()}
    asked = {name: node for node, name in plain.items() if node not in refused}
    if run.network.from_node is FromNode.NEVER:
        return said

    def is_told(found: list[Any]) -> bool:
        for pod in found:
            node = asked.get(pod.metadata.name)
            if node is not None and not said.get(node, (None, ""))[0]:
                failures = run.pods.warnings_about(pod, "Unhealthy")
                ready = any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ())
                said[node] = (True, "") if ready else (False, failures[-1]) if failures else (None, "")
        return all(said.get(node, (None, ""))[0] for node in asked.values())

    run.pods.awaited(is_told, _PROBE_SECONDS)
    return said


def _holders(run: _Run, ours: Sequence[str]) -> tuple[Holder, ...] | None:
    try:
        found: Any = run.pods.core.list_pod_for_all_namespaces(_preload_content=False)
    except client.ApiException as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return None
    everybody: list[Object] = json.loads(found.data)["items"]
    return tuple(holders_of(everybody, run.network, ours))
