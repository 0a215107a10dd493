"""What a cluster looks like to doctor: read once, through the API, and never changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from typing import Any

from kubernetes import client

from multus.defaults import DEFAULT_NAMESPACE
from multus.metadata import Object
from multus.objects import CRD
from multus.pods import ACCOUNT

from .meshes import ISTIO_CONFIG_MAP, MESHES
from .networks import DEFINITIONS, PLURAL
from .node_report import NodeReport, decoded_claims

_PAGE = 500
_SECONDS = 30
_LOG_LINES = 20
# The API group in which nmstate reports the links of every node, where it is installed.
_NODE_NETWORKS = ("nmstate.io", "v1beta1", "nodenetworkstates")
_SIBLINGS = ("dynamic-networks", "whereabouts", "dhcp")
SANDBOX_TROUBLES = ("FailedCreatePodSandBox", "FailedKillPod")


class Kind(StrEnum):
    """What a snapshot is made of, each kind read by a call of its own, in the order of the calls."""

    DAEMON_SETS = "DaemonSets"
    API_GROUPS = "API groups"
    NODES = "nodes"
    PODS = "pods"
    EVENTS = "events"
    CRD = f"CRD {CRD}"
    NETWORKS = "networks"
    NODE_NETWORKS = "NodeNetworkStates"
    CONFIG_MAPS = "ConfigMaps"
    CILIUM = "the ConfigMap of Cilium"
    ISTIO = "the ConfigMap of Istio's CNI"
    ACCOUNT = "the ServiceAccount"
    CLUSTER_ROLE_BINDINGS = "ClusterRoleBindings"
    ROLE_BINDINGS = "RoleBindings"
    RIGHTS = "the account's rights"
    SECRETS = "Secrets"
    TOKEN_REVIEW = "the review of a token"  # noqa: S105 # what is read
    ENDPOINT_SLICES = "EndpointSlices"


@dataclass(frozen=True)
class Access:
    """Whether the account of Multus may do one thing.

    Attributes:
        verb: such as `get`.
        group: the API group; empty for the core group.
        resource: the resource, with a subresource after a slash.
        allowed: whether the API server allows it.
        needed: whether Multus needs it.
    """

    verb: str
    group: str
    resource: str
    allowed: bool
    needed: bool

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{'.' if self.group else ''}{self.group}"


@dataclass(frozen=True)
class Token:
    """A token Secret, without its token: what that says of itself, and what the API server says of it.

    Attributes:
        accepted: the answer of a TokenReview, None where nobody could ask.
        authority: the cluster's authority as the Secret has it, base64.
    """

    secret: str
    claims: Mapping[str, Any]
    accepted: bool | None
    authority: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The cluster, as objects of the API, and the nodes, as they answered over SSH.

    Attributes:
        namespace: where Multus is, or would be.
        version: the API server's.
        groups: the API groups that it serves.
        node_networks: what nmstate reports of each node's network, where it is installed.
        endpoints: where the API server answers, `host:port`, as the control plane itself says.
        logs: the last lines of Multus' containers that are not well, by pod.
        unreached: why a node could not be asked over SSH, by node.
        unseen: what the kubeconfig's account may not read: its part of the snapshot is empty without meaning anything.
    """

    namespace: str = DEFAULT_NAMESPACE
    version: str = ""
    groups: frozenset[str] = frozenset()
    nodes: tuple[Object, ...] = ()
    daemon_sets: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()
    crd: Object | None = None
    networks: tuple[Object, ...] = ()
    node_networks: tuple[Object, ...] = ()
    config_maps: tuple[Object, ...] = ()
    account: Object | None = None
    bindings: tuple[Object, ...] = ()
    access: tuple[Access, ...] = ()
    tokens: tuple[Token, ...] = ()
    endpoints: tuple[str, ...] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, NodeReport] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)
    unseen: frozenset[Kind] = frozenset()

    @property
    def multus_sets(self) -> list[Object]:
        """Every DaemonSet that runs Multus, whoever made it."""
        return [each for each in self.daemon_sets if runs_multus(each)]

    def pods_of(self, daemon_set: Object) -> list[Object]:
        """A DaemonSet's pods."""
        uid = daemon_set["metadata"].get("uid")
        owned = [(pod, owner) for pod in self.pods for owner in pod["metadata"].get("ownerReferences", ())]
        return [pod for pod, owner in owned if owner.get("uid") == uid]

    @property
    def multus_pods(self) -> list[Object]:
        """Every pod of every Multus."""
        return [pod for each in self.multus_sets for pod in self.pods_of(each)]

    def multus_pod_on(self, node: str) -> Object | None:
        """The Multus pod of a node; the newest where there are two."""
        found = [pod for pod in self.multus_pods if pod["spec"].get("nodeName") == node]
        return max(found, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)

    @property
    def links(self) -> dict[str, set[str]]:
        """The links of nodes by their names: as they have answered themselves, and else as nmstate reports them.

        Source: nmstate/kubernetes-nmstate, api/shared/nodenetworkstate_types.go, and nmstate's schema of interfaces.
        """
        seen = {each["metadata"]["name"]: _links_of(each) for each in self.node_networks}
        said = {node: set(report.facts.links or ()) for node, report in self.reports.items()}
        return seen | {node: links for node, links in said.items() if links}

    def creation_failures(self) -> Iterator[tuple[Object, str]]:
        """DaemonSets of Multus whose pods the API server refuses to create, each with its last sentence about it."""
        for daemon_set in self.multus_sets:
            uid, pods = daemon_set["metadata"].get("uid"), self.pods_of(daemon_set)
            # What was refused before the last of its pods was created is refused no longer.
            created = max((str(pod["metadata"].get("creationTimestamp", "")) for pod in pods), default="")
            said = [
                event
                for event in self.events
                if event.get("reason") == "FailedCreate"
                and event.get("involvedObject", {}).get("uid") == uid
                and _time(event) >= created
            ]
            missing = self.missing_pods(daemon_set)
            is_empty = not pods and Kind.PODS not in self.unseen
            if said and (is_empty if missing is None else missing):
                yield daemon_set, str(max(said, key=_time).get("message", ""))

    def missing_pods(self, daemon_set: Object) -> int | None:
        """How many of a DaemonSet's pods do not exist; None where its controller has not said how many should."""
        status = daemon_set.get("status", {})
        desired = status.get("desiredNumberScheduled")
        if desired is None:
            return None
        if Kind.PODS in self.unseen:
            return max(0, int(desired) - int(status.get("currentNumberScheduled", desired)))
        return max(0, int(desired) - sum(not is_going(pod) for pod in self.pods_of(daemon_set)))

    def sandbox_failures(self) -> Iterator[tuple[Object, str]]:
        """Pods whose sandbox cannot be made or removed right now, each with the last message about it."""
        last: dict[str, Object] = {}
        for event in sorted(self.events, key=_time):
            if event.get("reason") in SANDBOX_TROUBLES:
                last[event.get("involvedObject", {}).get("uid", "")] = event
        for pod in self.pods:
            event = last.get(pod["metadata"].get("uid", ""), {})
            if event and (is_going(pod) or not has_sandbox(pod)):
                yield pod, str(event.get("message", ""))

    def troubles_of(self, pod: Object) -> Iterator[str]:
        """Everything that was said about a pod that is not well: its containers' states, its events, its log."""
        if is_well(pod):
            return
        for status in container_statuses(pod):
            for state in (status.get("state", {}), status.get("lastState", {})):
                for about in state.values():
                    yield " ".join(str(about[key]) for key in ("reason", "message") if about.get(key))
        for event in self.events:
            if event.get("involvedObject", {}).get("uid") == pod["metadata"].get("uid"):
                yield str(event.get("message", ""))
        yield self.logs.get(pod["metadata"]["name"], "")


