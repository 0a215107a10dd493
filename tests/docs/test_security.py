"""docs/security.md on pods: what every container is allowed, by the objects that are made, and what is downloaded."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import multus
import multus_ops
from multus import InstallPlan, Plugin, resolve
from multus.defaults import DEFAULT_WHEREABOUTS_IMAGE
from multus.image import DEFAULT_REPOSITORY, DEFAULT_TAGS
from multus.node_program import program_text
from multus_ops.doctor.annotations import NetworkName
from multus_ops.network_check.choice import Wanted
from multus_ops.network_check.network import Network
from multus_ops.network_check.pods import attached_pod, plain_pod
from multus_ops.node_program import program_for_people
from multus_ops.render import objects_of
from multus_ops.short_lived_pods import DEFAULT_IMAGE, pod_body
from tests.support.arguments import k3s
from tests.support.paths import DOCS

PAGE = (DOCS / "security.md").read_text(encoding="utf-8")
DIGEST = f"@sha256:{'0a' * 32}"
PLUGINS = {"names": ["dhcp"], "image": f"r.example/plugins{DIGEST}"}
ALL: Any = {"reference_plugins": PLUGINS, "dhcp_daemon": {"image": f"r.example/dhcp{DIGEST}"}, "whereabouts": {}}
PLANS = {plugin: resolve(k3s(plugin=plugin, **ALL)) for plugin in ("thin", "thick")}


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, the head left out."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def pods_of(plan: InstallPlan) -> Iterator[tuple[str, dict[str, Any]]]:
    """What makes a pod, and the pod's specification."""
    for each in objects_of(plan):
        if each["kind"] in ("DaemonSet", "Deployment"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], InstallPlan]]:
    """Every container that is ever started, by a name that no other has: its pod, itself, the plan."""
    for plugin, plan in PLANS.items():
        for name, pod in pods_of(plan):
            for each in [*pod.get("initContainers", ()), *pod["containers"]]:
                own = {"kube-multus": plugin, "whereabouts": name}.get(each["name"], each["name"])
                yield own, pod, each, plan
    of_people = pod_body("n", "a", {"name": "look", "image": DEFAULT_IMAGE})["spec"]
    yield "look", of_people, of_people["containers"][0], PLANS["thin"]


def privileges(pod: dict[str, Any], container: dict[str, Any], plan: InstallPlan) -> Iterator[str]:
    context = {**pod.get("securityContext", {}), **container["securityContext"]}
    if not context.get("runAsNonRoot"):
        yield "root"
    for key in ("hostNetwork", "hostPID"):
        if pod.get(key) and container in pod["containers"]:
            yield key
    if context.get("privileged"):
        yield "privileged"
    else:
        assert context["capabilities"]["drop"] == ["ALL"]
    yield from context.get("capabilities", {}).get("add", ())
    if context.get("seLinuxOptions"):
        yield context["seLinuxOptions"]["type"]
    if not context.get("readOnlyRootFilesystem"):
        yield "writable root"
    volumes = {each["name"]: each for each in pod.get("volumes", ())}
    called = {plan.cni_conf_dir: "CNI configuration", plan.cni_bin_dir: "plugins"}
    for mount in container.get("volumeMounts", ()):
        volume = volumes[mount["name"]]
        if "hostPath" in volume:
            path = volume["hostPath"]["path"]
            yield called.get(path, path) + (", read" if mount.get("readOnly") else "")
        elif "secret" in volume or "projected" in volume:
            yield "token"


def test_every_privilege_of_every_container_has_its_reason() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for name, pod, container, plan in containers():
        for privilege in privileges(pod, container, plan):
            found[privilege].add(name)
    documented = {allowed.replace("`", ""): set(re.findall("`(.+?)`", to)) for allowed, to, _ in rows("Pods")}
    assert documented == found
    assert all(len(why) > 10 for _, _, why in rows("Pods"))


def test_thin_has_no_privilege_unless_it_is_asked_for() -> None:
    thin = [container for name, _, container, _ in containers() if name in ("thin", "install-reference-plugins")]
    assert len(thin) >= 4
    for container in thin:
        context = container["securityContext"]
        assert (context["privileged"], context["allowPrivilegeEscalation"]) == (False, False)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"]


