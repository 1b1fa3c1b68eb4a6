"""The generated pages are those that would be made now, and every behaviour in them has its tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import handbook
import pytest
from handbook.fidelity import MARKS, certainty

PAGES = handbook.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run `make docs`"


def test_no_page_is_left_over() -> None:
    written = {*(handbook.DOCS / "reference").iterdir(), handbook.DOCS / "fidelity.md"}
    assert written == set(PAGES)


def test_every_mark_is_known_and_used() -> None:
    catalogue = tomllib.loads((handbook.ROOT / "grammar" / "messages.toml").read_text())
    marks = catalogue.pop("certainty")
    keys = {f"{section}.{name}" for section, texts in catalogue.items() for name in texts if section != "help"}
    assert {key for key in marks if "." in key} <= keys
    assert {certainty(marks, key) for key in keys} <= set(MARKS)
    assert {key.partition(".")[0] for key in keys} == {key for key in marks if "." not in key}
