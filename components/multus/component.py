"""MultusComponent: registers and orders what the plan says. Nothing is decided here.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads the annotations at run time.
"""

import base64
from collections.abc import Sequence
from typing import Any

import pulumi

from . import manifests, objects
from .args import MultusComponentArgs
from .conf import kubeconfig
from .errors import InvalidArgumentsError, Problem
from .nodes import Steps
from .plan import InstallPlan, resolve
from .server import Server, parse_server


class MultusComponent(pulumi.ComponentResource):
    """Multus CNI on a cluster: checked nodes, least-privilege durable credentials, the DaemonSet, and a proof per node.

    It installs no networks and no other CNI plugins. Order: every preflight, then RBAC and token, then each node's
    kubeconfig, then the DaemonSets, then each node's verification, then the marker; removal runs backwards.
    """

    namespace: pulumi.Output[str]
    """The namespace of the DaemonSets and of the ServiceAccount."""

    daemon_set_name: pulumi.Output[str]
    """The DaemonSet of the nodes that are provisioned over SSH."""

    image: pulumi.Output[str]
    """The image that runs, with its tag or digest."""

    cni_conf_dir: pulumi.Output[str]
    """The CNI configuration directory on the hosts."""

    cni_bin_dir: pulumi.Output[str]
    """The CNI plugin directory on the hosts."""

    kubeconfig_path: pulumi.Output[str]
    """Multus' kubeconfig on the hosts."""

    provisioned_nodes: pulumi.Output[Sequence[str]]
    """The nodes that were checked, provisioned and verified over SSH."""

    def __init__(self, name: str, args: MultusComponentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = resolve(args)
        super().__init__("multus:index:MultusComponent", name, {}, opts)
        owner = f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"
        server = pulumi.Output.from_input(plan.api_server).apply(_known_server)
        steps = Steps(self, name, plan, owner, server)

        preflights = {node.name: steps.preflight(node) for node in plan.nodes}
        checked = pulumi.ResourceOptions(parent=self, depends_on=list(preflights.values()))
        account, token, access = _access(name, plan, checked)
        install = account.metadata.apply(lambda metadata: metadata.uid)

        content = pulumi.Output.all(server, token.data).apply(lambda known: _kubeconfig(*known))
        provisions = {
            node.name: steps.provision(node, content, install, [preflights[node.name], *access]) for node in plan.nodes
        }
        labels = [
            manifests.register_patch(
                f"{name}-label-{node.name}",
                objects.node_label(node.name),
                pulumi.ResourceOptions(parent=self, depends_on=[provisions[node.name]]),
            )
            for node in plan.nodes
        ]

        ready = pulumi.ResourceOptions(
            parent=self,
            depends_on=[*preflights.values(), *access, *provisions.values(), *labels],
            custom_timeouts=pulumi.CustomTimeouts(
                **dict.fromkeys(("create", "update", "delete"), f"{plan.timeout_seconds}s")
            ),
        )
        host, port = server.apply(lambda known: known.host), server.apply(lambda known: str(known.port))
        daemon_sets = [
            manifests.register(f"{name}-daemonset", objects.daemon_set(plan, host, port), ready),
            manifests.register(f"{name}-daemonset-fallback", objects.fallback_daemon_set(plan, host, port), ready),
        ]
        verified = [steps.verify(node, install, [provisions[node.name], *daemon_sets]) for node in plan.nodes]
        manifests.register(
            f"{name}-marker",
            objects.marker(plan, owner),
            pulumi.ResourceOptions(parent=self, depends_on=[*daemon_sets, *verified]),
        )

        self.namespace = pulumi.Output.from_input(plan.namespace)
        self.daemon_set_name = daemon_sets[0].metadata.apply(lambda metadata: metadata.name)
        self.image = pulumi.Output.from_input(plan.image)
        self.cni_conf_dir = pulumi.Output.from_input(plan.cni_conf_dir)
        self.cni_bin_dir = pulumi.Output.from_input(plan.cni_bin_dir)
        self.kubeconfig_path = pulumi.Output.from_input(plan.kubeconfig_path)
        self.provisioned_nodes = pulumi.Output.from_input([node.name for node in plan.nodes])
        self.register_outputs(
            {
                key: getattr(self, key)
                for key in (
                    "namespace",
                    "daemon_set_name",
                    "image",
                    "cni_conf_dir",
                    "cni_bin_dir",
                    "kubeconfig_path",
                    "provisioned_nodes",
                )
            }
        )


def _access(name: str, plan: InstallPlan, opts: pulumi.ResourceOptions) -> tuple[Any, Any, list[pulumi.Resource]]:
    """The account, its token Secret, and everything that has to be there before a kubeconfig can be proven."""
    retained = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
    crd = manifests.register_patch(f"{name}-crd", objects.custom_resource_definition(), retained)
    account = manifests.register(f"{name}-service-account", objects.service_account(plan), opts)
    others = [
        manifests.register(f"{name}-cluster-role", objects.cluster_role(plan), opts),
        manifests.register(f"{name}-cluster-role-binding", objects.cluster_role_binding(plan), opts),
        manifests.register(f"{name}-marker-role", objects.marker_role(plan), opts),
        manifests.register(f"{name}-marker-role-binding", objects.marker_role_binding(plan), opts),
    ]
    token_opts = pulumi.ResourceOptions(
        depends_on=[account],
        # The API server writes the day of the token's last use on the Secret, which is no drift.
        ignore_changes=['metadata.labels["kubernetes.io/legacy-token-last-used"]'],
    )
    token = manifests.register(
        f"{name}-token", objects.token_secret(plan), pulumi.ResourceOptions.merge(opts, token_opts)
    )
    return account, token, [crd, account, *others, token]


def _kubeconfig(server: Server, data: dict[str, str]) -> str:
    return kubeconfig(server, data["ca.crt"], base64.b64decode(data["token"]).decode())


def _known_server(url: str) -> Server:
    try:
        return parse_server(url)
    except ValueError as error:
        raise InvalidArgumentsError([Problem("api_server", str(error), "write https://HOST:PORT")]) from None
