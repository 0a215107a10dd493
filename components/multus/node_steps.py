"""One remote command per node and phase. What a phase does stands in node/*.sh; only its options are made here.

Secrets travel on standard input, never in a command: commands stand in logs, in errors and in process lists.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pulumi
from pulumi_command import remote

from . import argument_rules_nodes, copied_files, node_program, plugin_archives
from .copied_files import CopiedFile, copied_file
from .defaults import DEFAULT_NAMESPACE, DEFAULT_SOCKET_DIR
from .distros import USUAL_DIRECTORIES, USUAL_ON_NODES
from .errors import Problem
from .late_values import is_opaque, when_known
from .multus_conf import standby_keys
from .network_needs import DHCP_SOCKET, Needs
from .node_program import PROGRAM, STATE_DIR
from .objects import MARKER
from .plan import InstallPlan, NodePlan, ProxyPlan, SshPlan, digest_of, known
from .server import Server
from .ssh_keys import shortest_form
from .waiting import Waits, by_urn

# The program is deleted last. A clean-up that is killed right after leaves an empty directory, which goes here.
_IF_GONE = f"[ -f {PROGRAM} ] || {{ %srmdir {STATE_DIR} 2>/dev/null; exit 0; }}"

# The options that a phase reads, and no more: the state of a stack keeps every word of a command twice.
_OF_PLUGIN = ("plugin", "master", "socket_dir", "crictl")
_READS = {
    "preflight": (
        *("conf_dir", "bin_dir", "namespace", "token_secret", "owner", "node", "plan"),
        *("runtime_file", "bin_link", "server_ca", "needs", "installs", "metrics_port", "kubelet_dir", "method"),
        *("privileged", "selinux_type", "network", "archives", "dhcp"),
        *_OF_PLUGIN,
    ),
    "provision": (
        "conf_dir",
        "bin_dir",
        "namespace",
        "owner",
        "node",
        "plan",
        "plugin",
        "installs",
        "master",
        "standby",
        "method",
    ),
    "unpack": ("bin_dir", "unpacks", "archives"),
    "verify": ("conf_dir", "bin_dir", "namespace", "node", "plan", *_OF_PLUGIN, "standby"),
    "disarm": ("conf_dir", "bin_dir", "namespace", "stack_marker", "owner", "node", *_OF_PLUGIN),
    "clean": (
        *("conf_dir", "bin_dir", "namespace", "stack_marker", "owner", "node", "runtime_state", "dhcp"),
        *_OF_PLUGIN,
    ),
    "forget": (),
    "carries": ("bin_dir",),
    "unused": ("conf_dir", "bin_dir", "node"),
}
DEFAULTS = {
    **USUAL_DIRECTORIES,
    "namespace": DEFAULT_NAMESPACE,
    "stack_marker": MARKER,
    "plugin": "thin",
    "method": "manifest",
    "kubelet_dir": "/var/lib/kubelet",
    "socket_dir": DEFAULT_SOCKET_DIR,
    "live_attachments": "refuse",
    "adopt": "false",
    "aliased": "false",
    "privileged": "false",
}
"""What the node program takes where an option is not given: by node/options.sh and by node/distributions.sh."""

USUAL_STATES = ("/run/k3s/containerd", "/run/containerd")
"""Where the node program looks anyway for what runs: node/reservations.sh."""

_Step = TypeVar("_Step", bound=pulumi.Resource)

_COPIED = ("connection", "source", "remotePath")
_INPUTS = ("connection", "create", "update", "delete", "stdin", "triggers", "logging", "addPreviousOutputInEnv")


@dataclass(frozen=True)
class Steps:
    """Makes the remote commands of one component.

    Attributes:
        parent: the component.
        name: its name, from which the steps' names are made.
        plan: the install.
        owner: project, stack and component, as the marker on a node names them.
        server: the API server as nodes reach it.
    """

    parent: pulumi.Resource
    name: str
    plan: InstallPlan
    owner: str
    server: pulumi.Input[Server]

    def on_each_node(
        self, step: Callable[[NodePlan, Waits], _Step], nodes: Sequence[NodePlan] | None = None
    ) -> dict[str, _Step]:
        """Register a step on each node: `ssh.parallel` begin at once, and each of the others waits for one of them.

        Args:
            step: makes it, of the node and of what it waits for besides what it needs itself.
            nodes: on which; all that are listed, if left out.

        Returns:
            The steps by the nodes' names.
        """
        made: list[_Step] = []
        nodes = self.plan.nodes if nodes is None else nodes
        for number, node in enumerate(nodes):
            before = number - self.plan.ssh.parallel
            made.append(step(node, by_urn(made[before : before + 1] if before >= 0 else [])))
        return {node.name: each for node, each in zip(nodes, made, strict=True)}

    def preflight(self, node: NodePlan, after: Waits) -> remote.Command:
        """Deliver the node program and check the node. Fails before anything anywhere has changed."""
        server = when_known(lambda server: server.url, self.server)
        create, update = (
            self._phase(node, "preflight", server=server, adopt=_flag(self.plan.adopt), aliased=_flag(aliased))
            for aliased in (False, True)
        )
        # Another program, another machine, or one that has lost it: another rotation is what people are told to write.
        file = self._copied(node, ".sh", digest_of([node_program.program_hash(), self.plan.rotation]))
        copied = copied_files.copy(
            f"{self.name}-program-{node.name}",
            node_program.program_asset(),
            connection_of(node, self.plan.ssh),
            file,
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self.parent, depends_on=after), resource_options_for(node, _COPIED)
            ),
        )

        def take(file: CopiedFile, words: str) -> str:
            return file.hand_over(self._bounded(node, node_program.taking(words)))

        def remove(file: CopiedFile, forget: str) -> str:
            return f"exec sh -c {shlex.quote(f'{file.removal}; {forget}')}"

        forget = self._run(node, "forget", guard=_IF_GONE % "")
        return self._command(
            node,
            "preflight",
            when_known(take, file, create),
            update=when_known(take, file, update),
            delete=when_known(remove, file, forget),
            after=[copied],
        )

    def provision(
        self, node: NodePlan, credentials: pulumi.Output[dict[str, str]], install: pulumi.Output[str], after: Waits
    ) -> remote.Command:
        """Write the kubeconfig and prove it; cleans the node when it goes.

        Args:
            node: where.
            credentials: `ca`, the cluster's authority in base64, and `token`. The token alone is a secret, of which the
                engine's memory holds many copies.
            install: the account's uid.
            after: what comes first.
        """
        server = when_known(lambda server: server.url, self.server)
        ca = pulumi.Output.unsecret(credentials.apply(lambda known: known["ca"]))
        token = credentials.apply(lambda known: known["token"])
        provision = self._run(node, "provision", install=install, server=server, ca=ca)
        clean = None
        if self.plan.node_cleanup:
            clean = self._run(node, "clean", guard=guard_without_program(self.plan.cni_conf_dir), install=install)
        return self._command(node, "provision", provision, delete=clean, stdin=pulumi.Output.secret(token), after=after)

    def unpack(self, node: NodePlan, preflight: remote.Command, after: Waits) -> list[pulumi.Resource]:
        """Bring plugins from an archive, where the plan has one: fetched by the node, or copied from here first."""
        reference = self.plan.reference_plugins
        if reference is None or not reference.archives:
            return []
        again = digest_of([reference.names, options_for(self.plan, node)["archives"], self.plan.rotation])
        if not reference.local_archives:
            fetching = self._run(node, "unpack", plan=again)
            return [self._command(node, "unpack", fetching, delete=None, after=after)]
        opts = pulumi.ResourceOptions(parent=self.parent, depends_on=[preflight])
        file = self._copied(node, ".tgz", again)
        copied = copied_files.copy(
            f"{self.name}-archive-{node.name}",
            plugin_archives.asset_for(reference.local_archives, preflight.stdout),
            connection_of(node, self.plan.ssh),
            file,
            pulumi.ResourceOptions.merge(opts, resource_options_for(node, _COPIED)),
        )

        def take(file: CopiedFile, words: str) -> str:
            return file.hand_over(self._bounded(node, f"exec sh {PROGRAM} {words}"))

        words = self._phase(node, "unpack", plan=again)
        taking, gone = when_known(take, file, words), when_known(lambda file: file.removal, file)
        return [self._command(node, "unpack", taking, delete=gone, after=[*after, copied])]

    def _copied(self, node: NodePlan, suffix: str, again: str) -> pulumi.Input[CopiedFile]:
        """What a copy for a node is called, by what says which machine answers, and as whom.

        A digest of it gives nothing away, even where one of them is a secret.
        """
        logins: list[NodePlan | ProxyPlan] = [node, *([node.proxy] if node.proxy else [])]
        machine = [each for login in logins for each in (login.host, login.port, login.user, login.host_key)]
        whose = [self.owner, node.name, *machine]
        digest = when_known(lambda *known: digest_of(list(known)), *whose)
        digest = pulumi.Output.unsecret(digest) if isinstance(digest, pulumi.Output) else digest
        return when_known(lambda known: copied_file(suffix, known, again), digest)

    def verify(self, node: NodePlan, install: pulumi.Output[str], after: Waits) -> remote.Command:
        """Check what the pod has written; takes it away first when the stack goes."""
        create = self._run(node, "verify", install=install, disarm_on_failure="true")
        update = self._run(node, "verify", install=install)
        disarm = self._run(
            node,
            "disarm",
            guard=guard_without_program(self.plan.cni_conf_dir),
            install=install,
            live_attachments=self.plan.live_attachments.value,
        )
        return self._command(node, "verify", create, update=update, delete=disarm, after=after)

    def network(
        self,
        node: NodePlan,
        network: pulumi.Input[str],
        needs: Needs,
        whereabouts: pulumi.Input[str],
        after: Waits,
    ) -> remote.Command:
        """Check that the node has what a network needs. Fails before there is a network, and changes nothing.

        Args:
            node: where to look.
            network: its name, as it stands in its configuration: its own pods may have taken a device.
            needs: what it needs.
            whereabouts: the path of whereabouts' configuration, where it needs one.
            after: the install, which brings plugins.
        """
        carries = self._run(
            node,
            "carries",
            held=network,
            needs=" ".join(needs.plugins),
            stands_on=" ".join(f"{each.key}:{each.link}:{each.mtu}" for each in needs.links),
            dhcp=needs.dhcp_socket,
            whereabouts=whereabouts if needs.whereabouts else "",
        )
        return self._command(node, "preflight", carries, delete=None, after=after)

    def guard(
        self,
        node: NodePlan,
        network: pulumi.Input[str],
        definition: pulumi.Output[str],
        live_attachments: str,
        after: Waits,
    ) -> remote.Command:
        """Do nothing until the network goes or is replaced: then refuse before it does, while pods here use it.

        Told to proceed, it stays and says so: the old command of one that goes would still refuse.

        Args:
            node: where to look.
            network: its name, as it stands in its configuration.
            definition: the id of its definition. What is deleted before it is replaced takes along what is triggered by
                it, first.
            live_attachments: `refuse` or `proceed`.
            after: what is removed after it.
        """
        unused = self._run(node, "unused", guard=_IF_GONE % "", held=network, live_attachments=live_attachments)
        return self._command(node, "guard", None, delete=unused, triggers=[definition], after=after)

    def _run(self, node: NodePlan, phase: str, *, guard: str = "", **options: Any) -> pulumi.Input[str]:
        """The command that runs a phase by the program that lies on the node, unless the guard ends it before."""
        before = f"{guard}; " if guard else ""
        return self._phase(
            node, phase, lambda words: self._bounded(node, f"{before}exec sh {PROGRAM} {words}"), **options
        )

    def _phase(
        self, node: NodePlan, phase: str, command: Callable[[str], str] = str, **options: Any
    ) -> pulumi.Input[str]:
        """A command of a phase and its options, quoted. The plan's fingerprint is one: a changed plan runs it again."""
        known_options = {**options_for(self.plan, node), "owner": self.owner}
        given = {key: known_options[key] for key in _READS[phase]} | options
        words = {key: value for key, value in given.items() if is_opaque(value) or value not in ("", DEFAULTS.get(key))}
        late = [key for key, value in words.items() if is_opaque(value)]

        def together(*known: Any) -> str:
            return command(_phase_with(phase, {**words, **dict(zip(late, known, strict=True))}))

        return when_known(together, *(words[key] for key in late))

    def _bounded(self, node: NodePlan, script: str) -> str:
        """The same under a time limit: once connected, pulumi-command limits nothing."""
        sudo = "sudo -n " if node.sudo else ""
        return f"exec {sudo}timeout -k 5 {self.plan.timeout_seconds} sh -c {shlex.quote(script)}"

    def _command(
        self,
        node: NodePlan,
        phase: str,
        create: pulumi.Input[str] | None,
        *,
        delete: pulumi.Input[str] | None,
        update: pulumi.Input[str] | None = None,
        stdin: Any = None,
        triggers: list[Any] | None = None,
        after: Waits | None = None,
    ) -> remote.Command:
        return remote.Command(
            f"{self.name}-{phase}-{node.name}",
            connection=connection_of(node, self.plan.ssh),
            create=create,
            # Left out, a change runs `create` again, and the state does not keep the same text twice more.
            update=update,
            delete=delete,
            stdin=stdin,
            triggers=triggers,
            logging=remote.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self.parent, depends_on=after, delete_before_replace=True),
                resource_options_for(node, _INPUTS),
            ),
        )


