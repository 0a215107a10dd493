"""Runs a Pulumi program without an engine and keeps every registration as the engine would have got it.

Pulumi's `Mocks` see inputs alone; the monitor sees dependencies, options and secrets too.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import get_root_resource, set_all_config, test
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.rpc import UNKNOWN

from tests.support.arguments import UID

PROJECT = "multus"
STACK = "test"

TOKEN = "made-up.service-account.token"
CA = "-----BEGIN CERTIFICATE-----\nmade-up\n-----END CERTIFICATE-----\n"

# How Pulumi marks a secret on the wire.
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


@dataclass(frozen=True)
class Registration:
    """One resource as it was registered.

    Attributes:
        urn: its URN.
        request: the whole request, for options that have no property here.
    """

    urn: str
    request: Any

    @property
    def name(self) -> str:
        return str(self.request.name)

    @property
    def type(self) -> str:
        return str(self.request.type)

    @cached_property
    def wire(self) -> dict[str, Any]:
        """The inputs as they travel, secrets marked."""
        inputs: dict[str, Any] = MessageToDict(self.request.object)
        return inputs

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs, secrets unwrapped."""
        plain_inputs: dict[str, Any] = plain(self.wire)
        return plain_inputs

    @property
    def secret_inputs(self) -> set[str]:
        """The top-level inputs that are secrets as a whole."""
        return {key for key, value in self.wire.items() if _is_secret(value)}

    @property
    def text_in_clear(self) -> str:
        """Everything that would stand unencrypted in the state."""
        return json.dumps([self.name, without_secrets(self.wire)])

    @property
    def unknown_inputs(self) -> set[str]:
        return {key for key, value in self.wire.items() if UNKNOWN in json.dumps(value)}


class Graph:
    """Everything that one run of a program has registered."""

    def __init__(self, registrations: list[Registration]) -> None:
        self.all = registrations
        self._by_urn = {registration.urn: registration for registration in registrations}
        self._by_name = {registration.name: registration for registration in registrations}

    def __getitem__(self, name: str) -> Registration:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Registration]:
        return iter(self.all)

    @property
    def types(self) -> dict[str, str]:
        """Type by name."""
        return {registration.name: registration.type for registration in self.all}

    def children_of(self, name: str) -> dict[str, str]:
        """Type by name of the resources right under another."""
        parent = self[name].urn
        return {each.name: each.type for each in self.all if each.request.parent == parent}

    def of_type(self, tail: str) -> list[Registration]:
        """The resources whose type ends like this."""
        return [registration for registration in self.all if registration.type.endswith(tail)]

    def needs(self, name: str) -> set[str]:
        """The names of everything that has to exist before this resource, over any number of steps."""
        found: set[str] = set()
        waiting = [self[name]]
        while waiting:
            for urn in waiting.pop().request.dependencies:
                # What is only read, as another stack's outputs are, is not registered.
                needed = self._by_urn.get(urn)
                if needed is not None and needed.name not in found:
                    found.add(needed.name)
                    waiting.append(needed)
        return found

    def directly(self, name: str) -> list[Registration]:
        """What the engine is told that this resource depends on; what is only read is not registered."""
        return [self._by_urn[urn] for urn in self[name].request.dependencies if urn in self._by_urn]

    def described(self) -> dict[str, Any]:
        """Everything that decides what the engine does, by name, for comparing two runs."""
        return {
            each.name: {
                "type": each.type,
                "inputs": each.wire,
                "needs": self.needs(each.name),
                "options": _options(each.request),
            }
            for each in self.all
            if not each.type.startswith("multus:index:")
        }


