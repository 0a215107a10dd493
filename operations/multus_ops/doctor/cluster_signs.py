"""How troubles show in the cluster: each function finds the one of its name in symptoms.py, and says where. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from multus import image as images
from multus.args import Credentials, Distro
from multus.defaults import DEFAULT_RESOURCES
from multus.distros import PROFILES
from multus.metadata import Object
from multus.multus_conf import DAEMON_CONF_FILE
from multus.objects import CRD, KEEPER_ACCESS, MARKER
from multus.pods import ACCOUNT

from ..daemon_sets import STAYS
from .case import Case
from .default_cni import default_cni_sets
from .distribution import distro_of, has_flannel
from .findings import Occurrence
from .live_install import has_default_networks_name, is_thick_set
from .meshes import ISTIO_CONFIG_MAP, MESHES
from .messages import from_line_of, readable
from .networks import as_object
from .node_report import Facts
from .node_signs import chaining, kubeconfigs, not_ready_over_networks
from .snapshot import Kind, container_statuses, host_paths, is_well, name_of

# Thin's words and thick's: multus-cni v4.3.0, cmd/thin_entrypoint/main.go and pkg/server/config/manager.go.
_NO_DEFAULT_NETWORK = (
    r"cannot find (valid )?master CNI config|failed to find the (primary CNI plugin|cluster master CNI plugin)"
    r"|failed to read the cluster primary CNI config"
)

NOT_WRITABLE = r"/host/\S+: permission denied"
"""What a pod says whose root may not write where the node keeps CNI's files."""


def matching_messages(case: Case, pattern: str, *, about_multus: bool) -> Iterator[Occurrence]:
    """Pods that say something, and how it matches."""
    messages = _multus_messages(case) if about_multus else case.failures_of_multus()
    for pod, message in messages:
        match = re.search(pattern, message)
        if match is None:
            continue
        about = pod["metadata"]
        values = {"pod": about["name"], "pod_namespace": about["namespace"], **match.groupdict("")}
        yield Occurrence(f"pod {name_of(pod)}", from_line_of(message, match), pod["spec"].get("nodeName", ""), values)


def _multus_messages(case: Case) -> Iterator[tuple[Object, str]]:
    for pod in case.snapshot.multus_pods:
        for message in case.snapshot.troubles_of(pod):
            yield pod, message


def _multus_containers(case: Case) -> Iterator[tuple[Object, Object]]:
    for pod in case.snapshot.multus_pods:
        for status in container_statuses(pod):
            yield pod, status


def node_not_ready(case: Case) -> Iterator[Occurrence]:
    """What the kubelet says of a node whose runtime calls its network not ready."""
    for name, said in not_ready_over_networks(case) if case.is_installed else ():
        yield Occurrence(f"node {name}", f"is not Ready: {readable(said)}", name)


def _why_it_starts_again(pod: Object, status: Object) -> tuple[str, str] | None:
    """The reason and the message of a container that ends again and again.

    Kubernetes 1.37 says CrashLoopBackOff only shortly before the next try, and until then how the last one ended.
    """
    state = status.get("state", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    if waiting.get("reason") in ("CrashLoopBackOff", "RunContainerError"):
        return waiting["reason"], waiting.get("message", "") if waiting["reason"] == "RunContainerError" else ""
    is_to_stay = status["name"] in {container["name"] for container in pod["spec"].get("containers", ())}
    if ended and status.get("restartCount") and (is_to_stay or ended.get("exitCode")):
        return ended.get("reason", "Error"), ended.get("message", "")
    return None


def crash_loop(case: Case) -> Iterator[Occurrence]:
    for pod, status in _multus_containers(case):
        again = _why_it_starts_again(pod, status)
        if again:
            log = case.snapshot.logs.get(pod["metadata"]["name"], "").strip().splitlines()
            if any(re.search(f"{_NO_DEFAULT_NETWORK}|{NOT_WRITABLE}", line) for line in log):
                continue
            reason, message = again
            said = "".join(log[-1:]) or message
            what = f"container {status['name']} is in {reason}{f': {readable(said)}' if said else ''}"
            yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""))


def refused_by_pod_security(case: Case) -> Iterator[Occurrence]:
    yield from _refused(case, r"violates PodSecurity")


def refused_by_priority_quota(case: Case) -> Iterator[Occurrence]:
    yield from _refused(case, r"insufficient quota to match these scopes")


