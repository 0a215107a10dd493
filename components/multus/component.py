"""MultusComponent: registers and orders what the plan says. Nothing is decided here.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads the annotations at run time.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from . import argument_rules_nodes, dhcp_daemon, objects, registering, whereabouts
from .args import Credentials, Method, MultusComponentArgs
from .errors import InvalidArgumentsError, Problem
from .late_values import is_opaque, when_known
from .metadata import Object
from .node_steps import Steps, resource_options_for
from .plan import InstallPlan, NodePlan, resolve
from .plugin_archives import unfit_archives
from .registering import Installed
from .release import handed_over, method_claim, register_release
from .server import Server, parse_server
from .stack_traces import brief_stack_traces
from .waiting import Waits, by_urn


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
        unfit = [*unfit_archives(plan.reference_plugins.local_archives)] if plan.reference_plugins else []
        if "\n" in name:
            unfit.append(Problem("name", f"{name!r} has more than one line", "write one line"))
        if unfit:
            raise InvalidArgumentsError(unfit)
        super().__init__("multus:index:MultusComponent", name, {}, opts)
        for warning in plan.warnings:
            pulumi.log.warn(warning, resource=self)
        if plan.untried and not pulumi.runtime.is_dry_run():
            pulumi.log.info(plan.untried, resource=self)
        owner = f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"
        server = when_known(_known_server, plan.api_server)
        self._steps = Steps(self, name, plan, owner, server)
        with brief_stack_traces():
            installed = self._install(name, plan, self._steps)
        self.namespace = pulumi.Output.from_input(plan.namespace)
        self.plugin = pulumi.Output.from_input(plan.plugin.value)
        self.daemon_set_name = _name_of(installed.main)
        self.fallback_daemon_set_name = _name_of(installed.fallback)
        self.image = pulumi.Output.from_input(plan.image)
        self.cni_conf_dir = pulumi.Output.from_input(plan.cni_conf_dir)
        self.cni_bin_dir = pulumi.Output.from_input(plan.cni_bin_dir)
        self.kubeconfig_path = pulumi.Output.from_input(plan.kubeconfig_path)
        self.provisioned_nodes = pulumi.Output.from_input([node.name for node in plan.nodes])
        self.register_outputs({key: getattr(self, key) for key in MultusComponent.__annotations__})

    @property
    def steps(self) -> Steps:
        """What makes the commands on its nodes, with the plan of the install: for components beside it."""
        return self._steps

    @property
    def marker(self) -> pulumi.Resource:
        """What comes last and goes first. Waiting for a component names each of its children in the state."""
        marker: pulumi.Resource = self._marker
        return marker

    def _install(self, name: str, plan: InstallPlan, steps: Steps) -> Installed:
        """Register everything of an install."""
        server = steps.server
        preflights = steps.on_each_node(steps.preflight)
        account, token, access = _register_access(
            name, plan, [*by_urn(preflights.values()), *_apart(plan.nodes)], pulumi.ResourceOptions(parent=self)
        )
        install = account.metadata.apply(lambda metadata: metadata.uid)
        provisions, labels = {}, []

        def provide(node: NodePlan, before: Waits) -> pulumi.Resource:
            # A node's own steps name each other: when it alone leaves, what lies between them stays and orders nothing.
            preflight = preflights[node.name]
            credentials = token.data.apply(_known_credentials)
            provision = steps.provision(node, credentials, install, [preflight, token, *before])
            unpacked = steps.unpack(node, preflight, [provision])
            label_opts = pulumi.ResourceOptions(parent=self, depends_on=[provision, *unpacked])
            labels.append(
                registering.register_patch(
                    f"{name}-label-{node.name}",
                    objects.node_label(node.name),
                    pulumi.ResourceOptions.merge(label_opts, resource_options_for(node, ["metadata"])),
                )
            )
            provisions[node.name] = provision
            return [provision, *unpacked][-1]

        steps.on_each_node(provide)
        ready = self._bounded(plan, [*access, *by_urn(labels)])
        host, port = when_known(lambda known: known.host, server), when_known(lambda known: known.port, server)
        if plan.method is Method.HELM:
            installed = register_release(name, plan, host, port, ready)
        else:
            installed = _register_daemon_sets(name, plan, host, when_known(str, port), ready)
        running: Waits = [*installed.ready, *self._register_beside(name, plan, host, when_known(str, port), installed)]
        verified = steps.on_each_node(
            lambda node, before: steps.verify(node, install, [provisions[node.name], *running, *before])
        )
        self._marker = registering.register(
            f"{name}-marker",
            objects.marker(plan, steps.owner),
            pulumi.ResourceOptions(parent=self, depends_on=by_urn(verified.values()) or running),
        )
        return installed

    def _register_beside(
        self, name: str, plan: InstallPlan, host: Any, port: Any, installed: Installed
    ) -> list[pulumi.Resource]:
        """Register what networks need beside Multus, by either method: once its pods have brought the plugins."""
        opts = self._bounded(plan, [*installed.ready])
        daemon = dhcp_daemon.daemon_set(plan)
        made = [] if daemon is None else [registering.register(f"{name}-dhcp-daemon", daemon, opts)]
        return [*made, *_register_whereabouts(name, plan, host, port, opts)]

    def _bounded(self, plan: InstallPlan, after: Waits) -> pulumi.ResourceOptions:
        timeouts = dict.fromkeys(("create", "update", "delete"), f"{plan.timeout_seconds}s")
        return pulumi.ResourceOptions(parent=self, depends_on=after, custom_timeouts=pulumi.CustomTimeouts(**timeouts))


def _register_groundwork(
    name: str, plan: InstallPlan, after: Waits, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Register what stays when the stack goes, and the claim to the method, which stops a stack of the other method.

    It alone names the checks of all nodes: the state keeps a name for each, and everything else names what is here.
    """
    retained = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True, depends_on=after))
    made = [registering.register_patch(f"{name}-crd", objects.custom_resource_definition(), retained)]
    if plan.create_namespace:
        made.append(registering.register_patch(f"{name}-namespace", objects.namespace(plan), retained))
    made_before = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made))
    return [*made, registering.register_claim(f"{name}-method-{plan.method.value}", method_claim(plan), made_before)]


