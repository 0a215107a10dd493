"""How troubles show on the nodes: each function finds the one of its name in symptoms.py, and says where. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from multus.defaults import DEFAULT_SOCKET_DIR
from multus.distros import PROFILES
from multus.metadata import Object
from multus.plan import PROGRAM, SHIM

from .case import Case
from .findings import Occurrence
from .meshes import MESHES
from .messages import readable
from .node_codes import NodeCode
from .node_report import Conf, Facts, Kubeconfig
from .snapshot import is_well, name_of

# From which patch of a containerd release on, and until which (containerd#12923, its tags read one by one).
_LOSES_WHAT_IT_WAS_MAKING = {(1, 7): (23, 31), (2, 0): (0, 8), (2, 1): (0, 7), (2, 2): (0, 2)}
_SPEAKS_OF_MULTUS = r'type="?multus|plugin "multus|Multus: '


def _serving(case: Case) -> Iterator[tuple[str, Facts]]:
    """Nodes on which a pod of Multus is well: whatever is not there was taken away again."""
    for node, facts in case.facts:
        pod = case.snapshot.multus_pod_on(node)
        if pod is not None and is_well(pod):
            yield node, facts


def conf_left_behind(case: Case) -> Iterator[Occurrence]:
    """As nodes show it, and of a node that was not asked, as its pods say it."""
    if not case.is_absent:
        return
    for node, facts in case.facts:
        for conf in facts.ours:
            what = "no Multus is installed any more, and the runtime still asks for it"
            yield Occurrence(f"{node}: {conf.path}", what, node, _removing(case, node, conf.path))
    directory = case.plan.cni_conf_dir if case.plan else PROFILES[case.distro].cni_conf_dir
    files = [f"{directory}/00-multus.conf", f"{directory}/00-multus.conflist"]
    asking = asking_for_a_gone_multus(case)
    for node, failures in asking.items():
        pod, message = failures[0]
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        what = f"no Multus is installed any more, and the runtime still asks for it: {readable(message)}"
        yield Occurrence(f"node {node}: pod {name_of(pod)}{more}", what, node, _removing(case, node, *files))
    for node, said in not_ready_over_networks(case):
        # By a pod that has told it already, or by itself.
        is_told = node in case.snapshot.reports or node in asking
        if not is_told and re.search(_SPEAKS_OF_MULTUS, said):
            what = f"no Multus is installed, and the runtime waits for it: {readable(said)}"
            yield Occurrence(f"node {node}", what, node, _removing(case, node, *files))


def not_ready_over_networks(case: Case) -> Iterator[tuple[str, str]]:
    """Nodes whose runtime calls their network not ready, with what the kubelet says of it."""
    for node in case.snapshot.nodes:
        for each in node.get("status", {}).get("conditions", ()):
            said = re.search(r"Network plugin returns error: .*", str(each.get("message", "")))
            if each["type"] == "Ready" and each["status"] != "True" and said:
                yield node["metadata"]["name"], said[0]


def asking_for_a_gone_multus(case: Case) -> dict[str, list[tuple[Object, str]]]:
    """Pods that speak of Multus where there is none, by their node, which could not be asked itself."""
    found: dict[str, list[tuple[Object, str]]] = {}
    for pod, message in case.snapshot.sandbox_failures() if case.is_absent else ():
        node = pod["spec"].get("nodeName", "")
        if node and node not in case.snapshot.reports and re.search(_SPEAKS_OF_MULTUS, message):
            found.setdefault(node, []).append((pod, message))
    return found


def _removing(case: Case, node: str, *files: str) -> dict[str, str]:
    """By a login, or by a pod with the host's network, which starts without any CNI."""
    if case.has_ssh(node):
        return {"file": _over_ssh(*files)}
    return {"on_node": node, "host_files": " ".join(shlex.quote(f"/host{file}") for file in files)}


def _over_ssh(*files: str) -> str:
    """Names for a command that ssh hands to a second shell, whatever somebody has called a file."""
    return " ".join(shlex.quote(shlex.quote(file)) for file in files)


def conf_missing(case: Case) -> Iterator[Occurrence]:
    for node, facts in _serving(case):
        if not facts.ours and not facts.renamed_confs:
            what = "there is no 00-multus.conf or .conflist, although the node's Multus pod runs"
            yield Occurrence(f"{node}: {_conf_dir(case, facts)}", what, node)