def _phase_with(phase: str, words: Mapping[str, Any]) -> str:
    options = (f"--{key.replace('_', '-')} {shlex.quote(str(value))}" for key, value in words.items())
    return " ".join([phase, *options])


def resource_options_for(node: NodePlan, inputs: Sequence[str]) -> pulumi.ResourceOptions:
    """The options of a node's resources. Those of a node that is gone stay as they are, and go without a command.

    Args:
        node: the node.
        inputs: the names of the inputs that may not change then.
    """
    if not node.gone:
        return pulumi.ResourceOptions()
    return pulumi.ResourceOptions(retain_on_delete=True, ignore_changes=list(inputs))


def guard_without_program(conf_dir: str) -> str:
    """The shell text that ends a removal early where the program is gone from the node.

    Then what it would remove is gone too, except on a machine that was installed again under the same name: there the
    pod has brought Multus back, and going on would leave it without a token. The text refuses that with the fix.
    """
    what = "is here, its removal program is not"
    fix = "set rotation to another value, run pulumi up, then repeat"
    found = f'{{ echo "error: $f {what}; {fix}." >&2; exit 1; }}'
    look = f'for f in conf conflist; do f={conf_dir}/00-multus.$f; [ ! -e "$f" ] || {found}; done; '
    return _IF_GONE % look


