"""The site of docs/: every page has its place in it, it builds without a warning, and it fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from peers import require_installed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def places(entries: list[object]) -> Iterator[str]:
    """Yield the pages that a part of the navigation leads to."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from [value] if isinstance(value, str) else places(value)


def test_every_page_has_one_place_in_the_navigation() -> None:
    assert sorted(places(SETTINGS["nav"])) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_what_breaks_a_page_breaks_the_build() -> None:
    assert SETTINGS["strict"] is True
    assert {rule for part in SETTINGS["validation"].values() for rule in part.values()} == {"warn"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_installed("material")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_holds_the_pages_and_nothing_else_of_docs(site: Path) -> None:
    made = {page.relative_to(site).with_suffix(".md").as_posix() for page in site.rglob("*.html")}
    assert made - {"404.md"} == set(places(SETTINGS["nav"]))
    assert not [*site.rglob("*.toml"), *site.rglob("*.py")]


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>")
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not fetched.findall(text), page
        # The theme's script would fetch the program that draws these.
        assert 'class="mermaid"' not in text, page
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet
