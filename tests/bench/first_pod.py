"""How long it takes from nothing installed to the first pod with a second interface: `python -m tests.bench.first_pod`.

    python -m tests.bench.first_pod [--plugin thin|thick] [--rounds N] [--distro NAME]

By `kubectl apply` of upstream's manifest and a wait, and by `pulumi up`; beside it the `up` of a program without
resources, which is what Pulumi itself takes. Each round begins with a new cluster, on which nothing has to be pulled.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lab.churn.installs import Install, Ours, Upstream
from lab.churn.pods import NETWORK
from lab.churn.site import Site, network
from lab.cluster import Cluster
from lab.engine import Stack
from lab.errors import LabError
from lab.images import BUSYBOX
from tests.bench.hundred_nodes import comparisons
from tests.bench.lab_programs import prepare_lab

_POD = "first"
EMPTY, THEIRS, OURS = "empty", "upstream", "ours"
Parts = Mapping[str, float]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.first_pod", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--plugin", choices=["thin", "thick"], default="thin")
    parser.add_argument("--rounds", type=int, default=3, help="how often each; by default 3 times")
    parser.add_argument("--distro", default="k3s", help="whose file layout the nodes have")
    said = parser.parse_args()
    prepare_lab()
    cluster = Cluster("first-pod")
    rounds: dict[str, list[Parts]] = {EMPTY: [], THEIRS: [], OURS: []}
    try:
        for number in range(said.rounds):
            sys.stderr.write(f"round {number + 1} of {said.rounds}\n")
            for name, kind in ((THEIRS, Upstream), (OURS, Ours)):
                cluster.up(said.distro, 1, recreate=True)
                site = Site(cluster)
                if name == OURS:
                    rounds[EMPTY].append({"up": _empty_up(cluster)})
                rounds[name].append(dict(_first_pod(site, kind(site, said.plugin))))
    finally:
        cluster.down()
    sys.stdout.write("".join(f"{line}\n" for line in table(rounds)))


def _empty_up(cluster: Cluster) -> float:
    with tempfile.TemporaryDirectory(prefix="multus-bench-") as scratch:
        program = comparisons.write(Path(scratch) / "program", comparisons.EMPTY)
        stack = Stack(cluster, cluster.programs, "empty", os.environ.get("LAB_PLUGINS", "auto"), program=program)
        stack.prepare()
        return _seconds(lambda: stack.up().check())


def _first_pod(site: Site, install: Install) -> Iterator[tuple[str, float]]:
    """Each part and its seconds, one after the other as people wait for them."""
    if isinstance(install, Ours):
        install.stack.prepare()
    yield "install", _seconds(install.install)
    yield "network", _seconds(lambda: site.apply([network()]))
    yield "pod", _seconds(lambda: _run_pod(site))


def _run_pod(site: Site) -> None:
    """Returns when a pod has ended that has seen its second interface; it ends badly without one.

    Raises:
        LabError: it did.
    """
    look = {"name": "look", "image": BUSYBOX, "command": ["ip", "addr", "show", "net1"]}
    about = {"name": _POD, "annotations": {"k8s.v1.cni.cncf.io/networks": NETWORK}}
    spec = {"restartPolicy": "Never", "containers": [look]}
    site.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}])
    site.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{_POD}", "--timeout=60s")


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def table(rounds: Mapping[str, list[Parts]]) -> Iterator[str]:
    """The medians in Markdown, and what ours is of upstream's with Pulumi's own time added."""
    yield "| | installed | network defined | pod with net1 | together |"
    yield "| --- | --- | --- | --- | --- |"
    whole = {name: statistics.median(sum(parts.values()) for parts in found) for name, found in rounds.items()}
    for name, title in ((THEIRS, "`kubectl apply` of upstream's manifest"), (OURS, "`pulumi up`")):
        parts = (statistics.median(each[part] for each in rounds[name]) for part in ("install", "network", "pod"))
        yield f"| {title} | {' | '.join(f'{each:.1f} s' for each in (*parts, whole[name]))} |"
    yield f"| `pulumi up` of a program without resources | {whole[EMPTY]:.1f} s | | | |"
    yield ""
    ours, beside = whole[OURS], whole[THEIRS] + whole[EMPTY]
    yield f"{ours:.1f} s are {ours / beside:.2f} of upstream's and an empty program's {beside:.1f} s."


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