def _refused(case: Case, pattern: str) -> Iterator[Occurrence]:
    for daemon_set, message in case.snapshot.creation_failures():
        if re.search(pattern, message):
            values = {"set_namespace": daemon_set["metadata"]["namespace"]}
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", readable(message), "", values)


def default_network_late(case: Case) -> Iterator[Occurrence]:
    """A pod of Multus that has found no network of anybody else, and whose node may have one by now."""
    for daemon_set, pod, shown in _without_default_network(case):
        if _misses_conf_dir(case, daemon_set):
            continue
        sets = [each["metadata"] for each in default_cni_sets(case.snapshot)]
        values = {"cni": sets[0]["name"], "cni_namespace": sets[0]["namespace"]} if sets else {}
        yield Occurrence(f"pod {name_of(pod)}", shown, pod["spec"].get("nodeName", ""), values)


def _without_default_network(case: Case) -> Iterator[tuple[Object, Object, str]]:
    """Pods of Multus that say so, each with its DaemonSet and its words."""
    for daemon_set in case.snapshot.multus_sets:
        for pod in case.snapshot.pods_of(daemon_set):
            for message in case.snapshot.troubles_of(pod):
                match = re.search(_NO_DEFAULT_NETWORK, message)
                if match:
                    yield daemon_set, pod, from_line_of(message, match)


def _misses_conf_dir(case: Case, daemon_set: Object) -> str:
    """The directory of the default network that its pods do not mount, as the plan or the distribution has it."""
    distro = distro_of(case.snapshot)
    if case.plan:
        expected = case.plan.cni_conf_dir
    elif distro is None or (distro is Distro.K3S and not has_flannel(case.snapshot)):
        # Whoever has brought another one has chosen where it lies.
        return ""
    else:
        expected = PROFILES[distro].cni_conf_dir
    return "" if expected in host_paths(daemon_set).values() else expected


def cilium_exclusive(case: Case) -> Iterator[Occurrence]:
    """What Cilium's own configuration says. Where the key is absent, Cilium takes it for false (daemon/cmd/cni)."""
    for config_map in case.snapshot.config_maps:
        about, data = config_map["metadata"], config_map.get("data") or {}
        if about["name"] == "cilium-config" and str(data.get("cni-exclusive", "")).lower() == "true":
            what = "says cni-exclusive: true, so that Cilium renames Multus' configuration away"
            yield Occurrence(f"ConfigMap {name_of(config_map)}", what)


def cilium_chains_multus(case: Case) -> Iterator[Occurrence]:
    """Whether Cilium would take Multus' file for the network that it chains itself to.

    Source: cilium/cilium 01990e1, daemon/cmd/cni/config.go, findCNINetwork; `*` is the first file.
    """
    for config_map in case.snapshot.config_maps if case.is_expected else ():
        about, data = config_map["metadata"], config_map.get("data") or {}
        target = str(data.get("cni-chaining-target", ""))
        if about["name"] != "cilium-config" or not target:
            continue
        if target == "*":
            what = "chains Cilium to the first file, which is Multus'"
            change = "# name the default network by cni.chainingTarget in the Helm values of Cilium, and look again"
            yield Occurrence(f"ConfigMap {name_of(config_map)}", what, "", {"change": change})
        elif _may_be_called(case, target):
            what = f"chains Cilium to the network {target}, which is the name of Multus' own file too"
            yield Occurrence(f"ConfigMap {name_of(config_map)}", what)


def _may_be_called(case: Case, network: str) -> bool:
    """Whether Multus' file has this name: as the nodes say, and else as the plan or the install would have it."""
    names = {conf.network for _, facts in case.facts for conf in facts.ours}
    if names:
        return network in names
    if case.plan is None:
        return has_default_networks_name(case.snapshot)
    return case.plan.whole_conf is None and case.plan.conf.override_network_name


def mesh_takes_the_first_file(case: Case) -> Iterator[Occurrence]:
    """What the configuration of Istio's installer says; other meshes are seen where they have added themselves."""
    config_maps = {name_of(each): each.get("data") or {} for each in case.snapshot.config_maps}
    files = [case.network_file or "", *(facts.default_conf.rpartition("/")[2] for _, facts in case.facts)]
    for daemon_set in case.snapshot.daemon_sets if case.is_expected else ():
        about, pods = daemon_set["metadata"], daemon_set["spec"]["template"]["spec"]
        config = config_maps.get(f"{about['namespace']}/{ISTIO_CONFIG_MAP}")
        if about["name"] != MESHES["istio-cni"].daemon_set or config is None:
            continue
        variables = [each for one in pods.get("containers", ()) for each in one.get("env", ())]
        unknown = {each["name"] for each in variables if "valueFrom" in each}
        if unknown & {"CHAINED_CNI_PLUGIN", "CNI_CONF_NAME"}:
            continue
        said = {**config, **{each["name"]: each.get("value", "") for each in variables}}
        if str(said.get("CHAINED_CNI_PLUGIN", "true")) == "true" and not said.get("CNI_CONF_NAME"):
            what = "adds itself to the first file of the directory, which is Multus'"
            values = chaining(case, next(filter(None, files), ""), "istio-cni")
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", what, "", values)


