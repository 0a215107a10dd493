"""The Helm release, the gates that wait for what it has made, and the handover between it and the raw objects."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from . import objects, registering
from .args import Method
from .chart_archive import pack
from .chart_values import values_of
from .metadata import Object
from .plan import InstallPlan, digest_of
from .registering import Installed

RELEASE = "multus"
METHOD = "multus-install/method"
VALUES = "multus-install/values"
KEEP = {"helm.sh/resource-policy": "keep"}
"""How the chart tells Helm to leave an object when the release goes."""

# Enough to see what an upgrade has changed; every revision is a Secret.
_MAX_HISTORY = 3


def register_release(name: str, plan: InstallPlan, host: Any, port: Any, opts: pulumi.ResourceOptions) -> Installed:
    """Register the release and a gate for each of its DaemonSets. What needs running pods depends on the gates.

    Helm itself waits for no pod of a DaemonSet on one node, so it is not asked to wait at all.
    """
    packed = pack()
    chart = f"./{packed.path.as_posix()}"
    values = values_of(plan, host, port)
    release = k8s.helm.v3.Release(
        f"{name}-release",
        name=RELEASE,
        chart=chart,
        version=packed.version,
        namespace=plan.namespace,
        values=values,
        timeout=plan.timeout_seconds,
        max_history=_MAX_HISTORY,
        skip_await=True,
        # Let Helm take over existing objects of these names; a stack of the other method is refused earlier, by
        # method_claim().
        take_ownership=plan.adopt,
        # What fails stays there to be looked at, and the next `up` goes on from it.
        atomic=False,
        cleanup_on_fail=False,
        create_namespace=False,
        dependency_update=False,
        skip_crds=True,
        opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts),
    )
    known = pulumi.Output.json_dumps([chart, packed.version, values], sort_keys=True)
    digest = known.apply(lambda text: digest_of(json.loads(text)))
    gate_opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[release]))
    return Installed(
        main=registering.register_patch(f"{name}-gate", gate(plan, objects.DAEMON_SET, digest), gate_opts),
        fallback=registering.register_patch(
            f"{name}-gate-fallback", gate(plan, objects.FALLBACK_DAEMON_SET, digest), gate_opts
        ),
    )


def gate(plan: InstallPlan, daemon_set: str, digest: Any) -> Object:
    """A patch that the provider awaits like the DaemonSet itself, again whenever the digest of the values changes."""
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
    method = "handover" if plan.handover else plan.method.value
    about = {"name": plan.namespace, "annotations": {METHOD: method}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": about}


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
            "labels": {**about["labels"], registering.MANAGED_BY: "Helm"},
            "annotations": {**about.get("annotations", {}), **owner},
        },
    }
