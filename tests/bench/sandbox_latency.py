"""How long a runtime needs for a pod's sandbox under each install of Multus: `python -m tests.bench.sandbox_latency`.

    python -m tests.bench.sandbox_latency [--install NAME...] [--count N] [--distro NAME]

Seen from the API a kubelet's own second hides that, so that the runtime is asked by itself. Each install has a cluster
with one node, all of them at the same time, and they take turns: what else the machine does meets each of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from lab.churn.installs import COLUMNS
from lab.churn.pods import NETWORK
from lab.churn.site import Site
from lab.cluster import Cluster
from lab.errors import LabError
from tests.bench.lab_programs import prepare_lab

NONE = "none"
"""No Multus."""
_AT_A_TIME = 10
_POD = "latency"
# Each sandbox is gone before the next one: with its own time, in nanoseconds.
_RUN = """
endpoint=unix://$2
for _ in $(seq "$1"); do
    before=$(date +%s%N)
    sandbox=$(crictl -r "$endpoint" runp "$0") || exit
    echo $(($(date +%s%N) - before))
    crictl -r "$endpoint" stopp "$sandbox" >/dev/null && crictl -r "$endpoint" rmp "$sandbox" >/dev/null || exit
done
"""


@dataclass
class Measured:
    """An install's sandboxes, in seconds: of a pod with the default network alone, and of one with one more."""

    site: Site
    seconds: dict[str | None, list[float]] = field(default_factory=lambda: {None: [], NETWORK: []})

    def measure(self, network: str | None, count: int) -> None:
        """So many sandboxes more."""
        config = f"/run/{_pod_name(network)}.json"
        node = self.site.node
        printed = node.run(["sh", "-c", _RUN, config, str(count), str(node.look.containerd_socket)]).stdout
        self.seconds[network] += [int(line) / 1e9 for line in printed.split()]

    def add_pod(self, network: str | None) -> None:
        """A pod that no node runs: Multus wants to know it, and the runtime gets a sandbox for it."""
        name = _pod_name(network)
        about = {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": network} if network else {}}
        spec = {"schedulingGates": [{"name": "example.com/never"}], "containers": [{"name": "c", "image": "none"}]}
        self.site.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}])
        uid = self.site.kubectl("get", "pod", name, "-o", "jsonpath={.metadata.uid}")
        config = {"metadata": {"name": name, "namespace": "default", "uid": uid}, "linux": {}}
        self.site.node.run(["sh", "-c", 'cat >"$0"', f"/run/{name}.json"], input=json.dumps(config))


def _pod_name(network: str | None) -> str:
    return f"{_POD}-{network or 'alone'}"


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.sandbox_latency", description=(__doc__ or "").splitlines()[0]
    )
    known = [NONE, *COLUMNS]
    installs = [NONE, "upstream-thin", "ours-thin", "upstream-thick", "ours-thick"]
    parser.add_argument("--install", nargs="+", choices=known, default=installs, help="which; by default five")
    parser.add_argument("--count", type=int, default=200, help="sandboxes of each kind; by default 200")
    parser.add_argument("--distro", default="k3s", help="whose file layout the nodes have")
    said = parser.parse_args()
    prepare_lab()
    with ExitStack() as clusters:
        measured = {
            name: _ready(f"sandbox-{number}", name, said.distro, clusters) for number, name in enumerate(said.install)
        }
        for done in range(0, said.count, _AT_A_TIME):
            sys.stderr.write(f"{done} of {said.count}\n")
            for network in (None, NETWORK):
                for each in measured.values():
                    if network in each.seconds:
                        each.measure(network, min(_AT_A_TIME, said.count - done))
        sys.stdout.write(
            "".join(f"{line}\n" for line in table({name: each.seconds for name, each in measured.items()}))
        )


def _ready(instance: str, install: str, distro: str, clusters: ExitStack) -> Measured:
    """A cluster with that install, and a pod of each kind; it is gone when `clusters` is left."""
    sys.stderr.write(f"{install}\n")
    cluster = Cluster(instance)
    clusters.callback(cluster.down)
    cluster.up(distro, 1, recreate=True)
    site = Site(cluster)
    if install == NONE:
        found = Measured(site, {None: []})
    else:
        site.define_network()
        COLUMNS[install].kind(site, COLUMNS[install].plugin).install()
        found = Measured(site)
    for network, seconds in found.seconds.items():
        found.add_pod(network)
        # The first one reads images and plugins from the disk.
        found.measure(network, 1)
        seconds.clear()
    return found


def table(seconds: dict[str, dict[str | None, list[float]]]) -> Iterator[str]:
    """The figures in Markdown, each with what it is of upstream's of the same plugin."""
    yield "| install | pod | sandboxes | median | 90th percentile | slowest | of upstream's median |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, kinds in seconds.items():
        beside = seconds.get(f"upstream-{name.rpartition('-')[2]}", {})
        for network, found in kinds.items():
            theirs = beside.get(network)
            ratio = f"{statistics.median(found) / statistics.median(theirs):.2f}" if theirs else ""
            shown = " | ".join(f"{each:.3f} s" for each in (statistics.median(found), _nineties(found), max(found)))
            yield f"| {name} | {network or 'default network alone'} | {len(found)} | {shown} | {ratio} |"


def _nineties(found: Sequence[float]) -> float:
    return statistics.quantiles(found, n=10)[-1] if len(found) > 1 else found[0]


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
