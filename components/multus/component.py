"""MultusComponent: registers and orders what the plan says. Nothing is decided here.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads the annotations at run time.
"""

import base64
from collections.abc import Sequence
from typing import Any

import pulumi

from . import objects, registering
from .args import Credentials, Method, MultusComponentArgs
from .errors import InvalidArgumentsError, Problem
from .multus_conf import kubeconfig
from .node_steps import Steps, resource_options_for
from .plan import InstallPlan, resolve
from .release import handed_over, method_claim, register_release
from .server import Server, parse_server


class MultusComponent(pulumi.ComponentResource):
    """Multus CNI on a cluster: checked nodes, least-privilege durable credentials, the DaemonSet, and a proof per node.

    It installs no networks and no other CNI plugins. Order: every preflight, then RBAC and token, then each node's
    kubeconfig, then the DaemonSets, by themselves or as a Helm release, then each node's verification, then the
    marker; removal runs backwards.
    """

    namespace: pulumi.Output[str]
    """The namespace of the DaemonSets and of the ServiceAccount."""

    plugin: pulumi.Output[str]
    """Which of Multus' two forms runs."""

    daemon_set_name: pulumi.Output[str]
    """The DaemonSet of the nodes that are provisioned over SSH."""

    fallback_daemon_set_name: pulumi.Output[str]
    """The DaemonSet of all other nodes."""

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
        install = self._install if plan.has_own_chart else self._install_another_chart
        main, *fallback = [_name_of(each) for each in install(name, plan)]
        outputs: dict[str, Any] = {
            "namespace": plan.namespace,
            "plugin": plan.plugin.value,
            "daemon_set_name": main,
            "fallback_daemon_set_name": fallback[0] if fallback else "",
            "image": plan.image,
            "cni_conf_dir": plan.cni_conf_dir,
            "cni_bin_dir": plan.cni_bin_dir,
            "kubeconfig_path": plan.kubeconfig_path,
            "provisioned_nodes": [node.name for node in plan.nodes],
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)

    def _install(self, name: str, plan: InstallPlan) -> list[Any]:
        """Everything; the DaemonSets, or the gates that stand for them."""
        owner = f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"
        server = pulumi.Output.from_input(plan.api_server).apply(_known_server)
        steps = Steps(self, name, plan, owner, server)

        preflights = {node.name: steps.preflight(node) for node in plan.nodes}
        checked = pulumi.ResourceOptions(parent=self, depends_on=list(preflights.values()))
        account, token, access = _access(name, plan, checked)

        provisions, labels = {}, []
        install = account.metadata.apply(lambda metadata: metadata.uid)
        for node in plan.nodes:
            content = pulumi.Output.all(server, token.data).apply(lambda known: _kubeconfig(*known))
            # A node's own steps name each other: when it alone leaves, what lies between them stays and orders nothing.
            provisions[node.name] = steps.provision(node, content, install, [preflights[node.name], token])
            label_opts = pulumi.ResourceOptions(parent=self, depends_on=[provisions[node.name]])
            labels.append(
                registering.register_patch(
                    f"{name}-label-{node.name}",
                    objects.node_label(node.name),
                    pulumi.ResourceOptions.merge(label_opts, resource_options_for(node, ["metadata"])),
                )
            )

        ready = self._bounded(plan, [*access, *labels])
        host, port = server.apply(lambda known: known.host), server.apply(lambda known: known.port)
        if plan.method is Method.HELM:
            running = register_release(name, plan, host, port, ready)
        else:
            running = _raw_objects(name, plan, host, port.apply(str), ready)
        verified = [steps.verify(node, install, [provisions[node.name], *running]) for node in plan.nodes]
        registering.register(
            f"{name}-marker",
            objects.marker(plan, owner),
            pulumi.ResourceOptions(parent=self, depends_on=verified or running),
        )
        return running

    def _install_another_chart(self, name: str, plan: InstallPlan) -> list[Any]:
        """What is installed is that chart's own: nothing here knows its account or its paths."""
        prepared = _groundwork(name, plan, pulumi.ResourceOptions(parent=self))
        return register_release(name, plan, None, None, self._bounded(plan, prepared))

    def _bounded(self, plan: InstallPlan, after: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        timeouts = dict.fromkeys(("create", "update", "delete"), f"{plan.timeout_seconds}s")
        return pulumi.ResourceOptions(parent=self, depends_on=after, custom_timeouts=pulumi.CustomTimeouts(**timeouts))


def _groundwork(name: str, plan: InstallPlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What stays when the stack goes, and the claim to the method: a stack of the other method gets no further."""
    retained = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
    made = [registering.register_patch(f"{name}-crd", objects.custom_resource_definition(), retained)]
    if plan.create_namespace:
        made.append(registering.register_patch(f"{name}-namespace", objects.namespace(plan), retained))
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made))
    return [*made, registering.register_claim(f"{name}-method-{plan.method.value}", method_claim(plan), after)]


def _raw_objects(name: str, plan: InstallPlan, host: Any, port: Any, opts: pulumi.ResourceOptions) -> list[Any]:
    """The DaemonSets; their configuration, where they have one, has come before."""
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=plan.handover))
    described = (objects.daemon_set(plan, host, port), objects.fallback_daemon_set(plan, host, port))
    return [
        registering.register(f"{name}-{suffix}", handed_over(daemon_set, plan), opts)
        for suffix, daemon_set in zip(("daemonset", "daemonset-fallback"), described, strict=True)
    ]


def _access(name: str, plan: InstallPlan, opts: pulumi.ResourceOptions) -> tuple[Any, Any, list[pulumi.Resource]]:
    """The account, its token Secret where it has one, and everything that has to be there before the pods."""
    made = _groundwork(name, plan, opts)
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made))
    account = registering.register(f"{name}-service-account", objects.service_account(plan), opts)
    made += [
        account,
        registering.register(f"{name}-cluster-role", objects.cluster_role(plan), opts),
        registering.register(f"{name}-cluster-role-binding", objects.cluster_role_binding(plan), opts),
        registering.register(f"{name}-marker-role", objects.marker_role(plan), opts),
        registering.register(f"{name}-marker-role-binding", objects.marker_role_binding(plan), opts),
    ]
    certificates, priority, conf = (
        objects.certificates_binding(plan),
        objects.flow_schema(plan),
        objects.own_conf_map(plan),
    )
    if certificates is not None:
        made.append(registering.register(f"{name}-certificates-binding", certificates, opts))
    if priority is not None:
        made.append(registering.register(f"{name}-flow-schema", priority, opts))
    if conf is not None and plan.method is Method.MANIFEST:
        # Its name changes with its content: the old one has to live until every pod reads the new one.
        created_first = pulumi.ResourceOptions(delete_before_replace=False, retain_on_delete=plan.handover)
        conf_opts = pulumi.ResourceOptions.merge(opts, created_first)
        made.append(registering.register(f"{name}-conf", handed_over(conf, plan), conf_opts))
    token = None
    if plan.credentials is Credentials.DURABLE:
        token_opts = pulumi.ResourceOptions(
            # The last of them: who needs all of this names the token alone, since the SDK walks every way anew.
            depends_on=made,
            # A rotation changes the name: the old token has to live until every node and pod has the new one.
            delete_before_replace=False,
            # The API server writes the day of the token's last use on the Secret, which is no drift.
            ignore_changes=['metadata.labels["kubernetes.io/legacy-token-last-used"]'],
        )
        token = registering.register(
            f"{name}-token", objects.token_secret(plan), pulumi.ResourceOptions.merge(opts, token_opts)
        )
        made.append(token)
    return account, token, made


def _name_of(daemon_set: Any) -> pulumi.Output[str]:
    """Known when its pods run; the gate's digest may be of a user's secret, its name is none."""
    return pulumi.Output.unsecret(daemon_set.metadata).apply(lambda metadata: metadata.name)


def _kubeconfig(server: Server, data: dict[str, str]) -> str:
    return kubeconfig(server, data["ca.crt"], base64.b64decode(data["token"]).decode())


def _known_server(url: str) -> Server:
    try:
        return parse_server(url)
    except ValueError as error:
        raise InvalidArgumentsError([Problem("api_server", str(error), "write https://HOST:PORT")]) from None
