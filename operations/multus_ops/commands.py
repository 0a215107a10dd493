"""The command line. What a command does stands in a module of its own; here are its options and its exit status."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from multus.errors import InvalidArgumentsError, MultusError
from multus.settings import SettingsError, spelled
from multus.version import __version__

from . import joining, kube_client, render, rollback
from .network_check.choice import NotCheckableError
from .nodes_file import NodesFileError
from .pulumi_cli import PulumiCli, PulumiCliError
from .switch import Outcome, Switch
from .target import Options, Target, UsageError, connect, load_stack


class Exit(IntEnum):
    """The exit statuses, which mean the same in every command. What each means is said once, in `MEANINGS`."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    PARTLY = 3
    DEFECT = 70
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done, or `doctor` found nothing that stops pods, or `network check` nothing wrong",
    Exit.FAILED: "begun and refused or failed, or `doctor` found what stops pods, or `network check` what is wrong, and"
    " the output says what to do next",
    Exit.UNUSABLE: "not begun, and nothing was changed: the command line, a file that it names, the stack, its"
    " configuration or the cluster cannot be used; or `doctor` found nothing that stops pods, and may not read what"
    " decides it",
    Exit.PARTLY: "done, but not on every node; or `network check` found nothing wrong, and could not look at all that"
    " decides it",
    Exit.DEFECT: "a defect of this program",
    Exit.INTERRUPTED: "interrupted, and the same command may be repeated",
}
# What is wrong before a command has begun. Every other error of this package is a failure of what was begun.
_UNUSABLE = (
    UsageError,
    NodesFileError,
    SettingsError,
    InvalidArgumentsError,
    render.RenderError,
    PulumiCliError,
    kube_client.ClusterError,
    NotCheckableError,
)
PROGRAM = "multus-ops"
_STATUSES = (
    f"Exit status: {'; '.join(f'{status.value} {meaning}' for status, meaning in MEANINGS.items())}.\n"
    "Results go to standard output, progress and trouble to standard error; NO_COLOR is respected.\n"
)

