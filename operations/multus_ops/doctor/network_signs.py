"""How troubles of networks and of the pods that ask for them show: each function finds the one of its name. Pure."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator, Sequence

from multus.defaults import DEFAULT_PLUGIN_DIRECTORY
from multus.metadata import Object
from multus.network_addresses import Range
from multus.network_conf import plugin_confs, without_from_every_plugin
from multus.network_needs import CHOOSES_A_LINK, DHCP_SOCKET, links_of
from multus.network_rules import (
    CNI_VERSIONS,
    MODES,
    wide_routes,
    with_known_modes,
    without_wide_routes,
    wrong_modes,
)

from .annotations import (
    DEFAULT_NETWORK,
    NETWORKS,
    NetworkName,
    NotReadError,
    annotation_of,
    asked_for,
    asking_for,
    entries_of,
    interfaces_of,
    mended,
    networks_of,
    without_member,
)
from .case import Case
from .default_cni import late_cni_sets
from .findings import Occurrence
from .live_install import arguments_of
from .messages import readable
from .networks import (
    changed_at,
    conf_of,
    edit_values,
    has_config,
    lacks_version,
    makes_no_interface,
    patch_values,
    plugins_of,
)
from .node_report import Facts
from .origin import PulumiInstall, RenderedInstall
from .snapshot import Kind, has_sandbox, is_finished, is_going, name_of, needs_network

_NO_NETWORK_FOUND = (
    r"cannot find a network-attachment-definition \((?P<name>[^)]*)\) in namespace \((?P<namespace>[^)]*)\)"
)
# Where Multus has called itself, the last network is the one that failed.
_NO_LINK = r'.*to network "(?P<network>[^"]*)": .*Link (?:\S+ )?not found'
_NETWORKS_DIR = "/etc/cni/multus/net.d"


def annotation_not_read(case: Case) -> Iterator[Occurrence]:
    """Annotations that Multus refuses, whether or not it has met them."""
    for pod in case.snapshot.pods:
        if not needs_network(pod):
            continue
        for key in (NETWORKS, DEFAULT_NETWORK):
            text = annotation_of(pod, key)
            try:
                entries = entries_of(text)
            except NotReadError as error:
                meant = mended(text)
                values = {} if meant is None else _annotation(key, meant)
                yield _of_pod(pod, f"has an annotation {key} that {error}", values)
            else:
                if key == DEFAULT_NETWORK and len(entries) > 1:
                    yield _of_pod(pod, f"has an annotation {key} that names {len(entries)} networks, and one can be it")


def pods_without_networks(case: Case) -> Iterator[Occurrence]:
    if not case.is_installed:
        return
    for pod in case.snapshot.pods:
        own = pod["metadata"]["namespace"]
        wanted = [asked_for(each, own) for each in networks_of(pod)]
        named = [each for each in wanted if _is_reported(case, pod, each)]
        if not named or is_going(pod) or not has_sandbox(pod) or pod["spec"].get("hostNetwork"):
            continue
        uncounted = [str(each) for each in wanted if each not in named]
        there = [each for each in interfaces_of(pod) if not each.get("default") and each.get("name") not in uncounted]
        got = len(there)
        if got < len(named):
            names = ", ".join(map(str, named))
            what = f"runs with {got} of the {len(named)} networks that it asks for: {names}"
            yield _of_pod(pod, what)


def _of_pod(pod: Object, what: str, values: dict[str, str] | None = None) -> Occurrence:
    about = pod["metadata"]
    known = {"pod": about["name"], "pod_namespace": about["namespace"], **(values or {})}
    return Occurrence(f"pod {name_of(pod)}", what, pod["spec"].get("nodeName", ""), known)


def _is_reported(case: Case, pod: Object, asked: NetworkName) -> bool:
    """Whether the pod's annotation `network-status` would have an entry for a network that it has got.

    What a definition said before it was changed is not known.
    """
    definition = case.networks_by_name.get(str(asked))
    if definition is None:
        return Kind.NETWORKS not in case.snapshot.unseen
    if lacks_version(definition) or makes_no_interface(definition):
        return False
    changed = changed_at(definition)
    return changed <= str(pod["metadata"].get("creationTimestamp", changed))


def default_route_ignored(case: Case) -> Iterator[Occurrence]:
    for pod in case.snapshot.pods:
        asked = networks_of(pod)
        names = [str(each.get("name")) for each in asked if each.get("default-route")]
        if not names or not case.is_installed or is_going(pod) or is_finished(pod):
            continue
        what = f"asks for its default route by {', '.join(names)}, and keeps that of eth0"
        yield _of_pod(pod, what, _annotation(NETWORKS, without_member(asked, "default-route")))


def _annotation(key: str, text: str) -> dict[str, str]:
    return {"networks": shlex.quote(f"{key}={text}")}


def link_not_found(case: Case) -> Iterator[Occurrence]:
    """CNI plugins since 1.10 name the network alone, by the name in its configuration, and not the link.

    Before a pod meets it: where every node says which links it has, by which names, and none has this one. A device
    that a pod has is on no node.
    """
    failing = set()
    for pod, message in case.failures_of_multus():
        match = re.search(_NO_LINK, message)
        for definition in _definitions_asked_by(case, pod) if match else ():
            conf = conf_of(definition)
            links = links_of(conf)
            if match and links and match["network"] in (conf.get("name"), definition["metadata"]["name"]):
                failing.add(name_of(definition))
                what = f"network {name_of(definition)} stands on the link {links[0]}, which this node does not have"
                yield _of_pod(pod, f"{what}{_nodes_with(case, links[0])}", _without_link(definition))
    known = case.snapshot.links
    if not known or not {node["metadata"]["name"] for node in case.snapshot.nodes} <= set(known):
        return
    for network in case.snapshot.networks:
        missing = [link for link in links_of(conf_of(network)) if not any(link in links for links in known.values())]
        if not missing or name_of(network) in failing:
            continue
        if not any(has_sandbox(pod) for pod in _pods_asking_for(case, network)):
            what = f"stands on the link {missing[0]}, which no node has"
            yield Occurrence(f"network {name_of(network)}", what, "", _without_link(network))


def _nodes_with(case: Case, link: str) -> str:
    having = [node for node, links in case.snapshot.links.items() if link in links]
    return f"; {', '.join(having)} has it" if having else ""


def _without_link(network: Object) -> dict[str, str]:
    conf = conf_of(network)
    chooses = all(each.get("type") in CHOOSES_A_LINK for each in plugin_confs(conf) if links_of(each))
    return patch_values(network, without_from_every_plugin(conf, "master")) if chooses else edit_values(network)


def _definitions_asked_by(case: Case, pod: Object) -> list[Object]:
    asked = [asked_for(each, pod["metadata"]["namespace"]) for each in networks_of(pod)]
    asked += [asked_for(each, case.networks_namespace) for each in networks_of(pod, DEFAULT_NETWORK)]
    return [case.networks_by_name[str(each)] for each in asked if str(each) in case.networks_by_name]


def _pods_asking_for(case: Case, network: Object) -> list[Object]:
    return [pod for pod in case.snapshot.pods if network in _definitions_asked_by(case, pod)]


def api_out_of_reach(case: Case) -> Iterator[Occurrence]:
    """What Multus says where the API server gives no answer; whoever answers with a refusal has been reached."""
    for pod, message in case.failures_of_multus():
        said = re.search(
            r"error (?:getting|waiting for) pod: .*?https://(?P<address>[^/\s]+)/.*"
            r"(?:dial tcp|imeout|timed out|deadline exceeded)",
            message,
        )
        if said is None:
            continue
        node, address = pod["spec"].get("nodeName", ""), said["address"]
        values = {"server": f"https://{next(iter(case.snapshot.endpoints), '')}"}
        if case.plan and case.plan.api_server and f"https://{address}" != case.plan.api_server:
            values["change"] = case.restart(node)
        elif address in case.snapshot.endpoints or not case.snapshot.endpoints:
            values["change"] = f"# let {node} reach https://{address}: a firewall or the API server is in the way"
        yield _of_pod(pod, readable(message), values)


def default_network_not_ready(case: Case) -> Iterator[Occurrence]:
    for pod, message in case.failures_of_multus():
        said = re.search(r"waiting for readinessindicatorfile @ (?P<file>\S+?)[.]? ", message)
        if said:
            values = {"file": said["file"]}
            for each in late_cni_sets(case.snapshot, pod["spec"].get("nodeName", ""))[:1]:
                values |= {"cni": each["metadata"]["name"], "cni_namespace": each["metadata"]["namespace"]}
            yield _of_pod(pod, readable(message), values)


def network_mode(case: Case) -> Iterator[Occurrence]:
    for network in case.snapshot.networks:
        conf = conf_of(network)
        for each in wrong_modes(conf)[:1]:
            plugin = each.partition(" ")[0]
            what = f"asks for {each}, and {plugin} knows {', '.join(MODES[plugin])}"
            yield Occurrence(f"network {name_of(network)}", what, "", patch_values(network, with_known_modes(conf)))


def network_takes_routes(case: Case) -> Iterator[Occurrence]:
    ranges = _pod_ranges(case)
    for network in case.snapshot.networks:
        conf = conf_of(network)
        wide = wide_routes(conf, ranges)
        if wide:
            what = f"takes the way out of its pods, or to other pods, by {', '.join(wide)}"
            values = patch_values(network, without_wide_routes(conf, ranges))
            yield Occurrence(f"network {name_of(network)}", what, "", values)


def _pod_ranges(case: Case) -> list[Range]:
    ranges = (text for node in case.snapshot.nodes for text in node.get("spec", {}).get("podCIDRs") or ())
    return [ipaddress.ip_network(each, strict=False) for each in ranges]


def network_without_config(case: Case) -> Iterator[Occurrence]:
    """A definition that stands for a file, and no file: as pods say it, or before that as nodes say it."""
    failures = [pod for pod, message in case.failures_of_multus() if "GetCNIConfigFromFile" in message]
    files = {node: facts.network_files for node, facts in case.facts if _is_asked_for_files(case, facts)}
    for network in case.snapshot.networks:
        if has_config(network):
            continue
        asking = _pods_asking_for(case, network)
        values = edit_values(network)
        if any(pod in asking for pod in failures):
            what = "has no configuration, and its pods' nodes have no file of its name"
            yield Occurrence(f"network {name_of(network)}", what, "", values)
        elif files and not any(network["metadata"]["name"] in (names or ()) for names in files.values()):
            what = f"has no configuration, and none of {', '.join(files)} has a file of its name"
            yield Occurrence(f"network {name_of(network)}", what, "", values)


def _is_asked_for_files(case: Case, facts: Facts) -> bool:
    """Whether the node has said what lies in the directory where its Multus looks."""
    planned = case.plan.conf.networks_dir if case.plan else None
    named = [planned, *(conf.plugin.get("confDir") for conf in facts.ours)]
    return facts.network_files is not None and set(named) <= {None, _NETWORKS_DIR}


def incompatible_versions(case: Case) -> Iterator[Occurrence]:
    for network in case.snapshot.networks:
        version = conf_of(network).get("cniVersion")
        if version and version not in CNI_VERSIONS:
            what = f"asks for CNI version {version}, which no plugin speaks"
            yield _with_version(network, what, "1.0.0")
    for pod, message in case.failures_of_multus():
        said = re.search(
            r'incompatible CNI versions; config is "(?P<asked>[^"]*)", plugin supports (?P<known>\[[^]]*\])', message
        )
        for network in _definitions_asked_by(case, pod) if said else ():
            spoken = [each for each in CNI_VERSIONS if said and each in said["known"]]
            if said and spoken and conf_of(network).get("cniVersion") == said["asked"]:
                what = (
                    f"asks for CNI version {said['asked']}, and a plugin of it on this node speaks {spoken[-1]} at most"
                )
                yield _with_version(network, what, spoken[-1])


def network_without_version(case: Case) -> Iterator[Occurrence]:
    for network in case.snapshot.networks:
        if lacks_version(network):
            version = conf_of(network).get("cniVersion")
            what = f"asks for CNI version {version}" if version else "has no cniVersion"
            yield _with_version(network, f"{what}, so that no pod's network-status names it", "1.0.0")


def _with_version(network: Object, what: str, version: str) -> Occurrence:
    values = patch_values(network, {**conf_of(network), "cniVersion": version})
    return Occurrence(f"network {name_of(network)}", what, "", values)


def plugin_missing(case: Case) -> Iterator[Occurrence]:
    """As nodes show it, and without them as pods say it. What calls Multus itself is not mended by bringing that."""
    for node, facts in case.facts:
        for network in case.snapshot.networks if facts.plugins else ():
            for plugin in plugins_of(network):
                if plugin in facts.plugins or plugin.startswith("multus") or _comes_with_an_install(case, plugin):
                    continue
                what = f"failed to find plugin {plugin!r}, which network {name_of(network)} calls"
                where = f"{node}: {_bin_dir(case, facts)}/{plugin}"
                yield Occurrence(where, what, node, _with_plugin(case, plugin))
    for pod, message in case.failures_of_multus():
        said = re.search(r'failed to find plugin "(?P<plugin>(?!multus)[\w.-]+)" in path', message)
        node = pod["spec"].get("nodeName", "")
        if said and node and node not in case.snapshot.reports:
            yield _of_pod(pod, readable(message), _with_plugin(case, said["plugin"]))


def _comes_with_an_install(case: Case, plugin: str) -> bool:
    planned = case.plan.reference_plugins if case.plan else None
    return planned is not None and plugin in planned.names and not case.is_installed


def _with_plugin(case: Case, plugin: str) -> dict[str, str]:
    """With the reference plugins of the stack, which bring it; another one is for whoever made the network."""
    planned = case.plan.reference_plugins if case.plan else None
    names = list(planned.names) if planned else []
    index = names.index(plugin) if plugin in names else len(names)
    image = (planned.image if planned else "") or "IMAGE_WITH_THE_PLUGINS"
    return {"plugin": plugin, "index": str(index), "image": image}


def _bin_dir(case: Case, facts: Facts) -> str:
    return case.plan.cni_bin_dir if case.plan else facts.cni_bin_dirs.partition(" ")[0]


def network_elsewhere(case: Case) -> Iterator[Occurrence]:
    """A network that is in another namespace than the pod says, in whichever form and annotation it says so."""
    there = [NetworkName(each["metadata"]["namespace"], each["metadata"]["name"]) for each in case.snapshot.networks]
    for pod, message in case.failures_of_multus():
        match = re.search(_NO_NETWORK_FOUND, message)
        if match is None:
            continue
        wrong = NetworkName(match["namespace"], match["name"])
        namespace, _, name = wrong.name.rpartition("/")
        others = sorted(each for each in there if each.name == name)
        others.sort(key=lambda each: each.namespace != namespace)
        for key, own in ((NETWORKS, pod["metadata"]["namespace"]), (DEFAULT_NETWORK, case.networks_namespace)):
            asked = [asked_for(each, own) for each in networks_of(pod, key)]
            if others and wrong in asked:
                values = _annotation(key, asking_for(annotation_of(pod, key), own, wrong, others[0]))
                hint = "; the long form has a key `namespace` of its own" if namespace else ""
                what = f"asks for network {wrong.name} in {wrong.namespace}, and it is {others[0]}{hint}"
                yield _of_pod(pod, what, values)


def no_dhcp_daemon(case: Case) -> Iterator[Occurrence]:
    """The plugin's own words. An install of which the daemon is an argument brings one; else a node starts its own."""
    is_argument = isinstance(case.origin, PulumiInstall | RenderedInstall) and case.is_ours
    for pod, message in case.failures_of_multus():
        if DHCP_SOCKET in message:
            node = pod["spec"].get("nodeName", "")
            values = {"image": _image_of_dhcp(case)}
            if not is_argument and case.has_ssh(node):
                facts = dict(case.facts).get(node, Facts())
                directory = _bin_dir(case, facts) or DEFAULT_PLUGIN_DIRECTORY
                on = case.on(node)
                unit = f"systemd-run --unit=cni-dhcp {directory}/dhcp daemon"
                values["change"] = f"{on} rm -f /run/cni/dhcp.sock\n{on} {unit}"
            elif not is_argument:
                values["change"] = (
                    "# nobody can log in to this node: run the plugin's daemon as a DaemonSet of your own"
                )
            yield _of_pod(pod, readable(message), values)


