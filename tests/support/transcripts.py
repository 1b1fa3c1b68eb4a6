"""Golden transcripts: what a user sees, to the letter; only the times of status lines are left out.

A transcript is a TOML file in `tests/transcripts`. Its screen begins behind a prompt (or with the login), and what
stands behind a prompt or a question on it is typed. A `?` at the end of a line is the key, a `^C` too, and an empty
answer to `> ` is Ctrl-D. What cannot be seen is in `unseen`, what looks different from what was typed in `keys`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from clibox import Typist

from sbcsim.cli.edits import apply, edits_of
from sbcsim.cli.parser import Start, parse
from sbcsim.cli.session import Session, Terminal
from sbcsim.clock import from_rfc3339
from sbcsim.config.transaction import SYSTEM, Database
from sbcsim.config.tree import Tree
from sbcsim.device.sbc import Sbc
from sbcsim.device.settings import Settings, chosen
from sbcsim.net.startfiles import factory
from sbcsim.pki.mint import Authority
from sbcsim.schema.load import load

FOLDER = Path(__file__).parents[1] / "transcripts"
START = "2026-01-30T10:00:00Z"
PASSWORD = "Trust-me-1"
FAR_END = "192.0.2.7"
"""Where the user of every transcript sits."""

_STOP = re.compile(
    r"^(\w+@SBC1[>%] |> |.*\[[\w-]+(?:,[\w-]+)+\]:? |.*\(<[\w ]+>\): |(?:Ent|Re-ent)er \w+ password: |--More--)(.*)$",
    re.MULTILINE,
)
_HIDDEN = re.compile(r"(?:password: |<AES encrypted string>\): )$")
_TIME = re.compile(r"^(\[(?:ok|error)\])\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]$", re.MULTILINE)
WAITING = re.compile(_STOP.pattern.replace("(.*)$", r"\Z"), re.MULTILINE)
"""The end of a screen where something can be typed."""


class Stroke(NamedTuple):
    """What is typed at one place: the keys, the line that they make, what the screen shows of it.

    `end` says what follows, where that is not Enter: `list` for `?`, `interrupt` for Ctrl-C, `page` for nothing (one
    key while output waits), `input` for Ctrl-D.
    """

    typed: str
    line: str
    shown: str
    end: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of the screen. Before it appears the clock is moved, and somebody else commits."""

    screen: str
    advance: str = ""
    committed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else who is logged in."""

    remote: str
    since: str
    context: str = "cli"
    mode: str = ""


@dataclass(frozen=True)
class Transcript:
    """One file.

    `start` are set lines of a configuration that is there already, whatever a commit would say to it; `typed` are
    lines typed before the screen begins, `committed` those that somebody else commits then. `files` are in the user's
    home; of `certificates` each has the pass phrase `example-pp`. `others` are numbers of sessions that have ended.
    """

    name: str
    caption: str
    sure: str
    mode: str
    scenes: tuple[Scene, ...]
    start: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    committed: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    certificates: tuple[str, ...] = ()
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    user: str = "admin"
    settings: tuple[str, ...] = ()
    logins: tuple[Other, ...] = ()
    others: int = 0
    since: str = START
    height: int = 0
    sent: str | None = None
    ended: int | None = None

    @property
    def screen(self) -> str:
        """The whole screen."""
        return "".join(scene.screen for scene in self.scenes)

    @property
    def alone(self) -> bool:
        """Everything on the screen follows what is typed line by line."""
        return len(self.scenes) == 1 and self.mode != "login" and self.sent is None

    @property
    def prepared(self) -> tuple[str, ...]:
        """What is typed before the screen begins."""
        return (*(["configure"] if self.mode == "configure" else []), *self.typed)

    @property
    def chosen(self) -> Settings:
        """The settings of the box."""
        return chosen(self.settings)

    def strokes(self) -> Iterator[list[Stroke]]:
        """Yield what is typed in each scene."""
        unseen = iter(self.unseen)
        for scene in self.scenes:
            stops = _STOP.findall(scene.screen)
            if WAITING.search(scene.screen):
                stops.pop()
            yield [self._stroke(prompt, shown, unseen) for prompt, shown in stops]

    def _stroke(self, prompt: str, shown: str, unseen: Iterator[str]) -> Stroke:
        if prompt == "--More--":
            key = next(unseen)
            return Stroke(key, key, "", "page")
        if _HIDDEN.search(prompt):
            secret = next(unseen)
            return Stroke(secret, secret, shown)
        if prompt == "> " and not shown:
            return Stroke("\x04", "", "", "input")
        if shown.endswith("^C"):
            line = shown.removesuffix("^C")
            return Stroke(f"{line}\x03", line, line, "interrupt")
        if shown.endswith("?"):
            return Stroke(shown, shown[:-1], shown, "list")
        return Stroke(self.keys.get(shown, shown), shown, shown)


def read(file: Path) -> Transcript:
    """Return the transcript in a file; raises TypeError where it has what no transcript has."""
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    first = {key: data.pop(key) for key in ("screen",)}
    scenes = [Scene(**first), *(Scene(**each) for each in data.pop("then", ()))]
    logins = tuple(Other(**each) for each in data.pop("logins", ()))
    return Transcript(name=file.stem, scenes=tuple(scenes), logins=logins, **data)


TRANSCRIPTS = [read(file) for file in sorted(FOLDER.glob("*.toml"))]


def without_times(screen: str) -> str:
    """Return a screen with the times of its status lines left out."""
    return _TIME.sub(r"\1[TIME]", screen)


def configuration(case: Transcript) -> Tree:
    """Return the factory configuration with what a transcript has at its start."""
    draft = Database(load(), factory()).open(SYSTEM)
    for line in case.start:
        for edit in edits_of(draft.tree.schema, parse(line, Start.CONF)):
            apply(draft, edit)
    return draft.tree


@cache
def own_certificate() -> bytes:
    """Return a PKCS#12 file that is the same to look at in every run."""
    authority = Authority("Example CA", not_before="2025-01-01T00:00:00Z", not_after="2035-01-01T00:00:00Z")
    issued = authority.issue("sbc.example.com", not_before="2026-01-01T00:00:00Z", not_after="2027-03-01T12:00:00Z")
    return issued.pkcs12("example-pp")


