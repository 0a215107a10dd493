"""The documentation as a site."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import DOCS, ROOT

CONFIG = ROOT / "zensical.toml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built elsewhere: strictly, so that a dead link or anchor fails here."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    (folder / CONFIG.name).write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("zensical")
    return subprocess.run(
        [program, "build", "--clean", "--strict"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


class _Resources(HTMLParser):
    """What a page loads, and the images among it."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.loaded.append(named.get("src") or "")
        elif tag == "link" and named.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.loaded.append(named.get("href") or "")


def test_the_menu_names_every_page_once(site: Path) -> None:
    pages = sorted(str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md"))
    assert sorted(pages_of(tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"])) == pages
    assert {page.removesuffix(".md") for page in pages} <= {found.stem for found in site.glob("*.html")}


def pages_of(menu: list[Any]) -> Iterator[str]:
    for entry in menu:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            else:
                yield from pages_of(target)


def test_everything_that_a_page_loads_is_part_of_the_site(site: Path) -> None:
    seen = 0
    for page in site.glob("**/*.html"):
        resources = _Resources()
        resources.feed(page.read_text(encoding="utf-8"))
        for loaded in filter(None, resources.loaded):
            assert not re.match(r"^(\w+:)?//", loaded), f"{page.name} loads {loaded}"
            assert (page.parent / loaded.split("?")[0]).exists() or page.name == "404.html", f"{page.name}: {loaded}"
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("link", ["[x](nowhere.md)", "[x](index.md#nowhere)"], ids=["page", "anchor"])
def test_a_dead_link_fails_the_build(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n{link}\n", encoding="utf-8")
    (tmp_path / CONFIG.name).write_text('[project]\nsite_name = "x"\n', encoding="utf-8")
    assert build(tmp_path).returncode != 0


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "lab/README.md", "examples/README.md"])
def test_links_of_a_readme_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    found = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in found if not (folder / link).exists()] == []


def test_the_readme_maps_every_folder() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {path.split("/")[0] for path in listed if "/" in path and not path.startswith(".")}
    mapped = set(
        re.findall(r"`(\w+)/`", (ROOT / "README.md").read_text(encoding="utf-8").partition("## What is where")[2])
    )
    assert folders <= mapped


def test_contributing_names_what_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:components|operations|charts|lab|tests|docs|generate)/[\w./-]*)`", text)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
