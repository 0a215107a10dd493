"""The language host: answers the engine, and runs each program in an interpreter of its own."""

# ruff: noqa: N802, ARG002 - names and signatures are the protocol's

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, plugin_pb2

from lab import forks

_PROGRAM = Path(__file__).with_name("program.py")
SHOWN_TO_USER = 32
"""Exit code of a program whose error stands in the log already."""


class LanguageHost(LanguageServer):
    """The SDK's own language server, for programs in a folder instead of a function."""

    def __init__(self) -> None:
        super().__init__(program=lambda: None)
        self._programs: set[subprocess.Popen[bytes]] = set()

    def stop(self) -> None:
        """End what still runs: without an engine no program has anything to talk to."""
        for program in self._programs:
            program.kill()

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        """Say that we are there."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """The engine's version: the official host is released with it."""
        return plugin_pb2.PluginInfo(version="3.259.0")

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:
        """Nothing to ask."""
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """The lab's interpreter has every package already."""
        return iter(())

    def RunPlugin(self, request: Any, context: Any) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin that is a Python program: what it prints as it comes, and last its exit code.

        The engine ends a plugin by giving this call up. The official host runs it in the virtual environment of its
        own that `PulumiPlugin.yaml` names and `InstallDependencies` has made; here it is the lab's.
        """
        plugin = subprocess.Popen(
            [sys.executable, request.info.program_directory or request.program, *request.args],
            cwd=request.pwd,
            env=dict(variable.split("=", 1) for variable in request.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._programs.add(plugin)
        if not context.add_callback(plugin.kill):
            plugin.kill()
        yield from _printed_by(plugin)
        yield language_pb2.RunPluginResponse(exitcode=plugin.wait())
        self._programs.discard(plugin)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """The engine only shows these."""
        return language_pb2.GetProgramDependenciesResponse()

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:
        """Run the program as the official host does: settings as arguments, configuration in the environment."""
        settings = {
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "root_directory": request.info.root_directory or request.pwd,
            "monitor": request.monitor_address,
            "engine": sys.argv[-1],
            "parallel": request.parallel,
            "dry_run": request.dryRun,
        }
        environment = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            "PYTHONUNBUFFERED": "1",
        }
        program = request.info.entry_point or request.program or "."
        command = forks.command(str(_PROGRAM), json.dumps(settings), program)
        with subprocess.Popen(command, cwd=_directory(request), env=environment) as process:
            self._programs.add(process)
            code = process.wait()
        self._programs.discard(process)
        if code == 0:
            return language_pb2.RunResponse()
        if code == SHOWN_TO_USER:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}")


def _printed_by(plugin: subprocess.Popen[bytes]) -> Iterator[language_pb2.RunPluginResponse]:
    """Both streams line by line, until the plugin has closed both."""
    printed: SimpleQueue[language_pb2.RunPluginResponse | None] = SimpleQueue()

    def read(stream: IO[bytes], told: Callable[[bytes], language_pb2.RunPluginResponse]) -> None:
        with stream:
            for line in stream:
                printed.put(told(line))
        printed.put(None)

    streams = (
        (plugin.stdout, lambda line: language_pb2.RunPluginResponse(stdout=line)),
        (plugin.stderr, lambda line: language_pb2.RunPluginResponse(stderr=line)),
    )
    readers = [Thread(target=read, args=(stream, told), daemon=True) for stream, told in streams if stream]
    for reader in readers:
        reader.start()
    for _ in readers:
        yield from iter(printed.get, None)


def _directory(request: Any) -> str:
    return str(request.info.program_directory or request.pwd)