def _links_of(node_network: Object) -> set[str]:
    state = node_network.get("status", {}).get("currentState") or {}
    links = [each for each in state.get("interfaces") or () if isinstance(each, dict)]
    others = (other.get("name") for each in links for other in each.get("alt-names") or () if isinstance(other, dict))
    return {str(name) for name in (*(each.get("name") for each in links), *others) if name}


def runs_multus(daemon_set: Object) -> bool:
    """Whether a DaemonSet's name or one of its images is Multus', and neither is of what stands beside it."""
    spec = daemon_set["spec"]["template"]["spec"]
    images = [container.get("image", "") for container in spec.get("containers", ())]
    words = [daemon_set["metadata"]["name"], *(image.rpartition("/")[2] for image in images)]
    return any("multus" in word for word in words) and not any(each in words[0] for each in _SIBLINGS)


def host_paths(daemon_set: Object) -> dict[str, str]:
    """The host's directories that its pods mount, by volume."""
    volumes = daemon_set["spec"]["template"]["spec"].get("volumes", ())
    return {each["name"]: each["hostPath"]["path"].rstrip("/") or "/" for each in volumes if "hostPath" in each}


def name_of(thing: Object) -> str:
    """`namespace/name`, or the name of what has no namespace."""
    about = thing["metadata"]
    return f"{about['namespace']}/{about['name']}" if about.get("namespace") else str(about["name"])


