"""The node program in parts: small ones, with codes that Python knows, and with tricks that a test shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import multus
import multus_ops
from multus.node_program import program_text
from multus_ops import node_program
from multus_ops.doctor.node_codes import NodeCode
from multus_ops.node_program import program_for_people

ROOT = Path(__file__).parents[2]
PARTS = sorted((Path(multus.__file__).parent / "node").glob("*.sh"))
PEOPLES = tuple(Path(multus_ops.__file__).parent / name for name in node_program.PARTS)
TRICKS = ("connection.sh", "give_back.sh", "standby.sh", "stop_entrypoint.sh")
_SAID = re.compile(r"\b(?:error|warn|die|set --) ([a-z]+(?:-[a-z]+)+|disabled|leftover) ")
_FUNCTION = re.compile(r"^([a-z_0-9]+)\(\) \{", re.MULTILINE)


@pytest.mark.parametrize("part", [*PARTS, *PEOPLES], ids=lambda part: part.stem)
def test_a_part_is_read_at_once(part: Path) -> None:
    assert len(part.read_text(encoding="utf-8").splitlines()) < 200


def test_every_part_is_delivered_and_no_comment_is() -> None:
    common = [part for part in PARTS if part.name != "main.sh"]
    for text, parts in ((program_text(), PARTS), (program_for_people(), [*common, *PEOPLES])):
        functions = [name for part in parts for name in _FUNCTION.findall(part.read_text(encoding="utf-8"))]
        assert sorted(_FUNCTION.findall(text)) == sorted(functions)
        # node_json.sh says as JSON what the node program says in sentences.
        twice = {name for name in functions if functions.count(name) > 1}
        assert twice == (set() if parts is PARTS else {"finding", "die", "fact", "conclude"})
        assert text.startswith("#!/bin/sh\n")
        assert not [line for line in text.splitlines() if line.startswith("# ")]


def test_both_sides_know_the_same_codes() -> None:
    said = {code for part in (*PARTS, *PEOPLES) for code in _SAID.findall(part.read_text(encoding="utf-8"))}
    assert said == {code.value for code in NodeCode}


def test_no_finding_is_without_a_code() -> None:
    for part in (*PARTS, *PEOPLES):
        for line in part.read_text(encoding="utf-8").splitlines():
            calls = re.findall(r"(?:^|[ {])(?:error|warn|die) (?=[^\s(])(\S+)", line.partition("# ")[0])
            assert {*calls} <= {code.value for code in NodeCode} | {'"$@"', '"$@";', "api-slow"}, line


def test_nothing_is_evaluated_a_second_time() -> None:
    for part in (*PARTS, *PEOPLES):
        assert not re.search(r"(^|[\s;&|(])eval\s", part.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_says_why_and_which_tests_show_it(name: str) -> None:
    [part] = [part for part in PARTS if part.name == name]
    head = part.read_text(encoding="utf-8").partition("\n\n")[0]
    assert re.search(r"# Source: (Multus|pulumi-command) v\d+\.\d+\.\d+, \S+\.go", head)
    assert "# Without it: " in head
    shown = re.findall(r"test_[a-z_]+", head.partition("# Shown by: ")[2])
    assert shown
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    for test in shown:
        assert re.search(rf"^def {test}\(", tests, re.MULTILINE), test
