"""What args.py says about a default is what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from components.multus import args, resolve
from components.multus.validation import fields_of
from tests.component.arguments import SSH_KEY

PLAN = resolve({"distro": "k3s"})
NODE = resolve(
    {
        "distro": "k3s",
        "nodes": [{"name": "a", "host": "h", "private_key": SSH_KEY, "insecure_ignore_host_key": True}],
    }
).nodes[0]

DEFAULTS: dict[str, Any] = {
    "ImageArgs.repository": PLAN.image.rsplit(":", 1)[0],
    "ImageArgs.tag": PLAN.image.rsplit(":", 1)[1],
    "ImageArgs.digest": None,
    "ImageArgs.pull_policy": PLAN.pull_policy,
    "ImageArgs.pull_secrets": PLAN.pull_secrets,
    "NodeArgs.port": NODE.port,
    "NodeArgs.user": NODE.user,
    "MultusComponentArgs.method": args.Method.MANIFEST,
    "MultusComponentArgs.namespace": PLAN.namespace,
    "MultusComponentArgs.api_server": PLAN.api_server,
    "MultusComponentArgs.nodes": PLAN.nodes,
    "MultusComponentArgs.rotation": PLAN.rotation,
    "MultusComponentArgs.adopt": PLAN.adopt,
    "MultusComponentArgs.live_attachments": PLAN.live_attachments,
    "MultusComponentArgs.timeout_seconds": PLAN.timeout_seconds,
}
# Said in words, and shown by the tests of the plan.
IN_WORDS = {
    "MultusComponentArgs.image",
    "MultusComponentArgs.cni_conf_dir",
    "MultusComponentArgs.cni_bin_dir",
    "NodeArgs.host_key",
    "NodeArgs.insecure_ignore_host_key",
}


def documented() -> dict[str, str]:
    """The docstring under every key of every TypedDict, by `Class.key`."""
    found: dict[str, str] = {}
    for item in ast.parse(Path(args.__file__).read_text(encoding="utf-8")).body:
        if isinstance(item, ast.ClassDef):
            for field, text in zip(item.body, item.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    assert isinstance(text, ast.Expr), f"{item.name}.{field.target.id} has no docstring"
                    found[f"{item.name}.{field.target.id}"] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


DOCUMENTED = documented()


def optional_keys() -> set[str]:
    return {
        f"{typed_dict.__name__}.{key}"
        for typed_dict in (args.ImageArgs, args.NodeArgs, args.MultusComponentArgs)
        for key in typed_dict.__optional_keys__
    }


def said(text: str) -> Any:
    match = re.search(r"Defaults to (`(?P<literal>[^`]+)`|(?P<word>none|true|false|\d+))[ .,]", text + " ")
    assert match, text
    if match["literal"]:
        return match["literal"]
    return (
        {"none": None, "true": True, "false": False}.get(match["word"])
        if not match["word"].isdigit()
        else int(match["word"])
    )


def test_every_key_is_documented() -> None:
    expected = {
        f"{typed_dict.__name__}.{key}"
        for typed_dict in (args.ImageArgs, args.NodeArgs, args.MultusComponentArgs)
        for key in fields_of(typed_dict)
    }
    assert set(DOCUMENTED) == expected


def test_every_optional_key_is_compared_or_said_in_words() -> None:
    assert set(DEFAULTS) | IN_WORDS == optional_keys()
    assert not set(DEFAULTS) & IN_WORDS


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_documented_default_is_the_codes(key: str) -> None:
    assert said(DOCUMENTED[key]) == (DEFAULTS[key] if DEFAULTS[key] != () else None)


def test_default_method_is_the_one_that_is_not_refused() -> None:
    assert resolve({"distro": "k3s", "method": DEFAULTS["MultusComponentArgs.method"]}) == PLAN
