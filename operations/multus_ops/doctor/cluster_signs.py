"""How troubles show in the cluster: each function finds the one of its name in symptoms.py, and says where. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from multus import image as images
from multus.args import Credentials
from multus.defaults import DEFAULT_RESOURCES
from multus.metadata import Object
from multus.multus_conf import DAEMON_CONF_FILE
from multus.objects import CRD, MARKER
from multus.pods import ACCOUNT

from ..daemon_sets import STAYS
from .case import Case
from .findings import Occurrence
from .networks import (
    annotation_values,
    as_object,
    changed_at,
    conf_of,
    lacks_version,
    networks_of,
    patch_values,
    plugin_confs,
    plugins_of,
    without,
)
from .node_report import Facts
from .node_signs import kubeconfigs
from .snapshot import (
    NETWORK_STATUS,
    NETWORKS,
    Kind,
    container_statuses,
    has_sandbox,
    host_paths,
    is_going,
    is_well,
    name_of,
)

CNI_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
_SHOWN = 200


def matching_messages(case: Case, pattern: str, *, about_multus: bool) -> Iterator[Occurrence]:
    messages = _multus_messages(case) if about_multus else case.snapshot.sandbox_failures()
    for pod, message in messages:
        match = re.search(pattern, message)
        if match is None:
            continue
        shown = " ".join(message[max(0, match.start() - 40) :].split())
        about = pod["metadata"]
        values = {"pod": about["name"], "pod_namespace": about["namespace"], **match.groupdict("")}
        yield Occurrence(f"pod {name_of(pod)}", shown[:_SHOWN], pod["spec"].get("nodeName", ""), values)


def _multus_messages(case: Case) -> Iterator[tuple[Object, str]]:
    for pod in case.snapshot.multus_pods:
        for message in case.snapshot.troubles_of(pod):
            yield pod, message


def pods_without_networks(case: Case) -> Iterator[Occurrence]:
    if not case.is_installed:
        return
    for pod in case.snapshot.pods:
        wanted = [each for each in networks_of(pod) if _is_reported(case, pod, each)]
        if not wanted or is_going(pod) or not has_sandbox(pod) or pod["spec"].get("hostNetwork"):
            continue
        got = _interfaces_of(pod)
        if got < len(wanted):
            about, names = pod["metadata"], ", ".join(str(each.get("name")) for each in wanted)
            what = f"runs with {got} of the {len(wanted)} networks that it asks for: {names}"
            values = {"pod": about["name"], "pod_namespace": about["namespace"]}
            yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""), values)


def _is_reported(case: Case, pod: Object, asked: Object) -> bool:
    """Whether the pod's annotation `network-status` would have an entry for a network that it has got.

    What a definition said before it was changed is not known.
    """
    definition = _definition_of(case, pod, asked)
    if definition is None:
        return Kind.NETWORKS not in case.snapshot.unseen
    changed = changed_at(definition)
    return not lacks_version(definition) and changed <= str(pod["metadata"].get("creationTimestamp", changed))


def _interfaces_of(pod: Object) -> int:
    text = pod["metadata"].get("annotations", {}).get(NETWORK_STATUS, "[]")
    try:
        status = json.loads(text)
    except ValueError:
        return 0
    return sum(1 for each in status if isinstance(each, dict) and not each.get("default"))


def _multus_containers(case: Case) -> Iterator[tuple[Object, Object]]:
    for pod in case.snapshot.multus_pods:
        for status in container_statuses(pod):
            yield pod, status


def default_route_ignored(case: Case) -> Iterator[Occurrence]:
    for pod in case.snapshot.pods:
        asked = networks_of(pod)
        names = [str(each.get("name")) for each in asked if each.get("default-route")]
        if not names or not case.is_installed or is_going(pod) or pod.get("status", {}).get("phase") == "Succeeded":
            continue
        values = annotation_values(pod, json.dumps([without(each, "default-route") for each in asked]))
        what = f"asks for its default route by {', '.join(names)}, and keeps that of eth0"
        yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""), values)


def link_not_found(case: Case) -> Iterator[Occurrence]:
    """CNI plugins since 1.10 name the network alone, by the name in its configuration, and not the link."""
    for pod, message in case.snapshot.sandbox_failures():
        match = re.search(r'to network "(?P<name>[^"]*)": .*Link not found', message)
        for asked in networks_of(pod) if match else ():
            definition = _definition_of(case, pod, asked)
            conf = conf_of(definition) if definition else {}
            masters = [each["master"] for each in plugin_confs(conf) if each.get("master")]
            if definition and match and masters and match["name"] in (conf.get("name"), definition["metadata"]["name"]):
                mended = without(conf, "master")
                if "plugins" in conf:
                    mended["plugins"] = [without(each, "master") for each in plugin_confs(conf)]
                what = f"network {name_of(definition)} stands on the link {masters[0]}, which this node does not have"
                values = patch_values(definition, mended)
                yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""), values)


def _definition_of(case: Case, pod: Object, asked: Object) -> Object | None:
    name = str(asked.get("name")).partition("@")[0]
    if "/" not in name:
        name = f"{asked.get('namespace') or pod['metadata']['namespace']}/{name}"
    return next((each for each in case.snapshot.networks if name_of(each) == name), None)


def node_not_ready(case: Case) -> Iterator[Occurrence]:
    """What the kubelet says of a node whose runtime calls its network not ready."""
    for node in case.snapshot.nodes if case.is_installed else ():
        name = node["metadata"]["name"]
        for each in node.get("status", {}).get("conditions", ()):
            said = re.search(r"Network plugin returns error: .*", str(each.get("message", "")))
            if each["type"] == "Ready" and each["status"] != "True" and said:
                yield Occurrence(f"node {name}", f"is not Ready: {said[0][:_SHOWN]}", name)


def crash_loop(case: Case) -> Iterator[Occurrence]:
    for pod, status in _multus_containers(case):
        if status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff":
            log = case.snapshot.logs.get(pod["metadata"]["name"], "").strip().splitlines()
            what = f"container {status['name']} is in CrashLoopBackOff{f': {log[-1][:_SHOWN]}' if log else ''}"
            yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""))


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


def incompatible_versions(case: Case) -> Iterator[Occurrence]:
    for network in case.snapshot.networks:
        version = conf_of(network).get("cniVersion")
        if version and version not in CNI_VERSIONS:
            what = f"asks for CNI version {version}, which no plugin speaks"
            yield _with_another_version(network, what)


def network_without_version(case: Case) -> Iterator[Occurrence]:
    for network in case.snapshot.networks:
        if lacks_version(network):
            version = conf_of(network).get("cniVersion")
            what = f"asks for CNI version {version}" if version else "has no cniVersion"
            yield _with_another_version(network, f"{what}, so that no pod's network-status names it")


def _with_another_version(network: Object, what: str) -> Occurrence:
    mended = {**conf_of(network), "cniVersion": "1.0.0"}
    return Occurrence(f"network {name_of(network)}", what, "", patch_values(network, mended))


def plugin_missing(case: Case) -> Iterator[Occurrence]:
    """With the reference plugins of the stack, which bring it; another one is for whoever made the network."""
    planned = case.plan.reference_plugins if case.plan else None
    there = len(planned.names) if planned else 0
    for node, facts in case.facts:
        if not facts.plugins:
            continue
        for network in case.snapshot.networks:
            for plugin in plugins_of(network):
                if plugin in facts.plugins or (planned and plugin in planned.names and not case.is_installed):
                    continue
                index = planned.names.index(plugin) if planned and plugin in planned.names else there
                image = planned.image if planned else "IMAGE_WITH_THE_PLUGINS"
                values = {"plugin": plugin, "index": str(index), "image": image}
                what = f"failed to find plugin {plugin!r}, which network {name_of(network)} calls"
                yield Occurrence(f"{node}: {_bin_dir(case, facts)}/{plugin}", what, node, values)


def _bin_dir(case: Case, facts: Facts) -> str:
    return case.plan.cni_bin_dir if case.plan else facts.cni_bin_dirs.partition(" ")[0]


def network_elsewhere(case: Case) -> Iterator[Occurrence]:
    named = {name_of(each) for each in case.snapshot.networks}
    pattern = r"cannot find a network-attachment-definition \((?P<name>[^)]*)\) in namespace \((?P<space>[^)]*)\)"
    for pod, message in case.snapshot.sandbox_failures():
        match = re.search(pattern, message)
        others = [each for each in sorted(named) if match and each.endswith(f"/{match['name']}")]
        if match and others:
            asked = str(pod["metadata"].get("annotations", {}).get(NETWORKS, ""))
            mended = re.sub(rf"(?<![\w/-]){re.escape(match['name'])}(?![\w-])", others[0], asked, count=1)
            values = annotation_values(pod, mended)
            what = f"asks for network {match['name']} in {match['space']}, and it is {others[0]}"
            yield Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""), values)


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
    ours = {ACCOUNT, MARKER}
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
    elif mine[0].accepted is False:
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
