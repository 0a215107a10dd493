"""The chart's README: what values.yaml says of each value, for people who read, in helm-docs' form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from generate import CHART

README = CHART / "README.md"
_MARK = "<!-- values.yaml, written by `make generate` -->\n"
_COMMENT = "# -- "


def table() -> str:
    """The table as it has to be."""
    rows = [f"| `{key}` | {kind} | {default} | {about} |" for key, kind, default, about in _rows()]
    return "\n".join(["| Key | Type | Default | Description |", "| --- | --- | --- | --- |", *rows, ""])


def written() -> str:
    """The README with the table as it has to be."""
    text = README.read_text(encoding="utf-8")
    before, mark, _ = text.partition(_MARK)
    assert mark, f"{README} has lost the mark before its table"
    return f"{before}{mark}\n{table()}"


def descriptions() -> dict[str, str]:
    """What the comment over each value says, by the value's path."""
    found: dict[str, str] = {}
    parents: list[str] = []
    said: list[str] = []
    for line in (CHART / "values.yaml").read_text(encoding="utf-8").splitlines():
        text = line.strip()
        key = re.match(r"( *)([A-Za-z]+):", line)
        if text.startswith(_COMMENT):
            said = [text.removeprefix(_COMMENT)]
        elif text.startswith("# ") and said:
            said.append(text.removeprefix("# "))
        elif key:
            parents = [*parents[: len(key[1]) // 2], key[2]]
            if said:
                found[".".join(parents)] = " ".join(said)
            said = []
    return found


def leaves(values: dict[str, Any], described: dict[str, str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that a user may set: what a comment describes, or what is no group."""
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and here not in described:
            yield from leaves(value, described, here)
        else:
            yield here, value


def _rows() -> Iterator[tuple[str, str, str, str]]:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    said = descriptions()
    names = {str: "string", bool: "bool", int: "int", list: "list", dict: "object"}
    for key, value in leaves(values, said):
        shown = "see values.yaml" if isinstance(value, str) and "\n" in value else f"`{json.dumps(value)}`"
        yield key, names[type(value)], shown, said[key].replace("|", "\\|")
