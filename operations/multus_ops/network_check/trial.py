"""A check under way: its pods are started, awaited, looked into, and asked to ask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kubernetes import client
from kubernetes.stream import stream

from ..doctor.messages import readable
from ..short_lived_pods import ShortLivedPods
from .look import read_asked, read_look
from .network import Network
from .pods import ask_command, look_command
from .questions import Question
from .seen import PodSeen

# Asking ends by itself, unless the node is slow: see ask.sh.
_EXEC_SECONDS = 120


@dataclass(frozen=True)
class Trial:
    """One check under way.

    Attributes:
        api: the cluster.
        pods: its pods.
        network: what is looked at.
        image: what the pods run.
        seconds: how long they may take to start.
        progress: called with a few words about what is done next.
    """

    api: client.ApiClient
    pods: ShortLivedPods
    network: Network
    image: str
    seconds: float
    progress: Callable[[str], None]

    def name(self, end: str) -> str:
        """A name for one of its pods."""
        return f"network-check-{self.pods.run}-{end}"

    def started(self, names: Collection[str]) -> dict[str, str]:
        """Why each of these pods does not run once the time is over; empty for those that do."""

        def running(found: list[Any]) -> set[str]:
            return {pod.metadata.name for pod in found if pod.status.phase == "Running"} & {*names}

        def is_enough(found: list[Any]) -> bool:
            count = len(running(found))
            self.progress(f"{count} of {len(names)} pods run")
            return count == len(names)

        found = self.pods.awaited(is_enough, self.seconds)
        reasons = dict.fromkeys(names, "nobody has seen it")
        for pod in found:
            reasons[pod.metadata.name] = self.pods.why_not_running(pod) or "it does not start, and nobody says why"
        return {name: "" if name in running(found) else reasons[name] for name in names}

    def looked(self, pod: PodSeen) -> PodSeen:
        """The same pod, once it was looked into; one that does not run stays what it was."""
        if not pod.runs:
            return pod
        try:
            return replace(pod, look=read_look(self._exec(pod.pod, look_command())))
        except client.ApiException as error:
            return replace(pod, trouble=f"{pod.pod} runs, and nobody can look into it: {_reason(error)}")

    def asked(self, pod: PodSeen, questions: Sequence[Question]) -> PodSeen:
        """The same pod, once it has asked others, and DNS."""
        if not pod.runs:
            return pod
        try:
            return replace(pod, asked=read_asked(self._exec(pod.pod, ask_command(questions))))
        except client.ApiException as error:
            return replace(pod, trouble=f"{pod.pod} ran, and nobody can look into it any more: {_reason(error)}")

    def _exec(self, pod: str, command: Sequence[str]) -> str:
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


def _reason(error: client.ApiException) -> str:
    return readable(str(error.reason or error.body))
