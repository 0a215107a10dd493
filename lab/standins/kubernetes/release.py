"""`helm.sh/v3:Release`: what the official provider makes of a release's inputs, over the `helm` program."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from lab.standins.differences import changes
from lab.standins.engine_log import EngineLog
from lab.standins.errors import InitFailedError, NotCoveredError
from lab.standins.kubernetes.helm import Helm, HelmError, Record
from lab.standins.kubernetes.objects import keep_secrets, prune
from lab.standins.properties import UNKNOWN, Properties, Secret, Unknown, contains, decode, encode, path_text, reveal
from lab.standins.provider import name_of

TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - a type token

_DEFAULT_SECONDS = 300
_INPUTS = "__inputs"
_IDENTITY = (("name",), ("namespace",))

_UPGRADE_FLAGS = {"takeOwnership": "--take-ownership"}
_INSTALL_FLAGS = {**_UPGRADE_FLAGS, "skipCrds": "--skip-crds"}
_TEXTS = ("chart", "description", "keyring", "name", "namespace", "postrender", "version")
_SWITCHES = (*_INSTALL_FLAGS, "skipAwait")
_NOT_COVERED_SWITCHES = (
    *("allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel", "disableCRDHooks"),
    *("disableOpenapiValidation", "disableWebhooks", "forceUpdate", "lint", "recreatePods", "renderSubchartNotes"),
    *("replace", "resetValues", "reuseValues", "verify"),
)
_NOT_COVERED = (*_NOT_COVERED_SWITCHES, "keyring", "postrender", "repositoryOpts", "valueYamlFiles")
_DEFAULTS: Properties = {
    **dict.fromkeys(_TEXTS, ""),
    **dict.fromkeys((*_SWITCHES, *_NOT_COVERED_SWITCHES), False),
    "waitForJobs": False,
    "timeout": 0,
    "values": {},
}
_FIELDS = (*_DEFAULTS, "maxHistory")


def check(request: Any, helm: Helm | None, default_namespace: str) -> provider_pb2.CheckResponse:
    """Complete the inputs: every known field has a value, and the version is the one that the chart itself names."""
    given, old = decode(request.news), decode(request.olds)
    _refuse_uncovered(reveal(given))
    inputs = {**_DEFAULTS, **{key: given[key] for key in _FIELDS if given.get(key) is not None}}
    inputs["name"] = given.get("name") or old.get("name") or f"{name_of(request.urn)}-{secrets.token_hex(4)}"
    inputs["namespace"] = given.get("namespace") or default_namespace
    if "timeout" not in given and not given.get("skipAwait"):
        inputs["timeout"] = _DEFAULT_SECONDS
    failures = []
    if helm is not None and not contains(inputs, Unknown):
        try:
            inputs["version"] = helm.chart(*_chart(reveal(inputs)))["version"]
        except HelmError as error:
            reason = f"{error}; check the chart name and repository configuration."
            failures.append(provider_pb2.CheckFailure(property="chart", reason=reason))
    return provider_pb2.CheckResponse(inputs=encode(keep_secrets(reveal(inputs), inputs)), failures=failures)


def _refuse_uncovered(given: Properties) -> None:
    for key in _NOT_COVERED:
        if given.get(key):
            covered = [field for field in _FIELDS if field not in _NOT_COVERED]
            raise NotCoveredError(f"{key} of {TOKEN}", "pulumi-resource-kubernetes", covered)


def _chart(inputs: Properties) -> list[str]:
    """The words with which helm finds the chart: a path from the program's folder, where this runs."""
    return [inputs["chart"], *(["--version", inputs["version"]] if inputs["version"] else [])]


def diff(request: Any) -> provider_pb2.DiffResponse:
    """Compare what the release was when last seen with the new inputs; another name or namespace is another release."""
    state, new = reveal(decode(request.olds)), reveal(decode(request.news))
    old_inputs = state.pop(_INPUTS, {})
    # Of what is to be ignored the official plugin looks at nothing else: the engine has seen to the rest.
    if "version" in request.ignoreChanges:
        new["version"] = state["version"]
    found = changes(prune(state, _union(old_inputs, new)), new, _IDENTITY, lambda _, old, now: bool(old == now))
    detailed = {path_text(change.path): change.message() for change in found}
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=[path_text(change.path) for change in found if change.replaces],
        diffs=sorted({str(change.path[0]) for change in found}),
        detailedDiff=detailed,
        hasDetailedDiff=bool(detailed),
    )