def options_for(plan: InstallPlan, node: NodePlan) -> dict[str, Any]:
    """The values of the node program's options, by their names with underscores; empty where the plan says nothing."""
    reference = plan.reference_plugins
    archives = sorted(reference.archives.items()) if reference else ()
    return {
        "conf_dir": plan.cni_conf_dir,
        "bin_dir": plan.cni_bin_dir,
        "crictl": _unless_usual("crictls", plan.runtime.crictl),
        "runtime_file": plan.runtime.file if plan.runtime.file != USUAL_ON_NODES["runtime_files"][0] else "",
        "bin_link": _unless_usual("bin_links", plan.runtime.bin_link),
        "server_ca": _unless_usual("server_cas", plan.server_ca),
        "runtime_state": "" if plan.runtime.state_dir in USUAL_STATES else plan.runtime.state_dir,
        "namespace": plan.namespace,
        "stack_marker": MARKER,
        "token_secret": plan.token_secret,
        "node": node.name,
        "plan": plan.fingerprint,
        "plugin": plan.plugin.value,
        "master": plan.conf.master_conf or posixpath.basename(plan.conf.cluster_network or ""),
        "network": _assumed_network(plan),
        "needs": " ".join(plan.required_plugins),
        "installs": " ".join(plan.brought_plugins),
        "unpacks": " ".join(reference.names if reference and reference.archives else ()),
        "archives": " ".join(f"{key}:{each.sha256}:{each.url}" for key, each in archives),
        "metrics_port": plan.daemon.metrics_port or "",
        "kubelet_dir": plan.kubelet_dir,
        "standby": standby_keys(plan) if plan.has_standby else "",
        "socket_dir": plan.daemon.socket_dir.rstrip("/"),
        "method": plan.method.value + ("+" if plan.handover else ""),
        "privileged": _flag(plan.privileged),
        "selinux_type": plan.selinux.get("type", ""),
        "dhcp": DHCP_SOCKET if plan.dhcp_daemon is not None else "",
    }


