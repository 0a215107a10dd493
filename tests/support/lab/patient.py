"""A cluster that doctor looks at, and a person at a terminal who types what it prints."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from kubernetes import client

from lab.commands import run
from lab.errors import LabError
from lab.node import Node
from lab.waiting import until
from multus_ops.doctor import examine as doctor
from multus_ops.doctor.findings import Finding
from multus_ops.stack import StackConfig
from tests.support.paths import ROOT

from .changes import NAMESPACE, configure
from .clusters import Lab, succeeded
from .node_images import load, with_shell
from .pods import NETWORK

WEB = "web"
# One look may take a minute on a busy machine.
_SECONDS = 240
# A look takes longer than this pause.
_MOMENT = 0.1


@dataclass
class Patient:
    """A lab, its stack as doctor reads it, and a folder of programs that stand before the machine's own."""

    lab: Lab
    folder: Path
    stack: StackConfig = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        cluster = self.lab.cluster
        known = self.folder / "known_hosts"
        known.write_text("".join(f"{node.address} {node.host_key}\n" for node in cluster.nodes))
        ssh = cluster.programs.path("ssh")
        options = f"-F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known}"
        shim = self.folder / "ssh"
        # Only what a person has in their own settings: the key, and that the hosts are known.
        shim.write_text(f'#!/bin/sh\nexec {ssh} {options} -i {cluster.ssh_key} "$@"\n')
        shim.chmod(0o755)
        self.reload()

    @property
    def node(self) -> Node:
        """Its first node."""
        return self.lab.cluster.nodes[0]

    @property
    def conf_dir(self) -> str:
        return str(self.lab.cluster.look.conf_dir)

    @property
    def bin_dir(self) -> str:
        return str(self.lab.cluster.look.bin_dir)

    @property
    def conf(self) -> str:
        """The path of the configuration that Multus' pod has written."""
        return self.node.run(["sh", "-c", f"ls {self.conf_dir}/00-multus.conf*"]).stdout.split()[0]

    @property
    def kubeconfig(self) -> str:
        return f"{self.conf_dir}/multus.d/multus.kubeconfig"

    def environment(self) -> dict[str, str]:
        """What a person's shell knows."""
        known = self.lab.stack.environment()
        built = self.lab.cluster.programs
        programs = {str(path.parent) for path in (self.lab.cluster.helm, built.path("kubectl"), built.path("pulumi"))}
        path = ":".join([str(self.folder), str(Path(sys.executable).parent), *sorted(programs), known["PATH"]])
        # There is nobody to answer the engine's question.
        return {
            **known,
            "PATH": path,
            "KUBECONFIG": str(self.lab.cluster.kubeconfig),
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            "KUBE_EDITOR": str(self._editor),
        }

    @property
    def _editor(self) -> Path:
        return self.folder / "editor"

    def will_write(self, key: str, value: Any) -> None:
        """What a person writes into the next object that an editor shows them, in the place of what it has."""
        text = shlex.quote(json.dumps({key: value})[1:-1])
        self._editor.write_text(f'#!/bin/sh\nsed -i "/^{key}:/d" "$1"\nprintf "%s\\n" {text} >> "$1"\n')
        self._editor.chmod(0o755)

    def up(self, **settings: Any) -> None:
        """Another configuration, applied."""
        configure(self.lab.stack, **settings)
        succeeded(self.lab.stack.up())
        self.reload()

    def reload(self) -> None:
        """Read the stack's configuration, as doctor does when it starts."""
        self.lab.stack.outputs()
        with mock.patch.dict(os.environ, self.environment()):
            self.stack = StackConfig.load(self.lab.stack.name, Path(), self.lab.stack.config_file)

    def examine(self) -> doctor.Report:
        """What doctor says."""
        return doctor.examine(self.stack, self.lab.pods.api)

    def named(self) -> dict[str, Finding]:
        """The troubles that doctor recognises, one finding of each."""
        return _by_symptom(self.examine().findings)

    def recognised(self, *names: str, besides: Sequence[str] = ()) -> dict[str, Finding]:
        """The same, once they are all of these and no others but those besides: events and restarts take a moment."""
        seen: dict[str, Finding] = {}
        said: list[Finding] = []

        def are_seen() -> bool:
            said[:] = self.examine().findings
            seen.clear()
            seen.update(_by_symptom(said))
            return set(names) <= set(seen) <= {*names, *besides}

        try:
            until(are_seen, f"doctor names {', '.join(names)} and nothing else", _SECONDS, every=_MOMENT)
        except LabError as error:
            raise AssertionError("\n".join([f"{error}; it says", *map(str, said)])) from error
        return seen

    def run_printed(self, *fixes: str) -> None:
        """Run commands as they stand there, the same one once."""
        for command in dict.fromkeys(line for fix in fixes for line in fix.splitlines()):
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
            if command.startswith("pulumi config"):
                self.reload()

    def assert_healthy(self) -> None:
        """Doctor comes to have nothing to say, once what it prints has been done about pods that a mend has killed."""
        last: list[Finding] = []

        def has_no_finding() -> bool:
            last[:] = self.examine().findings
            if all(each.symptom == "stale-files" for each in last):
                self.run_printed(*(each.fix for each in last))
            return not last

        try:
            until(has_no_finding, "doctor finds nothing", _SECONDS, every=_MOMENT)
        except LabError as error:
            raise AssertionError("\n".join(map(str, last))) from error

    def assert_pod_gets_net1(self) -> None:
        """A pod starts with both interfaces, and goes."""
        pods = self.lab.pods
        pods.create("well", node=self.node.name, network=NETWORK)
        assert pods.address("well", "net1").startswith("10.98.0.")
        assert pods.address("well", "eth0").startswith("10.42.")
        pods.delete("well")

    def load_plugins(self, *names: str) -> str:
        """An image with these plugins on the node; its name."""
        cluster = self.lab.cluster
        plugins = {f"/opt/cni/bin/{name}": cluster.programs.path(name) for name in names}
        tools = ("sh", "cp", "chmod", "ln", "rm")
        return load(with_shell("docker.io/library/cni-plugins:1", cluster, plugins, *tools), [self.node])

    def sh(self, script: str) -> None:
        """On the node, as root."""
        self.node.run(["sh", "-ec", script])

    def write(self, path: str, content: Any) -> None:
        """A file on the node."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.node.run(["tee", path], input=text)

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """A file on the node, in place and with its rights."""
        text = self.node.run(["cat", path]).stdout
        changed = change(text)
        assert changed != text
        self.node.run(["sh", "-c", f"cat > {path}"], input=changed)

    def edit_plugin(self, **changes: Any) -> None:
        """Multus' own configuration on the node; None takes a key away."""

        def change(text: str) -> str:
            conf = json.loads(text)
            plugin = conf["plugins"][0] if "plugins" in conf else conf
            plugin.update(changes)
            for key in [key for key, value in changes.items() if value is None]:
                del plugin[key]
            return json.dumps(conf)

        self.edit(self.conf, change)

    def kubectl(self, *words: str, stdin: str | None = None) -> None:
        """As the cluster's administrator."""
        program = self.lab.cluster.programs.path("kubectl")
        run([program, "--kubeconfig", self.lab.cluster.kubeconfig, *words], stdin=stdin)

    def patch_daemon_set(self, spec: dict[str, Any], name: str = "kube-multus-ds") -> None:
        """The pods' part of a DaemonSet, as somebody does by hand."""
        body = json.dumps({"spec": {"template": {"spec": spec}}})
        self.kubectl("-n", NAMESPACE, "patch", "daemonset", name, "-p", body)

    def ask_for_web(self, network: str = NETWORK, *, runs: bool = False) -> None:
        """A pod that wants a network."""
        self.lab.pods.ask(WEB, node=self.node.name, network=network)
        if runs:
            until(lambda: self.lab.pods.phase(WEB) == "Running", "the pod runs", every=0.25)

    def forget_web(self) -> None:
        """No such pod, whatever became of it."""
        core = client.CoreV1Api(self.lab.pods.api)
        if WEB in self.lab.pods.names():
            core.delete_namespaced_pod(WEB, "default", grace_period_seconds=1)
            until(lambda: WEB not in self.lab.pods.names(), "the pod is gone", every=0.25)

    def restart_multus(self) -> None:
        """Without waiting for the new pod."""
        for name in self.lab.pods.of_multus(self.node.name):
            client.CoreV1Api(self.lab.pods.api).delete_namespaced_pod(name, NAMESPACE)


def _by_symptom(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {found.symptom: found for found in findings if found.symptom}
