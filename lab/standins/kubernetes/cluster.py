"""The API server as the provider uses it: one object at a time, through the kubernetes package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError
from kubernetes.dynamic.resource import Resource

from lab.standins.errors import ProviderError
from lab.standins.kubernetes.kinds import Kind

Object = dict[str, Any]

_CONNECT_SECONDS = 10


class ApiError(ProviderError):
    """The API server said no."""

    def __init__(self, error: DynamicApiError) -> None:
        try:
            self.answer: Object = json.loads(error.body or "")
        except (TypeError, ValueError):
            self.answer = {}
        self.status: int = error.status
        super().__init__(self.answer.get("message") or f"{error.status} {error.reason}: {error.body}")

    @property
    def already_exists(self) -> bool:
        """Whether an object of that name is there."""
        return self.answer.get("reason") == "AlreadyExists"

    @property
    def namespace_missing(self) -> bool:
        """Whether the object's namespace is what was not found."""
        return self.status == 404 and self.answer.get("details", {}).get("kind") == "namespaces"


class _NoDiscovery:
    """The kinds are known beforehand, so nothing is asked and nothing is cached."""

    def __init__(self, client: Any, cache_file: Any) -> None:
        self.client, self.cache_file = client, cache_file


def read_kubeconfig(path_or_content: str) -> Object:
    """A kubeconfig given as a path or as its content."""
    is_path = "\n" not in path_or_content and Path(path_or_content).expanduser().is_file()
    loaded = yaml.safe_load(Path(path_or_content).expanduser().read_text() if is_path else path_or_content)
    return loaded if isinstance(loaded, dict) else {}


def active(kubeconfig: Object, section: str, name: str) -> Object:
    """One named entry of a kubeconfig."""
    for entry in kubeconfig.get(f"{section}s") or []:
        if entry["name"] == name:
            found: Object = entry.get(section) or {}
            return found
    return {}


class Cluster:
    """One cluster, as one context of a kubeconfig reaches it; key files are kept in `folder`."""

    def __init__(self, kubeconfig: Object, context: str | None, folder: str) -> None:
        api = config.new_client_from_config_dict(  # type: ignore[no-untyped-call]
            kubeconfig, context=context, persist_config=False, temp_file_path=folder
        )
        self._client = DynamicClient(api, discoverer=_NoDiscovery)  # type: ignore[no-untyped-call]

    def _resource(self, kind: Kind) -> Resource:
        return Resource(  # type: ignore[no-untyped-call]
            prefix="apis" if kind.group else "api",
            group=kind.group,
            api_version=kind.version,
            kind=kind.kind,
            namespaced=kind.namespaced,
            name=kind.plural,
            client=self._client,
        )

    def _call(self, verb: str, kind: Kind, **arguments: Any) -> Object:
        try:
            answer: Object = getattr(self._client, verb)(self._resource(kind), **arguments).to_dict()
        except DynamicApiError as error:
            raise ApiError(error) from None
        return answer

    def _ask(self, path: str) -> Object:
        try:
            answer = self._client.request("get", path, serialize=False, _request_timeout=_CONNECT_SECONDS)
        except DynamicApiError as error:
            raise ApiError(error) from None
        told: Object = json.loads(answer.data)
        return told

    def version(self) -> Object:
        """The API server's version: the cheapest proof that it answers."""
        return self._ask("/version")

    def knows(self, kind: Kind) -> bool:
        """Whether the API server serves the kind; one that a CRD brings may be missing yet."""
        if kind.built_in:
            return True
        try:
            served = self._ask(f"/apis/{kind.api_version}")["resources"]
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return any(resource["kind"] == kind.kind for resource in served)

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """The object as it is."""
        return self._call("get", kind, namespace=namespace, name=name)

    def labelled(self, kind: Kind, namespace: str, labels: dict[str, str]) -> list[Object]:
        """The objects that carry the labels."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        found = self._call("get", kind, namespace=namespace, label_selector=selector)
        items: list[Object] = found.get("items") or []
        return items

    def create(self, kind: Kind, body: Object, manager: str, *, dry_run: bool) -> Object:
        """Make an object that is not there yet."""
        return self._call("create", kind, body=body, namespace=_namespace(body), field_manager=manager, **_dry(dry_run))

    def apply(self, kind: Kind, body: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
        """Server-side apply: own exactly the body's fields."""
        return self._call(
            "server_side_apply",
            kind,
            body=body,
            namespace=_namespace(body),
            field_manager=manager,
            force_conflicts=force,
            **_dry(dry_run),
        )

    def replace(self, kind: Kind, body: Object, manager: str, *, dry_run: bool) -> Object:
        """Put the whole object."""
        return self._call(
            "replace", kind, body=body, namespace=_namespace(body), field_manager=manager, **_dry(dry_run)
        )

    def patch(self, kind: Kind, namespace: str | None, name: str, operations: list[Object]) -> Object:
        """Change fields by JSON patch."""
        return self._call(
            "patch",
            kind,
            body=operations,
            namespace=namespace,
            name=name,
            content_type="application/json-patch+json",
        )

    def delete(self, kind: Kind, namespace: str | None, name: str, propagation: str) -> None:
        """Ask for an object's end; it may take its time."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        self._call("delete", kind, namespace=namespace, name=name, body=options)


def _namespace(body: Object) -> str | None:
    namespace: str | None = body["metadata"].get("namespace")
    return namespace


def _dry(dry_run: bool) -> Object:
    return {"dry_run": "All"} if dry_run else {}
