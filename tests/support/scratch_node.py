"""A node's file tree in a scratch directory, and node.sh run against it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from multus.defaults import DEFAULT_NAMESPACE
from multus.multus_conf import waiting_conf
from multus.node_program import STATE_DIR, program_text
from multus.node_steps import guard_without_program
from multus.plan import resolve
from multus_ops.node_program import program_for_people
from tests.support.arguments import UID, vanilla
from tests.support.expected_kubeconfig import expected_kubeconfig
from tests.support.fake_api_server import ApiServer

CONF_DIR = "/etc/cni/net.d"
BIN_DIR = "/opt/cni/bin"
CONTAINERD_CONFIG = "/etc/containerd/config.toml"
CONTAINERD = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{BIN_DIR}"
  conf_dir = "{CONF_DIR}"
"""
TOKEN_SECRET = "multus-token-1"  # its name
OWNER = "multus/test/multus"
INSTALL = UID  # as the ServiceAccount of the recorded registrations has it

FLANNEL = {
    "name": "cbr0",
    "cniVersion": "1.0.0",
    "plugins": [{"type": "flannel", "delegate": {"isDefaultGateway": True}}, {"type": "portmap"}],
}

# busybox' shell runs its own tools, whatever is on PATH; dash takes those of the machine.
only_dash = pytest.mark.parametrize("shell", ["dash"], indirect=True)
only_busybox = pytest.mark.parametrize("shell", ["busybox"], indirect=True)

# A second would be too long to wait in a test; everything else is the program as it is.
_SHORT_SLEEP = "sleep() { /bin/sleep 0.01; }"


def token_of(secret: str = TOKEN_SECRET, namespace: str = DEFAULT_NAMESPACE) -> str:
    """A token as the control plane makes it, but for its signature."""
    claims = {
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": namespace,
        "kubernetes.io/serviceaccount/secret.name": secret,
        "kubernetes.io/serviceaccount/service-account.name": "multus",
    }
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "bWFkZS11cA"])


@dataclass(frozen=True)
class Result:
    """How a phase ended."""

    status: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.status == 0


