"""MultusNetwork: registers what the plan of a network says. Nothing is decided here.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads the annotations at run time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi

from . import network_problems
from .args import LiveAttachments
from .component import MultusComponent
from .late_values import is_opaque
from .network_args import MultusNetworkArgs
from .network_needs import needs_of
from .network_plan import API_VERSION, KIND, NetworkPlan, name_problems, resolve_network
from .network_program import networks_beside
from .node_steps import Steps
from .plan import known
from .registering import register_network
from .stack_traces import brief_stack_traces
from .waiting import Waits, by_urn


class MultusNetwork(pulumi.ComponentResource):
    """One network that pods can ask for: a NetworkAttachmentDefinition, made and checked before a pod meets it.

    It needs Multus on the cluster, whoever installed it.
    """

    reference: pulumi.Output[str]
    """How a pod asks for it: `namespace/name`."""

    config: pulumi.Output[str]
    """The CNI configuration, as JSON."""

    plugins: pulumi.Output[Sequence[str]]
    """The CNI plugins that every node needs for it, those for addresses too."""

    def __init__(
        self,
        name: str,
        args: MultusNetworkArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        multus: MultusComponent | None = None,
    ) -> None:
        """Plan and register it.

        Args:
            name: the resource's, and the definition's where `args` has no other.
            args: what it is.
            opts: Pulumi's options.
            multus: the install that serves it, for what that alone knows: its directories, and its listed nodes, which
                are checked before there is a network, and on which running pods guard it.
        """
        install = multus.steps.plan if multus is not None else None
        with networks_beside(name) as beside:
            self._plan = resolve_network(args, name, install, beside.others)
            beside.add(self._plan)
        super().__init__("multus:index:MultusNetwork", name, {}, opts)
        plan = self._plan
        namespace, path = _known(plan, name, beside.others)
        config = pulumi.Output.all(namespace, path).apply(lambda known: plan.config(*known))
        with brief_stack_traces():
            definition = self._register(name, namespace, path, config, multus)
        self.reference = pulumi.Output.concat(namespace, "/", definition.metadata.apply(_name_in))
        self.config = config
        self.plugins = pulumi.Output.from_input(plan.plugins)
        self.register_outputs({key: getattr(self, key) for key in MultusNetwork.__annotations__})

    @property
    def plan(self) -> NetworkPlan:
        """What was decided, for `attachment`, in Python."""
        return self._plan

    def _register(
        self,
        name: str,
        namespace: pulumi.Output[str],
        path: pulumi.Output[Any],
        config: pulumi.Output[str],
        multus: MultusComponent | None,
    ) -> Any:
        """Register the definition, and on the nodes that the install lists what is checked before and guards after."""
        plan = self._plan
        nodes = multus.steps.plan.nodes if multus is not None else ()
        refuses = plan.live_attachments is LiveAttachments.REFUSE
        manifest = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": plan.name, "namespace": namespace, "annotations": plan.annotations},
            "spec": {"config": config},
        }
        # Its name, as it stands in its configuration and in the caches of nodes.
        held = namespace.apply(lambda known: str(plan.conf(known)["name"]))
        steps = replace(multus.steps, parent=self, name=name) if multus is not None else None
        before = by_urn([multus.marker]) if multus is not None else []
        if steps is not None:
            before += self._checks(steps, held, namespace, path, [*before])
        opts = pulumi.ResourceOptions(
            parent=self,
            depends_on=before,
            # Replaced, it takes its guards along, which are asked first.
            replace_on_changes=["spec.config"] if nodes and refuses else [],
        )
        definition = register_network(f"{name}-definition", manifest, opts)
        if steps is not None:
            live = plan.live_attachments.value
            steps.on_each_node(lambda node, before: steps.guard(node, held, definition.id, live, before))
        return definition

    def _checks(
        self,
        steps: Steps,
        held: pulumi.Output[str],
        namespace: pulumi.Output[str],
        path: pulumi.Output[Any],
        after: Waits,
    ) -> Waits:
        """Register the checks of the nodes on which it will be used."""
        plan = self._plan
        needs = needs_of(plan.conf())
        whereabouts = pulumi.Output.all(namespace, path).apply(lambda known: needs_of(plan.conf(*known)).whereabouts)
        nodes = [each for each in steps.plan.nodes if not each.gone and plan.node in (None, each.name)]
        made = steps.on_each_node(
            lambda node, before: steps.network(node, held, needs, whereabouts, [*after, *before]), nodes
        )
        return by_urn(made.values())


def _known(
    plan: NetworkPlan, name: str, others: Mapping[str, NetworkPlan]
) -> tuple[pulumi.Output[str], pulumi.Output[Any]]:
    """Namespace and path of whereabouts' configuration; what was known late is checked as soon as it is known."""
    namespace, path = (pulumi.Output.from_input(each) for each in (plan.namespace, plan.configuration_path))
    whose = f"Network {name!r}"
    if is_opaque(plan.namespace):
        namespace = namespace.apply(lambda text: known(network_problems.namespace_problems, "namespace", text, whose))
    namespace = _apart(plan, namespace, others, whose)
    if is_opaque(plan.configuration_path):
        key = "ipam.whereabouts.configuration_path"
        path = path.apply(lambda text: known(network_problems.path_problems, key, text, whose))
    return namespace, path


def _apart(
    plan: NetworkPlan, namespace: pulumi.Output[str], others: Mapping[str, NetworkPlan], whose: str
) -> pulumi.Output[str]:
    """The network's namespace, held against those of others as soon as both are known."""
    late = {name: other for name, other in others.items() if is_opaque(plan.namespace) or is_opaque(other.namespace)}

    def checked(texts: Sequence[str]) -> str:
        mine, *theirs = texts
        beside = {name: replace(late[name], namespace=text) for name, text in zip(late, theirs, strict=True)}
        return known(lambda *_: name_problems(replace(plan, namespace=mine), beside), "namespace", mine, whose)

    if not late:
        return namespace
    both = pulumi.Output.all(namespace, *(other.namespace for other in late.values())).apply(checked)
    # An early one does not wait for others: a preview shows what becomes of it, and the check ends the program alone.
    return both if is_opaque(plan.namespace) else namespace


def _name_in(metadata: Any) -> str:
    name: str = metadata["name"]
    return name
