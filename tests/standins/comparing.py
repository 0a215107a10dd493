"""Where a stand-in may answer otherwise than the official plugin, and why; everything else has to be the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from tests.standins.recordings import Json

_MEANS_THE_SAME = "the stand-in asks the engine for plain unknowns and secrets, which say the same in fewer words"

_NAME = "the random part of a made-up name comes from another formula"
_EACH_KEY = "both replace; the official one names each key that was there"
_GO_WORDS = "the same sentence, with the reason in the words of a Go library"
_NEWER = "the component gives this input, which the version that was recorded does not know yet"
_MANAGER = "what helm's program writes is managed by `helm`, what the plugin writes by `pulumi-resource-kubernetes`"
_NO_FIELDS = (
    "the official plugin reads an object of a known kind into that kind's Go type and back, which drops unknown fields "
    "and keeps empty lists; the stand-in knows no kind's fields"
)
_QUANTITY = "the same quantity, which the official plugin writes in its shortest form; both compare it by its value"

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
    "kubernetes-config/kubeconfig no kubeconfig/error/message": _GO_WORDS,
    "kubernetes-unreachable/create/error/message": _GO_WORDS,
    "kubernetes-unreachable/update/error/message": _GO_WORDS,
    "kubernetes-unreachable/read/log/0/message": _GO_WORDS,
    "kubernetes-unreachable/delete/log/0/message": _GO_WORDS,
    "kubernetes-unreachable/create of a release/error/message": _GO_WORDS,
    "kubernetes-unreachable/check of a release/response/inputs/takeOwnership": _NEWER,
    "kubernetes-release/*/takeOwnership": _NEWER,
    "kubernetes-release/update that fails/error/*": _MANAGER,
    "kubernetes-check/namespace on what has none/response/inputs/rules": _NO_FIELDS,
    "kubernetes-check/no name/response/inputs/metadata/name": _NAME,
    "kubernetes-check/unknown field/response/inputs/dta": _NO_FIELDS,
    "kubernetes-check/missing field of a DaemonSet/response/inputs/spec/template/spec/containers": _NO_FIELDS,
    "kubernetes-config-map/diff: all data unknown/response/*": _EACH_KEY,
    "kubernetes-check/a quantity in other words/*/requests/cpu": _QUANTITY,
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
        if about == scenario and step in standin and not any(fnmatchcase(where, pattern) for where in found):
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
