from __future__ import annotations

import pytest

from components.multus.args import Distro
from components.multus.distros import PROFILES
from components.multus.server import parse_server


def test_every_distro_has_a_profile() -> None:
    assert set(PROFILES) == set(Distro)


@pytest.mark.parametrize("distro", Distro)
def test_profile_has_absolute_paths_and_a_source(distro: Distro) -> None:
    profile = PROFILES[distro]
    for path in (profile.cni_conf_dir, profile.cni_bin_dir, profile.containerd_config):
        assert path.startswith("/")
        assert not path.endswith("/")
    assert profile.source
    assert profile.api_server is None or parse_server(profile.api_server).host == "127.0.0.1"
