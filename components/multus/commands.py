"""The command line. What a command does stands in a module of its own; here are its options and its exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from kubernetes import client
from rich.console import Console

from . import cluster
from .configuration import SettingsError
from .engine import EngineError
from .errors import InvalidArgumentsError, MultusError
from .stack import Stack


class Exit(IntEnum):
    """Exit statuses, the same for every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    DEFECT = 70
    INTERRUPTED = 130


PROGRAM = "multus"
_STATUSES = """\
Exit status: 0 done; 1 refused or failed, and the message says what to do next; 2 the command line or the stack's
configuration cannot work; 3 done, but not on every node; 70 a defect of this program; 130 interrupted, and it may be
repeated. Results go to standard output, progress and trouble to standard error; NO_COLOR is respected.
"""

app = typer.Typer(
    help="Checks, renders, disables, enables and rolls back Multus. In a checkout: `bin/multus`, or "
    "`python -m components.multus`.",
    epilog=_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
told = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; what goes wrong is told in sentences."""
    try:
        app(prog_name=PROGRAM)
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

    stack: Stack | None
    api: client.ApiClient


def text_of(file: Path) -> str:
    """A file's content."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def loaded(stack: str | None, folder: Path, config_file: Path | None) -> Stack:
    """The named stack."""
    if stack is None:
        raise UsageError("Name the stack: --stack NAME.")
    return Stack.load(stack, folder, config_file)


@contextmanager
def target(
    stack: str | None, folder: Path, config_file: Path | None, kubeconfig: Path | None, context: str | None
) -> Iterator[Target]:
    """The cluster that the options name, by a stack or by a kubeconfig."""
    if (stack is None) is (kubeconfig is None):
        raise UsageError("Name the cluster, either by --stack NAME or by --kubeconfig FILE.")
    if kubeconfig is not None:
        with cluster.connected(cluster.kubeconfig_at(kubeconfig), context) as api:
            yield Target(None, api)
        return
    known = loaded(stack, folder, config_file)
    with cluster.connected(known.kubeconfig, context or known.context) as api:
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
    from . import doctor
    from .smoke import Wish

    wish = Wish(tuple(nodes or ()), image or Wish.image, network) if smoke else None
    if wish is None and (nodes or image or network):
        raise UsageError("--node, --smoke-image and --network say how --smoke works: add it.")
    shown = Console(highlight=False)
    try:
        with target(stack, folder, config_file, kubeconfig, context) as found:
            if advise:
                said = doctor.advised(found.stack, found.api, stack or "STACK", str(kubeconfig or "~/.kube/config"))
                doctor.show_advice(said, shown)
                return
            with told.status("starting") as status:
                report = doctor.examine(found.stack, found.api, wish=wish, told=status.update)
    except (cluster.ClusterError, EngineError) as error:
        raise UsageError(str(error)) from None
    if as_json:
        typer.echo(report.as_json())
    else:
        doctor.show(report, shown)
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
    from . import render

    if (stack is not None) is bool(settings or file):
        raise UsageError("Name a stack, or give arguments by --set KEY=VALUE or --file FILE.")
    if stack is not None:
        plan = render.without_nodes(loaded(stack, folder, config_file).component)
    else:
        plan = render.plan_of(settings or [], None if file is None else text_of(file))
    typer.echo(render.manifest(plan), nl=False)
