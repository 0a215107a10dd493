"""The command line as people and scripts meet it: sentences, exit statuses, completion. Clusters are the lab's."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import forks
from lab.forks.client import VARIABLE
from multus.version import __version__
from multus_ops.commands import MEANINGS, Exit, main
from multus_ops.ssh import NodeResult, run_on_nodes
from tests.support.arguments import HOST_KEY, SSH_KEY
from tests.support.paths import ROOT

PULUMI = """\
#!/bin/sh
# A stack as `pulumi config --json` and `pulumi stack output` tell it; every other command fails as Pulumi does.
echo "$@" >>"$0.called"
case "$1 $2" in
'config --json') exec cat "$0.json" ;;
'stack output') [ ! -f "$0.outputs" ] || exec cat "$0.outputs" ;;
esac
echo "error: no stack named '$4' found" >&2
exit 255
"""


@pytest.fixture(scope="module", autouse=True)
def programs_are_forks() -> Iterator[None]:
    """Most of the time of a command that refuses something would be its imports."""
    with forks.served("multus_ops.commands"):
        yield


def run(
    *words: str, cwd: Path = ROOT, path: Path | None = None, module: str = "multus_ops", **environment: Any
) -> subprocess.CompletedProcess[str]:
    found = f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin"
    ended = subprocess.run(
        forks.command("-m", module, *words),
        cwd=cwd,
        env={"PATH": found, "HOME": "/nonexistent", VARIABLE: os.environ[VARIABLE], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
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


def cluster_file(folder: Path, server: str = "https://127.0.0.1:1") -> str:
    file = folder / "kubeconfig"
    file.write_text(kubeconfig(server))
    return str(file)


def node_file(folder: Path, **changes: Any) -> str:
    """A nodes file whose node refuses connections, with its key in a file beside it."""
    key, file = folder / "key", folder / "nodes.json"
    key.write_text(SSH_KEY)
    key.chmod(0o600)
    node = {"name": "a", "host": "127.0.0.1", "port": 1, "hostKey": HOST_KEY, "privateKeyFile": "key"}
    file.write_text(json.dumps({"nodes": [node], **changes}))
    return str(file)


DIRECTORIES = {"cniConfDir": "/etc/cni/net.d", "cniBinDir": "/opt/cni/bin", "plugin": "thin"}
OF_CLUSTERS = ("doctor", "disable", "enable")
OF_STACKS = (*OF_CLUSTERS, "render", "rollback")


def test_help_says_what_there_is_and_what_statuses_mean() -> None:
    said = run("--help").stdout
    for word in ("doctor", "render", "disable", "enable", "rollback", "network", "Exit status", "NO_COLOR"):
        assert word in said


def test_the_console_script_runs_from_anywhere(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("multus-ops")
    ended = subprocess.run(
        [program, "render", "--set", "distro=k3s"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("# Multus for k3s")


def test_render_warns_of_a_namespace_that_will_refuse_the_pods(tmp_path: Path) -> None:
    ended = run("render", "--set", "distro=talos", "--set", "namespace=networks", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stderr.startswith("warning: createNamespace: talos admits Multus' pods to namespace 'networks' only")
    assert ended.stdout.startswith("# Multus for talos")


@pytest.mark.parametrize("form", ["--cloud-init", "--ignition"])
def test_user_data_goes_where_it_is_told_to(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["render", "--set", "distro=k3s", form]
    status, printed, err = said(capsys, *words)
    assert (status, err) == (0, "")
    assert "00-multus.conflist" in printed
    file = tmp_path / "data"
    # Another's file that everybody may read is replaced, and not written into.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    file.symlink_to(elsewhere)
    assert said(capsys, *words, "-o", str(file)) == (0, "", "")
    assert file.read_text() == printed
    assert file.lstat().st_mode & 0o777 == 0o600
    assert elsewhere.read_text() == "kept"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "elsewhere"]


def test_a_token_that_cannot_be_read_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["render", "--set", "distro=k3s", "--cloud-init", "--with-token", "--output", str(tmp_path / "data")]
    status, out, err = said(capsys, *words, "--kubeconfig", cluster_file(tmp_path))
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == "The API server does not answer at https://127.0.0.1:1: Connection refused."
    assert [each.name for each in tmp_path.iterdir()] == ["kubeconfig"]


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
        (["render", "--set", "distro=k3s", "--cloud-init", "--ignition"], 2, "two forms of the same: choose one"),
        (["render", "--set", "distro=k3s", "--with-token"], 2, "add --cloud-init or --ignition"),
        (["render", "--set", "distro=k3s", "--cloud-init", "--with-token"], 2, "say where to by --output FILE"),
        (["render", "--set", "distro=k3s", "--kubeconfig", "x"], 2, "say where --with-token reads the token"),
        (
            ["render", "--set", "distro=k3s", "--ignition", "--with-token", "--output", "-"],
            2,
            "either by --stack NAME or by --kubeconfig FILE",
        ),
        (["render", "--set", "distro=talos", "--cloud-init"], 2, "distro: Talos takes no user data of others"),
        (
            ["render", "--set", "distro=k3s", "--output", "/nonexistent/x"],
            2,
            "/nonexistent/x cannot be written: No such",
        ),
        (["disable"], 2, "either by --stack NAME or by --kubeconfig FILE"),
        (["disable", "--stack", "a"], 2, "Stack a cannot be read: the Pulumi CLI is not on PATH"),
        (["enable", "--stack", "a", "-C", "/nonexistent"], 2, "there is no folder /nonexistent"),
        (["disable", "--kubeconfig", "/nonexistent"], 2, "/nonexistent cannot be read"),
        (["rollback"], 2, "Name the stack: --stack NAME."),
        (["render", "--set", "distro"], 2, "--set distro: write key=value"),
        (["doctor", "--kubeconfig", "x", "--ssh-key", "y"], 2, "--ssh-key is for the nodes of --nodes FILE"),
        (["doctor", "--node", "a"], 2, "say how --smoke works"),
        (["network", "check", "a"], 2, "either by --stack NAME or by --kubeconfig FILE"),
        (["network", "check", "--kubeconfig", "x"], 2, "Missing argument 'NAME'"),
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
    assert status == 2
    assert err.startswith("The kubeconfig cannot be used: ")


def test_an_api_server_that_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig("https://127.0.0.1:1"))
    status, _, err = said(capsys, "enable", "--kubeconfig", str(file))
    assert status == 2
    assert err.splitlines()[-1] == "The API server does not answer at https://127.0.0.1:1: Connection refused."


def test_pulumis_own_words(pulumi: Path) -> None:
    (pulumi / "pulumi.json").unlink()
    ended = run("rollback", "--stack", "nope", path=pulumi)
    assert ended.returncode == 2
    assert "failed on stack nope" in ended.stderr


def test_a_configuration_that_cannot_work(pulumi: Path) -> None:
    tell(pulumi, {"multus:distro": {"value": "k3x"}, "multus:kubeconfig": {"value": "x"}})
    ended = run("disable", "--stack", "a", path=pulumi)
    assert ended.returncode == 2
    assert "multus:distro: 'k3x' is not" in ended.stderr
    assert "multus:kubeconfig: stands in clear" in ended.stderr


@pytest.mark.parametrize("command", OF_STACKS)
def test_without_pulumi_every_command_ends_alike(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    status, out, err = said(capsys, command, "--stack", "a")
    assert (status, out) == (2, "")
    assert "the Pulumi CLI is not on PATH" in err


@pytest.mark.parametrize("command", OF_CLUSTERS)
def test_without_an_api_server_every_command_ends_alike(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = said(capsys, command, "--kubeconfig", cluster_file(tmp_path))
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == "The API server does not answer at https://127.0.0.1:1: Connection refused."


@pytest.mark.parametrize("command", [*OF_CLUSTERS, "render"])
def test_with_a_configuration_that_cannot_work_every_command_ends_alike(command: str, pulumi: Path) -> None:
    tell(pulumi, {"multus:distro": {"value": "k3x"}})
    ended = run(command, "--stack", "a", path=pulumi)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "multus:distro: 'k3x' is not" in ended.stderr


@pytest.mark.parametrize("command", OF_STACKS)
def test_an_option_that_there_is_not(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(capsys, command, "--nonsense")
    assert (status, out) == (2, "")


@pytest.mark.parametrize("command", OF_STACKS)
def test_a_command_without_a_word_says_what_it_needs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, command)
    assert (status, out) == (2, "")
    assert err.startswith("Name ")


def test_every_status_has_a_meaning_and_stands_in_the_help() -> None:
    text = " ".join(run("--help").stdout.split())
    assert set(Exit) == set(MEANINGS)
    for status in Exit:
        assert f"{status.value} " in text


def test_the_version() -> None:
    assert run("--version").stdout == f"multus-ops {__version__}\n"


@pytest.mark.parametrize("command", OF_CLUSTERS)
def test_a_nodes_file_is_refused_before_anything_is_asked(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = node_file(tmp_path)
    (tmp_path / "key").chmod(0o644)
    status, out, err = said(capsys, command, "--kubeconfig", "/nonexistent", "--nodes", file)
    assert (status, out) == (2, "")
    assert f"nodes[0].privateKeyFile: {tmp_path}/key is open to others (mode 0644); run `chmod 600" in err


def test_nodes_of_a_file_are_reached_while_no_api_server_answers(tmp_path: Path) -> None:
    options = ["--kubeconfig", cluster_file(tmp_path), "--nodes"]
    ended = run("disable", *options, node_file(tmp_path))
    assert ended.returncode == 2
    assert "give cniConfDir, cniBinDir and plugin beside `nodes` in the nodes file" in ended.stderr
    ended = run("disable", "--json", *options, node_file(tmp_path, **DIRECTORIES))
    assert ended.returncode == 1
    answer = json.loads(ended.stdout)
    assert "a (root@127.0.0.1, port 1) could not be asked" in answer["nodes"][0]["message"]
    assert "The API server does not answer" in answer["trouble"][0]


def test_a_stack_of_another_program_gives_its_nodes_as_an_output(pulumi: Path) -> None:
    tell(pulumi, {"platform:size": {"value": "1"}})
    node = {"name": "a", "host": "127.0.0.1", "port": 1, "hostKey": HOST_KEY, "privateKey": SSH_KEY}
    outputs = {"kubeconfig": kubeconfig("https://127.0.0.1:1"), "multusNodes": [node], **DIRECTORIES}
    (pulumi / "pulumi.outputs").write_text(json.dumps(outputs))
    ended = run("disable", "--stack", "a", "--json", path=pulumi)
    assert "a (root@127.0.0.1, port 1) could not be asked" in json.loads(ended.stdout)["nodes"][0]["message"]
    assert "made0up0" not in (pulumi / "pulumi.called").read_text() + ended.stdout + ended.stderr


def test_a_stack_of_another_program_without_such_outputs(pulumi: Path, tmp_path: Path) -> None:
    tell(pulumi, {"platform:size": {"value": "1"}})
    (pulumi / "pulumi.outputs").write_text("{}")
    ended = run("doctor", "--stack", "a", path=pulumi)
    assert ended.returncode == 2
    assert "name the cluster by --kubeconfig FILE and the nodes by --nodes FILE" in ended.stderr
    assert "multus:kubeconfig: is missing" in ended.stderr
    ended = run("enable", "--stack", "a", "--kubeconfig", cluster_file(tmp_path), path=pulumi)
    assert "The API server does not answer at https://127.0.0.1:1" in ended.stderr


def test_a_stack_of_this_project_says_itself_how_it_is_reached(pulumi: Path, tmp_path: Path) -> None:
    for options in (["--nodes", node_file(tmp_path)], ["--kubeconfig", cluster_file(tmp_path)]):
        ended = run("disable", "--stack", "a", *options, path=pulumi)
        assert ended.returncode == 2
        assert "either by --stack NAME or by --kubeconfig FILE" in ended.stderr


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
