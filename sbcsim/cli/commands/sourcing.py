"""`source`: commands from a file."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.cli.home import read_text
from sbcsim.cli.lexer import continues
from sbcsim.cli.parser import Call
from sbcsim.cli.refusal import InterruptError, RefusalError
from sbcsim.cli.shell import Output, Pause, Shell, Steps
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .command import Command

_AT_ONCE = 25
"""Commands between two looks at what others want; one that has taken its time is followed by a look, too."""
_DEEPEST = 8
"""Files that may be sourced by one another."""


def source(shell: Shell, call: Call) -> Steps:
    """Run the commands of a file as if typed without a terminal, up to the first that fails."""
    name = call.arguments[0].word.text
    text = read_text(shell, name)
    if shell.sources >= _DEEPEST:
        raise UserError(message("answer.source_depth"))
    printed: list[str] = []
    shell.sources += 1
    try:
        for number, (line, command) in enumerate(_commands(text), 1):
            works = shell.works
            lines, ok = yield from shell.perform(command)
            printed += lines
            if not ok:
                raise RefusalError(*printed, message("answer.error_at", file=name, line=line))
            if shell.over:
                break
            if number % _AT_ONCE == 0 or shell.works > works:
                yield Pause()
    except InterruptError as interrupt:
        raise RefusalError(*printed, message("answer.aborted", reason=interrupt.text)) from None
    finally:
        shell.sources -= 1
    return Output(tuple(printed))


def _commands(text: str) -> Iterator[tuple[int, str]]:
    """Yield the commands with the line they begin in.

    A backslash at the end of a line joins it to the next; a comment may go on over several lines.
    """
    begun, joined, inside = 0, "", False
    lines = text.split("\n")
    last_end = max((number for number, line in enumerate(lines, 1) if "*/" in line), default=0)
    for number, ended in enumerate(lines, 1):
        line = ended.removesuffix("\r")
        if inside or (not joined and line.lstrip().startswith("/*") and "*/" not in line and number < last_end):
            before, end, line = line.partition("*/")
            inside = not end
            line = " " * len(before + end) + line
        begun = begun if joined else number
        if continues(line):
            joined += line[:-1]
            continue
        yield begun, joined + line
        joined = ""
    if joined:
        yield begun, joined


COMMANDS = (Command("source", ("source",), source),)
