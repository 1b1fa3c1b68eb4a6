"""TAB, `?` and Space: the line completed, or what may follow its beginning."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.grammar import message

from .choices import Choices, choices
from .lexer import UnterminatedStringError, scan_word
from .parser import LineError
from .shell import Shell


@dataclass(frozen=True, slots=True)
class Completion:
    """The line as it shall stand now, and what to print above it, "" if nothing."""

    line: str
    text: str = ""


def completed(shell: Shell, line: str, *, listing: bool) -> Completion:
    """Complete the last word of a line, or list what could stand there: nothing at all is an answer, too."""
    start = 0
    try:
        start = _last_word(line)
        found = choices(shell, line[:start], line[start:])
    except (LineError, UnterminatedStringError):
        found = Choices()
    words = found.words
    if not listing and words:
        if len(words) == 1:
            return Completion(f"{line[:start]}{words[0]} ")
        common = found.common
        if len(common) > len(line) - start:
            return Completion(line[:start] + common)
    lines = list(found.lines())
    return Completion(line, "\n".join([message("answer.completions"), *lines, ""]) if lines or listing else "")


def spaced(shell: Shell, line: str) -> Completion:
    """Add the Space that was typed behind a line: it writes out an abbreviation, a second one lists the choices."""
    if line[-1:] == " ":
        return completed(shell, line, listing=True)
    start = 0
    try:
        start = _last_word(line)
        word = line[start:]
        named = choices(shell, line[:start], word).named if word else ()
    except (LineError, UnterminatedStringError):
        named = ()
    if len(named) == 1:
        return Completion(f"{line[:start]}{named[0][0]} ")
    return Completion(f"{line} ")


def in_quotes(line: str) -> bool:
    """Tell whether a line ends inside a quoted string."""
    try:
        _last_word(line)
    except UnterminatedStringError:
        return True
    return False


def _last_word(line: str) -> int:
    """Return where the word that ends the line begins, the line's end where it ends in a blank or bar."""
    start = at = 0
    while at < len(line):
        if line[at] in " \t\r\n\f\v|":
            at += 1
            start = at
        else:
            start = at
            _, _, at = scan_word(line, at)
    return start
