"""What the pages say about rights, images and limits, held against the code that decides them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab import programs
from multus import Plugin, resolve
from multus.argument_rules_pods import LEAST_THICK_MEMORY
from multus.defaults import DEFAULT_RESOURCES
from multus.image import DEFAULT_REPOSITORY, DEFAULT_TAGS
from multus.objects import MARKER, cluster_role, marker_role
from tests.support.arguments import k3s
from tests.support.paths import DOCS, ROOT


def text_of(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def documented_rights(plugin: Plugin) -> dict[str, set[str]]:
    """The table in security.md: verbs by resource."""
    table = text_of("security").partition("## Accounts and rights")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?:ConfigMap )?`([\w/-]+)`[^|]*\| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    column = {Plugin.THIN: 1, Plugin.THICK: 2}[plugin]
    return {row[0]: set(row[column].split(", ")) for row in rows}


@pytest.mark.parametrize("plugin", Plugin)
def test_rights_are_the_roles(plugin: Plugin) -> None:
    daemon: Any = {"per_node_certificates": {"bootstrap_kubeconfig": "/var/lib/kubelet/kubeconfig"}}
    # A release that asks for everything.
    tag = {Plugin.THIN: "v4.3.1", Plugin.THICK: "v4.3.1-thick"}[plugin]
    more = {"daemon": daemon} if plugin is Plugin.THICK else {}
    plan = resolve(k3s(plugin=plugin, image={"tag": tag}, **more))
    rules = [*cluster_role(plan)["rules"], *marker_role(plan)["rules"]]
    rights = {
        name: set(rule["verbs"])
        for rule in rules
        for name in (rule["resourceNames"] if "resourceNames" in rule else rule["resources"])
    }
    found = documented_rights(plugin)
    assert {name: verbs for name, verbs in found.items() if verbs != {"none"}} == rights
    assert MARKER in found


@pytest.mark.parametrize("page", ["air-gapped", "common-mistakes"])
def test_the_release_is_the_default(page: str) -> None:
    assert DEFAULT_TAGS[Plugin.THIN] in text_of(page)


def test_the_images_to_mirror_are_the_ones_that_are_pulled() -> None:
    page = text_of("air-gapped")
    assert f"`{DEFAULT_REPOSITORY}:{DEFAULT_TAGS[Plugin.THIN]}`, with thick `{DEFAULT_TAGS[Plugin.THICK]}`" in page
    assert set(re.findall(r"multus-cni:(v[\w.-]+?)(?=[\s`]|:ghcr)", page)) == {DEFAULT_TAGS[Plugin.THIN]}


def test_the_limits_are_the_defaults() -> None:
    thin, thick = (DEFAULT_RESOURCES[plugin]["limits"]["memory"] for plugin in (Plugin.THIN, Plugin.THICK))
    least = f"{LEAST_THICK_MEMORY // 2**20}Mi"
    page = " ".join(text_of("common-mistakes").split())
    assert f"Here: {thin} for thin, {thick} for thick, and below {least} thick is refused" in page
    assert f"{thick} is the default limit" in text_of("how-it-works")


def test_the_least_pulumi_is_one() -> None:
    """It is written where its readers look: the engine, pip, the lab and people."""
    [engine] = re.findall(r'^requiredPulumiVersion: ">=(\d+\.\d+)\.0"$', (ROOT / "Pulumi.yaml").read_text(), re.M)
    assert f"\npulumi>={engine},<4\n" in (ROOT / "components" / "requirements.txt").read_text()
    [built] = [build for build in programs.BUILDS if build.name == "pulumi"]
    assert ".".join(map(str, built.at_least)) == engine
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    said = [version for page in pages for version in re.findall(r"Pulumi CLI (?:>= )?(\d+\.\d+)", page.read_text())]
    assert len(said) >= 2
    assert set(said) == {engine}
