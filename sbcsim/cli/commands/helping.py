"""`help`."""

from __future__ import annotations

from sbcsim.cli.output import helps
from sbcsim.cli.parser import Call, Fault, LineError, verbs
from sbcsim.cli.shell import Output, Shell
from sbcsim.grammar import message

from .command import Command, Words


def help_(shell: Shell, call: Call) -> Output:
    """Show the help of one command, or of every command of the mode."""
    start = shell.mode.start
    known = dict(helps(verbs(start), start))
    if not call.arguments:
        wanted = list(known)
    else:
        argument = call.arguments[0]
        text = argument.word.text
        wanted = [text] if text in known else [name for name in known if name.startswith(text)]
        if len(wanted) != 1:
            fault = Fault.AMBIGUOUS if wanted else Fault.UNKNOWN_ARGUMENT
            raise LineError(fault, argument.start, text=text, choices=tuple(wanted))
        if len(call.arguments) > 1:
            raise LineError(Fault.UNKNOWN_ARGUMENT, call.arguments[1].start)
    return Output(tuple(line for name in wanted for line in (message("answer.help", command=name), known[name])))


COMMANDS = (Command("help", ("help",), help_, Words.COMMAND),)
