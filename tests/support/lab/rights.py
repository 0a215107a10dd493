"""What an account may do by its roles, and what it has asked the API server, which writes that down for the lab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from kubernetes import client

from lab.cluster import Cluster
from lab.control_plane import AUDITED_GROUP

from .pods import as_json

NAMESPACE = "kube-system"


@dataclass(frozen=True)
class Audit:
    """What is asked from a moment on.

    Attributes:
        cluster: whom.
        began: how much had been written down before.
    """

    cluster: Cluster
    began: int

    @classmethod
    def from_now(cls, cluster: Cluster) -> Self:
        """Begin."""
        log = cluster.control_plane.audit_log
        return cls(cluster, log.stat().st_size if log.exists() else 0)

    def used(self, account: str, granted: set[str]) -> set[str]:
        """The rights that an account has used; what none of these allows is among them as it was asked."""
        found = set()
        for event in self._asked_by(account):
            possible = _as_rights(event)
            found.add(next((right for right in possible if right in granted), possible[-1]))
        return found

    def refused(self, account: str) -> list[str]:
        """What an account has asked and may not do, with its user and the moment."""
        return [
            f"{event['user']['username']}: {_as_rights(event)[-1]} at {event['stageTimestamp']}"
            for event in self._asked_by(account)
            if event["responseStatus"]["code"] == HTTPStatus.FORBIDDEN
        ]

    def _asked_by(self, account: str) -> Iterator[Any]:
        # A daemon with a certificate of its own is Multus too.
        group = AUDITED_GROUP if account == "multus" else None
        with self.cluster.control_plane.audit_log.open() as log:
            log.seek(self.began)
            for event in map(json.loads, log):
                user = event["user"]
                if user["username"] == user_of(account) or group in user.get("groups", ()):
                    yield event


def user_of(account: str) -> str:
    """An account as the API server calls it."""
    return f"system:serviceaccount:{NAMESPACE}:{account}"


def granted(api: client.ApiClient, account: str, role: str) -> set[str]:
    """What an account's roles allow: the ClusterRole of its name and a Role. A sentence a right."""
    rbac = client.RbacAuthorizationV1Api(api)
    everywhere = as_json(rbac.read_cluster_role, account)["rules"]
    here = as_json(rbac.read_namespaced_role, role, NAMESPACE)["rules"]
    return {*_of_rules(everywhere), *_of_rules(here, NAMESPACE)}


def may(cluster: Cluster, user: str, namespace: str) -> set[str]:
    """What the API server says that an account may do in a namespace, as `kubectl auth can-i --list` prints it."""
    body: Any = {"spec": {"namespace": namespace}}
    with cluster.api as api:
        api.set_default_header("Impersonate-User", user)
        status = as_json(client.AuthorizationV1Api(api).create_self_subject_rules_review, body)["status"]
    urls = {
        f"{verb} {url}"
        for rule in status["nonResourceRules"]
        for verb in rule["verbs"]
        for url in rule["nonResourceURLs"]
    }
    return {*_of_rules(status["resourceRules"]), *urls}


def _of_rules(rules: list[dict[str, Any]], namespace: str = "") -> Iterator[str]:
    for rule in rules:
        for verb in rule["verbs"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for name in rule.get("resourceNames") or [""]:
                        yield _right(verb, group, resource, name, namespace)


def _right(verb: str, group: str, resource: str, name: str, namespace: str) -> str:
    what = f"{resource}.{group}" if group else resource
    return " ".join(filter(None, [verb, what, name and f"called {name}", namespace and f"in {namespace}"]))


def _as_rights(event: Any) -> list[str]:
    """The rights by which this could be allowed, the widest first."""
    asked = event.get("objectRef")
    if asked is None:
        return [f"{event['verb']} {event['requestURI']}"]
    resource = "/".join(filter(None, [asked["resource"], asked.get("subresource")]))
    what = (event["verb"], asked.get("apiGroup", ""), resource)
    named = [(name, place) for name in ("", asked.get("name", "")) for place in ("", asked.get("namespace", ""))]
    return [_right(*what, name, place) for name, place in named]
