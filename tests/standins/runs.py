"""A scenario, step by step, on a plugin; and what a plugin needs for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from lab.waiting import until
from tests.standins.api_server import api_server, unreachable
from tests.standins.plugins import Plugin
from tests.standins.recordings import Json, Recording, Step, mask, resolve
from tests.standins.ssh_host import ssh_host


def run(
    plugin: Plugin,
    recording: Recording,
    values: Mapping[str, Any],
    *,
    known: Mapping[str, Json] | None = None,
    wanted: Callable[[Step], bool] = lambda _: True,
) -> dict[str, Json]:
    """The plugin's answers, by step.

    Args:
        plugin: whom to ask.
        recording: what to ask.
        values: what requests name as `${...}`.
        known: the answers from which later requests take what they need; else the plugin's own.
        wanted: which steps to take.
    """
    given: dict[str, Json] = {}
    shown: dict[str, Json] = {}
    for step in filter(wanted, recording.steps):
        try:
            request = resolve(step.request, given if known is None else known, values)
        except LookupError as missing:
            raise LookupError(f"{recording.name}: {step.name} takes {missing} from an answer without it") from None
        answer = plugin.call(step.method, request)
        crd = _name_of_a_crd_created(step, answer)
        if crd:
            _await_established(crd, values["cluster.kubeconfig"])
        given[step.name] = answer
        shown[step.name] = mask(_without_moments(answer) if recording.plugin == "kubernetes" else answer, values)
    return shown


def _name_of_a_crd_created(step: Step, answer: Json) -> str:
    properties = answer.get("response", {}).get("properties", {})
    created = step.method == "Create" and not step.request.get("preview")
    is_crd = created and properties.get("kind") == "CustomResourceDefinition"
    return str(properties["metadata"]["name"]) if is_crd else ""


def _await_established(crd: str, kubeconfig: str) -> None:
    """What the next step reads of it is then no matter of the moment: the API server says this on its own."""
    api: Any = config.new_client_from_config_dict(yaml.safe_load(kubeconfig))  # type: ignore[no-untyped-call]
    with api:
        definitions = client.ApiextensionsV1Api(api)

        def established() -> bool:
            status: Any = definitions.read_custom_resource_definition(crd).status
            return any(each.type == "Established" and each.status == "True" for each in status.conditions or ())

        until(established, f"{crd} is established")


def _without_moments(answer: Json) -> Json:
    """The answer without the lines that say how far things are: which of them come depends on the moment."""
    lasting = [line for line in answer.get("log", ()) if not line.get("ephemeral")]
    kept = {key: value for key, value in answer.items() if key != "log"}
    return {**kept, "log": lasting} if lasting else kept


@contextmanager
def _cluster() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="standins-") as folder, api_server(Path(folder)) as there:
        yield there


@contextmanager
def _nothing() -> Iterator[dict[str, Any]]:
    yield unreachable()


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[dict[str, Any]]]] = {
    "": _nothing,
    "ssh": ssh_host,
    "cluster": _cluster,
}
"""What has to run for a scenario, by its `needs`."""
