"""What befalls an install, a cluster or a node: the rows of the table, one function each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from lab.churn.installs import Install, Upstream
from lab.churn.pods import Churn
from lab.churn.site import Site
from lab.images import MULTUS_THICK_EARLIER, MULTUS_THIN_EARLIER
from lab.node import Node

_SECONDS_AWAY = 60
_WAITING_PODS = 20
_PENDING_PODS = 6
_PODS_WITHOUT_SERVICES = 5
_PROGRAMS = ("thin_entrypoint", "multus-daemon")
"""What a pod of Multus runs, as /proc/PID/comm says it."""


class Promise(Enum):
    """Which pods an install has promised what they ask for."""

    ALL = "all"
    LATER = "those asked for once it had ended"
    EARLIER = "those asked for before it began"


class Start(Enum):
    """What there is before."""

    NOTHING = "no Multus"
    INSTALLED = "the install"
    UPSTREAM = "upstream's manifest"


@dataclass(frozen=True)
class Disturbance:
    """A row.

    Attributes:
        name: how it is asked for.
        title: how it is written.
        disturb: does it to an install, while pods come and go.
        nodes: how many the cluster has.
        churned: how many of them, the first ones, pods come and go on.
        start: what there is before.
        promise: which pods count as lost that run without what they ask for.
        before: what has to be done to a new cluster before there is anything.
        prepare: what has to be done before, which is not measured.
        ends_it: whether there is no such install afterwards.
    """

    name: str
    title: str
    disturb: Callable[[Install, Churn], None]
    nodes: int = 1
    churned: int = 1
    start: Start = Start.INSTALLED
    promise: Promise = Promise.ALL
    before: Callable[[Site], None] = lambda _: None
    prepare: Callable[[Install], None] = lambda _: None
    ends_it: bool = False


def _first_install(install: Install, _: Churn) -> None:
    install.install()


def _argument_change(install: Install, _: Churn) -> None:
    install.change_argument()


def _load_earlier(install: Install) -> None:
    install.site.load_earlier_release()


def _release_and_back(install: Install, _: Churn) -> None:
    install.release({"thin": MULTUS_THIN_EARLIER, "thick": MULTUS_THICK_EARLIER}[install.plugin])
    install.release(None)


def _restart(install: Install, _: Churn) -> None:
    install.site.restart_multus()


def _kill(install: Install, _: Churn) -> None:
    """Whatever Multus runs on the node besides what the runtime calls."""
    names = "|".join(_PROGRAMS)
    kill = f"case $(cat $p/comm) in {names}) kill -9 ${{p#/proc/}}; killed=yes ;; esac"
    install.site.node.run(["sh", "-c", f"for p in /proc/[0-9]*; do {kill}; done 2>/dev/null; [ $killed ]"])
    install.site.await_served()


def _runtime_restart(install: Install, _: Churn) -> None:
    install.site.node.restart_runtime()


def _kubelet_restart(install: Install, _: Churn) -> None:
    install.site.node.restart_kubelet()


def _graceful_reboot(install: Install, _: Churn) -> None:
    install.site.node.shut_down()
    _boot(install)


def _hard_reboot(install: Install, churn: Churn) -> None:
    churn.burst(_PENDING_PODS, nodeName=install.site.node.name)
    install.site.node.stop()
    _boot(install)


def _boot(install: Install) -> None:
    install.site.node.start()
    install.site.cluster.await_ready()
    install.site.await_served()


def _api_away(install: Install, churn: Churn) -> None:
    """Pods that a kubelet has just heard of are in the middle of it."""
    cluster = install.site.cluster
    churn.burst(_PENDING_PODS, nodeName=install.site.node.name)
    with cluster.control_plane.without_api_server(cluster.programs):
        time.sleep(_SECONDS_AWAY)
    cluster.await_ready()


def _no_kube_proxy(install: Install, churn: Churn) -> None:
    with install.site.node.without_services():
        churn.await_asked(_PODS_WITHOUT_SERVICES)


def _rotation(install: Install, _: Churn) -> None:
    install.rotate()


def _secret_deleted(install: Install, _: Churn) -> None:
    install.lose_token()


def _without_second_node(site: Site) -> None:
    second = site.cluster.nodes[1]
    second.wipe()
    site.kubectl("delete", "node", second.name)


def _join(install: Install, churn: Churn) -> None:
    second = install.site.cluster.nodes[1]
    churn.burst(_WAITING_PODS, nodeSelector={"kubernetes.io/hostname": second.name})
    second.start()
    install.site.cluster.await_ready()
    install.site.await_served()


def _leave(install: Install, _: Churn) -> None:
    second = install.site.cluster.nodes[1]
    second.stop()
    install.site.kubectl("delete", "node", second.name)
    install.forget_node(second.name)


def _network_rewritten(install: Install, churn: Churn) -> None:
    """As an upgrade of the CNI writes it: another MTU, by a file that takes the other's place; and back."""
    node: Node = install.site.node
    path = str(node.look.conf_dir / node.look.network_file)
    before = node.run(["cat", path]).stdout
    conf = json.loads(before)
    conf["plugins"][0]["mtu"] = 1400
    _put(node, path, json.dumps(conf))
    churn.await_asked(_PODS_WITHOUT_SERVICES)
    _put(node, path, before)


