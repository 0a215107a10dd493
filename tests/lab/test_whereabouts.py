"""whereabouts on real nodes: addresses that no two pods share, a full range, and a node that dies with some.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import pytest
from kubernetes import client

from lab import prepare
from lab.waiting import until
from multus import whereabouts
from tests.support.lab.breakages import WITH_WHEREABOUTS, network, tried
from tests.support.lab.cells import Cell
from tests.support.lab.changes import answer, configure, failed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees, has_conf, reservations_and_files
from tests.support.lab.node_images import load, with_shell
from tests.support.lab.patient import Patient
from tests.support.lab.pods import as_json
from tests.support.lab.rights import Audit, granted

CELL = Cell("k3s", 2)
POOLS = (whereabouts.GROUP, "v1alpha1", "kube-system", "ippools")
NETWORK = "across"
# Then the loop on its node looks whether there is a new one of the name, and tells by an event that it has given the
# address back: pkg/controlloop/pod.go. Here the plugin itself gives each one back.
WHERE_A_POD_HAS_LEFT_ITS_ADDRESS = {"get pods", "create events", "patch events"}


@dataclass(frozen=True)
class Unique:
    """A cluster with whereabouts.

    Attributes:
        patient: the cluster as doctor looks at it.
        before: every node's files before the install.
        audit: what is asked since then.
        rights: what whereabouts' account may do.
    """

    patient: Patient
    before: Trees
    audit: Audit
    rights: set[str]

    @property
    def lab(self) -> Lab:
        return self.patient.lab

    def held(self) -> set[str]:
        """The pods that a pool has down as holding an address."""
        pools = as_json(client.CustomObjectsApi(self.lab.pods.api).list_namespaced_custom_object, *POOLS)["items"]
        return {held["podref"].rpartition("/")[2] for pool in pools for held in pool["spec"]["allocations"].values()}

    def folder(self) -> PurePath:
        return self.lab.cluster.look.conf_dir / "whereabouts.d"


@pytest.fixture(scope="module")
def unique(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Unique:
    lab = clusters.lab(CELL)
    lab.exercise_plain_pods()
    built = {"whereabouts": "cmd", "ip-control-loop": "controlloop", "ip-reconciler": "reconciler"}
    programs = {f"/{name}": prepare.program(program) for name, program in built.items()}
    tools = ("sh", "cat", "mv", "mkdir", "base64", "tr", "cmp", "cp", "chmod", "rm")
    image = load(with_shell("example.org/whereabouts:v0.9.4", lab.cluster, programs, *tools), lab.cluster.nodes)
    before, audit = lab.trees(), Audit.from_now(lab.cluster)
    configure(lab.stack, whereabouts={"image": image, "reconcile": "* * * * *"})
    succeeded(lab.stack.up())
    lab.pods.create_network()
    rights = granted(lab.pods.api, "whereabouts", "whereabouts")
    found = Unique(Patient(lab, tmp_path_factory.mktemp("bin")), before, audit, rights)
    of_whereabouts = {"type": "whereabouts", "configuration_path": str(found.folder() / "whereabouts.conf")}
    limited = {"range": "10.94.0.0/24", "range_start": "10.94.0.10", "range_end": "10.94.0.13"}
    network(found.patient, NETWORK, ipam={**of_whereabouts, **limited})
    return found


def test_pods_of_two_nodes_never_share_an_address(unique: Unique) -> None:
    pods, nodes = unique.lab.pods, [node.name for node in unique.lab.cluster.nodes]
    names = {f"unique-{number}": nodes[number % 2] for number in range(4)}
    for name, node in names.items():
        pods.ask(name, node=node, network=NETWORK)
    pods.await_running(*names)
    addresses = {pods.address(name, "net1") for name in names}
    assert addresses == {f"10.94.0.{last}" for last in (10, 11, 12, 13)}
    pods.await_reply("unique-0", pods.address("unique-1", "net1"), "-I", "net1")
    assert unique.held() == set(names)


def test_a_full_range_is_named_with_who_holds_what(unique: Unique) -> None:
    for breakage in WITH_WHEREABOUTS:
        tried(unique.patient, breakage)


def test_an_address_is_given_back_with_its_pod(unique: Unique) -> None:
    """`unique-0` has made room in the test before, and so has who came in its place."""
    until(lambda: unique.held() == {"unique-1", "unique-2", "unique-3"}, "three are left", 30)
    unique.lab.pods.delete("unique-2")
    until(lambda: "unique-2" not in unique.held(), "its address is free", 30)


def test_the_token_can_be_rotated_and_the_old_one_is_void(unique: Unique) -> None:
    node = unique.lab.cluster.nodes[0]

    def token() -> str:
        text = node.run(["cat", unique.folder() / "whereabouts.kubeconfig"]).stdout
        return text.partition('token: "')[2].partition('"')[0]

    old = token()
    configure(unique.lab.stack, rotation="2")
    with churn(unique.lab.cluster, [node.name]):
        succeeded(unique.lab.stack.up())
    assert token() != old
    until(lambda: answer(unique.lab.cluster, old) == 401, "the API server refuses the old token", 30)
    unique.lab.pods.create("after", node=node.name, network=NETWORK)
    unique.lab.pods.delete("after")


def test_what_a_dead_node_held_is_given_back(unique: Unique) -> None:
    """Its pods are gone from the API, and nothing on it has seen them end."""
    lab = unique.lab
    _, second = lab.cluster.nodes
    assert unique.held() == {"unique-1", "unique-3"}
    second.stop()
    for name in ("unique-1", "unique-3"):
        lab.pods.core.delete_namespaced_pod(name, "default", grace_period_seconds=0)
    until(lambda: not unique.held(), "the reconciler has given both back", 300, every=1)
    second.start()
    lab.cluster.await_ready()
    lab.pods.create("again", node=second.name, network=NETWORK)
    assert lab.pods.address("again", "net1") == "10.94.0.10"


def changed(unique: Unique) -> dict[str, set[str]]:
    """The files of each node that are not what they were."""
    found: dict[str, set[str]] = {}
    for node, tree in unique.lab.trees().items():
        old, new = reservations_and_files(unique.before[node]), reservations_and_files(tree)
        paths = {path for path in {*old, *new} if old.get(path) != new.get(path)}
        found |= {node: paths} if paths else {}
    return found


def test_a_destroy_waits_for_pods_and_leaves_the_books_alone(unique: Unique) -> None:
    lab = unique.lab
    failed(lab.stack.destroy(), "again")
    lab.pods.delete("again")
    succeeded(lab.stack.destroy())
    until(
        lambda: not changed(unique),
        "every file is as before, also what the dead node's runtime had to end",
        60,
        every=1,
    )
    assert not any(has_conf(node) for node in lab.cluster.nodes)
    kept = as_json(client.CustomObjectsApi(lab.pods.api).list_namespaced_custom_object, *POOLS)["items"]
    assert [pool["spec"]["range"] for pool in kept] == ["10.94.0.0/24"]
    rbac = client.RbacAuthorizationV1Api(lab.pods.api)
    roles = [each["metadata"]["name"] for each in as_json(rbac.list_cluster_role)["items"]]
    assert "whereabouts" not in roles


def test_the_account_has_used_its_rights_and_no_others(unique: Unique) -> None:
    assert not unique.audit.refused("whereabouts")
    assert unique.rights - WHERE_A_POD_HAS_LEFT_ITS_ADDRESS <= unique.audit.used("whereabouts", unique.rights)
    assert unique.audit.used("whereabouts", unique.rights) <= unique.rights