def test_images_are_pinned_from_the_argument_to_the_container() -> None:
    """Whichever: nothing on the way drops a digest, and no container has an image of its own."""
    names = (DEFAULT_REPOSITORY.partition("/")[2], "plugins", "dhcp", "whereabouts")
    for plugin in ("thin", "thick"):
        pinned = {
            "image": {"registry": "r.example", "digest": DIGEST[1:]},
            "reference_plugins": PLUGINS,
            "dhcp_daemon": {"image": f"r.example/dhcp{DIGEST}"},
            "whereabouts": {"image": f"r.example/whereabouts{DIGEST}"},
        }
        args: Any = k3s(plugin=plugin, **pinned)
        images = {
            each["image"]
            for _, pod in pods_of(resolve(args))
            for each in [*pod.get("initContainers", ()), *pod["containers"]]
        }
        assert images == {f"r.example/{name}{DIGEST}" for name in names}
    attached = attached_pod("n", Wanted("n", "a"), Network(NetworkName("default", "lan")), DIGEST)
    for body in (pod_body("n", "a", {"image": DIGEST}), attached, plain_pod("n", "a", DIGEST, (), "b")):
        assert [each["image"] for each in body["spec"]["containers"]] == [DIGEST]


def test_what_is_downloaded_is_listed() -> None:
    listed = rows("What is downloaded and run")
    first = [set(re.findall("`(.+?)`", what)) for what, *_ in listed]
    tools = needs("multus-ops") - {"multus-component"}
    images = {f"{DEFAULT_REPOSITORY}:{DEFAULT_TAGS[plugin]}" for plugin in Plugin}
    images |= {DEFAULT_WHEREABOUTS_IMAGE, DEFAULT_IMAGE}
    assert first[0] == needs("multus-component")
    assert first[1] == tools | {"multus-ops"}
    assert first[2] == {"kubernetes", "command"}
    assert {each for row in first for each in row if ":" in each} == images
    # What its user brings is listed by its argument.
    fixed = " ".join(fixes for _, _, fixes, _ in listed)
    for argument in (
        "image.digest",
        "reference_plugins.image",
        "reference_plugins.archives",
        "dhcp_daemon.image",
        "whereabouts.image",
    ):
        assert f"`{argument}`" in fixed
    page = (DOCS / "air-gapped.md").read_text(encoding="utf-8")
    assert not [image for image in images if image.removesuffix("-thick") not in page]


def needs(package: str) -> set[str]:
    """The packages that one of ours asks for."""
    return {re.split("[<>=!~ ;]", each)[0].lower() for each in metadata.requires(package) or ()}


def test_nothing_else_is_fetched() -> None:
    """On a node curl asks the API server, a daemon's socket, or for an archive; in Python two packages ask anybody."""
    asking = re.compile(r"\b(?:curl -|fetch [-\"]).*")
    asked = re.compile(r""""\$\(field server\)\$1"|"\$server/version"|"\$url"|http://\w+/\w*""")
    for text in (program_text(), program_for_people()):
        calls = [call for call in asking.findall(text) if not call.startswith("curl -sS --noproxy")]
        assert sorted(found for call in calls for found in asked.findall(call)[:1]) == [
            '"$(field server)$1"',
            '"$server/version"',
            '"$url"',
            "http://dhcp/",
            "http://multus/healthz",
        ]
        assert len(calls) == 5
        assert not re.search(r"\b(wget|ftp|scp|rsync|pip|apt|dnf|yum)\b", text)
    found = {name for package in (multus, multus_ops) for name in imports(Path(str(package.__file__)).parent)}
    networks = {
        "aiohttp",
        "asyncssh",
        "ftplib",
        "http.client",
        "httpx",
        "kubernetes",
        "requests",
        "socket",
        "urllib.request",
    }
    assert found & networks == {"asyncssh", "kubernetes"}


def imports(folder: Path) -> Iterator[str]:
    """The modules that a package imports, and the packages that they are in."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [f"{node.module}.{each.name}" for each in node.names]
            else:
                continue
            for name in names:
                parts = name.split(".")
                yield from (".".join(parts[: end + 1]) for end in range(len(parts)))