def _put(node: Node, path: str, text: str) -> None:
    node.run(["sh", "-c", 'cat > "$0.new" && mv "$0.new" "$0"', path], input=text)


def _prepare_removal(install: Install) -> None:
    install.prepare_removal()


def _destroy(install: Install, _: Churn) -> None:
    install.remove()


def _killed_midway(install: Install, _: Churn) -> None:
    install.killed_midway()


def _adopt(install: Install, _: Churn) -> None:
    install.adopt()


def _method_switch(install: Install, _: Churn) -> None:
    install.switch_method()


def _plugin_switch(install: Install, _: Churn) -> None:
    install.switch_plugin()


_ROWS = (
    Disturbance("first-install", "first install", _first_install, start=Start.NOTHING, promise=Promise.LATER),
    Disturbance("argument-change", "another argument", _argument_change),
    Disturbance("daemonset-restart", "restart of the DaemonSet", _restart),
    Disturbance("pod-killed", "Multus' process killed with -9", _kill),
    Disturbance("runtime-restart", "containerd restarted", _runtime_restart),
    Disturbance("kubelet-restart", "kubelet restarted", _kubelet_restart),
    Disturbance("reboot-graceful", "node rebooted", _graceful_reboot),
    Disturbance("reboot-hard", "node loses its current, pods pending", _hard_reboot),
    Disturbance("no-kube-proxy", "kube-proxy gone", _no_kube_proxy),
    Disturbance("api-away", "API server away for 60 s", _api_away),
    Disturbance("network-rewritten", "default network's file rewritten", _network_rewritten),
    Disturbance("rotation", "token rotated", _rotation),
    Disturbance("secret-deleted", "token's Secret deleted, and mended", _secret_deleted),
    Disturbance("killed-midway", "`up` killed midway, and repeated", _killed_midway),
    Disturbance("method-switch", "to Helm and back", _method_switch),
    Disturbance("plugin-switch", "to the other plugin and back", _plugin_switch),
    Disturbance("upgrade", "to v4.2.4 and back", _release_and_back, prepare=_load_earlier),
    Disturbance("destroy", "removal", _destroy, promise=Promise.EARLIER, prepare=_prepare_removal, ends_it=True),
    Disturbance("adopt", "upstream's manifest taken over", _adopt, start=Start.UPSTREAM),
    Disturbance("node-leaves", "a node leaves", _leave, nodes=2, ends_it=True),
    Disturbance("node-joins", "a node joins, 20 pods waiting", _join, nodes=2, before=_without_second_node),
)
DISTURBANCES = {row.name: row for row in _ROWS}


def start(disturbance: Disturbance, install: Install) -> None:
    """Bring a new cluster to what there is before that disturbance."""
    if disturbance.start is Start.INSTALLED:
        install.install()
    elif disturbance.start is Start.UPSTREAM:
        Upstream(install.site, install.plugin).install()
