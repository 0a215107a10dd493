"""Image references: put together, and refused where nodes would run something else than what was meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .args import Plugin
from .errors import Problem

DEFAULT_REPOSITORY = "ghcr.io/k8snetworkplumbingwg/multus-cni"
DEFAULT_TAGS = {Plugin.THIN: "v4.3.0", Plugin.THICK: "v4.3.0-thick"}
PULL_POLICIES = ("IfNotPresent", "Always", "Never")

# Before these, thin takes its own configuration for the default network, and thick has no installer.
_OLDEST = {Plugin.THIN: (4, 1, 0), Plugin.THICK: (4, 2, 3)}

_MOVING_TAG = re.compile(r"^(latest|stable|snapshot|edge|main|master|nightly)(-.*)?\Z")
_RELEASE_TAG = re.compile(r"^v(\d+)\.(\d+)\.(\d+)(-thick)?\Z")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")
_REPOSITORY = re.compile(r"^[a-z0-9][a-z0-9._-]*((:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+)?\Z")
_REGISTRY = re.compile(r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*\Z")
_DNS_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")


def reference(image: Mapping[str, Any], plugin: Plugin) -> str:
    """What the container runtime pulls."""
    repository = image.get("repository", DEFAULT_REPOSITORY)
    if "registry" in image:
        repository = f"{image['registry']}/{_without_registry(repository)}"
    if "digest" in image:
        return f"{repository}@{image['digest']}"
    return f"{repository}:{image.get('tag', DEFAULT_TAGS[plugin])}"


def release(image: Mapping[str, Any], plugin: Plugin) -> tuple[int, ...] | None:
    """Multus' version as its tag says it, where the tag decides and is one of upstream's."""
    match = None if "digest" in image else _RELEASE_TAG.match(image.get("tag", DEFAULT_TAGS[plugin]))
    return tuple(int(part) for part in match.groups()[:3]) if match else None


def problems(image: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    """Why the image cannot be taken."""
    if "repository" in image and not _REPOSITORY.match(image["repository"]):
        yield Problem(
            "image.repository",
            f"{image['repository']!r} is not an image name without a tag",
            f"write one such as {DEFAULT_REPOSITORY!r}",
        )
    if "registry" in image and not _REGISTRY.match(image["registry"]):
        yield Problem(
            "image.registry",
            f"{image['registry']!r} is not a registry's name",
            "write one such as 'registry.example:5000'",
        )
    yield from _tag_problems(image, plugin)
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


def moves(text: str) -> bool:
    """Whether a whole reference may be another image tomorrow."""
    name, _, digest = text.partition("@")
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    return not digest and (not tag or bool(_MOVING_TAG.match(tag)))


def reference_problems(path: str, text: str) -> Iterator[Problem]:
    """Why a whole reference, which a user gave, cannot be taken."""
    name, _, digest = text.partition("@")
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    if not _REPOSITORY.match(repository) or (digest and not _DIGEST.match(digest)) or (tag and not _TAG.match(tag)):
        yield Problem(path, f"{text!r} is not an image", "write 'repository:tag' or 'repository@sha256:...'")
    elif moves(text):
        yield Problem(
            path, f"{text!r} moves, so that nodes would get different versions", "write a fixed tag or a digest"
        )


def _tag_problems(image: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    default = DEFAULT_TAGS[plugin]
    tag = image.get("tag", default)
    version = release(image, plugin)
    if not _TAG.match(tag):
        yield Problem("image.tag", f"{tag!r} is not a tag", f"write one such as {default!r}")
    elif "digest" in image:
        return
    elif _MOVING_TAG.match(tag):
        yield Problem(
            "image.tag",
            f"{tag!r} moves, so that nodes would run different versions",
            f"write a release such as {default!r}",
        )
    elif version is not None and version < _OLDEST[plugin]:
        oldest = ".".join(map(str, _OLDEST[plugin]))
        yield Problem(
            "image.tag", f"{tag!r} is older than v{oldest}, the first that this installs", f"write {default!r}"
        )
    elif version is not None and tag.endswith("-thick") is not (plugin is Plugin.THICK) and _is_upstreams(image):
        yield Problem("image.tag", f"{tag!r} is not upstream's {plugin.value} image", f"write {default!r}")


def _is_upstreams(image: Mapping[str, Any]) -> bool:
    repository: str = image.get("repository", DEFAULT_REPOSITORY)
    return repository.endswith("k8snetworkplumbingwg/multus-cni")


def _without_registry(repository: str) -> str:
    first, _, rest = repository.partition("/")
    return rest if rest and ("." in first or ":" in first or first == "localhost") else repository
