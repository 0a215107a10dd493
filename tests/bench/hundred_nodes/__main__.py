"""What many nodes cost: time, memory, state and SSH connections, of this checkout and of others beside it.

    python -m tests.bench.hundred_nodes [--tree CHECKOUT]... [--nodes N...] [--plot FILE]

The engine with its file backend, the API server and sshd are real. The nodes are objects that stay Ready, and hosts
that say that every command succeeded: what is measured is what Pulumi, its plugins and this project do. It needs root.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab import prepare
from lab.errors import LabError
from tests.bench.hundred_nodes import plot, tables
from tests.bench.hundred_nodes.measuring import Outcome, running
from tests.bench.hundred_nodes.trees import trees
from tests.bench.lab_programs import prepare_lab


def main() -> None:
    """Measure, and print tables in Markdown."""
    said = _arguments()
    prepare_lab()
    outcomes: list[Outcome] = []
    with trees(said.tree) as measured, running(prepare.programs(), said.max_startups) as bench:
        heading = tables.heading(bench.plugins)
        floor = bench.measure_floor()
        for tree in measured:
            bench.warm_up(tree)
        try:
            for count in said.nodes:
                for tree in measured:
                    say(f"{tree.name}, {count} nodes")
                    outcomes.append(bench.measure(tree, count, preview_only=said.preview_only))
        finally:
            # A run that fails ends it all: what it leaves behind would be measured with what comes next.
            print_out(heading, *tables.all_of(outcomes, floor))
    if said.plot:
        said.plot.write_text(plot.drawn(outcomes), encoding="utf-8")


def say(line: str) -> None:
    """Tell whoever waits how far it is."""
    sys.stderr.write(f"{line}\n")


def print_out(*texts: str) -> None:
    """Print paragraphs."""
    sys.stdout.write("".join(f"{text}\n" for text in texts))
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hundred_nodes", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tree",
        action="append",
        default=[],
        help="measure that too: a checkout with a .venv of its own, or a commit of this repository",
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=[20, 100], help="how many nodes; by default 20 and 100")
    parser.add_argument("--plot", type=Path, help="draw time and memory into this SVG")
    parser.add_argument(
        "--max-startups",
        default="1000:30:1000",
        help="sshd's MaxStartups for all hosts together; sshd's own default, as on a jump host, is 10:30:100",
    )
    parser.add_argument("--preview-only", action="store_true", help="install nothing")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
