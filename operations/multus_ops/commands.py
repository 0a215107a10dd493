"""The command line. What a command does stands in a module of its own; here are its options and its exit status."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from kubernetes import client
from rich.console import Console

from multus.errors import InvalidArgumentsError, MultusError
from multus.settings import SettingsError

from . import kube_client, render, rollback
from .pulumi_cli import PulumiCli, PulumiCliError
from .stack import StackConfig
from .switch import Outcome, Switch


class Exit(IntEnum):
    """Exit statuses, the same for every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    DEFECT = 70
    INTERRUPTED = 130


PROGRAM = "multus-ops"
_STATUSES = """\
Exit status: 0 done; 1 refused or failed, and the message says what to do next; 2 the command line or the stack's
configuration cannot work; 3 done, but not on every node; 70 a defect of this program; 130 interrupted, and it may be
repeated. Results go to standard output, progress and trouble to standard error; NO_COLOR is respected.
"""

app = typer.Typer(
    help="Checks, renders, disables, enables and rolls back Multus.",
    epilog=_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
told = Console(stderr=True, highlight=False, soft_wrap=True)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line, by default the program's own; what goes wrong is told in sentences."""
    try:
        app(words, prog_name=PROGRAM)
    except MultusError as error:
        _end(
            str(error),
            Exit.USAGE if isinstance(error, (SettingsError, InvalidArgumentsError, UsageError)) else Exit.FAILED,
        )
    except KeyboardInterrupt:
        _end("Interrupted. The same command may be repeated.", Exit.INTERRUPTED)
    except BrokenPipeError:
        # Who reads has gone; the interpreter would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FAILED)
    except Exception as error:
        if os.environ.get("MULTUS_DEBUG"):
            raise
        _end(
            f"A defect of this program: {type(error).__name__}: {error}. "
            "MULTUS_DEBUG=1 shows where; please report it with that.",
            Exit.DEFECT,
        )


def _end(sentence: str, status: Exit) -> NoReturn:
    typer.echo(sentence, err=True)
    sys.exit(status)


class UsageError(MultusError):
    """The options do not go together."""


def _stack_names() -> list[str]:
    """For completion, which must not wait for Pulumi: the stacks that have a file."""
    return sorted(
        {file.name.split(".")[1] for folder in ("stacks", ".") for file in Path(folder).glob("Pulumi.*.yaml")}
    )


StackOption = Annotated[
    str | None,
    typer.Option("--stack", "-s", help="The stack, as Pulumi names it.", autocompletion=_stack_names),
]
FolderOption = Annotated[Path, typer.Option("--cwd", "-C", help="Run Pulumi in this folder.", file_okay=False)]
ConfigFileOption = Annotated[
    Path | None, typer.Option("--config-file", help="The stack's configuration file, where it is not the project's.")
]
KubeconfigOption = Annotated[
    Path | None, typer.Option("--kubeconfig", help="Without a stack: the cluster's kubeconfig.", dir_okay=False)
]
ContextOption = Annotated[str | None, typer.Option("--context", help="The context to use in the kubeconfig.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True)
class Target:
    """A cluster, and the stack that manages it where one was named."""

    stack: StackConfig | None
    api: client.ApiClient


def text_of(file: Path) -> str:
    """A file's content."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def loaded(stack: str | None, folder: Path, config_file: Path | None) -> StackConfig:
    """The named stack."""
    if stack is None:
        raise UsageError("Name the stack: --stack NAME.")
    return StackConfig.load(stack, folder, config_file)


@contextmanager
def target(
    stack: str | None, folder: Path, config_file: Path | None, kubeconfig: Path | None, context: str | None
) -> Iterator[Target]:
    """The cluster that the options name, by a stack or by a kubeconfig."""
    if (stack is None) is (kubeconfig is None):
        raise UsageError("Name the cluster, either by --stack NAME or by --kubeconfig FILE.")
    if kubeconfig is not None:
        with kube_client.connected(kube_client.kubeconfig_at(kubeconfig), context) as api:
            yield Target(None, api)
        return
    known = loaded(stack, folder, config_file)
    with kube_client.connected(known.kubeconfig, context or known.context) as api:
        yield Target(known, api)


@app.callback()
def multus() -> None:
    """See the commands below; each has a `--help` of its own."""


@app.command("doctor")
def doctor_command(
    stack: StackOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Start a plain pod and one with net1 on every node, and take them away.")
    ] = False,
    nodes: Annotated[
        list[str] | None, typer.Option("--node", help="With --smoke: on this node only; repeatable.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--smoke-image", help="With --smoke: an image with `ls`; busybox otherwise.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option("--network", help="With --smoke: NAMESPACE/NAME for net1, instead of a macvlan one made for it."),
    ] = None,
    seconds: Annotated[int, typer.Option(help="With --smoke: how long its pods may take.", min=5, max=240)] = 60,
    advise: Annotated[
        bool, typer.Option("--advise", help="Say whether Multus is needed and how to configure a stack for it.")
    ] = False,
    as_json: JsonOption = False,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
) -> None:
    """Look at a cluster and its nodes, say what is wrong and which command mends it.

    Before an install it looks for what would be in the way, afterwards for what is amiss. With a stack it also asks the
    stack's nodes over SSH. It only reads; `--smoke` alone starts pods. Exit status: 0 nothing that stops pods is wrong;
    1 something is; 2 the command line, the stack or the cluster cannot be used.
    """
    from .doctor import examine
    from .doctor.smoke import SmokeOptions

    options = SmokeOptions(tuple(nodes or ()), image or SmokeOptions.image, network, seconds=seconds) if smoke else None
    if options is None and (nodes or image or network):
        raise UsageError("--node, --smoke-image and --network say how --smoke works: add it.")
    shown = Console(highlight=False)
    try:
        with target(stack, folder, config_file, kubeconfig, context) as found:
            if advise:
                said = examine.advised(found.stack, found.api, str(kubeconfig or "~/.kube/config"))
                examine.show_advice(said, shown)
                return
            with told.status("starting") as status:
                report = examine.examine(found.stack, found.api, options=options, told=status.update)
    except (kube_client.ClusterError, PulumiCliError) as error:
        raise UsageError(str(error)) from None
    if as_json:
        typer.echo(report.as_json())
    else:
        examine.show(report, shown)
    if not report.is_well:
        raise typer.Exit(Exit.FAILED)


@app.command("render")
def render_command(
    stack: StackOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="An argument as KEY=VALUE, such as image.tag=v4.3.0; repeatable.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A YAML file with arguments.")] = None,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
) -> None:
    """Print the objects of an install as YAML for `kubectl apply`, and how to remove them.

    The same objects as `pulumi up` makes, without the steps over SSH: every node is served by its pod alone.
    Arguments are spelled as configuration keys, and come from a stack, a file or the command line.
    """
    if (stack is not None) is bool(settings or file):
        raise UsageError("Name a stack, or give arguments by --set KEY=VALUE or --file FILE.")
    if stack is not None:
        plan = render.without_nodes(loaded(stack, folder, config_file).component)
    else:
        plan = render.plan_of(settings or [], None if file is None else text_of(file))
    typer.echo(render.manifest(plan), nl=False)


TimeoutOption = Annotated[int, typer.Option("--timeout", help="Seconds to wait for pods and for each node.", min=1)]


@app.command("disable")
def disable_command(
    stack: StackOption = None,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    seconds: TimeoutOption = 60,
    as_json: JsonOption = False,
) -> None:
    """Take Multus out of the way: within seconds every node starts pods on its default network alone.

    With --stack the nodes that it lists are told over SSH, which works whatever is wrong with Multus; all others, and
    with --kubeconfig every node, through their Multus pods, which have to run for that. Nothing is deleted. It outlasts
    restarts and reboots until `enable`. Running pods keep their interfaces.
    """
    with target(stack, folder, config_file, kubeconfig, context) as known:
        outcome = _switch(known, seconds).disable()
    _report(outcome, as_json=as_json)


@app.command("enable")
def enable_command(
    stack: StackOption = None,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    seconds: TimeoutOption = 60,
    as_json: JsonOption = False,
) -> None:
    """Undo `disable`, and wait until every node is served by Multus again.

    A node on which that fails is left on its default network. Addresses of pods that ended meanwhile are given back on
    nodes that SSH reaches.
    """
    with target(stack, folder, config_file, kubeconfig, context) as known:
        outcome = _switch(known, seconds).enable()
    _report(outcome, as_json=as_json)


def _switch(known: Target, seconds: int) -> Switch:
    return Switch(known.api, None if known.stack is None else known.stack.plan, told.print, seconds)


def _report(outcome: Outcome, *, as_json: bool) -> None:
    done = [node for node in outcome.nodes if node.done]
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), indent=2))
    else:
        for node in outcome.nodes:
            if not node.done:
                typer.echo(str(node))
        for sentence in outcome.trouble:
            typer.echo(sentence)
        typer.echo(f"{outcome.action}d on {len(done)} of {len(outcome.nodes)} nodes in {outcome.seconds:.1f} s")
    if not outcome.done:
        raise typer.Exit(Exit.PARTLY if done and not outcome.trouble else Exit.FAILED)


@app.command("rollback")
def rollback_command(
    stack: StackOption = None,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
    to: Annotated[str | None, typer.Option("--to", help="The update to go back to: its version or its time.")] = None,
    only_show: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go back to the last configuration that worked, and run `pulumi up` with it.

    After an update that failed, that is the one of the last that succeeded; else the last other one. Shows the
    difference, writes it into the stack's file and runs Pulumi. The secrets, `context` and `rotation` stay as they are.
    """
    if stack is None:
        raise UsageError("Name the stack: --stack NAME.")
    pulumi = PulumiCli(stack, folder, config_file)
    found = rollback.planned(pulumi, to)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        typer.echo(_shown(found))
    if only_show:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("Nobody can be asked here: look at it with --dry-run, then say --yes.")
        typer.confirm("Write this and run `pulumi up`?", abort=True, err=True)
    rollback.write(pulumi, found)
    rollback.run(pulumi, found, yes=yes, aside=as_json)


def _shown(found: rollback.Rollback) -> str:
    if not found.changes:
        return f"The configuration is already that of the update of {found.to}."
    lines = [f"Back to the configuration of the update of {found.to}:"]
    for change in found.changes:
        lines += [
            f"  {sign} {change.key}: {value if isinstance(value, str) else json.dumps(value)}"
            for sign, value in (("-", change.now), ("+", change.then))
            if value is not None
        ]
    return "\n".join(lines)
