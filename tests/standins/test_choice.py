"""Which plugins Pulumi runs with, and that it is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.standins.choice import PluginSource, choose

NAMES = ("pulumi-language-python", "pulumi-resource-command", "pulumi-resource-kubernetes")


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment in which no plugin can be found."""
    return {"PATH": str(tmp_path / "empty")}


def test_official_plugins_on_path_are_taken_and_named(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).touch(mode=0o755)
    plugins = choose(PluginSource.AUTO, tmp_path / "state", Path("pulumi"), {"PATH": str(tmp_path)})
    assert (plugins.official, plugins.folder) == (True, None)
    assert str(plugins) == "Pulumi's plugins are the official ones: they are on PATH."


def test_without_them_the_standins_are_taken_and_named(tmp_path: Path, nowhere: dict[str, str]) -> None:
    plugins = choose(PluginSource.AUTO, tmp_path, Path("pulumi"), nowhere)
    assert plugins.folder == tmp_path / "plugins"
    assert str(plugins) == (
        "Pulumi's plugins are the lab's stand-ins, not the official ones: "
        "pulumi-language-python, pulumi-resource-kubernetes, pulumi-resource-command can be found neither on PATH nor "
        "by a download."
    )
    assert all(os.access(plugins.folder / name, os.X_OK) for name in NAMES)


def test_standins_asked_for_are_taken_where_the_official_ones_are(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).touch(mode=0o755)
    plugins = choose(PluginSource.STANDIN, tmp_path / "state", Path("pulumi"), {"PATH": str(tmp_path)})
    assert not plugins.official
    assert "LAB_PLUGINS or --plugins says so" in str(plugins)


def test_official_plugins_that_are_missing_are_an_error_that_names_them(
    tmp_path: Path, nowhere: dict[str, str]
) -> None:
    with pytest.raises(LabError, match="official Pulumi plugins are asked for, but pulumi-language-python"):
        choose(PluginSource.OFFICIAL, tmp_path, Path("pulumi"), nowhere)