@dataclass
class Node:
    """A node.

    Attributes:
        root: its root directory.
        shell: the shell that runs node.sh.
        path: the PATH that node.sh gets.
        api: the API server that it reaches.
        said: everything that any phase has printed.
    """

    root: Path
    shell: list[str]
    path: str
    api: ApiServer
    said: list[str] = field(default_factory=list)
    owner: str = OWNER
    name: str = "node-1"
    install: str = INSTALL

    def at(self, path: str) -> Path:
        """A path on the node, as the machine sees it."""
        return self.root / path.lstrip("/")

    @property
    def conf(self) -> Path:
        return self.at(CONF_DIR)

    @property
    def kubeconfig(self) -> Path:
        return self.conf / "multus.d" / "multus.kubeconfig"

    @property
    def binary(self) -> Path:
        return self.at(BIN_DIR) / "multus"

    @property
    def socket(self) -> Path:
        return self.at("/run/multus/multus.sock")

    @property
    def state(self) -> Path:
        return self.at(STATE_DIR)

    @property
    def cache(self) -> Path:
        return self.at("/var/lib/cni/multus")

    @property
    def content(self) -> str:
        """The kubeconfig that belongs here."""
        return expected_kubeconfig(f"https://127.0.0.1:{self.api.port}", self.ca, self.api.token)

    @property
    def ca(self) -> str:
        """The authority as a token's Secret carries it."""
        return base64.b64encode(self.api.ca.encode()).decode()

    @property
    def to_provision(self) -> dict[str, str]:
        """The options of that phase that say whom the node is to believe."""
        return {"install": self.install, "server": f"https://127.0.0.1:{self.api.port}", "ca": self.ca}

    def deliver(self) -> None:
        """What the first remote command does before it runs the program."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        (self.state / "node.sh").write_text(program_text(), encoding="utf-8")

    def flags(self, **options: Any) -> list[str]:
        """The words after a phase."""
        words: dict[str, Any] = {
            "root": self.root,
            "conf_dir": CONF_DIR,
            "bin_dir": BIN_DIR,
            "runtime_file": CONTAINERD_CONFIG,
            "namespace": DEFAULT_NAMESPACE,
            "stack_marker": "multus-install",
            "token_secret": TOKEN_SECRET,
            "owner": self.owner,
            "node": self.name,
            "plan": "0123456789ab",
            **options,
        }
        return [part for key, value in words.items() for part in (f"--{key.replace('_', '-')}", str(value))]

    def command(self, phase: str, **options: Any) -> list[str]:
        """The words that run a phase."""
        program = [f'{_SHORT_SLEEP}; . "$0"', str(self.state / "node.sh")]
        return [*self.shell, "-c", *program, phase, *self.flags(**options)]

    def people(self, phase: str, **options: Any) -> Result:
        """Run a phase as people do: the program comes over standard input and is not written anywhere."""
        program = f"{_SHORT_SLEEP}\n{program_for_people()}"
        return self._result([*self.shell, "-s", "--", phase, *self.flags(**options)], program)

    def diagnose(self, **options: Any) -> dict[str, Any]:
        """What the node says of itself."""
        server = f"https://127.0.0.1:{self.api.port}"
        result = self.people("diagnose", **{"server": server, **options})
        assert result.ok, result.err
        document: dict[str, Any] = json.loads(result.out)
        return document

    def start(self, phase: str, **options: Any) -> subprocess.Popen[str]:
        """A phase in the background."""
        self.deliver()
        # A test run under nohup ignores SIGHUP, and no shell can trap what was ignored when it started.
        trappable = [shutil.which("env") or "env", "--default-signal=HUP,INT,TERM"]
        return subprocess.Popen(
            [*trappable, *self.command(phase, **options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": self.path},
            start_new_session=True,
        )

    def run(self, phase: str, *, stdin: str = "", deliver: bool = True, **options: Any) -> Result:
        """Run a phase to its end."""
        if deliver:
            self.deliver()
        return self._result(self.command(phase, **options), stdin)

    def _result(self, command: list[str], stdin: str) -> Result:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            env={"PATH": self.path},
            timeout=60,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        return Result(done.returncode, done.stdout, done.stderr)

    def delete(self, phase: str, **options: Any) -> Result:
        """Run a phase as the delete of a remote command does: the program may be gone already."""
        guard = guard_without_program(str(self.conf)).replace(STATE_DIR, str(self.state))
        command = [*self.shell, "-c", f"{guard}; exit 9"]
        guarded = subprocess.run(command, capture_output=True, text=True, check=False)
        if guarded.returncode != 9:
            return Result(guarded.returncode, guarded.stdout, guarded.stderr)
        return self.run(phase, deliver=False, **options)

    def preflight(self, **options: Any) -> Result:
        server = f"https://127.0.0.1:{self.api.port}"
        return self.run("preflight", **{"server": server, "adopt": "false", **options})

    def provision(self, token: str | None = None, **options: Any) -> Result:
        stdin = self.api.token if token is None else token
        return self.run("provision", stdin=stdin, **{**self.to_provision, **options})

    def verify(self, **options: Any) -> Result:
        return self.run("verify", install=self.install, **{"seconds": 3, **options})

    def disarm(self, live: str = "refuse", **options: Any) -> Result:
        return self.run("disarm", install=self.install, live_attachments=live, **options)

    def clean(self, **options: Any) -> Result:
        return self.run("clean", **{"install": self.install, **options})

    def install_multus(self) -> None:
        """What `up` does on a node, the pod's part included."""
        for done in (self.preflight(), self.provision()):
            assert done.ok, done.err
        self.pod_installs()
        assert self.verify().ok

    def joins(self, plugin: str = "thin") -> Path:
        """What the machine's user data has put there before anything ran; returns its file."""
        plan = resolve({**vanilla(), "plugin": plugin, "conf": {"network_name": "cbr0"}})
        name, content = waiting_conf(plan)
        (self.conf / name).write_text(content, encoding="utf-8")
        return self.conf / name

    def pod_installs(self, name: str = "00-multus.conflist", **changes: Any) -> None:
        """What the Multus pod does when it starts: the plugin first, the configuration last."""
        self.install_binary()
        plugin = {
            "type": "multus",
            "capabilities": {"portMappings": True},
            "cniDir": "/var/lib/cni/multus",
            "kubeconfig": f"{CONF_DIR}/multus.d/multus.kubeconfig",
            "delegates": [FLANNEL],
            **changes,
        }
        content = {"cniVersion": "1.0.0", "name": "cbr0", "plugins": [plugin]}
        (self.conf / name).write_text(json.dumps(content), encoding="utf-8")

    def thick_pod_installs(self, **changes: Any) -> None:
        """What the thick Multus pod does when it starts; its daemon is tests.support.fake_daemon's."""
        self.install_binary()
        for name in ("multus-shim", "passthru"):
            shutil.copy(self.binary, self.at(BIN_DIR) / name)
        content = {
            "capabilities": {"portMappings": True},
            "cniVersion": "1.0.0",
            "name": "cbr0",
            "clusterNetwork": "/host/etc/cni/net.d/10-flannel.conflist",
            "type": "multus-shim",
            **changes,
        }
        written = self.conf / "00-multus.conf"
        written.write_text(json.dumps(content), encoding="utf-8")
        written.chmod(0o600)

    def runtime_says(
        self, status: str, *types: str, conf_dir: str = CONF_DIR, bin_dirs: Sequence[str] = (), refusal: str = ""
    ) -> None:
        """Let crictl answer: how loading went, which types are loaded, the directories, why it is not ready."""
        networks = [{"Config": {"Name": "cbr0", "Plugins": [{"Network": {"type": each}}]}} for each in types]
        config = {"PluginDirs": [*bin_dirs] or [BIN_DIR], "PluginConfDir": conf_dir, "Networks": networks}
        conditions = [
            {"message": "", "reason": "", "status": True, "type": "RuntimeReady"},
            {"message": refusal, "reason": "", "status": not refusal, "type": "NetworkReady"},
        ]
        said = {"status": {"conditions": conditions}, "lastCNILoadStatus": status, "cniconfig": config}
        answer = json.dumps(said)
        self.runtime_answers(answer)

    def runtime_answers(self, answer: str) -> None:
        """Let crictl print this."""
        (self.root.parent / "crictl.json").write_text(answer, encoding="utf-8")

    def runtime_is_silent(self, times: int, words: str) -> None:
        """Let crictl give up so many times with these words, before it answers."""
        asked, answer = self.root.parent / "asked", self.root.parent / "crictl.json"
        silent = f"echo x >>{asked}; [ $(wc -l <{asked}) -gt {times} ] || {{ echo '{words}' >&2; exit 1; }}"
        self.add_tool("crictl", f"{silent}; cat {answer}")

    def add_tool(self, name: str, script: str) -> None:
        """A program that comes first on the node's PATH."""
        tool = self.root.parent / "shims" / name
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)

    def install_binary(self) -> None:
        """A plugin that records how it was called, and forgets the sandbox as Multus does."""
        record = self.root.parent / "plugin.log"
        self.binary.write_text(
            '#!/bin/sh\n[ "$CNI_COMMAND" != VERSION ] || exit 0\n'
            f'printf "%s %s %s %s " "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_IFNAME" "$CNI_NETNS" >>{record}\n'
            f"cat >>{record}\necho >>{record}\n"
            f'rm -f "{self.cache}/$CNI_CONTAINERID" "{self.cache}"/results/*-"$CNI_CONTAINERID"-*\n',
            encoding="utf-8",
        )
        self.binary.chmod(0o755)

    @property
    def plugin_calls(self) -> list[tuple[list[str], dict[str, Any]]]:
        """How the plugin was called: command, container id and interface; and its configuration."""
        record = self.root.parent / "plugin.log"
        calls = []
        for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
            words, brace, rest = line.partition("{")
            calls.append((words.split(), json.loads(brace + rest)))
        return calls

    def add_sandbox(self, container_id: str, pod: str, *interfaces: str, alive: bool) -> None:
        """What Multus and its CNI library have cached about a pod's sandbox."""
        netns = f"/var/run/netns/cni-{container_id}"
        if alive:
            self.at(netns).parent.mkdir(parents=True, exist_ok=True)
            self.at(netns).touch()
        results = self.cache / "results"
        results.mkdir(parents=True, exist_ok=True)
        (self.cache / container_id).write_text(json.dumps([FLANNEL, {"name": "other"}]), encoding="utf-8")
        for interface in ("eth0", *interfaces):
            network = "cbr0" if interface == "eth0" else "macvlan-conf"
            cached = {
                "kind": "cniCacheV1",
                "containerId": container_id,
                "config": base64.b64encode(json.dumps(FLANNEL).encode()).decode(),
                "ifName": interface,
                "networkName": network,
                "netns": netns,
                "cniArgs": [["IgnoreUnknown", "true"], ["K8S_POD_NAMESPACE", "default"], ["K8S_POD_NAME", pod]],
                "result": {
                    "cniVersion": "1.0.0",
                    "interfaces": [
                        {"name": "cni0", "mac": "0a:58:0a:2a:00:01"},
                        {"name": interface, "mac": "0a:58:0a:2a:00:05", "sandbox": netns},
                    ],
                    "ips": [{"address": "10.42.0.5/24", "gateway": "10.42.0.1", "interface": 1}],
                },
            }
            (results / f"{network}-{container_id}-{interface}").write_text(json.dumps(cached), encoding="utf-8")

    def tree(self) -> dict[str, tuple[str, int, str]]:
        """Everything on the node: mode, owner and content by path."""
        found = {}
        for directory, directories, files in os.walk(self.root):
            for name in [*directories, *files]:
                path = Path(directory) / name
                status = path.lstat()
                content = ""
                if path.is_file():
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path.relative_to(self.root))] = (stat.filemode(status.st_mode), status.st_uid, content)
        return found