def certificates(case: Transcript) -> dict[str, bytes]:
    """Return the certificate files of a transcript."""
    return dict.fromkeys(case.certificates, own_certificate())


def furnish(sbc: Sbc, case: Transcript) -> None:
    """Give a box the users, files, rows and sessions of a transcript."""
    if sbc.users.get("admin") is None:
        sbc.users.begin("admin", "admin")
    for name, group in case.users.items():
        sbc.users.add(name, PASSWORD, group=group)
    account, now = sbc.users.get(case.user), sbc.clock.reading()
    assert account is not None
    home = sbc.files.make_home(account, now)
    for name, text in case.files.items():
        sbc.files.write(f"{home}/{name}", text.encode(), now)
    own, rows = sbc.rows, {tuple(path.split()): rows for path, rows in case.rows.items()}
    sbc.rows = lambda path: rows[path] if path in rows else own(path)
    for _ in range(case.others):
        sbc.sessions.close(sbc.sessions.open("admin", now, context="cli", remote="").id)
    for other in case.logins:
        since = type(now)(0, from_rfc3339(other.since))
        login = sbc.sessions.open("admin", since, context=other.context, remote=other.remote)
        login.mode = other.mode
        if other.mode:
            sbc.database.open(login.author, exclusive=other.mode == "exclusive")


def commit_elsewhere(sbc: Sbc, lines: Sequence[str]) -> None:
    """Have somebody else commit some lines."""
    now = sbc.clock.reading()
    login = sbc.sessions.open("admin", now, context="cli", remote="192.0.2.9")
    other = Typist(Session(sbc, login.author, Terminal(80, 0), now), now)
    for line in ("configure", *lines, "commit", "exit"):
        assert other.type(line).ok, other.screen
    sbc.sessions.close(login.id)
