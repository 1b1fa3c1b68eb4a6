"""What the CLI prints around a command's own lines: status line, caret, error texts, columns of choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sbcsim.clock import SECOND, Instant, to_datetime
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .parser import Fault, LineError, Start
from .refusal import RefusalError

_PLAIN = {
    Fault.UNKNOWN_ARGUMENT: "syntax.unknown_argument",
    Fault.UNKNOWN_ELEMENT: "syntax.unknown_element",
    Fault.NOT_THERE: "syntax.not_there",
    Fault.INCOMPLETE: "syntax.incomplete",
    Fault.UNTERMINATED: "syntax.unterminated",
}


def stamp(now: Instant) -> str:
    """Return node time as status lines and lists show it: `2026-01-30 10:00:00`."""
    return _stamp(now.calendar // SECOND)


@lru_cache(maxsize=16)
def _stamp(second: int) -> str:
    return to_datetime(second * SECOND).strftime("%Y-%m-%d %H:%M:%S")


def clock_face(now: Instant) -> str:
    """Return node time as it stands above the output of a command: `Jan 30 10:00:00`."""
    return now.datetime().strftime("%b %d %H:%M:%S")


def status_line(now: Instant, *, ok: bool) -> str:
    """Return the line that ends every command."""
    return message("session.ok" if ok else "session.error", time=stamp(now))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands on the screen: behind a prompt, its last part, from `begin` on, perhaps below it."""

    prompt: str = ""
    begin: int = 0

    def column(self, position: int) -> int:
        """Return the column of a character."""
        if self.begin and position >= self.begin:
            return len(message("session.continued")) + position - self.begin
        return len(self.prompt) + position


def explain(error: LineError, start: Start, place: Place) -> list[str]:
    """Return the caret line and what follows it; the caret stands under the offending word on the screen."""
    caret = "-" * place.column(error.position) + "^"
    if error.fault is Fault.UNKNOWN_COMMAND:
        # Behind `run` the verbs are those of operational mode: only that one has "reset".
        mode = Start.OPER if "reset" in error.choices else start
        return [caret, message("syntax.expecting"), *described(helps(error.choices, mode))]
    if error.fault is Fault.AMBIGUOUS:
        alternatives = error.elements or helps(error.choices, start, error.before)
        heading = message("syntax.alternatives", text=error.text)
        return [caret, message("syntax.ambiguous"), heading, *described(alternatives)]
    if error.fault is Fault.BAD_VALUE:
        return [caret, message("syntax.value", problem=error.text)]
    return [caret, message(_PLAIN[error.fault])]


def failure(error: LineError | RefusalError | UserError, start: Start, place: Place) -> list[str]:
    """Return what a command prints that fails, whatever made it fail."""
    if isinstance(error, LineError):
        return explain(error, start, place)
    if isinstance(error, RefusalError):
        return list(error.lines)
    return message("answer.aborted", reason=error.text).split("\n")


def helps(keywords: Iterable[str], start: Start, before: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return keywords with their help; `before` are the keywords typed in front of them, "|" for a bar."""
    table, path = start.value, list(before)
    if path and path[0] in {"run", "top"}:
        table = Start.OPER.value if path.pop(0) == "run" else table
    if path and path[0] == "|":
        table, path = "pipe", path[1:]
    verb = f"{path[0]} " if path else ""
    return [(keyword, message(f"help.{table}.{verb}{keyword}")) for keyword in keywords]


def described(choices: Iterable[tuple[str, str]]) -> list[str]:
    """Return one line for each choice: two blanks, the name padded to the longest, its help."""
    pairs = list(choices)
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"  {name:<{width}} - {help_text}" if help_text else f"  {name}" for name, help_text in pairs]


def side_by_side(choices: Sequence[str]) -> str:
    """Return values in one line: two blanks in front of each."""
    return "".join(f"  {choice}" for choice in choices)
