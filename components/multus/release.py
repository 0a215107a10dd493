"""The Helm release, the gates that wait for what it has made, and the handover between it and the raw objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from . import objects, registering
from . import registering as manifests
from .args import Method
from .chart_archive import pack
from .chart_values import values_of
from .metadata import Object
from .plan import InstallPlan, digest_of

RELEASE = "multus"
METHOD = "multus-install/method"
VALUES = "multus-install/values"
KEEP = {"helm.sh/resource-policy": "keep"}
"""How the chart tells Helm to leave an object when the release goes."""

# Enough to see what an upgrade has changed; every revision is a Secret.
_MAX_HISTORY = 3


@dataclass(frozen=True)
class Chart:
    """Which chart a release is of, as the provider takes it."""

    chart: str
    version: str
    repository: str | None = None


def chart_of(plan: InstallPlan) -> Chart:
    """The plan's chart; this component's own is packed into the program's folder."""
    if plan.helm.chart is None:
        packed = pack()
        return Chart(f"./{packed.path.as_posix()}", packed.version)
    return Chart(plan.helm.chart, plan.helm.version or "", plan.helm.repository)


def daemon_sets_of(plan: InstallPlan) -> dict[str, str]:
    """The DaemonSets of the release, each by a suffix for what is registered about it."""
    if plan.helm.daemon_set is not None:
        return {"gate": plan.helm.daemon_set}
    return {"gate": objects.DAEMON_SET, "gate-fallback": objects.FALLBACK_DAEMON_SET}


def register_release(name: str, plan: InstallPlan, host: Any, port: Any, opts: pulumi.ResourceOptions) -> list[Any]:
    """Register the release and a gate for each of its DaemonSets. What needs running pods depends on the gates.

    Helm itself waits for no pod of a DaemonSet on one node, so it is not asked to wait at all.
    """
    chart = chart_of(plan)
    values = values_of(plan, host, port) if plan.has_own_chart else plan.helm.values
    release = k8s.helm.v3.Release(
        f"{name}-release",
        name=RELEASE,
        chart=chart.chart,
        version=chart.version,
        repository_opts=None if chart.repository is None else k8s.helm.v3.RepositoryOptsArgs(repo=chart.repository),
        namespace=plan.namespace,
        values=values,
        timeout=plan.timeout_seconds,
        max_history=_MAX_HISTORY,
        skip_await=True,
        # Whatever lies there under our names; another method's objects of this stack are guarded by the claim.
        take_ownership=plan.adopt,
        # What fails stays there to be looked at, and the next `up` goes on from it.
        atomic=False,
        cleanup_on_fail=False,
        create_namespace=False,
        dependency_update=False,
        skip_crds=True,
        opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts),
    )
    known = pulumi.Output.json_dumps([chart.chart, chart.version, values], sort_keys=True)
    digest = known.apply(lambda text: digest_of(json.loads(text)))
    gate_opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[release]))
    return [
        registering.register_patch(f"{name}-{suffix}", gate(plan, daemon_set, digest), gate_opts)
        for suffix, daemon_set in daemon_sets_of(plan).items()
    ]


def gate(plan: InstallPlan, daemon_set: str, digest: Any) -> Object:
    """A patch that the provider awaits like the DaemonSet itself, anew whenever the digest of the values changes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": daemon_set, "namespace": plan.namespace, "annotations": {VALUES: digest}},
    }


def method_claim(plan: InstallPlan) -> Object:
    """Says on the namespace which method is in charge. Registered as a claim, under a name of its own per method.

    Another method's claim to another value is a conflict, which stops an `up` that changes the method of a live stack
    before anything is made or deleted. Under a handover both say the same, so that the change passes, but only after
    the method that was in charge has said it in an `up` before.
    """
    said = "handover" if plan.handover else plan.method.value if plan.has_own_chart else "another chart"
    described = objects.namespace(plan)
    return {**described, "metadata": {**described["metadata"], "annotations": {METHOD: said}}}


def handed_over(manifest: Object, plan: InstallPlan) -> Object:
    """An object of the raw method as Helm takes it over: only its metadata changes, so that no pod does."""
    if not plan.handover or plan.method is not Method.MANIFEST:
        return manifest
    about = manifest["metadata"]
    owner = {"meta.helm.sh/release-name": RELEASE, "meta.helm.sh/release-namespace": plan.namespace}
    return {
        **manifest,
        "metadata": {
            **about,
            "labels": {**about["labels"], manifests.MANAGED_BY: "Helm"},
            "annotations": {**about.get("annotations", {}), **owner},
        },
    }
