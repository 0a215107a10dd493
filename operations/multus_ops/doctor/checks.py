"""What has to be so before an install and after it, beyond the troubles that have a name. Pure."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from multus import multus_conf, objects
from multus.args import Credentials
from multus.metadata import Object
from multus.network_plan import RESOURCE
from multus.network_rules import mistakes
from multus.node_program import STATE_DIR
from multus.plan import InstallPlan
from multus.pods import ACCOUNT

from . import cluster_signs
from .annotations import annotation_of
from .case import Case
from .distribution import distro_of, is_host, refused_kind
from .findings import Check, Finding, Severity
from .managers import managers_in
from .messages import is_cut, readable
from .networks import has_config
from .node_report import Kubeconfig
from .node_signs import asking_for_a_gone_multus
from .snapshot import Kind, condition, container_statuses, is_well, name_of, needs_network

Rule = Callable[[Case], Iterator[Finding]]

_SOON_SECONDS = 7 * 24 * 3600
_WHY_OF_NODES = {
    Severity.ERROR: "The preflight of `pulumi up` refuses to go on over it.",
    Severity.WARNING: "No `pulumi up` stops at it, and pods or a removal may come to harm.",
}


def run_checks(case: Case) -> Iterator[Finding]:
    """Everything that is not as it has to be."""
    for rule in _RULES:
        yield from rule(case)


def _error(check: Check, where: str, what: str, why: str, fix: str) -> Finding:
    return Finding(check, Severity.ERROR, where, what, why, fix)


def _warning(check: Check, where: str, what: str, why: str, fix: str) -> Finding:
    return Finding(check, Severity.WARNING, where, what, why, fix)


def _nodes(case: Case) -> Iterator[Finding]:
    names = {node["metadata"]["name"] for node in case.snapshot.nodes}
    for node in case.snapshot.nodes:
        name = node["metadata"]["name"]
        if condition(node, "Ready") != "True":
            why = "No pod starts there, Multus' neither."
            yield _error(Check.CLUSTER, f"node {name}", "is not Ready", why, f"kubectl describe node {name}")
    refused = refused_kind(case.snapshot)
    if refused is not None:
        why = f"{refused.refusal[0].upper()}{refused.refusal[1:]}."
        yield _error(Check.CLUSTER, "cluster", f"is {refused.name}", why, "kubectl get nodes -o wide")
    if case.plan is None or not names:
        return
    for planned in case.plan.nodes:
        if planned.name not in names and not planned.gone:
            why = "Its steps would provision a host that is not in this cluster, and label no node."
            what = "is in `nodes`, and the cluster has no node of that name"
            yield _error(Check.CLUSTER, f"node {planned.name}", what, why, "kubectl get nodes")
    guess = distro_of(case.snapshot)
    if guess is not None and guess is not case.plan.distro:
        what = f"looks like {guess.value}, and the stack says {case.plan.distro.value}"
        why = "The distribution decides every path."
        yield _error(Check.CLUSTER, "cluster", what, why, case.origin.change({"distro": guess.value}))


def _managers(case: Case) -> Iterator[Finding]:
    for manager in managers_in(case.snapshot):
        why = "Two of them would overwrite each other's configuration on every node."
        what = "is in this cluster, and brings Multus by itself"
        yield _warning(Check.OTHERS, manager.name, what, why, manager.command)


def _foreign_sets(case: Case) -> Iterator[Finding]:
    ours = [name_of(each) for each in case.our_sets] if case.is_ours else []
    for daemon_set in case.snapshot.multus_sets:
        name, about = name_of(daemon_set), daemon_set["metadata"]
        if name in ours or case.plan is None:
            continue
        what = "is a Multus that this stack has not made"
        why = (
            "A node has one 00-multus.conf: of two installs the last to start wins, and the first to go takes it away."
        )
        fix = f"kubectl -n {about['namespace']} delete daemonset {about['name']}"
        if case.stack is not None and name == f"{case.namespace}/{objects.DAEMON_SET}":
            fix = case.stack.adopt()
        yield _error(Check.OTHERS, f"DaemonSet {name}", what, why, fix)


def _unreached(case: Case) -> Iterator[Finding]:
    for node, reason in case.snapshot.unreached.items():
        why = "Nothing can be said of it."
        if case.stack is not None:
            why = "`pulumi up` and `pulumi destroy` stop at it before anything has changed."
        yield _error(Check.SSH, f"node {node}", reason, why, f"{case.on(node)} true")


def _found_by_nodes(case: Case) -> Iterator[Finding]:
    """The node program's own findings. Their fixes are sentences, so they are printed as comments."""
    for node, found in case.node_findings:
        where, severity = f"{node}: {found.where}", Severity(found.severity)
        yield Finding(found.code.check, severity, where, found.what, _WHY_OF_NODES[severity], f"# {found.fix}")


