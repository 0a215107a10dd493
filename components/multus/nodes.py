"""One remote command per node and phase. What a phase does stands in node.sh; only its arguments are made here.

Secrets travel on standard input, never in a command: commands stand in logs, in errors and in process lists.
"""

from __future__ import annotations

import base64
import gzip
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi
from pulumi_command import remote

from .objects import MARKER
from .plan import InstallPlan, NodePlan, known_host, known_host_key, known_private_key
from .server import Server
from .validation import is_opaque

STATE_DIR = "/var/lib/multus-install"
_PROGRAM = f"{STATE_DIR}/node.sh"
_VERIFY_SECONDS = 60
# The program is the last file to go; killed right after that, a clean-up leaves its directory.
WHERE_GONE = f"[ -f {_PROGRAM} ] || {{ rmdir {STATE_DIR} 2>/dev/null; exit 0; }}"


@dataclass(frozen=True)
class Steps:
    """Makes the remote commands of one component.

    Attributes:
        parent: the component.
        name: its name, from which the steps' names are made.
        plan: the install.
        owner: project, stack and component, as the marker on a node names them.
        server: the API server as nodes reach it.
        install: the service account's uid, which no other install on any cluster has.
    """

    parent: pulumi.Resource
    name: str
    plan: InstallPlan
    owner: str
    server: pulumi.Output[Server]

    def preflight(self, node: NodePlan) -> remote.Command:
        """Deliver node.sh and check the node. Fails before anything anywhere has changed."""
        unpack = f"base64 -d | gzip -dc > {_PROGRAM}.new"
        deliver = f"umask 077; mkdir -p {STATE_DIR}; {unpack}; mv {_PROGRAM}.new {_PROGRAM}"
        checks = self._phase(
            node, "preflight", server=self.server.apply(lambda server: server.url), adopt=_flag(self.plan.adopt)
        )
        run = checks.apply(lambda arguments: self._bounded(node, f"set -eu; {deliver}; exec sh {_PROGRAM} {arguments}"))
        forget = self._run(node, self._phase(node, "forget"), missing_is_fine=True)
        return self._command(node, "preflight", run, delete=forget, stdin=_packed(program_text()))

    def provision(
        self, node: NodePlan, kubeconfig: pulumi.Output[str], install: pulumi.Output[str], after: list[pulumi.Resource]
    ) -> remote.Command:
        """Write the kubeconfig and prove it; cleans the node when it goes."""
        provision = self._run(node, self._phase(node, "provision", install=install))
        clean = self._run(node, self._phase(node, "clean", install=install), missing_is_fine=True)
        return self._command(
            node, "provision", provision, delete=clean, stdin=pulumi.Output.secret(kubeconfig), after=after
        )

    def verify(self, node: NodePlan, install: pulumi.Output[str], after: list[pulumi.Resource]) -> remote.Command:
        """Check what the pod has written; takes it away first when the stack goes."""
        create = self._run(
            node, self._phase(node, "verify", install=install, seconds=_VERIFY_SECONDS, disarm_on_failure="true")
        )
        update = self._run(node, self._phase(node, "verify", install=install, seconds=_VERIFY_SECONDS))
        disarm = self._run(
            node,
            self._phase(node, "disarm", install=install, live_attachments=self.plan.live_attachments.value),
            missing_is_fine=True,
        )
        return self._command(node, "verify", create, update=update, delete=disarm, after=after)

    def _phase(self, node: NodePlan, phase: str, **options: Any) -> pulumi.Output[str]:
        """The words after `node.sh`. The plan's fingerprint makes a changed plan run the phase again."""
        words: dict[str, Any] = {
            "conf_dir": self.plan.cni_conf_dir,
            "bin_dir": self.plan.cni_bin_dir,
            "containerd_config": self.plan.containerd_config,
            "namespace": self.plan.namespace,
            "marker": MARKER,
            "token_secret": self.plan.token_secret,
            "owner": self.owner,
            "node": node.name,
            "plan": self.plan.fingerprint,
            **options,
        }
        return pulumi.Output.all(**words).apply(
            lambda known: " ".join(
                [phase, *(f"--{key.replace('_', '-')} {shlex.quote(str(known[key]))}" for key in words)]
            )
        )

    def _run(
        self, node: NodePlan, arguments: pulumi.Output[str], *, missing_is_fine: bool = False
    ) -> pulumi.Output[str]:
        """A phase by the program that lies on the node. Where it is gone, so is what it would remove."""
        guard = f"{WHERE_GONE}; " if missing_is_fine else ""
        return arguments.apply(lambda text: self._bounded(node, f"{guard}exec sh {_PROGRAM} {text}"))

    def _bounded(self, node: NodePlan, script: str) -> str:
        """Once connected nothing else limits a command."""
        sudo = "" if node.user == "root" else "sudo -n "
        return f"exec {sudo}timeout -k 5 {self.plan.timeout_seconds} sh -c {shlex.quote(script)}"

    def _command(
        self,
        node: NodePlan,
        phase: str,
        create: pulumi.Output[str],
        *,
        delete: pulumi.Output[str],
        update: pulumi.Output[str] | None = None,
        stdin: Any = None,
        after: list[pulumi.Resource] | None = None,
    ) -> remote.Command:
        return remote.Command(
            f"{self.name}-{phase}-{node.name}",
            connection=remote.ConnectionArgs(
                host=_known(node.host, known_host, f"{node.path}.host"),
                port=node.port,
                user=node.user,
                private_key=pulumi.Output.secret(
                    _known(node.private_key, known_private_key, f"{node.path}.private_key")
                ),
                host_key=_known(node.host_key, known_host_key, f"{node.path}.host_key"),
                dial_error_limit=3,
                per_dial_timeout=10,
            ),
            create=create,
            update=create if update is None else update,
            delete=delete,
            stdin=stdin,
            logging=remote.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=after, delete_before_replace=True),
        )


def program_text() -> str:
    """The node program, as it is delivered."""
    return resources.files(__package__).joinpath("node.sh").read_text(encoding="utf-8")


def _packed(text: str) -> str:
    """The text for `base64 -d | gzip -dc`: the state of a stack keeps every standard input twice."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _known(value: Any, check: Callable[[str, str], str], path: str) -> Any:
    """What plan.py has checked already, or an Output that is checked as soon as it is known."""
    return pulumi.Output.from_input(value).apply(lambda known: check(path, known)) if is_opaque(value) else value


def _flag(value: bool) -> str:
    return "true" if value else "false"
