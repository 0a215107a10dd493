"""Every way in which the lab can be broken so that doctor has a name for it.

The troubles of one breakage show together and are mended together; what it brings along besides is not always seen.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.control_plane import LIMITED_CLASS
from lab.images import BUSYBOX, MULTUS_THICK
from lab.waiting import until
from multus.multus_conf import DAEMON_CONF_FILE
from multus.objects import CRD
from multus_ops.doctor.meshes import ISTIO_CONFIG_MAP, MESHES

from .changes import NAMESPACE, configure
from .patient import WEB, Patient
from .pods import NETWORK

MESH = MESHES["istio-cni"].daemon_set
# As Istio's installer does: it takes the file that it is told, else the first one, and adds its plugin whenever that is
# not there. Nothing in the image waits for a change of a directory.
CHAINING = """
cd /conf
file=${CNI_CONF_NAME:-$(ls | grep -E '[.]conf(list)?$' | head -n 1)}
while :; do
    if [ -s "$file" ] && ! grep -q istio-cni "$file"; then
        tr -d '\\n' <"$file" | sed 's/]\\([^]]*\\)$/,{"type":"istio-cni"}]\\1/' >.mesh
        mv .mesh "$file"
    fi
    touch /added
    sleep 1
done
"""
OLD = {"name": "old", "cniVersion": "1.0.0", "plugins": [{"type": "loopback"}]}


@dataclass(frozen=True)
class Breakage:
    """What is done to a cluster.

    Attributes:
        shows: the troubles that doctor has to name, in the order in which their fixes are typed.
        how: does it.
        besides: what it may name as well.
        by_hand: what a person has to do after the printed commands, as their reason says.
        shown_by_pod: whether a pod is to show afterwards that Multus works anew.
    """

    shows: Sequence[str]
    how: Callable[[Patient], None]
    besides: Sequence[str] = ()
    by_hand: Callable[[Patient], None] = lambda _: None
    shown_by_pod: bool = True

    def __str__(self) -> str:
        return "+".join(self.shows)


def _elf_of_another_machine() -> bytes:
    """An executable's head for a machine that nobody has: the loader looks no further."""
    machine = 0xFEED
    return b"\x7fELF" + struct.pack("<5B7x2HI3QI6H", 2, 1, 1, 0, 0, 2, machine, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0)


def _no_kubeconfig(patient: Patient) -> None:
    patient.sh(f"rm {patient.kubeconfig}")
    patient.ask_for_web()


def _server_that_is_silent(patient: Patient) -> None:
    patient.edit(patient.kubeconfig, lambda text: text.replace(":6444", ":1"))


def _server_in_brackets(patient: Patient) -> None:
    patient.edit(patient.kubeconfig, lambda text: text.replace("https://127.0.0.1", "https://[127.0.0.1]"))


def _another_token(patient: Patient) -> None:
    patient.edit(patient.kubeconfig, lambda text: text.replace('token: "', 'token: "x'))


def _another_authority(patient: Patient) -> None:
    other = patient.node.run(["cat", "/etc/ssl/certs/ca-certificates.crt"]).stdout.split("-----END")[0]
    data = base64.b64encode(f"{other}-----END CERTIFICATE-----\n".encode()).decode()

    def change(text: str) -> str:
        lines = text.splitlines()
        return (
            "\n".join(f"    certificate-authority-data: {data}" if "authority-data" in line else line for line in lines)
            + "\n"
        )

    patient.edit(patient.kubeconfig, change)


def _no_conf(patient: Patient) -> None:
    patient.sh(f"rm {patient.conf}")
    patient.ask_for_web(runs=True)


def _renamed_conf(patient: Patient) -> None:
    patient.sh(f"mv {patient.conf} {patient.conf}.cilium_bak")
    patient.kubectl("-n", "kube-system", "create", "configmap", "cilium-config", "--from-literal=cni-exclusive=true")
    patient.kubectl("apply", "-f", "-", stdin=json.dumps(_daemon_set("cilium", _agent())))


def _agent() -> dict[str, Any]:
    return {"name": "agent", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "1d"]}


def _binary_of_an_earlier_release(patient: Patient) -> None:
    earlier = f"/var/lib/rancher/k3s/data/{'0' * 64}/bin"
    patient.sh(f"mkdir -p {earlier}; mv {patient.bin_dir}/multus {earlier}/multus")