def _register_daemon_sets(
    name: str, plan: InstallPlan, host: Any, port: Any, opts: pulumi.ResourceOptions
) -> Installed:
    """Register the DaemonSets of the raw method; their configuration, where they have one, has come before."""
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=plan.handover))
    main, fallback = objects.daemon_set(plan, host, port), objects.fallback_daemon_set(plan, host, port)
    return Installed(
        main=registering.register(f"{name}-daemonset", handed_over(main, plan), opts),
        fallback=registering.register(f"{name}-daemonset-fallback", handed_over(fallback, plan), opts),
    )


def _register_access(
    name: str, plan: InstallPlan, after: Waits, opts: pulumi.ResourceOptions
) -> tuple[Any, Any, list[pulumi.Resource]]:
    """Register what has to be there before the pods: the account, its token Secret or None, and all of it as a list."""
    made = _register_groundwork(name, plan, after, opts)
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made))
    account = registering.register(f"{name}-service-account", objects.service_account(plan), opts)
    made += [
        account,
        registering.register(f"{name}-cluster-role", objects.cluster_role(plan), opts),
        registering.register(f"{name}-cluster-role-binding", objects.cluster_role_binding(plan), opts),
        registering.register(f"{name}-marker-role", objects.marker_role(plan), opts),
        registering.register(f"{name}-marker-role-binding", objects.marker_role_binding(plan), opts),
    ]
    certificates, priority, quota, conf = (
        objects.certificates_binding(plan),
        objects.flow_schema(plan),
        objects.priority_quota(plan),
        objects.own_conf_map(plan),
    )
    if certificates is not None:
        made.append(registering.register(f"{name}-certificates-binding", certificates, opts))
    if priority is not None:
        made.append(registering.register(f"{name}-flow-schema", priority, opts))
    if quota is not None:
        made.append(registering.register(f"{name}-quota", quota, opts))
    for part, each in objects.keeper_access(plan).items():
        made.append(registering.register(f"{name}-keeper-{part}", each, opts))
    if conf is not None and plan.method is Method.MANIFEST:
        # Its name changes with its content: the old one has to live until every pod reads the new one.
        created_first = pulumi.ResourceOptions(delete_before_replace=False, retain_on_delete=plan.handover)
        conf_opts = pulumi.ResourceOptions.merge(opts, created_first)
        made.append(registering.register(f"{name}-conf", handed_over(conf, plan), conf_opts))
    token = None
    if plan.credentials is Credentials.DURABLE:
        # Registered last, so that dependants need only depend on the token: the Python SDK expands every transitive
        # dependency of each resource, which costs more with every node.
        token = _register_token(f"{name}-token", objects.token_secret(plan), made, opts)
        made.append(token)
    return account, token, made


