"""What was measured, one set of figures for each install, disturbance and kind of cluster."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from lab.churn.disturbances import Promise
from lab.churn.pods import Pod, Seen
from lab.churn.sandboxes import kinds

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Figures:
    """The figures of one cell.

    Attributes:
        distro: whose file layout the nodes have.
        install: the column.
        disturbance: the row.
        ground: what the nodes stand on.
        day: when.
        missing: why there are no figures: the install has no such thing.
        error: why the disturbance itself has failed.
        pods: how many were asked for.
        promised: how many of them an interface was promised.
        lost: pods that ran without an interface that they were promised.
        never_ran: pods that never ran.
        silent: pods that ended without saying what they had.
        failed: failed sandboxes.
        reasons: how often each reason was given for those.
        leaked: addresses that stay reserved for no sandbox, by network.
        unanswered: requests for pods that the API server did not take.
        median: the median of the time from a request to the pod's program, in seconds.
        slowest: its 99th percentile.
        took: how long the disturbance took, in seconds.
    """

    distro: str
    install: str
    disturbance: str
    ground: str
    day: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")
    missing: str = ""
    error: str = ""
    pods: int = 0
    promised: int = 0
    lost: int = 0
    never_ran: int = 0
    silent: int = 0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    leaked: Mapping[str, int] = field(default_factory=dict)
    unanswered: int = 0
    median: float = 0.0
    slowest: float = 0.0
    took: float = 0.0

    @property
    def key(self) -> Key:
        """Which cell they are of."""
        return self.distro, self.disturbance, self.install


def of_seen(seen: Seen, promise: Promise, began: float, ended: float, leaked: Iterable[str]) -> dict[str, object]:
    """The figures that pods give.

    Args:
        seen: what happened to them.
        promise: which of them were promised what they ask for.
        began: when the disturbance began, on their clock.
        ended: when it ended.
        leaked: addresses as `addresses.leaked` names them.
    """
    promised = [pod for pod in seen.pods if _is_promised(pod, promise, began, ended)]
    latencies = seen.latencies
    return {
        "pods": len(seen.pods),
        "promised": len(promised),
        "lost": sum(pod.lacks(["eth0", "net1"] if pod.network else ["eth0"]) for pod in promised)
        + sum(pod.lacks(["eth0"]) for pod in seen.pods if pod not in promised),
        "never_ran": len(seen.never_ran),
        "silent": len(seen.silent),
        "failed": len(seen.failures),
        "reasons": kinds(seen.failures),
        "leaked": dict(Counter(each.split()[1] for each in leaked)),
        "unanswered": len(seen.unanswered),
        "median": round(_percentile(latencies, 50), 2),
        "slowest": round(_percentile(latencies, 99), 2),
        "took": round(ended - began, 1),
    }


def _is_promised(pod: Pod, promise: Promise, began: float, ended: float) -> bool:
    if promise is Promise.LATER:
        return pod.asked_at > ended
    return promise is Promise.ALL or pod.asked_at < began


def _percentile(ordered: list[float], percent: float) -> float:
    """The least value that so many of them do not exceed."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def read(file: Path) -> dict[Key, Figures]:
    """What was measured before."""
    found = [Figures(**each) for each in json.loads(file.read_text())] if file.exists() else []
    return {each.key: each for each in found}


def write(file: Path, figures: Mapping[Key, Figures]) -> None:
    """Keep what was measured."""
    ordered = [asdict(figures[key]) for key in sorted(figures)]
    file.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