def shim_and_daemon_differ(case: Case) -> Iterator[Occurrence]:
    """Thick's shim is copied by an init container, and the daemon is the main one's."""
    for daemon_set in case.snapshot.multus_sets:
        spec = daemon_set["spec"]["template"]["spec"]
        images = {each["image"] for each in (*spec.get("initContainers", ()), *spec["containers"])}
        of_multus = sorted(each for each in images if "multus" in each.rpartition("/")[2])
        if is_thick_set(daemon_set) and len(of_multus) > 1:
            what = f"takes its shim and its daemon from two images: {', '.join(of_multus)}"
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", what)


def disabled(case: Case) -> Iterator[Occurrence]:
    for daemon_set in case.snapshot.multus_sets:
        if STAYS in daemon_set["spec"]["template"]["spec"].get("nodeSelector", {}):
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", "was stopped by `disable`")


def oom_killed(case: Case) -> Iterator[Occurrence]:
    memory = DEFAULT_RESOURCES["thick" if case.is_thick else "thin"]["limits"]["memory"]  # type: ignore[index]
    for pod, status in _multus_containers(case):
        states = (status.get("state", {}), status.get("lastState", {}))
        killed = any(state.get("terminated", {}).get("reason") == "OOMKilled" for state in states)
        if killed and not is_well(pod):
            limit = _memory_limit(pod, status["name"])
            larger = memory if _mebibytes(limit) < _mebibytes(memory) else f"{2 * _mebibytes(limit)}Mi"
            what = f"container {status['name']} was OOMKilled at its limit of {limit or 'the node'}"
            yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""), {"memory": larger})


def _memory_limit(pod: Object, container: str) -> str:
    spec = pod["spec"]
    found = [each for each in (*spec.get("initContainers", ()), *spec["containers"]) if each["name"] == container]
    return str(found[0].get("resources", {}).get("limits", {}).get("memory", "")) if found else ""


def _mebibytes(amount: str) -> int:
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi)?", amount)
    factor = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, None: 1 / 1024**2}
    return int(int(match[1]) * factor[match[2]]) if match else 0


def wrong_directories(case: Case) -> Iterator[Occurrence]:
    """A DaemonSet that mounts other directories than the runtime of its nodes reads."""
    for daemon_set in case.snapshot.multus_sets:
        mounted = set(host_paths(daemon_set).values())
        for node, facts in case.facts:
            missing = [
                directory
                for directory, there in (
                    (facts.cni_conf_dir, facts.cni_conf_dir in mounted),
                    (facts.cni_bin_dirs, bool(mounted & {*facts.cni_bin_dirs.split(), *_links_of(facts)})),
                )
                if directory and not there
            ]
            if missing:
                where = f"DaemonSet {name_of(daemon_set)}"
                what = f"mounts {', '.join(sorted(mounted))}, and the runtime of {node} reads {' and '.join(missing)}"
                yield Occurrence(where, what)
                break
    for daemon_set, _, shown in _without_default_network(case):
        missed = _misses_conf_dir(case, daemon_set)
        if missed:
            what = f"does not mount {missed}, where the default network of this distribution is: {shown}"
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", what)


def _links_of(facts: Facts) -> list[str]:
    """Before October 2024 k3s' runtime names a directory that changes with every release; profiles take its link."""
    return [re.sub(r"/data/[0-9a-f]{64}/bin", "/data/current/bin", each) for each in facts.cni_bin_dirs.split()]


def microk8s_revision(case: Case) -> Iterator[Occurrence]:
    for daemon_set in case.snapshot.multus_sets:
        for path in host_paths(daemon_set).values():
            if re.match(r"/var/snap/microk8s/\d+/", path):
                yield Occurrence(f"DaemonSet {name_of(daemon_set)}", f"mounts {path}, which the next refresh leaves")