def _union(one: Any, other: Any) -> Any:
    """The shape of both: where only one has a map, that map's."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one if isinstance(one, dict) else other
    return {key: _union(one.get(key), other.get(key)) for key in one.keys() | other.keys()}


def create(request: Any, reached: Callable[[], Helm], log: EngineLog) -> provider_pb2.CreateResponse:
    """Install the release. One that was installed and failed stays, and its state too."""
    given = decode(request.properties)
    if request.preview:
        return provider_pb2.CreateResponse(properties=encode(_previewed(given)))
    helm = reached()
    inputs = reveal(given)
    namespace, name = inputs["namespace"], inputs["name"]
    before = helm.record(namespace, name)
    try:
        helm.run("install", name, *_arguments(inputs, _INSTALL_FLAGS), values=inputs["values"])
    except HelmError as error:
        after = _newer(helm, namespace, name, before)
        if after is None:
            raise
        log.warn(
            request.urn,
            f'Helm release "{name}" was created but has a failed status. Use the `helm` command to investigate the '
            f"error, correct it, then retry. Reason: {error}",
        )
        reason = (
            f'Helm release "{namespace}/{name}" was created, but failed to initialize completely. '
            f"Use Helm CLI to investigate: {_failed(namespace, name, error)}"
        )
        raise InitFailedError([reason], f"{namespace}/{name}", _checkpoint(given, after)) from None
    return provider_pb2.CreateResponse(
        id=f"{namespace}/{name}", properties=encode(_checkpoint(given, helm.record(namespace, name)))
    )


def _previewed(given: Properties) -> Properties:
    """What a preview says of a release: its inputs, and that the rest will be known."""
    return {**_checkpoint(given, None), "resourceNames": UNKNOWN, "status": UNKNOWN}


def update(request: Any, reached: Callable[[], Helm]) -> provider_pb2.UpdateResponse:
    """Upgrade the release. One that was upgraded and failed stays as it is, and its state too."""
    given = decode(request.news)
    if request.preview:
        return provider_pb2.UpdateResponse(properties=encode(_previewed(given)))
    helm = reached()
    inputs = reveal(given)
    namespace, name = inputs["namespace"], inputs["name"]
    place = reveal(decode(request.olds))["namespace"]
    before = helm.record(place, name)
    history = ("--history-max", str(inputs.get("maxHistory") or 0))
    try:
        helm.run("upgrade", name, *_arguments(inputs, _UPGRADE_FLAGS), *history, values=inputs["values"])
    except HelmError as error:
        after = _newer(helm, place, name, before)
        if after is None:
            raise
        reason = (
            f'Helm release "{namespace}/{name}" failed to initialize completely. '
            f"Use Helm CLI to investigate: error running update: {_failed(namespace, name, error)}"
        )
        raise InitFailedError([reason], f"{namespace}/{name}", _checkpoint(given, after)) from None
    return provider_pb2.UpdateResponse(properties=encode(_checkpoint(given, helm.record(place, name))))


def read(request: Any, helm: Helm) -> provider_pb2.ReadResponse:
    """What the cluster's record of the release says; of the release's objects nothing is seen."""
    state = decode(request.properties)
    plain = reveal(state)
    if _INPUTS not in plain:
        raise NotCoveredError(f"the import of a {TOKEN}", "pulumi-resource-kubernetes", ["refresh of one that it made"])
    found = helm.record(plain["namespace"], plain["name"])
    if found is None:
        return provider_pb2.ReadResponse()
    inputs = state[_INPUTS].value if isinstance(state[_INPUTS], Secret) else state[_INPUTS]
    return provider_pb2.ReadResponse(
        id=request.id,
        properties=encode(_checkpoint(inputs, found, seen=plain["values"])),
        inputs=encode(inputs),
    )


def delete(request: Any, helm: Helm, log: EngineLog) -> empty_pb2.Empty:
    """Uninstall the release; what is to be kept is named."""
    inputs = reveal(decode(request.properties))
    waits = [] if inputs["skipAwait"] else _waiting(inputs)
    printed = helm.run("uninstall", inputs["name"], "--namespace", inputs["namespace"], *waits)
    kept = printed.rpartition("release ")[0].strip()
    if kept:
        log.warn(request.urn, f"Helm uninstall returned information: {kept}")
    return empty_pb2.Empty()


def _arguments(inputs: Properties, flags: Mapping[str, str]) -> list[str]:
    words = [*_chart(inputs), "--namespace", inputs["namespace"]]
    words += sorted({flag for key, flag in flags.items() if inputs.get(key)})
    words += ["--description", inputs["description"]] if inputs["description"] else []
    if inputs["skipAwait"]:
        return [*words, "--timeout", _seconds(inputs)]
    return [*words, *_waiting(inputs), *(["--wait-for-jobs"] if inputs["waitForJobs"] else [])]


def _waiting(inputs: Properties) -> list[str]:
    return ["--wait", "--timeout", _seconds(inputs)]


def _seconds(inputs: Properties) -> str:
    return f"{inputs['timeout'] or _DEFAULT_SECONDS}s"


def _newer(helm: Helm, namespace: str, name: str, before: Record | None) -> Record | None:
    """What a failed command has recorded, if it came that far."""
    after = helm.record(namespace, name)
    return after if after and (before is None or after.revision > before.revision) else None


def _failed(namespace: str, name: str, error: HelmError) -> str:
    return f"failed to become available within allocated timeout. Error: Helm Release {namespace}/{name}: {error}"


def _checkpoint(given: Properties, record: Record | None, seen: Properties | None = None) -> Properties:
    """What Pulumi keeps of a release: inputs, what Helm has recorded, and beside it what was asked for."""
    state = reveal(given)
    if seen is not None:
        state["values"] = seen
    if record is not None:
        state["values"] = _merged(state["values"], record.values)
        state["version"] = record.version
        state["resourceNames"] = record.resource_names()
        state["status"] = {
            "appVersion": record.app_version,
            "chart": record.chart,
            "name": state["name"],
            "namespace": state["namespace"],
            "revision": record.revision,
            "status": record.status,
            "version": record.version,
        }
    return {**keep_secrets(state, given), _INPUTS: Secret(given)}


def _merged(base: Properties, over: Properties) -> Properties:
    both = {key: _merged(base[key], value) for key, value in over.items() if _maps(base.get(key), value)}
    return {**base, **over, **both}


def _maps(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)
