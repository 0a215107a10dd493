"""What a node says of itself when it is asked by the phase `diagnose` of the node program."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import pydantic
from pydantic.alias_generators import to_camel

from .node_codes import NodeCode


class _Fact(pydantic.BaseModel):
    """A part of a report."""

    model_config = pydantic.ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class NodeFinding(_Fact):
    """A finding of the node program's own checks. Its code says what it is; the words are for people.

    `value` is what the fix needs, such as a directory; node_codes.py says where there is one.
    """

    severity: Literal["error", "warning"]
    code: NodeCode
    where: str
    what: str
    fix: str
    value: str = ""


class Conf(_Fact):
    """A file that the runtime considers. Other networks' files may hold credentials, so no content is ever shown."""

    path: str
    rights: str = "-rw------- 0 0"
    content: str = pydantic.Field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its directory."""
        return self.path.rpartition("/")[2]

    @property
    def is_ours(self) -> bool:
        """Whether Multus' pods write a file of that name."""
        return self.name in ("00-multus.conf", "00-multus.conflist")

    @property
    def parsed(self) -> dict[str, Any] | None:
        """The file as JSON, or None where it is none."""
        try:
            value = json.loads(self.content)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    @property
    def plugin(self) -> dict[str, Any]:
        """The outermost plugin's configuration, empty where there is none."""
        conf = self.parsed or {}
        chained = conf.get("plugins")
        if not isinstance(chained, list):
            return conf
        first = chained[0] if chained else {}
        return first if isinstance(first, dict) else {}

    @property
    def network(self) -> str:
        """The network's name, empty where it has none."""
        return str((self.parsed or {}).get("name", ""))

    @property
    def runs_multus(self) -> bool:
        """Whether the runtime calls Multus for it."""
        return str(self.plugin.get("type", "")).startswith("multus")

    @property
    def delegate(self) -> str:
        """What Multus takes for the default network: its name or its file's, empty where it says none."""
        named = self.plugin.get("clusterNetwork")
        if isinstance(named, str) and named:
            return named
        delegates = self.plugin.get("delegates")
        first = delegates[0] if isinstance(delegates, list) and delegates else {}
        return str(first.get("name", "")) if isinstance(first, dict) else ""

    @property
    def delegates_to_multus(self) -> bool:
        """Whether Multus would call itself."""
        return '"type": "multus' in json.dumps(self.plugin.get("delegates", []))


class Kubeconfig(_Fact):
    """Multus' kubeconfig on the host. The token's signature never leaves the node."""

    path: str
    rights: str
    server: str
    authority: str
    claims: str
    proof: str
    answer: str = ""

    @property
    def token_claims(self) -> Mapping[str, Any]:
        """What the token says of itself; nothing here is trusted, the API server's answer is the proof."""
        return decoded_claims(self.claims)


class NamedPath(_Fact):
    """A path that a configuration names, and whether the host has it."""

    path: str
    there: bool


class Program(_Fact):
    """The binary that the runtime calls."""

    path: str
    rights: str
    runs: bool
    answer: str = ""


class Marker(_Fact):
    """Whose node this is."""

    owner: str
    node: str
    install: str


class Process(_Fact):
    """A process of Multus' pods."""

    pid: int
    name: str
    removes_on_exit: bool


class Facts(_Fact):
    """What is there.

    Attributes:
        planned_conf: the path of the configuration that the running pod of Multus has written, the newest of its
            plugin; empty where there is none.
        links: the node's links by all of their names; None where the node was not asked for them or cannot tell.
        network_files: the names of the networks in the directory in which Multus looks for a definition without a
            configuration; None where the node was not asked for them.
    """

    confs: tuple[Conf, ...] = ()
    named_kubeconfigs: tuple[NamedPath, ...] = ()
    kubeconfig: Kubeconfig | None = None
    program: Program | None = None
    plugins: tuple[str, ...] = ()
    marker: Marker | None = None
    processes: tuple[Process, ...] = ()
    stale_files: tuple[str, ...] = ()
    renamed_confs: tuple[str, ...] = ()
    leaked: tuple[str, ...] = ()
    dead_sandboxes: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    root_is_shared: bool = True
    daemon_answers: bool = False
    k3s_programs: tuple[str, ...] = ()
    runtime_config: str = ""
    cni_conf_dir: str = ""
    cni_bin_dirs: str = ""
    default_conf: str = ""
    default_network: str = ""
    cni_load_status: str = ""
    planned_conf: str = ""
    k3s_version: str = ""
    links: tuple[str, ...] | None = None
    network_files: tuple[str, ...] | None = None

    @property
    def ours(self) -> tuple[Conf, ...]:
        """The files that Multus' pods write."""
        return tuple(conf for conf in self.confs if conf.is_ours)


class NodeReport(_Fact):
    """One node's answer."""

    findings: tuple[NodeFinding, ...] = ()
    facts: Facts = Facts()


def decoded_claims(payload: str) -> Mapping[str, Any]:
    """The middle part of a JSON web token, empty where it is none."""
    text = re.sub(r"[^A-Za-z0-9_=-]", "", payload)
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return value if isinstance(value, dict) else {}
