"""Image references: put together, and refused where nodes would run something else than what was meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import formats
from .args import Plugin
from .errors import Problem

DEFAULT_REPOSITORY = "ghcr.io/k8snetworkplumbingwg/multus-cni"
DEFAULT_TAGS = {Plugin.THIN: "v4.3.0", Plugin.THICK: "v4.3.0-thick"}
PULL_POLICIES = ("IfNotPresent", "Always", "Never")

# Before these, thin takes its own configuration for the default network, and thick has no installer.
OLDEST_RELEASE = {Plugin.THIN: (4, 1, 0), Plugin.THICK: (4, 2, 3)}

# From here on Multus asks for the claims of pods that have any: upstream's pkg/draclient (multus-cni#1492).
CLAIMS_SINCE = (4, 3, 1)


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
    tag = image.get("tag", DEFAULT_TAGS[plugin])
    if "digest" in image or not formats.RELEASE_TAG.matches(tag):
        return None
    return tuple(int(part) for part in tag.removeprefix("v").removesuffix("-thick").split("."))


def reads_claims(image: Mapping[str, Any], plugin: Plugin) -> bool:
    """Whether this Multus, or one of which nothing is known, reads claims of devices."""
    version = release(image, plugin)
    return version is None or version >= CLAIMS_SINCE


def problems(image: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    """Why the image cannot be taken."""
    if "repository" in image and not formats.REPOSITORY.matches(image["repository"]):
        yield Problem(
            "image.repository",
            f"{image['repository']!r} is not an image name without a tag",
            f"write one such as {DEFAULT_REPOSITORY!r}",
        )
    if "registry" in image and not formats.REGISTRY.matches(image["registry"]):
        yield Problem(
            "image.registry",
            f"{image['registry']!r} is not a registry's name",
            "write one such as 'registry.example:5000'",
        )
    yield from _tag_problems(image, plugin)
    if "digest" in image and not formats.DIGEST.matches(image["digest"]):
        yield Problem("image.digest", f"{image['digest']!r} is not a digest", "write 'sha256:' and 64 hex digits")
    if image.get("pull_policy", PULL_POLICIES[0]) not in PULL_POLICIES:
        yield Problem(
            "image.pull_policy",
            f"{image['pull_policy']!r} is no pull policy",
            f"write one of {', '.join(PULL_POLICIES)}",
        )
    for index, name in enumerate(image.get("pull_secrets", ())):
        if name is not None and not formats.DNS_SUBDOMAIN.matches(name):
            yield Problem(
                f"image.pull_secrets[{index}]",
                f"{name!r} is not a Secret's name",
                "write lower-case letters, digits, dots and dashes",
            )


def moves(text: str) -> bool:
    """Whether a whole reference may be another image tomorrow."""
    name, _, digest = text.partition("@")
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    return not digest and (not tag or formats.MOVING_TAG.matches(tag))


def reference_problems(path: str, text: str) -> Iterator[Problem]:
    """Why a whole reference, which a user gave, cannot be taken; `path` is its argument, `reference_plugins.image`."""
    name, _, digest = text.partition("@")
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    if (
        not formats.REPOSITORY.matches(repository)
        or (digest and not formats.DIGEST.matches(digest))
        or (tag and not formats.TAG.matches(tag))
    ):
        yield Problem(path, f"{text!r} is not an image", "write 'repository:tag' or 'repository@sha256:...'")
    elif moves(text):
        yield Problem(
            path, f"{text!r} moves, so that nodes would get different versions", "write a fixed tag or a digest"
        )


def _tag_problems(image: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    default = DEFAULT_TAGS[plugin]
    tag = image.get("tag", default)
    version = release(image, plugin)
    if not formats.TAG.matches(tag):
        yield Problem("image.tag", f"{tag!r} is not a tag", f"write one such as {default!r}")
    elif "digest" in image:
        return
    elif formats.MOVING_TAG.matches(tag):
        yield Problem(
            "image.tag",
            f"{tag!r} moves, so that nodes would run different versions",
            f"write a release such as {default!r}",
        )
    elif version is not None and version < OLDEST_RELEASE[plugin]:
        oldest = ".".join(map(str, OLDEST_RELEASE[plugin]))
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
