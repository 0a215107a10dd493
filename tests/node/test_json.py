"""The JSON reader of the node program against Python's, with the awk of a small distribution and with mawk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import multus.node_steps

_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=10,
)
_LAYOUTS = st.fixed_dictionaries({"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 0, 2, "\t"])})
_PIECES = st.sampled_from([*'{}[]",:\\ \t\n\r\x01-+.0123eE', "\\u12", "\\x", "true", "nul", "NaN", "//", "''", "é"])
_CONFIGURATION = {
    "cniVersion": "1.0.0",
    "name": "cbr0",
    "plugins": [{"type": "multus", "delegates": [{"name": "cbr0", "plugins": []}], "kubeconfig": "/a/b"}],
}

bounded = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


PART = Path(multus.node_steps.__file__).parent / "node" / "json.sh"


def read(shell: tuple[list[str], str], text: str) -> tuple[int, str]:
    words, tools = shell
    done = subprocess.run(
        [*words, "-c", f'. "{PART}"; export LC_ALL=C; json -'],
        input=text.encode(),
        capture_output=True,
        env={"PATH": tools},
        check=False,
        timeout=20,
    )
    return done.returncode, done.stdout.decode()


def leaves(value: Any, *, ensure_ascii: bool, path: str = "") -> Iterator[str]:
    """What the reader should print."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = json.dumps(key, ensure_ascii=ensure_ascii)[1:-1]
            yield from leaves(item, ensure_ascii=ensure_ascii, path=f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, ensure_ascii=ensure_ascii, path=f"{path}/{index}")
    else:
        yield f"{path}={json.dumps(value, ensure_ascii=ensure_ascii)}\n"


def is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@bounded
@example(document=_CONFIGURATION, layout={"ensure_ascii": True, "indent": 2})
@example(document={"": [{}, [], {"a b": None}]}, layout={"ensure_ascii": False, "indent": None})
@given(document=_DOCUMENTS, layout=_LAYOUTS)
def test_reader_flattens_what_python_reads(shell: tuple[list[str], str], document: Any, layout: dict[str, Any]) -> None:
    status, printed = read(shell, json.dumps(document, **layout))
    assert status == 0
    assert printed == "".join(leaves(document, ensure_ascii=layout["ensure_ascii"]))


@bounded
@given(
    document=_DOCUMENTS | st.just(_CONFIGURATION),
    place=st.floats(0, 1),
    taken=st.integers(0, 2),
    put=st.just("") | _PIECES,
)
def test_reader_refuses_what_python_refuses(
    shell: tuple[list[str], str], document: Any, place: float, taken: int, put: str
) -> None:
    text = json.dumps(document)
    at = int(place * len(text))
    mutated = text[:at] + put + text[at + taken :]
    assert (read(shell, mutated)[0] == 0) is is_json(mutated)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "[1,]",
        '{"a":1,}',
        "{'a':1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1 2",
        "nul",
        '"\t"',
        '"\\x"',
        "[}",
        "//",
        "NaN",
    ],
)
def test_reader_refuses(shell: tuple[list[str], str], text: str) -> None:
    assert not is_json(text)
    assert read(shell, text)[0] != 0


# Each as the reader prints it where it stands for itself.
_TOKENS = ('"a"', "-12345678901234567890.5e-3", "true", "null", '"\\u00e9\\n"')


@bounded
@given(blanks=st.integers(0, 700), length=st.integers(0, 700), token=st.sampled_from(_TOKENS))
def test_no_token_is_cut_where_the_window_ends(
    shell: tuple[list[str], str], blanks: int, length: int, token: str
) -> None:
    """The reader sees a part of a long line at a time."""
    text = f'[{" " * blanks}{token},"{"x" * length}",{{"k":[{token} ]}}]'
    assert read(shell, text) == (0, f'/0={token}\n/1="{"x" * length}"\n/2/k/0={token}\n')


def test_leaf_is_found_by_its_whole_path(shell: tuple[list[str], str]) -> None:
    words, tools = shell
    text = r'{"a.b": "x \"y\"", "axb": 1, "a": {"b": "z=1"}, "n": -2.5}'
    for path, value in (("/a.b", r"x \"y\""), ("/axb", "1"), ("/a/b", "z=1"), ("/n", "-2.5"), ("/a", "")):
        command = f'. "{PART}"; export LC_ALL=C; json - | leaf {path}'
        done = subprocess.run(
            [*words, "-c", command], input=text, text=True, capture_output=True, env={"PATH": tools}, check=True
        )
        assert done.stdout.rstrip("\n") == value