def container_statuses(pod: Object) -> list[Object]:
    """The statuses of all its containers, those that initialise first."""
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def condition(thing: Object, kind: str) -> str:
    """A condition's status, empty where it is not reported."""
    found = (each["status"] for each in thing.get("status", {}).get("conditions", ()) if each["type"] == kind)
    return next(found, "")


def is_well(pod: Object) -> bool:
    """Whether it is Ready and not being deleted."""
    return condition(pod, "Ready") == "True" and not is_going(pod)


def is_going(pod: Object) -> bool:
    """Whether it is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_finished(pod: Object) -> bool:
    """Whether it has run to its end."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def needs_network(pod: Object) -> bool:
    """Whether it has, or waits for, a network of its own."""
    return not (is_going(pod) or is_finished(pod) or pod["spec"].get("hostNetwork"))


def has_sandbox(pod: Object) -> bool:
    """Whether its network was made."""
    said = condition(pod, "PodReadyToStartContainers")
    return said == "True" if said else pod.get("status", {}).get("phase") == "Running"


def take(
    api: client.ApiClient,
    namespace: str | None,
    needed: Mapping[tuple[str, str], tuple[str, ...]],
    reports: Mapping[str, NodeReport],
    unreached: Mapping[str, str],
) -> Snapshot:
    """Read everything.

    Args:
        api: of somebody who may read; what is forbidden is named in the snapshot.
        namespace: where Multus is or will be; None to look for it.
        needed: what Multus' account has to be allowed: verbs by group and resource.
        reports: what the nodes answered over SSH.
        unreached: which did not, and why.

    Raises:
        client.ApiException, urllib3.exceptions.HTTPError: the API server cannot be asked at all.
    """
    reader = _Reader(api)
    core, apps, rbac = client.CoreV1Api(api), client.AppsV1Api(api), client.RbacAuthorizationV1Api(api)
    objects = client.CustomObjectsApi(api)
    version: Any = client.VersionApi(api).get_code(_request_timeout=_SECONDS)
    daemon_sets = reader.items(Kind.DAEMON_SETS, apps.list_daemon_set_for_all_namespaces)
    if namespace is None:
        there = [each["metadata"]["namespace"] for each in daemon_sets if runs_multus(each)]
        namespace = there[0] if there else DEFAULT_NAMESPACE
    groups = reader.items(Kind.API_GROUPS, client.ApisApi(api).get_api_versions, key="groups")
    snapshot = Snapshot(
        namespace=namespace,
        version=str(version.git_version),
        groups=frozenset(str(group["name"]) for group in groups),
        nodes=reader.items(Kind.NODES, core.list_node),
        daemon_sets=daemon_sets,
        pods=reader.items(Kind.PODS, core.list_pod_for_all_namespaces),
        events=reader.items(Kind.EVENTS, core.list_event_for_all_namespaces, field_selector="type=Warning"),
        crd=reader.one(Kind.CRD, client.ApiextensionsV1Api(api).read_custom_resource_definition, CRD),
        networks=reader.items(
            Kind.NETWORKS,
            objects.list_cluster_custom_object,
            *DEFINITIONS,
            PLURAL,
        ),
        node_networks=reader.items(Kind.NODE_NETWORKS, objects.list_cluster_custom_object, *_NODE_NETWORKS)
        if any(group["name"] == _NODE_NETWORKS[0] for group in groups)
        else (),
        config_maps=(
            *reader.items(Kind.CONFIG_MAPS, core.list_namespaced_config_map, namespace, label_selector="app=multus"),
            *filter(None, [reader.one(Kind.CILIUM, core.read_namespaced_config_map, "cilium-config", "kube-system")]),
            *filter(
                None, (reader.one(Kind.ISTIO, core.read_namespaced_config_map, *each) for each in _istio(daemon_sets))
            ),
        ),
        account=reader.one(Kind.ACCOUNT, core.read_namespaced_service_account, ACCOUNT, namespace),
        bindings=(
            *reader.items(Kind.CLUSTER_ROLE_BINDINGS, rbac.list_cluster_role_binding),
            *reader.items(Kind.ROLE_BINDINGS, rbac.list_role_binding_for_all_namespaces),
        ),
        access=tuple(reader.access(namespace, needed)),
        tokens=tuple(reader.tokens(namespace)),
        endpoints=tuple(_endpoints(reader.items(Kind.ENDPOINT_SLICES, _slices(api), "default"))),
        reports=reports,
        unreached=unreached,
    )
    sick = [pod for pod in snapshot.multus_pods if not is_well(pod)]
    logs = {pod["metadata"]["name"]: reader.log(pod) for pod in sick}
    return replace(snapshot, logs=logs, unseen=frozenset(reader.unseen))


