"""A recording: JSON lines, the first of which says what was recorded, each other one a journal entry.

Readers of the format: `version` grows where an older reader would go wrong; fields may be added any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any

from sbcsim.clock import from_rfc3339, to_rfc3339
from sbcsim.errors import ScenarioError, UserError
from sbcsim.eventkinds import kinds
from sbcsim.journal import camel

FORMAT = "sbcsim-recording"
VERSION = 1
_ENTRY: Mapping[str, tuple[type, ...]] = {"number": (int,), "time": (str,), "uptime": (int, float), "kind": (str,)}
MEDIA_TYPE = "application/x-ndjson"
"""That of JSON lines."""

Data = Mapping[str, Any]
"""One JSON object."""


@dataclass(frozen=True, slots=True)
class ConfigurationSeen:
    """A configuration file that the box was started with: its name, and the SHA-256 of its text."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording says of its run: the box, and how much of the run it holds.

    `start` is the calendar just after start, in microseconds. `missing` counts the entries that the journal no longer
    had; what begins behind a reset begins as a run does. `settings` are those chosen, as `NAME=VALUE`. `went_on` says
    that the box began where an earlier process had left a state directory, which no recording holds.
    """

    sbcsim: str
    seed: int
    mode: str
    rate: float
    start: int
    ha: str = "none"
    rude: bool = False
    settings: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    configurations: tuple[ConfigurationSeen, ...] = ()
    missing: int = 0
    went_on: bool = False

    def line(self) -> str:
        """Return the first line of the file."""
        data = {
            "format": FORMAT,
            "version": VERSION,
            "sbcsim": self.sbcsim,
            "seed": self.seed,
            "mode": self.mode,
            "rate": self.rate,
            "start": to_rfc3339(self.start),
            "ha": self.ha,
            "rude": self.rude,
            "settings": list(self.settings),
            "maps": list(self.maps),
            "users": list(self.users),
            "configurations": [{"name": each.name, "sha256": each.sha256} for each in self.configurations],
            "missing": self.missing,
            "wentOn": self.went_on,
        }
        return json.dumps(data, separators=(",", ":")) + "\n"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read: what it says of its run, and the entries as JSON objects."""

    header: Header
    entries: tuple[Data, ...]

    @property
    def flows(self) -> bool:
        """Whether time went on by itself, at first or later, so that no two runs have the same instants."""
        rates = (entry["arguments"][0][1] for entry in self.entries if _sets_rate(entry))
        return self.header.rate != 0 or any(float(rate) for rate in rates)


def _sets_rate(entry: Data) -> bool:
    return bool(entry["kind"] == "control" and entry["action"] == "rate")


def entry_line(entry: Data) -> str:
    """Return the line of a journal entry."""
    return json.dumps(entry, separators=(",", ":")) + "\n"


def text_of(header: Header, entries: Iterable[Data]) -> str:
    """Return a whole recording as text."""
    return header.line() + "".join(map(entry_line, entries))


def read(text: str, file: str) -> Recording:
    """Return the recording that `text` is; raises ScenarioError with file and line. A last line cut short is left out.

    A simulator that was killed may have written half of it.
    """
    lines = text.split("\n")
    whole, rest = lines[:-1], lines[-1]
    if not whole and not rest:
        raise ScenarioError("this is no recording: it is empty", file=file)
    first = _object(whole[0] if whole else rest, file, 1)
    if first.get("format") != FORMAT:
        raise ScenarioError('this is no recording: its first line has no "format": "sbcsim-recording"', file=file)
    if first.get("version") != VERSION:
        raise ScenarioError(f"version {first.get('version')} of the format is not known here", file=file, line=1)
    try:
        header = _header(first)
    except (KeyError, TypeError, ValueError, AttributeError, UserError) as error:
        raise ScenarioError(f"the first line is not that of a recording: {error}", file=file, line=1) from None
    return Recording(header, tuple(_entry(line, file, number) for number, line in enumerate(whole[1:], start=2)))


def _entry(line: str, file: str, number: int) -> Data:
    """Return an entry with what an older simulator did not yet say."""
    entry = _object(line, file, number)
    for name, types in _ENTRY.items():
        if not isinstance(entry.get(name), types):
            raise ScenarioError(f"this is no journal entry: {name}", file=file, line=number)
    try:
        from_rfc3339(entry["time"])
    except UserError as error:
        raise ScenarioError(error.text, file=file, line=number) from None
    known = _fields(entry["kind"])
    lacking = [name for name, default in known.items() if name not in entry and default is MISSING]
    if lacking:
        raise ScenarioError(f"a {entry['kind']} without {', '.join(lacking)}", file=file, line=number)
    return {**entry, **{name: default for name, default in known.items() if name not in entry}}


@cache
def _fields(kind: str) -> Mapping[str, object]:
    """Return the fields of a kind of event with what they are where nobody says; none for a kind unknown here."""
    event = kinds().get(kind)
    found = () if event is None else fields(event)
    return {camel(each.name): [] if each.default == () else each.default for each in found}


def _object(line: str, file: str, number: int) -> Data:
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ScenarioError("this is no JSON object", file=file, line=number)
    return data


def _header(data: Data) -> Header:
    return Header(
        sbcsim=str(data["sbcsim"]),
        seed=int(data["seed"]),
        mode=str(data["mode"]),
        rate=float(data["rate"]),
        start=from_rfc3339(data["start"]),
        ha=str(data["ha"]),
        rude=bool(data["rude"]),
        settings=tuple(map(str, data["settings"])),
        maps=tuple(map(str, data["maps"])),
        users=tuple(map(str, data["users"])),
        configurations=tuple(ConfigurationSeen(each["name"], each["sha256"]) for each in data["configurations"]),
        missing=int(data["missing"]),
        went_on=bool(data.get("wentOn", False)),  # older recordings do not say
    )
