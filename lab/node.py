"""A node: a machine of its own as far as Kubernetes, SSH and a distro's file layout can tell."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath

from lab import balancer, image_store, network, prepare
from lab.cgroups import Cgroup
from lab.commands import run
from lab.containerd_config import containerd_config
from lab.disk import OWN, Disk, conflist
from lab.errors import LabError
from lab.grounds import TODAY, Ground
from lab.host import may_lower_oom_scores
from lab.images import PAUSE
from lab.layout import API_PORT, DNS_ADDRESS, POD_NETWORK, Layout, pods
from lab.looks import Look
from lab.pki import Authority, ssh_key
from lab.processes import PATH, Daemon
from lab.programs import CRI_TOOLS, Programs

_BIN = PurePosixPath("/run/multus-lab/bin")
# What containerd logs when CRI has recovered its sandboxes (1.6 and 2.x, Run of the CRI plugin).
_SERVES_CRI = b"Start streaming server"
_SSH_PORT = 22
_IN_ITS_PIDS = ("containerd", "kubelet", "kube-proxy", "sshd")
# What systemd gives to what is left when its units are gone would be 90 s.
_SECONDS_TO_END = 10
SUDOER = "labadmin"
"""A second login of every node, with the same key and `sudo -n`."""
_SUDOER_ID = 60000
_SUDOER_HOME = PurePosixPath("/var/lib", SUDOER)


@dataclass(frozen=True)
class Node:
    """Node lab-<number> of a lab with `count` nodes."""

    layout: Layout
    look: Look
    number: int
    count: int
    reference_plugins: bool = True
    ground: Ground = TODAY

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        return f"lab-{self.number}"

    @property
    def address(self) -> str:
        """The address at which the machine and the other nodes reach it."""
        return self.layout.node(self.number)

    @property
    def host_key(self) -> str:
        """Its SSH host key, as one line of an authorized_keys file."""
        kind, key, *_ = self._host_key.with_suffix(".pub").read_text().split()
        return f"{kind} {key}"

    @property
    def running(self) -> bool:
        """Whether all its processes run."""
        return all(daemon.pid for daemon in (self._init, *self._daemons))

    @property
    def powered(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._init.pid is not None

    def check(self) -> None:
        """Raise LabError, with the log, if one of its processes has ended."""
        for daemon in (self._init, *self._daemons):
            if daemon.pid is None:
                raise LabError(f"{daemon.name} has ended", daemon.log)

    @property
    def kubelet_log(self) -> Path:
        """What its kubelets have said since it was made."""
        return self._daemon("kubelet").log

    @property
    def booted_at(self) -> int:
        """When its kubelet was last started, in whole seconds of the clock."""
        return self._daemon("kubelet").started_at

    def run(
        self,
        command: Sequence[str | PurePath],
        *,
        input: str | bytes | None = None,  # noqa: A002  as subprocess.run calls it
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the node, as root."""
        return run(self.command(command), stdin=input, check=check)

    def command(self, command: Sequence[str | PurePath]) -> list[str]:
        """The machine's command that runs a command on the node."""
        return self._cgroup.child("daemons").entered_by(self._inside(command))

    def tree(self) -> dict[str, tuple[str, str]]:
        """Every file on the node's own disk: path to (mode, hash or link target)."""
        return self._disk.tree(self.look)

    def identify(self, authority: Authority) -> None:
        """Give the node its keys; they outlive its disk."""
        ssh_key(self._host_key, self.name)
        authority.issue(f"{self.name}-kubelet", f"system:node:{self.name}", ["system:nodes"], [self.name, self.address])

    def start(self, await_server: Callable[[], object] = lambda: None) -> None:
        """Boot it, installing it first on an empty disk; the kubelet is on its way when this returns.

        Args:
            await_server: returns when the API server answers. A kubelet that comes before goes on waiting for seconds.
        """
        if self._init.pid:
            return
        if not self._disk.installed:
            self.install()
        self._cgroup.make()
        self._cgroup.child("daemons").make()
        self._boot()
        control_plane = self._control_plane
        others = [n for n in range(1, self.count + 1) if n != self.number]
        network.wire_node(self.layout, control_plane, self._pid, self.number, others)
        self._start_daemons(await_server)

    def stop(self) -> None:
        """Pull the plug: every process dies at once, and with them its mounts and network; the disk stays."""
        self._cgroup.remove()

    def reboot(self) -> None:
        """Stop it and boot it again."""
        self.stop()
        self.start()

    def shut_down(self) -> None:
        """Stop it as systemd does: every process is asked to end, and whatever then still runs is killed."""
        # Only what is in its PID namespace hears it, but for the first process and the one that says it.
        self.run(["sh", "-c", "kill -TERM -1"], check=False)
        asked = [self._daemon(name) for name in _IN_ITS_PIDS]
        deadline = time.monotonic() + _SECONDS_TO_END
        while any(daemon.pid for daemon in asked) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.stop()

    def restart_runtime(self, number: int = signal.SIGTERM) -> None:
        """End containerd by that signal, and start it again; its pods go on meanwhile."""
        self._daemon("containerd").end(number)
        self._start_runtime()()

    def restart_kubelet(self) -> None:
        """End the kubelet, and start it again."""
        self._daemon("kubelet").end()
        self._start_kubelet()

    @contextmanager
    def without_services(self) -> Iterator[None]:
        """The node without kube-proxy and without the rules by which it serves Services' addresses."""
        self._daemon("kube-proxy").end(signal.SIGKILL)
        self.run(["iptables", "-w", "-t", "nat", "-F", "KUBE-SERVICES"])
        try:
            yield
        finally:
            self._start_proxy()

    def cut_off(self) -> None:
        """Pull its network cable."""
        network.plug(self.layout, self._control_plane, self.number, connected=False)

    def reconnect(self) -> None:
        """Put its network cable back."""
        network.plug(self.layout, self._control_plane, self.number, connected=True)

    def write(self, path: PurePosixPath, content: str | bytes, mode: int) -> None:
        """Write a file onto its disk, which it need not run for."""
        self._disk.write(path, content, mode)

    def wipe(self) -> None:
        """Stop it and erase its disk; the next start installs it again, with the same keys."""
        self.stop()
        self._disk.empty()

    @property
    def _disk(self) -> Disk:
        return Disk(self.layout.state / "nodes" / self.name)

    @property
    def _cgroup(self) -> Cgroup:
        return Cgroup(self.layout.cgroup).child(self.name)

    @property
    def _host_key(self) -> Path:
        return self.layout.state / "ssh" / f"{self.name}_host_ed25519_key"

    @property
    def _authority(self) -> Authority:
        return Authority(self.layout.state / "pki")

    @property
    def _init(self) -> Daemon:
        return self._daemon("init")

    @property
    def _pid(self) -> int:
        # `unshare` forks: a process cannot change its own PID namespace.
        pid = self._init.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if pid else []
        if not children:
            raise LabError(f"{self.name} is not running")
        return int(children[0])

    @property
    def _control_plane(self) -> int:
        pid = Daemon("control-plane", self.layout.state).pid
        if pid is None:
            raise LabError("the control plane is not running")
        return pid

    @property
    def _daemons(self) -> list[Daemon]:
        names = [*_IN_ITS_PIDS, *(["balancer"] if self.look.balancer else [])]
        return [self._daemon(name) for name in names]

    def _daemon(self, name: str) -> Daemon:
        return Daemon(f"{self.name}-{name}", self.layout.state)

    def _inside(self, command: Sequence[str | PurePath]) -> list[str]:
        enter = ["nsenter", "-t", str(self._pid), "-m", "-n", "-u", "-p", "--"]
        return [*enter, "env", "-C", "/", f"PATH={_BIN}:{PATH}", *(str(word) for word in command)]

    def _boot(self) -> None:
        program = [Path(__file__).with_name("node_init.sh"), self._disk.folder, self._program_folders, self.name]
        namespaces = ["--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc", "--propagation", "private"]
        started = len(self._init.log.read_text()) if self._init.log.exists() else 0
        self._init.start(
            ["unshare", *namespaces, "sh", *map(str, program)],
            self._cgroup.child("daemons"),
            ready=lambda: "ready\n" in self._init.log.read_text()[started:],
        )

    @property
    def _programs(self) -> Programs:
        return prepare.programs(self.ground)

    @property
    def _program_folders(self) -> str:
        """The built programs that a node runs, in the words of an overlay."""
        names = ("kubelet", *(name for build in self.ground.node_programs for name in build.programs))
        return ":".join(dict.fromkeys(str(self._programs.path(name).parent).replace(":", "\\:") for name in names))

    def _start_daemons(self, await_server: Callable[[], object]) -> None:
        sshd = self._daemon("sshd")
        runtime_serves = self._start_runtime()
        sshd_command = [str(self._programs.path("sshd")), "-D", "-e", "-f", str(OWN / "sshd_config")]
        self._spawn("sshd", sshd_command)
        if self.look.balancer:
            self._start_balancer(self.look.balancer)
        runtime_serves()
        await_server()
        self._start_kubelet()
        self._start_proxy()
        sshd.await_ready(lambda: sshd.listens(_SSH_PORT))

    def _start_runtime(self) -> Callable[[], None]:
        """Start containerd; what is returned waits until it serves."""
        containerd = self._daemon("containerd")
        logged = containerd.log.stat().st_size if containerd.log.exists() else 0
        self._spawn("containerd", ["containerd", "--config", self.look.containerd_config])
        ctr = ["ctr", "--address", str(self.look.containerd_socket)]

        def serves() -> None:
            containerd.await_ready(lambda: self.run([*ctr, "version"], check=False).returncode == 0)
            # After a reboot CRI recovers its sandboxes first, and refuses the kubelet, which then ends, until it has.
            containerd.await_ready(lambda: _SERVES_CRI in containerd.log.read_bytes()[logged:])

        return serves

    def _start_kubelet(self) -> None:
        self._spawn("kubelet", self._kubelet_command())

    def _start_proxy(self) -> None:
        # From 1.37 on it ends where its node registers more than 30 s after its own start; kubelets start it again.
        again = 'until "$@"; do echo "it ended with $?, and is started again"; sleep 1; done'
        self._spawn("kube-proxy", ["sh", "-c", again, "sh", "kube-proxy", "--config", str(OWN / "kube-proxy.yaml")])

    def _spawn(self, name: str, command: Sequence[str | PurePath]) -> None:
        self._daemon(name).spawn(self._inside(command), self._cgroup.child("daemons"))

    def _start_balancer(self, port: int) -> None:
        daemon = self._daemon("balancer")
        ports = dict.fromkeys([port, *([API_PORT] if self._is_server else [])])
        target = f"{self.layout.api}:{API_PORT}"
        listens = [f"127.0.0.1:{listen}" for listen in ports]
        # Only the network is the node's: Python may lie where the node has a disk of its own.
        enter = ["nsenter", "-t", str(self._pid), "-n", "--"]
        daemon.start(
            [*enter, sys.executable, str(balancer.__file__), target, *listens],
            self._cgroup.child("daemons"),
            ready=lambda: daemon.listens(port),
        )

    @property
    def _is_server(self) -> bool:
        return self.number == 1 and self.look.server_kubeconfig is not None

    def _kubelet_command(self) -> list[str]:
        own = {"--config": "kubelet.yaml", "--kubeconfig": "kubelet.kubeconfig"}
        files = [f"{flag}={OWN / name}" for flag, name in own.items()]
        kubelet = ["kubelet", *files, f"--hostname-override={self.name}", f"--node-ip={self.address}"]
        return [*_without(self.look.kubelet_lacks), *kubelet]

    def install(self) -> None:
        """Install it on its disk, which is erased; the next start does so by itself where nobody has."""
        disk, look = self._disk, self.look
        disk.empty()
        disk.format()
        self._install_network()
        disk.write(
            look.containerd_config,
            containerd_config(
                self.ground.containerd_config, look, PAUSE, restrict_oom_scores=not may_lower_oom_scores()
            ),
        )
        image_store.copy(image_store.made(self._programs), disk.at(look.containerd_root))
        disk.write(PurePosixPath("/etc/hostname"), f"{self.name}\n")
        # sudo looks its own host up, and the machine's resolver is out of reach.
        disk.write(PurePosixPath("/etc/hosts"), f"127.0.0.1 localhost\n::1 localhost\n{self.address} {self.name}\n")
        disk.at(PurePosixPath("/etc/kubernetes/manifests")).mkdir(parents=True, exist_ok=True)
        self._install_crictl()
        self._install_sshd()
        self._install_kubernetes()
        disk.seal()

    def _install_network(self) -> None:
        disk, look = self._disk, self.look
        disk.write(look.conf_dir / look.network_file, conflist(look, pods(self.number)))
        for plugin in look.plugins:
            disk.copy(self._programs.path(plugin), look.plugin_dir / plugin, 0o755)
        for path, target in look.links:
            disk.link(path, target)
        bin_dir = self._real(look.bin_dir)
        if bin_dir != look.plugin_dir:
            for plugin in look.plugins:
                disk.link(bin_dir / plugin, look.plugin_dir / plugin)
        for plugin in look.reference_plugins if self.reference_plugins else ():
            disk.copy(self._programs.path(plugin), bin_dir / plugin, 0o755)
        for folder in (look.conf_dir, look.bin_dir) if look.owner else ():
            os.chown(disk.at(folder), look.owner, -1)

    def _install_crictl(self) -> None:
        disk, look = self._disk, self.look
        for path in look.crictls if CRI_TOOLS in self.ground.node_programs else ():
            if look.crictl_config:
                disk.write(path, f'#!/bin/sh\nexec {_BIN}/crictl --config {look.crictl_config} "$@"\n', 0o755)
                disk.write(look.crictl_config, f"runtime-endpoint: unix://{look.containerd_socket}\n")
            else:
                disk.link(path, _BIN / "crictl")

    def _real(self, path: PurePosixPath) -> PurePosixPath:
        """A path of the look with the look's own links followed."""
        for link, target in self.look.links:
            if path.is_relative_to(link):
                return target / path.relative_to(link)
        return path

    def _install_sshd(self) -> None:
        disk = self._disk
        disk.copy(self._host_key, OWN / "ssh_host_ed25519_key", 0o600)
        disk.copy(self.layout.state / "ssh" / "id_ed25519.pub", OWN / "authorized_keys", 0o644)
        settings = {
            "Port": _SSH_PORT,
            "HostKey": OWN / "ssh_host_ed25519_key",
            "AuthorizedKeysFile": OWN / "authorized_keys",
            "PidFile": "none",
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "UsePAM": "no",
            "AllowUsers": f"root {SUDOER}",
            "PermitUserRC": "no",
            "UseDNS": "no",
            "SetEnv": f"PATH={PATH}",
            "Subsystem": "sftp internal-sftp",
        }
        disk.write(OWN / "sshd_config", "".join(f"{key} {value}\n" for key, value in settings.items()))
        # sshd lets nobody into a locked account, and the machine's root may be one.
        shadow = [line.split(":") for line in Path("/etc/shadow").read_text().splitlines()]
        text = "".join(":".join([f[0], "*" if f[0] == "root" else f[1], *f[2:]]) + "\n" for f in shadow)
        disk.write(PurePosixPath("/etc/shadow"), f"{text}{SUDOER}:*:1::::::\n", 0o600)
        passwd = Path("/etc/passwd").read_text()
        disk.write(
            PurePosixPath("/etc/passwd"), f"{passwd}{SUDOER}:x:{_SUDOER_ID}:{_SUDOER_ID}::{_SUDOER_HOME}:/bin/sh\n"
        )
        disk.at(_SUDOER_HOME).mkdir(parents=True, exist_ok=True)
        os.chown(disk.at(_SUDOER_HOME), _SUDOER_ID, _SUDOER_ID)
        disk.write(PurePosixPath("/etc/sudoers.d") / SUDOER, f"{SUDOER} ALL=(ALL) NOPASSWD: ALL\n", 0o440)

    def _install_kubernetes(self) -> None:
        disk, authority = self._disk, self._authority
        pair = authority.pair(f"{self.name}-kubelet")
        disk.copy(authority.certificate, OWN / "ca.crt", 0o644)
        disk.copy(pair.certificate, OWN / "kubelet.crt", 0o644)
        disk.copy(pair.key, OWN / "kubelet.key", 0o600)
        server = self.layout.api_server
        disk.write(OWN / "kubelet.kubeconfig", authority.kubeconfig(server, pair), 0o600)
        proxy = authority.kubeconfig(server, authority.pair("kube-proxy"))
        disk.write(OWN / "kube-proxy.kubeconfig", proxy, 0o600)
        disk.write(OWN / "kubelet.yaml", json.dumps(self._kubelet_config, indent=2))
        disk.write(OWN / "kube-proxy.yaml", json.dumps(self._proxy_config, indent=2))
        if self._is_server and self.look.server_kubeconfig:
            local = authority.kubeconfig(f"https://127.0.0.1:{API_PORT}", authority.pair("admin"))
            disk.write(self.look.server_kubeconfig, local, 0o600)

    @cached_property
    def _kubelet_config(self) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(OWN / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": self._cgroup.path,
            # Nobody answers there: it keeps the kubelet from warning about every pod.
            "clusterDNS": [DNS_ADDRESS],
            "containerRuntimeEndpoint": f"unix://{self.look.containerd_socket}",
            # The machine's disk is not the lab's to watch: no eviction, no image collection.
            "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            # cgroup v1 is what many a machine of a CI has.
            "failCgroupV1": False,
            "failSwapOn": False,
            "localStorageCapacityIsolation": False,
            # The machine's resolver may be one that only the machine can reach.
            "resolvConf": "",
            "staticPodPath": "/etc/kubernetes/manifests",
            "tlsCertFile": str(OWN / "kubelet.crt"),
            "tlsPrivateKeyFile": str(OWN / "kubelet.key"),
            # The default lies under /usr, which is the machine's.
            "volumePluginDir": "/var/lib/kubelet/volumeplugins",
        }

    @cached_property
    def _proxy_config(self) -> dict[str, object]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(OWN / "kube-proxy.kubeconfig")},
            "clusterCIDR": POD_NETWORK,
            "hostnameOverride": self.name,
            "mode": "iptables",
            # These are the machine's for all its namespaces.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }


def _without(directories: Sequence[PurePosixPath]) -> list[str]:
    """The words that start a program which sees nothing in these directories, and whose mounts all others see."""
    if not directories:
        return []
    # A mount goes where the mount below it is shared.
    hide = "; ".join(f"mount --make-private {path}; mount -t tmpfs -o ro none {path}" for path in directories)
    return ["unshare", "--mount", "--propagation", "unchanged", "sh", "-ec", f'{hide}; exec "$@"', "sh"]