def _conf_dir(case: Case, facts: Facts) -> str:
    return case.plan.cni_conf_dir if case.plan else facts.cni_conf_dir


def conf_not_json(case: Case) -> Iterator[Occurrence]:
    for node, conf in _our_confs(case):
        if conf.parsed is None:
            what = "is not JSON" if conf.content.strip() else "is empty"
            yield Occurrence(f"{node}: {conf.path}", what, node)


def _our_confs(case: Case) -> Iterator[tuple[str, Conf]]:
    if case.is_installed:
        for node, facts in case.facts:
            for conf in facts.ours:
                yield node, conf


def two_confs(case: Case) -> Iterator[Occurrence]:
    """Thick's standby, which the runtime turns to when the daemon's own is away, is none too many.

    Of two of one plugin the running pod has written the newer: across CNI version 1.0.0 thin's has another name.
    """
    program = SHIM if case.is_thick else PROGRAM
    for node, facts in case.facts:
        if len(facts.ours) < 2 or not case.is_installed:
            continue
        kinds = [conf.plugin.get("type") for conf in facts.ours]
        if case.plan and case.plan.has_standby and kinds == [SHIM, PROGRAM]:
            continue
        others = [conf for conf in facts.ours if conf.plugin.get("type") != program] or [
            conf for conf in facts.ours if facts.planned_conf and conf.path != facts.planned_conf
        ]
        stale = (others or facts.ours)[0]
        what = f"is a second configuration of Multus, and the runtime takes {facts.ours[0].name}"
        yield Occurrence(f"{node}: {stale.path}", what, node, {"file": _over_ssh(stale.path)})


