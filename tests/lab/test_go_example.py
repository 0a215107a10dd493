"""The Go example against the SDK that `pulumi package add` would write: it compiles, with Pulumi's own generator.

No Go module carries the language host of Go, so that the example is not run here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from lab import prepare
from tests.support.paths import COMPONENTS, ROOT

SDK = "example.com/pulumi-multus/sdk/go"


def test_it_compiles(tmp_path: Path) -> None:
    subprocess.run([prepare.program("go-sdk"), COMPONENTS / "schema.json", tmp_path], check=True)
    # One module has both; its pins are those with which the generator was built, whose packages are compiled already.
    for name in ("go.mod", "go.sum"):
        text = (ROOT / "lab" / "go" / "go-sdk" / name).read_text()
        (tmp_path / name).write_text(re.sub("^module .*", f"module {SDK}", text))
    program = tmp_path / "program"
    program.mkdir()
    shutil.copy(ROOT / "examples" / "go" / "main.go", program)
    done = subprocess.run(
        ["go", "build", "-trimpath", "-buildvcs=false", "-o", tmp_path / "out", "./program"],
        cwd=tmp_path,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
