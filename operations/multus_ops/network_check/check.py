"""Starts pods with a network, looks into them, lets them ask each other, and takes them away again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kubernetes import client

from multus.metadata import Object

from ..doctor.annotations import NetworkName
from ..doctor.networks import DEFINITIONS, PLURAL
from ..short_lived_pods import DEFAULT_IMAGE, short_lived_pods
from .choice import Choice, NotCheckableError, Wanted, addresses_of, choose, pods_on
from .kubelets import reached_by_kubelets, start_plain_pods
from .network import Network
from .pods import attached_pod
from .questions import questions_of
from .report import Report, report_of
from .seen import Holder, NodeSeen, PodSeen, Seen, holders_of
from .trial import Trial

LABEL = "multus-network-check"
_AT_ONCE = 16


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
    network = _network(api, name)
    found: Any = client.CoreV1Api(api).list_node(_preload_content=False)
    choice = choose(json.loads(found.data)["items"], options.nodes, network)
    addresses = addresses_of(options.addresses, network, choice.nodes)
    with short_lived_pods(api, network.name.namespace, LABEL) as pods:
        trial = Trial(api, pods, network, options.image, options.seconds, progress)
        nodes = _looked_at(trial, choice, pods_on(choice.nodes, network, addresses))
        holders = _holders(trial, [pod.pod for node in nodes for pod in node.pods])
    return report_of(Seen(network, nodes, holders, options.words), choice)


def _network(api: client.ApiClient, name: str) -> Network:
    namespace, _, own = name.rpartition("/")
    asked = NetworkName(namespace or "default", own)
    objects = client.CustomObjectsApi(api)
    try:
        definition: Any = objects.get_namespaced_custom_object(*DEFINITIONS, asked.namespace, PLURAL, asked.name)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise NotCheckableError(f"There is no network {asked}: {_others(objects)}.") from None
    return Network.of(definition)


def _others(objects: client.CustomObjectsApi) -> str:
    try:
        found: Any = objects.list_cluster_custom_object(*DEFINITIONS, PLURAL)
    except client.ApiException as error:
        return (
            "the cluster has no definitions of networks"
            if error.status == HTTPStatus.NOT_FOUND
            else "look for its name"
        )
    names = sorted(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in found["items"])
    return f"there are {', '.join(names)}" if names else "there is none at all"


def _looked_at(trial: Trial, choice: Choice, wanted: Sequence[Wanted]) -> tuple[NodeSeen, ...]:
    trial.progress(f"starting {len(wanted)} pods on {len(choice.nodes)} nodes")
    for each in wanted:
        trial.pods.start(attached_pod(trial.name(each.end), each, trial.network, trial.image))
    running = trial.started([trial.name(each.end) for each in wanted])
    with _workers() as workers:
        trial.progress("looking into the pods")
        there = [PodSeen(trial.name(each.end), each.node, running[trial.name(each.end)]) for each in wanted]
        attached = [*workers.map(trial.looked, there)]
        questions = questions_of(attached)
        asking = [workers.submit(trial.asked, pod, questions.get(pod.pod, ())) for pod in attached]
        # The first of each node.
        beside = {pod.node: pod for pod in reversed(attached) if pod.link is not None}
        plain = {each.name: each for each in start_plain_pods(trial, beside)}
        running = trial.started(plain)
        trial.progress("asking neighbours, DNS and kubelets")
        there = [PodSeen(each.name, each.node, running[each.name]) for each in plain.values()]
        comparing = [workers.submit(lambda pod: trial.asked(trial.looked(pod), ()), pod) for pod in there]
        reached = reached_by_kubelets(trial, plain)
        attached = [each.result() for each in asking]
        compared = {pod.node: pod for pod in (each.result() for each in comparing)}
    return tuple(
        NodeSeen(
            node,
            tuple(pod for pod in attached if pod.node == node),
            compared.get(node),
            *reached.get(node, (None, "")),
        )
        for node in choice.nodes
    )


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


def _holders(trial: Trial, ours: Sequence[str]) -> tuple[Holder, ...] | None:
    try:
        found: Any = trial.pods.core.list_pod_for_all_namespaces(_preload_content=False)
    except client.ApiException as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return None
    everybody: list[Object] = json.loads(found.data)["items"]
    return tuple(holders_of(everybody, trial.network, ours))
