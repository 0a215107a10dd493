"""The stand-in language host runs component plugins: what the engine gets of one, and how it ends one."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from lab.standins.language.host import LanguageHost

Run = Callable[[str], Iterator[language_pb2.RunPluginResponse]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs a program as a plugin, over the wire."""
    host = LanguageHost()
    server = grpc.server(ThreadPoolExecutor(4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    def start(program: str) -> Iterator[language_pb2.RunPluginResponse]:
        (tmp_path / "__main__.py").write_text(program, encoding="utf-8")
        info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path), entry_point=".")
        request = language_pb2.RunPluginRequest(
            pwd=str(tmp_path), args=["127.0.0.1:1"], env=["SAID=a=b", f"PATH={os.environ['PATH']}"], info=info
        )
        call: Iterator[language_pb2.RunPluginResponse]
        call = language_pb2_grpc.LanguageRuntimeStub(channel).RunPlugin(request, timeout=30)
        return call

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield start
    host.stop()
    server.stop(grace=None).wait()


def test_a_plugin_gets_its_arguments_and_variables_and_the_engine_what_it_prints(run: Run) -> None:
    program = "import os, sys\nprint(sys.argv[1], os.environ['SAID'])\nprint('trouble', file=sys.stderr)\nsys.exit(7)\n"
    *printed, last = run(program)
    assert [message.stdout for message in printed if message.stdout] == [b"127.0.0.1:1 a=b\n"]
    assert [message.stderr for message in printed if message.stderr] == [b"trouble\n"]
    assert last.exitcode == 7


def test_what_a_plugin_prints_arrives_while_it_runs_and_it_ends_with_the_call(run: Run) -> None:
    call = run("import os, signal\nprint(os.getpid(), flush=True)\nsignal.pause()\n")
    pid = int(next(call).stdout)
    descriptor = os.pidfd_open(pid)
    try:
        call.cancel()  # type: ignore[attr-defined]
        # A process' descriptor is readable once the process has ended.
        assert select.select([descriptor], [], [], 20)[0]
    finally:
        os.close(descriptor)
