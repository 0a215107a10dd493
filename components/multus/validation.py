"""Holds any value against a TypedDict of args.py and says in sentences what does not fit.

The TypedDict is the only description: a pydantic model is made from its annotations.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, is_typeddict

import pydantic

from .errors import Problem

_PLAIN = (str, bytes, bool, int, float, list, tuple, dict, type(None))


def is_opaque(value: object) -> bool:
    """Whether a value is only known later: an Output or an awaitable, as opposed to plain data."""
    return not isinstance(value, _PLAIN)


def check(typed_dict: type, value: object) -> tuple[dict[str, Any], list[Problem]]:
    """Hold a value against a TypedDict.

    Returns the normalised value, which is meaningful only when there are no problems, and every problem found.
    """
    model = _model(typed_dict)
    try:
        checked = model.model_validate(value)
    except pydantic.ValidationError as error:
        return {}, [_problem(typed_dict, item) for item in error.errors(include_url=False)]
    return checked.model_dump(exclude_unset=True), []


def fields_of(typed_dict: type) -> dict[str, Any]:
    """The keys of a TypedDict with their types, in the order of their declaration, freed of NotRequired.

    `typing.get_type_hints` cannot resolve what pulumi.Input refers to.
    """
    hints: dict[str, Any] = dict(typed_dict.__annotations__)
    optional: Any = NotRequired
    return {key: get_args(hint)[0] if get_origin(hint) is optional else hint for key, hint in hints.items()}


@cache
def _model(typed_dict: type) -> type[pydantic.BaseModel]:
    required = typed_dict.__required_keys__  # type: ignore[attr-defined]  # every TypedDict has it
    fields: dict[str, Any] = {
        key: (_field_type(hint), ... if key in required else None) for key, hint in fields_of(typed_dict).items()
    }
    config = pydantic.ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)
    return pydantic.create_model(typed_dict.__name__, __config__=config, **fields)


def _field_type(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType) and any(get_origin(member) is Awaitable for member in arguments):
        return Annotated[_field_type(arguments[0]), pydantic.WrapValidator(_pass_opaque), _KEEP]
    if is_typeddict(hint):
        return _model(hint)
    if origin is Sequence:
        return Annotated[list[_field_type(arguments[0])], pydantic.BeforeValidator(_as_list)]  # type: ignore[misc]  # made at run time
    if hint is int:
        return Annotated[int, pydantic.BeforeValidator(_as_int)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Annotated[hint, pydantic.Field(strict=False)]
    return hint


def _pass_opaque(value: Any, handler: pydantic.ValidatorFunctionWrapHandler) -> Any:
    return value if is_opaque(value) else handler(value)


_KEEP = pydantic.PlainSerializer(lambda value: value, return_type=Any)


def _as_int(value: Any) -> Any:
    """Numbers that crossed Pulumi's wire are floats; `True` is no number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _problem(typed_dict: type, error: Any) -> Problem:
    path = ""
    for part in error["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return Problem(path, "is missing", f"set `{path}`")
    if kind == "extra_forbidden":
        return _unknown_key(typed_dict, error["loc"], path)
    if kind == "enum":
        return Problem(path, f"{_shown(error)} is not one of its values", f"write one of {context['expected']}")
    reason, fix = {
        "string_type": (f"{_shown(error)} is not a string", "write a string"),
        "int_type": (f"{_shown(error)} is not a whole number", "write a whole number"),
        "bool_type": (f"{_shown(error)} is not a boolean", "write true or false"),
        "list_type": (f"{_shown(error)} is not a list", "write a list"),
        "model_type": (f"{_shown(error)} is not a set of keys and values", "write a mapping"),
    }.get(kind, (error["msg"], "see the argument's description"))
    return Problem(path or "arguments", reason, fix)


def _unknown_key(typed_dict: type, location: Sequence[str | int], path: str) -> Problem:
    holder: Any = typed_dict
    for part in location[:-1]:
        if isinstance(part, str):
            hint = fields_of(holder)[part]
            holder = get_args(hint)[0] if get_origin(hint) is Sequence else hint
    known = tuple(fields_of(holder))
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    fix = f"did you mean `{close[0]}`? Otherwise remove it" if close else f"remove it; known are {', '.join(known)}"
    return Problem(path, "is not an argument", fix)


def _shown(error: Any) -> str:
    """The value in an error text, unless it stands where a secret may stand."""
    value = error["input"]
    if "private_key" in error["loc"] or isinstance(value, Mapping):
        return f"a value of type {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
