"""The command line: `python -m lab up|down|status|shell|logs|churn`."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from lab import demo, host, prepare
from lab.cluster import Cluster, Shape
from lab.errors import LabError, last_lines
from lab.grounds import GROUNDS
from lab.looks import LOOKS
from lab.progress import Progress, Step
from lab.standins.choice import PluginSource

if TYPE_CHECKING:
    from lab.engine import Stack


app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
_console = Console()
_Instance = Annotated[str, typer.Option(help="The lab's name: two labs of different names do not meet.")]


def main() -> None:
    """Run the command line; print a LabError as its sentence and exit with 1."""
    reason = host.unfit()
    if reason:
        print(reason, file=sys.stderr)
        sys.exit(1)
    try:
        app()
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


@app.command("prepare")
def prepare_machine() -> None:
    """Install and build what the lab and its tests need, and start nothing."""
    Progress(_console)(prepare.steps_for_tests())
    _console.print("Everything that the lab runs is there.", highlight=False)


@app.command()
def up(
    distro: Annotated[str, typer.Option(help=f"Whose file layout the nodes have: {', '.join(LOOKS)}.")] = "k3s",
    nodes: Annotated[int, typer.Option(help="How many nodes.")] = 1,
    ground: Annotated[str, typer.Option(help=f"Which software the nodes stand on: {', '.join(GROUNDS)}.")] = "today",
    instance: _Instance = "lab",
    plugins: Annotated[
        PluginSource, typer.Option(help="Whose Pulumi plugins.", envvar="LAB_PLUGINS")
    ] = PluginSource.AUTO,
    stack: Annotated[bool, typer.Option(help="Go on to `pulumi up -s lab` and a demonstration pod.")] = True,
    recreate: Annotated[bool, typer.Option(help="Replace a running lab, whatever its shape.")] = False,
) -> None:
    """Prepare the machine, boot the cluster, install Multus and start a pod with a second interface."""
    cluster = Cluster(instance)
    with cluster.alone():
        steps = cluster.steps(Shape(distro, nodes, ground=ground), recreate=recreate)
        Progress(_console)([*steps, *(_stack_steps(cluster, plugins) if stack else [])])
    _console.print(f"The lab {instance!r} is up: {cluster.shape}, API server {cluster.api_server}.", highlight=False)
    if stack:
        with cluster.api as api:
            _interfaces(demo.interfaces(api))
    _console.print("Go on with `python -m lab shell`, `status`, `logs`, `down`.", highlight=False)


@app.command()
def down(
    instance: _Instance = "lab",
    stack: Annotated[bool, typer.Option(help="Destroy the stack first, as on a cluster that stays.")] = True,
) -> None:
    """Destroy the stack, stop the lab and leave nothing of it behind."""
    cluster = Cluster(instance)
    with cluster.alone():
        steps = _unstack_steps(cluster) if stack and cluster.shape and cluster.control_plane.running else []
        Progress(_console)([*steps, *cluster.down_steps()])


@app.command()
def status(instance: _Instance = "lab") -> None:
    """Show what runs, and where."""
    cluster = Cluster.load(instance)
    table = Table("what", "address", "state")
    table.add_row("control plane", cluster.api_server, _state(running=cluster.control_plane.running))
    for node in cluster.nodes:
        table.add_row(node.name, f"ssh root@{node.address}", _state(running=node.running))
    _console.print(f"{instance}: {cluster.shape}", highlight=False)
    _console.print(table)
    _console.print(f"kubeconfig {cluster.kubeconfig}\nSSH key    {cluster.ssh_key}", highlight=False, soft_wrap=True)


@app.command()
def shell(
    node: Annotated[str, typer.Argument(help="A node; else this machine.")] = "", instance: _Instance = "lab"
) -> None:
    """Open a shell on a node, or on this machine with the lab's kubectl, helm, KUBECONFIG and Pulumi settings."""
    cluster = Cluster.load(instance)
    program = os.environ.get("SHELL") or "/bin/sh"
    if not node:
        Progress(_console)(prepare.helm_steps(cluster.ground))
        sys.exit(subprocess.call([program], env={**os.environ, **_environment(cluster)}))
    by_name = {each.name: each for each in cluster.nodes}
    if node not in by_name:
        raise LabError(f"no node is called {node}: there are {', '.join(by_name)}")
    sys.exit(subprocess.call(by_name[node].command(["bash"]), env={**os.environ, "PS1": f"{node}# "}))