def _assumed_network(plan: InstallPlan) -> str:
    """The name by which a configuration of ours finds the default network, where `cluster_network` does not say it."""
    whole = plan.whole_conf
    if whole is None or plan.conf.cluster_network or "/" in whole.cluster_network:
        return ""
    return whole.cluster_network


def _unless_usual(table: str, value: str) -> str:
    """What the program tries on every node anyway is not said."""
    return "" if value in USUAL_ON_NODES[table] else value


def connection_of(node: NodePlan, ssh: SshPlan) -> remote.ConnectionArgs:
    """How a node is reached, through its jump host where it has one."""
    proxy = node.proxy
    return remote.ConnectionArgs(
        **_connection_args(node, node.path, ssh),
        proxy=None
        if proxy is None
        else remote.ProxyConnectionArgs(**_connection_args(proxy, f"{node.path}.proxy", ssh)),
    )


def _connection_args(login: NodePlan | ProxyPlan, path: str, ssh: SshPlan) -> dict[str, Any]:
    """The arguments of a connection; an Output among them is checked as soon as it is known."""
    return {
        "host": _checked(login.host, argument_rules_nodes.host, f"{path}.host"),
        "port": login.port,
        "user": login.user,
        "private_key": pulumi.Output.secret(_key(login.private_key, f"{path}.private_key")),
        "host_key": _checked(login.host_key, argument_rules_nodes.host_key, f"{path}.host_key"),
        "dial_error_limit": ssh.dial_error_limit,
        "per_dial_timeout": ssh.per_dial_timeout,
    }


def _checked(value: Any, test: Callable[[str, str], Iterable[Problem]], path: str) -> Any:
    """A value that plan.py has checked already, or an Output that is checked as soon as it is known."""
    return when_known(lambda text: known(test, path, text), value) if is_opaque(value) else value


def _key(value: Any, path: str) -> Any:
    return when_known(shortest_form, _checked(value, argument_rules_nodes.private_key, path))


def _flag(value: bool) -> str:
    return "true" if value else "false"
