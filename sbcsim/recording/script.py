"""What was done to a box from outside, as far as a recording holds it: the steps that a replay repeats.

What follows from a step by itself is none. What cannot be repeated is told in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sbcsim.schema.walk import HIDDEN, quote

from .file import Data, Recording

_HIDDEN_WORDS = re.compile(rf"{re.escape(HIDDEN)}(?: {re.escape(HIDDEN)})*")
_BREAKS = re.compile(r"[\s=:]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done: its entry in the journal, and the uptime of it in microseconds.

    `action` is begin, type or end (a CLI session), login, logout or file (SFTP), refused (a login that failed), move
    (the clock) or control.
    """

    action: str
    entry: Data
    uptime: int

    @property
    def number(self) -> int:
        """The number of the entry."""
        return int(self.entry["number"])


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that was uploaded: where to, its length, and the SHA-256 of its content."""

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The name without directories."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Script:
    """What to repeat, and what cannot be; `secrets` are the names that pass phrases and the like are asked by."""

    steps: tuple[Step, ...]
    files: tuple[Wanted, ...]
    secrets: tuple[str, ...]
    left_out: tuple[str, ...]


def script(recording: Recording) -> Script:
    """Return what was done to the box of a recording."""
    steps = tuple(_steps(recording.entries))
    hidden = (name for step in steps for text in _typed(step) for name in secrets_in(text))
    files = (
        Wanted(step.entry["path"], int(step.entry["size"]), step.entry["sha256"])
        for step in steps
        if step.action == "file" and step.entry["operation"] == "put" and step.entry["ok"]
    )
    return Script(steps, tuple(dict.fromkeys(files)), tuple(dict.fromkeys(hidden)), tuple(_left_out(recording)))


def secrets_in(text: str) -> list[str]:
    """Return the names of the secrets that a line is without: of each the word in front of it."""
    return [_name(text[: found.start()]) for found in _HIDDEN_WORDS.finditer(text)]


def revealed(text: str, secrets: Mapping[str, str]) -> str:
    """Return a line with its secrets; raises KeyError with the name of one that is not known.

    `NEW.passPhrase` is looked for before `passPhrase`, where NEW is any word in front of it, the nearest first.
    """

    def reveal(found: re.Match[str]) -> str:
        before = text[: found.start()]
        name = _name(before)
        words = [word for word in _BREAKS.split(before) if word]
        for each in (*(f"{word}.{name}" for word in reversed(words)), name):
            if each in secrets:
                return quote(secrets[each])
        raise KeyError(name)

    return _HIDDEN_WORDS.sub(reveal, text)


def _name(before: str) -> str:
    words = [word for word in _BREAKS.split(before) if word]
    return words[-1].strip('"') if words else "answer"


def _typed(step: Step) -> Iterable[str]:
    return (step.entry["line"], *step.entry["answers"]) if step.action == "type" else ()


def _steps(entries: Iterable[Data]) -> Iterator[Step]:
    for entry in entries:
        action = _action(entry)
        if action:
            yield Step(action, entry, round(float(entry["uptime"]) * 1_000_000))


def _action(entry: Data) -> str:
    """Return which step an entry tells of, "" for what followed by itself."""
    match entry["kind"]:
        case "cliSession":
            return "end" if entry["ended"] else "begin"
        case "cli":
            return "type"
        case "sftp":
            return "file"
        case "clockMoved":
            return "move"
        case "control":
            return "control"
        case "login" if not entry["accepted"]:
            return "refused"
        case "login" | "logout" if entry["service"] == "sftp":
            return str(entry["kind"])
        case _:
            return ""


def arguments(entry: Data) -> dict[str, Any]:
    """Return the arguments of a `control` entry by name."""
    return {str(name): value for name, value in entry["arguments"]}


# what far ends did


def inbound(recording: Recording) -> frozenset[int]:
    """Return the numbers of the entries that tell of connections and datagrams from far ends."""
    found: set[int] = set()
    live: set[int] = set()
    mentioned = re.compile(r"\bconnection (\d+)\b")
    for entry in recording.entries:
        kind, connection = entry["kind"], entry.get("connection")
        if kind == "reset":
            live.clear()
        if kind == "connectionOpened" and entry["direction"] == "inbound":
            live.add(int(entry["connection"]))
        told = mentioned.findall(str(entry.get("description", "")))
        datagram = kind in {"sip", "sipRefused"} and connection == 0 and entry.get("direction") != "out"
        if connection in live or datagram or any(int(each) in live for each in told):
            found.add(int(entry["number"]))
    return frozenset(found)


def without_far_ends(recording: Recording) -> Recording:
    """Return a recording without what far ends did by themselves, and what counts their connections."""
    gone = inbound(recording)
    counted = {"certificateCheck": {"checked", "failed"}}
    return Recording(
        recording.header,
        tuple(
            {name: value for name, value in entry.items() if name not in counted.get(entry["kind"], set())}
            for entry in recording.entries
            if int(entry["number"]) not in gone
        ),
    )


def _left_out(recording: Recording) -> Iterator[str]:
    first = next(iter(recording.entries), None)
    behind_reset = first is not None and first["kind"] == "reset" and not first["snapshot"]
    if recording.header.missing and not behind_reset:
        yield f"the recording begins late: {recording.header.missing} entries before it are missing"
    if recording.header.went_on:
        yield "the box went on from its state directory, which the recording does not hold: a replay begins without it"
    far = inbound(recording)
    if far:
        opened = sum(entry["kind"] == "connectionOpened" for entry in recording.entries if entry["number"] in far)
        yield (
            f"far ends are not played: {opened} connections from outside, {len(far)} entries in all, are not repeated, "
            "and certificate re-checks are compared without their counts"
        )
    for entry in recording.entries:
        if entry["kind"] == "login" and not entry["accepted"] and entry["reason"] == "public key not accepted":
            yield f"#{entry['number']}: a public key was refused; no key is offered"
