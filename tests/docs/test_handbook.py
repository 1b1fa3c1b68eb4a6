"""The generated pages are those that would be made now, and everything in them has its tests and sources."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import handbook
import pytest
from handbook import fidelity
from handbook.witnesses import MissingTestError, Witnesses

PAGES = handbook.pages()
CATALOGUE = tomllib.loads((handbook.ROOT / "grammar" / "messages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run `make docs`"


def test_no_page_is_left_over() -> None:
    made = {path for path in handbook.DOCS.rglob("*.md") if "\nMade by `make docs`" in path.read_text(encoding="utf-8")}
    assert made | {*(handbook.DOCS / "reference").iterdir()} == set(PAGES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[path]):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.is_file(), target
        headings = re.findall(r"^#+ (.+)$", PAGES.get(file, ""), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_what_is_said_of_texts_is_said_of_texts_that_there_are() -> None:
    assert set(CATALOGUE["certainty"]) <= {key for key, _ in fidelity.texts(CATALOGUE)}


def test_a_behaviour_without_a_test_is_no_behaviour() -> None:
    witnesses = Witnesses(handbook.ROOT / "tests")
    here = "docs/test_handbook.py::test_a_behaviour_without_a_test_is_no_behaviour"
    assert witnesses.place("test_a_behaviour_without_a_test_is_no_behaviour") == here
    with pytest.raises(MissingTestError):
        witnesses.place("test_a_behaviour_without")
    with pytest.raises(MissingTestError):
        witnesses.of_text("answer.nonsense", "{name} " + "was never seen".upper())


def test_a_text_is_looked_for_whole(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("assert said == f\"'{path}': port {port} is taken\"")
    (tmp_path / "test_two.py").write_text('assert said == "port"')
    witnesses = Witnesses(tmp_path)
    assert witnesses.of_text("refusal.taken", "'{path}': port {port} is taken") == ["test_one.py"]
    with pytest.raises(MissingTestError):
        witnesses.of_text("refusal.free", "'{path}': port {port} is free")


def test_a_source_that_nobody_calls_upon_is_told() -> None:
    sources = fidelity.Sources({"one": {"sure": "doc", "title": "One"}, "two": {"sure": "design", "title": "Two"}})
    assert sources.cite("one") == "vendor document"
    assert sources.idle == {"two"}
    with pytest.raises(KeyError):
        sources.cite("three")
