"""A node and a pod as CNI plugins meet them, and the calls that libcni makes of the plugins themselves."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import prepare

MASTER, CARD, BRIDGE = "up0", "card0", "br0"
INTERFACE = "net1"
# tmpfs, so that nothing of the machine's own is read or written.
_OWN = ("/var/lib", "/run", "/etc/cni")
_LINKS = f"""
ip link set lo up
ip link add {MASTER} type veth peer name up1
ip link set {MASTER} up
ip link set up1 up
ip route add default dev {MASTER}
"""
_CARD = f"ip link add {CARD} type veth peer name card1 && ip link set {CARD} up && ip link set card1 up"
_KINDS = {"vlan": "vlan id 7", "ipvlan": "ipvlan mode l2"}


class RefusedError(Exception):
    """A plugin has refused a call, with a message of its own."""

    def __init__(self, plugin: str, verb: str, said: str) -> None:
        self.verb = verb
        super().__init__(f"{plugin} {verb}: {said}")


@dataclass(frozen=True)
class Place:
    """Namespaces of a node or a pod, which live as long as a process in them."""

    process: subprocess.Popen[bytes]

    @property
    def netns(self) -> str:
        return f"/proc/{self.process.pid}/ns/net"

    @property
    def entered(self) -> list[str]:
        """The words before a command that runs there."""
        return ["nsenter", f"--net={self.netns}", f"--mount=/proc/{self.process.pid}/ns/mnt"]

    def run(self, *words: str, check: bool = True) -> str:
        done = subprocess.run([*self.entered, *words], check=check, capture_output=True, text=True)
        return done.stdout

    def files(self, folder: str) -> set[str]:
        """The names of the files below a folder of its own."""
        root = Path(f"/proc/{self.process.pid}/root{folder}")
        return {file.name for file in root.rglob("*") if file.is_file()}

    def has_link(self, name: str) -> bool:
        return bool(self.run("ip", "-o", "link", "show", "dev", name, check=False))


@contextmanager
def place(script: str = "") -> Iterator[Place]:
    """Namespaces in which a script has run."""
    words = ["unshare", "--net", "--mount", "sh", "-ec", f"{script}\necho there\nexec cat"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"there\n"
            yield Place(process)
        finally:
            process.stdin.close()


@dataclass(frozen=True)
class Machine:
    """A node with a pod on it.

    Attributes:
        node: has a link for others to stand on, and one that a pod may take.
        pod: has nothing.
        kinds: the kinds of links that the kernel can make, besides those of every kernel.
    """

    node: Place
    pod: Place
    kinds: tuple[str, ...]

    def call(self, verb: str, conf: Mapping[str, Any]) -> dict[str, Any]:
        """One call of one plugin; what it answers to ADD.

        Raises:
            RefusedError: the plugin has said no.
        """
        program = prepare.program(conf["type"])
        folders = {str(prepare.program(each).parent) for each in ("bridge", "tuning")}
        environment = {
            "CNI_COMMAND": verb,
            "CNI_CONTAINERID": "container",
            "CNI_NETNS": self.pod.netns,
            "CNI_IFNAME": INTERFACE,
            "CNI_PATH": ":".join(sorted(folders)),
            "PATH": os.environ["PATH"],
        }
        words = [*self.node.entered, str(program)]
        done = subprocess.run(words, input=json.dumps(conf), env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RefusedError(conf["type"], verb, done.stdout or done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout) if verb == "ADD" else {}
        return answer

    @contextmanager
    def attached(self, conf: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """A list of plugins as libcni runs it: ADD, around what the caller looks at, then CHECK; DEL in any case.

        Args:
            conf: the list.
            asked: what the pod asks for, by the capability that hands it over.
        """
        chain = [_alone(conf, plugin, asked) for plugin in conf["plugins"]]
        result: dict[str, Any] = {}
        try:
            for plugin in chain:
                result = self.call("ADD", {**plugin, **({"prevResult": result} if result else {})})
            yield result
            for plugin in chain:
                # bridge's own CHECK asks an IPAM plugin in any case: plugins v1.10.0, main/bridge/bridge.go, cmdCheck.
                if plugin.get("ipam") or plugin["type"] != "bridge":
                    self.call("CHECK", {**plugin, "prevResult": result})
        except RefusedError:
            for plugin in reversed(chain):
                with _whatever_it_says():
                    self.call("DEL", plugin)
            raise
        for plugin in reversed(chain):
            self.call("DEL", {**plugin, "prevResult": result})

    def cleared(self) -> None:
        """As it was; what a refused call has left goes."""
        if self.pod.has_link(INTERFACE):
            self.pod.run("ip", "link", "delete", INTERFACE)
        if self.node.has_link(BRIDGE):
            self.node.run("ip", "link", "delete", BRIDGE)
        if not self.node.has_link(CARD):
            self.node.run("sh", "-ec", _CARD)


def _alone(conf: Mapping[str, Any], plugin: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """One plugin of a list: libcni v1.3.1, libcni/api.go, buildOneConfig and injectRuntimeConfig."""
    capabilities = plugin.get("capabilities") or {}
    handed = {key: value for key, value in asked.items() if capabilities.get(key)}
    about = {"cniVersion": conf["cniVersion"], "name": conf["name"]}
    return {**plugin, **about, **({"runtimeConfig": handed} if handed else {})}


@contextmanager
def _whatever_it_says() -> Iterator[None]:
    try:
        yield
    except RefusedError:
        return


@contextmanager
def machine() -> Iterator[Machine]:
    """A node and a pod of their own."""
    own = "\n".join(f"[ ! -d {each} ] || mount -t tmpfs none {each}" for each in _OWN)
    with ExitStack() as both:
        node = both.enter_context(place(f"{own}\n{_LINKS}\n{_CARD}"))
        yield Machine(node, both.enter_context(place("ip link set lo up")), tuple(_made(node)))


def _made(node: Place) -> Iterator[str]:
    for kind, words in _KINDS.items():
        node.run("ip", "link", "add", "link", MASTER, "name", "tried0", "type", *words.split(), check=False)
        if node.has_link("tried0"):
            node.run("ip", "link", "delete", "tried0")
            yield kind
