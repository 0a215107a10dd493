"""What doctor says about one thing that is wrong, and the list of everything that it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: an error stops pods or will, a warning may."""

    ERROR = "error"
    WARNING = "warning"


class Check(StrEnum):
    """What doctor looks at, in the order of its table."""

    CLUSTER = "cluster and nodes"
    SSH = "nodes over SSH"
    RUNTIME = "container runtime and directories"
    DEFAULT_NETWORK = "default network"
    OTHERS = "other installs of Multus"
    DAEMON_SETS = "DaemonSets and pods"
    IMAGE = "image"
    CRD = "CRD"
    NETWORKS = "networks and their plugins"
    RBAC = "account and RBAC"
    CONFIG_MAP = "ConfigMaps"
    TOKEN = "token"  # noqa: S105 # what is looked at
    KUBECONFIG = "kubeconfig on the hosts"
    CONF = "00-multus.conf on the hosts"
    MOUNTS = "mounts"
    PROGRAM = "plugin binary on the hosts"
    PODS = "pods of all namespaces"
    ADDRESSES = "addresses"
    SMOKE = "a plain pod and one with net1"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        check: what was looked at.
        severity: how bad it is.
        where: the node, object or file.
        what: what is wrong.
        why: why that matters.
        fix: the commands that mend it, one a line, as they are typed.
        symptom: the name of the trouble in docs/troubleshooting.md; empty where it has none.
    """

    check: Check
    severity: Severity
    where: str
    what: str
    why: str
    fix: str
    symptom: str = ""


@dataclass(frozen=True)
class Occurrence:
    """One place where a symptom shows.

    Attributes:
        where: the node, object or file.
        what: what is wrong there.
        node: the node where commands have to be run, if any.
        values: what the commands name besides.
    """

    where: str
    what: str
    node: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def without_echoes(findings: Iterator[Finding]) -> list[Finding]:
    """Drop duplicates, and generic findings about a place for which a named symptom was found. Worst first."""
    found = list(findings)
    named = {each.where for each in found if each.symptom}
    kept = [each for each in found if each.symptom or each.where not in named]
    return sorted(dict.fromkeys(kept), key=lambda each: (each.severity, list(Check).index(each.check)))
