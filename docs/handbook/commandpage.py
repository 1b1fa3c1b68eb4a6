"""The page of the command line, from the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from sbcsim.__main__ import app

from .table import table

_HEAD = """\
# Command line

Every command with its arguments and options, as `--help` shows them. Exit status 0 is success, 2 a wrong argument or
configuration, 1 anything else.

Made by `make docs` from `sbcsim/__main__.py` and `sbcsim/ctl.py`.
"""

_OWN = {"help", "install_completion", "show_completion"}
"""Options that typer adds by itself."""


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD.rstrip("\n"), *_told("sbcsim", typer.main.get_command(app))]) + "\n"


def _told(words: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - the classes of typer are its own
    inner = getattr(command, "commands", {})
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name not in _OWN]
    usage = [words, *map(_argument, arguments), *(["[OPTIONS]"] if options else []), *(["COMMAND"] if inner else [])]
    yield from ("", f"## `{words}`", "", f"`{' '.join(usage)}`", "", _sentences(command.help))
    if command.epilog:
        yield from ("", _sentences(command.epilog))
    yield from table(("argument", "meaning"), ((f"`{_argument(each)}`", _sentences(each.help)) for each in arguments))
    yield from table(
        ("option", "usual", "meaning"),
        ((f"`{_option(each)}`", _usual(each), _sentences(each.help)) for each in options),
    )
    for name, each in inner.items():
        yield from _told(f"{words} {name}", each)


def _argument(parameter: Any) -> str:  # noqa: ANN401
    word = (parameter.metavar or parameter.name).upper()
    word = f"{word} ..." if parameter.nargs == -1 else word
    return word if parameter.required else f"[{word}]"


def _option(parameter: Any) -> str:  # noqa: ANN401
    usual = parameter.default
    if isinstance(usual, bool):
        return ", ".join(parameter.opts)
    choices = "|".join(str(each.value) for each in type(usual)) if isinstance(usual, Enum) else ""
    return f"{', '.join(parameter.opts)} {parameter.metavar or choices or parameter.name.upper()}"


def _usual(parameter: Any) -> str:  # noqa: ANN401
    value = parameter.default
    value = value.value if isinstance(value, Enum) else value
    return "" if value is None or isinstance(value, bool) or value in {"", ()} else f"`{value}`"


def _sentences(text: str | None) -> str:
    return " ".join((text or "").split())