def _binary_of_another_machine(patient: Patient) -> None:
    encoded = base64.b64encode(_elf_of_another_machine()).decode()
    path = f"{patient.bin_dir}/multus"
    patient.sh(f"rm {path}; echo {encoded} | base64 -d > {path}; chmod 755 {path}")


def _little_things(patient: Patient) -> None:
    """Each of them alone harms nobody yet."""
    dead = "d" * 64
    patient.sh(f"chmod 644 {patient.kubeconfig}; touch {patient.conf_dir}/00-multus.conf.new")
    patient.sh(f"cd /var/lib/cni/networks/cbr0; echo {dead} > 10.42.1.250; touch -d '1 hour ago' 10.42.1.250")
    patient.kubectl("annotate", "crd", CRD, "meta.helm.sh/release-name=multus", "meta.helm.sh/release-namespace=x")
    account = f"--serviceaccount={NAMESPACE}:multus"
    patient.kubectl("create", "clusterrolebinding", "everything", "--clusterrole=cluster-admin", account)
    network(patient, "odd", cniVersion="9.9.9")


def network(patient: Patient, name: str, namespace: str = "default", **config: Any) -> None:
    given = {"cniVersion": "1.0.0", "name": name, "type": "macvlan", "master": "eth0", **config}
    known = {key: value for key, value in given.items() if value is not None}
    body = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"config": json.dumps(known)},
    }
    patient.kubectl("apply", "-f", "-", stdin=json.dumps(body))


def _edit_default_network(patient: Patient, change: Callable[[dict[str, Any]], None]) -> None:
    """As an upgrade of the CNI changes it, under the copies that Multus' pods have made."""

    def changed(text: str) -> str:
        conf: dict[str, Any] = json.loads(text)
        change(conf)
        return json.dumps(conf)

    patient.edit(f"{patient.conf_dir}/10-flannel.conflist", changed)


def _default_network_of(patient: Patient, mtu: int | None) -> None:
    def change(conf: dict[str, Any]) -> None:
        bridge = conf["plugins"][0]
        bridge.pop("mtu", None)
        if mtu is not None:
            bridge["mtu"] = mtu

    _edit_default_network(patient, change)


def _default_network_speaks(version: str) -> Callable[[Patient], None]:
    return lambda patient: _edit_default_network(patient, lambda conf: conf.update(cniVersion=version))


def _file_of_the_other_name_goes(patient: Patient) -> None:
    """The new pod has written its file beside the one of before, and which of them sorts first is chance."""
    patient.run_printed(patient.recognised("two-confs")["two-confs"].fix)
    versions = [
        json.loads(patient.node.run(["cat", f"{patient.conf_dir}/{name}"]).stdout)["cniVersion"]
        for name in ("10-flannel.conflist", patient.conf.rpartition("/")[2])
    ]
    assert versions[0] == versions[1], "the file that is left is the running pod's"


def _default_network_as_before(patient: Patient) -> None:
    """k3s itself writes the file again at its next start."""
    # A pod that is killed while it installs itself leaves a file.
    until(lambda: patient.lab.pods.is_rolled_out("kube-multus-ds"), "the pod has installed itself", every=0.5)
    _default_network_of(patient, None)
    patient.restart_multus()


def _cache_file_emptied(patient: Patient) -> None:
    """As a power cut leaves it, of a sandbox that nobody has any more."""
    file = f"/var/lib/cni/flannel/{'e' * 64}"
    patient.sh(f"mkdir -p {file.rpartition('/')[0]}; : > {file}; touch -d '1 hour ago' {file}")


def _cache_of_a_running_pod_cut(patient: Patient) -> None:
    """As a power cut leaves a file that was being written: its beginning."""
    patient.ask_for_web(runs=True)
    script = (
        # Of one that has gone before, a result may have stayed.
        "cd /var/lib/cni/multus; newest=$(ls -t $(grep -l '\"web\"' results/*-net1) | head -n 1);"
        ' file=$(echo "$newest" | sed "s/.*-\\([0-9a-f]\\{64\\}\\)-.*/\\1/");'
        ' cut=$(head -c 40 "$file"); printf %s "$cut" > "$file"; touch -d "1 hour ago" "$file"'
    )
    patient.sh(script)


def _nothing_of_it_stays_reserved(patient: Patient) -> None:
    """The pod goes after the file; whatever it leaves behind would stay in the way of the next stories."""
    patient.forget_web()
    folder = f"/var/lib/cni/networks/{NETWORK}"
    left = patient.node.run(["find", folder, "-name", "10.*"]).stdout.split()
    patient.sh(f"rm -f {folder}/10.*")
    assert not left