app = typer.Typer(
    epilog=_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
network_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(network_app, name="network", help="Look at what networks do.")
progress = Console(stderr=True, highlight=False, soft_wrap=True)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line and end the program with one of the exit statuses; errors become sentences.

    Args:
        words: the command line without the program's name; by default the program's own.
    """
    try:
        app(words, prog_name=PROGRAM)
    except MultusError as error:
        _end(str(error), Exit.UNUSABLE if isinstance(error, _UNUSABLE) else Exit.FAILED)
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
    Path | None,
    typer.Option(
        "--kubeconfig",
        help="Without a stack, or beside one of another project: the cluster's kubeconfig.",
        dir_okay=False,
    ),
]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="The context to use in the kubeconfig; else its current one.")
]
NodesOption = Annotated[
    Path | None,
    typer.Option(
        "--nodes",
        help="Beside --kubeconfig: a JSON file that says how nodes are logged in to; `-` is standard input.",
        dir_okay=False,
    ),
]
SshKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--ssh-key", help="With --nodes: the private key for nodes that the file names none for.", dir_okay=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def _content_of(file: Path) -> str:
    """A file's content.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def describe(
    version: Annotated[  # its callback does the work
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """Check Multus on a cluster, take it out of the way and back, roll its configuration back, and print its objects.

    Each command has a `--help` of its own. A cluster is named by `--stack NAME`, whose nodes are reached over SSH as
    its configuration says, or by `--kubeconfig FILE`, and its nodes then by `--nodes FILE`.
    """


@app.command("doctor")
def doctor_command(
    stack: StackOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Start a plain pod and one with net1 on every node, and take them away.")
    ] = False,
    node_names: Annotated[
        list[str] | None, typer.Option("--node", help="With --smoke: on this node only; repeatable.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--smoke-image", help="With --smoke: an image with `ls`; busybox otherwise.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option("--network", help="With --smoke: NAMESPACE/NAME for net1, instead of a macvlan one made for it."),
    ] = None,
    seconds: Annotated[
        int, typer.Option("--seconds", help="With --smoke: how long its pods may take.", min=5, max=240)
    ] = 60,
    advise: Annotated[
        bool, typer.Option("--advise", help="Say whether Multus is needed and how to configure a stack for it.")
    ] = False,
    as_json: JsonOption = False,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
    nodes: NodesOption = None,
    ssh_key: SshKeyOption = None,
) -> None:
    """Look at a cluster and its nodes, say what is wrong and which command mends it.

    Before an install it looks for what would be in the way, afterwards for what is amiss. Nodes are asked over SSH
    where a stack or --nodes says how. It only reads; `--smoke` alone starts pods.
    """
    from .doctor import examine
    from .doctor.smoke import SmokeOptions

    smoke_options = None
    if smoke:
        smoke_options = SmokeOptions(tuple(node_names or ()), image or SmokeOptions.image, network, seconds=seconds)
    elif node_names or image or network:
        raise UsageError("--node, --smoke-image and --network say how --smoke works: add it.")
    shown = Console(highlight=False)
    options = Options(stack, folder, config_file, kubeconfig, context, nodes, ssh_key)
    with connect(options) as target:
        reach = examine.reach_of(target)
        if advise:
            given = examine.advise(target.stack, target.api, str(kubeconfig or "~/.kube/config"), reach=reach)
            examine.show_advice(given, shown)
            return
        with progress.status("starting") as status:
            report = examine.examine(
                target.stack,
                target.api,
                reach=reach,
                smoke_options=smoke_options,
                progress=status.update,
            )
    if as_json:
        typer.echo(report.as_json())
    else:
        examine.show(report, shown)
    if not report.is_well:
        raise typer.Exit(Exit.FAILED)
    if report.is_blind:
        raise typer.Exit(Exit.UNUSABLE)


@network_app.command("check")
def network_check_command(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The NetworkAttachmentDefinition: NAMESPACE/NAME, or NAME in `default`."),
    ],
    stack: StackOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    node_names: Annotated[
        list[str] | None, typer.Option("--node", help="On this node only; repeatable. Otherwise on all.")
    ] = None,
    addresses: Annotated[
        list[str] | None,
        typer.Option(
            "--address", help="NODE=ADDRESS/LENGTH: what the node's pod asks for, where the network lets pods say it."
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", help="An image with sh, ip, httpd, nc and nslookup of busybox; busybox otherwise."),
    ] = None,
    seconds: Annotated[int, typer.Option("--seconds", help="How long pods may take to start.", min=5, max=120)] = 60,
    as_json: JsonOption = False,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
) -> None:
    """Start pods with a network on every node, see whether it does there what it is for, and take them away.

    They have the interface, addresses of their own, neighbours that answer, packets as long as the MTU, the default
    route and the DNS of other pods, and their node reaches them. Pods are started in the network's own namespace, with
    the rights of the Pod Security Standard `restricted`, beside the scheduler.
    """
    from .network_check.check import CheckOptions, check
    from .network_check.report import show

    options = Options(stack, folder, config_file, kubeconfig, context)
    with connect(options) as target, progress.status("starting") as status:
        asked = CheckOptions(
            tuple(node_names or ()),
            tuple(addresses or ()),
            image or CheckOptions.image,
            seconds,
            shlex.join(options.words),
        )
        report = check(target.api, name, asked, status.update)
    if as_json:
        typer.echo(report.as_json())
    else:
        show(report, Console(highlight=False))
    if report.is_well is not True:
        raise typer.Exit(Exit.PARTLY if report.is_well is None else Exit.FAILED)


@app.command("render")
def render_command(
    stack: StackOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="An argument as KEY=VALUE, such as image.tag=v4.3.0; repeatable.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A YAML file with arguments.")] = None,
    folder: FolderOption = Path(),
    config_file: ConfigFileOption = None,
    for_cloud_init: Annotated[
        bool,
        typer.Option("--cloud-init", help="Print user data instead, by which the pods of a node that joins wait."),
    ] = False,
    for_ignition: Annotated[bool, typer.Option("--ignition", help="The same for Ignition.")] = False,
    with_token: Annotated[
        bool,
        typer.Option(
            "--with-token", help="With these, for machines that have thin's plugin: its kubeconfig, a secret."
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write to this file, which only its owner can read; `-` is standard output."
        ),
    ] = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Print the objects of an install as YAML for `kubectl apply`, and how to remove them.

    The same objects as `pulumi up` makes, without the steps over SSH: every node is served by its pod alone.
    Arguments are spelled as configuration keys, and come from a stack, a file or the command line.
    """
    if (stack is not None) is bool(settings or file):
        raise UsageError("Name a stack, or give arguments by --set KEY=VALUE or --file FILE.")
    if for_cloud_init and for_ignition:
        raise UsageError("--cloud-init and --ignition are two forms of the same: choose one.")
    user_data = joining.cloud_init if for_cloud_init else joining.ignition if for_ignition else None
    if with_token and user_data is None:
        raise UsageError("--with-token is for the user data of a machine: add --cloud-init or --ignition.")
    if with_token and output is None:
        raise UsageError("--with-token prints a secret: say where to by --output FILE, or `--output -`.")
    if (kubeconfig or context) and not with_token:
        raise UsageError("--kubeconfig and --context say where --with-token reads the token: add it.")
    options = Options(stack, folder, config_file, kubeconfig, context)
    if stack is not None:
        plan = render.without_nodes(load_stack(options).component)
    else:
        plan = render.plan_of(settings or [], None if file is None else _content_of(file))
    for warning in plan.warnings:
        typer.echo(f"warning: {spelled(warning)}", err=True)
    if user_data is None:
        _print_to(output, render.manifest(plan))
        return
    token = None
    if with_token:
        # What cannot be given to a node is said before anybody is asked for a secret.
        joining.files_of(plan, joining.Token("", ""))
        with connect(options) as target:
            token = joining.read_token(target.api, plan)
        typer.echo(f"warning: {joining.WARNING}", err=True)
    _print_to(output, user_data(joining.files_of(plan, token)))


def _print_to(output: Path | None, text: str) -> None:
    """To standard output, or into a file that was never readable to anybody but its owner.

    Raises:
        UsageError: it cannot be written.
    """
    if output is None or str(output) == "-":
        typer.echo(text, nl=False)
        return
    try:
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as written:
                written.write(text)
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None


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
    nodes: NodesOption = None,
    ssh_key: SshKeyOption = None,
) -> None:
    """Take Multus out of the way: within seconds every node starts pods on its default network alone.

    Nodes that the stack or --nodes lists are reached over SSH, which works whatever is wrong with Multus; all others
    through their Multus pods, which have to run for that. Nothing is deleted. It outlasts restarts and reboots until
    `enable`. Running pods keep their interfaces.
    """
    with connect(Options(stack, folder, config_file, kubeconfig, context, nodes, ssh_key)) as target:
        outcome = _switch_of(target, seconds).disable()
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
    nodes: NodesOption = None,
    ssh_key: SshKeyOption = None,
) -> None:
    """Undo `disable`, and wait until every node is served by Multus again.

    A node on which that fails is left on its default network. Addresses of pods that ended meanwhile are given back on
    nodes that SSH reaches.
    """
    with connect(Options(stack, folder, config_file, kubeconfig, context, nodes, ssh_key)) as target:
        outcome = _switch_of(target, seconds).enable()
    _report(outcome, as_json=as_json)


def _switch_of(target: Target, seconds: int) -> Switch:
    return Switch(target.api, target.nodes_plan, progress.print, seconds)


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
    plan = rollback.plan(pulumi, to)
    if as_json:
        typer.echo(json.dumps(asdict(plan), indent=2))
    else:
        typer.echo(_text_of(plan))
    if only_show:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("Nobody can be asked here: look at it with --dry-run, then say --yes.")
        typer.confirm("Write this and run `pulumi up`?", abort=True, err=True)
    rollback.write(pulumi, plan)
    rollback.run(pulumi, plan, yes=yes, to_stderr=as_json)


def _text_of(plan: rollback.Rollback) -> str:
    if not plan.changes:
        return f"The configuration is already that of the update of {plan.to}."
    lines = [f"Back to the configuration of the update of {plan.to}:"]
    for change in plan.changes:
        lines += [
            f"  {sign} {change.key}: {value if isinstance(value, str) else json.dumps(value)}"
            for sign, value in (("-", change.now), ("+", change.then))
            if value is not None
        ]
    return "\n".join(lines)
