from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from lab.looks import LOOKS
from multus import resolve
from multus.args import Distro
from multus.argument_rules import profile_of
from multus.distros import PROFILES, Profile, Tried, k3s_profile
from multus.server import parse_server
from tests.support.distribution_trees import TREES

DATA = "/var/lib/rancher/k3s"
EVERY = [
    *PROFILES.values(),
    k3s_profile("v1.31.1+k3s1", flannel=True, data_dir=DATA),
    k3s_profile(None, flannel=False, data_dir=DATA),
]


def test_every_distro_has_a_profile_but_the_one_that_is_refused() -> None:
    assert set(PROFILES) == set(Distro) - {Distro.OPENSHIFT}


@pytest.mark.parametrize("distro", PROFILES)
def test_profile_has_absolute_paths_and_a_source(distro: Distro) -> None:
    profile = PROFILES[distro]
    for path in (
        profile.cni_conf_dir,
        profile.cni_bin_dir,
        profile.plugins_dir,
        profile.runtime.file,
        profile.runtime.state_dir,
        profile.server_ca,
        profile.kubelet_dir,
        profile.netns_dir,
    ):
        assert path.startswith("/")
        assert not path.endswith("/")
    assert profile.cni_bin_dir.startswith(profile.plugins_dir)
    assert profile.sources
    for source in profile.sources:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository)
        assert source.path
        assert source.version
        assert date.fromisoformat(source.read) <= date.today()
    assert profile.api_server is None or parse_server(profile.api_server).host == "127.0.0.1"
    assert profile.cni_bin_dir not in profile.unread_dirs
    assert profile.cni_conf_dir not in profile.unread_dirs
    # Where only one of them were known, a configuration that is written whole would name half of a network.
    assert (profile.network is None) is (profile.network_file is None)


@pytest.mark.parametrize("distro", PROFILES)
@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_every_distro_resolves(distro: Distro, plugin: str) -> None:
    plan = resolve({"distro": distro, "plugin": plugin, "api_server": "https://192.0.2.1:6443"})
    profile = PROFILES[distro]
    assert (plan.cni_conf_dir, plan.cni_bin_dir) == (profile.cni_conf_dir, profile.cni_bin_dir)


@pytest.mark.parametrize(
    ("version", "bin_dir"),
    [
        ("v1.27.16+k3s1", "data/current/bin"),
        ("v1.28.14+k3s1", "data/current/bin"),
        ("v1.28.15+k3s1", "data/cni"),
        ("v1.29.9+k3s1", "data/current/bin"),
        ("v1.29.10+k3s1", "data/cni"),
        ("v1.30.5+k3s1", "data/current/bin"),
        ("v1.30.6+k3s1", "data/cni"),
        ("v1.31.1+k3s1", "data/current/bin"),
        ("1.31.2", "data/cni"),
        ("v1.32.0-rc1+k3s1", "data/cni"),
    ],
)
def test_plugins_of_k3s_lie_where_its_version_puts_them(version: str, bin_dir: str) -> None:
    plan = resolve({"distro": "k3s", "k3s_version": version})
    assert plan.cni_bin_dir == f"{DATA}/{bin_dir}"
    assert plan.plugins_dir == f"{DATA}/data"


def test_k3s_without_flannel_has_the_directories_of_containerd() -> None:
    plan = resolve({"distro": "k3s", "flannel": False})
    assert (plan.cni_conf_dir, plan.cni_bin_dir, plan.plugins_dir) == ("/etc/cni/net.d", "/opt/cni/bin", "/opt/cni/bin")
    assert plan.api_server == "https://127.0.0.1:6444"


def test_the_data_dir_of_k3s_moves_every_path_below_it() -> None:
    plan = resolve({"distro": "k3s", "data_dir": "/srv/k3s/"})
    assert plan.cni_conf_dir == "/srv/k3s/agent/etc/cni/net.d"
    assert plan.cni_bin_dir == "/srv/k3s/data/cni"
    assert plan.plugins_dir == "/srv/k3s/data"
    assert plan.runtime.crictl == "/srv/k3s/data/current/bin/crictl"
    assert plan.runtime.file == "/srv/k3s/agent/etc/containerd/config.toml"
    assert plan.runtime.bin_link == "/srv/k3s/data/current/bin"
    assert plan.server_ca == "/srv/k3s/agent/server-ca.crt"


def test_what_the_vpc_cni_takes_is_handed_on() -> None:
    conf = {"default_networks": ["a"]}
    plan = resolve({"distro": "eks", "api_server": "https://192.0.2.1:6443", "conf": conf})
    assert plan.whole_conf is not None
    assert plan.whole_conf.cluster_network == "aws-cni"
    assert plan.whole_conf.capabilities == ("portMappings", "bandwidth", "io.kubernetes.cri.pod-annotations")


def test_links_of_a_directory_of_ones_own_are_not_guessed() -> None:
    thick = {"distro": "microk8s", "plugin": "thick"}
    assert resolve(thick).linked_dirs == ("/snap",)
    assert resolve({**thick, "cni_bin_dir": "/opt/mine"}).linked_dirs == ()


def test_every_directory_can_be_overridden() -> None:
    plan = resolve(
        {
            "distro": "k3s",
            "cni_conf_dir": "/a/net.d",
            "cni_bin_dir": "/a/bin/",
            "kubelet_dir": "/a/kubelet",
            "netns_dir": "/a/netns",
        }
    )
    assert plan.cni_conf_dir == "/a/net.d"
    assert (plan.cni_bin_dir, plan.plugins_dir) == ("/a/bin", "/a/bin")
    assert (plan.kubelet_dir, plan.netns_dir) == ("/a/kubelet", "/a/netns")


def test_no_flannel_keeps_nothing_of_flannels() -> None:
    profile = k3s_profile("v1.28.1+k3s1", flannel=False, data_dir=DATA)
    assert (profile.network, profile.network_file) == (None, None)


def test_tried_are_the_profiles_that_the_lab_has_nodes_of() -> None:
    looks = {(str(look.conf_dir), str(look.bin_dir), str(look.containerd_config)) for look in LOOKS.values()}

    def places(profile: Profile) -> tuple[str, str, str]:
        return profile.cni_conf_dir, profile.cni_bin_dir, profile.runtime.file

    tried = [profile for profile in EVERY if profile.tried is Tried.LAB]
    assert {places(profile) for profile in tried} == looks
    assert len(tried) == len(looks)


def test_on_files_are_those_whose_files_the_preflight_has_passed() -> None:
    passed = [profile_of(_typed(tree.arguments)) for tree in TREES.values() if not tree.found]
    for profile in EVERY:
        assert profile.tried is not Tried.FILES or profile in passed
        assert profile.tried is not Tried.NOT or profile not in passed


def _typed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {**arguments, "distro": Distro(arguments["distro"])}