def _mesh_that_chains_itself(patient: Patient) -> None:
    """Another plugin stands in for its own: portmap, which hands on what it gets and has nothing to do."""
    patient.sh(f"cp {patient.bin_dir}/portmap {patient.bin_dir}/istio-cni")
    told = "--from-literal=CHAINED_CNI_PLUGIN=true"
    patient.kubectl("-n", NAMESPACE, "create", "configmap", ISTIO_CONFIG_MAP, told)
    container = {
        "name": "install-cni",
        "image": BUSYBOX,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", CHAINING],
        "readinessProbe": {"exec": {"command": ["test", "-e", "/added"]}, "periodSeconds": 1},
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}],
    }
    volume = {"name": "conf", "hostPath": {"path": patient.conf_dir, "type": "Directory"}}
    patient.kubectl("apply", "-f", "-", stdin=json.dumps(_daemon_set(MESH, container, volumes=[volume])))


def _daemon_set(name: str, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """One that needs no network and ends at once."""
    labels = {"k8s-app": name}
    known = {"hostNetwork": True, "terminationGracePeriodSeconds": 1, "containers": [container], **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": known},
        },
    }


def _mesh_goes(patient: Patient) -> None:
    """Pods have met its plugin in the default network's list until here."""
    patient.assert_healthy()
    patient.assert_pod_gets_net1()
    patient.kubectl("-n", NAMESPACE, "delete", "daemonset", MESH, "--cascade=foreground")
    patient.kubectl("-n", NAMESPACE, "delete", "configmap", ISTIO_CONFIG_MAP)

    def without_it(conf: dict[str, Any]) -> None:
        assert conf["plugins"].pop() == {"type": "istio-cni"}

    _edit_default_network(patient, without_it)
    patient.restart_multus()
    patient.assert_healthy()
    patient.sh(f"rm {patient.bin_dir}/istio-cni")


def _network_on_a_link_that_is_not_there(patient: Patient) -> None:
    network(patient, "unlinked", master="nowhere0")
    patient.ask_for_web("unlinked")


def _networks_that_cannot_work(patient: Patient) -> None:
    """Of the other plugin's mode, and with the pod's default route: both are seen without a pod."""
    network(patient, "modal", mode="l2")
    addresses = {"type": "host-local", "subnet": "10.96.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}
    network(patient, "routed", ipam=addresses)


def _network_that_no_status_names(patient: Patient) -> None:
    # Without an address no result has a form that old versions know, and the pod would not start.
    network(patient, "unversioned", cniVersion=None, ipam={"type": "host-local", "subnet": "10.97.0.0/24"})
    patient.ask_for_web("unversioned", runs=True)


def _pod_that_asks_for_its_default_route(patient: Patient) -> None:
    asked = json.dumps([{"name": NETWORK, "default-route": ["10.98.0.1"]}])
    patient.ask_for_web(asked, runs=True)


def _network_goes(patient: Patient, name: str, namespace: str) -> None:
    """After the pod that has it."""
    patient.forget_web()
    patient.kubectl("-n", namespace, "delete", "network-attachment-definition", name)


def _network_of_another_namespace_goes(patient: Patient) -> None:
    _network_goes(patient, "theirs", "kube-public")


def _network_of_another_namespace(patient: Patient) -> None:
    network(patient, "theirs", "kube-public")
    patient.ask_for_web("theirs")


def _network_named_with_its_namespace_in_the_long_form(patient: Patient) -> None:
    network(patient, "theirs", "kube-public")
    patient.ask_for_web(json.dumps([{"name": "kube-public/theirs", "interface": "db0"}]))


def _network_that_stands_for_a_file(patient: Patient) -> None:
    """Only whoever has made it knows its configuration, and writes it."""
    body = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "bare", "namespace": "default"},
        "spec": {},
    }
    patient.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    patient.ask_for_web("bare")
    config = {"cniVersion": "1.0.0", "name": "bare", "type": "macvlan", "master": "eth0"}
    patient.will_write("spec", {"config": json.dumps(config)})


def _web_runs(patient: Patient) -> None:
    patient.lab.pods.await_running(WEB)


def _network_that_stands_for_a_file_goes(patient: Patient) -> None:
    _web_runs(patient)
    _network_goes(patient, "bare", "default")


