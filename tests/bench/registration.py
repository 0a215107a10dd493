"""How long it takes to register many nodes, without an engine: `python -m tests.bench.registration [NODES...]`."""

from __future__ import annotations

import sys
import time

from multus import MultusComponent
from tests.support.arguments import k3s, node
from tests.support.recording import run


def seconds(count: int) -> float:
    """Processor seconds for one run of a program with that many nodes."""
    nodes = [node(f"node-{number}", 0, host=f"node-{number}.example") for number in range(count)]
    started = time.process_time()
    graph = run(lambda: MultusComponent("m", k3s(*nodes))).graph
    took = time.process_time() - started
    assert len(graph.of_type("remote:Command")) == 3 * count
    return took


def main() -> None:
    """Print a line for each count of nodes."""
    seconds(1)
    for count in [int(word) for word in sys.argv[1:]] or [10, 100, 1000]:
        took = seconds(count)
        sys.stdout.write(f"{count:5} nodes: {took:6.2f} s, {1000 * took / count:6.1f} ms each\n")


if __name__ == "__main__":
    main()
