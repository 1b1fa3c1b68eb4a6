"""What a session is made of: the box it is on, who types, the mode, the candidate and the levels."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sbcsim.clock import Instant
from sbcsim.config.document import Document
from sbcsim.config.transaction import Author, Candidate, Database
from sbcsim.config.tree import Tree
from sbcsim.device.faults import Faults
from sbcsim.device.files import VirtualFiles
from sbcsim.device.sessions import LoginSession, Sessions
from sbcsim.device.users import Users
from sbcsim.errors import BugError
from sbcsim.journal import Journal
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value

from .grid import Grid
from .modes import Mode

DEFAULT_HISTORY = 100


class Box(Protocol):
    """What a session needs of the simulated SBC."""

    @property
    def schema(self) -> Node:
        """The model."""

    @property
    def database(self) -> Database:
        """The configuration."""

    @property
    def system_name(self) -> str:
        """The name that prompts show."""

    @property
    def journal(self) -> Journal:
        """Where every typed line is recorded."""

    @property
    def users(self) -> Users:
        """Who may log in."""

    @property
    def sessions(self) -> Sessions:
        """Who is logged in."""

    @property
    def files(self) -> VirtualFiles:
        """The files of the box."""

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""

    def rows(self, path: Path) -> Sequence[Mapping[str, Value]]:
        """Return the operational data of a list (path without its key) or a container."""

    def request_work(self, path: Path, action: str, inputs: Mapping[str, Value]) -> Callable[[], None] | None:
        """Return slow, pure work worth doing before an action is run, None if there is none."""

    def request(
        self, path: Path, action: str, inputs: Mapping[str, Value], author: Author, now: Instant
    ) -> Sequence[tuple[str, Value]]:
        """Run an action and return its output leaves."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The user's screen; a height of 0 is one of unknown size, `kind` the name of its type.

    `keys` says that whoever drives the session can hand over single keys (`Session.key`), which paging needs.
    """

    width: int
    height: int
    keys: bool = False
    kind: str = "xterm"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question a command puts to the user; the answer is the next line.

    A hidden answer is not shown; with a mask, that stands on the screen for each of its characters. With `lines` the
    answer goes on, over as many lines as there are, up to the end of the input (Ctrl-D).
    """

    prompt: str
    hidden: bool = False
    mask: str = ""
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """A wait for somebody else: until `watch` calls what it is given, at most for so many real seconds.

    `watch` returns what ends the watching. Whoever cannot wait goes on at once.
    """

    seconds: float
    watch: Callable[[Callable[[], None]], Callable[[], None]]


@dataclass(frozen=True, slots=True)
class Work:
    """Slow pure work that a command waits for, or what takes its time elsewhere."""

    run: Callable[[], None]
    patience: Patience | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A place in the middle of much work where others may have their turn."""


class View(Protocol):
    """What a command shows before it is text: pipes such as `display set` decide on its form."""

    def lines(self, *, details: bool) -> Iterator[str]:
        """Yield it in its own form; with `details`, defaults too."""

    def document(self, *, details: bool) -> Document:
        """Return it as a document, which every other form is made from."""

    def grid(self) -> Grid | None:
        """Return the cells of its table, None where there is none."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command prints, before its pipes: lines, or a view that a pipe may still turn into another form.

    `levels` limits how deep a view is shown. With `file` the output goes there instead of the screen.
    """

    lines: tuple[str, ...] = ()
    view: View | None = None
    levels: int | None = None
    file: str | None = None


Step = Ask | Work | Pause
Steps = Generator[Step, str, Output]
"""A command that asks or works on the way: it yields questions and work, is sent the answers, returns its output."""


Performed = Generator[Step, str, tuple[list[str], bool]]


def _no_performer(_: str) -> Performed:
    raise BugError("this session cannot run lines on behalf of a command")


@dataclass(slots=True)
class Shell:
    """The state of one session that commands read and change."""

    box: Box
    author: Author
    screen: Terminal | None
    """What the user sees, None without a terminal."""
    now: Instant
    properties: dict[str, str]
    """The CLI properties, as `show cli` lists them."""
    login: LoginSession | None
    """The login behind the session, None where nobody logged in to it."""
    chosen: set[str] = field(default_factory=set)
    """The properties that the user has set."""
    mode: Mode = Mode.OPERATIONAL
    candidate: Candidate | None = None
    level: Path = ()
    """Where `edit` stands."""
    view_path: Path = ()
    """Where `set-path` stands."""
    history: deque[tuple[Instant, str]] = field(default_factory=lambda: deque(maxlen=DEFAULT_HISTORY))
    exit_status: int | None = None
    """Set by the command that ends the session."""
    idle_seconds: int = 0
    """After how long without input the user wants the session closed, 0 for no wish."""
    unasked: bool = False
    """The user wants no questions: everything counts as confirmed."""
    scripted: bool = False
    """The commands are those of an exec request."""
    works: int = 0
    """How often a command has waited for work so far."""
    sources: int = 0
    """How many files are being sourced, one from the other."""
    perform: Callable[[str], Performed] = _no_performer
    """Runs one more line in the middle of a command; its result is what it printed, and whether it succeeded."""

    @property
    def running(self) -> Tree:
        """The running configuration."""
        return self.box.database.running

    @property
    def terminal(self) -> Terminal | None:
        """The terminal that a command meets, None without one; commands in a file run as if there were none."""
        return None if self.sources else self.screen

    @property
    def asks(self) -> bool:
        """Questions are put to the user; elsewhere everything counts as confirmed."""
        return self.terminal is not None and not self.unasked

    @property
    def reads(self) -> bool:
        """What follows a command can be read as its input; not where commands stand in a file or an exec request."""
        return not (self.sources or self.scripted)

    @property
    def prompt(self) -> str:
        """The prompt of the mode, "" without a terminal."""
        return self.mode.prompt(self.author.user, self.box.system_name) if self.terminal else ""

    @property
    def over(self) -> bool:
        """Nothing more is done in this session: it has been left, or ended by the box."""
        return self.exit_status is not None or (self.login is not None and self.login.over)

    @property
    def draft(self) -> Candidate:
        """The candidate of configure mode, where every command of that mode finds one."""
        assert self.candidate is not None
        return self.candidate

    def enter_configure(self, *, exclusive: bool) -> None:
        """Open a candidate and go to configure mode; raises LockedError where somebody else has the lock."""
        self.candidate = self.box.database.open(self.author, exclusive=exclusive)
        self.mode = Mode.CONFIGURE
        self._tell_mode("exclusive" if exclusive else "private")

    def leave_configure(self) -> None:
        """Close the candidate and go back to operational mode."""
        if self.candidate is not None:
            self.box.database.close(self.candidate)
        self.candidate = None
        self.level = ()
        self.mode = Mode.OPERATIONAL
        self._tell_mode("")

    def _tell_mode(self, mode: str) -> None:
        """Let `show users` know; a session that nobody logged in to is not listed there."""
        if self.login is not None:
            self.login.mode = mode