def _networks_of_one_namespace_alone(patient: Patient) -> None:
    patient.up(conf={"namespaceIsolation": True})
    network(patient, "theirs", "kube-public")
    patient.ask_for_web("kube-public/theirs")


def _namespaces_are_open_again(patient: Patient) -> None:
    _web_runs(patient)
    _network_of_another_namespace_goes(patient)
    patient.up(conf=None)


def _cilium_that_chains_itself(patient: Patient) -> None:
    """What its ConfigMap says; no Cilium is here that would do it."""
    told = "--from-literal=cni-chaining-target=cbr0"
    patient.kubectl("-n", NAMESPACE, "create", "configmap", "cilium-config", told)
    patient.kubectl("apply", "-f", "-", stdin=json.dumps(_daemon_set("cilium", _agent())))


def _cilium_goes(patient: Patient) -> None:
    patient.assert_healthy()
    patient.kubectl("-n", NAMESPACE, "delete", "configmap", "cilium-config")
    patient.kubectl("-n", NAMESPACE, "delete", "daemonset", "cilium")
    patient.up(conf=None)


def _annotation_that_is_no_json(patient: Patient) -> None:
    patient.ask_for_web(f'[{{"name": "{NETWORK}"}},]')


def _namespace_that_forbids_directories_of_the_host(patient: Patient) -> None:
    """As Talos enforces it; its own level comes back with the printed command."""
    level = "pod-security.kubernetes.io/enforce=baseline"
    patient.kubectl("label", "--overwrite", "namespace", NAMESPACE, level)
    patient.restart_multus()


def _default_network_whose_file_never_comes(patient: Patient) -> None:
    patient.edit_plugin(readinessindicatorfile="/run/never-there")
    patient.ask_for_web()


def _directory_of_somebody_else(patient: Patient) -> None:
    """As kubespray leaves it."""
    patient.sh(f"chown 1000 {patient.conf_dir}")
    patient.restart_multus()


def _directory_of_root(patient: Patient) -> None:
    patient.assert_pod_gets_net1()
    patient.sh(f"chown 0 {patient.conf_dir}")
    patient.up(security=None)


def _class_that_needs_a_quota(patient: Patient) -> None:
    """As GKE does with critical pods outside kube-system; the lab's API server has such a class of its own."""
    patient.kubectl("create", "priorityclass", LIMITED_CLASS, "--value=1000000")
    patient.patch_daemon_set({"priorityClassName": LIMITED_CLASS, "priority": None})


def _class_as_before(patient: Patient) -> None:
    """The new pods are there, by the quota that was printed."""
    until(lambda: bool(patient.lab.pods.of_multus(patient.node.name)), "a pod of Multus is admitted", every=0.25)
    patient.kubectl("-n", NAMESPACE, "delete", "quota", "multus-critical")
    patient.patch_daemon_set({"priorityClassName": "system-node-critical", "priority": None})
    patient.kubectl("delete", "priorityclass", LIMITED_CLASS)


def _default_network_that_is_not_there_yet(patient: Patient) -> None:
    file = f"{patient.conf_dir}/10-flannel.conflist"
    patient.sh(f"mv {file} {patient.conf_dir}/../10-flannel.later")
    patient.restart_multus()


def _default_network_comes(patient: Patient) -> None:
    patient.sh(f"mv {patient.conf_dir}/../10-flannel.later {patient.conf_dir}/10-flannel.conflist")


def _daemon_set_of_other_instructions(patient: Patient) -> None:
    """Upstream's paths and tag on k3s, a revision of MicroK8s, and no priority: only its text is looked at."""
    volumes = [
        {"name": "cni", "hostPath": {"path": "/etc/cni/net.d", "type": ""}},
        {"name": "cnibin", "hostPath": {"path": "/var/snap/microk8s/1234/opt/cni/bin", "type": ""}},
    ]
    image = "ghcr.io/k8snetworkplumbingwg/multus-cni:snapshot"
    spec: dict[str, Any] = {
        "priorityClassName": None,
        "priority": None,
        "volumes": volumes,
        "containers": [{"name": "kube-multus", "image": image}],
    }
    patient.patch_daemon_set(spec)


def _entrypoint_of_v3(patient: Patient) -> None:
    patient.patch_daemon_set({"containers": [{"name": "kube-multus", "command": ["/entrypoint.sh"]}]})


