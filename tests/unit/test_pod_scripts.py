"""The shell that runs inside pods."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import CHART, COMPONENTS

SCRIPTS = sorted([*(COMPONENTS / "multus").glob("*.sh"), *(CHART / "files").glob("*.sh")])


def test_every_script_is_looked_at() -> None:
    assert {"copy-plugins.sh", "hand-over.sh", "dhcp_daemon.sh", "whereabouts.sh"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_a_command_has_no_two_dollars(path: Path) -> None:
    """The kubelet makes one of them, in whatever a container's `command` and `args` say."""
    assert "$$" not in path.read_text(encoding="utf-8")
