"""What `sbcsim ctl` prints: JSON, tables, or journal entries in lines; once, or again whenever something changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from .asking import asked
from .watching import changes

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sbcsim.net.ctl import ControlClient

WIDE = 240
"""Columns of a table that nobody watches on a terminal: wide enough for `grep`."""
WIDEST = 10_000
"""Columns that no table needs."""


def show(answer: Any, as_json: bool, view: str = "") -> None:  # noqa: ANN401 - JSON
    """Print an answer: as JSON, or as `view`, which names a table of `sbcsim.control.tables` or `journal_line`."""
    if as_json:
        typer.echo(json.dumps(answer), nl=True)
    elif view == "journal_line":
        from sbcsim.control.text import journal_line  # noqa: PLC0415

        for entry in answer:
            typer.echo(journal_line(entry))
    elif not answer:
        typer.echo("none")
    else:
        console = _console()
        console.print(_table(console, answer, view))


def reading(url: str, read: Callable[[ControlClient], Any], as_json: bool, view: str, *, watch: bool = False) -> None:
    """Print what is read from a simulator; to `watch` is to go on, and to print it again when it has changed.

    On a terminal the screen is drawn anew; what it showed last is left there in the end, which is Ctrl-C.
    """
    with asked(url) as client:
        if not watch:
            show(read(client), as_json, view)
            return
        with suppress(KeyboardInterrupt):  # it may come while something is printed
            _watch(client, read, as_json, view)


def _watch(client: ControlClient, read: Callable[[ControlClient], Any], as_json: bool, view: str) -> None:
    if as_json or not sys.stdout.isatty():
        for number, answer in enumerate(changes(client, read)):
            if number and not as_json:
                typer.echo()
            show(answer, as_json, view)
            sys.stdout.flush()
    else:
        _draw(client, read, view)


def _draw(client: ControlClient, read: Callable[[ControlClient], Any], view: str) -> None:
    console = _console()
    last: Any = None
    try:
        with console.screen(hide_cursor=True) as screen:
            for last in changes(client, read):
                screen.update(_table(console, last, view) if last else "none")
    finally:
        if last is not None:
            show(last, as_json=False, view=view)


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415 - slow

    return Console(width=None if sys.stdout.isatty() else WIDE)


def _table(console: Console, answer: Any, view: str) -> RenderableType:  # noqa: ANN401 - JSON
    from sbcsim.control import tables  # noqa: PLC0415 - slow

    table = getattr(tables, view)(answer)
    needed = console.measure(table, options=console.options.update_width(WIDEST)).maximum
    fits = needed <= console.width or not table.show_header
    upright: RenderableType = table if fits else tables.upright(table)
    return upright