def _no_rights_and_another_account(patient: Patient) -> None:
    patient.kubectl("delete", "clusterrolebinding", "multus")
    patient.kubectl("-n", NAMESPACE, "delete", "serviceaccount", "multus")
    patient.kubectl("-n", NAMESPACE, "create", "serviceaccount", "multus")


def _no_networks(patient: Patient) -> None:
    """They do not come back with the CRD: whoever has made one applies it again."""
    patient.kubectl("delete", "crd", CRD)


def _no_plugin(patient: Patient) -> None:
    """The stack knows an image with reference plugins, and brings another one of them."""
    image = patient.load_plugins("macvlan", "static")
    configure(patient.lab.stack, referencePlugins={"image": image, "names": ["static"]})
    patient.reload()
    patient.sh(f"rm {patient.bin_dir}/macvlan")


def _own_conf_map(patient: Patient) -> str:
    found: Any = patient.lab.pods.core.list_namespaced_config_map(NAMESPACE, label_selector="app=multus").items
    return str(next(each.metadata.name for each in found if each.metadata.name.startswith("multus-conf-")))


def _daemon_with_a_file_of_its_own(patient: Patient) -> None:
    name = _own_conf_map(patient)
    found: Any = patient.lab.pods.core.read_namespaced_config_map(name, NAMESPACE)
    conf = {**json.loads(found.data[DAEMON_CONF_FILE]), "multusConfigFile": "/etc/multus/own.conf"}
    patient.lab.pods.core.patch_namespaced_config_map(name, NAMESPACE, {"data": {DAEMON_CONF_FILE: json.dumps(conf)}})


def _daemon_without_its_file(patient: Patient) -> None:
    patient.kubectl("-n", NAMESPACE, "delete", "configmap", _own_conf_map(patient))
    patient.restart_multus()


def _daemon_that_needs_more_memory(patient: Patient) -> None:
    resources = {"requests": {"memory": "16Mi"}, "limits": {"memory": "16Mi"}}
    container = {"name": "kube-multus", "command": ["sh", "-c", "exec tail /dev/zero"], "args": None}
    patient.patch_daemon_set({"containers": [{**container, "resources": resources}]})


def _shim_of_another_release(patient: Patient) -> None:
    """By its tag alone: doctor compares the names of both images."""
    another = MULTUS_THICK.replace("v4.3.0", "v4.3.1")
    ctr = f"ctr --address {patient.lab.cluster.look.containerd_socket} --namespace k8s.io"
    patient.sh(f"{ctr} images tag --force {MULTUS_THICK} {another}")
    patient.patch_daemon_set({"initContainers": [{"name": "install-thick", "image": another}]})


def _copy_over_what_runs(patient: Patient) -> None:
    """As upstream's manifest did before v4.2.3, with a binary that is running at this moment."""
    target = "/host/opt/cni/bin/busybox-that-runs"
    script = f"rm -f {target}; cp /bin/busybox {target}; {target} sleep 60 & "
    script += f'until [ "$({target} readlink /proc/$!/exe)" = {target} ]; do :; done; cp /bin/busybox {target}'
    patient.patch_daemon_set({"initContainers": [{"name": "install-thick", "command": ["sh", "-ec", script]}]})


def _disabled(patient: Patient) -> None:
    options = " ".join(patient.stack.pulumi.options)
    patient.run_printed(f"multus-ops disable {options}")


def conf_of_an_install_that_is_gone(patient: Patient) -> None:
    plugin = {"type": "multus", "delegates": [{"name": "cbr0"}]}
    conf = {"cniVersion": "1.0.0", "name": "cbr0", "plugins": [plugin]}
    patient.write(f"{patient.conf_dir}/00-multus.conflist", conf)


def _network_of_dhcp(patient: Patient) -> None:
    network(patient, "office", ipam={"type": "dhcp"})
    patient.ask_for_web("office")


def _room_in_the_range(patient: Patient) -> None:
    """Who holds an address that somebody else needs more."""
    patient.lab.pods.delete("unique-0")
    until(lambda: patient.lab.pods.phase(WEB) == "Running", "the pod has the address that came free", every=0.25)


def _stack_with_another_directory(patient: Patient) -> None:
    patient.sh("mkdir -p /srv/cni/net.d")
    configure(patient.lab.stack, cniConfDir="/srv/cni/net.d")
    patient.reload()


