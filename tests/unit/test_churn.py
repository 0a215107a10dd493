"""What is made of pods that started while something happened."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab.churn import figures
from lab.churn.command import Choice
from lab.churn.disturbances import DISTURBANCES, Promise
from lab.churn.figures import Figures
from lab.churn.installs import COLUMNS
from lab.churn.page import paragraphs, written
from lab.churn.plot import drawn
from lab.churn.pods import Pod, Seen
from lab.churn.sandboxes import Failure, failures_in, kinds
from lab.errors import LabError
from tests.support.lab.churn import judge
from tests.support.paths import DOCS, ROOT

BOTH = {"eth0": "10.42.1.2", "net1": "10.98.0.2"}
# As kubelet 1.37.2 says it.
SAID = (
    'E1128 16:12:01.000000   77 kuberuntime_manager.go:1747] "CreatePodSandbox for pod failed" '
    'err="rpc error: code = Unknown desc = failed to setup network for sandbox \\"{id}\\": '
    'plugin type=\\"multus\\" name=\\"cbr0\\" failed (add): [default/{pod}/u:cbr0]: {why}" pod="default/{pod}"\n'
)


def pod(name: str, *, at: float = 0, network: str | None = "second", **ended: object) -> Pod:
    return Pod(name, network, at, **{"phase": "Succeeded", "began_at": at + 1, "got": BOTH, **ended})  # type: ignore[arg-type]


def test_every_failed_sandbox_is_read_with_its_pod_and_reason() -> None:
    log = "I1128 nothing\n" + "".join(
        SAID.format(id=char * 64, pod=f"churn-1-{n}", why=why)
        for n, (char, why) in enumerate([("a", "no"), ("b", "no"), ("c", "context deadline exceeded")])
    )
    found = failures_in(log)
    assert [failure.pod for failure in found] == ["churn-1-0", "churn-1-1", "churn-1-2"]
    assert 'plugin type="multus"' in found[0].reason
    assert list(kinds(found).values()) == [2, 1]


@pytest.mark.parametrize(
    ("promise", "lost"), [(Promise.ALL, 3), (Promise.LATER, 1), (Promise.EARLIER, 1)], ids=lambda each: str(each)
)
def test_a_pod_is_lost_where_it_was_promised_what_it_lacks(promise: Promise, lost: int) -> None:
    without = {"eth0": "10.42.1.2"}
    seen = Seen([pod("a", at=1, got=without), pod("b", at=5, got=without), pod("c", at=9, got=without), pod("d", at=9)])
    seen.pods.append(pod("e", at=5, network=None, got=without))
    found = figures.of_seen(seen, promise, began=2, ended=8, leaked=[])
    assert (found["lost"], found["pods"]) == (lost, 5)


def test_a_pod_without_even_the_default_network_is_lost_whatever_was_promised() -> None:
    seen = Seen([pod("a", at=5, got={})])
    assert figures.of_seen(seen, Promise.LATER, began=2, ended=8, leaked=[])["lost"] == 1


def test_nothing_that_becomes_of_a_pod_is_dropped() -> None:
    seen = Seen([pod("ran"), pod("waits", phase="Pending", began_at=None, got={}), pod("mute", began_at=None, got={})])
    seen.failures = [Failure("ran", "no"), Failure("ran", "no"), Failure("waits", "never")]
    leaked = ["lab-1 cbr0 10.42.1.9 x", "lab-1 second 10.98.0.9 x", "lab-2 second 10.98.0.9 x"]
    found = figures.of_seen(seen, Promise.ALL, began=0, ended=2, leaked=leaked)
    assert [found[key] for key in ("never_ran", "silent", "failed", "lost")] == [1, 1, 3, 0]
    assert found["reasons"] == {"no": 2, "never": 1}
    assert found["leaked"] == {"cbr0": 1, "second": 2}


def test_latencies_are_of_pods_that_ran() -> None:
    seen = Seen([pod(str(n), at=0, began_at=n / 10) for n in range(1, 101)])
    seen.pods.append(pod("waits", phase="Pending", began_at=None))
    found = figures.of_seen(seen, Promise.ALL, began=0, ended=2, leaked=[])
    assert (found["median"], found["slowest"]) == (5.0, 9.9)


@pytest.mark.parametrize(
    "seen",
    [
        Seen([pod("a", got={"eth0": "10.42.1.2"})]),
        Seen([pod("a", got={"net1": "10.98.0.2"}, network=None)]),
        Seen([pod("a", phase="Pending", began_at=None)]),
        Seen([pod("a", began_at=None)]),
        Seen([pod("a")], unanswered=["ApiException"]),
        Seen([pod("a")], [Failure("a", "no")]),
        Seen([pod(n) for n in "abc"], [Failure(n, "context deadline exceeded") for n in "abc"]),
    ],
)
def test_a_test_fails_on_any_pod_that_noticed_something(seen: Seen) -> None:
    judge(Seen([pod("a"), pod("b", network=None, got={"eth0": "10.42.1.3"})]), ["eth0", "net1"])
    with pytest.raises(AssertionError):
        judge(seen, ["eth0", "net1"])


def figures_of(install: str, disturbance: str, **counts: object) -> Figures:
    return Figures("k3s", install, disturbance, "today", **{"pods": 9, **counts})  # type: ignore[arg-type]


MEASURED = {
    each.key: each
    for each in (
        figures_of("ours-thin", "rotation"),
        figures_of("upstream-thin", "rotation", lost=2, failed=3, reasons={"a | b": 3}, leaked={"cbr0": 1}),
        figures_of("upstream-thin", "adopt", pods=0, missing="it takes nothing over"),
    )
}


def test_a_page_says_what_was_measured_and_what_was_not() -> None:
    page = written("before\n<!-- churn: begin -->old<!-- churn: end -->\nafter\n", MEASURED)
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "old" not in page
    assert "| token rotated | 0 / 0 / 0 / 0 of 9 | **2 / 0 / 3 / 1** of 9 |" in page
    assert "| another argument | not run | not run |" in page
    assert "| upstream's manifest taken over | not run | - |" in page
    assert "| `a / b` |  | 3 |" in page
    assert written(page, MEASURED) == page
    assert "not run" not in "\n".join(list(paragraphs(MEASURED, whole=False))[:2]).split("taken over")[0]


def test_the_drawing_has_a_square_for_each_cell() -> None:
    drawing = ElementTree.fromstring(drawn(MEASURED))  # noqa: S314 # it is ours
    words = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert "2 lost" in words
    assert words.count("not run") == 2 * len(DISTURBANCES) - len(MEASURED) + 1


def test_figures_are_kept(tmp_path: Path) -> None:
    figures.write(tmp_path / "kept.json", MEASURED)
    assert figures.read(tmp_path / "kept.json") == MEASURED
    assert figures.read(tmp_path / "absent.json") == {}


def test_cells_are_chosen_by_their_names_in_the_tables_order() -> None:
    chosen = Choice.of(["upstream-thin", "ours-thin"], ["destroy", "first-install"], None, "today")
    assert (chosen.columns, chosen.rows) == (["ours-thin", "upstream-thin"], ["first-install", "destroy"])
    assert chosen.distros == ["k3s", "vanilla"]
    with pytest.raises(LabError, match="no disturbance is called earthquake: there are first-install"):
        Choice.of(None, ["earthquake"], None, "today")


def test_what_an_install_lacks_is_a_row() -> None:
    assert {row for column in COLUMNS.values() for row in column.kind.missing} <= DISTURBANCES.keys()


def test_the_page_says_what_was_measured_last() -> None:
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    kept = figures.read(ROOT / "tests" / "bench" / "churn.json")
    assert written(page, kept) == page
    assert (DOCS / "img" / "churn.svg").read_text(encoding="utf-8") == drawn(kept)
