"""Arguments become a frozen plan here, or every reason why they cannot. Pure: nothing is registered, read or run."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from .args import Distro, LiveAttachments, Method, MultusComponentArgs, NodeArgs
from .distros import PROFILES
from .errors import InvalidArgumentsError, Problem
from .server import parse_server
from .validation import check, is_opaque

DEFAULT_IMAGE = "ghcr.io/k8snetworkplumbingwg/multus-cni"
DEFAULT_TAG = "v4.3.0"
DEFAULT_NAMESPACE = "kube-system"
DEFAULT_TIMEOUT_SECONDS = 300
TIMEOUT_RANGE = (30, 3600)
PULL_POLICIES = ("IfNotPresent", "Always", "Never")

_MOVING_TAG = re.compile(r"^(latest|stable|snapshot|edge|main|master|nightly)(-.*)?$")
_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_DNS_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_REPOSITORY = re.compile(r"^[a-z0-9]([a-z0-9._-]*)(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$")
_LOGIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}$")
_HOST_KEY = re.compile(r"^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$")
_SAFE_PATH = re.compile(r"^/[A-Za-z0-9._/+@-]+$")


class NodePlan(pydantic.BaseModel, frozen=True, arbitrary_types_allowed=True):
    """One node to reach over SSH. `host`, `private_key` and `host_key` may be Outputs, never looked into here."""

    name: str
    host: Any
    port: int
    user: str
    private_key: Any = pydantic.Field(repr=False)
    host_key: Any


class InstallPlan(pydantic.BaseModel, frozen=True, arbitrary_types_allowed=True):
    """Everything that is decided about one install. `api_server` may be an Output."""

    distro: Distro
    namespace: str
    image: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    cni_conf_dir: str
    cni_bin_dir: str
    containerd_config: str
    api_server: Any
    nodes: tuple[NodePlan, ...]
    rotation: str
    adopt: bool
    live_attachments: LiveAttachments
    timeout_seconds: int

    @property
    def kubeconfig_path(self) -> str:
        """Where Multus' kubeconfig lies on the host, which is also what `00-multus.conf` names."""
        return posixpath.join(self.cni_conf_dir, "multus.d", "multus.kubeconfig")

    @property
    def token_secret(self) -> str:
        """The token Secret's name. A Secret made anew under an old name would revive the old token."""
        return f"multus-token-{self.rotation}"

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change whenever a node has to be checked again."""
        decided = self.model_dump(
            exclude={"nodes", "api_server", "adopt", "live_attachments", "timeout_seconds"}, mode="json"
        )
        return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:12]


def resolve(args: MultusComponentArgs | Mapping[str, Any]) -> InstallPlan:
    """Decide everything about an install.

    Raises:
        InvalidArgumentsError: with every problem found, in one go.
    """
    problems = problems_of(args)
    if problems:
        raise InvalidArgumentsError(problems)
    valid, _ = check(MultusComponentArgs, args)
    profile = PROFILES[valid["distro"]]
    image = valid.get("image", {})
    repository = image.get("repository", DEFAULT_IMAGE)
    return InstallPlan(
        distro=valid["distro"],
        namespace=valid.get("namespace", DEFAULT_NAMESPACE),
        image=f"{repository}@{image['digest']}"
        if "digest" in image
        else f"{repository}:{image.get('tag', DEFAULT_TAG)}",
        pull_policy=image.get("pull_policy", PULL_POLICIES[0]),
        pull_secrets=tuple(image.get("pull_secrets", ())),
        cni_conf_dir=_directory(valid.get("cni_conf_dir", profile.cni_conf_dir)),
        cni_bin_dir=_directory(valid.get("cni_bin_dir", profile.cni_bin_dir)),
        containerd_config=profile.containerd_config,
        api_server=valid.get("api_server", profile.api_server),
        nodes=tuple(_node(node) for node in valid.get("nodes", ())),
        rotation=valid.get("rotation", "1"),
        adopt=valid.get("adopt", False),
        live_attachments=valid.get("live_attachments", LiveAttachments.REFUSE),
        timeout_seconds=valid.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS),
    )


def problems_of(args: MultusComponentArgs | Mapping[str, Any]) -> list[Problem]:
    """Every reason why these arguments cannot work; empty when they can."""
    valid, problems = check(MultusComponentArgs, args)
    if problems:
        return problems
    return [*_overall(valid), *_image(valid.get("image", {})), *_nodes(valid.get("nodes", ()))]


def _directory(path: str) -> str:
    return path.rstrip("/")


def _node(node: Mapping[str, Any]) -> NodePlan:
    host = node["host"]
    return NodePlan(
        name=node["name"],
        host=host if is_opaque(host) else host.strip("[]"),
        port=node.get("port", 22),
        user=node.get("user", "root"),
        private_key=node["private_key"],
        host_key=node.get("host_key"),
    )


def _overall(valid: Mapping[str, Any]) -> Iterator[Problem]:
    if valid.get("method") is Method.HELM:
        yield Problem("method", "'helm' is not offered yet", "write 'manifest', which installs the same objects")
    if not _DNS_LABEL.match(valid.get("namespace", DEFAULT_NAMESPACE)):
        yield Problem(
            "namespace",
            f"{valid['namespace']!r} is not a namespace name",
            "write lower-case letters, digits and dashes",
        )
    for key in ("cni_conf_dir", "cni_bin_dir"):
        if key in valid and not _is_host_directory(valid[key]):
            yield Problem(
                key,
                f"{valid[key]!r} is not an absolute host path of plain characters",
                "write one such as '/etc/cni/net.d'",
            )
    api_server = valid.get("api_server", PROFILES[valid["distro"]].api_server)
    if api_server is None:
        yield Problem(
            "api_server",
            f"is missing, and {valid['distro'].value} has no address of its own that works before kube-proxy does",
            "write the control plane's URL, as `kubectl cluster-info` shows it",
        )
    elif not is_opaque(api_server):
        try:
            parse_server(api_server)
        except ValueError as error:
            yield Problem("api_server", str(error), "write https://HOST:PORT")
    if not _DNS_LABEL.match(valid.get("rotation", "1")):
        yield Problem(
            "rotation",
            f"{valid['rotation']!r} cannot be part of a Secret's name",
            "write lower-case letters, digits and dashes",
        )
    timeout = valid.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS)
    if not TIMEOUT_RANGE[0] <= timeout <= TIMEOUT_RANGE[1]:
        yield Problem(
            "timeout_seconds", f"{timeout} is out of range", f"write {TIMEOUT_RANGE[0]} to {TIMEOUT_RANGE[1]} seconds"
        )


def _image(image: Mapping[str, Any]) -> Iterator[Problem]:
    repository = image.get("repository", DEFAULT_IMAGE)
    if not _REPOSITORY.match(repository):
        yield Problem(
            "image.repository",
            f"{repository!r} is not an image name without a tag",
            f"write one such as {DEFAULT_IMAGE!r}",
        )
    tag = image.get("tag", DEFAULT_TAG)
    if not _TAG.match(tag):
        yield Problem("image.tag", f"{tag!r} is not a tag", f"write one such as {DEFAULT_TAG!r}")
    elif _MOVING_TAG.match(tag) and "digest" not in image:
        yield Problem(
            "image.tag",
            f"{tag!r} moves, so that nodes would run different versions",
            f"write a release such as {DEFAULT_TAG!r}",
        )
    if "digest" in image and not _DIGEST.match(image["digest"]):
        yield Problem("image.digest", f"{image['digest']!r} is not a digest", "write 'sha256:' and 64 hex digits")
    if image.get("pull_policy", PULL_POLICIES[0]) not in PULL_POLICIES:
        yield Problem(
            "image.pull_policy",
            f"{image['pull_policy']!r} is no pull policy",
            f"write one of {', '.join(PULL_POLICIES)}",
        )
    for index, name in enumerate(image.get("pull_secrets", ())):
        if not _DNS_SUBDOMAIN.match(name):
            yield Problem(
                f"image.pull_secrets[{index}]",
                f"{name!r} is not a Secret's name",
                "write lower-case letters, digits, dots and dashes",
            )


def _nodes(nodes: list[NodeArgs] | tuple[NodeArgs, ...]) -> Iterator[Problem]:
    names = Counter(node["name"] for node in nodes)
    hosts = Counter((node["host"], node.get("port", 22)) for node in nodes if not is_opaque(node["host"]))
    for index, node in enumerate(nodes):
        path = f"nodes[{index}]"
        if not _DNS_SUBDOMAIN.match(node["name"]):
            yield Problem(
                f"{path}.name", f"{node['name']!r} is not a node's name", "write it as `kubectl get nodes` shows it"
            )
        elif names[node["name"]] > 1:
            yield Problem(
                f"{path}.name", f"{node['name']!r} is there {names[node['name']]} times", "list every node once"
            )
        host = node["host"]
        if isinstance(host, str):
            if not host or re.search(r"[\s/@]", host):
                yield Problem(
                    f"{path}.host",
                    f"{host!r} is not a host name or address",
                    "write it alone, the user and the port have keys of their own",
                )
            elif hosts[(host, node.get("port", 22))] > 1:
                yield Problem(
                    f"{path}.host", f"{host!r} is listed for more than one node", "give every node a host of its own"
                )
        if not 1 <= node.get("port", 22) <= 65535:
            yield Problem(f"{path}.port", f"{node['port']} is not a port", "write 1 to 65535")
        if not _LOGIN.match(node.get("user", "root")):
            yield Problem(
                f"{path}.user", f"{node['user']!r} is not a login name", "write it as `id -un` shows it on the host"
            )
        yield from _credentials(path, node)


def _credentials(path: str, node: NodeArgs) -> Iterator[Problem]:
    key = node["private_key"]
    if isinstance(key, str) and "PRIVATE KEY-----" not in key:
        yield Problem(
            f"{path}.private_key",
            "is not a private SSH key",
            "give the content of the key file, which begins with '-----BEGIN'",
        )
    host_key, ignored = node.get("host_key"), node.get("insecure_ignore_host_key", False)
    if host_key is None and not ignored:
        yield Problem(
            f"{path}.host_key",
            "is missing",
            "write what `ssh-keyscan -t ed25519 HOST` shows after the name, once compared with the host itself",
        )
    elif host_key is not None and ignored:
        yield Problem(f"{path}.insecure_ignore_host_key", "is true although a host key is given", "keep one of the two")
    elif isinstance(host_key, str) and not _HOST_KEY.match(host_key):
        yield Problem(
            f"{path}.host_key",
            f"{host_key[:40]!r} is not a public key line",
            "write 'ssh-ed25519 AAAA...' without the host's name",
        )


def _is_host_directory(path: str) -> bool:
    return bool(_SAFE_PATH.match(path)) and ".." not in path.split("/") and path.rstrip("/") != ""
