"""What the keeper runs beside Multus on a node that no step cleans: when the configuration stays, and when it goes."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.waiting import until
from multus.chart_archive import chart_file
from multus.objects import FALLBACK_DAEMON_SET
from multus.pods import KEEP, TOKEN_MOUNT
from tests.support.expected_kubeconfig import expected_kubeconfig
from tests.support.fake_api_server import ApiServer
from tests.support.planted import LINKS, Lay, Plant

SPACE = "/api/v1/namespaces/kube-system"
SET = f"/apis/apps/v1/namespaces/kube-system/daemonsets/{FALLBACK_DAEMON_SET}"
NODE = "/api/v1/nodes/lab-1"
EVERY = [{"operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists", "effect": "NoExecute"}]
TAINT = {"key": "team", "value": "a", "effect": "NoExecute"}
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
# As thick's daemon writes it, v4.3.0: pkg/server/config/generator.go.
DAEMONS = {
    "capabilities": {"portMappings": True, "bandwidth": True},
    "cniVersion": "0.3.1",
    "logLevel": "verbose",
    "logToStderr": True,
    "name": "cbr0",
    "clusterNetwork": "CONF/10-flannel.conflist",
    "type": "multus-shim",
    "daemonSocketDir": "/run/multus",
}


def daemon_set(*, tolerations: Any = EVERY, keeper: str = "keeper", **selector: str) -> dict[str, Any]:
    keys = ["kubernetes.io/os", "multus-install/provisioned"]
    terms = [{"matchExpressions": [{"key": key, "operator": "NotIn", "values": ["x"]} for key in keys]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec = {
        "initContainers": [{"name": keeper, "env": [{"name": "keeper"}]}],
        "containers": [{"name": "kube-multus"}],
        **({"nodeSelector": selector} if selector else {}),
        "affinity": {"nodeAffinity": required},
        "tolerations": tolerations,
    }
    about = {"name": FALLBACK_DAEMON_SET, "annotations": {"last": json.dumps({"affinity": {"a": 1}})}}
    return {"metadata": about, "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}}}


def machine(*taints: dict[str, str], **labels: str) -> dict[str, Any]:
    about = {"name": "lab-1", "labels": {"kubernetes.io/os": "linux", **labels}}
    return {"metadata": about, "spec": {"taints": taints}}


def deleted(there: dict[str, Any]) -> dict[str, Any]:
    return {**there, "metadata": {**there["metadata"], "deletionTimestamp": "2026-11-28T00:00:00Z"}}


class Keeper:
    """A node's configuration directory, an API server that has what a keeper asks for, and how the keeper is run."""

    def __init__(self, folder: Path, shell: tuple[list[str], str], api: ApiServer) -> None:
        self.api, self.conf, account = api, folder / "net.d", folder / "account"
        self.conf.mkdir()
        account.mkdir()
        (self.conf / "00-multus.conf").write_text(json.dumps(DAEMONS).replace(" ", "").replace("CONF", str(self.conf)))
        (self.conf / "10-flannel.conflist").write_text("{}")
        (account / "token").write_text(api.token)
        (account / "ca.crt").write_text(api.ca)
        api.objects |= {SPACE: {"metadata": {"name": "kube-system"}}, SET: daemon_set(), NODE: machine()}
        program, tools = shell
        text = f"sleep() {{ command sleep 0.1; }}\n{chart_file(KEEP).replace(TOKEN_MOUNT, str(account))}"
        self.command = [*program, "-c", text, KEEP, str(self.conf), FALLBACK_DAEMON_SET, "kube-system"]
        server = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        # Busybox has no curl.
        self.env = {"PATH": f"{tools}:/usr/bin", "NODE_NAME": "lab-1", **server}

    @contextmanager
    def running(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen([*self.command, *more], env=self.env, text=True, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            try:
                assert self.api.broken or f"while {FALLBACK_DAEMON_SET} does" in running.stdout.readline()
                yield running
            finally:
                running.kill()

    def stopped(self, running: subprocess.Popen[str]) -> list[str]:
        """The configurations that are there once it has ended as it is told to."""
        running.terminate()
        said, _ = running.communicate(timeout=20)
        assert running.returncode == 0
        assert "the configuration" in said
        assert self.api.token not in said
        return self.confs()

    def confs(self) -> list[str]:
        return sorted(path.name for path in self.conf.iterdir())


@pytest.fixture
def keeper(shell: tuple[list[str], str], api: ApiServer, tmp_path: Path) -> Keeper:
    return Keeper(tmp_path, shell, api)


def after(keeper: Keeper, change: Callable[[ApiServer], object]) -> bool:
    """Whether the configuration stays where this has happened before the pod is told to stop."""
    with keeper.running() as running:
        change(keeper.api)
        return "00-multus.conf" in keeper.stopped(running)


def put(path: str, there: Any) -> Callable[[ApiServer], object]:
    return lambda api: api.objects.update({path: there})


def gone(path: str) -> Callable[[ApiServer], object]:
    return lambda api: api.objects.pop(path)


def becomes(key: str, value: Any) -> Callable[[ApiServer], object]:
    return lambda api: setattr(api, key, value)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: None, id="restart"),
        pytest.param(put(NODE, machine(team="a")), id="a-label-that-nobody-asks-for"),
        pytest.param(put(NODE, machine(**{"multus-install/provisioned": "true"})), id="a-step-provisions-the-node"),
        pytest.param(put(NODE, machine(TAINT)), id="a-taint-that-is-tolerated"),
        pytest.param(becomes("broken", 503), id="no-answer"),
    ],
)
def test_the_configuration_stays_while_the_pod_restarts(change: Callable[[ApiServer], object], keeper: Keeper) -> None:
    assert after(keeper, change)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(gone(SET), id="daemonset-gone"),
        pytest.param(put(SET, deleted(daemon_set())), id="daemonset-goes"),
        pytest.param(put(SPACE, deleted({"metadata": {}})), id="namespace-goes"),
        pytest.param(gone(NODE), id="node-gone"),
        pytest.param(becomes("forbidden", True), id="no-rights"),
        pytest.param(becomes("token", "another"), id="no-account"),
        pytest.param(put(SET, daemon_set(keeper="install-thick")), id="no-keeper-any-more"),
        pytest.param(put(SET, daemon_set(**{"multus-install/while-disabled": "true"})), id="disabled"),
        pytest.param(put(NODE, machine(**{"kubernetes.io/os": "other"})), id="the-node-is-left-out"),
    ],
)
def test_it_goes_when_no_pod_comes_back(change: Callable[[ApiServer], object], keeper: Keeper) -> None:
    assert not after(keeper, change)


