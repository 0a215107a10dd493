"""The cluster that a command line names: by a stack of this project, by one of another project, or by a kubeconfig."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes import client

from multus.errors import MultusError
from multus.plan import InstallPlan
from multus.settings import PROJECT, SettingsError

from . import kube_client, nodes_file
from .doctor.live_install import plan_for_nodes
from .doctor.snapshot import Snapshot, take_outline
from .kube_client import ClusterError, asked
from .nodes_file import NodesFile
from .pulumi_cli import PulumiCli
from .stack import StackConfig, is_of_this_project, project_name


class UsageError(MultusError):
    """The options do not go together."""


@dataclass(frozen=True)
class Options:
    """The options that name a cluster, as they were typed; None where one was not.

    Attributes:
        stack: the stack's name.
        folder: where Pulumi is run.
        config_file: the stack's configuration file where it is not the project's own.
        kubeconfig: a kubeconfig's file.
        context: the context to use in the kubeconfig.
        nodes: a nodes file; `-` is standard input.
        ssh_key: the file of the private key for nodes that the nodes file names none for.
    """

    stack: str | None = None
    folder: Path = Path()
    config_file: Path | None = None
    kubeconfig: Path | None = None
    context: str | None = None
    nodes: Path | None = None
    ssh_key: Path | None = None

    @property
    def words(self) -> list[str]:
        """The same as words of a command line."""
        stack = [] if self.stack is None else PulumiCli(self.stack, self.folder, self.config_file).options
        more = {
            "--kubeconfig": self.kubeconfig,
            "--context": self.context,
            "--nodes": self.nodes,
            "--ssh-key": self.ssh_key,
        }
        return [*stack, *(word for key, value in more.items() if value is not None for word in (key, str(value)))]


@dataclass(frozen=True)
class Target:
    """A cluster.

    Attributes:
        api: a client of its API server.
        stack: the stack of this project that manages it; None where none was named.
        nodes_plan: the nodes to reach over SSH and where Multus keeps its files on them; None to reach none.
        options: the options that name it.
        program: the stack of another project by which it was named, with its project's name; None where it was not.
    """

    api: client.ApiClient
    stack: StackConfig | None
    nodes_plan: InstallPlan | None = field(repr=False)
    options: Options
    program: tuple[PulumiCli, str] | None = None


def load_stack(options: Options) -> StackConfig:
    """Read the named stack of this project.

    Raises:
        UsageError: none was named.
        PulumiCliError, SettingsError: it cannot be read, or its configuration cannot work.
    """
    if options.stack is None:
        raise UsageError("Name the stack: --stack NAME.")
    return StackConfig.load(options.stack, options.folder, options.config_file)


@contextmanager
def connect(options: Options) -> Iterator[Target]:
    """The cluster that the options name.

    Raises:
        UsageError, NodesFileError, SettingsError: the options or what they name cannot work.
        PulumiCliError: Pulumi cannot tell.
        ClusterError: the kubeconfig cannot be used; or, within the block, the API server did not answer or refused.
    """
    if options.ssh_key is not None and options.nodes is None:
        raise UsageError("--ssh-key is for the nodes of --nodes FILE: add it.")
    if options.stack is None:
        if options.kubeconfig is None:
            raise UsageError("Name the cluster, either by --stack NAME or by --kubeconfig FILE.")
        with _by_kubeconfig(options, _nodes_of(options)) as target:
            yield target
        return
    pulumi = PulumiCli(options.stack, options.folder, options.config_file)
    values = StackConfig.values(pulumi)
    if is_of_this_project(values):
        if options.kubeconfig is not None or options.nodes is not None:
            raise UsageError(
                f"Stack {options.stack} says itself how its cluster and its nodes are reached: name the cluster "
                "either by --stack NAME or by --kubeconfig FILE."
            )
        stack = StackConfig.of(pulumi, values)
        with kube_client.connected(stack.kubeconfig, options.context or stack.context) as api:
            yield Target(api, stack, stack.plan, options)
        return
    with _by_program(options, pulumi, values) as target:
        yield target


@contextmanager
def _by_program(options: Options, pulumi: PulumiCli, values: Mapping[str, Any]) -> Iterator[Target]:
    """A stack of a program that embeds the component: its outputs say what no option does."""
    outputs = pulumi.json("stack", "output", "--json", "--show-secrets", takes_config=False)
    if options.kubeconfig is None and not isinstance(outputs.get("kubeconfig"), (str, dict)):
        raise UsageError(_unlike_ours(pulumi, values))
    nodes = _nodes_of(options)
    if nodes is None and nodes_file.OUTPUT in outputs:
        name = f"output {nodes_file.OUTPUT} of stack {pulumi.stack}"
        listed = outputs[nodes_file.OUTPUT]
        nodes = nodes_file.parse({**outputs, "nodes": listed} if isinstance(listed, list) else listed, name, Path())
    program = (pulumi, project_name(options.folder) or "of another name")
    with _by_kubeconfig(options, nodes, outputs.get("kubeconfig"), program) as target:
        yield target


def _unlike_ours(pulumi: PulumiCli, values: Mapping[str, Any]) -> str:
    missing = (
        f"Stack {pulumi.stack} has no key of `{PROJECT}:` in its configuration. If its program embeds the component, "
        f"name the cluster by --kubeconfig FILE and the nodes by --nodes FILE, or export them as `kubeconfig` and "
        f"`{nodes_file.OUTPUT}` (docs/operations.md)."
    )
    problems = StackConfig.problems(values)
    return f"{missing} If it is this project's:\n{SettingsError(pulumi.stack, problems)}"


@contextmanager
def _by_kubeconfig(
    options: Options, nodes: NodesFile | None, content: Any = None, program: tuple[PulumiCli, str] | None = None
) -> Iterator[Target]:
    kubeconfig = json.dumps(content) if isinstance(content, dict) else str(content)
    if options.kubeconfig is not None:
        kubeconfig = kube_client.kubeconfig_at(options.kubeconfig)
    with kube_client.connected(kubeconfig, options.context) as api:
        yield Target(api, None, None if nodes is None else _plan_of(api, nodes), options, program)


def _nodes_of(options: Options) -> NodesFile | None:
    if options.nodes is None:
        return None
    if str(options.nodes) == "-":
        return nodes_file.parse_text(sys.stdin.read(), "standard input", Path(), options.ssh_key)
    return nodes_file.read(options.nodes, options.ssh_key)


def _plan_of(api: client.ApiClient, nodes: NodesFile) -> InstallPlan:
    server = str(api.configuration.host)
    try:
        with asked(server):
            outline = take_outline(api)
    except ClusterError as error:
        if not nodes.says_where:
            raise ClusterError(
                f"{error} Without it the directories on the nodes are not known: give cniConfDir, cniBinDir and "
                "plugin beside `nodes` in the nodes file."
            ) from None
        outline = Snapshot()
    return plan_for_nodes(outline, nodes.nodes, nodes.install, server)
