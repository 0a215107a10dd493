"""Installs of Multus that are measured, and what an administrator does with each."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from kubernetes import client

from lab.churn import upstream
from lab.churn.site import SYSTEM, Site, answer
from lab.commands import run
from lab.engine import Stack
from lab.stack_settings import configure, listed
from lab.waiting import until

_ROOT = Path(__file__).parents[2]
_CHART = _ROOT / "charts" / "multus"
_RELEASE = ("multus", "--namespace", SYSTEM)
_OTHER_LEVEL = "error"


class Install:
    """One way in which Multus comes to a cluster."""

    missing: ClassVar[Mapping[str, str]] = {}
    """The rows of the table that it has not, each with the reason."""

    def __init__(self, site: Site, plugin: str) -> None:
        self.site = site
        self.plugin = plugin

    @property
    def other_plugin(self) -> str:
        """The plugin that it is not."""
        return {"thin": "thick", "thick": "thin"}[self.plugin]

    def install(self) -> None:
        """Install it; returns when it serves."""
        raise NotImplementedError

    def change_argument(self) -> None:
        """Give Multus another log level."""
        raise NotImplementedError

    def release(self, image: str | None) -> None:
        """Go to another release's image; None is v4.3.0's."""
        raise NotImplementedError

    def rotate(self) -> None:
        """Make the credentials void, and give others."""
        raise NotImplementedError

    def lose_token(self) -> None:
        """Delete the token's Secret, wait until the token is void, and mend that."""
        raise NotImplementedError

    def switch_plugin(self) -> None:
        """Go to the other plugin, and back."""
        raise NotImplementedError

    def prepare_removal(self) -> None:
        """What has to be said before a removal while pods use networks."""

    def remove(self) -> None:
        """Remove it; returns when its pods are gone."""
        raise NotImplementedError

    def killed_midway(self) -> None:
        """Change an argument, be killed half way, and repeat that."""
        raise NotImplementedError

    def adopt(self) -> None:
        """Take over what upstream's manifest has installed."""
        raise NotImplementedError

    def switch_method(self) -> None:
        """Go to Helm, and back."""
        raise NotImplementedError

    def forget_node(self, name: str) -> None:
        """The node of that name has gone for good."""


class Ours(Install):
    """A stack of this project."""

    lists_nodes = True

    def __init__(self, site: Site, plugin: str) -> None:
        super().__init__(site, plugin)
        self.stack = Stack(site.cluster, site.cluster.programs, plugins=os.environ.get("LAB_PLUGINS", "auto"))

    def install(self) -> None:
        """`pulumi up`."""
        self._up(plugin=self.plugin, nodes=self._listed())

    def change_argument(self) -> None:
        """Another log level."""
        self._up(log={"level": _OTHER_LEVEL})

    def release(self, image: str | None) -> None:
        """Another tag."""
        self._up(image={"tag": image.rpartition(":")[2]} if image else None)

    def rotate(self) -> None:
        """Another rotation."""
        self._up(rotation="2")

    def lose_token(self) -> None:
        """Mended by `up --refresh`."""
        _void(self.site)
        self._up("--refresh")

    def switch_plugin(self) -> None:
        """Another plugin."""
        self._up(plugin=self.other_plugin)
        self._up(plugin=self.plugin)

    def prepare_removal(self) -> None:
        """Pods that use networks would stop it."""
        self._up(liveAttachments="proceed")

    def remove(self) -> None:
        """`pulumi destroy`."""
        self.stack.destroy().check()
        self.site.await_no_multus()

    def killed_midway(self) -> None:
        """Killed while the DaemonSet is being rolled out."""
        configure(self.stack, log={"level": "debug"})
        daemon_set = "multus-daemonset" if self.lists_nodes else "multus-daemonset-fallback"
        self.stack.killed_at(f"{daemon_set} updating")
        self.stack.cancel().check()
        self._up()

    def adopt(self) -> None:
        """With the argument `adopt`, for one run."""
        self._up(plugin=self.plugin, nodes=self._listed(), adopt=True)
        self._up(adopt=None)

    def switch_method(self) -> None:
        """With the argument `handover`, as docs/helm.md says."""
        self._up(handover=True)
        self._up(method="helm")
        self._up(method="manifest", adopt=True)
        self._up(handover=None, adopt=None)

    def forget_node(self, name: str) -> None:
        """Out of the list, where it is in one, without a dial."""
        if self.lists_nodes:
            nodes = listed(self.site.cluster)
            self._up(nodes=[{**node, "gone": True} if node["name"] == name else node for node in nodes])
            self._up(nodes=[node for node in nodes if node["name"] != name])

    def _listed(self) -> list[dict[str, str]] | None:
        """The nodes that have joined."""
        there = self.site.kubectl("get", "nodes", "-o", "name").replace("node/", "").split()
        return [node for node in listed(self.site.cluster) if node["name"] in there] if self.lists_nodes else None

    def _up(self, *arguments: str, **settings: Any) -> None:
        configure(self.stack, **settings)
        self.stack.up(*arguments).check()
        self.site.await_served()