def moving_image(case: Case) -> Iterator[Occurrence]:
    for daemon_set in case.snapshot.multus_sets:
        spec = daemon_set["spec"]["template"]["spec"]
        containers = [*spec.get("initContainers", ()), *spec["containers"]]
        moving = sorted({each["image"] for each in containers if images.moves(each["image"])})
        if moving:
            what = f"runs {', '.join(moving)}, which is another version tomorrow"
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", what)


def no_priority(case: Case) -> Iterator[Occurrence]:
    for daemon_set in case.snapshot.multus_sets:
        spec = daemon_set["spec"]["template"]["spec"]
        if not spec.get("priorityClassName"):
            yield Occurrence(f"DaemonSet {name_of(daemon_set)}", "has no priority class, so its pods are evicted first")


def own_conf_ends_the_daemon(case: Case) -> Iterator[Occurrence]:
    for config_map in case.snapshot.config_maps:
        conf = as_object((config_map.get("data") or {}).get(DAEMON_CONF_FILE, ""))
        if conf and conf.get("multusConfigFile", "auto") != "auto":
            what = f"its multusConfigFile is {conf['multusConfigFile']}"
            values = {"config_map": config_map["metadata"]["name"]}
            yield Occurrence(f"ConfigMap {name_of(config_map)}", what, "", values)


def crd_gone(case: Case) -> Iterator[Occurrence]:
    if case.is_installed and case.snapshot.crd is None and Kind.CRD not in case.snapshot.unseen:
        yield Occurrence(f"CRD {CRD}", "is not there, and with it every network is gone")


def crd_goes_with_a_release(case: Case) -> Iterator[Occurrence]:
    about = (case.snapshot.crd or {}).get("metadata", {})
    annotations = about.get("annotations", {})
    release = annotations.get("meta.helm.sh/release-name")
    if release and annotations.get("helm.sh/resource-policy") != "keep":
        yield Occurrence(f"CRD {CRD}", f"goes with the Helm release {release}, and every network with it")


def cannot_do(case: Case) -> Iterator[Occurrence]:
    if not case.is_ours:
        return
    lost = [str(each) for each in case.snapshot.access if each.needed and not each.allowed]
    if lost:
        yield Occurrence(f"ServiceAccount {case.namespace}/{ACCOUNT}", f"may not {', '.join(lost)}")
    for node, about in kubeconfigs(case):
        if about.proof == "403":
            yield Occurrence(f"{node}: {about.path}", "the account may not read what Multus reads", node)


def may_too_much(case: Case) -> Iterator[Occurrence]:
    if not case.is_ours:
        return
    given = [str(each) for each in case.snapshot.access if each.allowed and not each.needed]
    if not given:
        return
    ours = {ACCOUNT, MARKER, KEEPER_ACCESS}
    for binding in case.snapshot.bindings:
        subjects = binding.get("subjects") or ()
        to_account = any(
            each.get("kind") == "ServiceAccount"
            and (each.get("namespace"), each.get("name")) == (case.namespace, ACCOUNT)
            for each in subjects
        )
        if to_account and binding["metadata"]["name"] not in ours:
            kind = "rolebinding" if binding["metadata"].get("namespace") else "clusterrolebinding"
            within = f" -n {binding['metadata']['namespace']}" if kind == "rolebinding" else ""
            what = f"lets the account of Multus {', '.join(given[:4])}"
            values = {"binding": f"{kind}{within} {binding['metadata']['name']}"}
            yield Occurrence(f"{kind} {name_of(binding)}", what, "", values)


def secret_gone(case: Case) -> Iterator[Occurrence]:
    plan = case.plan
    if not case.is_ours or plan is None or plan.credentials is not Credentials.DURABLE:
        return
    if Kind.SECRETS in case.snapshot.unseen:
        return
    mine = [token for token in case.snapshot.tokens if token.secret == plan.token_secret]
    if not mine:
        yield Occurrence(f"Secret {case.namespace}/{plan.token_secret}", "is not there, so its token is void")
    elif mine[0].accepted is False and mine[0].claims:
        yield Occurrence(f"Secret {case.namespace}/{plan.token_secret}", "the API server does not accept its token")


def account_made_anew(case: Case) -> Iterator[Occurrence]:
    uid = (case.snapshot.account or {}).get("metadata", {}).get("uid")
    if not uid or not case.is_ours:
        return
    for node, about in kubeconfigs(case):
        of = about.token_claims.get("kubernetes.io/serviceaccount/service-account.uid")
        if of and of != uid:
            what = f"its token is of an account with the uid {of}; the one that is there is another"
            yield Occurrence(f"{node}: {about.path}", what, node)