@app.command()
def logs(
    process: Annotated[str, typer.Argument(help="A process; else all are listed.")] = "",
    lines: Annotated[int, typer.Option(help="How many lines from the end.")] = 200,
    follow: Annotated[bool, typer.Option(help="Go on as the log grows.")] = False,
    instance: _Instance = "lab",
) -> None:
    """Show the log of one of the lab's processes."""
    folder = Cluster(instance).state / "logs"
    known = sorted(log.stem for log in folder.glob("*.log"))
    if not process:
        print("\n".join(known) or f"no logs in {folder}")
        return
    if process not in known:
        raise LabError(f"no process is called {process}: there are {', '.join(known) or 'none'}")
    log = folder / f"{process}.log"
    if follow:
        sys.exit(subprocess.call(["tail", "-n", str(lines), "-F", log]))
    print(last_lines(log, lines))


@app.command()
def churn(
    install: Annotated[list[str] | None, typer.Option(help="A column; by default all.")] = None,
    disturbance: Annotated[list[str] | None, typer.Option(help="A row; by default all.")] = None,
    distro: Annotated[list[str] | None, typer.Option(help="Whose file layout; by default k3s and vanilla.")] = None,
    ground: Annotated[str, typer.Option(help=f"Which software the nodes stand on: {', '.join(GROUNDS)}.")] = "today",
    results: Annotated[Path | None, typer.Option(help="Keep the figures in this JSON, with those of before.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the table of all kept figures into this page.")] = None,
    keep: Annotated[
        bool, typer.Option(help="Measure on the lab that runs, without Multus, and leave it running.")
    ] = False,
    measure: Annotated[bool, typer.Option(help="Measure; else only write the page from kept figures.")] = True,
    instance: _Instance = "churn",
) -> None:
    """Measure what becomes of pods that start while something disturbs an install of Multus.

    Without --install, --disturbance and --distro that is the whole table, some five hours.
    """
    # Only this command needs Pulumi's packages.
    from lab.churn.command import Choice, run, write_page
    from lab.churn.figures import read

    if not measure:
        if not (results and page):
            raise LabError("without a measurement, `--results` says which figures are written, and `--page` where")
        write_page(page, read(results))
        return
    run(Choice.of(install, disturbance, distro, ground), instance, _console, results=results, page=page, keep=keep)


def _stack_steps(cluster: Cluster, plugins: PluginSource) -> list[Step]:
    def install() -> None:
        stack = _stack(cluster, plugins)
        style = "bold" if stack.plugins.official else "bold yellow"
        _console.print(stack.describe_plugins(), style=style, highlight=False, soft_wrap=True)
        stack.up().check()

    def demonstrate() -> None:
        with cluster.api as api:
            demo.start(api)

    return [Step("pulumi up -s lab", install), Step("starting a pod with a second interface", demonstrate)]


def _unstack_steps(cluster: Cluster) -> list[Step]:
    if not (cluster.state / "pulumi").exists():
        return []

    def clear() -> None:
        with cluster.api as api:
            demo.stop(api)

    def destroy() -> None:
        stack = _stack(cluster)
        if stack.exists():
            stack.destroy().check()

    return [Step("removing the demonstration pod", clear), Step("pulumi destroy -s lab", destroy)]


def _stack(cluster: Cluster, plugins: PluginSource = PluginSource.AUTO) -> "Stack":
    # Only these commands need Pulumi's packages.
    from lab.engine import Stack

    return Stack(cluster, cluster.programs, plugins=plugins.value)


def _environment(cluster: Cluster) -> Mapping[str, str]:
    pulumi = _stack(cluster).environment() if (cluster.state / "pulumi").exists() else {}
    folders = {str(cluster.programs.path(program).parent) for program in ("kubectl", "pulumi")}
    folders.add(str(cluster.helm.parent))
    path = ":".join([*sorted(folders), pulumi.get("PATH") or os.environ.get("PATH", "")])
    return {**pulumi, "PATH": path, "KUBECONFIG": str(cluster.kubeconfig)}


def _interfaces(found: Mapping[str, list[str]]) -> None:
    table = Table("interface", "addresses", title="the demonstration pod")
    for name, addresses in found.items():
        table.add_row(name, ", ".join(addresses))
    _console.print(table)


def _state(*, running: bool) -> str:
    return "running" if running else "[red]stopped[/red]"
