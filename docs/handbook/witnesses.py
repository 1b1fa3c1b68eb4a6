"""The tests: where one is that is named, and which of them look at a text of the box."""

from __future__ import annotations

import re
from pathlib import Path

_FIELD = re.compile(r"(?<!\{)\{\w[^{}]*\}(?!\})")
_APART = 200
"""Characters that may stand for a field, or for what a test file has between the lines of a text."""


class MissingTestError(Exception):
    """A behaviour names a test that is not there, or a text that no test looks at."""


class Witnesses:
    """The test files below a folder."""

    def __init__(self, folder: Path) -> None:
        files = sorted([*folder.rglob("test_*.py"), *folder.rglob("*cases.py"), *folder.rglob("*.toml")])
        self._texts = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}

    def file(self, name: str) -> str:
        """Return the path of a test file by its stem."""
        for file in self._texts:
            if Path(file).stem == name:
                return file
        raise MissingTestError(f"there is no test file {name}")

    def place(self, name: str) -> str:
        """Return where a test function or class is, as `file::name`."""
        definition = re.compile(rf"^(?:async def|def|class) {name}\b", re.MULTILINE)
        for file, text in self._texts.items():
            if definition.search(text):
                return f"{file}::{name}"
        raise MissingTestError(f"there is no test {name}")

    def of_text(self, key: str, text: str) -> list[str]:
        """Return the files that look at a text: up to two transcripts that show it, else the first test with it.

        So few, that the page does not change with every new test.
        """
        pattern = _pattern(text)
        found = [file for file, content in self._texts.items() if pattern.search(content.replace('\\"', '"'))]
        if not found:
            raise MissingTestError(f"no test looks at the text {key}")
        shown = [file for file in found if file.endswith(".toml")]
        return shown[:2] or found[:1]


def _pattern(text: str) -> re.Pattern[str]:
    """Return what matches a text with anything in place of its fields."""
    pieces = [piece.strip() for line in text.splitlines() for piece in _FIELD.split(line)]
    literal = [re.escape(piece.replace("{{", "{").replace("}}", "}")) for piece in pieces if piece]
    return re.compile(f".{{0,{_APART}}}?".join(literal), re.DOTALL)
