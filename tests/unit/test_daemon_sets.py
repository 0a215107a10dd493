"""What `enable` leaves on a DaemonSet: nothing that another owner of its fields would meet."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes import client

from multus_ops import daemon_sets
from multus_ops.daemon_sets import removal_of

OURS, PATH = "multus-disable", "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-multus-ds"


class Server:
    """An API server with one DaemonSet, whose `managedFields` it changes as it is told by JSON patches.

    Attributes:
        managers: who has set fields, in the order of the entries.
        joins: who comes to be the first of them between the next look and the patch after it.
    """

    def __init__(self, *managers: str) -> None:
        self.managers = list(managers)
        self.joins: list[str] = []

    def body(self) -> dict[str, Any]:
        entries = [{"manager": each, "operation": "Update"} for each in self.managers]
        about = {"name": "kube-multus-ds", "namespace": "kube-system", "managedFields": entries}
        template = {"metadata": {}, "spec": {"containers": [{"name": "kube-multus", "args": []}]}}
        spec = {"selector": {"matchLabels": {}}, "template": template, "updateStrategy": {"type": "RollingUpdate"}}
        return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": about, "spec": spec}

    def patch(self, operations: list[dict[str, Any]]) -> bool:
        """Whether every test of it holds; only then it is done."""
        while self.joins:
            self.managers.insert(0, self.joins.pop())
        left = list(self.managers)
        for each in operations:
            index = int(each["path"].split("/")[3])
            if each["op"] == "remove":
                del left[index]
            elif left[index] != each["value"]:
                return False
        self.managers = left
        return True


@pytest.fixture
def server() -> Iterator[tuple[Server, client.ApiClient]]:
    state = Server("helm", OURS, "kube-controller-manager")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == PATH
            self.answer(200)

        def do_PATCH(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_json_patch = self.headers["Content-Type"] == "application/json-patch+json"
            self.answer(200 if not is_json_patch or state.patch(said) else 422)

        def answer(self, status: int) -> None:
            content = json.dumps(state.body()).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        configuration = client.Configuration(host=f"http://127.0.0.1:{http.server_port}")
        with client.ApiClient(configuration) as api:
            yield state, api
        http.shutdown()


def start(api: client.ApiClient) -> None:
    live: Any = client.AppsV1Api(api).read_namespaced_daemon_set("kube-multus-ds", "kube-system")
    daemon_sets.start(api, live)


def test_enable_gives_up_every_field_that_disable_has_set(server: tuple[Server, client.ApiClient]) -> None:
    """Helm 4 stops at a field of another owner as soon as it changes its value."""
    state, api = server
    start(api)
    assert state.managers == ["helm", "kube-controller-manager"]
    start(api)
    assert state.managers == ["helm", "kube-controller-manager"]


def test_an_owner_that_comes_meanwhile_stays(server: tuple[Server, client.ApiClient]) -> None:
    state, api = server
    live: Any = client.AppsV1Api(api).read_namespaced_daemon_set("kube-multus-ds", "kube-system")
    state.joins = ["kubectl-edit"]
    daemon_sets.start(api, live)
    assert state.managers == ["kubectl-edit", "helm", "kube-controller-manager"]


def test_only_our_own_entries_go_and_the_last_first() -> None:
    paths = [each["path"] for each in removal_of([OURS, "helm", OURS]) if each["op"] == "remove"]
    assert paths == ["/metadata/managedFields/2", "/metadata/managedFields/0"]