def _image_of_dhcp(case: Case) -> str:
    """The image that the daemon has unless another one is named, as far as that is known."""
    plan = case.plan
    if plan is not None and plan.reference_plugins is not None and plan.reference_plugins.image:
        return plan.reference_plugins.image
    return plan.image if plan is not None and plan.is_thick else "IMAGE_WITH_A_SHELL"


def namespace_isolation(case: Case) -> Iterator[Occurrence]:
    """Multus' refusal, with the namespaces whose networks everybody may use and one more."""
    known = case.plan.conf.global_namespaces if case.plan else _live_global_namespaces(case)
    for pod, message in case.failures_of_multus():
        said = re.search(r"namespace isolation enabled.* refers to target namespace (?P<namespace>[\w-]+)", message)
        if said:
            allowed = [*(known or ["default"]), said["namespace"]]
            named = {f"conf.globalNamespaces[{index}]": each for index, each in enumerate(allowed)}
            change = case.origin.change({"conf.namespaceIsolation": "true", **named})
            what = f"asks for a network of {said['namespace']}, which namespace isolation refuses"
            yield _of_pod(pod, what, {"change": change, "target": said["namespace"]})


def _live_global_namespaces(case: Case) -> Sequence[str]:
    found: Sequence[str] = arguments_of(case.snapshot).get("conf", {}).get("global_namespaces", ())
    return found
