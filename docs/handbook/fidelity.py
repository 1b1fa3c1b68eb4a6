"""The fidelity page: what the simulator does as the box, how sure that is, and which tests hold it to that."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .witnesses import Witnesses

MARKS = {
    "doc": "vendor document",
    "engine": "same engine",
    "client": "public client",
    "design": "our decision",
}
"""How sure a behaviour is, surest first."""

OWN = "design"
"""The source of a text of which nothing else is known."""

HEAD = """\
# Fidelity

What the simulator does as the box does, how sure that is, and which tests hold it to that.

- *Vendor document*: public documentation of the vendor says so.
- *Same engine*: the management engine of the box behaves so on other boxes.
- *Public client*: a program that talks to the box relies on it, or shows what the box answers.
- *Our decision*: the box is unknown here, and the simulator does what is plausible.

Where several are named, one is known of the form and another of the words, or one of a part.

Made by `make docs` from `docs/behaviour.toml`, `docs/sources.toml`, the transcripts in `tests/transcripts` and the
texts in `grammar/messages.toml`.
"""

TRANSCRIPTS = """\
## Golden transcripts

What a user types and sees, to the letter. Each is typed by a real SSH client on a terminal
(`{wire}`), and, as far as it is nothing but lines typed one after the other, into a session in
memory (`{memory}`).

| transcript | how sure | where |
|---|---|---|\
"""

TEXTS = """\
## Texts

Every text of the catalogue that is no help text; those are our own. A word in braces is filled in.

| text | how sure | tested in |
|---|---|---|\
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Who says so: a document, or a class of witnesses without one."""

    name: str
    sure: str
    title: str
    url: str = ""

    @property
    def shown(self) -> str:
        """How sure that is, with what says so."""
        return f"{MARKS[self.sure]} ([{self.title}])" if self.sure == "doc" and self.url else MARKS[self.sure]


class Sources:
    """The sources by name, and which have been called upon."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._by_name = {name: Source(name, **facts) for name, facts in data.items()}
        self._used: set[str] = set()

    def cite(self, names: str) -> str:
        """Return how sure something is that some sources say; raises KeyError for a source that is not known."""
        found = [self._by_name[name] for name in names.split()]
        self._used.update(source.name for source in found)
        return ", ".join(dict.fromkeys(source.shown for source in found))

    @property
    def idle(self) -> set[str]:
        """The sources that nothing calls upon."""
        return self._by_name.keys() - self._used

    def table(self) -> Iterator[str]:
        """Yield the list of sources, and where their links lead."""
        yield from ("| source | how sure |", "|---|---|")
        for source in self._by_name.values():
            yield f"| {f'[{source.title}]' if source.url else source.title} | {MARKS[source.sure]} |"
        yield ""
        yield from (f"[{source.title}]: {source.url}" for source in self._by_name.values() if source.url)


class IdleSourceError(Exception):
    """A source is listed that nothing calls upon."""


def page(root: Path) -> str:
    """Return the page; raises MissingTestError where a behaviour or text has no test, IdleSourceError."""
    witnesses = Witnesses(root / "tests")
    sources = Sources(_data(root / "docs" / "sources.toml"))
    sections = [
        *_behaviour(_data(root / "docs" / "behaviour.toml"), witnesses, sources),
        "",
        *_transcripts(root / "tests" / "transcripts", witnesses, sources),
        "",
        *_texts(_data(root / "grammar" / "messages.toml"), witnesses, sources),
        "",
        "## Sources",
        "",
        *sources.table(),
    ]
    if sources.idle:
        raise IdleSourceError(f"nothing calls upon {', '.join(sorted(sources.idle))}")
    return "\n".join([HEAD, *sections]) + "\n"


def _data(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _behaviour(data: dict[str, Any], witnesses: Witnesses, sources: Sources) -> Iterator[str]:
    for number, section in enumerate(data["section"]):
        yield from () if not number else ("",)
        yield from (f"## {section['title']}", "", "| what | what follows | how sure | tested by |", "|---|---|---|---|")
        for row in section["behaviour"]:
            places = "<br>".join(f"`{witnesses.place(name)}`" for name in row["tests"])
            yield f"| {row['action']} | {row['effect']} | {sources.cite(row['sure'])} | {places} |"


def _transcripts(folder: Path, witnesses: Witnesses, sources: Sources) -> Iterator[str]:
    yield TRANSCRIPTS.format(wire=witnesses.file("test_transcripts_ssh"), memory=witnesses.file("test_transcripts"))
    for file in sorted(folder.glob("*.toml")):
        case = _data(file)
        yield f"| {case['caption']} | {sources.cite(case['sure'])} | `transcripts/{file.name}` |"


def _texts(catalogue: dict[str, Any], witnesses: Witnesses, sources: Sources) -> Iterator[str]:
    known = catalogue["certainty"]
    yield TEXTS
    for key, text in texts(catalogue):
        where = ", ".join(f"`{place}`" for place in witnesses.of_text(key, text))
        yield f"| {_quoted(text)} | {sources.cite(known.get(key, OWN))} | {where} |"


def texts(catalogue: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts that are listed, with their keys."""
    for section, entries in catalogue.items():
        if section not in {"certainty", "help"}:
            yield from ((f"{section}.{name}", text) for name, text in entries.items())


def _quoted(text: str) -> str:
    lines = [line.strip() for line in text.replace("|", "\\|").splitlines() if line.strip()]
    return "<br>".join(f"`` {line} ``" if "`" in line else f"`{line}`" for line in lines)
