from __future__ import annotations

import pytest
import yaml

from components.multus import resolve
from components.multus.conf import entrypoint_flags, kubeconfig
from components.multus.server import Server
from tests.component.arguments import vanilla


@pytest.mark.parametrize(
    ("server", "url"),
    [(Server("10.0.0.1", 6443), "https://10.0.0.1:6443"), (Server("fd00::1", 443), "https://[fd00::1]:443")],
    ids=["ipv4", "ipv6"],
)
def test_kubeconfig_says(server: Server, url: str) -> None:
    content = yaml.safe_load(kubeconfig(server, "Q0E=", "a.b.c"))
    assert content["clusters"] == [{"name": "local", "cluster": {"server": url, "certificate-authority-data": "Q0E="}}]
    assert content["users"] == [{"name": "multus", "user": {"token": "a.b.c"}}]
    assert content["contexts"] == [{"name": "multus-context", "context": {"cluster": "local", "user": "multus"}}]
    assert content["current-context"] == "multus-context"


def test_kubeconfig_ends_in_one_newline() -> None:
    text = kubeconfig(Server("10.0.0.1", 6443), "Q0E=", "a.b.c")
    assert text.startswith("# Kubeconfig file for Multus CNI plugin.\napiVersion: v1\n")
    assert text.endswith("current-context: multus-context\n")


def test_entrypoint_flags_name_the_kubeconfig_of_the_plan() -> None:
    plan = resolve(vanilla(cni_conf_dir="/srv/cni/net.d"))
    flags = entrypoint_flags(plan, removes_on_exit=False)
    assert f"--multus-kubeconfig-file-host={plan.kubeconfig_path}" in flags
    assert plan.kubeconfig_path == "/srv/cni/net.d/multus.d/multus.kubeconfig"


def test_entrypoint_removes_on_exit_only_where_told() -> None:
    """With the flag, a restart of the pod takes the configuration away for as long as it lasts."""
    plan = resolve(vanilla())
    kept, removing = entrypoint_flags(plan, removes_on_exit=False), entrypoint_flags(plan, removes_on_exit=True)
    assert set(removing) - set(kept) == {"--cleanup-config-on-exit=true", "--skip-config-watch=true"}
    assert set(kept) < set(removing)