BEFORE_AN_INSTALL = (
    Breakage(["conf-left-behind"], conf_of_an_install_that_is_gone, shown_by_pod=False),
    Breakage(["plan-against-runtime"], _stack_with_another_directory, shown_by_pod=False),
)

ON_NODES = (
    Breakage(["kubeconfig-not-found", "other-pods-fail"], _no_kubeconfig),
    Breakage(["client-failed"], _server_that_is_silent, shown_by_pod=False),
    Breakage(["server-is-no-url"], _server_in_brackets, shown_by_pod=False),
    Breakage(["token-refused"], _another_token),
    Breakage(["authority-changed"], _another_authority, shown_by_pod=False),
    Breakage(
        ["kubeconfig-path-of-the-pod"],
        lambda patient: patient.edit_plugin(kubeconfig="/host/etc/cni/net.d/multus.d/multus.kubeconfig"),
        besides=["conf-rewritten"],
        shown_by_pod=False,
    ),
    Breakage(["conf-missing", "pods-without-networks"], _no_conf),
    # The runtime drops every network over one file that it cannot read.
    Breakage(
        ["conf-not-json", "node-not-ready"], lambda patient: patient.sh(f": > {patient.conf}"), shown_by_pod=False
    ),
    Breakage(
        ["two-confs"],
        lambda patient: patient.write(f"{patient.conf_dir}/00-multus.conf", {"name": "cbr0", "type": "multus-shim"}),
        shown_by_pod=False,
    ),
    Breakage(
        ["default-network-not-found"],
        lambda patient: patient.edit_plugin(delegates=None, clusterNetwork="flannel"),
        besides=["conf-rewritten"],
    ),
    # No pod is started over these two: Multus would call itself without end.
    Breakage(
        ["multus-under-another-name"],
        lambda patient: patient.write(f"{patient.conf_dir}/70-multus.conf", {"name": "m", "type": "multus"}),
        shown_by_pod=False,
    ),
    Breakage(
        ["delegates-to-itself"],
        lambda patient: patient.edit_plugin(delegates=[{"name": "cbr0", "cniVersion": "1.0.0", "type": "multus"}]),
        besides=["default-network-changed"],
    ),
    Breakage(["another-network-first"], lambda patient: patient.write(f"{patient.conf_dir}/05-old.conflist", OLD)),
    Breakage(
        ["conf-before-multus"],
        lambda patient: patient.write(f"{patient.conf_dir}/00-first.conflist", OLD),
        besides=["another-network-first"],
        shown_by_pod=False,
    ),
    Breakage(["renamed-by-cilium", "cilium-exclusive"], _renamed_conf),
    # Its file comes after the commands: they wait for nothing that the API could show of k3s' own flannel.
    Breakage(
        ["default-network-late"],
        _default_network_that_is_not_there_yet,
        besides=["crash-loop"],
        by_hand=_default_network_comes,
    ),
    Breakage(["program-gone"], _binary_of_an_earlier_release),
    Breakage(["wrong-machine"], _binary_of_another_machine),
    Breakage(
        ["default-network-changed"],
        lambda patient: _default_network_of(patient, 1400),
        by_hand=_default_network_as_before,
    ),
    # Up and down across 1.0.0, where thin's file has another name.
    Breakage(["default-network-changed"], _default_network_speaks("0.3.1"), by_hand=_file_of_the_other_name_goes),
    Breakage(["default-network-changed"], _default_network_speaks("1.1.0"), by_hand=_file_of_the_other_name_goes),
    Breakage(["default-network-changed"], _default_network_speaks("1.0.0")),
    Breakage(["mesh-takes-the-first-file", "conf-chained"], _mesh_that_chains_itself, by_hand=_mesh_goes),
    Breakage(["conf-rewritten"], lambda patient: patient.edit_plugin(logLevel="debug")),
    Breakage(["cache-emptied"], _cache_file_emptied, shown_by_pod=False),
    Breakage(["cache-emptied"], _cache_of_a_running_pod_cut, by_hand=_nothing_of_it_stays_reserved),
)