def kubeconfig_path_of_the_pod(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        for named in facts.named_kubeconfigs:
            if not named.there and named.path.startswith("/host"):
                yield Occurrence(f"{node}: {named.path}", "is the path in the pod; the host has no such file", node)


def kubeconfig_not_found(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        for named in facts.named_kubeconfigs if case.is_installed else ():
            if not named.there and not named.path.startswith("/host"):
                yield Occurrence(f"{node}: {named.path}", "kubeconfig file not found", node)


def client_failed(case: Case) -> Iterator[Occurrence]:
    for node, about in kubeconfigs(case):
        if about.proof == "000" and not _is_no_url(about.server):
            what = f"failed to get k8s client: {about.server or 'it names no server'}: {about.answer}"
            yield Occurrence(f"{node}: {about.path}", what.rstrip(": "), node)


def kubeconfigs(case: Case) -> Iterator[tuple[str, Kubeconfig]]:
    for node, facts in case.facts:
        if facts.kubeconfig is not None and case.is_installed:
            yield node, facts.kubeconfig


def server_is_no_url(case: Case) -> Iterator[Occurrence]:
    for node, about in kubeconfigs(case):
        if _is_no_url(about.server):
            yield Occurrence(f"{node}: {about.path}", f"its server is {about.server}", node)


def _is_no_url(server: str) -> bool:
    """Brackets around what is no IPv6 address, or an IPv6 address without them."""
    return bool(re.match(r"https://\[[^:\]]*\]|https://[0-9a-fA-F]*:[0-9a-fA-F:]*:", server))


def token_refused(case: Case) -> Iterator[Occurrence]:
    for node, about in kubeconfigs(case):
        if about.proof == "401":
            yield Occurrence(f"{node}: {about.path}", "the API server answers Unauthorized to its token", node)


def authority_changed(case: Case) -> Iterator[Occurrence]:
    known = {token.authority for token in case.snapshot.tokens if token.authority}
    for node, about in kubeconfigs(case):
        if known and about.authority not in known and about.proof in ("tls", "000"):
            yield Occurrence(f"{node}: {about.path}", "its certificate authority is not the cluster's", node)


def kubeconfig_open(case: Case) -> Iterator[Occurrence]:
    for node, about in kubeconfigs(case):
        rights = about.rights.split()
        if not (re.match(r"-r[w-]-------", rights[0]) and rights[1:2] == ["0"]):
            what = f"has the rights {about.rights}, and its token is as good as the account"
            yield Occurrence(f"{node}: {about.path}", what, node, {"file": _over_ssh(about.path)})


def program_gone(case: Case) -> Iterator[Occurrence]:
    for node, facts in _serving(case):
        if facts.program is None and case.plan:
            elsewhere = [path for path in facts.k3s_programs if not path.startswith(case.plan.cni_bin_dir)]
            what = f"is gone{f', an earlier one lies at {elsewhere[0]}' if elsewhere else ''}"
            yield Occurrence(f"{node}: {case.plan.cni_bin_dir}/{case.plan.program}", what, node)


def wrong_machine(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        if facts.program is not None and not facts.program.runs:
            yield Occurrence(f"{node}: {facts.program.path}", f"does not run here: {facts.program.answer}", node)


def multus_under_another_name(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        for conf in facts.confs:
            if conf.runs_multus and not conf.is_ours:
                what = "calls Multus under a name that Multus takes for a default network"
                yield Occurrence(f"{node}: {conf.path}", what, node, {"file": _over_ssh(conf.path)})


def delegates_to_itself(case: Case) -> Iterator[Occurrence]:
    for node, conf in _our_confs(case):
        if conf.delegates_to_multus:
            yield Occurrence(f"{node}: {conf.path}", "delegates to Multus itself", node)


def another_network_first(case: Case) -> Iterator[Occurrence]:
    """More than one default network, and the first is not the one that Multus or the distribution means."""
    if case.plan and (case.plan.conf.master_conf or case.plan.conf.cluster_network):
        return
    for node, facts in case.facts:
        others = [conf for conf in _masters(facts) if not conf.runs_multus]
        if len(others) < 2:
            continue
        first, meant = others[0], _meant(case, facts, others)
        if meant is not None and meant.path != first.path:
            what = f"sorts before {meant.name}, and Multus takes the first file for the default network"
            yield Occurrence(f"{node}: {first.path}", what, node, {"file": _over_ssh(first.path)})


def _masters(facts: Facts) -> list[Conf]:
    return [conf for conf in facts.confs if not conf.is_ours and conf.path.endswith((".conf", ".conflist"))]


def _meant(case: Case, facts: Facts, others: list[Conf]) -> Conf | None:
    file = case.network_file
    delegates = {ours.delegate.rpartition("/")[2] for ours in facts.ours}
    return next(
        (conf for conf in others if conf.name == file),
        next((conf for conf in others if {conf.name, conf.network} & delegates), None),
    )


def conf_before_ours(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        if case.is_installed and facts.ours and facts.confs and not facts.confs[0].is_ours:
            first = facts.confs[0]
            what = f"sorts before {facts.ours[0].name}, so that the runtime never asks Multus"
            yield Occurrence(f"{node}: {first.path}", what, node, {"file": _over_ssh(first.path)})


def default_network_not_found(case: Case) -> Iterator[Occurrence]:
    """A default network by a name that nothing has."""
    networks = {f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in case.snapshot.networks}
    for node, facts in case.facts:
        for conf in facts.ours if case.is_installed else ():
            named = conf.plugin.get("clusterNetwork")
            if not isinstance(named, str) or "/" in named:
                continue
            namespace = conf.plugin.get("multusNamespace", "kube-system")
            known = {each.network for each in facts.confs}
            if named not in known and f"{namespace}/{named}" not in networks:
                what = f"names the default network {named!r}, and no file and no definition is called that"
                yield Occurrence(f"{node}: {conf.path}", what, node)


def renamed_by_cilium(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        ours = [path for path in facts.renamed_confs if "00-multus" in path]
        if ours:
            what = "Cilium has renamed Multus' configuration away"
            yield Occurrence(f"{node}: {ours[0]}", what, node, {"files": _over_ssh(*ours)})


def not_shared(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        if case.is_thick and not facts.root_is_shared:
            yield Occurrence(f"{node}: /", "the mount is private, and the daemon does not see pods' networks", node)


def daemon_silent(case: Case) -> Iterator[Occurrence]:
    for node, facts in _serving(case) if case.is_thick else ():
        shims = [conf for conf in facts.ours if conf.plugin.get("type") == SHIM]
        if not shims or not case.plan:
            continue
        meant = case.plan.daemon.socket_dir.rstrip("/")
        named = str(shims[0].plugin.get("daemonSocketDir") or DEFAULT_SOCKET_DIR).rstrip("/")
        if named != meant:
            what = f"looks for the daemon in {named}, and it listens in {meant}"
            yield Occurrence(f"{node}: {shims[0].path}", what, node)
        elif not facts.daemon_answers:
            yield Occurrence(f"{node}: {meant}/multus.sock", "the daemon does not answer", node)


def leaked(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        files = [line.split()[0] for line in facts.leaked]
        if files:
            what = f"{len(files)} addresses are reserved for pods that are no more: {_few(files)}{_cause(case, node)}"
            yield Occurrence(f"{node}: /var/lib/cni/networks", what, node, {"files": _over_ssh(*files)})


def _cause(case: Case, node: str) -> str:
    """What a runtime of this version does, as a half sentence; empty where its version is none of those."""
    runtime = next((_runtime_of(each) for each in case.snapshot.nodes if each["metadata"]["name"] == node), "")
    found = re.match(r"containerd://(\d+)\.(\d+)\.(\d+)", runtime)
    major, minor, patch = map(int, found.groups()) if found else (0, 0, 0)
    first, mended = _LOSES_WHAT_IT_WAS_MAKING.get((major, minor), (0, 0))
    if not first <= patch < mended:
        return ""
    fixed = f"{major}.{minor}.{mended}"
    return f"; {runtime} never removes what it was making when it died, which {fixed} does (containerd#12923)"


def _runtime_of(node: Object) -> str:
    return str(node.get("status", {}).get("nodeInfo", {}).get("containerRuntimeVersion", ""))


def stale(case: Case) -> Iterator[Occurrence]:
    for node, facts in case.facts:
        if facts.stale_files:
            what = "was left by a pod that was killed while it installed itself"
            values = {"files": _over_ssh(*facts.stale_files)}
            yield Occurrence(f"{node}: {_few(facts.stale_files)}", what, node, values)


def _few(files: Any) -> str:
    shown = ", ".join(list(files)[:3])
    return f"{shown}, ..." if len(files) > 3 else shown


def default_network_changed(case: Case) -> Iterator[Occurrence]:
    return _coded(case, NodeCode.DEFAULT_NETWORK_CHANGED)


def conf_rewritten(case: Case) -> Iterator[Occurrence]:
    return _coded(case, NodeCode.CONF_REWRITTEN)


def conf_chained(case: Case) -> Iterator[Occurrence]:
    """A mesh that has added itself to Multus' own file, with what tells its installer to take another one."""
    default = {node: facts.default_conf.rpartition("/")[2] for node, facts in case.facts}
    for node, found in case.node_findings:
        if found.code is NodeCode.CONF_CHAINED:
            known = (chaining(case, default[node], plugin) for plugin in found.value.split() if plugin in MESHES)
            values = next(known, {"advice": " ".join(found.fix.split())})
            yield Occurrence(f"{node}: {found.where}", found.what, node, values)


def chaining(case: Case, network_file: str, plugin: str) -> dict[str, str]:
    """What a command names that tells a mesh's installer which file to take, or what its user does instead."""
    mesh = MESHES[plugin]
    for daemon_set in case.snapshot.daemon_sets:
        about = daemon_set["metadata"]
        if about["name"] == mesh.daemon_set and network_file:
            return {
                "mesh": about["name"],
                "mesh_namespace": about["namespace"],
                "network_file": shlex.quote(network_file),
            }
    return {"advice": mesh.instead or f"have the installer of {plugin} take the default network's file"}


def cache_emptied(case: Case) -> Iterator[Occurrence]:
    return _coded(case, NodeCode.CACHE_EMPTIED)


def _coded(case: Case, code: NodeCode) -> Iterator[Occurrence]:
    """What the node program itself has found, at the same place: its plain finding is then an echo."""
    for node, found in case.node_findings:
        if found.code is code:
            values = {"file": _over_ssh(found.value or found.where)}
            yield Occurrence(f"{node}: {found.where}", found.what, node, values)


_KEY_OF = {NodeCode.CONF_DIR_ELSEWHERE: "cniConfDir", NodeCode.BIN_DIR_ELSEWHERE: "cniBinDir"}


def plan_against_runtime(case: Case) -> Iterator[Occurrence]:
    for node, found in case.node_findings:
        key = _KEY_OF.get(found.code)
        if key is not None:
            values = {"key": key, "value": found.value}
            yield Occurrence(f"{node}: {found.where}", found.what, node, values)
