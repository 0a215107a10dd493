"""Recordings of the official plugins: what they were asked and what they answered, one JSON file per scenario.

A scenario is a list of steps, each one call of Pulumi's gRPC protocol with its request and the answer. In a request,

- `{"$of": "create/response/properties"}` is what the answer of the step `create` has there, as a JSON pointer names it;
  `"$with"` sets and `"$without"` removes parts of that, each named by a pointer of its own;
- `"${ssh.port}"` is a value that only the run knows, in a word of its own or within a text.

`{"$secret": ...}` and `{"$unknown": true}` stand for the marks with which the protocol itself says these two things.
What is different at every run (a uid, a time, a random name) is replaced by a word in angle brackets.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "recordings"

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_PLACEHOLDER = re.compile(r"\$\{([a-z_.]+)\}")
_VOLATILE_KEYS = {
    "uid": "<uid>",
    "resourceVersion": "<resource version>",
    "creationTimestamp": "<time>",
    "deletionTimestamp": "<time>",
    "time": "<time>",
    "lastTransitionTime": "<time>",
    "token": "<token>",
    "ca.crt": "<certificate>",
    "kubernetes.io/service-account.uid": "<uid>",
}
_VOLATILE_TEXTS = (
    (re.compile(r"\bpulumi-kubernetes-[0-9a-f]{8}\b"), "pulumi-kubernetes-<random>"),
    (re.compile(r"^(multus-provision-a)[0-9a-f]{8}$"), r"\1<random>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"), "<time>"),
    (re.compile(r'(?<=resourceVersion":")\d+'), "<resource version>"),
    (re.compile(r'(?<=resourceVersion\\":\\")\d+'), "<resource version>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uid>"),
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One call: its name in the scenario, the method, what is asked, and the official plugin's answer."""

    name: str
    method: str
    request: Json
    answer: Json


@dataclass(frozen=True)
class Recording:
    """One scenario. `needs` names what has to run for it: nothing, `ssh` or `cluster`."""

    path: Path
    about: str
    plugin: str
    version: str
    needs: str
    steps: list[Step]

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read a file; a step that has not been recorded yet has no answer."""
        kept = json.loads(path.read_text())
        steps = [
            Step(
                step["name"],
                step["method"],
                step["request"],
                {key: step[key] for key in ("response", "error", "log") if key in step},
            )
            for step in kept["steps"]
        ]
        return cls(path, kept["about"], kept["plugin"], kept.get("version", ""), kept.get("needs", ""), steps)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.path.stem

    @property
    def is_recorded(self) -> bool:
        """Whether the official plugin has been asked."""
        return bool(self.version)

    @property
    def answers(self) -> dict[str, Json]:
        """What the official plugin answered, by step."""
        return {step.name: step.answer for step in self.steps}

    def save(self, version: str, answers: Mapping[str, Json]) -> None:
        """Keep new answers of that version of the plugin."""
        steps = [
            {"name": step.name, "method": step.method, "request": step.request, **answers[step.name]}
            for step in self.steps
        ]
        needs = {"needs": self.needs} if self.needs else {}
        kept = {"about": self.about, "plugin": self.plugin, "version": version, **needs, "steps": steps}
        self.path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def load_all(plugin: str) -> list[Recording]:
    """Every recording of one plugin."""
    found = [Recording.load(path) for path in sorted(FOLDER.glob("*.json"))]
    return [recording for recording in found if recording.plugin == plugin]


def resolve(request: Any, answers: Mapping[str, Json], values: Mapping[str, Any]) -> Any:
    """The request with what it takes from earlier answers and from the run."""
    return _fill(_take(request, answers), values)


def _take(value: Any, answers: Mapping[str, Json]) -> Any:
    if isinstance(value, list):
        return [_take(item, answers) for item in value]
    if not isinstance(value, dict):
        return value
    if "$of" not in value:
        return {key: _take(item, answers) for key, item in value.items()}
    taken = copy.deepcopy(_at(answers, value["$of"]))
    for pointer in value.get("$without", ()):
        *parents, last = _words(pointer)
        del _walk(taken, parents)[last]
    for pointer, item in value.get("$with", {}).items():
        *parents, last = _words(pointer)
        parent = _walk(taken, parents)
        parent[int(last) if isinstance(parent, list) else last] = _take(item, answers)
    return taken


def _words(pointer: str) -> list[str]:
    """A JSON pointer (RFC 6901), with or without its first slash."""
    return [word.replace("~1", "/").replace("~0", "~") for word in pointer.removeprefix("/").split("/")]


def _walk(value: Any, words: list[str]) -> Any:
    for word in words:
        value = value[int(word) if isinstance(value, list) else word]
    return value


def _at(value: Any, pointer: str) -> Any:
    return _walk(value, _words(pointer))


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, values) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return values[whole.group(1)]
    return _PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), value)


def mask(answer: Any, values: Mapping[str, Any]) -> Any:
    """The answer without what only this run knows."""
    known = sorted(values.items(), key=lambda item: -len(str(item[1])))
    return _mask(answer, known)


def _mask(value: Any, known: list[tuple[str, Any]]) -> Any:
    if isinstance(value, dict):
        masked = {
            key: _VOLATILE_KEYS[key] if key in _VOLATILE_KEYS and isinstance(item, str) else _mask(item, known)
            for key, item in value.items()
        }
        return {key: _in_order(key, item) for key, item in masked.items()}
    if isinstance(value, list):
        return [_mask(item, known) for item in value]
    for name, secret in known:
        if value == secret:
            return f"${{{name}}}"
    if not isinstance(value, str):
        return value
    for name, secret in known:
        value = value.replace(str(secret), f"${{{name}}}")
    for pattern, word in _VOLATILE_TEXTS:
        value = pattern.sub(word, value)
    return value


def _in_order(key: str, value: Any) -> Any:
    """What is a set, but carried as a list: the protocol's names of changes, and the API server's field managers."""
    if key in ("diffs", "replaces"):
        return sorted(value)
    return sorted(value, key=json.dumps) if key == "managedFields" and isinstance(value, list) else value


def to_protocol(value: Any) -> Any:
    """Marks for people as marks of the protocol."""
    if isinstance(value, dict):
        if "$secret" in value:
            return {_SIGNATURE: _SECRET, "value": to_protocol(value["$secret"])}
        if value.get("$unknown"):
            return _UNKNOWN
    return _each(value, to_protocol)


def from_protocol(value: Any) -> Any:
    """Marks of the protocol as marks for people, and whole numbers without a fraction."""
    if isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET:
        return {"$secret": from_protocol(value["value"])}
    if value == _UNKNOWN:
        return {"$unknown": True}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _each(value, from_protocol)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: change(item) for key, item in sorted(value.items())}
    return [change(item) for item in value] if isinstance(value, list) else value