IN_CLUSTER = (
    # First, since a later one edits the container, and a field that two write is not taken away by one.
    Breakage(
        ["directories-not-writable"],
        _directory_of_somebody_else,
        besides=["crash-loop"],
        by_hand=_directory_of_root,
    ),
    Breakage(
        [
            "kubeconfig-open",
            "stale-files",
            "addresses-leaked",
            "crd-goes-with-a-release",
            "may-too-much",
            "incompatible-versions",
        ],
        _little_things,
        shown_by_pod=False,
    ),
    Breakage(
        ["network-in-another-namespace"],
        _network_of_another_namespace,
        by_hand=_network_of_another_namespace_goes,
        shown_by_pod=False,
    ),
    Breakage(
        ["network-in-another-namespace"],
        _network_named_with_its_namespace_in_the_long_form,
        by_hand=_network_of_another_namespace_goes,
        shown_by_pod=False,
    ),
    Breakage(["annotation-not-read"], _annotation_that_is_no_json, shown_by_pod=False),
    Breakage(["network-mode", "network-takes-routes"], _networks_that_cannot_work, shown_by_pod=False),
    Breakage(["refused-by-pod-security"], _namespace_that_forbids_directories_of_the_host),
    Breakage(
        ["default-network-not-ready"],
        _default_network_whose_file_never_comes,
        besides=["conf-rewritten"],
        by_hand=lambda patient: patient.restart_multus(),
    ),
    Breakage(["refused-by-priority-quota"], _class_that_needs_a_quota, by_hand=_class_as_before),
    Breakage(["link-not-found"], _network_on_a_link_that_is_not_there, shown_by_pod=False),
    Breakage(["network-without-version"], _network_that_no_status_names, shown_by_pod=False),
    Breakage(["default-route-ignored"], _pod_that_asks_for_its_default_route, shown_by_pod=False),
    Breakage(
        ["network-without-config"],
        _network_that_stands_for_a_file,
        by_hand=_network_that_stands_for_a_file_goes,
        shown_by_pod=False,
    ),
    Breakage(["namespace-isolation"], _networks_of_one_namespace_alone, by_hand=_namespaces_are_open_again),
    Breakage(["cilium-chains-multus"], _cilium_that_chains_itself, by_hand=_cilium_goes),
    Breakage(["disabled"], _disabled),
    Breakage(
        ["wrong-directories", "moving-image", "no-priority", "revision-of-microk8s"],
        _daemon_set_of_other_instructions,
        besides=["crash-loop"],
    ),
    Breakage(["entrypoint-of-v3", "crash-loop"], _entrypoint_of_v3),
    Breakage(
        ["account-made-anew", "token-secret-gone", "may-too-little", "token-refused"], _no_rights_and_another_account
    ),
    Breakage(["crd-gone"], _no_networks, by_hand=lambda patient: patient.lab.pods.create_network()),
    Breakage(["plugin-missing"], _no_plugin, besides=["crash-loop"]),
)

OF_THICK = (
    Breakage(
        ["daemon-silent"],
        lambda patient: patient.edit_plugin(daemonSocketDir="/run/elsewhere"),
        besides=["conf-rewritten"],
        shown_by_pod=False,
    ),
    Breakage(["not-a-shared-mount"], lambda patient: patient.sh("mount --make-rprivate /"), besides=["daemon-silent"]),
    Breakage(["daemon-ends-at-once"], _daemon_with_a_file_of_its_own, besides=["crash-loop", "conf-missing"]),
    Breakage(["daemon-config-not-found"], _daemon_without_its_file, besides=["crash-loop"]),
    Breakage(["oom-killed", "crash-loop"], _daemon_that_needs_more_memory),
    Breakage(["shim-and-daemon-differ"], _shim_of_another_release),
    Breakage(["text-file-busy"], _copy_over_what_runs, besides=["crash-loop"]),
)


WITH_DHCP = (Breakage(["no-dhcp-daemon"], _network_of_dhcp),)
"""On a cluster whose nodes have the plugin `dhcp`, and an image of it."""


WITH_WHEREABOUTS = (
    Breakage(["whereabouts-is-full"], lambda patient: patient.ask_for_web("across"), by_hand=_room_in_the_range),
)
"""On a cluster with whereabouts whose network `across` has no address left."""


def tried(patient: Patient, breakage: Breakage) -> None:
    """Break it, let doctor name that and nothing else, type what it prints, and find it well again."""
    breakage.how(patient)
    found = patient.recognised(*breakage.shows, besides=breakage.besides)
    patient.run_printed(*(found[name].fix for name in breakage.shows))
    breakage.by_hand(patient)
    patient.forget_web()
    patient.assert_healthy()
    if breakage.shown_by_pod:
        patient.assert_pod_gets_net1()
