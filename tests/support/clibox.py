"""A box for tests of the command line: the real model and configuration, tables that a test fills in, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sbcsim.cli.session import Reply, Session, Terminal
from sbcsim.clock import SECOND, Instant, from_rfc3339
from sbcsim.config.transaction import Author, Database, Proposal
from sbcsim.device.faults import Faults
from sbcsim.device.files import VirtualFiles
from sbcsim.device.sessions import Sessions
from sbcsim.device.users import Users
from sbcsim.journal import Journal
from sbcsim.schema.load import load
from sbcsim.schema.node import Path
from sbcsim.schema.types import Value

START = Instant(0, from_rfc3339("2026-01-30T10:00:00Z"))
SCREEN = Terminal(80, 0)


class FakeBox:
    """Fulfils `Box`; `tables` are the rows by path, `answers` the results of actions."""

    def __init__(self) -> None:
        self.schema = load()
        self.database = Database(self.schema)
        self.system_name = "SBC1"
        self.journal = Journal()
        self.faults = Faults(self.journal, 0)
        self.files = VirtualFiles(START)
        self.users = Users()
        self.users.add("admin", "admin")
        self.sessions = Sessions(lambda _user: 100)
        self.tables: dict[Path, Sequence[Mapping[str, Value]]] = {}
        self.answers: dict[str, Sequence[tuple[str, Value]]] = {}
        self.works: dict[str, Callable[[], None]] = {}
        self.requests: list[tuple[Path, str, Mapping[str, Value]]] = []

    def rows(self, path: Path) -> Sequence[Mapping[str, Value]]:
        return self.tables.get(path, ())

    def request_work(self, path: Path, action: str, inputs: Mapping[str, Value]) -> Callable[[], None] | None:
        return self.works.get(action)

    def request(
        self, path: Path, action: str, inputs: Mapping[str, Value], author: Author, now: Instant
    ) -> Sequence[tuple[str, Value]]:
        self.requests.append((path, action, inputs))
        return self.answers.get(action, ())

    def login(
        self, remote: str = "192.0.2.7", *, since: Instant = START, context: str = "cli", user: str = "admin"
    ) -> Author:
        return self.sessions.open(user, since, context=context, remote=remote).author

    def session(
        self, terminal: Terminal | None = SCREEN, *, author: Author | None = None, now: Instant = START
    ) -> Session:
        return Session(self, author or self.login(), terminal, now)


class Typist:
    """Types lines into a session and runs the work it asks for; `screen` is what a terminal would show."""

    def __init__(self, session: Session, now: Instant = START) -> None:
        self.session = session
        self.now = now
        self.screen = ""
        self.prompt = ""
        self.show(session.start(now))

    def show(self, reply: Reply) -> Reply:
        while True:
            self.screen += reply.text
            if reply.work is not None:
                reply.work()
                reply = self.session.resume(self.now)
            elif reply.more:
                reply = self.session.more(self.now)
            else:
                break
        self.screen += reply.prompt
        self.prompt = reply.prompt
        return reply

    def type(self, line: str, *, echo: bool = True) -> Reply:
        self.screen += (line if echo else "") + "\n"
        return self.show(self.session.line(line, self.now))

    def answer(self, line: str) -> str:
        """Type a line and return what it printed, without prompt and status line."""
        before = len(self.screen) + len(line) + 1
        reply = self.type(line)
        text = self.screen[before : len(self.screen) - len(reply.prompt)]
        return "".join(each for each in text.splitlines(keepends=True) if not each.startswith(("[ok][", "[error][")))

    def later(self, seconds: int) -> None:
        self.now = Instant(self.now.uptime + seconds * SECOND, self.now.calendar + seconds * SECOND)


class Refusing:
    """A subscriber that does as it is told."""

    def __init__(
        self,
        work: Callable[[], None] | None = None,
        veto: Callable[[Proposal], None] | None = None,
    ) -> None:
        self.work = work
        self.veto = veto

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        return self.work

    def validate(self, proposal: Proposal) -> None:
        if self.veto is not None:
            self.veto(proposal)

    def prepare(self, proposal: Proposal) -> None:
        """Nothing to take."""

    def abandon(self, proposal: Proposal) -> None:
        """Nothing to give back."""

    def apply(self, proposal: Proposal, record: object) -> None:
        """Nothing to do."""

    def awaits(self, pending: object, now: Instant) -> None:
        """Nothing to watch."""

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Nothing to note."""
