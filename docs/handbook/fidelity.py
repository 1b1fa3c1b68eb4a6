"""The fidelity page: what the simulator does as the box, how sure that is, and which tests hold it to that."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MARKS = {
    "doc": "vendor document",
    "engine": "same engine on other boxes",
    "client": "seen by a public client",
    "design": "our decision",
}
"""How sure a behaviour is, surest first."""

HEAD = """\
# Fidelity

How sure each behaviour is, and where it is tested. *Vendor document*: public documentation says so. *Same engine*: the
management engine behaves so on other boxes. *Public client*: a program that talks to the box relies on it. *Our
decision*: the box is unknown here, and the simulator does what is plausible.

Made by `make docs` from `docs/behaviour.toml`, the golden transcripts in `tests/transcripts` and the texts in
`grammar/messages.toml`.
"""

_FIELD = re.compile(r"(?<!\{)\{\w[^{}]*\}")
_UNLISTED = ("certainty", "help")


class MissingTestError(Exception):
    """A behaviour names a test that is not there, or a text that no test looks at."""


def page(root: Path) -> str:
    """Return the page; raises MissingTestError."""
    tests = _Tests(root / "tests")
    lines = [HEAD, "## What is done to certificates, and what it does", ""]
    lines += _behaviour(tomllib.loads((root / "docs" / "behaviour.toml").read_text()), tests)
    lines += ["", "## Golden transcripts", "", *_transcripts(root)]
    lines += ["", "## Texts", "", *_texts(tomllib.loads((root / "grammar" / "messages.toml").read_text()), tests)]
    return "\n".join(lines) + "\n"


class _Tests:
    """The test files, by what stands in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = sorted([*folder.rglob("test_*.py"), *folder.rglob("*.toml")])
        self._texts = {file.relative_to(folder).as_posix(): file.read_text().replace('\\"', '"') for file in files}

    def place(self, name: str) -> str:
        """Return where a test is defined, as `file::name`."""
        for file, text in self._texts.items():
            if re.search(rf"^(async )?def {name}\(", text, re.MULTILINE) or re.search(
                rf"^class {name}\b", text, re.MULTILINE
            ):
                return f"`{file}::{name}`"
        raise MissingTestError(f"there is no test {name}")

    def holding(self, text: str) -> list[str]:
        """Return the files in which a text of the box stands, its fields left out."""
        pieces = (piece for line in text.splitlines() for piece in _FIELD.split(line))
        longest = max(pieces, key=lambda piece: len(piece.strip())).strip().replace("{{", "{").replace("}}", "}")
        return [file for file, content in self._texts.items() if longest in content]


def _behaviour(data: dict[str, Any], tests: _Tests) -> Iterator[str]:
    yield from ("| what is done | what follows | how sure | tested by |", "|---|---|---|---|")
    for row in data["behaviour"]:
        places = "<br>".join(tests.place(name) for name in row["tests"])
        yield f"| {row['action']} | {row['effect']} | {_words(row['sure'])} | {places} |"


def _transcripts(root: Path) -> Iterator[str]:
    yield from ("| transcript | how sure |", "|---|---|")
    for file in sorted((root / "tests" / "transcripts").glob("*.toml")):
        case = tomllib.loads(file.read_text())
        yield f"| [{case['caption']}](../tests/transcripts/{file.name}) | {_words(case['sure'])} |"


def _texts(catalogue: dict[str, Any], tests: _Tests) -> Iterator[str]:
    marks = catalogue["certainty"]
    yield from ("| text | how sure | tested in |", "|---|---|---|")
    for key, text in _flat(catalogue):
        files = tests.holding(text)
        if not files:
            raise MissingTestError(f"no test looks at the text {key}")
        where = ", ".join(f"`{file}`" for file in files[:2]) + (" …" if len(files) > 2 else "")
        yield f"| {_quoted(text)} | {_words(certainty(marks, key))} | {where} |"


def certainty(marks: dict[str, Any], key: str) -> str:
    """Return the mark of a text: its own, or that of its section; raises KeyError."""
    mark = marks.get(key) or marks[key.partition(".")[0]]
    if mark not in MARKS:
        raise KeyError(mark)
    return str(mark)


def _flat(table: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in table.items():
        if not prefix and name in _UNLISTED:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _words(mark: str) -> str:
    return ", ".join(MARKS[each] for each in mark.split())


def _quoted(text: str) -> str:
    lines = [line for line in text.replace("|", "\\|").strip("\n").splitlines() if line.strip()]
    return "<br>".join(f"`` {line.strip()} ``" if "`" in line else f"`{line.strip()}`" for line in lines)
