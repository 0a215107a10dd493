"""Measuring cells: a column's rows one after the other, on a cluster that is made anew where it has to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from lab.churn import figures
from lab.churn.addresses import leaked, leaked_since
from lab.churn.disturbances import DISTURBANCES, Disturbance, Start, start
from lab.churn.figures import Figures
from lab.churn.installs import COLUMNS, Column, Install
from lab.churn.pods import churned
from lab.churn.site import Site
from lab.cluster import Cluster
from lab.errors import LabError

_BEFORE, _AFTER = 3, 5
"""How many pods are asked for before a disturbance begins, and after it has ended."""
_PATIENCE = 90


class Cells:
    """Measures cells of one kind of cluster, on a lab of its own."""

    def __init__(
        self, instance: str, distro: str, ground: str, say: Callable[[str], None], *, keep: bool = False
    ) -> None:
        """Measure on that lab.

        Args:
            instance: its name.
            distro: whose file layout its nodes have.
            ground: the software that they stand on.
            say: told of each cell that is begun.
            keep: whether the lab runs already, without Multus, and goes on.
        """
        self._cluster = Cluster(instance)
        self._distro, self._ground, self._say, self._keep = distro, ground, say, keep
        self._untouched = keep
        self._install: Install | None = None
        """What is there and serves, on one node."""

    def measure(self, columns: Sequence[str], rows: Sequence[str]) -> Iterator[Figures]:
        """The figures of these rows in each of these columns; the lab is gone afterwards."""
        try:
            for column in columns:
                self._install = None
                for row in rows:
                    yield self._cell(COLUMNS[column], DISTURBANCES[row])
        finally:
            if not self._keep:
                self._cluster.down()

    def _cell(self, column: Column, row: Disturbance) -> Figures:
        about: dict[str, Any] = {"distro": self._distro, "ground": self._ground}
        about |= {"install": column.name, "disturbance": row.name}
        self._say(f"{self._distro}, {column.title}: {row.title}")
        missing = column.kind.missing.get(row.name)
        if missing:
            return Figures(**about, missing=missing)
        try:
            return Figures(**about, **self._measured(column, row))
        except LabError as error:
            self._install = None
            return Figures(**about, error=f"not measured: {error}")

    def _measured(self, column: Column, row: Disturbance) -> dict[str, Any]:
        install = self._made_ready(column, row)
        nodes = self._cluster.nodes
        row.prepare(install)
        before = leaked(nodes)
        with churned(self._cluster, [node.name for node in nodes[: row.churned]], patience=_PATIENCE) as churn:
            churn.await_asked(_BEFORE)
            began = time.clock_gettime(time.CLOCK_BOOTTIME)
            error = _failure(partial(row.disturb, install, churn))
            ended = time.clock_gettime(time.CLOCK_BOOTTIME)
            churn.await_asked(_AFTER)
        found = figures.of_seen(churn.seen, row.promise, began, ended, leaked_since(nodes, before))
        sound = not error and not found["never_ran"] and not row.ends_it and row.nodes == 1
        self._install = install if sound else None
        return {**found, "error": error}

    def _made_ready(self, column: Column, row: Disturbance) -> Install:
        """The install as the row wants it before: the one that is there, or on a new cluster."""
        if self._install and row.start is Start.INSTALLED and row.nodes == 1:
            return self._install
        self._install = None
        self._cluster.up(self._distro, row.nodes, ground=self._ground, recreate=not self._untouched)
        self._untouched = False
        site = Site(self._cluster)
        row.before(site)
        site.define_network()
        install = column.kind(site, column.plugin)
        start(row, install)
        return install


def _failure(disturb: Callable[[], None]) -> str:
    """Why it has failed; what the pods say counts all the same."""
    try:
        disturb()
    except LabError as error:
        return str(error)
    return ""
