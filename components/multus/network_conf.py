"""CNI configurations as JSON has them: one plugin, or a list of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .network_keys import spelled

Conf = dict[str, Any]


def mapping(value: Any) -> Conf:
    """A mapping, empty where something else stands in its place."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A list, empty where something else stands in its place."""
    return value if isinstance(value, list) else []


def type_of(conf: Conf) -> str:
    """The name of a plugin, empty where none is given."""
    name = conf.get("type")
    return name if isinstance(name, str) else ""


def plugin_confs(conf: Conf) -> list[Conf]:
    """The configurations of the plugins of a chain, or the one that there is, with their keys as plugins spell them."""
    chain = conf["plugins"] if _is_list(conf) else [conf]
    return [spelled(each) for each in chain if isinstance(each, dict)]


def _is_list(conf: Conf) -> bool:
    return isinstance(conf.get("plugins"), list)


def ipam_of(plugin: Conf) -> Conf:
    """What a plugin says of addresses, empty where it says nothing."""
    return mapping(plugin.get("ipam"))


def plugins_called(conf: Conf) -> list[str]:
    """The plugins that a configuration calls, those for addresses too."""
    chain = plugin_confs(conf)
    return [name for name in (*map(type_of, chain), *(type_of(ipam_of(each)) for each in chain)) if name]


def without(conf: Conf, key: str) -> Conf:
    """The same, but for one key."""
    return {each: value for each, value in conf.items() if each != key}


def with_every_plugin(conf: Conf, change: Callable[[Conf], Conf]) -> Conf:
    """The same, with every plugin of its chain, or the one that there is, changed."""
    changed = list(map(change, plugin_confs(conf)))
    return {**conf, "plugins": changed} if _is_list(conf) else changed[0]


def without_from_every_plugin(conf: Conf, key: str) -> Conf:
    """The same, but for one key of every plugin of its chain."""
    return with_every_plugin(without(conf, key), lambda plugin: without(plugin, key))
