"""Whatever is given, it either resolves or is refused with explained problems."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args, get_origin, is_typeddict

import pulumi
from hypothesis import given, settings
from hypothesis import strategies as st

from multus import InvalidArgumentsError, MultusComponentArgs, resolve
from multus.argument_types import fields_of
from multus.plan import problems_of
from tests.support.arguments import HOST_KEY, SSH_KEY

_RIGHT_TEXT = st.sampled_from(
    [
        "kube-system",
        "1",
        "192.0.2.1",
        "[2001:db8::1]",
        "https://192.0.2.1:6443",
        "/etc/cni/net.d",
        "v4.3.0",
        "sha256:" + "0" * 64,
        "IfNotPresent",
        "cbr0",
        "10-flannel.conflist",
        "100Mi",
        "1",
        "Exists",
        "NoExecute",
        "nodeAffinity",
        "r.example/plugins:1",
        HOST_KEY,
        SSH_KEY,
    ]
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=3),
    max_leaves=5,
)


def _of_type(hint: Any) -> st.SearchStrategy[Any]:
    if is_typeddict(hint):
        return _typed_dict(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from([*hint, *(member.value for member in hint)])
    if hint is int:
        return st.integers(-1, 70000) | st.sampled_from([22, 22.0, 300, 30.5])
    if get_origin(hint) is Mapping:
        return st.dictionaries(_RIGHT_TEXT | st.text(max_size=8), _of_type(get_args(hint)[1]), max_size=2)
    if hint is Any:
        return _ANYTHING
    if hint is bool:
        return st.booleans()
    if hint is str:
        return _RIGHT_TEXT | st.text(max_size=20)
    if get_origin(hint) is not None and len(get_args(hint)) == 1:
        return st.lists(_of_type(get_args(hint)[0]), max_size=3) | st.tuples(_of_type(get_args(hint)[0]))
    return _RIGHT_TEXT | st.builds(pulumi.Output.secret, st.just("made-up"))


def _typed_dict(hint: type) -> st.SearchStrategy[Any]:
    fields = {key: st.one_of(_of_type(field), _of_type(field), _ANYTHING) for key, field in fields_of(hint).items()}
    known: st.SearchStrategy[dict[Any, Any]] = st.fixed_dictionaries({}, optional=fields)
    unknown = st.dictionaries(st.text(max_size=8) | st.integers(), _ANYTHING, max_size=1)
    return st.builds(lambda left, right: {**left, **right}, known, st.just({}) | unknown)


def _well_typed(hint: Any) -> st.SearchStrategy[Any]:
    """Arguments of the right types and of any sense: the contradictions between them are reached."""
    if not is_typeddict(hint):
        return _of_type(hint)
    fields = {key: _well_typed(field) for key, field in fields_of(hint).items()}
    required = {key: fields.pop(key) for key in hint.__required_keys__}
    return st.fixed_dictionaries(required, optional=fields)


# Hosts and ports, and the ways to write each.
_HOSTS = {
    "192.0.2.1": ["192.0.2.1"],
    "2001:db8::1": ["2001:db8::1", "[2001:db8::1]", "2001:DB8:0:0::1"],
    "node.example": ["node.example", "Node.Example", "node.example."],
}
_PORTS: dict[int, list[dict[str, Any]]] = {22: [{}, {"port": 22}, {"port": 22.0}], 2222: [{"port": 2222}]}
_AT = st.tuples(st.sampled_from([*_HOSTS]), st.sampled_from([*_PORTS]))


@given(st.data())
@settings(max_examples=200, derandomize=True, deadline=None)
def test_nodes_are_refused_where_they_are_one_machine(data: st.DataObject) -> None:
    def login(host: str, port: int) -> dict[str, Any]:
        spelled, how = data.draw(st.sampled_from(_HOSTS[host])), data.draw(st.sampled_from(_PORTS[port]))
        return {"host": spelled, "host_key": HOST_KEY, **how}

    ways = data.draw(st.lists(st.tuples(_AT, st.none() | _AT), min_size=2, max_size=4))
    nodes = [
        {
            "name": f"n{number}",
            "private_key": SSH_KEY,
            **login(*at),
            **({} if jump is None else {"proxy": login(*jump)}),
        }
        for number, (at, jump) in enumerate(ways)
    ]
    same = [f"nodes[{number}].host" for number, way in enumerate(ways) if ways.count(way) > 1]
    assert [problem.path for problem in problems_of({"distro": "k3s", "nodes": nodes})] == same


@given(_well_typed(MultusComponentArgs) | _typed_dict(MultusComponentArgs) | _ANYTHING)
@settings(max_examples=400, derandomize=True, deadline=None)
def test_plan_resolves_or_explains(args: Any) -> None:
    try:
        plan = resolve(args)
    except InvalidArgumentsError as error:
        problems = error.problems
    else:
        assert plan.kubeconfig_path.startswith(plan.cni_conf_dir)
        assert resolve(args).fingerprint == plan.fingerprint
        return
    assert problems
    assert len({(problem.path, problem.reason) for problem in problems}) == len(problems)
    assert all(problem.path and problem.reason and problem.fix for problem in problems)
