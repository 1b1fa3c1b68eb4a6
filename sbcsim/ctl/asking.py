"""How `sbcsim ctl` reaches the control API, and how it ends where that refuses."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from sbcsim.errors import SbcsimError

if TYPE_CHECKING:
    from sbcsim.net.ctl import ControlClient

DEFAULT_URL = "http://127.0.0.1:10080"
TOKEN = "SBCSIM_CONTROL_TOKEN"  # noqa: S105 - the name of the variable that holds it
URL = "SBCSIM_CONTROL_URL"


@contextmanager
def asked(url: str) -> Iterator[ControlClient]:
    """Have a client for a simulator; the program ends where that cannot be reached or refuses."""
    from sbcsim.net.ctl import ControlClient  # noqa: PLC0415 - slow

    try:
        yield ControlClient(url, os.environ.get(TOKEN, ""))
    except SbcsimError as error:
        fail(str(error), 1)


def pairs(filters: Iterable[str] | None) -> list[tuple[str, str]]:
    """Return filters such as `direction=inbound` as name and value."""
    found = []
    for text in filters or ():
        name, equals, value = text.partition("=")
        if not equals:
            fail(f'"{text}" is not a filter such as direction=inbound', 2)
        found.append((name, value))
    return found


def fail(text: str, code: int) -> NoReturn:
    """End the program with a word about what is wrong."""
    typer.echo(f"sbcsim: {text}", err=True)
    raise typer.Exit(code)
