"""The session itself: `set <property>`, `show cli`, `show history`, `show users`, `reset`."""

from __future__ import annotations

from collections import deque

from sbcsim.cli.parser import Argument, Call, Fault, LineError
from sbcsim.cli.shell import Output, Shell, Terminal
from sbcsim.cli.tables import columns
from sbcsim.clock import to_datetime
from sbcsim.device.sessions import LoginSession
from sbcsim.grammar import message

from .command import Command

_NUMBERS = frozenset({"display-level", "history", "idle-timeout", "screen-length", "screen-width"})
_LEAST = {"display-level": 1}
_LONGEST_NUMBER = 9
_MOST_HISTORY = 10_000


def start_values(terminal: Terminal | None) -> dict[str, str]:
    """Return the properties of a new session in the order of `show cli`."""
    return {
        "autowizard": "true",
        "complete-on-space": "true",
        "display-level": "99999999",
        "history": "100",
        "idle-timeout": "1800",
        "ignore-leading-space": "false",
        "output-file": "terminal",
        "paginate": "true",
        "prompt1": r"\u@\h\M> ",
        "prompt2": r"\u@\h\M% ",
        **screen_values(terminal),
        "show-defaults": "false",
        "terminal": terminal.kind if terminal else "generic",
        "timestamp": "disable",
    }


def screen_values(terminal: Terminal | None) -> dict[str, str]:
    """Return the properties that follow the screen as long as the user does not set them."""
    width, height = (terminal.width, terminal.height) if terminal else (0, 0)
    return {"screen-length": str(height), "screen-width": str(width)}


def set_property(shell: Shell, call: Call) -> Output:
    """Set a property of this session."""
    name = call.options[0].name
    argument = call.arguments[0]
    value = argument.word.text
    wanted = _in_range(name, argument) if name in _NUMBERS else _truth(value)
    if wanted is None:
        raise LineError(Fault.BAD_VALUE, argument.start, text=message("value.invalid", value=value))
    if name == "timestamp":
        wanted = "enable" if wanted == "true" else "disable"
    shell.properties[name] = wanted
    if name == "idle-timeout":
        shell.idle_seconds = int(wanted)
    shell.chosen.add(name)
    if name == "history":
        shell.history = deque(shell.history, maxlen=min(int(wanted), _MOST_HISTORY))
    return Output()


def show_cli(shell: Shell, _: Call) -> Output:
    """List the properties."""
    width = max(map(len, shell.properties))
    return Output(tuple(f"{name:<{width}} {value}" for name, value in shell.properties.items()))


def show_history(shell: Shell, call: Call) -> Output:
    """List the commands of this session, or the last few."""
    entries = list(shell.history)
    if call.arguments:
        wanted = _number(call.arguments[0].word.text)
        if wanted is None:
            raise LineError(Fault.UNKNOWN_ARGUMENT, call.arguments[0].start)
        entries = entries[max(len(entries) - int(wanted), 0) :]
    return Output(
        tuple(
            message("answer.history", time=at.datetime().strftime("%m-%d %H:%M:%S"), line=line) for at, line in entries
        )
    )


def show_users(shell: Shell, _: Call) -> Output:
    """List who is logged in; the own session carries a star."""
    head = ("SID", "USER", "CTX", "FROM", "PROTO  ", "LOGIN   ", "CONFIG MODE")
    rows = [_user_row(session, own=session.id == shell.author.session) for session in shell.box.sessions]
    return Output(tuple(columns(head, rows)))


def reset(_: Shell, __: Call) -> Output:
    """Reset the terminal: nothing that could be seen."""
    return Output()


def _user_row(session: LoginSession, *, own: bool) -> tuple[str, ...]:
    author = session.author
    return (
        f"{'*' if own else ' '}{session.id}",
        author.user,
        author.context,
        author.remote,
        author.protocol,
        to_datetime(author.since).strftime("%H:%M:%S"),
        session.mode,
    )


def _in_range(name: str, argument: Argument) -> str | None:
    """Return a number that a property may have, None for what is no number; raises LineError for any other."""
    text = argument.word.text
    wanted = _number(text)
    if wanted is None and not (text.isascii() and text.removeprefix("-").isdecimal()):
        return None
    if wanted is None or int(wanted) < _LEAST.get(name, 0):
        raise LineError(Fault.BAD_VALUE, argument.start, text=message("value.range", value=text))
    return wanted


def _number(text: str) -> str | None:
    fits = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return str(int(text)) if fits else None


def _truth(text: str) -> str | None:
    found = [word for word in ("true", "false") if text and word.startswith(text)]
    return found[0] if found else None


COMMANDS = (
    Command("set_property", ("set",), set_property),
    Command("show_cli", ("show", "cli"), show_cli),
    Command("show_history", ("show", "history"), show_history),
    Command("show_users", ("show", "users"), show_users),
    Command("reset", ("reset",), reset),
)
