from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.engine_events import Done, read

URN = "urn:pulumi:lab::multus::multus:index:MultusComponent$kubernetes:core/v1:Secret::multus-token"
DEFAULT = "urn:pulumi:lab::multus::pulumi:providers:command::default_1_2_1"


def step(operation: str, kind: str = "resOutputsEvent") -> dict[str, Any]:
    return {kind: {"metadata": {"op": operation, "urn": URN, "type": "kubernetes:core/v1:Secret"}}}


def test_what_ended_well_is_told_in_order_with_the_counts(tmp_path: Path) -> None:
    events = [
        {"preludeEvent": {"config": {}}},
        step("create-replacement", "resourcePreEvent"),
        step("create-replacement"),
        step("same"),
        {"resOutputsEvent": {"metadata": {"op": "create", "urn": DEFAULT, "type": "pulumi:providers:command"}}},
        step("update", "resOpFailedEvent"),
        step("delete-replaced"),
        {"summaryEvent": {"resourceChanges": {"same": 3, "replace": 1, "update": 0}}},
    ]
    file = tmp_path / "events.json"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    done = read(file)
    assert done.changes == {"same": 3, "replace": 1}
    assert done.steps == (("multus-token", "create-replacement"), ("multus-token", "delete-replaced"))
    assert done.resources == {"multus-token"}


def test_the_log_of_a_killed_run_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps(step("create")) + "\n" + json.dumps(step("update"))[:20])
    assert read(file).steps == (("multus-token", "create"),)


def test_a_run_that_never_began_has_no_log(tmp_path: Path) -> None:
    assert read(tmp_path / "events.json") == Done()
