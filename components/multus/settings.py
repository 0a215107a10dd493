"""A stack's configuration becomes the component's arguments here, or every reason why it cannot.

`read` is pure; `Settings.load` asks Pulumi for what it reads.

The component's arguments are configuration keys in camel case; MultusComponentArgs stays their only description.
Besides them a stack has `kubeconfig` and `sshPrivateKey`, each a secret of its own, and `context`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast, get_args, get_origin, is_typeddict

import pulumi
from pulumi.runtime import config as runtime_config

from .args import SECRET_KEYS, MultusComponentArgs
from .argument_types import fields_of
from .errors import MultusError, Problem, ProblemKind
from .plan import problems_of

PROJECT = "multus"
SECRETS = ("kubeconfig", "sshPrivateKey")
CONTEXT = "context"
_ARGUMENTS = fields_of(MultusComponentArgs)
_KEYS_OF_PEOPLE = re.compile(r"\[[^\]]*\]|_([a-z])")


class SettingsError(MultusError):
    """A stack's configuration cannot work; says every reason and the command that mends it."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The configuration of stack {stack} cannot work:\n{lines}")


@dataclass(frozen=True)
class Configuration:
    """What a stack's configuration says.

    Attributes:
        kubeconfig: the content of a kubeconfig; empty where it is missing, which is one of the problems.
        context: the context to use in it; its current one where None.
        component: the component's arguments, the SSH key in every node.
        problems: why it cannot work; empty when it can.
    """

    kubeconfig: str = field(repr=False)
    context: str | None
    component: MultusComponentArgs = field(repr=False)
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Settings:
    """What the program of this repository needs to know.

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
        """Read the configuration of the stack that runs.

        Raises:
            SettingsError: with every problem found.
        """
        config = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
        found = read(config, {key for key in config if _is_secret(key)}, hidden=pulumi.Output.secret)
        if found.problems:
            raise SettingsError(pulumi.get_stack(), found.problems)
        return cls(kubeconfig=pulumi.Output.secret(found.kubeconfig), context=found.context, component=found.component)


def _is_secret(key: str) -> bool:
    return key in runtime_config.get_config_secret_keys_env() or runtime_config.is_config_secret(key)


def read(
    config: Mapping[str, str], secret_keys: Collection[str], hidden: Callable[[str | None], Any] = str
) -> Configuration:
    """Read the keys of this project's namespace; all others are somebody else's.

    Args:
        config: every key with its text, what is no text as JSON: as the engine hands it over.
        secret_keys: those that are encrypted.
        hidden: what becomes of the SSH key, such as a Pulumi secret.
    """
    values = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    parsed = {snake(key): _parsed(key, value) for key, value in values.items() if snake(key) in _ARGUMENTS}
    problems = [*_unknown(values), *_secrets(values, secret_keys, parsed), *_misplaced_keys(parsed)]
    component = cast("dict[str, Any]", with_snake_keys(parsed))
    if isinstance(component.get("nodes"), list):
        for node in component["nodes"]:
            if isinstance(node, dict):
                node["private_key"] = hidden(values.get("sshPrivateKey"))
    problems += [_as_setting(problem) for problem in problems_of(component) if problem.key not in SECRET_KEYS]
    return Configuration(
        kubeconfig=values.get("kubeconfig", ""),
        context=values.get(CONTEXT),
        component=cast("MultusComponentArgs", component),
        problems=tuple(problems),
    )


def snake(key: str) -> str:
    """A configuration key in the arguments' spelling."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()


def camel(path: str) -> str:
    """The same in camel case, but for what stands in brackets: keys there are the user's own."""
    return _KEYS_OF_PEOPLE.sub(lambda match: match[1].upper() if match[1] else match[0], path)


def with_snake_keys(value: Any, hint: Any = MultusComponentArgs) -> Any:
    """The keys that args.py knows in its own spelling, and all others as they are."""
    if is_typeddict(hint) and isinstance(value, dict):
        fields = fields_of(hint)
        return {snake(key): with_snake_keys(item, fields.get(snake(key))) for key, item in value.items()}
    if get_origin(hint) is Sequence and isinstance(value, list):
        return [with_snake_keys(item, get_args(hint)[0]) for item in value]
    return value


def spelled(sentence: str) -> str:
    """A sentence about arguments, as one about configuration keys."""
    return _SNAKE_WORDS.sub(lambda match: camel(match[0]), sentence)


def _all_keys(typed_dict: Any) -> Iterator[str]:
    for key, hint in fields_of(typed_dict).items():
        yield key
        for part in (hint, *get_args(hint)):
            if is_typeddict(part):
                yield from _all_keys(part)


_SNAKE_WORDS = re.compile(rf"\b({'|'.join(sorted({key for key in _all_keys(MultusComponentArgs) if '_' in key}))})\b")


def _parsed(key: str, value: str) -> Any:
    """Configuration values are text; what is not to be text is JSON."""
    hint = _ARGUMENTS[snake(key)]
    is_text = (isinstance(hint, type) and issubclass(hint, str)) or snake(key) == "api_server"
    if is_text:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _unknown(values: Mapping[str, str]) -> Iterator[Problem]:
    known = [*map(camel, _ARGUMENTS), *SECRETS, CONTEXT]
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{PROJECT}:{close[0]}`? " if close else ""
            yield Problem(f"{PROJECT}:{key}", "is not a configuration key", f"{hint}`pulumi config rm {PROJECT}:{key}`")


def _secrets(
    values: Mapping[str, str], secret_keys: Collection[str], component: Mapping[str, Any]
) -> Iterator[Problem]:
    commands = {
        "kubeconfig": f"`pulumi config set --secret {PROJECT}:kubeconfig < ~/.kube/config`",
        "sshPrivateKey": f"`pulumi config set --secret {PROJECT}:sshPrivateKey < ~/.ssh/id_ed25519`",
    }
    for key in SECRETS:
        path = f"{PROJECT}:{key}"
        if not values.get(key):
            if key == "kubeconfig" or component.get("nodes"):
                yield Problem(path, "is missing", commands[key])
        elif path not in secret_keys:
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
    path = f"{PROJECT}:{camel(problem.path)}"
    if problem.kind is ProblemKind.UNKNOWN_KEY:
        return Problem(path, "is not a configuration key", f"{camel(problem.fix)}: `pulumi config rm --path '{path}'`")
    nested = "--path " if re.search(r"[.\[]", problem.path) else ""
    fix = f"{spelled(problem.fix)}: `pulumi config set {nested}'{path}' VALUE`"
    return Problem(path, spelled(problem.reason), fix)
