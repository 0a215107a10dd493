"""The troubles that doctor knows by name: how each shows, why it matters, and the commands that mend it.

One table with three readers: doctor, docs/troubleshooting.md and the lab's tests, which break a cluster in each of
these ways and then run the very commands that were printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter

from multus.objects import CRD

from . import cluster_signs, network_signs, node_signs
from .case import Case
from .findings import Check, Finding, Occurrence, Severity


@dataclass(frozen=True)
class Symptom:
    """A trouble with a name.

    Attributes:
        name: its name, which docs/troubleshooting.md has as an anchor.
        shows: how it shows to people.
        why: what it does, and where it comes from.
        fix: the commands that mend it. `{on}` stands before a command on a node; `{restart}`, `{repair}`, `{renew}` and
            `{change}` are commands of their own, as the install's origin has them; every other name comes with the
            occurrence.
        otherwise: the commands where an occurrence does not say everything that `fix` names: only people know it.
        changes: what `{change}` changes: arguments with their values, in which names of the occurrence may stand.
        check: the line of doctor's table that it fails.
        says: a pattern of what pods that get no network say, or Multus' own pods where `check` is about those.
        seen: finds it in what there is.
        issues: where people have met it.
        untried: why no test breaks a real cluster in this way; empty where one does.
    """

    name: str
    shows: str
    why: str
    fix: tuple[str, ...]
    check: Check
    says: str = ""
    seen: Callable[[Case], Iterator[Occurrence]] | None = None
    severity: Severity = Severity.ERROR
    issues: tuple[str, ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)
    otherwise: tuple[str, ...] = ()
    untried: str = ""

    def findings(self, case: Case) -> Iterator[Finding]:
        """What there is of it."""
        if self.seen is not None:
            for occurrence in self.seen(case):
                yield self.finding(case, occurrence)
        if self.says:
            about_multus = self.check is Check.DAEMON_SETS
            for occurrence in cluster_signs.matching_messages(case, self.says, about_multus=about_multus):
                yield self.finding(case, occurrence)

    def finding(self, case: Case, occurrence: Occurrence) -> Finding:
        """One occurrence of it, with the commands that mend it there."""
        node = occurrence.node
        values: dict[str, str] = {
            "namespace": case.namespace,
            "repair": case.repair,
            "renew": case.renew,
            **({"change": case.origin.change(_filled(self.changes, occurrence.values))} if self.changes else {}),
            "options": case.options,
            **({"on": case.on(node), "restart": case.restart(node)} if node else {}),
            **occurrence.values,
        }
        lines = self.fix if not self.otherwise or _names_in(self.fix) <= set(values) else self.otherwise
        fix = "\n".join(dict.fromkeys(line.format_map(values) for line in lines))
        return Finding(self.check, self.severity, occurrence.where, occurrence.what, self.why, fix, self.name)


def _names_in(lines: tuple[str, ...]) -> set[str]:
    return {name for line in lines for _, name, _, _ in Formatter().parse(line) if name}


def _filled(changes: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {key.format_map(values): value.format_map(values) for key, value in changes.items()}


def find_symptoms(case: Case) -> Iterator[Finding]:
    """Every trouble of the table that there is."""
    for symptom in SYMPTOMS:
        yield from symptom.findings(case)


_PATCH_NETWORK = "kubectl -n {network_namespace} patch network-attachment-definition {network} --type merge -p {patch}"
_EDIT_NETWORK = "kubectl -n {network_namespace} edit network-attachment-definition {network}"
_ANNOTATE_POD = "kubectl -n {pod_namespace} annotate --overwrite pod {pod} {networks}"
_OF_TEMPLATE = "What a Deployment or another controller makes needs the same in its pod template."
_CILIUM_SHARES = (
    'kubectl -n kube-system patch configmap cilium-config --type merge -p \'{{"data":{{"cni-exclusive":"false"}}}}\'',
    "kubectl -n kube-system rollout restart daemonset cilium",
)
_MESH_TAKES_ANOTHER_FILE = (
    "kubectl -n {mesh_namespace} set env daemonset {mesh} CNI_CONF_NAME={network_file}",
    "kubectl -n {mesh_namespace} rollout status daemonset {mesh}",
)
_MESH_FORGETS = (
    " Set it in its Helm values as well (Istio: `cniConfFileName`, Kuma: `cni.confName`), or the mesh's next upgrade"
    " forgets it."
)
_REPAIRED = "What was changed by hand comes back with the next look of Pulumi, or when the install is applied again."
SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(
        name="crash-loop",
        shows="The Multus pod is in CrashLoopBackOff, RunContainerError or Error.",
        why="New pods get no network on this node with thick, and with thin as soon as its files have to be"
        " written anew."
        " Thin's entrypoint ends with 0 even after an error, so that the log alone says why.",
        fix=("{repair}",),
        check=Check.DAEMON_SETS,
        seen=cluster_signs.crash_loop,
        issues=("multus-cni#1366",),
    ),
    Symptom(
        name="refused-by-pod-security",
        shows='A DaemonSet of Multus has no pods: `violates PodSecurity "baseline:latest"` in its events.',
        why="Multus' pods mount directories of the host, which the level of their namespace forbids: Talos enforces"
        " `baseline` everywhere but in kube-system. No node gets Multus, and nothing else says so.",
        fix=("kubectl label --overwrite namespace {set_namespace} pod-security.kubernetes.io/enforce=privileged",),
        check=Check.DAEMON_SETS,
        seen=cluster_signs.refused_by_pod_security,
        issues=("kubriX#2944", "turing-rk1-cluster#65", "home-ops#4814"),
    ),
    Symptom(
        name="refused-by-priority-quota",
        shows="A DaemonSet of Multus has no pods: `insufficient quota to match these scopes: [{PriorityClass In"
        " [system-node-critical ...]}]`.",
        why="GKE and others let critical pods into a namespace with a ResourceQuota for them alone, and kube-system"
        " has one.",
        fix=("kubectl -n {set_namespace} create quota multus-critical --hard=pods=10k --scopes=PriorityClass",),
        check=Check.DAEMON_SETS,
        seen=cluster_signs.refused_by_priority_quota,
        issues=("test-infra#35233", "gatekeeper#1120"),
    ),
    Symptom(
        name="default-network-late",
        shows="`cannot find valid master CNI config` in the log of Multus' pod.",
        why="Multus has started before the cluster's default CNI has written its configuration, and there is nothing to"
        " build on. When that is there, its pod starts by itself, or at once when it is deleted.",
        fix=("kubectl -n {cni_namespace} rollout status daemonset {cni}", "{restart}"),
        otherwise=("{restart}",),
        check=Check.DAEMON_SETS,
        seen=cluster_signs.default_network_late,
        issues=("rook#15775",),
    ),
    Symptom(
        name="shim-and-daemon-differ",
        shows="`CmdAdd (shim): timed out` for every sandbox, while all of thick's pods are Ready.",
        why="The shim of v4.3.1 asks a path that the daemon of v4.3.0 does not have, and waits. " + _REPAIRED,
        fix=("{repair}",),
        check=Check.IMAGE,
        seen=cluster_signs.shim_and_daemon_differ,
        issues=("keiretsu-labs/kubernetes-manifests#2903",),
    ),
    Symptom(
        name="kubeconfig-not-found",
        shows="`kubeconfig file not found`, or `no such file or directory` with multus.kubeconfig.",
        why="Thin Multus runs on the host and asks the API with this file: without it no pod starts on the node,"
        " and none"
        " can be removed. The Multus pod writes it when it starts.",
        fix=("{restart}",),
        check=Check.KUBECONFIG,
        says=r"kubeconfig /(?!host)\S*?:? .*no such file or directory|kubeconfig file not found",
        seen=node_signs.kubeconfig_not_found,
        issues=("multus-cni#1326",),
    ),
    Symptom(
        name="client-failed",
        shows="`failed to get k8s client`, and the API server cannot be reached with multus.kubeconfig.",
        why="Multus cannot ask which networks a pod wants, so no pod starts on the node.",
        fix=("{restart}",),
        check=Check.KUBECONFIG,
        says=r"failed to (get|create)[^:]{0,20}k8s client|GetK8sClient: (?!.*no such file)|connection"
        r" refused.*multus-cni",
        seen=node_signs.client_failed,
        issues=("multus-cni#1105",),
    ),
    Symptom(
        name="api-out-of-reach",
        shows='`error getting pod: Get "https://10.43.0.1:443/...": dial tcp ...: i/o timeout`, `no route to host`,'
        " `connection refused` or `context deadline exceeded`, or the same after `error waiting for pod`.",
        why="The node does not reach the API server where Multus asks it: no pod starts there, and none can be removed."
        " The address of a Service works on a node only while kube-proxy, or what stands in for it, serves the node"
        " itself; that of the control plane needs neither.",
        fix=("{change}",),
        changes={"apiServer": "{server}"},
        check=Check.PODS,
        seen=network_signs.api_out_of_reach,
        issues=("multus-cni#943", "multus-cni#1462", "multus-cni#117"),
        untried="every node of the lab reaches its API server; a kubeconfig that names another one is `client-failed`",
    ),
    Symptom(
        name="default-network-not-ready",
        shows="`have you checked that your default network is ready? still waiting for readinessindicatorfile @ ...`,"
        " `timed out waiting for the condition`.",
        why="With `conf.readinessIndicatorFile` Multus waits 45 s for a file that the default network writes when it is"
        " ready. Either that is not ready on this node, or it writes another file.",
        fix=("kubectl -n {cni_namespace} rollout status daemonset {cni}",),
        otherwise=(
            "# the default network does not write {file} on this node: have it start, or name by"
            " conf.readinessIndicatorFile what it writes",
        ),
        check=Check.PODS,
        seen=network_signs.default_network_not_ready,
        issues=("multus-cni#402", "openshift/cluster-network-operator#568"),
    ),
    Symptom(
        name="directories-not-writable",
        shows="`/host/etc/cni/net.d/...: permission denied`, or the same of `/host/opt/cni/bin`, in Multus' pod.",
        why="Thin's pod has no privileges, so that root writes only where root owns, and not where SELinux confines it."
        " This gives it privileges; an owner root, or `security.selinux.type: spc_t`, does as well and opens less.",
        fix=("{change}",),
        changes={"security.privileged": "true"},
        check=Check.DAEMON_SETS,
        says=cluster_signs.NOT_WRITABLE,
        issues=("rke2-selinux#83", "elemental#529"),
    ),
    Symptom(
        name="daemon-config-not-found",
        shows="`daemon-config.json` is not found, or the ConfigMap that carries it is not.",
        why="Thick's daemon does not start without it, and with the daemon away no pod gets an additional network.",
        fix=("{repair}", "kubectl -n {namespace} delete pod -l app=multus"),
        check=Check.DAEMON_SETS,
        says=r"daemon-config\.json: no such file|configmap \"multus-conf-[0-9a-f]+\" not found"
        r"|references non-existent config key",
        issues=("multus-cni#1362",),
    ),
    Symptom(
        name="other-pods-fail",
        shows="`Multus: error getting k8s client` in the events of other pods.",
        why="Every new pod of the node waits, whether it wants a second network or not: the runtime asks Multus"
        " for all.",
        fix=("{restart}",),
        check=Check.PODS,
        # A network that calls Multus itself asks so for the account of a pod that it is not.
        says=r"error getting k8s client(?!.*in-cluster)",
        issues=("multus-cni#592", "multus-cni#1105"),
    ),
    Symptom(
        name="disabled",
        shows="No Multus pod runs, and none comes back.",
        why="`disable` has stopped Multus: pods that start get the default network only, until it is enabled again.",
        fix=("multus-ops enable {options}",),
        check=Check.DAEMON_SETS,
        seen=cluster_signs.disabled,
        severity=Severity.WARNING,
    ),
    Symptom(
        name="conf-left-behind",
        shows='After an uninstall no pod starts: `failed to find plugin "multus"`, `Unauthorized`, `connection'
        " refused`; or a node that joins stays NotReady over that plugin.",
        why="00-multus.conf sorts first, so the runtime keeps asking a Multus that is gone. Where nobody can log in, a"
        " pod with the node's own network removes it, since that needs no CNI. A machine whose user data puts it there"
        " (docs/joining.md) joins so each time: take it out of there first.",
        fix=("{on} rm -f {file}",),
        # Talos refuses such a pod in any other namespace.
        otherwise=(
            "kubectl -n kube-system debug node/{on_node} --image=busybox:1.36 --profile=sysadmin -- rm -f {host_files}",
        ),
        check=Check.CONF,
        seen=node_signs.conf_left_behind,
        issues=("multus-cni#461", "multus-cni#592", "multus-cni#1429"),
    ),
    Symptom(
        name="pods-without-networks",
        shows="A pod runs, asks for networks, and has only `eth0`.",
        why="It was started while 00-multus.conf was away: at a restart of thick, before Multus was ready after"
        " a reboot,"
        " or on a node that had just joined. Nothing gives a running pod its interface later.",
        fix=("kubectl -n {pod_namespace} delete pod {pod}",),
        check=Check.PODS,
        seen=network_signs.pods_without_networks,
        issues=("multus-cni#1527", "multus-cni#1387", "multus-cni#1468"),
    ),
    Symptom(
        name="conf-missing",
        shows="The Multus pod runs, and there is no 00-multus.conf on its node.",
        why="New pods silently get the default network only. The pod writes the file when it starts, and not again.",
        fix=("{restart}",),
        check=Check.CONF,
        seen=node_signs.conf_missing,
        issues=("multus-cni#1527",),
    ),
    Symptom(
        name="conf-not-json",
        shows="00-multus.conf is empty or cut off.",
        why="The runtime skips it, or knows no network at all; pods miss interfaces or do not start. Thick may write an"
        " empty one while the default network's file is being rewritten.",
        fix=("{restart}",),
        check=Check.CONF,
        seen=node_signs.conf_not_json,
    ),
    Symptom(
        name="two-confs",
        shows="There are a 00-multus.conf and a 00-multus.conflist.",
        why="The first is taken, whoever wrote it: after a change between thin and thick that is the plugin that"
        " is gone, and after the default network's cniVersion has crossed 1.0.0 one of the two holds a copy of the old"
        " network.",
        fix=("{on} rm -f {file}",),
        check=Check.CONF,
        seen=node_signs.two_confs,
    ),
    Symptom(
        name="text-file-busy",
        shows="`cp: ... Text file busy` in an init container of Multus.",
        why="A manifest that copies over the running binary instead of renaming, upstream's before v4.2.3.",
        fix=("{repair}",),
        check=Check.DAEMON_SETS,
        says=r"[Tt]ext file busy",
        issues=("multus-cni#1221", "multus-cni#1213", "kube-ovn#4470"),
    ),
    Symptom(
        name="oom-killed",
        shows="The Multus pod was OOMKilled, and then no pod starts.",
        why="Thick makes the interfaces of all pods of the node in its own container: 50Mi are not enough for"
        " many at once.",
        fix=("{change}",),
        changes={"resources.limits.memory": "{memory}"},
        check=Check.DAEMON_SETS,
        seen=cluster_signs.oom_killed,
        issues=("multus-cni#1346", "multus-cni#1349"),
    ),
    Symptom(
        name="token-refused",
        shows="`Unauthorized` on every new sandbox, an hour or weeks after the install.",
        why="The token in the node's kubeconfig has expired or was revoked; no pod starts on the node, and none can be"
        " removed.",
        fix=("{restart}",),
        check=Check.KUBECONFIG,
        says=r"Unauthorized",
        seen=node_signs.token_refused,
        issues=("multus-cni#852", "multus-cni#1263", "rke2#9313"),
    ),
    Symptom(
        name="authority-changed",
        shows="`x509: certificate signed by unknown authority` with multus.kubeconfig.",
        why="The cluster's certificate authority was replaced, and the node's kubeconfig still has the old one.",
        fix=("{restart}",),
        check=Check.KUBECONFIG,
        says=r"x509: certificate signed by unknown authority",
        seen=node_signs.authority_changed,
    ),
    Symptom(
        name="account-made-anew",
        shows="The token in multus.kubeconfig belongs to a ServiceAccount of the same name that is no more.",
        why="Deleting the account made every token void; the new account has another uid.",
        fix=("{renew}",),
        check=Check.TOKEN,
        seen=cluster_signs.account_made_anew,
    ),
    Symptom(
        name="token-secret-gone",
        shows="The token Secret is not there, or its token is not accepted.",
        why="The durable token is void with its Secret: no pod starts on any node. " + _REPAIRED,
        fix=("{renew}",),
        check=Check.TOKEN,
        seen=cluster_signs.secret_gone,
    ),
    Symptom(
        name="program-gone",
        shows='`failed to find plugin "multus" in path [/var/lib/rancher/k3s/data/.../bin]` after an upgrade of k3s.',
        why="The directory's name changes with every release of k3s before October 2024, and files of others"
        " stay behind."
        " The Multus pod installs the binary when it starts.",
        fix=("{restart}",),
        check=Check.PROGRAM,
        says=r'failed to find plugin "multus(-shim)?"',
        seen=node_signs.program_gone,
        issues=("multus-cni#927", "k3s#10869", "longhorn-tests#1609"),
    ),
    Symptom(
        name="wrong-directories",
        shows="The Multus pod is fine, and pods have no second interface: it works in directories that nobody reads."
        " Or it says `cannot find valid master CNI config`, since it looks where the default network is not.",
        why="Upstream's manifest names /etc/cni/net.d and /opt/cni/bin, and k3s reads others. " + _REPAIRED,
        fix=("{repair}",),
        check=Check.MOUNTS,
        seen=cluster_signs.wrong_directories,
        issues=("multus-cni#564", "multus-cni#1040"),
    ),
    Symptom(
        name="plan-against-runtime",
        shows="The directories of the plan are not those that the node's runtime says.",
        why="Multus would work where nobody looks, and its pods would seem healthy.",
        fix=("{change}",),
        changes={"{key}": "{value}"},
        check=Check.RUNTIME,
        seen=node_signs.plan_against_runtime,
        issues=("multus-cni#564", "k3s#10868"),
    ),
    Symptom(
        name="kubeconfig-path-of-the-pod",
        shows="`/host/etc/cni/net.d/multus.d/multus.kubeconfig: no such file or directory` in the events of pods.",
        why="The runtime runs thin Multus on the host, where the pod's paths do not exist. The Multus pod writes"
        " the file"
        " anew when it starts.",
        fix=("{restart}",),
        check=Check.KUBECONFIG,
        says=r"kubeconfig /host\S*?:? .*no such file or directory",
        seen=node_signs.kubeconfig_path_of_the_pod,
        issues=("bitnami/charts#30606", "multus-cni#564"),
    ),
    Symptom(
        name="default-network-not-found",
        shows="`cannot find network: flannel`, or `failed to get clusterNetwork/defaultNetworks`.",
        why="clusterNetwork has to be a definition in kube-system, a network's name or a file; k3s' network is"
        " called cbr0."
        " No pod starts.",
        fix=("{restart}",),
        check=Check.CONF,
        says=r"cannot find network: |failed to get clusterNetwork",
        seen=node_signs.default_network_not_found,
        issues=("multus-cni#302", "multus-cni#560"),
    ),
    Symptom(
        name="network-in-another-namespace",
        shows="`cannot find a network-attachment-definition (NAME) in namespace (NAMESPACE)`.",
        why="A network without a namespace is looked for in the pod's own, and the pod's default network in"
        " kube-system."
        " In the long form of the annotation the namespace is a key of its own (`namespace`): a slash in `name` is"
        " taken"
        f" for a part of the name. The pod waits until the network is found. {_OF_TEMPLATE}",
        fix=(_ANNOTATE_POD,),
        check=Check.PODS,
        seen=network_signs.network_elsewhere,
        issues=("multus-cni#705", "multus-cni#337", "multus-cni#1527"),
    ),
    Symptom(
        name="multus-under-another-name",
        shows="Processes without end on a node: Multus calls itself.",
        why="Multus skips only files named 00-multus when it looks for the default network, and takes this one the next"
        " time its pod starts.",
        fix=("{on} rm -f {file}",),
        check=Check.CONF,
        seen=node_signs.multus_under_another_name,
        issues=("multus-cni#1130", "multus-cni#1324", "bitnami/charts#27320"),
    ),
    Symptom(
        name="delegates-to-itself",
        shows="00-multus.conf delegates to `multus`.",
        why="Every new pod starts processes without end.",
        fix=("{restart}",),
        check=Check.CONF,
        seen=node_signs.delegates_to_itself,
        issues=("multus-cni#1142",),
    ),
    Symptom(
        name="another-network-first",
        shows="Pods get their `eth0` from another CNI than the cluster's.",
        why="Multus takes the first file in the alphabet for the default network, here one that somebody left.",
        fix=("{on} mv {file} {file}.disabled", "{restart}"),
        check=Check.DEFAULT_NETWORK,
        seen=node_signs.another_network_first,
        issues=("multus-cni#1499", "multus-cni#911"),
    ),
    Symptom(
        name="conf-before-multus",
        shows="A file sorts before 00-multus.conf.",
        why="The runtime takes the first file, and Multus is never asked: pods silently miss their interfaces.",
        fix=("{on} mv {file} {file}.disabled",),
        check=Check.CONF,
        seen=node_signs.conf_before_ours,
    ),
    Symptom(
        name="renamed-by-cilium",
        shows="00-multus.conf has become 00-multus.conf.cilium_bak.",
        why="Cilium renames all other configurations away unless `cni.exclusive` is false. Set that in its Helm"
        " values as"
        " well, or the next upgrade of Cilium forgets it.",
        fix=(
            *_CILIUM_SHARES,
            "{on} rm -f {files}",
            "{restart}",
        ),
        check=Check.CONF,
        seen=node_signs.renamed_by_cilium,
        issues=("multus-cni#972", "multus-cni#1132", "talos#10468"),
    ),
    Symptom(
        name="cilium-exclusive",
        shows="Cilium's ConfigMap says `cni-exclusive: true`.",
        why="Cilium renames all other configurations away, Multus' too: pods then silently lack their networks. Set"
        " `cni.exclusive` to false in its Helm values as well, or the next upgrade of Cilium forgets it.",
        fix=_CILIUM_SHARES,
        check=Check.CONF,
        seen=cluster_signs.cilium_exclusive,
        issues=("talos#10468", "rke2#7464", "rke2#9074"),
    ),
    Symptom(
        name="cilium-chains-multus",
        shows="Cilium's ConfigMap has a `cni-chaining-target`, and `05-cilium.conflist` comes to call `multus`.",
        why="Cilium copies the first file whose network has that name and adds its plugin. Multus' own file sorts first"
        " and has the default network's name: at Cilium's next start Multus' default network would be a list that calls"
        " Multus, without end. Under a name of its own it is left alone.",
        fix=("{change}", "kubectl -n kube-system rollout restart daemonset cilium"),
        changes={"conf.overrideNetworkName": "false"},
        check=Check.CONF,
        seen=cluster_signs.cilium_chains_multus,
    ),
    Symptom(
        name="mesh-takes-the-first-file",
        shows="Istio's CNI is installed without `cniConfFileName`.",
        why="It adds its plugin to the first file of the directory, which is Multus', whose next pod drops it again:"
        " pods that start meanwhile are not in the mesh. In the default network's file it stays, and Multus calls it"
        " from there." + _MESH_FORGETS,
        fix=_MESH_TAKES_ANOTHER_FILE,
        otherwise=(
            "# name the default network's file, such as 10-calico.conflist, by cniConfFileName in its Helm values",
        ),
        check=Check.CONF,
        seen=cluster_signs.mesh_takes_the_first_file,
        severity=Severity.WARNING,
        issues=("istio#57432",),
    ),
    Symptom(
        name="conf-chained",
        shows="Multus' configuration has a further plugin: `istio-cni`, `linkerd-cni`, `kuma-cni` or `consul-cni`.",
        why="A mesh has added it to the first file of the directory. The next Multus pod there drops it, until the mesh"
        " adds it again: pods that start meanwhile are not in the mesh. Where the default network's file has it too, as"
        " after a restart of the node, Istio's is called twice for a pod and fails. In the default network's file alone"
        " it stays, and Multus calls it from there." + _MESH_FORGETS,
        fix=(*_MESH_TAKES_ANOTHER_FILE, "{restart}"),
        otherwise=("# {advice}", "{restart}"),
        check=Check.CONF,
        seen=node_signs.conf_chained,
        severity=Severity.WARNING,
        issues=("istio#57432", "istio#52761"),
    ),
    Symptom(
        name="moving-image",
        shows="Nodes run different versions of Multus, or shim and daemon do not understand each other.",
        why="`snapshot`, `latest` and `stable` are other images every week, and upstream's manifests name them. "
        + _REPAIRED,
        fix=("{repair}",),
        check=Check.IMAGE,
        seen=cluster_signs.moving_image,
        issues=("multus-cni#1065", "multus-cni#1170"),
    ),
    Symptom(
        name="incompatible-versions",
        shows='`incompatible CNI versions; config is "1.0.0", plugin supports [...]`, or `delegate cni version is X'
        " while top"
        " level is Y`.",
        why="A network's cniVersion is one that its plugins on the node do not speak; its pods do not start.",
        fix=(_PATCH_NETWORK,),
        check=Check.NETWORKS,
        seen=network_signs.incompatible_versions,
        issues=("multus-cni#1060", "multus-cni#561"),
    ),
    Symptom(
        name="network-without-version",
        shows="A pod has its interface, and its annotation `network-status` does not name the network.",
        why="Multus v4.3.0 writes no entry for a network whose configuration has no cniVersion, or 0.1.0 or 0.2.0:"
        " whoever reads that annotation takes its pods for broken. Pods that start after the change are named.",
        fix=(_PATCH_NETWORK,),
        check=Check.NETWORKS,
        seen=network_signs.network_without_version,
        severity=Severity.WARNING,
    ),
    Symptom(
        name="default-route-ignored",
        shows="A pod asks for its default route by another network (`default-route`), and keeps that of `eth0`.",
        why="Multus v4.3.0 leaves the route of eth0 where it was, and reports neither an error nor an event. Write the"
        " route into the network (docs/networks.md); the annotation had better not promise it.",
        fix=(_ANNOTATE_POD,),
        check=Check.PODS,
        seen=network_signs.default_route_ignored,
        severity=Severity.WARNING,
    ),
    Symptom(
        name="link-not-found",
        shows='`error adding container to network "NAME": Link not found`, or `failed to lookup master "eth7": Link not'
        " found`.",
        why="The network stands on a link (`master`, `device`) that the node does not have; CNI plugins since 1.10 do"
        " not"
        " say which. Without `master` macvlan and ipvlan stand on the link of the default route. If that is the wrong"
        " one, or for other plugins, name a link of every node.",
        fix=(_PATCH_NETWORK,),
        otherwise=(_EDIT_NETWORK,),
        check=Check.PODS,
        seen=network_signs.link_not_found,
        issues=("microk8s-community-addons#274", "multus-cni#424"),
    ),
    Symptom(
        name="network-mode",
        shows='`unknown macvlan mode: "l2"`, or `unknown ipvlan mode: "bridge"`.',
        why="macvlan and ipvlan have modes of their own, and one's is unknown to the other: no pod of the network"
        " starts."
        " Without `mode` each takes its own default.",
        fix=(_PATCH_NETWORK,),
        check=Check.NETWORKS,
        seen=network_signs.network_mode,
        issues=("ocs-ci#12827",),
    ),
    Symptom(
        name="network-takes-routes",
        shows="Volumes do not attach, probes time out or DNS is gone, in pods with a further network alone.",
        why="The network's own routes take the pod's default route, or the way to other pods and Services: answers"
        " leave by"
        " `net1`, and whoever has asked by `eth0` never gets them. Route what lies behind the network, and no more; a"
        " route with a `priority` of its own is left alone here.",
        fix=(_PATCH_NETWORK,),
        check=Check.NETWORKS,
        seen=network_signs.network_takes_routes,
        severity=Severity.WARNING,
        issues=("longhorn#9049", "multus-cni#539", "multus-cni#847"),
    ),
    Symptom(
        name="network-without-config",
        shows="`No networks found in /etc/cni/multus/net.d`, or `no network available in the name NAME in cni dir`.",
        why="A definition without `config` stands for a file of its name in Multus' directory of networks on every"
        " node, as"
        " meshes write it, and the node has none: its pods do not start. Write the configuration into the definition,"
        " or"
        " let whoever has made it install its file.",
        fix=(_EDIT_NETWORK,),
        check=Check.NETWORKS,
        seen=network_signs.network_without_config,
        issues=("rancher#41608", "multus-cni#1238", "istio#32827"),
    ),
    Symptom(
        name="annotation-not-read",
        shows="`failed to parse pod Network Attachment Selection Annotation JSON format`, or `one or more items did not"
        " match comma-delimited format`.",
        why="Multus takes an annotation with `[`, `{` or a quotation mark for JSON, a list of objects with a name;"
        " the short"
        f" form knows neither capitals nor dots. The pod does not start. {_OF_TEMPLATE}",
        fix=(_ANNOTATE_POD,),
        otherwise=("kubectl -n {pod_namespace} edit pod {pod}",),
        check=Check.PODS,
        seen=network_signs.annotation_not_read,
        issues=("multus-cni#635", "multus-cni#372"),
    ),
    Symptom(
        name="namespace-isolation",
        shows="`namespace isolation enabled, annotation violates permission, pod is in namespace A but refers to target"
        " namespace B`.",
        why="With `conf.namespaceIsolation` pods use networks of their own namespace and of `conf.globalNamespaces`"
        " alone."
        " This opens one namespace to every pod; to keep it closed, make the network in the pod's namespace.",
        fix=("{change}",),
        changes={"conf.namespaceIsolation": "true", "conf.globalNamespaces[1]": "{target}"},
        check=Check.PODS,
        seen=network_signs.namespace_isolation,
    ),
    Symptom(
        name="no-dhcp-daemon",
        shows="`error dialing DHCP daemon: dial unix /run/cni/dhcp.sock`.",
        why="The plugin `dhcp` asks a daemon on its node, and none runs there. A DaemonSet of this project does,"
        " from an image with a shell. What Helm or somebody else has installed brings none: then the command starts"
        " one until the next boot, and docs/networks.md has the unit that stays.",
        fix=("{change}",),
        changes={"dhcpDaemon.image": "{image}"},
        check=Check.PODS,
        seen=network_signs.no_dhcp_daemon,
        issues=("multus-cni#1031", "rke2#3917"),
    ),
    Symptom(
        name="whereabouts-is-full",
        shows="`Could not allocate IP in range`.",
        why="Every address of whereabouts' range is taken: by pods, also such as are still Terminating, or by those"
        " that are"
        " no more. This shows who has which; take a reservation of a pod that is no more out of its IPPool, or give"
        " the network a larger `range`.",
        fix=(
            "kubectl get ippools.whereabouts.cni.cncf.io,overlappingrangeipreservations.whereabouts.cni.cncf.io -A -o"
            " yaml",
        ),
        check=Check.ADDRESSES,
        says=r"Could not allocate IP in range",
        issues=("multus-cni#1442",),
    ),
    Symptom(
        name="sandbox-name-reserved",
        shows="`failed to reserve sandbox name`, again and again, on a node that was disturbed.",
        why="Multus v4.3.0 has no cache of a sandbox whose ADD failed, asks the API what the pod wants and calls the"
        " plugins'"
        " DEL, which refuse what they have never made: the runtime keeps the name. Of a pod that the API no longer has"
        " it asks nothing, and lets go.",
        fix=("kubectl -n {pod_namespace} delete pod {pod} --force --grace-period=0",),
        check=Check.PODS,
        says=r"failed to reserve sandbox name",
        issues=("multus-cni#1446", "multus-cni#1454", "containerd#11504"),
        untried="it takes a default network whose DEL fails",
    ),
    Symptom(
        name="no-rights-for-devices",
        shows="`failed to get resourceMap from DRA client`.",
        why="From v4.3.1 on Multus asks the API for the devices of a pod that has a ResourceClaim, where its network"
        " has a"
        " `resourceName`. The account of this project has no such rights, since v4.3.0 needs none.",
        fix=(
            "kubectl create clusterrole multus-devices --verb=get,list"
            " --resource=resourceclaims.resource.k8s.io,resourceslices.resource.k8s.io",
            "kubectl create clusterrolebinding multus-devices --clusterrole=multus-devices"
            " --serviceaccount={namespace}:multus",
        ),
        check=Check.RBAC,
        says=r"failed to get resourceMap from DRA client",
        issues=("multus-cni#1492",),
        untried="v4.3.0 does not ask",
    ),
    Symptom(
        name="node-not-ready",
        shows="A node is NotReady: `Network plugin returns error: Multus: ...`, or `... cni plugin not initialized`.",
        why="No pod is scheduled to it. Where the default network says cniVersion 1.1.0, containerd asks Multus' own"
        " STATUS every few seconds: a kubeconfig that is gone, or a plugin, takes the whole node away. `cni plugin not"
        " initialized` says that the runtime has loaded no configuration at all, over one file that is not valid.",
        fix=("{restart}",),
        check=Check.CLUSTER,
        seen=cluster_signs.node_not_ready,
    ),
    Symptom(
        name="server-is-no-url",
        shows='`host must be a URL or a host:port pair: "https://[10.43.0.1]:443"`, or `invalid URL port`.',
        why="Multus up to v4.2.2 put every host in brackets, and Go since 1.24.8 refuses that for all but IPv6; a"
        " kubeconfig written by hand lacks them. Pods neither start nor go.",
        fix=("{restart}",),
        check=Check.KUBECONFIG,
        says=r"host must be a URL or a host:port pair|invalid URL port",
        seen=node_signs.server_is_no_url,
        issues=("multus-cni#1452", "openshift/multus-cni#287", "multus-cni#299"),
    ),
    Symptom(
        name="wrong-machine",
        shows="`exec format error`.",
        why="The binary is of another architecture than the node, or cut off: no pod starts. The Multus pod installs it"
        " anew when it starts; thick's images before v4.1.0 are for amd64 alone.",
        fix=("{restart}",),
        check=Check.PROGRAM,
        says=r"exec format error",
        seen=node_signs.wrong_machine,
        issues=("multus-cni#974", "multus-cni#1251"),
    ),
    Symptom(
        name="plugin-missing",
        shows='`failed to find plugin "macvlan" in path [...]`.',
        why="Multus brings no other plugins, and k3s ships neither macvlan nor ipvlan: pods of the network do"
        " not start.",
        fix=("{change}", "{restart}"),
        changes={"referencePlugins.image": "{image}", "referencePlugins.names[{index}]": "{plugin}"},
        check=Check.NETWORKS,
        seen=network_signs.plugin_missing,
        issues=("multus-cni#1038", "k3s#9224"),
    ),
    Symptom(
        name="crd-gone",
        shows="The CRD of networks is not there.",
        why="All networks went with it, and every pod that asks for one fails. The CRD comes back; the networks"
        " have to be"
        " applied again.",
        fix=("{repair}",),
        check=Check.CRD,
        seen=cluster_signs.crd_gone,
        issues=("rke2#10140",),
    ),
    Symptom(
        name="crd-goes-with-a-release",
        shows="An upgrade or removal of a Helm release deletes all networks.",
        why="A chart has the CRD as one of its objects.",
        fix=(f"kubectl annotate crd {CRD} helm.sh/resource-policy=keep",),
        check=Check.CRD,
        seen=cluster_signs.crd_goes_with_a_release,
        severity=Severity.WARNING,
        issues=("rke2#10140", "harvester#10359"),
    ),
    Symptom(
        name="not-a-shared-mount",
        shows='`path "/opt/cni/bin" is mounted on "/" but it is not a shared mount`.',
        why="Thick's pod takes part in the host's mounts, which `/` has to allow; WSL, LXD and some nested"
        " machines do not.",
        fix=("{on} mount --make-rshared /", "{restart}"),
        check=Check.MOUNTS,
        seen=node_signs.not_shared,
        issues=("multus-cni#1248", "k3s#9781", "microk8s#4467"),
    ),
    Symptom(
        name="kubeconfig-open",
        shows="A security scan finds multus.kubeconfig readable for others.",
        why="Whoever reads the token may do what Multus may.",
        fix=("{on} chown 0:0 {file}", "{on} chmod 600 {file}"),
        check=Check.KUBECONFIG,
        seen=node_signs.kubeconfig_open,
        issues=("multus-cni#1301", "multus-cni#1172"),
    ),
    Symptom(
        name="may-too-much",
        shows="The account of Multus may do more than Multus does.",
        why="A token of it lies on every node: whoever has one node would have what this binding gives.",
        fix=("kubectl delete {binding}",),
        check=Check.RBAC,
        seen=cluster_signs.may_too_much,
        issues=("multus-cni#181",),
    ),
    Symptom(
        name="may-too-little",
        shows="`forbidden` in the events of pods.",
        why="Multus cannot read what it has to: pods do not start. " + _REPAIRED,
        fix=("{repair}",),
        check=Check.RBAC,
        seen=cluster_signs.cannot_do,
        issues=("multus-cni#592",),
    ),
    Symptom(
        name="no-priority",
        shows="The Multus pod is evicted, or does not find room on a full node.",
        why="It has no priority class; a node without Multus starts pods without their networks. " + _REPAIRED,
        fix=("{repair}",),
        check=Check.DAEMON_SETS,
        seen=cluster_signs.no_priority,
        severity=Severity.WARNING,
        issues=("multus-cni#1312",),
    ),
    Symptom(
        name="daemon-ends-at-once",
        shows="Thick's daemon ends with 0 right after its start.",
        why="With a multusConfigFile that is a path nothing keeps the daemon running; it has to be `auto`.",
        fix=(
            "kubectl -n {namespace} delete configmap {config_map}",
            "{repair}",
            "kubectl -n {namespace} delete pod -l app=multus",
        ),
        check=Check.CONFIG_MAP,
        seen=cluster_signs.own_conf_ends_the_daemon,
        issues=("multus-cni#1366", "multus-cni#1508"),
    ),
    Symptom(
        name="daemon-silent",
        shows="`dial unix /run/multus/multus.sock: connect: connection refused`, or `no such file or directory`.",
        why="The runtime's shim does not find the daemon: no pod starts on the node.",
        fix=("{restart}",),
        check=Check.CONF,
        says=r"dial unix \S*multus\.sock|Daemon not reachable",
        seen=node_signs.daemon_silent,
        issues=("multus-cni#1165",),
    ),
    Symptom(
        name="entrypoint-of-v3",
        shows="`/entrypoint.sh: no such file or directory` in the Multus pod.",
        why="v4's image has no shell: a manifest of v3 with a newer image. " + _REPAIRED,
        fix=("{repair}",),
        check=Check.DAEMON_SETS,
        says=r"/entrypoint\.sh\S*: no such file or directory",
        issues=("multus-cni#1103", "multus-cni#1218"),
    ),
    Symptom(
        name="revision-of-microk8s",
        shows="After a refresh of MicroK8s Multus works in the directories of the revision before.",
        why="A path with the revision's number stays behind; `current` goes along. " + _REPAIRED,
        fix=("{repair}",),
        check=Check.MOUNTS,
        seen=cluster_signs.microk8s_revision,
        issues=("microk8s#1495",),
    ),
    Symptom(
        name="addresses-leaked",
        shows="`no IP addresses available in range set`, with few pods on the node.",
        why="Reservations of pods that are no more use the range up: their removal never reached the plugin.",
        fix=("{on} rm -f {files}",),
        check=Check.ADDRESSES,
        seen=node_signs.leaked,
        severity=Severity.WARNING,
    ),
    Symptom(
        name="stale-files",
        shows="Files such as 00-multus.conf.new lie beside Multus'.",
        why="The next pod writes into 00-multus.conf.new without emptying it, and its configuration is broken JSON.",
        fix=("{on} rm -f {files}",),
        check=Check.CONF,
        seen=node_signs.stale,
        severity=Severity.WARNING,
    ),
    Symptom(
        name="default-network-changed",
        shows="New pods get the MTU, the version or the plugins that the default network had before its CNI was"
        " upgraded.",
        why="Thin's configuration holds a copy of the default network's file as it was when the node's pod started.",
        fix=("{restart}",),
        check=Check.CONF,
        seen=node_signs.default_network_changed,
        severity=Severity.WARNING,
        issues=("multus-cni#1110",),
    ),
    Symptom(
        name="conf-rewritten",
        shows="Multus' configuration is another one than a step has verified on the node.",
        why="An administrator or another program has changed it; the next Multus pod writes its own again.",
        fix=("{restart}",),
        check=Check.CONF,
        seen=node_signs.conf_rewritten,
        severity=Severity.WARNING,
    ),
    Symptom(
        name="cache-emptied",
        shows="`unexpected end of JSON input` when a pod is removed after a power cut; it stays Terminating.",
        why="A plugin keeps in this file what it needs for the removal. With an emptied or cut one flannel refuses"
        " that, and Multus v4.3.0 gives nothing back; without the file flannel lets go, and Multus asks the API what"
        " the pod has. So remove it while the pod is there. Of one that is gone the addresses may stay: see"
        " `addresses-leaked`.",
        fix=("{on} rm -f {file}",),
        check=Check.ADDRESSES,
        seen=node_signs.cache_emptied,
        severity=Severity.WARNING,
        issues=("multus-cni#1448", "multus-cni#948"),
    ),
)
