"""whereabouts as objects, and what the pod of a node writes there."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from multus import objects, resolve, whereabouts
from multus.node_steps import options_for
from multus_ops.render import objects_of, removal
from tests.support.arguments import k3s, node
from tests.support.planted import LINKS, Lay, Plant

PLAN = resolve(k3s(whereabouts={}))
assert PLAN.whereabouts is not None
SET: Any = whereabouts.daemon_set(PLAN, PLAN.whereabouts, "192.0.2.1", "6443")
RECONCILER: Any = whereabouts.reconciler(PLAN, PLAN.whereabouts, "192.0.2.1", "6443")


def test_nothing_of_it_is_there_unless_it_is_asked_for() -> None:
    plan = resolve(k3s())
    assert plan.whereabouts is None
    assert not [each for each in objects_of(plan) if "whereabouts" in each["metadata"]["name"]]
    assert "whereabouts" not in " ".join(removal(plan))


def test_no_selector_takes_anothers_pods() -> None:
    made = [objects.daemon_set(PLAN, "h", "1"), objects.fallback_daemon_set(PLAN, "h", "1"), SET, RECONCILER]
    for one in made:
        labels = one["spec"]["template"]["metadata"]["labels"]
        selecting = [each for each in made if each["spec"]["selector"]["matchLabels"].items() <= labels.items()]
        assert selecting == [one]


def test_it_writes_into_its_own_namespace_alone() -> None:
    parts = whereabouts.access(PLAN)
    everywhere = {
        (group, kind): set(rule["verbs"])
        for rule in parts["cluster-role"]["rules"]
        for group in rule["apiGroups"]
        for kind in rule["resources"]
    }
    writing = {key: verbs - {"get", "list", "watch"} for key, verbs in everywhere.items()}
    assert {key: verbs for key, verbs in writing.items() if verbs} == {("", "events"): {"create", "patch"}}
    assert all(
        "*" not in rule[key] for part in ("role", "cluster-role") for rule in parts[part]["rules"] for key in rule
    )
    assert ("", "secrets") not in everywhere
    assert parts["role"]["metadata"]["namespace"] == "kube-system"


def test_its_token_is_its_own_and_changes_with_the_rotation() -> None:
    token = whereabouts.access(resolve(k3s(whereabouts={}, rotation="7")))["token"]
    assert token["metadata"]["name"] == "whereabouts-token-7"
    for made in (SET, RECONCILER):
        volumes = made["spec"]["template"]["spec"]["volumes"]
        assert {each["secret"]["secretName"] for each in volumes if "secret" in each} == {"whereabouts-token-1"}


def test_the_reconciler_leaves_a_node_that_dies() -> None:
    tolerated = RECONCILER["spec"]["template"]["spec"]["tolerations"]
    assert all("tolerationSeconds" in each for each in tolerated if each["effect"] == "NoExecute")
    assert RECONCILER["spec"]["replicas"] == 1


def test_nodes_are_told_that_a_pod_brings_its_plugin() -> None:
    listed = k3s(node("a", 11), whereabouts={}, required_plugins=["whereabouts", "macvlan"])
    plan = resolve(listed)
    told = options_for(plan, plan.nodes[0])
    assert (told["needs"], told["installs"]) == ("macvlan", "whereabouts")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "token").write_text("made-up")
    (folder / "ca.crt").write_text("an authority\n" * 20)
    return folder


def run(tmp_path: Path, secret: Path, host: str = "192.0.2.1") -> Path:
    """Run the script that the plan yields over a directory of its own; where it has put things."""
    root = tmp_path / "root"
    for name in ("conf", "bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in (("whereabouts", "#!/bin/sh\n"), ("ip-control-loop", f"#!/bin/sh\necho $@ >{root}/loop\n")):
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    text = whereabouts.script().replace("/var/run/secrets/kubernetes.io/serviceaccount", str(secret))
    text = text.replace(" /whereabouts ", f" {root}/whereabouts ").replace("exec /", f"exec {root}/")
    command = ["sh", "-c", text, "whereabouts", str(root / "conf"), "/etc/cni/net.d", str(root / "bin"), "networks"]
    known = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "6443", "PATH": os.defpath}
    subprocess.run([shutil.which("dash") or "sh", *command[1:]], env=known, check=True)
    return root


@pytest.mark.parametrize(("host", "server"), [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "[2001:db8::1]")])
def test_the_kubeconfig_is_whole_and_roots_alone(tmp_path: Path, secret: Path, host: str, server: str) -> None:
    root = run(tmp_path, secret, host)
    folder = root / "conf" / "whereabouts.d"
    read = yaml.safe_load((folder / "whereabouts.kubeconfig").read_text())
    cluster = read["clusters"][0]["cluster"]
    assert cluster["server"] == f"https://{server}:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == (secret / "ca.crt").read_bytes()
    assert read["users"][0]["user"] == {"token": "made-up"}
    assert read["contexts"][0]["context"]["namespace"] == "networks"
    conf = json.loads((folder / "whereabouts.conf").read_text())
    assert conf["kubernetes"]["kubeconfig"] == "/etc/cni/net.d/whereabouts.d/whereabouts.kubeconfig"
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
    assert sorted(each.name for each in folder.iterdir()) == ["whereabouts.conf", "whereabouts.kubeconfig"]
    assert (root / "loop").read_text().split() == ["-log-level", "verbose"]


def test_the_plugin_is_replaced_by_another_release_and_by_no_equal_one(tmp_path: Path, secret: Path) -> None:
    plugin = run(tmp_path, secret) / "bin" / "whereabouts"
    first = plugin.stat().st_ino
    assert os.access(plugin, os.X_OK)
    run(tmp_path, secret)
    assert plugin.stat().st_ino == first
    plugin.write_text("an earlier release")
    run(tmp_path, secret)
    assert plugin.read_text() == "#!/bin/sh\n"
    assert [each.name for each in plugin.parent.iterdir()] == ["whereabouts"]


@LINKS
@pytest.mark.parametrize(
    "laid",
    [
        "conf/whereabouts.d/.whereabouts.kubeconfig.new",
        "conf/whereabouts.d/.whereabouts.conf.new",
        "bin/.whereabouts.new",
    ],
)
def test_nothing_is_written_into_a_file_that_was_laid_there(tmp_path: Path, secret: Path, lay: Lay, laid: str) -> None:
    plant, path = Plant(tmp_path), tmp_path / "root" / laid
    path.parent.mkdir(parents=True)
    lay(plant, path)
    root = run(tmp_path, secret)
    assert plant.is_untouched()
    assert not path.exists()
    assert (root / "bin" / "whereabouts").read_text() == "#!/bin/sh\n"
