"""The command line as people and scripts meet it: sentences, exit statuses, completion. Clusters are the lab's."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from multus_ops.commands import main
from multus_ops.ssh import NodeResult, run_on_nodes
from tests.support.arguments import HOST_KEY, SSH_KEY
from tests.support.paths import ROOT

PULUMI = """\
#!/bin/sh
# A stack as `pulumi config --json` tells it; every other command fails as Pulumi does.
echo "$@" >>"$0.called"
case $1 in
config) [ "$2" = --json ] && exec cat "$0.json" ;;
esac
echo "error: no stack named '$4' found" >&2
exit 255
"""


def run(
    *words: str, cwd: Path = ROOT, path: Path | None = None, module: str = "multus_ops", **environment: Any
) -> subprocess.CompletedProcess[str]:
    found = f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin"
    ended = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env={"PATH": found, "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The same within this process: exit status, standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    status = ended.value.code
    assert isinstance(status, int)
    return status, *capsys.readouterr()


@pytest.fixture
def pulumi(tmp_path: Path) -> Path:
    """A folder with a `pulumi` that knows one stack."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "pulumi"
    program.write_text(PULUMI)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    tell(
        folder,
        {
            "multus:distro": {"value": "k3s"},
            "multus:nodes": {"value": json.dumps([{"name": "a", "host": "127.0.0.1", "port": 1, "hostKey": HOST_KEY}])},
            "multus:kubeconfig": {"value": kubeconfig("https://127.0.0.1:1"), "secret": True},
            "multus:sshPrivateKey": {"value": SSH_KEY, "secret": True},
        },
    )
    return folder


def tell(folder: Path, config: dict[str, dict[str, Any]]) -> None:
    (folder / "pulumi.json").write_text(json.dumps(config))


def kubeconfig(server: str) -> str:
    one = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": {"token": "made-up"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return yaml.safe_dump(one)


def test_help_says_what_there_is_and_what_statuses_mean() -> None:
    said = run("--help").stdout
    for word in ("doctor", "render", "disable", "enable", "rollback", "Exit status", "NO_COLOR"):
        assert word in said


def test_the_console_script_runs_from_anywhere(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("multus-ops")
    ended = subprocess.run(
        [program, "render", "--set", "distro=k3s"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("# Multus for k3s")


@pytest.mark.parametrize(
    ("typed", "offered"), [("multus-ops roll", "rollback"), ("multus-ops disable --kubec", "--kubeconfig")]
)
def test_completion(typed: str, offered: str) -> None:
    asked: dict[str, Any] = {
        "_MULTUS_OPS_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    ended = run(**asked)
    assert ended.stdout.split() == [offered]


def test_completion_of_stacks() -> None:
    asked: dict[str, Any] = {
        "_MULTUS_OPS_COMPLETE": "complete_bash",
        "COMP_WORDS": "multus-ops disable --stack k3",
        "COMP_CWORD": "3",
    }
    assert run(**asked).stdout.split() == ["k3s-prod"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["render"], 2, "Name a stack, or give arguments"),
        (["render", "--set", "distro=k3s", "--stack", "a"], 2, "Name a stack, or give arguments"),
        (["render", "--set", "distro=k3x"], 2, "distro: 'k3x' is not one of its values"),
        (["render", "--file", "/nonexistent"], 2, "/nonexistent cannot be read: No such file"),
        (["disable"], 2, "either by --stack NAME or by --kubeconfig FILE"),
        (["disable", "--stack", "a"], 1, "Stack a cannot be read: the Pulumi CLI is not on PATH"),
        (["enable", "--stack", "a", "-C", "/nonexistent"], 1, "there is no folder /nonexistent"),
        (["disable", "--kubeconfig", "/nonexistent"], 1, "/nonexistent cannot be read"),
        (["rollback"], 2, "Name the stack: --stack NAME."),
    ],
)
def test_what_is_wrong_is_one_sentence(
    words: list[str],
    status: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    ended, out, err = said(capsys, *words)
    assert (ended, out) == (status, "")
    assert sentence in err
    assert "\x1b" not in err


@pytest.mark.parametrize("content", ["", "nonsense", "a: [", "current-context: x\n"])
def test_a_kubeconfig_that_is_none(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(content)
    status, _, err = said(capsys, "disable", "--kubeconfig", str(file))
    assert status == 1
    assert err.startswith("The kubeconfig cannot be used: ")


def test_an_api_server_that_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig("https://127.0.0.1:1"))
    status, _, err = said(capsys, "enable", "--kubeconfig", str(file))
    assert status == 1
    assert err.splitlines()[-1] == "The API server does not answer at https://127.0.0.1:1: Connection refused."


def test_pulumis_own_words(pulumi: Path) -> None:
    (pulumi / "pulumi.json").unlink()
    ended = run("rollback", "--stack", "nope", path=pulumi)
    assert ended.returncode == 1
    assert "failed on stack nope" in ended.stderr


def test_a_configuration_that_cannot_work(pulumi: Path) -> None:
    tell(pulumi, {"multus:distro": {"value": "k3x"}, "multus:kubeconfig": {"value": "x"}})
    ended = run("disable", "--stack", "a", path=pulumi)
    assert ended.returncode == 2
    assert "multus:distro: 'k3x' is not" in ended.stderr
    assert "multus:kubeconfig: stands in clear" in ended.stderr


def test_disable_says_what_it_could_not_reach(pulumi: Path) -> None:
    ended = run("disable", "--stack", "a", "--json", path=pulumi)
    answer = json.loads(ended.stdout)
    assert ended.returncode == 1
    [node] = answer["nodes"]
    assert (node["name"], node["done"], node["reached"]) == ("a", False, False)
    assert "a (root@127.0.0.1, port 1) could not be asked" in node["message"]
    assert "The API server does not answer" in answer["trouble"][0]
    called = (pulumi / "pulumi.called").read_text()
    assert "made0up0" not in called + ended.stdout + ended.stderr


def test_no_colour_where_it_is_not_wanted(pulumi: Path) -> None:
    ended = run("disable", "--stack", "a", path=pulumi, FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b[3" not in ended.stderr


def test_nobody_runs_where_there_is_no_node() -> None:
    assert run_on_nodes([], "exit 1", lambda _: []) == {}


def test_trouble_of_a_node() -> None:
    assert NodeResult("a", 0, "fine").trouble == ""
    assert NodeResult("a", 3).trouble == "the node program ended with 3"
    assert NodeResult("a", 1, "", "error: x\n").trouble == "error: x"
    assert NodeResult("a", unreachable="It is silent.").trouble == "It is silent."