def test_a_label_by_which_nodes_are_chosen_counts(keeper: Keeper) -> None:
    keeper.api.objects |= {SET: daemon_set(team="a"), NODE: machine(team="a")}
    assert not after(keeper, put(NODE, machine()))


@pytest.mark.parametrize("tolerations", [[], EVERY[:1], [{"key": "x", "operator": "Exists"}]])
def test_taints_count_where_not_all_are_tolerated(tolerations: Any, keeper: Keeper) -> None:
    keeper.api.objects[SET] = daemon_set(tolerations=tolerations)
    assert not after(keeper, put(NODE, machine(TAINT)))


def test_a_node_that_is_drained_keeps_its_pods_configuration(keeper: Keeper) -> None:
    keeper.api.objects[SET] = daemon_set(tolerations=EVERY[:1])
    assert after(keeper, put(NODE, machine(CORDONED)))


def test_what_has_never_been_seen_is_not_taken_for_a_restart(keeper: Keeper) -> None:
    keeper.api.broken = 503
    with keeper.running() as running:
        until(lambda: bool(keeper.api.asked), "it has asked", 20)
        keeper.api.broken = None
        assert "00-multus.conf" not in keeper.stopped(running)


def test_thin_stands_beside_the_daemon_and_goes_with_the_rest(keeper: Keeper) -> None:
    standby = keeper.conf / "00-multus.conflist"
    with keeper.running('"confDir":"/etc/cni/multus/net.d"') as running:
        until(standby.exists, "thin stands beside the daemon", 20)
        default = keeper.conf / "multus.d" / "default"
        kubeconfig = keeper.conf / "multus.d" / "multus.kubeconfig"
        plugin = {
            "type": "multus",
            "kubeconfig": str(kubeconfig),
            "clusterNetwork": str(default),
            "capabilities": DAEMONS["capabilities"],
            "confDir": "/etc/cni/multus/net.d",
        }
        assert json.loads(standby.read_text()) == {"cniVersion": "0.3.1", "name": "cbr0", "plugins": [plugin]}
        assert [path.readlink() for path in default.iterdir()] == [keeper.conf / "10-flannel.conflist"]
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        api = keeper.api
        expected = expected_kubeconfig(f"https://127.0.0.1:{api.port}", b64encode(api.ca.encode()).decode(), api.token)
        assert kubeconfig.read_text() == expected
        # As when a node leaves the list: its clean-up takes away what a step had put there under the same name.
        standby.unlink()
        until(standby.exists, "it is there again", 20)
        (keeper.conf / "00-multus.conf").unlink()
        assert keeper.stopped(running) == ["00-multus.conflist", "10-flannel.conflist", "multus.d"]
    (keeper.conf / "00-multus.conf").write_text(json.dumps(DAEMONS | {"name": "other"}, separators=(",", ":")))
    with keeper.running('"confDir":"/etc/other"') as running:
        until(lambda: "/etc/other" in standby.read_text(), "it says what it is told today", 20)
        assert json.loads(standby.read_text())["name"] == "other"
        keeper.api.objects.pop(SET)
        assert keeper.stopped(running) == ["10-flannel.conflist"]


@LINKS
@pytest.mark.parametrize("laid", [".multus-standby.new", "multus.d/.kubeconfig.new"])
def test_nothing_is_written_into_a_file_that_was_laid_there(
    keeper: Keeper, tmp_path: Path, lay: Lay, laid: str
) -> None:
    plant = Plant(tmp_path)
    (keeper.conf / "multus.d").mkdir()
    lay(plant, keeper.conf / laid)
    with keeper.running('"confDir":"/etc/cni/multus/net.d"'):
        until((keeper.conf / "00-multus.conflist").exists, "thin stands beside the daemon", 20)
    assert plant.is_untouched()


def test_a_link_is_no_directory_for_the_kubeconfig(keeper: Keeper, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (keeper.conf / "multus.d").symlink_to(elsewhere)
    with keeper.running('"confDir":"/etc/cni/multus/net.d"'):
        until((keeper.conf / "00-multus.conflist").exists, "thin stands beside the daemon", 20)
    assert not list(elsewhere.iterdir())