def take_outline(api: client.ApiClient) -> Snapshot:
    """Read what tells how Multus is installed, and nothing of what runs: nodes, DaemonSets and its ConfigMaps.

    Raises:
        client.ApiException, urllib3.exceptions.HTTPError: the API server cannot be asked at all.
    """
    reader, core = _Reader(api), client.CoreV1Api(api)
    outline = Snapshot(
        nodes=reader.items(Kind.NODES, core.list_node),
        daemon_sets=reader.items(Kind.DAEMON_SETS, client.AppsV1Api(api).list_daemon_set_for_all_namespaces),
        endpoints=tuple(_endpoints(reader.items(Kind.ENDPOINT_SLICES, _slices(api), "default"))),
    )
    namespaces = {each["metadata"]["namespace"] for each in outline.multus_sets}
    config_maps = [
        reader.items(Kind.CONFIG_MAPS, core.list_namespaced_config_map, namespace, label_selector="app=multus")
        for namespace in sorted(namespaces)
    ]
    return replace(outline, config_maps=tuple(chain.from_iterable(config_maps)), unseen=frozenset(reader.unseen))


# What an account of Multus never needs, and what makes a leaked one dangerous.
_DANGEROUS = (
    ("get", "", "secrets"),
    ("create", "", "pods"),
    ("delete", "", "pods"),
    ("patch", "", "nodes"),
    ("create", DEFINITIONS[0], PLURAL),
    ("delete", DEFINITIONS[0], PLURAL),
    ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
)


