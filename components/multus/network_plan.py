"""The arguments of a network become a plan here, or every reason why they cannot. Pure: nothing is registered."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import network_problems
from .args import LiveAttachments
from .argument_types import judged
from .distros import PROFILES
from .errors import InvalidArgumentsError, Problem
from .late_values import is_opaque
from .network_args import MultusNetworkArgs
from .network_conf import Conf, plugins_called
from .network_config import conf_list
from .network_neighbours import conflicts
from .network_problems import KINDS
from .plan import InstallPlan

DEFAULT_NETWORKS_NAMESPACE = "default"
API_VERSION = "k8s.cni.cncf.io/v1"
KIND = "NetworkAttachmentDefinition"
RESOURCE = "k8s.v1.cni.cncf.io/resourceName"
"""The annotation by which Multus asks the kubelet for a device."""
_PATH_IN_CONF_DIR = "whereabouts.d/whereabouts.conf"


@dataclass(frozen=True)
class NetworkPlan:
    """Everything that is decided about a network.

    Attributes:
        name: the definition's.
        namespace: the definition's, maybe an Output.
        configuration_path: whereabouts' own configuration, maybe an Output; None for where it looks by itself.
        arguments: what it was planned from, without a problem.
    """

    name: str
    namespace: Any
    configuration_path: Any
    arguments: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Which of the arguments makes the interface."""
        return next(each for each in KINDS if each in self.arguments)

    @property
    def node(self) -> str | None:
        """The only node whose pods use it, None for every node."""
        given: str | None = self.arguments.get("ipam", {}).get("host_local", {}).get("node")
        return given

    @property
    def allow(self) -> tuple[str, ...]:
        """What a pod may ask for."""
        if self.kind != "config":
            return tuple(self.arguments.get("allow", ()))
        named = (each.get("capabilities") for each in self.conf()["plugins"] if isinstance(each, dict))
        return tuple({key: None for each in named if isinstance(each, dict) for key in each if each[key] is True})

    @property
    def plugins(self) -> list[str]:
        """The plugins that every node needs for it, each once."""
        return list(dict.fromkeys(plugins_called(self.conf())))

    @property
    def live_attachments(self) -> LiveAttachments:
        """What happens when it goes or changes under running pods."""
        given: LiveAttachments = self.arguments.get("live_attachments", LiveAttachments.REFUSE)
        return given

    @property
    def annotations(self) -> dict[str, str]:
        """The definition's annotations."""
        named = self.arguments.get("sriov", self.arguments).get("resource_name")
        return {RESOURCE: named} if named is not None else {}

    def conf(self, namespace: str | None = None, configuration_path: str | None = None) -> Conf:
        """The configuration; what is known late and not given is left out of it."""
        given = [namespace or self.namespace, configuration_path or self.configuration_path]
        known = [None if is_opaque(each) else each for each in given]
        return conf_list(self.arguments, known[0] or "", self.name, known[1])

    def config(self, namespace: str, configuration_path: str | None) -> str:
        """The text of `spec.config`, once all of it is known."""
        return json.dumps(self.conf(namespace, configuration_path))


def resolve_network(
    args: MultusNetworkArgs | Mapping[str, Any],
    name: str,
    install: InstallPlan | None = None,
    others: Mapping[str, NetworkPlan] | None = None,
) -> NetworkPlan:
    """Decide everything about a network.

    Args:
        args: the arguments.
        name: the resource's, which is the definition's where no other is given.
        install: the install that serves it, where it is known.
        others: the program's other networks, by the names of their resources.

    Raises:
        InvalidArgumentsError: with every problem found, in one go.
    """
    valid, problems = _judged(args, name, install)
    if not problems:
        plan = _plan(valid, install)
        problems = [*_conflicts(plan, others or {})]
    if problems:
        raise InvalidArgumentsError(problems, f"Network {name!r}")
    return plan


def network_problems_of(
    args: MultusNetworkArgs | Mapping[str, Any], name: str, install: InstallPlan | None = None
) -> list[Problem]:
    """Every reason why these arguments cannot work; empty when they can."""
    return _judged(args, name, install)[1]


def plugins_of(args: MultusNetworkArgs | Mapping[str, Any]) -> list[str]:
    """The plugins that a network needs on every node, for `required_plugins` before there is a network.

    Raises:
        InvalidArgumentsError: with every problem found, in one go.
    """
    return resolve_network(args, "network").plugins


def _judged(args: Any, name: str, install: InstallPlan | None) -> tuple[dict[str, Any], list[Problem]]:
    given = args
    if isinstance(args, Mapping):
        known = {"name": name, **({"distro": install.distro} if install is not None else {})}
        given = {**known, **args}
    nodes: Sequence[str] = [node.name for node in install.nodes] if install is not None else ()
    return judged(MultusNetworkArgs, given, partial(network_problems.contradictions, listed_nodes=nodes))


def _plan(valid: Mapping[str, Any], install: InstallPlan | None) -> NetworkPlan:
    path = valid.get("ipam", {}).get("whereabouts", {}).get("configuration_path")
    profile = PROFILES.get(valid["distro"]) if "distro" in valid else None
    conf_dir = install.cni_conf_dir if install is not None else profile.cni_conf_dir if profile is not None else None
    if path is None and conf_dir is not None:
        path = posixpath.join(conf_dir, _PATH_IN_CONF_DIR)
    return NetworkPlan(valid["name"], valid.get("namespace", DEFAULT_NETWORKS_NAMESPACE), path, valid)


def _conflicts(plan: NetworkPlan, others: Mapping[str, NetworkPlan]) -> Iterator[Problem]:
    yield from name_problems(plan, others)
    kind, node = plan.kind, plan.node
    beside = {name: each.conf() for name, each in others.items() if not node or each.node in (None, node)}
    for found in conflicts(plan.conf(), beside):
        path = kind if kind == "config" else "ipam" if found.of_addresses else f"{kind}.master"
        yield Problem(path, found.what, found.fix)


def name_problems(plan: NetworkPlan, others: Mapping[str, NetworkPlan]) -> Iterator[Problem]:
    """Why a network cannot have its names beside others'; of those whose namespace is known late, nothing."""
    for name, other in others.items():
        if not is_opaque(plan.namespace) and not is_opaque(other.namespace):
            yield from _same_names(plan, name, other)


def _same_names(plan: NetworkPlan, name: str, other: NetworkPlan) -> Iterator[Problem]:
    mine, called = (plan.namespace, plan.name), plan.conf()["name"]
    if mine == (other.namespace, other.name):
        yield Problem("name", f"{'/'.join(mine)!r} is also the definition of {name!r}", "write another name")
    elif called == other.conf()["name"]:
        reason = f"has the name {called!r}, which the configuration of {name!r} has: they share their addresses' book"
        yield Problem(plan.kind, reason, "write another name into one configuration")
