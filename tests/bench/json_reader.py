"""How long the node program reads JSON, beside 9e0814d's reader: `python -m tests.bench.json_reader`. Needs mawk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BEFORE = "9e0814d"
_SIZES = (29_000, 116_000, 235_000)
_RUNS = 5


def main() -> None:
    """Print a table in Markdown: the best of five runs of each reader over each document."""
    mawk = shutil.which("mawk")
    if mawk is None:
        sys.exit("mawk is not on PATH: apt-get install mawk")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "awk").symlink_to(mawk)
        (scratch / "before.sh").write_text(reader_before(), encoding="utf-8")
        now = ROOT / "components" / "multus" / "node" / "json.sh"
        sys.stdout.write(f"| document | {BEFORE} | this tree |\n| --- | --- | --- |\n")
        for size in _SIZES:
            file = scratch / "document.json"
            file.write_text(document(size), encoding="utf-8")
            took = [seconds(part, file, scratch) for part in (scratch / "before.sh", now)]
            if took[0][1] != took[1][1]:
                sys.exit("the two readers do not print the same")
            sys.stdout.write(f"| {size // 1000} KB | {took[0][0]:.3f} s | {took[1][0]:.3f} s |\n")


def reader_before() -> str:
    """The function of that commit."""
    path = f"{BEFORE}:components/multus/node.sh"
    text = subprocess.run(["git", "show", path], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    _, _, rest = text.partition("\njson() {\n")
    return "json() {\n" + rest.partition("\n# leaf PATH")[0]


def document(size: int) -> str:
    """What `crictl info` looks like, as long as this."""
    networks: list[object] = []
    answer = {"status": {"conditions": [{"type": "NetworkReady", "status": True}]}, "cniconfig": {"Networks": networks}}
    while len(json.dumps(answer, indent=2)) < size:
        plugin = {"Network": {"type": "bridge", "mtu": 1500, "ipam": {"ranges": [[{"subnet": "10.42.0.0/24"}]]}}}
        networks += [{"IFName": f"eth{len(networks)}", "Config": {"Name": "cbr0", "Plugins": [plugin], "Source": "{}"}}]
    return json.dumps(answer, indent=2)


def seconds(part: Path, file: Path, tools: Path) -> tuple[float, bytes]:
    """The best of some runs, and what was printed."""
    command = ["sh", "-c", f'. "{part}"; json "{file}"']
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C"}
    best, printed = float("inf"), b""
    for _ in range(_RUNS):
        began = time.perf_counter()
        printed = subprocess.run(command, capture_output=True, env=environment, check=True).stdout
        best = min(best, time.perf_counter() - began)
    return best, printed


if __name__ == "__main__":
    main()
