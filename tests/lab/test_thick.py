"""Thick Multus, and the change from thin to thick and back, while pods come and go.

No pod may notice any of it: thin carries the nodes through the time in which no daemon serves them.

The tests of one cluster run in this order; the last one destroys.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from kubernetes import client

from lab.images import BUSYBOX
from lab.node import Node
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, listed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees, of_no_sandbox
from tests.support.lab.pods import NAMESPACE, NETWORK
from tests.support.lab.rights import Audit, granted

CELLS = [Cell("k3s", 2), Cell("vanilla", 1), Cell("vanilla", 1, ground="oldest")]
PORT = 18080
# When a daemon's certificate has lived for most of its time. The first one is asked for by the kubelet's identity.
AT_RENEWAL = {f"{verb} certificatesigningrequests.certificates.k8s.io" for verb in ("create", "get", "list", "watch")}
# The role is thin's a moment before the last daemon is gone, which may just then ask anew for what it watches.
WATCHED = re.compile(r": (list|watch) (pods|network-attachment-definitions\.k8s\.cni\.cncf\.io) at ")
STATIC = "/etc/kubernetes/manifests/static.json"


@dataclass(frozen=True)
class Changing:
    """A cluster with thin Multus and a pod of its time.

    Attributes:
        lab: the cluster.
        before: every node's files before the install.
        audit: what is asked since then.
        rights: what the account may do when it may do most.
    """

    lab: Lab
    before: Trees
    audit: Audit
    rights: set[str] = field(default_factory=set)

    @property
    def node(self) -> Any:
        return self.lab.cluster.nodes[0]

    def plugin(self, plugin: str) -> None:
        """Change the plugin, unnoticed."""
        configure(self.lab.stack, plugin=plugin)
        with churn(self.lab.cluster):
            # It asks the API server with what the first `up` has made, and takes no field away.
            succeeded(self.lab.stack.preview())
            succeeded(self.lab.stack.up())

    def start_static_pod(self) -> None:
        """A pod that the kubelet runs by itself."""
        self.node.run(
            ["tee", STATIC],
            input=json.dumps(pod_of("static", {"command": ["sh", "-c", "trap exit TERM; sleep infinity & wait"]})),
        )
        until(lambda: "static-lab-1" in self.lab.pods.names(), "the static pod is known", every=0.5)
        until(lambda: bool(self.static_container()), "the static pod runs", every=0.5)

    def static_container(self) -> str:
        """The container of the static pod, which is another one as soon as it was restarted."""
        pod: Any = self.lab.pods.core.read_namespaced_pod("static-lab-1", NAMESPACE)
        states = pod.status.container_statuses or []
        return str(states[0].container_id) if states and states[0].state.running else ""

    def confs(self) -> set[tuple[str, ...]]:
        """The names of Multus' configurations on each node; one item where all nodes agree."""
        folder = str(self.lab.cluster.look.conf_dir)
        names = [node.run(["ls", folder]).stdout.split() for node in self.lab.cluster.nodes]
        return {tuple(name for name in each if name.startswith("00-multus")) for each in names}

    def leaked(self) -> list[str]:
        """What is kept on any node for a sandbox that is no more."""
        return [file for node in self.lab.cluster.nodes for file in of_no_sandbox(node)]


@pytest.fixture(autouse=True)
def nothing_leaks(changing: Changing) -> Iterator[None]:
    """Whatever a test does, afterwards nothing is reserved or remembered for a pod that is gone."""
    yield
    until(lambda: not changing.leaked(), "everything belongs to a running pod", every=0.5)


@pytest.fixture(scope="module", params=CELLS, ids=str)
def changing(request: pytest.FixtureRequest, clusters: Clusters) -> Changing:
    lab = clusters.lab(request.param)
    lab.exercise_plain_pods()
    before, audit = lab.trees(), Audit.from_now(lab.cluster)
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("of-thin", node=lab.cluster.nodes[0].name, network=NETWORK)
    changing = Changing(lab, before, audit)
    changing.start_static_pod()
    return changing


