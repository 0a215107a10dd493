"""Where a stand-in may answer otherwise than the official plugin, and why; everything else has to be the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from tests.standins.recordings import Json

_MEANS_THE_SAME = "the stand-in asks the engine for plain unknowns and secrets, which say the same in fewer words"

EXPLAINED: Final[Mapping[str, str]] = {
    "command-*/configure/response/acceptOutputs": _MEANS_THE_SAME,
    "command-*/configure/response/acceptResources": "no reference to a resource is an input of a command here",
    "command-config/handshake/response/acceptOutputs": _MEANS_THE_SAME,
    "command-config/handshake/response/acceptResources": "no reference to a resource is an input of a command here",
    "command-config/handshake/response/acceptsByteString": "no text of this project is anything but UTF-8",
    "command-config/check/response/inputs/__pulumi-go-provider-version": "the stand-in is not made with that library",
    "command-check/create no text/*": "the stand-in looks at no type but the port's; Python's types see to the rest",
    "command-failures/host key of another type/error/message": "the list of what both offer is the Go library's",
    "command-failures/host key no key/error/message": "what follows the sentence is the Go parser's",
}
"""By `scenario/step/where in the answer`, with `*` for any text: why the stand-in's answer is another one there."""


def unexplained(scenario: str, official: Mapping[str, Json], standin: Mapping[str, Json]) -> list[str]:
    """What differs without a reason, a line each; and reasons for what does not differ."""
    found = {
        f"{scenario}/{step}/{where}": f"official {one!r}, stand-in {other!r}"
        for step, answer in standin.items()
        for where, one, other in _differences("", official[step], answer)
    }
    lines = [
        f"{where}: {difference}"
        for where, difference in found.items()
        if not any(fnmatchcase(where, pattern) for pattern in EXPLAINED)
    ]
    for pattern in EXPLAINED:
        about, step, *_ = pattern.split("/")
        meant = about == scenario and any(fnmatchcase(name, step) for name in standin)
        if meant and not any(fnmatchcase(where, pattern) for where in found):
            lines.append(f"{pattern}: nothing differs there any more")
    return lines


def _differences(where: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            name = key.replace("~", "~0").replace("/", "~1")
            yield from _differences(f"{where}/{name}".removeprefix("/"), one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{where}/{index}", left, right)
    elif one != other:
        yield where, one, other
