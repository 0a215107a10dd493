"""Ways to a node: a login that is not root, a wrong host key, a closed port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.node import SUDOER
from lab.programs import Programs

from .conftest import Cell, Lab, boot, succeeded


@pytest.fixture(scope="module")
def lab(programs: Programs) -> Iterator[Lab]:
    yield from boot(Cell("vanilla", 1), programs)


def test_a_login_with_sudo_installs_and_removes(lab: Lab) -> None:
    before = lab.trees()
    lab.stack.config_set("multus:nodes[0].user", SUDOER, path=True)
    succeeded(lab.stack.up())
    [node] = lab.cluster.nodes
    path = lab.cluster.look.conf_dir / "multus.d" / "multus.kubeconfig"
    assert node.run(["stat", "-c", "%a %U", path]).stdout.split() == ["600", "root"]
    succeeded(lab.stack.destroy())
    assert lab.trees() == before
