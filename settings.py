"""The stack's configuration, read in one place and refused in sentences.

The component's arguments are configuration keys in camel case; MultusComponentArgs stays their only description.
Besides them the program knows `kubeconfig` and `sshPrivateKey`, each a secret of its own, and `context`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast, get_args, get_origin, is_typeddict

import pulumi
from pulumi.runtime import config as runtime_config

from components.multus import MultusComponentArgs, MultusError, Problem
from components.multus.plan import problems_of
from components.multus.validation import fields_of

PROJECT = "multus"
_ARGUMENTS = fields_of(MultusComponentArgs)
_KEYS_OF_PEOPLE = re.compile(r"\[[^\]]*\]|_([a-z])")
_SECRETS = ("kubeconfig", "sshPrivateKey")


class SettingsError(MultusError):
    """The stack's configuration cannot work; says every reason and the command that mends it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The configuration of stack {pulumi.get_stack()} cannot work:\n{lines}")


@dataclass(frozen=True)
class Settings:
    """What the program needs to know.

    Attributes:
        kubeconfig: the content of a kubeconfig, always a secret.
        context: the context to use in it; its current one where None.
        component: the component's arguments.
    """

    kubeconfig: pulumi.Output[str]
    context: str | None
    component: MultusComponentArgs = field(repr=False)

    @classmethod
    def load(cls) -> Self:
        """Read the stack's configuration.

        Raises:
            SettingsError: with every problem found.
        """
        values = {
            key.removeprefix(f"{PROJECT}:"): value for key, value in _all().items() if key.startswith(f"{PROJECT}:")
        }
        component = {_snake(key): _parsed(key, value) for key, value in values.items() if _snake(key) in _ARGUMENTS}
        problems = [*_unknown(values), *_secrets(values, component), *_misplaced_keys(component)]
        ssh_key = values.get("sshPrivateKey")
        component = cast("dict[str, Any]", _with_snake_keys(component, MultusComponentArgs))
        if isinstance(component.get("nodes"), list):
            for node in component["nodes"]:
                if isinstance(node, dict):
                    node["private_key"] = pulumi.Output.secret(ssh_key)
        problems += [_as_setting(problem) for problem in problems_of(component) if "private_key" not in problem.path]
        if problems:
            raise SettingsError(problems)
        return cls(
            kubeconfig=pulumi.Output.secret(values["kubeconfig"]),
            context=values.get("context"),
            component=cast("MultusComponentArgs", component),
        )


def _all() -> dict[str, str]:
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}


def _is_secret(key: str) -> bool:
    full = f"{PROJECT}:{key}"
    return full in runtime_config.get_config_secret_keys_env() or runtime_config.is_config_secret(full)


def _parsed(key: str, value: str) -> Any:
    """Configuration values are text; what is not to be text is JSON."""
    hint = _ARGUMENTS[_snake(key)]
    is_text = (isinstance(hint, type) and issubclass(hint, str)) or _snake(key) == "api_server"
    if is_text:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _snake(key: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()


def _camel(path: str) -> str:
    """The same in camel case, but for what stands in brackets: keys there are the user's own."""
    return _KEYS_OF_PEOPLE.sub(lambda match: match[1].upper() if match[1] else match[0], path)


def _with_snake_keys(value: Any, hint: Any) -> Any:
    """The keys that args.py knows in its own spelling, and all others as they are."""
    if is_typeddict(hint) and isinstance(value, dict):
        fields = fields_of(hint)
        return {_snake(key): _with_snake_keys(item, fields.get(_snake(key))) for key, item in value.items()}
    if get_origin(hint) is Sequence and isinstance(value, list):
        return [_with_snake_keys(item, get_args(hint)[0]) for item in value]
    return value


def _all_keys(typed_dict: Any) -> Iterator[str]:
    for key, hint in fields_of(typed_dict).items():
        yield key
        for part in (hint, *get_args(hint)):
            if is_typeddict(part):
                yield from _all_keys(part)


_SNAKE_WORDS = re.compile(rf"\b({'|'.join(sorted({key for key in _all_keys(MultusComponentArgs) if '_' in key}))})\b")


def _spelled(sentence: str) -> str:
    """A sentence about arguments, as one about configuration keys."""
    return _SNAKE_WORDS.sub(lambda match: _camel(match[0]), sentence)


def _unknown(values: Mapping[str, str]) -> Iterator[Problem]:
    known = [*map(_camel, _ARGUMENTS), *_SECRETS, "context"]
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{PROJECT}:{close[0]}`? " if close else ""
            yield Problem(f"{PROJECT}:{key}", "is not a configuration key", f"{hint}`pulumi config rm {PROJECT}:{key}`")


def _secrets(values: Mapping[str, str], component: Mapping[str, Any]) -> Iterator[Problem]:
    commands = {
        "kubeconfig": f"`pulumi config set --secret {PROJECT}:kubeconfig < ~/.kube/config`",
        "sshPrivateKey": f"`pulumi config set --secret {PROJECT}:sshPrivateKey < ~/.ssh/id_ed25519`",
    }
    for key in _SECRETS:
        path = f"{PROJECT}:{key}"
        if not values.get(key):
            if key == "kubeconfig" or component.get("nodes"):
                yield Problem(path, "is missing", commands[key])
        elif not _is_secret(key):
            yield Problem(path, "stands in clear in the stack's file", commands[key])
        elif key == "sshPrivateKey" and "PRIVATE KEY-----" not in values[key]:
            yield Problem(path, "is not a private SSH key", commands[key])


def _misplaced_keys(component: dict[str, Any]) -> Iterator[Problem]:
    """A secret inside `nodes` would lose its secrecy when the list is read."""
    nodes = component.get("nodes")
    for index, node in enumerate(nodes if isinstance(nodes, list) else []):
        proxy = node.get("proxy") if isinstance(node, dict) else None
        for holder, where in ((node, ""), (proxy, ".proxy")):
            if isinstance(holder, dict) and "privateKey" in holder:
                path = f"{PROJECT}:nodes[{index}]{where}.privateKey"
                yield Problem(
                    path, "would stand in clear", f"`pulumi config rm --path '{path}'` and set {PROJECT}:sshPrivateKey"
                )


def _as_setting(problem: Problem) -> Problem:
    path = f"{PROJECT}:{_camel(problem.path)}"
    if problem.reason == "is not an argument":
        return Problem(path, "is not a configuration key", f"{_camel(problem.fix)}: `pulumi config rm --path '{path}'`")
    nested = "--path " if re.search(r"[.\[]", problem.path) else ""
    fix = f"{_spelled(problem.fix)}: `pulumi config set {nested}'{path}' VALUE`"
    return Problem(path, _spelled(problem.reason), fix)
