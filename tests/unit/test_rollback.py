"""Which update a rollback goes back to, and what it changes for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multus_ops.rollback import RollbackError, choose, compare


def config(**settings: Any) -> dict[str, dict[str, Any]]:
    """A configuration as `pulumi config --json` prints it."""
    found: dict[str, dict[str, Any]] = {"multus:kubeconfig": {"secret": True}}
    for key, value in settings.items():
        whole = {"value": value} if isinstance(value, str) else {"value": json.dumps(value), "objectValue": value}
        found[f"multus:{key}"] = {**whole, "secret": False}
    return found


def run(time: str, result: Any = "succeeded", kind: Any = "update", **settings: Any) -> dict[str, Any]:
    return {"version": 0, "startTime": time, "kind": kind, "result": result, "config": config(**settings)}


A: dict[str, Any] = {"distro": "k3s"}
B: dict[str, Any] = {"distro": "k3s", "image": {"tag": "v4.2.4"}}
BAD: dict[str, Any] = {"distro": "k3s", "image": {"tag": "x"}}


def test_after_a_failure_the_last_that_succeeded() -> None:
    history = [run("3", "failed", **BAD), run("2", **B), run("1", **A)]
    assert choose(history, config(**BAD))["startTime"] == "2"


def test_after_a_failure_the_last_that_succeeded_also_when_it_is_written_back_already() -> None:
    history = [run("3", "failed", **BAD), run("2", **B), run("1", **A)]
    assert choose(history, config(**B))["startTime"] == "2"


def test_after_several_failures_the_last_that_succeeded() -> None:
    history = [run("4", "failed", **BAD), run("3", "in-progress", **BAD), run("2", **B), run("1", **A)]
    assert choose(history, config(**BAD))["startTime"] == "2"


def test_after_a_success_the_one_before() -> None:
    history = [run("3", **B), run("2", **B), run("1", **A)]
    assert choose(history, config(**B))["startTime"] == "1"


def test_before_an_update_the_one_that_runs() -> None:
    history = [run("2", **B), run("1", **A)]
    assert choose(history, config(**BAD))["startTime"] == "2"


def test_refreshes_and_renames_count_for_nothing() -> None:
    history = [run("3", "failed", "refresh", **B), run("2", **B), run("1", **A)]
    assert choose(history, config(**B))["startTime"] == "1"


@pytest.mark.parametrize("name", ["1", "v"])
def test_a_named_one(name: str) -> None:
    history = [run("3", "failed", **BAD), run("2", **B), {**run("0", **A), "version": name}]
    assert choose(history, config(**BAD), name)["config"] == config(**A)


@pytest.mark.parametrize(
    ("history", "to", "reason"),
    [
        ([], None, "No update of this stack has succeeded yet"),
        ([run("1", "failed", **A)], None, "No update of this stack has succeeded yet"),
        ([run("2", kind="destroy", **A), run("1", **A)], None, "was destroyed last"),
        ([run("2", **A), run("1", **A)], None, "had the configuration that the stack has now"),
        ([run("2", "failed", **B), run("1", **A)], "2", "No update named 2 has succeeded; the last that did: 1."),
    ],
    ids=["new", "failed", "destroyed", "same", "named"],
)
def test_why_there_is_no_way_back(history: list[dict[str, Any]], to: str | None, reason: str) -> None:
    with pytest.raises(RollbackError, match=reason):
        choose(history, config(**A), to)


def test_what_changes() -> None:
    now = config(distro="k3s", image={"tag": "v4.2.4"}, log={"level": "debug"})
    then = config(distro="k3s", image={"tag": "v4.3.0"}, namespace="net")
    assert [(each.key, each.now, each.then) for each in compare(now, then)] == [
        ("multus:image", {"tag": "v4.2.4"}, {"tag": "v4.3.0"}),
        ("multus:log", {"level": "debug"}, None),
        ("multus:namespace", None, "net"),
    ]


def test_rotation_never_goes_back_and_adopt_never_comes_back() -> None:
    now, then = config(rotation="2"), config(rotation="1", adopt="true")
    assert compare(now, then) == ()
    assert [(each.key, each.then) for each in compare(config(adopt="true"), config())] == [("multus:adopt", None)]


def test_secrets_and_other_projects_stay_as_they_are() -> None:
    now, then = config(context="a"), config(context="b")
    now["multus:kubeconfig"] = {"secret": True, "value": "new"}
    then["other:key"] = {"value": "x", "secret": False}
    then["multus:log"] = {"secret": True}
    assert compare(now, then) == ()