def _register_token(
    name: str, secret: Object, after: list[pulumi.Resource], opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    token_opts = pulumi.ResourceOptions(
        depends_on=after,
        # A rotation changes the name: the old token has to live until every node and pod has the new one.
        delete_before_replace=False,
        # The API server writes the day of the token's last use on the Secret, which is no drift.
        ignore_changes=['metadata.labels["kubernetes.io/legacy-token-last-used"]'],
    )
    token: pulumi.Resource = registering.register(name, secret, pulumi.ResourceOptions.merge(opts, token_opts))
    return token


def _register_whereabouts(
    name: str, plan: InstallPlan, host: Any, port: Any, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Register whereabouts, where the plan has it; its definitions stay when the stack goes, as networks' does."""
    settings = plan.whereabouts
    if settings is None:
        return []
    retained = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
    made = [
        registering.register_patch(f"{name}-crd-{plural}", definition, retained)
        for plural, definition in whereabouts.custom_resource_definitions().items()
    ]
    parts = whereabouts.access(plan)
    token = parts.pop("token")
    made += [registering.register(f"{name}-whereabouts-{part}", each, opts) for part, each in parts.items()]
    made.append(registering.register(f"{name}-whereabouts-schedule", whereabouts.schedule(plan, settings), opts))
    made.append(_register_token(f"{name}-whereabouts-token", token, made, opts))
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made))
    running = {
        "whereabouts": whereabouts.daemon_set(plan, settings, host, port),
        "whereabouts-reconciler": whereabouts.reconciler(plan, settings, host, port),
    }
    return [*made, *(registering.register(f"{name}-{part}", each, after) for part, each in running.items())]


def _name_of(daemon_set: Any) -> pulumi.Output[str]:
    """The DaemonSet's name, known when its pods run. A gate's digest may be of a user's secret; its name is none."""
    return pulumi.Output.unsecret(daemon_set.metadata).apply(lambda metadata: metadata.name)


def _known_credentials(data: dict[str, str] | None) -> dict[str, str]:
    """The cluster's authority as the Secret carries it, base64 on one line, and the token as it is."""
    if not data or not data.get("token"):
        # A control plane with a signer of its own (Kubernetes 1.36) may fill no Secret of this kind.
        reason = "'durable' gets no token: the control plane has not filled the Secret that asks for one"
        raise InvalidArgumentsError([Problem("credentials", reason, "write 'pod' and list no nodes")])
    return {"ca": data["ca.crt"], "token": base64.b64decode(data["token"]).decode()}


def _apart(nodes: Sequence[NodePlan]) -> list[pulumi.Output[Any]]:
    """What to wait for beside the preflights: hosts that are known late, held against each other.

    An Output of None orders and names no resource (pulumi 3.272, runtime/_depends_on.py). A check for which nothing
    waits would end the program after its last resource (runtime/stack.py there, wait_for_rpcs).
    """
    ways = {
        node.path: [[login.host, login.port] for login in (node, node.proxy) if login is not None]
        for node in nodes
        if not node.gone
    }
    if not any(is_opaque(host) for way in ways.values() for host, _ in way):
        return []
    return [pulumi.Output.from_input(ways).apply(_known_ways)]


def _known_ways(ways: Mapping[str, argument_rules_nodes.Way]) -> None:
    problems = list(argument_rules_nodes.one_machine(ways))
    if problems:
        raise InvalidArgumentsError(problems)


def _known_server(url: str) -> Server:
    try:
        return parse_server(url)
    except ValueError as error:
        raise InvalidArgumentsError([Problem("api_server", str(error), "write https://HOST:PORT")]) from None