class _Cluster(Mocks):
    """What the API server and SSH would have answered."""

    def __init__(self, *, answers: bool, other_stack: Mapping[str, Any] | None = None) -> None:
        self._answers = answers
        self._other_stack = dict(other_stack or {})

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = dict(args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            state |= {"outputs": self._other_stack, "secretOutputNames": []}
        elif self._answers:
            _merge(state, _SERVER_SIDE.get(args.typ, {}))
        return f"{args.name}-id", state

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        message = f"the program called {args.token}"
        raise AssertionError(message)


_SERVER_SIDE: dict[str, dict[str, Any]] = {
    "kubernetes:core/v1:ServiceAccount": {"metadata": {"uid": UID}},
    "kubernetes:core/v1:Secret": {
        "data": {
            "ca.crt": base64.b64encode(CA.encode()).decode(),
            "namespace": base64.b64encode(b"kube-system").decode(),
            "token": base64.b64encode(TOKEN.encode()).decode(),
        }
    },
    "command:remote:Command": {"stdout": "done", "stderr": ""},
}


@contextmanager
def _loop_of_this_thread() -> Iterator[None]:
    """The SDK makes one for each of its threads, and closes none of them (3.272, runtime/sync_await.py)."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _RecordingMonitor(MockMonitor):
    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.registrations: list[Registration] = []
        self.component_outputs: dict[str, dict[str, Any]] = {}

    def Invoke(self, request: Any) -> Any:  # noqa: N802 # gRPC's name
        with _loop_of_this_thread():
            return super().Invoke(request)  # type: ignore[no-untyped-call]  # the SDK's mocks are untyped

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 # gRPC's name
        with _loop_of_this_thread():
            return super().ReadResource(request)  # type: ignore[no-untyped-call]  # the same

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 # gRPC's name
        if request.type != "pulumi:pulumi:Stack":
            urn = self.make_urn(request.parent, request.type, request.name)
            self.registrations.append(Registration(urn, request))
        with _loop_of_this_thread():
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the same

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 # gRPC's name
        self.component_outputs[request.urn] = plain(MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # the same


@dataclass(frozen=True)
class Run:
    """A program's run.

    Attributes:
        graph: what it registered.
        outputs: what the components declared as outputs, by URN.
        exports: what the program exported.
    """

    graph: Graph
    outputs: Mapping[str, dict[str, Any]]
    exports: Mapping[str, Any]

    def outputs_of(self, name: str) -> dict[str, Any]:
        return self.outputs[self.graph[name].urn]


def run(
    program: Callable[[], object],
    *,
    preview: bool = False,
    there: bool = False,
    config: Mapping[str, str] | None = None,
    secret_keys: tuple[str, ...] = (),
    stack: str = STACK,
    other_stack: Mapping[str, Any] | None = None,
    registered: list[str] | None = None,
) -> Run:
    """Run a program to its end, as `pulumi preview` or `pulumi up` on an empty state would.

    `there` says that a preview's resources are in the state already, so that what the cluster answered is known.
    `other_stack` are the outputs of the stack that the program refers to. `registered` takes the names of what was
    registered, also where the program fails.
    """
    mocks = _Cluster(answers=there or not preview, other_stack=other_stack)
    monitor = _RecordingMonitor(mocks)
    set_mocks(mocks, project=PROJECT, stack=stack, preview=preview, monitor=monitor)
    set_all_config(dict(config or {}), list(secret_keys))
    exports: dict[str, Any] = {}

    def whole() -> pulumi.Output[None]:
        stack_resource: Any = get_root_resource()
        # The SDK's mocks share one dictionary among all runs.
        stack_resource.outputs = {}
        program()
        return pulumi.Output.all(**stack_resource.outputs).apply(exports.update)

    try:
        test(whole)()  # type: ignore[no-untyped-call]  # the same
    finally:
        # The mocks leave coroutines behind. Collected at any later moment they can upset CPython 3.11's compiler,
        # which pytest's import hook may be in the middle of (python/cpython#106905).
        gc.collect()
        if registered is not None:
            registered += [each.name for each in monitor.registrations]
    return Run(Graph(monitor.registrations), monitor.component_outputs, exports)


def silent_mocks() -> Mocks:
    """Mocks for code that needs a stack and registers nothing."""
    return _Cluster(answers=False)


def plain(value: Any) -> Any:
    """A wire value with its secrets unwrapped."""
    if _is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def without_secrets(value: Any) -> Any:
    """A wire value as it would stand in the state, secrets replaced."""
    if _is_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list) else value


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def _merge(target: dict[str, Any], addition: Mapping[str, Any]) -> None:
    for key, value in addition.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            target[key] = {**target[key], **value}
        else:
            target[key] = value


def _options(request: Any) -> dict[str, Any]:
    options: dict[str, Any] = MessageToDict(request)
    volatile = {"object", "dependencies", "propertyDependencies", "parent", "sourcePosition", "stackTrace"}
    return {key: value for key, value in options.items() if key not in volatile}
