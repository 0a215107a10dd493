"""Secrets stay secret, and Outputs work where they are allowed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi.runtime.rpc import UNKNOWN

from multus import InvalidArgumentsError, MultusComponent
from multus.component import _known_credentials
from tests.support.arguments import HOST_KEY, SSH_KEY, UID, k3s, node
from tests.support.recording import CA, TOKEN, Graph, run, without_secrets

CA_DATA = base64.b64encode(CA.encode()).decode()


def graph_of(args: Any, *, preview: bool = False) -> Graph:
    return run(lambda: MultusComponent("m", args), preview=preview).graph


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_of(k3s(node("a", 11)))


def test_a_node_gets_the_token_as_a_secret_and_the_authority_as_a_word(graph: Graph) -> None:
    provision = graph["m-provision-a"].inputs
    assert provision["stdin"] == TOKEN
    assert f" --ca {CA_DATA}" in provision["create"]
    assert " --server https://127.0.0.1:6444" in provision["create"]


def test_secret_inputs_are_connections_and_the_kubeconfig(graph: Graph) -> None:
    assert {each.name: each.secret_inputs for each in graph if each.secret_inputs} == {
        "m-program-a": {"connection"},
        "m-preflight-a": {"connection"},
        "m-provision-a": {"connection", "stdin"},
        "m-verify-a": {"connection"},
    }


def test_private_key_is_a_secret_of_its_own_where_the_connection_is_looked_at() -> None:
    graph = graph_of(k3s(node("a", 11)))
    for each in graph.of_type("remote:Command"):
        assert "connection" in each.request.additionalSecretOutputs


# How a secret is written, and how a program that is careless with it would come by it.
FORMS: dict[str, tuple[str, Callable[[Any], pulumi.Output[str]]]] = {
    "token": (TOKEN, lambda data: data["token"].apply(lambda text: base64.b64decode(text).decode())),
    "token-base64": (base64.b64encode(TOKEN.encode()).decode(), lambda data: data["token"]),
    "key": (SSH_KEY, lambda _: pulumi.Output.secret(SSH_KEY)),
    "key-part": ("made0up0", lambda _: pulumi.Output.secret(SSH_KEY.splitlines()[1])),
}
MODES: dict[str, Any] = {"up": {}, "preview": {"preview": True}, "later-preview": {"preview": True, "there": True}}


def in_clear(secret: str, graph: Graph) -> list[str]:
    written = json.dumps(secret)[1:-1]
    return [each.name for each in graph if written in each.text_in_clear]


@pytest.mark.parametrize(
    ("form", "mode"),
    # Nobody knows the token before there is one: see the test below.
    [(form, mode) for form in FORMS for mode in MODES if (mode, form.split("-")[0]) != ("preview", "token")],
)
def test_no_secret_stands_in_clear(form: str, mode: str) -> None:
    """Beside the component something leaks the same secret, and has to be all that is found."""
    secret, found_in = FORMS[form]

    def program() -> None:
        MultusComponent("m", k3s(node("a", 11), node("b", 12, private_key=pulumi.Output.secret(SSH_KEY))))
        account = k8s.core.v1.Secret("account", type="kubernetes.io/service-account-token")
        k8s.core.v1.ConfigMap("leak", data={"it": pulumi.Output.unsecret(found_in(account.data))})

    graph = run(program, **MODES[mode]).graph
    assert in_clear(secret, graph) == ["leak"]


def test_a_first_preview_knows_no_token() -> None:
    graph = graph_of(k3s(node("a", 11)), preview=True)
    assert "stdin" in graph["m-provision-a"].unknown_inputs
    assert in_clear(TOKEN, graph) == []


def test_secrets_are_seen_where_they_would_stand_in_clear(graph: Graph) -> None:
    """What the test above looks for is there, as a secret."""
    assert TOKEN in json.dumps(graph["m-provision-a"].wire)
    assert TOKEN not in json.dumps(without_secrets(graph["m-provision-a"].wire))
    assert graph["m-provision-a"].inputs["connection"]["privateKey"] == SSH_KEY


def test_no_command_text_carries_a_secret(graph: Graph) -> None:
    commands = graph.of_type("remote:Command")
    assert len(commands) == 3
    for each in commands:
        for text in (each.inputs.get(phase, "") for phase in ("create", "update", "delete")):
            assert TOKEN not in text
            assert "PRIVATE KEY" not in text


def test_install_is_the_service_accounts_uid(graph: Graph) -> None:
    for phase in ("provision", "verify"):
        inputs = graph[f"m-{phase}-a"].inputs
        assert all(f"--install {UID}" in inputs[kind] for kind in ("create", "update", "delete") if kind in inputs)


def test_outputs_of_the_same_program_work() -> None:
    args = k3s(
        node(
            "a",
            11,
            host=pulumi.Output.from_input("192.0.2.99"),
            host_key=pulumi.Output.from_input(HOST_KEY),
            private_key=pulumi.Output.secret(SSH_KEY),
        ),
        api_server=pulumi.Output.from_input("https://[2001:db8::1]:6443"),
    )
    graph = graph_of(args)
    provision = graph["m-provision-a"].inputs
    assert provision["connection"]["host"] == "192.0.2.99"
    assert provision["connection"]["hostKey"] == HOST_KEY
    assert provision["connection"]["privateKey"] == SSH_KEY
    assert "--server '\"'\"'https://[2001:db8::1]:6443'\"'\"'" in provision["create"]
    for name in ("m-daemonset", "m-daemonset-fallback"):
        env = graph[name].inputs["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {item["name"]: item["value"] for item in env} == {
            "KUBERNETES_SERVICE_HOST": "2001:db8::1",
            "KUBERNETES_SERVICE_PORT": "6443",
        }


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"api_server": "http://192.0.2.1"}, "api_server", "does not begin with https://"),
        ({"host": "root@192.0.2.1"}, "nodes[0].host", "is not a host name or address"),
        ({"host_key": "no host key"}, "nodes[0].host_key", "is not a public key line"),
        ({"private_key": "no such thing"}, "nodes[0].private_key", "is not a private SSH key"),
    ],
    ids=["api_server", "host", "host_key", "private_key"],
)
def test_output_is_checked_once_known(change: dict[str, str], path: str, reason: str, preview: bool) -> None:
    """Our own error comes out as it is: wrapped by the SDK it would end in a traceback."""
    ((key, value),) = change.items()
    late = {key: pulumi.Output.from_input(value)}
    args = k3s(node("a", 11), **late) if key == "api_server" else k3s(node("a", 11, **late))
    with pytest.raises(InvalidArgumentsError, match=reason) as caught:
        graph_of(args, preview=preview)
    refusal = caught.value
    assert [problem.path for problem in refusal.problems] == [path]
    assert key != "private_key" or value not in str(refusal)


@pytest.mark.parametrize("late", ["host", "proxy", "both"])
def test_nodes_that_turn_out_to_be_one_machine_are_refused(late: str) -> None:
    def listed(name: str, host: str, port: int) -> Any:
        jump = {"host": "192.0.2.9", "host_key": HOST_KEY}
        if late != "host":
            jump["host"] = pulumi.Output.from_input(jump["host"])  # type: ignore[assignment]  # as args.py has it
        return node(name, 1, host=host if late == "proxy" else pulumi.Output.from_input(host), port=port, proxy=jump)

    def program() -> None:
        MultusComponent("m", k3s(listed("a", "Node.example", 2222), listed("b", "node.example", 2222)))

    registered: list[str] = []
    with pytest.raises(InvalidArgumentsError, match=r"(?s)nodes\[0\].host: .*nodes\[1\].host: ") as caught:
        run(program, registered=registered)
    assert "'node.example' with port 2222 behind '192.0.2.9' with port 22 is listed" in str(caught.value)
    # Nothing has changed by then, on a node or in the cluster.
    assert set(registered) <= {"m", *(f"m-{step}-{name}" for step in ("program", "preflight") for name in "ab")}
    graph_of(k3s(listed("a", "Node.example", 2222), listed("b", "node.example", 2223)))


@pytest.mark.parametrize("data", [None, {}, {"ca.crt": "bWFkZSB1cA=="}], ids=["no-data", "empty", "authority-alone"])
def test_a_token_that_nobody_fills_is_said_with_the_way_out(data: dict[str, str] | None) -> None:
    """A control plane with a signer of its own may leave such a Secret empty for ever."""
    with pytest.raises(InvalidArgumentsError) as refused:
        _known_credentials(data)
    [problem] = refused.value.problems
    assert (problem.path, problem.fix) == ("credentials", "write 'pod' and list no nodes")


def test_unknown_output_previews_the_same_graph() -> None:
    def program() -> None:
        unknown: pulumi.Output[str] = pulumi.Output(set(), _future(UNKNOWN), is_known=_future(False))
        MultusComponent("m", k3s(node("a", 11, host=unknown, host_key=unknown), api_server=unknown))

    graph = run(program, preview=True).graph
    assert graph.types == graph_of(k3s(node("a", 11))).types
    assert "create" in graph["m-preflight-a"].unknown_inputs


def _future(value: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_event_loop().create_future()
    future.set_result(value)
    return future