class _Reader:
    """Reads; what is forbidden or not there is empty, and the kinds that are forbidden are remembered."""

    def __init__(self, api: client.ApiClient) -> None:
        self.unseen: set[Kind] = set()
        self._authorization = client.AuthorizationV1Api(api)
        self._authentication = client.AuthenticationV1Api(api)
        self._core = client.CoreV1Api(api)

    def one(self, kind: Kind, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One object as the API has it, or None."""
        try:
            answer = call(*arguments, **options, _preload_content=False, _request_timeout=_SECONDS)
        except client.ApiException as error:
            if error.status == 403:
                self.unseen.add(kind)
            elif error.status not in (400, 404):
                raise
            return None
        return json.loads(answer.data)

    def items(
        self, kind: Kind, call: Callable[..., Any], *arguments: Any, key: str = "items", **options: Any
    ) -> tuple[Object, ...]:
        """Every object of a list."""
        paged = {} if key == "groups" else {"limit": _PAGE}
        found: list[Object] = []
        while (page := self.one(kind, call, *arguments, **options, **paged)) is not None:
            found += page.get(key) or ()
            more = page.get("metadata", {}).get("continue")
            if not more:
                break
            paged["_continue"] = more
        return tuple(found)

    def access(self, namespace: str, needed: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[Access]:
        """What the account may do, of what it needs and of what it must not."""
        wanted = [(verb, group, resource) for (group, resource), verbs in needed.items() for verb in verbs]
        for verb, group, resource in (*wanted, *_DANGEROUS):
            name, _, part = resource.partition("/")
            attributes = {"verb": verb, "group": group, "resource": name, "subresource": part, "namespace": namespace}
            user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
            of = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
            body = {"spec": {"user": user, "groups": of, "resourceAttributes": attributes}}
            answer = self.one(Kind.RIGHTS, self._authorization.create_subject_access_review, body)
            if answer is None:
                return
            allowed = bool(answer.get("status", {}).get("allowed"))
            yield Access(verb, group, resource, allowed, (verb, group, resource) in wanted)

    def tokens(self, namespace: str) -> Iterator[Token]:
        """The token Secrets of the account."""
        kind = "type=kubernetes.io/service-account-token"
        for secret in self.items(Kind.SECRETS, self._core.list_namespaced_secret, namespace, field_selector=kind):
            about = secret["metadata"]
            if about.get("annotations", {}).get("kubernetes.io/service-account.name") != ACCOUNT:
                continue
            data = secret.get("data") or {}
            token = base64.b64decode(data.get("token", "")).decode(errors="replace")
            parts = token.split(".")
            claims = decoded_claims(parts[1]) if len(parts) > 1 else {}
            yield Token(about["name"], claims, self._accepted(token), data.get("ca.crt", ""))

    def _accepted(self, token: str) -> bool | None:
        if not token:
            return False
        answer = self.one(Kind.TOKEN_REVIEW, self._authentication.create_token_review, {"spec": {"token": token}})
        return None if answer is None else bool(answer.get("status", {}).get("authenticated"))

    def log(self, pod: Object) -> str:
        """The last lines of a pod's containers, of the run before where there was one."""
        about, lines = pod["metadata"], []
        for status in container_statuses(pod):
            for previous in (True, False):
                try:
                    lines.append(
                        self._core.read_namespaced_pod_log(
                            about["name"],
                            about["namespace"],
                            container=status["name"],
                            previous=previous,
                            tail_lines=_LOG_LINES,
                            _request_timeout=_SECONDS,
                        )
                    )
                except client.ApiException as error:
                    if error.status not in (400, 403, 404, 500):
                        raise
        return "\n".join(str(line) for line in lines if line)


def _istio(daemon_sets: tuple[Object, ...]) -> Iterator[tuple[str, str]]:
    """The ConfigMaps of Istio's installers."""
    for each in daemon_sets:
        if each["metadata"]["name"] == MESHES["istio-cni"].daemon_set:
            yield ISTIO_CONFIG_MAP, each["metadata"]["namespace"]


def _slices(api: client.ApiClient) -> Callable[..., Any]:
    call: Callable[..., Any] = client.DiscoveryV1Api(api).list_namespaced_endpoint_slice
    return call


def _endpoints(slices: tuple[Object, ...]) -> Iterator[str]:
    for each in slices:
        if each["metadata"].get("labels", {}).get("kubernetes.io/service-name") != "kubernetes":
            continue
        for address in (found for endpoint in each.get("endpoints") or () for found in endpoint["addresses"]):
            host = f"[{address}]" if ":" in address else address
            yield from (f"{host}:{port['port']}" for port in each.get("ports") or ())


def _time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")