class OursUnlisted(Ours):
    """The same without SSH: the fallback's pods serve every node."""

    lists_nodes = False


class Upstream(Install):
    """Upstream's manifest, applied by hand."""

    arguments: tuple[str, ...] = ()
    missing: ClassVar = {
        "secret-deleted": "it has no Secret",
        "killed-midway": "`kubectl apply` is over in a moment",
        "method-switch": "it has one method",
        "adopt": "it takes nothing over",
    }

    def install(self) -> None:
        """`kubectl apply`."""
        self._apply(self.plugin)

    def change_argument(self) -> None:
        """By hand. Thick's daemon reads its ConfigMap when it starts."""
        self._apply(self.plugin, log_level=_OTHER_LEVEL)
        if self.plugin == "thick":
            self.site.restart_multus()

    def release(self, image: str | None) -> None:
        """By hand."""
        self._apply(self.plugin, image=image)

    def rotate(self) -> None:
        """A pod's token is void when its account is made anew."""
        self.site.kubectl("-n", SYSTEM, "delete", "serviceaccount", "multus")
        self._apply(self.plugin)
        self.site.restart_multus()

    def switch_plugin(self) -> None:
        """The other manifest over this one."""
        self._apply(self.other_plugin)
        self._apply(self.plugin)

    def remove(self) -> None:
        """`kubectl delete`."""
        objects = upstream.manifest(self.plugin, self.site.cluster.look, arguments=self.arguments)
        # Everybody's networks would go with their kind.
        self.site.delete([each for each in objects if each["kind"] != "CustomResourceDefinition"])
        self.site.await_no_multus()

    def _apply(self, plugin: str, **changes: Any) -> None:
        arguments = self.arguments if plugin == "thin" else ()
        self.site.apply(upstream.manifest(plugin, self.site.cluster.look, arguments=arguments, **changes))
        self.site.await_served()


class LikeRke2(Upstream):
    """The same with the flag that rke2-multus sets by default."""

    arguments = ("--cleanup-config-on-exit=true",)


