"""A program is the same whether it is a fork of a server or starts by itself."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import pytest

from lab import forks
from lab.waiting import until

SAYS = """
import json, os, sys
shown = [sys.argv, os.getcwd(), os.environ["SAID"], sys.stdin.read(), __name__, "lab.waiting" in sys.modules]
json.dump(shown, sys.stdout)
print("trouble", file=sys.stderr)
sys.exit(7)
"""
ENDS = {
    "a number": ("import sys; sys.exit(3)", 3, "", ""),
    "a text": ("import sys; sys.exit('why')", 1, "", "why\n"),
    "an error": ("raise ValueError('why')", 1, "", "ValueError: why\n"),
    "a key": ("import signal; signal.raise_signal(signal.SIGINT)", -signal.SIGINT, "", "KeyboardInterrupt\n"),
    "a thread": (
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
        0,
        "late\n",
        "",
    ),
    "atexit": ("import atexit; atexit.register(print, 'last')", 0, "last\n", ""),
    "another stdout": ("import io, sys; print('first'); sys.stdout = io.StringIO()", 0, "first\n", ""),
}
WAITS = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"


@pytest.fixture(params=["forked", "by itself"])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    # A module that the programs would not import themselves shows whose fork they are.
    with forks.served("lab.waiting") if request.param == "forked" else nullcontext():
        yield request.param


def waiting(folder: Path) -> tuple[subprocess.Popen[str], int, IO[str]]:
    """A program that waits, and the process that really runs it."""
    (folder / "waits.py").write_text(WAITS)
    caller = subprocess.Popen(forks.command(str(folder / "waits.py")), stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    return caller, int(caller.stdout.readline()), caller.stdout


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_streams_folder_environment_and_exit_status_are_the_callers(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "says.py"
    file.write_text(SAYS)
    said = subprocess.run(
        forks.command(str(file), "one", "", "två"),
        cwd=tmp_path,
        env={**os.environ, "SAID": "in the\nenvironment"},
        input="on stdin",
        capture_output=True,
        text=True,
        check=False,
    )
    forked = str(kind == "forked").lower()
    arguments = f'["{file}", "one", "", "tv\\u00e5"]'
    assert said.stdout == f'[{arguments}, "{tmp_path}", "in the\\nenvironment", "on stdin", "__main__", {forked}]'
    assert (said.stderr, said.returncode) == ("trouble\n", 7)


@pytest.mark.usefixtures("kind")
def test_a_module_runs_as_well() -> None:
    said = subprocess.run(
        forks.command("-m", "json.tool", "--compact"), input='{"a" : 1}', capture_output=True, text=True, check=True
    )
    assert said.stdout == '{"a":1}\n'


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("end", ENDS)
def test_every_end_is_that_of_an_interpreter(end: str, tmp_path: Path) -> None:
    program, status, stdout, last = ENDS[end]
    (tmp_path / "ends.py").write_text(program)
    said = subprocess.run(forks.command(str(tmp_path / "ends.py")), capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (status, stdout)
    assert said.stderr.endswith(last)
    assert bool(said.stderr) is bool(last)


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_caller(number: signal.Signals, tmp_path: Path) -> None:
    caller, pid, stdout = waiting(tmp_path)
    with stdout:
        caller.send_signal(number)
        assert caller.wait(10) == -number
    until(lambda: not lives(pid), "it has ended", seconds=10)


@pytest.mark.usefixtures("kind")
def test_a_caller_ends_as_it_does(tmp_path: Path) -> None:
    caller, pid, stdout = waiting(tmp_path)
    with stdout:
        os.kill(pid, signal.SIGKILL)
        assert caller.wait(10) == -signal.SIGKILL


def test_it_ends_when_whoever_has_started_its_caller_is_gone(tmp_path: Path) -> None:
    with forks.served():
        (tmp_path / "waits.py").write_text(WAITS)
        command = forks.command(str(tmp_path / "waits.py"))
        # The shell's own child outlives it, as a plugin outlives an engine that is killed.
        shell = subprocess.Popen(["sh", "-c", '"$@" & wait', "sh", *command], stdout=subprocess.PIPE, text=True)
        assert shell.stdout is not None
        with shell.stdout:
            pid = int(shell.stdout.readline())
            shell.kill()
            shell.wait(10)
        until(lambda: not lives(pid), "it has ended", seconds=10)
