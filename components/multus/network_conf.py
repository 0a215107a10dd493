"""CNI configurations as JSON has them: one plugin, or a list of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Conf = dict[str, Any]


def plugin_confs(conf: Conf) -> list[Conf]:
    """The configurations of the plugins of a chain, or the one that there is."""
    chain = conf.get("plugins") if isinstance(conf.get("plugins"), list) else [conf]
    return [each for each in chain or () if isinstance(each, dict)]


def ipam_of(plugin: Conf) -> Conf:
    """What a plugin says of addresses, empty where it says nothing."""
    ipam = plugin.get("ipam")
    return ipam if isinstance(ipam, dict) else {}


def plugins_called(conf: Conf) -> list[str]:
    """The plugins that a configuration calls, those for addresses too."""
    chain = plugin_confs(conf)
    named = (*(each.get("type") for each in chain), *(ipam_of(each).get("type") for each in chain))
    return [str(name) for name in named if name]


def without(conf: Conf, key: str) -> Conf:
    """The same, but for one key."""
    return {each: value for each, value in conf.items() if each != key}


def with_every_plugin(conf: Conf, change: Callable[[Conf], Conf]) -> Conf:
    """The same, with every plugin of its chain, or the one that there is, changed."""
    return {**conf, "plugins": list(map(change, plugin_confs(conf)))} if "plugins" in conf else change(conf)


def without_from_every_plugin(conf: Conf, key: str) -> Conf:
    """The same, but for one key of every plugin of its chain."""
    return with_every_plugin(without(conf, key), lambda plugin: without(plugin, key))
