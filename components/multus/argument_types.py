"""Holds any value against a TypedDict of args.py and says in sentences what does not fit.

The TypedDict is the only description; pydantic judges its leaves.
"""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, NotRequired, Union, get_args, get_origin, is_typeddict

import pydantic

from .args import SECRET_KEYS
from .errors import Problem, ProblemKind, key_of
from .late_values import is_opaque


def is_json(value: Any, *, known_late: bool = False) -> bool:
    """Whether JSON can say a value; `known_late` allows Outputs anywhere in it."""

    def late(part: object) -> None:
        if not (known_late and is_opaque(part)):
            raise TypeError(part)

    try:
        json.dumps(value, allow_nan=False, sort_keys=True, default=late)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def check(typed_dict: type, value: object, path: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """Hold a value against a TypedDict.

    Returns the parts that fit, normalised, and every problem found. In a list an element that does not fit is None, so
    that the others keep their places.
    """
    if not isinstance(value, Mapping):
        reason = f"{_shown(path, value)} is not a set of keys and values"
        return {}, [Problem(path or "arguments", reason, "write a mapping")]
    fields = fields_of(typed_dict)
    valid: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, hint in fields.items():
        here = f"{path}.{key}" if path else key
        if key in value:
            fitting, found = _value(hint, value[key], here)
            problems += found
            if fitting is not None:
                valid[key] = fitting
        elif key in typed_dict.__required_keys__:  # type: ignore[attr-defined]  # every TypedDict has it
            problems.append(Problem(here, "is missing", f"set `{here}`"))
    return valid, [*problems, *(_unknown_key(path, key, fields) for key in value if key not in fields)]


def judged(
    typed_dict: type, value: object, rules: Callable[[Mapping[str, Any]], Iterable[Problem]]
) -> tuple[dict[str, Any], list[Problem]]:
    """The arguments that fit their types, normalised, and every problem: of types, and of the rules where types fit.

    Args:
        typed_dict: what they are held against.
        value: the arguments.
        rules: what is wrong with arguments that are well typed.
    """
    valid, problems = check(typed_dict, value)
    unfit = {problem.path for problem in problems}
    return valid, [*problems, *(problem for problem in rules(valid) if unfit.isdisjoint(_ways_to(problem.path)))]


def _ways_to(path: str) -> list[str]:
    """`a.b[0]` -> `['a', 'a.b', 'a.b[0]']`."""
    return [path[: match.start()] for match in re.finditer(r"[.\[]|\Z", path)]


def fields_of(typed_dict: type) -> dict[str, Any]:
    """The keys of a TypedDict with their types, in the order of their declaration, freed of NotRequired.

    `typing.get_type_hints` cannot resolve what pulumi.Input refers to.
    """
    hints: dict[str, Any] = dict(typed_dict.__annotations__)
    optional: Any = NotRequired
    return {key: get_args(hint)[0] if get_origin(hint) is optional else hint for key, hint in hints.items()}


def _value(hint: Any, value: Any, path: str) -> tuple[Any, list[Problem]]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType) and any(get_origin(member) is Awaitable for member in arguments):
        return (value, []) if is_opaque(value) else _value(arguments[0], value, path)
    if is_typeddict(hint):
        return check(hint, value, path)
    if origin is Sequence:
        if not isinstance(value, (list, tuple)):
            return None, [Problem(path, f"{_shown(path, value)} is not a list", "write a list")]
        elements = [_value(arguments[0], element, f"{path}[{index}]") for index, element in enumerate(value)]
        return [fitting for fitting, _ in elements], [problem for _, found in elements for problem in found]
    if origin is Mapping:
        return _mapping(arguments[1], value, path)
    if hint is int and isinstance(value, float) and value.is_integer():
        # Numbers that crossed Pulumi's wire are floats.
        value = int(value)
    try:
        return _leaf(hint).validate_python(value), []
    except pydantic.ValidationError as error:
        return None, [_problem(path, value, item) for item in error.errors(include_url=False)]


def _mapping(hint: Any, value: Any, path: str) -> tuple[Any, list[Problem]]:
    """Keys that a user chooses; where one is no text, nothing fits."""
    if not isinstance(value, Mapping):
        return None, [Problem(path, f"{_shown(path, value)} is not a set of keys and values", "write a mapping")]
    if not all(isinstance(key, str) for key in value):
        return None, [Problem(path, "has keys that are no strings", "write every key as a string")]
    members = {key: _value(hint, member, f"{path}[{key!r}]") for key, member in value.items()}
    return (
        {key: fitting for key, (fitting, _) in members.items() if fitting is not None},
        [problem for _, found in members.values() for problem in found],
    )


@cache
def _leaf(hint: Any) -> pydantic.TypeAdapter[Any]:
    is_enum = isinstance(hint, type) and issubclass(hint, Enum)
    return pydantic.TypeAdapter(hint, config=None if is_enum else pydantic.ConfigDict(strict=True))


def _problem(path: str, value: Any, error: Any) -> Problem:
    shown, kind = _shown(path, value), error["type"]
    if kind == "enum":
        return Problem(path, f"{shown} is not one of its values", f"write one of {error['ctx']['expected']}")
    reason, fix = {
        "string_type": (f"{shown} is not a string", "write a string"),
        "int_type": (f"{shown} is not a whole number", "write a whole number"),
        "bool_type": (f"{shown} is not a boolean", "write true or false"),
    }.get(kind, (error["msg"], "see the argument's description"))
    return Problem(path, reason, fix)


def _unknown_key(path: str, key: object, known: Iterable[str]) -> Problem:
    close = difflib.get_close_matches(str(key), list(known), n=1)
    fix = f"did you mean `{close[0]}`? Otherwise remove it" if close else f"remove it; known are {', '.join(known)}"
    shown = str(key) if str(key).isidentifier() else repr(key)
    return Problem(f"{path}.{shown}" if path else shown, "is not an argument", fix, ProblemKind.UNKNOWN_KEY)


def _shown(path: str, value: Any) -> str:
    """The value in an error text, unless it is a secret or may hold one."""
    if key_of(path) in SECRET_KEYS or isinstance(value, Mapping):
        return f"a value of type {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
