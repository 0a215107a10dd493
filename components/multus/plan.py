"""Arguments become a frozen plan here, or every reason why they cannot. Pure: nothing is registered, read or run."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pydantic

from .args import Distro, LiveAttachments, Method, MultusComponentArgs
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

_MOVING_TAG = re.compile(r"^(latest|stable|snapshot|edge|main|master|nightly)(-.*)?\Z")
_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DNS_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")
_REPOSITORY = re.compile(r"^[a-z0-9][a-z0-9._-]*((:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+)?\Z")
_LOGIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")
_HOST_KEY = re.compile(r"^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?\s*\Z")
_SAFE_PATH = re.compile(r"^/[A-Za-z0-9._/+@-]+\Z")


class NodePlan(pydantic.BaseModel, frozen=True, arbitrary_types_allowed=True):
    """One node to reach over SSH. `host`, `private_key` and `host_key` may be Outputs, never looked into here.

    `path` is where the node stands in the arguments, for messages about what is known late.
    """

    path: str
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
    _refuse(problems_of(args))
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
        nodes=tuple(_node(f"nodes[{index}]", node) for index, node in enumerate(valid.get("nodes", ()))),
        rotation=valid.get("rotation", "1"),
        adopt=valid.get("adopt", False),
        live_attachments=valid.get("live_attachments", LiveAttachments.REFUSE),
        timeout_seconds=valid.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS),
    )


def problems_of(args: MultusComponentArgs | Mapping[str, Any]) -> list[Problem]:
    """Every reason why these arguments cannot work; empty when they can."""
    valid, problems = check(MultusComponentArgs, args)
    unfit = {problem.path for problem in problems}
    contradictions = [*_overall(valid), *_image(valid.get("image", {})), *_nodes(valid.get("nodes", ()))]
    return [*problems, *(problem for problem in contradictions if problem.path not in unfit)]


def known_host(path: str, host: str) -> str:
    """A node's host without brackets, for one that is known late.

    Raises:
        InvalidArgumentsError: where it is none.
    """
    _refuse(_host(path, host))
    return _unbracketed(host)


def known_private_key(path: str, key: str) -> str:
    """A node's SSH key, for one that is known late.

    Raises:
        InvalidArgumentsError: where it is none.
    """
    _refuse(_private_key(path, key))
    return key


def known_host_key(path: str, key: str) -> str:
    """A node's host key, for one that is known late.

    Raises:
        InvalidArgumentsError: where it is none.
    """
    _refuse(_host_key(path, key))
    return key


def _refuse(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise InvalidArgumentsError(found)


def _directory(path: str) -> str:
    return path.rstrip("/")


def _unbracketed(host: str) -> str:
    return host.strip("[]")


def _node(path: str, node: Mapping[str, Any]) -> NodePlan:
    host = node["host"]
    return NodePlan(
        path=path,
        name=node["name"],
        host=host if is_opaque(host) else _unbracketed(host),
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
    yield from _api_server(valid)
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
        if name is not None and not _DNS_SUBDOMAIN.match(name):
            yield Problem(
                f"image.pull_secrets[{index}]",
                f"{name!r} is not a Secret's name",
                "write lower-case letters, digits, dots and dashes",
            )


def _api_server(valid: Mapping[str, Any]) -> Iterator[Problem]:
    distro, api_server = valid.get("distro"), valid.get("api_server")
    if api_server is None and distro is not None and PROFILES[distro].api_server is None:
        yield Problem(
            "api_server",
            f"is missing, and {distro.value} has no address of its own that works before kube-proxy does",
            "write the control plane's URL, as `kubectl cluster-info` shows it",
        )
    elif isinstance(api_server, str):
        try:
            parse_server(api_server)
        except ValueError as error:
            yield Problem("api_server", str(error), "write https://HOST:PORT")


def _nodes(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    names = Counter(node["name"] for node in nodes if "name" in node)
    hosts = Counter(_address(node) for node in nodes)
    for index, node in enumerate(nodes):
        path = f"nodes[{index}]"
        name, host, port = node.get("name"), node.get("host"), node.get("port", 22)
        if name is not None and not _DNS_SUBDOMAIN.match(name):
            yield Problem(f"{path}.name", f"{name!r} is not a node's name", "write it as `kubectl get nodes` shows it")
        elif names[name] > 1:
            yield Problem(f"{path}.name", f"{name!r} is there {names[name]} times", "list every node once")
        if isinstance(host, str):
            yield from _host(f"{path}.host", host)
            if hosts[_address(node)] > 1:
                yield Problem(
                    f"{path}.host", f"{host!r} is listed for more than one node", "give every node a host of its own"
                )
        if not 1 <= port <= 65535:
            yield Problem(f"{path}.port", f"{port} is not a port", "write 1 to 65535")
        if not _LOGIN.match(node.get("user", "root")):
            yield Problem(
                f"{path}.user", f"{node['user']!r} is not a login name", "write it as `id -un` shows it on the host"
            )
        yield from _credentials(path, node)


def _address(node: Mapping[str, Any]) -> tuple[str, int] | None:
    """What no two nodes may share, where it is known."""
    host = node.get("host")
    return (_unbracketed(host), node.get("port", 22)) if isinstance(host, str) else None


def _credentials(path: str, node: Mapping[str, Any]) -> Iterator[Problem]:
    key, host_key = node.get("private_key"), node.get("host_key")
    ignored = node.get("insecure_ignore_host_key", False)
    if isinstance(key, str):
        yield from _private_key(f"{path}.private_key", key)
    if host_key is None and not ignored:
        yield Problem(
            f"{path}.host_key",
            "is missing",
            "write what `ssh-keyscan -t ed25519 HOST` shows after the name, once compared with the host itself",
        )
    elif host_key is not None and ignored:
        yield Problem(f"{path}.insecure_ignore_host_key", "is true although a host key is given", "keep one of the two")
    elif isinstance(host_key, str):
        yield from _host_key(f"{path}.host_key", host_key)


def _host(path: str, host: str) -> Iterator[Problem]:
    if not host or re.search(r"[\s/@]", host):
        yield Problem(
            path,
            f"{host!r} is not a host name or address",
            "write it alone, the user and the port have keys of their own",
        )


def _private_key(path: str, key: str) -> Iterator[Problem]:
    if "PRIVATE KEY-----" not in key:
        yield Problem(
            path,
            "is not a private SSH key",
            "give the content of the key file, which begins with '-----BEGIN'",
        )


def _host_key(path: str, key: str) -> Iterator[Problem]:
    if not _HOST_KEY.match(key):
        yield Problem(
            path, f"{key[:40]!r} is not a public key line", "write 'ssh-ed25519 AAAA...' without the host's name"
        )


def _is_host_directory(path: str) -> bool:
    return bool(_SAFE_PATH.match(path)) and ".." not in path.split("/") and path.rstrip("/") != ""