def _pods_of_multus(case: Case) -> Iterator[Finding]:
    snapshot = case.snapshot
    for daemon_set in snapshot.multus_sets:
        for pod in snapshot.pods_of(daemon_set):
            if not is_well(pod):
                about = pod["metadata"]
                why = "Its node's new pods may get no second interface, or none at all with thick."
                fix = f"kubectl -n {about['namespace']} describe pod {about['name']}"
                yield _error(Check.DAEMON_SETS, f"pod {name_of(pod)}", _state(pod), why, fix)
    yield from _pods_that_do_not_exist(case)
    if not snapshot.multus_sets or any(cluster_signs.disabled(case)) or Kind.PODS in snapshot.unseen:
        return
    severity = Severity.WARNING if snapshot.multus_pods else Severity.ERROR
    for node in snapshot.nodes:
        name = node["metadata"]["name"]
        if snapshot.multus_pod_on(name) is None and (case.plan is None or is_host(node, case.plan.distro)):
            why = "Pods there get the default network only."
            fix = f"kubectl describe node {name}"
            yield Finding(Check.DAEMON_SETS, severity, f"node {name}", "has no pod of Multus", why, fix)


def _pods_that_do_not_exist(case: Case) -> Iterator[Finding]:
    """Whatever refuses them, the API's own sentence says it: a policy, a quota, a webhook, a missing class."""
    refused = {name_of(each): message for each, message in case.snapshot.creation_failures()}
    for daemon_set in case.snapshot.multus_sets:
        name, about = name_of(daemon_set), daemon_set["metadata"]
        missing = case.snapshot.missing_pods(daemon_set)
        if name in refused or missing:
            what = readable(refused.get(name, f"{missing} of its pods do not exist"))
            why = "Nodes without its pod have no Multus: new pods there get the default network only."
            fix = f"kubectl -n {about['namespace']} describe daemonset {about['name']}"
            yield _error(Check.DAEMON_SETS, f"DaemonSet {name}", what, why, fix)


def _pods_without_multus(case: Case) -> Iterator[Finding]:
    """What asks for networks where nothing of Multus is left, or was ever."""
    if not case.is_absent:
        return
    markers = [each for each in case.snapshot.config_maps if each["metadata"]["name"] == objects.MARKER]
    for marker in markers:
        what = "says that Multus is installed, and no DaemonSet of it is there"
        why = "No node has Multus any more: new pods get the default network only."
        yield _error(Check.DAEMON_SETS, f"ConfigMap {name_of(marker)}", what, why, case.repair)
    asking = [pod for pod in case.snapshot.pods if annotation_of(pod) and needs_network(pod)]
    if asking:
        what = (
            f"{'asks' if len(asking) == 1 else f'and {len(asking) - 1} more ask'} for networks, and there is no Multus"
        )
        why = "They start without them, and nothing else says so."
        yield _error(Check.PODS, f"pod {name_of(asking[0])}", what, why, case.repair)


def _state(pod: Object) -> str:
    for status in container_statuses(pod):
        for state in status.get("state", {}).values():
            if state.get("reason") not in (None, "Completed", "PodInitializing"):
                said = readable(str(state.get("message", "")))
                return f"container {status['name']}: {state['reason']}{f': {said}' if said else ''}"
    return f"is {pod.get('status', {}).get('phase', 'unknown')}, not Ready"


