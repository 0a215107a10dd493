from __future__ import annotations

import json
import os
import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes import client

from multus_ops.doctor.annotations import NetworkName
from multus_ops.network_check.kubelets import PlainPod, reached_by_kubelets, start_plain_pods
from multus_ops.network_check.look import Link, Look
from multus_ops.network_check.network import Network
from multus_ops.network_check.seen import PodSeen
from multus_ops.network_check.trial import Trial
from multus_ops.short_lived_pods import ShortLivedPods, ended_by_signal, short_lived_pods

LABEL = "multus-test"
FORBIDDEN = (
    'pods "plain" is forbidden: violates PodSecurity "restricted:latest": probe or lifecycle host '
    '(container "asked-0" uses probe or lifecycle host "10.97.0.1")'
)


class Api:
    """As much of the API as pods of a moment meet."""

    def __init__(self, *, admits_probes: bool = True) -> None:
        self.pods: dict[str, Any] = {}
        self.events: list[Any] = []
        self.admits_probes = admits_probes
        self.deleted: list[str] = []

    def create_namespaced_pod(self, namespace: str, body: Any) -> None:
        assert namespace == "shop"
        if not self.admits_probes and any("readinessProbe" in each for each in body["spec"]["containers"]):
            error = client.ApiException(status=403, reason="Forbidden")
            error.body = json.dumps({"message": FORBIDDEN})
            raise error
        self.pods[body["metadata"]["name"]] = body

    def list_namespaced_pod(self, _namespace: str, label_selector: str) -> Any:
        key, _, value = label_selector.partition("=")
        found = [
            SimpleNamespace(
                metadata=SimpleNamespace(name=name, uid=name),
                status=SimpleNamespace(phase="Running", conditions=body.get("conditions", [])),
            )
            for name, body in self.pods.items()
            if body["metadata"]["labels"][key] == value
        ]
        return SimpleNamespace(items=found)

    def list_namespaced_event(self, _namespace: str, field_selector: str) -> Any:
        return SimpleNamespace(items=[each for each in self.events if f"uid={each.uid}," in field_selector])

    def delete_collection_namespaced_pod(self, _namespace: str, label_selector: str, **options: Any) -> None:
        field_selector = options.get("field_selector", "")
        self.deleted.append(f"{label_selector} {field_selector}".strip())
        if not field_selector:
            self.pods.clear()


def pods_of(api: Api) -> ShortLivedPods:
    return ShortLivedPods(cast(Any, api), "shop", LABEL, "run")


def body(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": []}}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setattr(client, "CoreV1Api", lambda _: made)
    return made


def test_pods_are_gone_after_an_error_and_those_of_a_killed_run_before(api: Api) -> None:
    with pytest.raises(ZeroDivisionError), short_lived_pods(cast(Any, None), "shop", LABEL) as pods:  # noqa: PT012
        pods.start(body("one"))
        assert [pod.metadata.name for pod in pods.found()] == ["one"]
        _ = 1 / 0
    assert not api.pods
    finished = [f"{LABEL} status.phase=Succeeded", f"{LABEL} status.phase=Failed"]
    assert api.deleted == [*finished, pods.selector]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_pods_are_gone_after_a_signal_and_a_second_one_does_not_stop_that(api: Api, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), short_lived_pods(cast(Any, None), "shop", LABEL) as pods:  # noqa: PT012
        pods.start(body("one"))
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
    assert not api.pods
    assert signal.getsignal(number) is before


def test_handlers_are_what_they_were_where_no_signal_came() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_signal():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def trial(api: Api, **plugin: Any) -> Trial:
    network = Network(NetworkName("shop", "lan"), plugin)
    return Trial(cast(Any, None), pods_of(api), network, "busybox", 1, lambda _: None)


LAN = {"type": "bridge", "isGateway": True}
ASKED = PodSeen(
    "p1", "a", look=Look({"net1": Link(1500, "up")}, {"net1": ("10.97.0.1/24", "fd00::1/64", "fe80::1/64")})
)


def test_a_kubelet_is_asked_by_a_probe_of_a_plain_pod() -> None:
    api = Api()
    [plain] = start_plain_pods(trial(api, **LAN), {"a": ASKED})
    assert plain == PlainPod("network-check-run-plain-0", "a")
    probes = [each["readinessProbe"]["httpGet"] for each in api.pods[plain.name]["spec"]["containers"]]
    assert [(each["host"], each["path"]) for each in probes] == [("10.97.0.1", "/p1"), ("fd00::1", "/p1")]


def test_where_no_probe_is_admitted_the_plain_pod_starts_without_and_says_why() -> None:
    api = Api(admits_probes=False)
    [plain] = start_plain_pods(trial(api, **LAN), {"a": ASKED})
    assert [*api.pods] == [plain.name]
    assert plain.why_not == (
        'no pod may make its kubelet ask: violates PodSecurity "restricted:latest": probe or lifecycle host'
    )


@pytest.mark.parametrize(
    ("plugin", "asked", "why_not"),
    [
        ({"type": "macvlan"}, ASKED, "by design"),
        (LAN, PodSeen("p1", "a", look=Look(addresses={"net1": ("fe80::1/64",)})), "they have no address"),
    ],
)
def test_no_kubelet_is_asked_what_it_cannot_do(plugin: dict[str, Any], asked: PodSeen, why_not: str) -> None:
    api = Api(admits_probes=False)
    [plain] = start_plain_pods(trial(api, **plugin), {"a": asked})
    assert plain.why_not.startswith(why_not)


def test_any_other_refusal_is_nobodys_to_hide() -> None:
    api = Api(admits_probes=False)
    api.create_namespaced_pod = lambda *_: (_ for _ in ()).throw(client.ApiException(status=403))  # type: ignore[method-assign]
    with pytest.raises(client.ApiException):
        [*start_plain_pods(trial(api, **LAN), {"a": ASKED})]


def test_a_kubelet_has_reached_what_makes_its_pod_ready_and_says_what_is_in_the_way() -> None:
    api = Api()
    plain = {each.name: each for each in start_plain_pods(trial(api, **LAN), {"a": ASKED, "b": ASKED})}
    plain["other"] = PlainPod("other", "c", "no pod may ask")
    first, second, _ = plain
    api.pods[first]["conditions"] = [SimpleNamespace(type="Ready", status="True")]
    api.events = [
        SimpleNamespace(uid=first, message="Readiness probe failed: connection refused", count=1),
        SimpleNamespace(uid=second, message="Readiness probe failed:  i/o timeout", count=2),
    ]
    assert reached_by_kubelets(trial(api, **LAN), plain) == {
        "a": (True, ""),
        "b": (False, "Readiness probe failed: i/o timeout"),
        "c": (None, "no pod may ask"),
    }
