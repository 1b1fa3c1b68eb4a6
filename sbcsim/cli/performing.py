"""Commands on their way: the one that is not finished, and the lines that another one runs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from sbcsim.errors import UserError
from sbcsim.events import CliLine
from sbcsim.grammar import message

from .commands import execute
from .lexer import uncommented
from .modes import Mode
from .output import Place, failure, status_line
from .pager import Batches, Pager
from .parser import LineError, parse
from .pipes import Pipeline, pipeline
from .redaction import redact
from .refusal import RefusalError
from .shell import Ask, Pause, Performed, Shell, Step

LONGEST_LINE = 65_536
"""Characters in one line, continued lines included; more is refused unread."""


@dataclass(slots=True)
class Running:
    """A command that is not finished: where it stands, its line without secrets, what becomes of its output."""

    steps: Generator[Step, str, Batches]
    cleaned: str
    mode: Mode
    place: Place
    pipeline: Pipeline
    head: list[str] = field(default_factory=list)  # what stands above its output, until that begins
    working: bool = False
    waiting: bool = False  # what it works at is a wait for somebody else
    interrupted: bool = False  # the wait has been cut short by Ctrl-C
    paused: bool = False
    input: list[str] | None = None  # the lines of an answer that goes on until the end of the input
    output: Pager | None = None
    ok: bool = True
    recorded: bool = False
    asked: Ask | None = None  # the question that waits for its answer
    answers: list[str] = field(default_factory=list)  # those given so far, without secrets

    def take_head(self) -> list[str]:
        """Return what has to be printed before anything else, once."""
        head, self.head = self.head, []
        return head


def nothing() -> Generator[Step, str, Batches]:
    """Return the steps of a line that did not become a command."""
    yield from ()
    return iter(())


def perform(shell: Shell, text: str) -> Performed:
    """Run one line that a command found in a file; what it prints and its status line are the result."""
    mode = shell.mode
    line = uncommented(text)
    if not line.strip():
        return [], True
    cleaned = redact(text.strip()[:LONGEST_LINE], shell.box.schema)
    ok = False
    try:
        if len(text) > LONGEST_LINE:
            raise UserError(message("session.line_too_long"))
        call = parse(line, mode.start)
        pipes = pipeline(call, mode.start)
        lines: list[str] = []
        for number, batch in enumerate((yield from pipes.batches(execute(shell, call), shell))):
            if number:  # what changes anything says so in one batch, and is not told to be interrupted any more
                yield Pause()
            lines += batch
        ok = True
    except (LineError, RefusalError, UserError) as error:
        lines = failure(error, mode.start, Place())
    record(shell, cleaned, mode, ok=ok)
    return [*lines, status_line(shell.now, ok=ok)], ok


def record(shell: Shell, cleaned: str, mode: Mode, *, ok: bool, answers: Sequence[str] = ()) -> None:
    """Have the journal take note of a line and what its questions were answered, which hold no secret any more."""
    author = shell.author
    event = CliLine(author.user, author.session, mode.name.lower(), cleaned, ok, author.remote, tuple(answers))
    shell.box.journal.add(shell.now, event)