def _our_sets(case: Case) -> Iterator[Finding]:
    if not case.is_ours or case.plan is None:
        return
    there = {each["metadata"]["name"]: each for each in case.our_sets}
    for name in (objects.DAEMON_SET, objects.FALLBACK_DAEMON_SET):
        if name not in there:
            why = "Nodes that it served have no Multus any more."
            where = f"DaemonSet {case.namespace}/{name}"
            yield _error(Check.DAEMON_SETS, where, "is not there", why, case.repair)
    for name, daemon_set in there.items():
        differing = [path for path in _drift(_planned(case.plan, name), daemon_set) if not path.endswith(".image")]
        if any(cluster_signs.disabled(case)):
            differing = []
        if differing:
            what = f"is not the stack's at {', '.join(differing[:4])}"
            why = "Somebody has changed it by hand, or the stack's configuration has changed without an `up`."
            yield _warning(Check.DAEMON_SETS, f"DaemonSet {name_of(daemon_set)}", what, why, case.repair)
        main = daemon_set["spec"]["template"]["spec"]["containers"][0]
        if main["image"] != case.plan.image:
            what = f"runs {main['image']}, the stack says {case.plan.image}"
            why = "Versions were meant to be the same on all nodes."
            yield _error(Check.IMAGE, f"DaemonSet {name_of(daemon_set)}", what, why, case.repair)


def _planned(plan: InstallPlan, name: str) -> Object:
    make = objects.daemon_set if name == objects.DAEMON_SET else objects.fallback_daemon_set
    # The API server's address may be known to the stack alone.
    planned = {"spec": make(plan, "", "")["spec"]}
    for container in planned["spec"]["template"]["spec"]["containers"]:
        container.pop("env")
    return planned


