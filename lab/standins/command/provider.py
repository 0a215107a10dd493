"""The resource provider for `command:remote:Command`, and for `CopyToRemote` of a file."""

# ruff: noqa: N802, ARG002 - names and signatures are the protocol's

from __future__ import annotations

import asyncio
import secrets
from importlib.metadata import version
from typing import Any, ClassVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from lab.standins.command.connections import Connections
from lab.standins.command.inputs import COPY, checked, differences
from lab.standins.command.ssh import Job, copy
from lab.standins.engine_log import EngineLog
from lab.standins.errors import NotCoveredError
from lab.standins.properties import UNKNOWN, Properties, decode, encode, path_text, reveal
from lab.standins.provider import Provider, name_of, type_of

_COMMAND = "command:remote:Command"
_OUTPUTS = ("stdout", "stderr")


class CommandProvider(Provider):
    """Stand-in for the official command provider."""

    version: ClassVar[str] = version("pulumi_command")
    names_resources: ClassVar[bool] = False

    def __init__(self, log: EngineLog, connections: Connections) -> None:
        super().__init__(log)
        self._connections = connections

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on what both sides understand."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """The provider has no configuration."""
        raise NotImplementedError("DiffConfig is not implemented")

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        """No function of the official provider is used."""
        raise NotCoveredError(request.tok, "pulumi-resource-command", [_COMMAND, COPY])

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Fill in the connection's defaults and make it a secret."""
        kind = type_of(request.urn)
        if kind not in (_COMMAND, COPY):
            raise NotCoveredError(kind, "pulumi-resource-command", [_COMMAND, COPY])
        inputs, failures = checked(decode(request.news), copies=kind == COPY)
        return provider_pb2.CheckResponse(
            inputs=encode(inputs),
            failures=[provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures],
        )

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Any changed input is an update."""
        found = differences(decode(request.old_inputs), decode(request.news), list(request.ignoreChanges))
        some = provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            replaces=[path_text(change.path) for change in found if change.replaces],
            diffs=sorted({str(change.path[0]) for change in found}),
            detailedDiff={path_text(change.path): change.message(seen_in_inputs=False) for change in found},
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Run `create`; what it wrote becomes the outputs."""
        inputs = decode(request.properties)
        if type_of(request.urn) == COPY:
            if not request.preview:
                self._copy(request.urn, inputs)
            # Without a command's name; in a preview without any.
            name = "" if request.preview else secrets.token_hex(4)
            return provider_pb2.CreateResponse(id=name, properties=encode(inputs))
        name = f"{name_of(request.urn)}{secrets.token_hex(4)}"
        if request.preview:
            return provider_pb2.CreateResponse(id=name, properties=encode(_unknown(inputs)))
        state = self._run(request.urn, inputs, dict.fromkeys(_OUTPUTS, ""), "create")
        return provider_pb2.CreateResponse(id=name, properties=encode(state))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Run `update`, or `create` where there is none."""
        inputs, old = decode(request.news), decode(request.olds)
        if type_of(request.urn) == COPY:
            if not request.preview and any(inputs.get(key) != old.get(key) for key in ("source", "remotePath")):
                self._copy(request.urn, inputs)
            return provider_pb2.UpdateResponse(properties=encode(inputs))
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(_unknown(inputs)))
        phase = "update" if inputs.get("update") is not None else "create"
        outputs = {name: reveal(old.get(name, "")) for name in _OUTPUTS}
        return provider_pb2.UpdateResponse(properties=encode(self._run(request.urn, inputs, outputs, phase)))

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """A command leaves nothing that could be read back."""
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Run `delete` as the state has it. What was copied stays."""
        if type_of(request.urn) == COPY:
            return empty_pb2.Empty()
        state = decode(request.properties)
        outputs = {name: reveal(state.get(name, "")) for name in _OUTPUTS}
        self._run(request.urn, {key: value for key, value in state.items() if key not in _OUTPUTS}, outputs, "delete")
        return empty_pb2.Empty()

    def _copy(self, urn: str, inputs: Properties) -> None:
        plain = reveal(inputs)
        source, target = plain["source"].path, plain["remotePath"]
        asyncio.run(copy(plain["connection"], source, target, lambda line: self.log.line(urn, line), self.cancelled))

    def _run(self, urn: str, inputs: Properties, outputs: dict[str, str], phase: str) -> Properties:
        """The state after the phase's command: unchanged outputs where there is no such command."""
        plain = reveal(inputs)
        command = plain.get(phase)
        if command is None:
            return {**inputs, **outputs}
        environment = {key: str(value) for key, value in (plain.get("environment") or {}).items()}
        if plain.get("addPreviousOutputInEnv") is not False:
            environment |= {f"PULUMI_COMMAND_{name.upper()}": text for name, text in outputs.items() if text}
        logging = plain.get("logging")
        job = Job(
            command=command,
            stdin=plain.get("stdin") or "",
            environment=environment,
            log_stdout=logging in (None, "stdout", "stdoutAndStderr"),
            log_stderr=logging in (None, "stderr", "stdoutAndStderr"),
        )
        connection, log = plain["connection"], self.log
        written = self._connections.run(connection, job, lambda line: log.line(urn, line), self.cancelled)
        return {**inputs, "stdout": written.stdout, "stderr": written.stderr}


def _unknown(inputs: Properties) -> Properties:
    return {**inputs, **dict.fromkeys(_OUTPUTS, UNKNOWN)}