def pod_of(name: str, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod of one container."""
    about = {"name": name, "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [about], **spec},
    }


def test_pods_keep_their_networks_when_thick_comes(changing: Changing) -> None:
    pods = changing.lab.pods
    address, static = pods.address("of-thin", "net1"), changing.static_container()
    changing.plugin("thick")
    assert pods.address("of-thin", "net1") == address
    assert changing.static_container() == static
    assert changing.confs() == {("00-multus.conf", "00-multus.conflist")}


def test_a_pod_gets_its_second_interface_from_the_daemon(changing: Changing) -> None:
    pods = changing.lab.pods
    pods.create("of-thick", node=changing.node.name, network=NETWORK)
    assert pods.address("of-thick", "net1").startswith("10.98.0.")
    assert pods.address("of-thick", "eth0").startswith("10.42.")
    target = pods.address("of-thin", "net1")
    pods.await_reply("of-thick", target, "-I", "net1")
    changing.lab.exercise_many_interfaces()


def test_a_pod_of_thin_is_given_back_by_the_daemon(changing: Changing) -> None:
    pods = changing.lab.pods
    address = pods.address("of-thin", "net1")
    pods.delete("of-thin")
    listed = changing.node.run(["ls", f"/var/lib/cni/networks/{NETWORK}"]).stdout.split()
    assert address not in listed


def test_a_host_port_answers(changing: Changing) -> None:
    """It dies where Multus' configuration loses the default network's capabilities."""
    container = {
        "command": ["sh", "-c", "echo here > /tmp/index.html; exec httpd -f -p 80 -h /tmp"],
        "ports": [{"containerPort": 80, "hostPort": PORT}],
    }
    body: Any = pod_of("port", container, nodeName=changing.node.name)
    pods = changing.lab.pods
    pods.core.create_namespaced_pod(NAMESPACE, body)
    until(lambda: pods.phase("port") == "Running", "the pod with a host port runs", every=0.25)

    def answers() -> bool:
        fetched = changing.node.run(["curl", "-sS", f"http://{changing.node.address}:{PORT}/"], check=False)
        return str(fetched.stdout) == "here\n"

    until(answers, "the host port answers", every=0.5)
    pods.delete("port")


def test_up_again_changes_nothing(changing: Changing) -> None:
    again = succeeded(changing.lab.stack.up("--expect-no-changes"))
    assert set(again.done.changes) == {"same"}


def test_another_daemon_configuration_rolls_the_daemon(changing: Changing) -> None:
    configure(changing.lab.stack, log={"level": "error", "file": "/var/log/multus.log"})
    with churn(changing.lab.cluster):
        succeeded(changing.lab.stack.up())
    path = changing.lab.cluster.look.conf_dir / "00-multus.conf"
    assert json.loads(changing.node.run(["cat", str(path)]).stdout)["logLevel"] == "error"
    found: Any = changing.lab.pods.core.list_namespaced_config_map("kube-system").items
    assert len([each for each in found if each.metadata.name.startswith("multus-conf-")]) == 1
    configure(changing.lab.stack, log=None)


def test_daemons_take_certificates_of_their_own(changing: Changing) -> None:
    lab = changing.lab
    certificates = {"bootstrapKubeconfig": "/etc/multus-lab/kubelet.kubeconfig"}
    configure(lab.stack, daemon={"perNodeCertificates": certificates})
    with approving(lab) as approved, churn(lab.cluster):
        succeeded(lab.stack.up())
    assert approved >= {f"system:multus:{node.name}" for node in lab.cluster.nodes}
    changing.rights.update(granted(lab.pods.api, "multus", "multus-install"))
    lab.pods.create("certified", node=changing.node.name, network=NETWORK)
    assert lab.pods.address("certified", "net1").startswith("10.98.0.")
    lab.pods.delete("certified")
    configure(lab.stack, daemon=None)
    with churn(lab.cluster):
        succeeded(lab.stack.up())


@contextmanager
def approving(lab: Lab) -> Iterator[set[str]]:
    """An approver of the daemons' requests, as `/cert-approver` is one; yields the names that it has approved."""
    approved: set[str] = set()
    stop = threading.Event()
    with lab.cluster.api as api, ThreadPoolExecutor(1) as background:
        working = background.submit(approve, client.CertificatesV1Api(api), approved, stop)
        try:
            yield approved
        finally:
            stop.set()
            working.result()


def approve(certificates: client.CertificatesV1Api, approved: set[str], stop: threading.Event) -> None:
    while not stop.wait(0.25):
        found: list[Any] = certificates.list_certificate_signing_request().items
        for each in found:
            request = x509.load_pem_x509_csr(base64.b64decode(each.spec.request))
            [name] = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            if each.status.conditions or not str(name.value).startswith("system:multus:"):
                continue
            condition = {"type": "Approved", "status": "True", "reason": "Lab", "message": "a daemon of the lab"}
            body = {"metadata": {"name": each.metadata.name}, "status": {"conditions": [condition]}}
            certificates.patch_certificate_signing_request_approval(each.metadata.name, body)
            approved.add(str(name.value))


def test_daemons_that_start_anew_are_not_missed(changing: Changing) -> None:
    lab = changing.lab
    with churn(lab.cluster):
        for node in lab.cluster.nodes:
            restart_daemon(lab, node)


def restart_daemon(lab: Lab, node: Node) -> None:
    [before] = lab.pods.of_multus(node.name)

    def is_another() -> bool:
        return before not in lab.pods.of_multus(node.name) and lab.pods.is_rolled_out("kube-multus-ds")

    lab.pods.core.delete_namespaced_pod(before, "kube-system")
    until(is_another, f"another daemon serves {node.name}", every=0.5)


def test_a_node_that_leaves_the_list_and_comes_back_keeps_multus(changing: Changing) -> None:
    lab = changing.lab
    node = lab.cluster.nodes[-1]
    configure(lab.stack, nodes=listed(lab.cluster)[:-1])
    with churn(lab.cluster, [node.name]):
        succeeded(lab.stack.up())
        lab.pods.await_served_by("kube-multus-ds-fallback", node.name)
    folder = str(lab.cluster.look.conf_dir)
    assert "00-multus.conflist" not in node.run(["ls", folder]).stdout.split()
    configure(lab.stack, nodes=listed(lab.cluster))
    with churn(lab.cluster, [node.name]):
        succeeded(lab.stack.up())
    assert changing.confs() == {("00-multus.conf", "00-multus.conflist")}


def test_pods_keep_their_networks_when_thin_comes_back(changing: Changing) -> None:
    pods = changing.lab.pods
    address, static = pods.address("of-thick", "net1"), changing.static_container()
    changing.plugin("thin")
    assert pods.address("of-thick", "net1") == address
    assert changing.static_container() == static
    assert changing.confs() == {("00-multus.conflist",)}
    pods.create("thin-again", node=changing.node.name, network=NETWORK)
    assert pods.address("thin-again", "net1").startswith("10.98.0.")


def test_thick_is_destroyed_without_a_trace(changing: Changing) -> None:
    lab = changing.lab
    changing.plugin("thick")
    changing.node.run(["rm", STATIC])
    until(lambda: "static-lab-1" not in lab.pods.names(), "the static pod is gone", every=0.5)
    lab.pods.delete("of-thick", "thin-again")
    succeeded(lab.stack.destroy())
    lab.exercise_plain_pods()
    lab.assert_files_are(changing.before)
    assert not lab.pods.of_multus()


def test_the_account_has_used_its_rights_and_no_others(changing: Changing) -> None:
    """By thin, by thick with and without certificates, and at the end."""
    assert not [each for each in changing.audit.refused("multus") if not WATCHED.search(each)]
    assert changing.audit.used("multus", changing.rights) == changing.rights - AT_RENEWAL
