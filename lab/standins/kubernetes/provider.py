"""The resource provider: Pulumi's requests become calls to one cluster."""

# ruff: noqa: N802, ARG002 - names and signatures are the protocol's

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from google.protobuf import empty_pb2
from kubernetes.config import ConfigException
from pulumi.runtime.proto import provider_pb2
from urllib3.exceptions import HTTPError

from lab.standins.differences import changes, ignored
from lab.standins.engine_log import EngineLog
from lab.standins.errors import InitFailedError, NotCoveredError, ProviderError
from lab.standins.kubernetes import managers, release
from lab.standins.kubernetes.cluster import ApiError, Cluster, Object, active, read_kubeconfig
from lab.standins.kubernetes.helm import Helm
from lab.standins.kubernetes.kinds import KINDS, Kind, is_patch, kind_of
from lab.standins.kubernetes.objects import (
    annotation,
    api_version_of,
    as_object,
    checkpoint,
    keep_secrets,
    normalize,
    object_id,
    parse_checkpoint,
    prune,
    same,
    stored_manager,
)
from lab.standins.kubernetes.waits import (
    NotReadyError,
    daemon_set_missing,
    pod_troubles,
    timeout_of,
    until_gone,
    until_ready,
)
from lab.standins.properties import UNKNOWN, Properties, Unknown, contains, decode, encode, path_text, reveal
from lab.standins.provider import Provider, name_of, type_of

_CREATE_RETRY_SECONDS = (1, 2, 4, 8, 16)
_ALREADY_EXISTS = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""
# What a kubeconfig that cannot be used and a server that does not answer raise.
_UNREACHABLE = (ConfigException, HTTPError, ProviderError, OSError, ValueError)
_NO_ANSWER = "configured Kubernetes cluster is unreachable"
_CANNOT_READ = "failed to read resource state due to unreachable cluster."
_LOST = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
_SELECTING = ("kubeconfig", "context", "cluster")
_CONFIGURATION = {
    "kubeconfig": "string",
    "context": "string",
    "clusterIdentifier": "string",
    "namespace": "string",
    "upsertExistingObjects": "boolean",
}
"""What a program in a language without types may say of the provider itself; no resource is described."""
_SKIPS_AWAITING_DELETE = ("Namespace", "DaemonSet")


