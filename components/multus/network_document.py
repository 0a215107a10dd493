"""A CNI configuration that somebody wrote as text. Pure."""

from __future__ import annotations

import json
from typing import Any

from .errors import Problem
from .network_conf import Conf


class _TwiceError(ValueError):
    """A key stands twice, of which JSON readers take the last."""


def parsed(text: str, path: str = "config") -> tuple[Conf | None, list[Problem]]:
    """The configuration, or None and why it is none."""
    try:
        conf = json.loads(text, object_pairs_hook=_object)
    except _TwiceError as error:
        return None, [Problem(path, str(error), "keep one of the two")]
    except json.JSONDecodeError as error:
        reason = f"is no JSON in line {error.lineno}, column {error.colno} ({error.msg})"
        fix = "mend it: JSON has no comments and no comma before a closing bracket"
        return None, [Problem(path, reason, fix)]
    if not isinstance(conf, dict):
        return None, [Problem(path, "is JSON, and no object", "write one with a `type` or with `plugins`")]
    return conf, []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key in found if [each for each, _ in pairs].count(key) > 1)
        raise _TwiceError(f"has the key {twice!r} twice in one object")
    return found