def _drift(planned: Any, live: Any, path: str = "") -> Iterator[str]:
    """Where something that was planned is not so; what others have added is none of it."""
    if isinstance(planned, dict) and isinstance(live, dict):
        for key, value in planned.items():
            # The API server drops what is empty or false.
            if value not in ({}, [], None, False) or key in live:
                yield from _drift(value, live.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(planned, list) and isinstance(live, list) and len(planned) == len(live):
        for index, (one, other) in enumerate(zip(planned, live, strict=True)):
            yield from _drift(one, other, f"{path}[{index}]")
    elif planned != live:
        yield path


def _crd(case: Case) -> Iterator[Finding]:
    if case.snapshot.crd is None:
        return
    served = [each["name"] for each in case.snapshot.crd["spec"]["versions"] if each.get("served")]
    if "v1" not in served:
        what = f"serves {', '.join(served) or 'nothing'}, and not v1"
        yield _error(Check.CRD, f"CRD {objects.CRD}", what, "Multus asks for v1 alone.", case.repair)


def _networks(case: Case) -> Iterator[Finding]:
    for network in case.snapshot.networks:
        for what in _mistakes_of(network):
            about = network["metadata"]
            fix = f"kubectl -n {about['namespace']} edit network-attachment-definition {about['name']}"
            why = "No pod that asks for it starts."
            yield _error(Check.NETWORKS, f"network {name_of(network)}", what, why, fix)


def _mistakes_of(network: Object) -> Iterator[str]:
    if has_config(network):
        try:
            conf = json.loads(network["spec"]["config"])
        except ValueError as error:
            yield f"its configuration is not JSON: {error}"
        else:
            if isinstance(conf, dict):
                has_resource = bool(annotation_of(network, RESOURCE))
                yield from (each.what for each in mistakes(conf, has_resource=has_resource))
            else:
                yield "its configuration is JSON, and no object"


def _account(case: Case) -> Iterator[Finding]:
    if case.is_ours and case.snapshot.account is None and Kind.ACCOUNT not in case.snapshot.unseen:
        why = "Every token of it is void: no pod starts on any node."
        where = f"ServiceAccount {case.namespace}/{ACCOUNT}"
        yield _error(Check.RBAC, where, "is not there", why, case.repair)


def _config_maps(case: Case) -> Iterator[Finding]:
    plan = case.plan
    if not case.is_ours or plan is None or Kind.CONFIG_MAPS in case.snapshot.unseen:
        return
    data = {each["metadata"]["name"]: each.get("data") or {} for each in case.snapshot.config_maps}
    own = multus_conf.own_conf(plan)
    if own is not None:
        name = multus_conf.own_conf_name(plan)
        where = f"ConfigMap {case.namespace}/{name}"
        if name not in data:
            why = "The next pod of Multus that starts has no configuration."
            yield _error(Check.CONFIG_MAP, where, "is not there", why, case.repair)
        elif data[name].get(own[0]) != own[1]:
            why = "The next pod of Multus that starts runs with another configuration than the stack's."
            # An object of this name is in the way of the one that `up` would make anew.
            fix = f"kubectl -n {case.namespace} delete configmap {name}\n{case.repair}"
            yield _error(Check.CONFIG_MAP, where, f"its {own[0]} is not the stack's", why, fix)
    if objects.MARKER not in data:
        where = f"ConfigMap {case.namespace}/{objects.MARKER}"
        why = "The last `pulumi up` did not get to its end; without it a node's clean-up takes this for a removal."
        yield _error(Check.CONFIG_MAP, where, "is not there", why, case.repair)


def _token(case: Case) -> Iterator[Finding]:
    uid = (case.snapshot.account or {}).get("metadata", {}).get("uid")
    for token in case.snapshot.tokens if case.is_ours else ():
        where = f"Secret {case.namespace}/{token.secret}"
        of = token.claims.get("kubernetes.io/serviceaccount/service-account.uid")
        if uid and of and of != uid:
            what = "its token is of an account that is no more"
            yield _error(Check.TOKEN, where, what, "The API server refuses it.", case.renew)
        if not token.claims:
            what = "has no token, though it asks for one"
            why = (
                "The control plane fills such Secrets no more, as with a signer of its own (Kubernetes 1.36): durable"
                " credentials cannot work here, and listed nodes need them."
            )
            fix = f"# list no nodes, so that pods bring their own tokens:\n{case.origin.change({'credentials': 'pod'})}"
            yield _error(Check.TOKEN, where, what, why, fix)
        yield from _expiry(token.claims.get("exp"), where, case.renew)


def _expiry(seconds: object, where: str, fix: str) -> Iterator[Finding]:
    if isinstance(seconds, (int, float)) and seconds < time.time() + _SOON_SECONDS:
        until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
        yield _warning(Check.TOKEN, where, f"its token expires at {until}", "Then no pod starts on its nodes.", fix)


def _kubeconfigs(case: Case) -> Iterator[Finding]:
    for node, facts in case.facts:
        about = facts.kubeconfig
        if about is None or not case.is_installed:
            continue
        where = f"{node}: {about.path}"
        if about.proof == "":
            why = "Whether the node's token works is not known."
            fix = f"{case.on(node)} apt-get install -y curl"
            yield _warning(Check.KUBECONFIG, where, "could not be proven, there is no curl", why, fix)
        elif about.proof != "404":
            what = f"the API server answers {about.proof}: {about.answer}".rstrip(": ")
            why = "Multus asks the API with it for every pod."
            yield _error(Check.KUBECONFIG, where, what, why, case.restart(node))
        if case.is_ours and case.plan:
            yield from _kubeconfig_of_plan(case, where, about, case.plan)


def _kubeconfig_of_plan(case: Case, where: str, about: Kubeconfig, plan: InstallPlan) -> Iterator[Finding]:
    named = about.token_claims.get("kubernetes.io/serviceaccount/secret.name")
    if plan.credentials is Credentials.DURABLE and named and named != plan.token_secret:
        what = f"its token is of Secret {named}, the stack's is {plan.token_secret}"
        why = "The Secret of an earlier rotation goes, and its token with it."
        yield _error(Check.KUBECONFIG, where, what, why, case.repair)
    if plan.credentials is Credentials.POD:
        fix = f"kubectl -n {case.namespace} rollout restart daemonset {objects.DAEMON_SET}"
        yield from _expiry(about.token_claims.get("exp"), where, fix)


def _confs(case: Case) -> Iterator[Finding]:
    """That the configuration names what the plan says, and the right default network."""
    plan = case.plan
    if plan is None or not case.is_installed:
        return
    for node, facts in case.facts:
        for each in facts.ours[:1]:
            where, kind = f"{node}: {each.path}", each.plugin.get("type")
            if each.parsed is None:
                continue
            if kind != plan.program:
                what = f"calls {kind or 'nothing'}, and the stack is {plan.plugin.value}"
                yield _error(Check.CONF, where, what, "The runtime calls another plugin.", case.restart(node))
            named = each.plugin.get("kubeconfig")
            if not plan.is_thick and named != plan.kubeconfig_path:
                what = f"names the kubeconfig {named or 'nowhere'}, the stack's is {plan.kubeconfig_path}"
                yield _error(Check.CONF, where, what, "Multus asks the API with it.", case.restart(node))
            delegate = each.delegate.rpartition("/")[2]
            default = facts.default_conf.rpartition("/")[2]
            if facts.default_network and delegate not in (facts.default_network, default):
                what = f"delegates to {delegate or 'no network'}, the default network is {facts.default_network}"
                why = "Pods get their eth0 from another network than the cluster's."
                yield _error(Check.CONF, where, what, why, case.restart(node))


def _markers(case: Case) -> Iterator[Finding]:
    uid = (case.snapshot.account or {}).get("metadata", {}).get("uid")
    for node, facts in case.facts:
        if facts.marker is not None and case.is_ours and uid and facts.marker.install != uid:
            what = f"is marked as of another install ({facts.marker.owner})"
            why = "The stack's clean-up leaves such a node alone."
            yield _error(Check.OTHERS, f"node {node}", what, why, case.repair)
        elif facts.marker is not None and case.is_absent:
            what = f"is still marked as provisioned by {facts.marker.owner}"
            why = "Its clean-up did not run; the preflight of another stack refuses the node."
            fix = f"{case.on(node)} rm -rf {STATE_DIR}"
            yield _error(Check.OTHERS, f"node {node}", what, why, fix)


def _failing_pods(case: Case) -> Iterator[Finding]:
    # What these say has a name of its own, once for their node.
    named = [pod for failures in asking_for_a_gone_multus(case).values() for pod, _ in failures]
    for pod, message in case.snapshot.sandbox_failures():
        if pod in named:
            continue
        about = pod["metadata"]
        storage = "storage of the whole cluster waits for it" if about["namespace"].startswith("rook") else ""
        why = f"It does not start or go{f', and {storage}' if storage else ''}."
        fix = f"kubectl -n {about['namespace']} describe pod {about['name']}"
        if is_cut(message):
            why += (
                " The kubelet has cut its message; the whole of it is in its own log, and with thick in the daemon's."
            )
            fix = "\n".join([fix, *_logs_of(case, pod["spec"].get("nodeName", ""))])
        yield _error(Check.PODS, f"pod {name_of(pod)}", readable(message), why, fix)


def _logs_of(case: Case, node: str) -> Iterator[str]:
    multus = case.snapshot.multus_pod_on(node) if case.is_thick else None
    if multus is not None:
        yield f"kubectl -n {multus['metadata']['namespace']} logs {multus['metadata']['name']} --since=10m"


_RULES: tuple[Rule, ...] = (
    _nodes,
    _managers,
    _foreign_sets,
    _unreached,
    _found_by_nodes,
    _pods_of_multus,
    _pods_without_multus,
    _our_sets,
    _crd,
    _networks,
    _account,
    _config_maps,
    _token,
    _kubeconfigs,
    _confs,
    _markers,
    _failing_pods,
)