class KubernetesProvider(Provider):
    """Stand-in for the official Kubernetes provider."""

    version: ClassVar[str] = version("pulumi_kubernetes")
    names_resources: ClassVar[bool] = True

    def __init__(self, log: EngineLog, resources: ExitStack) -> None:
        super().__init__(log)
        self._resources = resources
        self._folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="pulumi-kubernetes-"))
        self._config: dict[str, str] = {}
        self._namespace = "default"
        self._cluster: Cluster | None = None
        self._helm: Helm | None = None
        self._unreachable = "the provider is not configured"

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        """The official plugin does without."""
        raise NotImplementedError("method Handshake not implemented")

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        """Describe the provider: Pulumi YAML asks before it makes one."""
        properties = {name: {"type": kind} for name, kind in _CONFIGURATION.items()}
        schema = {"name": "kubernetes", "version": self.version, "provider": {"inputProperties": properties}}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Another cluster replaces everything on it; under one and the same cluster identifier nothing does."""
        old, new = reveal(decode(request.olds)), reveal(decode(request.news))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if not changed:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        was, now = old.get("clusterIdentifier"), new.get("clusterIdentifier")
        replaces = ["clusterIdentifier"] if was and now and was != now else []
        unknown = [key for key in _SELECTING if contains(new.get(key), Unknown)]
        if unknown:
            changed = unknown[:1]
            replaces += changed
        else:
            clusters = (_active_cluster(old), _active_cluster(new))
            if all(clusters) and clusters[0] != clusters[1]:
                replaces += [key for key in _SELECTING if key in changed]
        if now and was == now:
            replaces = []
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_SOME, diffs=changed, replaces=replaces)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Learn which cluster is meant; one that does not answer fails later, at what needs it."""
        self._config = {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        given = self._config.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"
        kubeconfig = read_kubeconfig(given)
        context_name = self._config.get("context") or kubeconfig.get("current-context")
        chosen = active(kubeconfig, "context", context_name or "")
        self._namespace = self._config.get("namespace") or chosen.get("namespace") or "default"
        try:
            cluster = Cluster(kubeconfig, context_name, self._folder)
            cluster.version()
            self._cluster = cluster
            self._helm = Helm(kubeconfig, context_name, Path(self._folder), self.cancelled)
            self._resources.callback(self._helm.kill)
        except _UNREACHABLE as error:
            self._unreachable = str(error)
        return super().Configure(request, context)

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        """No function of the official provider is used."""
        raise NotCoveredError(request.tok, "pulumi-resource-kubernetes", list(KINDS))

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Complete the inputs: kind, name and namespace."""
        token = type_of(request.urn)
        if token == release.TOKEN:
            return release.check(request, self._helm, self._namespace)
        kind = kind_of(token)
        given = decode(request.news)
        body = {"metadata": {}, **as_object(given)}
        metadata = body["metadata"]
        if is_patch(token) and not self._on("enableServerSideApply", default=True):
            raise ProviderError(
                "patch resources require Server-Side Apply mode, which is enabled using the `enableServerSideApply` "
                "Provider config"
            )
        if is_patch(token) and not metadata.get("name"):
            raise ProviderError("patch resources require the `.metadata.name` field to be set")
        if not metadata.get("name"):
            self._autoname(request, metadata)
        # To the official plugin a namespace that is not known yet is none.
        if kind.namespaced and (not metadata.get("namespace") or metadata["namespace"] is UNKNOWN):
            metadata["namespace"] = self._namespace
        return provider_pb2.CheckResponse(inputs=encode(keep_secrets(normalize(body), given)))

    def _autoname(self, request: Any, metadata: Object) -> None:
        """Name what is new; of what was there only a name that was made for it is kept."""
        old = as_object(decode(request.olds)).get("metadata", {})
        if old:
            if old.get("annotations", {}).get("pulumi.com/autonamed") != "true":
                return
            name = old["name"]
        elif request.HasField("autonaming"):
            if request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE:
                raise ProviderError("autonaming is disabled, resource requires the .metadata.name field to be set")
            name = request.autonaming.proposed_name
        else:
            digest = hashlib.sha256(request.randomSeed or secrets.token_bytes(32)).hexdigest()
            name = f"{name_of(request.urn)}-{digest[:8]}"
        metadata["name"] = name
        metadata["annotations"] = {**metadata.get("annotations", {}), "pulumi.com/autonamed": "true"}

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare the live object, as last seen, with the new inputs."""
        token = type_of(request.urn)
        if token == release.TOKEN:
            return release.diff(request)
        kind = kind_of(token)
        old_inputs, live = parse_checkpoint(decode(request.olds))
        new = normalize(as_object(decode(request.news)))
        pruned = prune(live, normalize(old_inputs))
        old_metadata, new_metadata = pruned.setdefault("metadata", {}), new["metadata"]
        old_metadata["name"] = live["metadata"]["name"]
        for metadata in (old_metadata, new_metadata):
            metadata.pop("resourceVersion", None)
            metadata.pop("namespace", None) if not kind.namespaced else metadata.setdefault("namespace", "default")
        found = [
            change
            for change in changes(pruned, new, self._immutable(token, kind, new), same)
            if not ignored(change.path, request.ignoreChanges)
        ]
        replaces = [path_text(change.path) for change in found if change.replaces]
        same_place = all(new_metadata.get(key) == live["metadata"].get(key) for key in ("name", "namespace"))
        autonamed = annotation(new, "autonamed") == "true"
        some = provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and same_place and not autonamed,
            detailedDiff={path_text(change.path): change.message() for change in found},
            hasDetailedDiff=True,
        )

    def _immutable(self, token: str, kind: Kind, body: Object) -> list[tuple[str, ...]]:
        identity: list[tuple[str, ...]] = [("metadata", "name"), ("metadata", "namespace")]
        if is_patch(token):
            return identity
        frozen = body.get("immutable") is True
        if kind.kind == "Secret" and (frozen or not self._on("enableSecretMutable")):
            identity += [("stringData",), ("data",)]
        if kind.kind == "ConfigMap" and (frozen or not self._on("enableConfigMapMutable")):
            identity += [("binaryData",), ("data",)]
        return [*identity, *kind.immutable]

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Make the object, or ask the API server what it would become."""
        token = type_of(request.urn)
        if token == release.TOKEN:
            return release.create(request, partial(self._reached_by_helm, "create"), self.log)
        kind = kind_of(token)
        given = decode(request.properties)
        body = as_object(given)
        as_given = provider_pb2.CreateResponse(properties=request.properties)
        if request.preview and (contains(body, Unknown) or is_patch(token) or not self._can_preview(kind)):
            return as_given
        cluster = self._reached()
        manager = managers.name_for(body, None)
        try:
            live = self._create(cluster, request, kind, body, manager)
        except ApiError as error:
            if request.preview and (error.already_exists or error.namespace_missing or error.status == 403):
                return as_given
            hint = _ALREADY_EXISTS if error.already_exists else ""
            raise ProviderError(
                f'resource "{request.urn}" was not successfully created by the Kubernetes API server: '
                f"{managers.explain(error, manager)}{hint}"
            ) from None
        if request.preview:
            live.pop("status", None)
            state = checkpoint(body, live, given, kind.api_version, manager)
            return provider_pb2.CreateResponse(properties=encode(state))
        try:
            live = self._await(cluster, request, kind, body, live)
        except NotReadyError as error:
            reasons = [
                f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it '
                f"failed to fully initialize or become live: {error}",
                *error.reasons[1:],
            ]
            state = checkpoint(body, error.live, given, kind.api_version, manager)
            raise InitFailedError(reasons, object_id(live), state) from None
        state = checkpoint(body, live, given, kind.api_version, manager)
        return provider_pb2.CreateResponse(id=object_id(live), properties=encode(state))

    def _create(self, cluster: Cluster, request: Any, kind: Kind, body: Object, manager: str) -> Object:
        """Try again while the namespace or the kind is not there yet: both may be on their way."""
        upsert = is_patch(type_of(request.urn)) or self._on("upsertExistingObjects")
        for pause in (*_CREATE_RETRY_SECONDS, None):
            try:
                if upsert:
                    force = request.preview or self._forced(body)
                    return cluster.apply(kind, body, manager, force=force, dry_run=request.preview)
                return cluster.create(kind, body, managers.CREATOR, dry_run=request.preview)
            except ApiError as error:
                if error.status != 404 or request.preview or pause is None:
                    raise
                self.log.status(request.urn, f"Retrying; creation failed: {error}")
                if self.cancelled.wait(pause):
                    raise
        raise AssertionError("the last try returns or raises")

    def _await(self, cluster: Cluster, request: Any, kind: Kind, body: Object, live: Object) -> Object:
        if annotation(body, "skipAwait") == "true":
            return live
        seconds = timeout_of(request.timeout, body)
        return until_ready(cluster, kind, live, seconds, self.cancelled, partial(self.log.status, request.urn))

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """The live object; of one that we made, only what we said counts as input."""
        token = type_of(request.urn)
        if token == release.TOKEN:
            self._reached_or_lost(request.urn, _CANNOT_READ)
            return release.read(request, self._reached_by_helm("read"))
        kind = kind_of(token)
        cluster = self._reached_or_lost(request.urn, _CANNOT_READ)
        given = decode(request.inputs)
        state = decode(request.properties)
        old_inputs = normalize(as_object(given)) if given else {}
        namespace, _, name = request.id.rpartition("/")
        if kind.namespaced and not namespace:
            namespace = old_inputs.get("metadata", {}).get("namespace") or self._namespace
        try:
            if not cluster.knows(kind):
                return provider_pb2.ReadResponse()
            live = cluster.get(kind, namespace or None, name)
        except ApiError as error:
            if error.status == 404:
                return provider_pb2.ReadResponse()
            raise
        if old_inputs:
            inputs = prune(live, old_inputs)
        else:
            inputs = normalize({key: value for key, value in live.items() if key != "status"})
        manager = managers.name_for(old_inputs, stored_manager(state))
        new_state = checkpoint(inputs, live, given, api_version_of(state, live), manager)
        new_inputs = keep_secrets(inputs, given)
        if old_inputs and kind.kind == "DaemonSet" and annotation(old_inputs, "skipAwait") != "true":
            lacks = daemon_set_missing(live)
            if lacks:
                reasons = [
                    f"Resource '{name}' was created but failed to initialize",
                    *pod_troubles(cluster, live),
                ]
                raise InitFailedError(reasons, request.id, new_state, new_inputs)
        return provider_pb2.ReadResponse(id=request.id, properties=encode(new_state), inputs=encode(new_inputs))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Bring the live object to the new inputs, field by field."""
        token = type_of(request.urn)
        if token == release.TOKEN:
            return release.update(request, partial(self._reached_by_helm, "update"))
        kind = kind_of(token)
        given = decode(request.news)
        body = normalize(as_object(given))
        as_given = provider_pb2.UpdateResponse(properties=request.news)
        if request.preview and (contains(body, Unknown) or not self._can_preview(kind)):
            return as_given
        cluster = self._reached()
        old_state = decode(request.olds)
        old_inputs, old_live = parse_checkpoint(old_state)
        manager = managers.name_for(body, stored_manager(old_state))
        old_manager = managers.name_for(old_inputs, stored_manager(old_state))
        try:
            live = self._update(cluster, request, kind, body, old_live, manager)
            if not request.preview:
                live = self._await(cluster, request, kind, body, live)
        except ProviderError as error:
            if request.preview and isinstance(error, ApiError) and error.status == 403:
                return as_given
            live = self._still_there(cluster, request, kind, old_live, error)
            reason = managers.explain(error, manager) if isinstance(error, ApiError) else str(error)
            reasons = [
                f'the Kubernetes API server reported that "{object_id(live)}" failed to fully initialize or become '
                f"live: {reason}",
                *(error.reasons[1:] if isinstance(error, NotReadyError) else []),
            ]
            state = checkpoint(body, live, given, api_version_of(old_state, old_inputs), manager)
            raise InitFailedError(reasons, object_id(live), state) from None
        if not request.preview and old_manager != manager:
            managers.relinquish(cluster, kind, live, old_manager)
        state = checkpoint(body, live, given, api_version_of(old_state, old_inputs), manager)
        return provider_pb2.UpdateResponse(properties=encode(state))

    def _update(
        self, cluster: Cluster, request: Any, kind: Kind, body: Object, old_live: Object, manager: str
    ) -> Object:
        metadata = old_live["metadata"]
        live = cluster.get(kind, metadata.get("namespace"), metadata["name"])
        if kind.kind == "CustomResourceDefinition":
            # The official plugin keeps this among the inputs.
            body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            return cluster.replace(kind, body, manager, dry_run=request.preview)
        if not request.preview and not is_patch(type_of(request.urn)):
            managers.take_over_from_creator(cluster, kind, live, manager)
        force = self._forced(body) or (request.preview and managers.made_by_creator(live))
        return cluster.apply(kind, body, manager, force=force, dry_run=request.preview)

    @staticmethod
    def _still_there(cluster: Cluster, request: Any, kind: Kind, old_live: Object, error: ProviderError) -> Object:
        metadata = old_live["metadata"]
        try:
            return cluster.get(kind, metadata.get("namespace"), metadata["name"])
        except ApiError as gone:
            raise ProviderError(
                f'update of resource "{request.urn}" failed: {error}\nunable to get cluster state: {gone}'
            ) from None

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """End the object and wait until it is gone; a patch only lets go of its fields."""
        token = type_of(request.urn)
        if token == release.TOKEN:
            return release.delete(request, self._reached_by_helm("delete"), self.log)
        kind = kind_of(token)
        cluster = self._reached_or_lost(request.urn, f"{_NO_ANSWER}.")
        state = decode(request.properties)
        inputs, live = parse_checkpoint(state)
        manager = managers.name_for(inputs, stored_manager(state))
        metadata = live["metadata"]
        namespace, name = metadata.get("namespace"), request.id.rpartition("/")[2]
        try:
            if is_patch(token):
                managers.relinquish(cluster, kind, live, manager)
                return empty_pb2.Empty()
            propagation = annotation(inputs, "deletionPropagationPolicy").capitalize()
            known = propagation in ("Orphan", "Background")
            cluster.delete(kind, namespace, name, propagation if known else "Foreground")
        except ApiError as error:
            if error.status == 404:
                return empty_pb2.Empty()
            raise
        if annotation(inputs, "skipAwait") == "true" and kind.kind in _SKIPS_AWAITING_DELETE:
            return empty_pb2.Empty()
        seconds = timeout_of(request.timeout, inputs)
        try:
            until_gone(cluster, kind, live, seconds, self.cancelled, partial(self.log.status, request.urn))
        except NotReadyError as error:
            kept = checkpoint(inputs, error.live, state, api_version_of(state, inputs), manager)
            raise InitFailedError(error.reasons, object_id(error.live), kept) from None
        self.log.status(request.urn, "")
        return empty_pb2.Empty()

    def _reached(self) -> Cluster:
        if self._cluster is None:
            raise ProviderError(f"{_NO_ANSWER}: {self._unreachable}")
        return self._cluster

    def _reached_or_lost(self, urn: str, sentence: str) -> Cluster:
        """The cluster; a resource of one that does not answer may be of one that is gone."""
        if self._cluster is None:
            self.log.warn(urn, f"{_NO_ANSWER}: {self._unreachable}")
            raise ProviderError(f"{sentence} {_LOST}")
        return self._cluster

    def _reached_by_helm(self, what: str) -> Helm:
        if self._helm is None:
            raise ProviderError(f"can't {what} Helm Release with unreachable cluster: {self._unreachable}")
        return self._helm

    def _can_preview(self, kind: Kind) -> bool:
        return self._cluster is not None and self._cluster.knows(kind)

    def _on(self, option: str, *, default: bool = False) -> bool:
        return self._config.get(option, str(default).lower()) == "true"

    def _forced(self, body: Object) -> bool:
        return annotation(body, "patchForce") == "true" or self._on("enablePatchForce")


def _active_cluster(config: Properties) -> Object:
    given = config.get("kubeconfig")
    if not given or given is UNKNOWN:
        return {}
    kubeconfig = read_kubeconfig(given)
    if not kubeconfig:
        raise ProviderError("failed to parse kubeconfig: it is neither a file nor a kubeconfig")
    context = active(kubeconfig, "context", config.get("context") or kubeconfig.get("current-context") or "")
    return active(kubeconfig, "cluster", config.get("cluster") or context.get("cluster") or "")
