"""How the Multus of a cluster came there, and the commands that change it there and bring it back. Pure.

A finding's fix has to be one that its reader can type: whoever has installed by Helm has no stack.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from multus.chart_values import value_path
from multus.objects import DAEMON_SET, FALLBACK_DAEMON_SET, MARKER
from multus.settings import PROJECT, snake

from ..pulumi_cli import PulumiCli
from .live_install import arguments_of, as_settings
from .snapshot import Snapshot, name_of

_HELM_RELEASE = "meta.helm.sh/release-name"
_HELM_NAMESPACE = "meta.helm.sh/release-namespace"
# What Helm 4 calls itself where it applies: helm v4.3.1, cmd/helm/helm.go.
_HELM = "helm"


class Origin(Protocol):
    """What an install comes from. Fixes are commands, one a line; a line that begins with `#` is for people."""

    @property
    def name(self) -> str:
        """In a few words, such as `Helm release kube-system/multus`."""

    def repair(self) -> str:
        """The commands that bring the cluster back to what the install says."""

    def change(self, settings: Mapping[str, str]) -> str:
        """The commands that change arguments and bring the cluster to that.

        Args:
            settings: values by the arguments' paths, as a stack's configuration spells them: `resources.limits.memory`.
        """


@dataclass(frozen=True)
class PulumiInstall:
    """A stack.

    Attributes:
        pulumi: how Pulumi is called for it.
        project: the Pulumi project of its program; this repository's own has the arguments as configuration keys.
        is_named: whether the stack was named to this program; else it was found by its marker, and Pulumi has to be
            run where its project is.
    """

    pulumi: PulumiCli
    project: str = PROJECT
    is_named: bool = True

    @property
    def name(self) -> str:
        """The stack with its project."""
        return f"Pulumi stack {self.project}/{self.pulumi.stack}"

    def up(self) -> str:
        """The command that brings a cluster to what its stack says."""
        return self._there(self.pulumi.command("up"))

    def repair(self) -> str:
        """`pulumi up`, after a look at what the cluster has become."""
        return self._there(self.pulumi.command("up", "--refresh"))

    def change(self, settings: Mapping[str, str]) -> str:
        """The keys by `pulumi config`, or named where the program has them in its own way; then `repair`."""
        if self.project != PROJECT:
            keys = (f"# set {key} of MultusComponent to {value} in the program" for key, value in settings.items())
            return "\n".join([*keys, self.repair()])
        commands = [
            f"{self.pulumi.command('config', 'set')} {_pulumi_key(key)} {shlex.quote(value)}"
            for key, value in settings.items()
        ]
        return self._there("\n".join([*commands, self.pulumi.command("up", "--refresh")]))

    def adopt(self) -> str:
        """The commands that take over what somebody else has installed under the same names."""
        key = f"{PROJECT}:adopt"
        set_, unset = self.pulumi.command("config", "set"), self.pulumi.command("config", "rm")
        return f"{set_} {key} true\n{self.up()}\n{unset} {key}"

    def _there(self, commands: str) -> str:
        return commands if self.is_named else f"# in the folder of the Pulumi project {self.project}:\n{commands}"


@dataclass(frozen=True)
class HelmInstall:
    """A Helm release.

    Attributes:
        release: its name.
        namespace: where it is.
        is_our_chart: whether its chart is charts/multus of this project.
        is_server_side: whether Helm applies its objects on the server, as Helm 4 does with what it has begun itself. It
            then stops at every field that somebody else has set, with equal values too, unless it is told to go on.
    """

    release: str
    namespace: str
    is_our_chart: bool
    is_server_side: bool = False

    @property
    def name(self) -> str:
        """The release with its namespace."""
        return f"Helm release {self.namespace}/{self.release}"

    def repair(self) -> str:
        """An upgrade to the same; of another chart, whose place is not known, what it has rendered."""
        if self.is_our_chart:
            return self._upgrade({})
        # As Helm itself: what kubectl would own besides is a conflict at Helm's next change of it.
        apply = f"kubectl apply --server-side --force-conflicts --field-manager={_HELM} -f -"
        return f"helm get manifest {self.release} --namespace {self.namespace} | {apply}"

    def change(self, settings: Mapping[str, str]) -> str:
        """An upgrade with other values."""
        if self.is_our_chart:
            return self._upgrade(settings)
        return "\n".join(
            f"# set what {key} is in the values of {self.name} to {value}: its chart is not this project's"
            for key, value in settings.items()
        )

    def _upgrade(self, settings: Mapping[str, str]) -> str:
        values = {value_path(snake(key)): value for key, value in settings.items()}
        words = ["helm", "upgrade", self.release, "charts/multus", "--namespace", self.namespace, "--reuse-values"]
        words += ["--force-conflicts"] if self.is_server_side else []
        command = shlex.join([*words, *(word for key in values for word in ("--set", f"{key}={values[key]}"))])
        return f"# in a checkout of this project:\n{command}"


@dataclass(frozen=True)
class RenderedInstall:
    """Objects that were applied with kubectl.

    Attributes:
        settings: the arguments as the cluster shows them, by their configuration keys, each value as JSON or text.
        is_ours: whether `multus-ops render` has printed them; else they are upstream's manifest, which has the same
            names, and what this project renders takes its place.
    """

    settings: Mapping[str, str]
    is_ours: bool

    @property
    def name(self) -> str:
        """Whose objects they are."""
        return "`multus-ops render`" if self.is_ours else "upstream's manifest"

    def repair(self) -> str:
        """The objects anew, from the arguments that can be seen."""
        return self._render({})

    def change(self, settings: Mapping[str, str]) -> str:
        """The objects anew with other arguments."""
        return self._render(settings)

    def _render(self, changed: Mapping[str, str]) -> str:
        settings = {**self.settings, **_without_indexes(changed)}
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        about = (
            "# add all other arguments that it was rendered with:"
            if self.is_ours
            else "# this puts this project's objects in the place of upstream's (docs/operations.md, Without Pulumi):"
        )
        return f"{about}\n{shlex.join(['multus-ops', 'render', *words])} | kubectl apply -f -"


@dataclass(frozen=True)
class UnknownInstall:
    """Something that nothing here knows, or nothing.

    Attributes:
        daemon_sets: `namespace/name` of the DaemonSets that run Multus; none where there is no install.
    """

    daemon_sets: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """That it is not known."""
        return "something that is not known here" if self.daemon_sets else "nothing"

    def repair(self) -> str:
        """A sentence: there is no command for it."""
        if self.daemon_sets:
            return f"# bring back what DaemonSet {self.daemon_sets[0]} was installed from, by what installed it"
        return "# there is no install of Multus that could be brought back: install it (docs/index.md)"

    def change(self, settings: Mapping[str, str]) -> str:
        """A sentence for each."""
        where = f"what installed DaemonSet {self.daemon_sets[0]}" if self.daemon_sets else "the install to come"
        return "\n".join(f"# set what {key} is in {where} to {value}" for key, value in settings.items())


def origin_of(snapshot: Snapshot) -> Origin:
    """What the Multus of a cluster comes from, as its objects show it. The first that can be told counts.

    A stack leaves its marker, which names it; Helm annotates what it makes; upstream's manifest has no fallback.
    """
    sets = {each["metadata"]["name"]: each["metadata"] for each in snapshot.multus_sets}
    owner = next((each.get("data", {}).get("owner", "") for each in snapshot.config_maps if _is_marker(each)), "")
    if owner.count("/") >= 2:
        project, stack = owner.split("/")[:2]
        return PulumiInstall(PulumiCli(stack), project, is_named=False)
    for about in sets.values():
        annotations = about.get("annotations") or {}
        if _HELM_RELEASE in annotations:
            namespace = annotations.get(_HELM_NAMESPACE, about["namespace"])
            applied = any(each["manager"] == _HELM and each["operation"] == "Apply" for each in _managers(about))
            return HelmInstall(annotations[_HELM_RELEASE], namespace, FALLBACK_DAEMON_SET in sets, applied)
    if DAEMON_SET in sets or FALLBACK_DAEMON_SET in sets:
        is_ours = FALLBACK_DAEMON_SET in sets
        return RenderedInstall(as_settings(arguments_of(snapshot, keep=is_ours)), is_ours)
    return UnknownInstall(tuple(name_of(each) for each in snapshot.multus_sets))


def _managers(about: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Who has written which fields of an object."""
    return about.get("managedFields") or []


def _is_marker(config_map: Mapping[str, Any]) -> bool:
    return bool(config_map["metadata"]["name"] == MARKER)


def _pulumi_key(key: str) -> str:
    """The words that name a configuration key to `pulumi config set`."""
    path = f"{PROJECT}:{key}"
    return f"--path {shlex.quote(path)}" if set(key) & set(".[") else path


def _without_indexes(settings: Mapping[str, str]) -> dict[str, str]:
    """`a.names[0]=x` as `a.names=["x"]`, since `--set` takes a list whole."""
    found: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for key, value in settings.items():
        name, count = re.subn(r"\[\d+\]$", "", key)
        if count:
            lists.setdefault(name, []).append(value)
        else:
            found[key] = value
    return found | {key: json.dumps(values) for key, values in lists.items()}
