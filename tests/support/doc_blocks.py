"""The fenced blocks of the documentation, and what is said about each: what runs it, or why nothing does.

A block in `sh`, `yaml`, `json`, `python`, `typescript` or `go` is checked without a cluster. A comment right above it
says more:

    <!-- run: lab -->                     it is run on the lab too, in the page's order
    <!-- run: lab at last -->             and after what other pages do on the same cluster
    <!-- run: lab, prints: net1 -->       and has to print this
    <!-- run: lab, fails: reserved -->    and has to end with an error that says this
    <!-- not run: why -->                 it is not even checked
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import DOCS, ROOT

PAGES = [*sorted(DOCS.glob("**/*.md")), ROOT / "README.md", *sorted((ROOT / "examples").glob("**/README.md"))]
CHECKED = ("sh", "yaml", "json", "python", "typescript", "go")
# What a program prints, and drawings.
UNCHECKED = ("text", "mermaid")

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+) *(?P<language>[\w-]*)(?P<more>.*)$")
_MARK = re.compile(r"^ *<!-- *(?P<verb>run|not run): *(?P<text>.*?) *-->$")
_LAB = re.compile(r"^lab(?P<last> at last)?(?:, (?P<ending>prints|fails): (?P<words>.+))?$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the file.
        line: the line of its fence.
        language: the first word after the fence.
        text: its content.
        on_lab: whether the lab runs it.
        last: whether after what other pages do there.
        prints: what it then has to print.
        fails: what the error that it has to end with says.
        reason: why it is not even checked.
    """

    page: Path
    line: int
    language: str
    text: str
    on_lab: bool = False
    last: bool = False
    prints: str | None = None
    fails: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """A page's blocks in order."""
    yield from blocks_in(page.read_text(encoding="utf-8"), page)


def blocks_in(text: str, page: Path) -> Iterator[Block]:
    """The blocks of a text; an AssertionError where a block is not closed or its comment is not understood."""
    lines = iter(enumerate(text.splitlines(), 1))
    above = ""
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            above = line if line.strip() else above
            continue
        content = []
        for _, inner in lines:
            if inner.strip() == opening["fence"]:
                break
            content.append(inner)
        else:
            raise AssertionError(f"{page}:{number}: the block is not closed")
        body = textwrap.dedent("\n".join(content)) + "\n"
        yield Block(page, number, opening["language"], body, **_said(above, f"{page}:{number}"))
        above = ""


def _said(above: str, where: str) -> dict[str, Any]:
    mark = _MARK.match(above)
    if mark is None:
        return {}
    if mark["verb"] == "not run":
        return {"reason": mark["text"]}
    lab = _LAB.match(mark["text"])
    assert lab, f"{where}: write `run: lab`, not `run: {mark['text']}`"
    return {"on_lab": True, "last": lab["last"] is not None, **({lab["ending"]: lab["words"]} if lab["ending"] else {})}


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