class Chart(Install):
    """The chart of this project, by plain Helm."""

    missing: ClassVar = {"method-switch": "it is one method", "adopt": "Helm refuses what it has not made"}

    def __init__(self, site: Site, plugin: str) -> None:
        super().__init__(site, plugin)
        self._values = {"plugin": plugin, "crd.install": "false"}
        if site.cluster.look.balancer is None:
            self._values["apiServer.host"] = site.cluster.layout.api

    def install(self) -> None:
        """`helm install`."""
        self._helm("install")

    def change_argument(self) -> None:
        """Another value."""
        self._helm("upgrade", {"log.level": _OTHER_LEVEL})

    def release(self, image: str | None) -> None:
        """Another tag; the default is an empty one."""
        self._helm("upgrade", {"image.tag": image.rpartition(":")[2] if image else ""})

    def rotate(self) -> None:
        """Another rotation."""
        self._helm("upgrade", {"token.rotation": "2"})

    def lose_token(self) -> None:
        """Mended by the same `helm upgrade` again."""
        _void(self.site)
        self._helm("upgrade")
        self.site.restart_multus()

    def switch_plugin(self) -> None:
        """Another value."""
        self._helm("upgrade", {"plugin": self.other_plugin})
        self._helm("upgrade", {"plugin": self.plugin})

    def remove(self) -> None:
        """`helm uninstall`."""
        self._run("uninstall", *_RELEASE, "--wait")
        self.site.await_no_multus()

    def killed_midway(self) -> None:
        """Killed as soon as the DaemonSet has changed, and rolled back as Helm wants it."""
        before = self._generation()
        words = [str(word) for word in (self.site.cluster.helm, *self._words("upgrade", {"log.level": "debug"}))]
        with subprocess.Popen(words, env=self._environment, stdout=subprocess.DEVNULL) as upgrade:
            until(lambda: self._generation() != before, "the DaemonSet has changed", every=0.05)
            upgrade.send_signal(signal.SIGKILL)
        self._run("rollback", *_RELEASE, "--wait")
        self._helm("upgrade", {"log.level": "debug"})

    def _generation(self) -> int:
        with self.site.cluster.api as api:
            apps = client.AppsV1Api(api)
            found: Any = apps.read_namespaced_daemon_set("kube-multus-ds-fallback", SYSTEM)
        return int(found.metadata.generation)

    def _helm(self, command: str, values: Mapping[str, str] = MappingProxyType({})) -> None:
        self._run(*self._words(command, values))
        self.site.await_served()

    def _words(self, command: str, values: Mapping[str, str]) -> list[str]:
        # What was said before is said again, as people do who keep it in a file.
        self._values |= values
        file = _CHART / f"values-{self.site.cluster.look.name}.yaml"
        strings = ("token.rotation", "image.tag")
        said = [
            word
            for key, value in self._values.items()
            for word in ("--set-string" if key in strings else "--set", f"{key}={value}")
        ]
        return [command, *_RELEASE, str(_CHART), "--values", str(file), *said, "--wait"]

    def _run(self, *words: str) -> None:
        run([self.site.cluster.helm, *words], env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.site.cluster.kubeconfig)}


def _void(site: Site) -> None:
    """Delete the token's Secret; returns when the API server, which remembers tokens for a while, refuses the token."""
    name, token = site.token()
    site.kubectl("-n", SYSTEM, "delete", "secret", name)
    until(lambda: answer(site.cluster, token) == 401, "the token is void", every=0.5)


@dataclass(frozen=True)
class Column:
    """An install and its plugin, as the table has them.

    Attributes:
        name: how it is asked for.
        title: how it is written.
        kind: the install.
        plugin: `thin` or `thick`.
    """

    name: str
    title: str
    kind: type[Install]
    plugin: str


COLUMNS = {
    column.name: column
    for column in (
        Column("ours-thin", "ours, thin", Ours, "thin"),
        Column("ours-thick", "ours, thick", Ours, "thick"),
        Column("upstream-thin", "upstream's manifest, thin", Upstream, "thin"),
        Column("upstream-thick", "upstream's manifest, thick", Upstream, "thick"),
        Column("rke2-thin", "as rke2-multus, thin", LikeRke2, "thin"),
        Column("unlisted-thin", "ours without SSH, thin", OursUnlisted, "thin"),
        Column("unlisted-thick", "ours without SSH, thick", OursUnlisted, "thick"),
        Column("chart-thin", "our chart by Helm, thin", Chart, "thin"),
        Column("chart-thick", "our chart by Helm, thick", Chart, "thick"),
    )
}
