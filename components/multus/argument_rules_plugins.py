"""Why plugins cannot be brought onto nodes: their names, the image and the archives. Pure: problems only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import formats
from . import image as images
from .args import Method
from .errors import Problem, no_host_path

ARCHITECTURES = ("386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x")
"""As Go names them, for which the plugins' project has archives; the node program knows them by `uname -m`."""
_ARCHIVES = "reference_plugins.archives"


def problems(valid: Mapping[str, Any]) -> Iterator[Problem]:
    """Why the plugins that networks need cannot be there.

    Args:
        valid: the arguments of an install, each well typed.
    """
    reference = valid.get("reference_plugins", {})
    lists = {
        "required_plugins": valid.get("required_plugins", ()),
        "reference_plugins.names": reference.get("names", ()),
    }
    for path, names in lists.items():
        for index, name in enumerate(names):
            if name is not None and not formats.PROGRAM.matches(name):
                yield Problem(f"{path}[{index}]", f"{name!r} is not a plugin's name", "write one such as 'macvlan'")
    if "names" in reference and not reference["names"]:
        yield Problem("reference_plugins.names", "is empty", "name the plugins, or remove reference_plugins")
    for group in ("reference_plugins", "keeper", "dhcp_daemon", "whereabouts"):
        if "image" in valid.get(group, {}):
            yield from images.reference_problems(f"{group}.image", valid[group]["image"])
    if "reference_plugins" in valid and not {"image", "archives"} & reference.keys():
        yield Problem("reference_plugins.image", "is missing", "set it, or `reference_plugins.archives`")
    if "directory" in reference and not formats.HOST_PATH.matches(reference["directory"]):
        yield no_host_path("reference_plugins.directory", reference["directory"], "/opt/cni/bin")
    if "archives" in reference:
        yield from _archives(valid, reference)


def _archives(valid: Mapping[str, Any], reference: Mapping[str, Any]) -> Iterator[Problem]:
    archives = reference["archives"]
    if not archives:
        yield Problem(_ARCHIVES, "is empty", "write one for each architecture of your nodes, such as 'amd64'")
    if valid.get("method") is Method.HELM:
        yield Problem(_ARCHIVES, "is not for method 'helm', whose chart takes them from an image", "write `image`")
    elif not valid.get("nodes") and "image" not in reference:
        lacking = ", ".join(str(each) for each in reference.get("names", ()))
        reason = f"is for listed nodes alone, and none is listed: every node would lack {lacking}"
        yield Problem(_ARCHIVES, reason, "list them in `nodes`, or write `image`")
    for architecture, archive in archives.items():
        path = f"{_ARCHIVES}[{architecture!r}]"
        if architecture not in ARCHITECTURES:
            yield Problem(path, "is no architecture of these plugins", f"write one of {', '.join(ARCHITECTURES)}")
        yield from _archive(path, archive)
    if len({"url" in each for each in archives.values()}) > 1:
        yield Problem(_ARCHIVES, "has some by `path` and some by `url`", "write all of them in one way")


def _archive(path: str, archive: Mapping[str, Any]) -> Iterator[Problem]:
    given = [key for key in ("path", "url") if key in archive]
    if len(given) != 1:
        reason = "has both `path` and `url`" if given else "says neither `path` nor `url`"
        yield Problem(path, reason, "write one of them")
    if "url" in archive and not formats.HTTPS_FILE.matches(archive["url"]):
        reason = f"{archive['url']!r} is not the https address of a file, without a login in it"
        yield Problem(f"{path}.url", reason, "write one such as 'https://files.example/cni-plugins.tgz'")
    if archive.get("path") == "":
        yield Problem(f"{path}.path", "is empty", "write where the archive lies on this machine")
    if "sha256" in archive and not formats.SHA256.matches(archive["sha256"]):
        yield Problem(
            f"{path}.sha256", f"{archive['sha256']!r} is no SHA-256", "write its 64 hex digits, as sha256sum does"
        )
