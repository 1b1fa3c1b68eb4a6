"""What the shell offers behind TAB: names from the running simulator; silently nothing where none runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer

from sbcsim.errors import SbcsimError

from .asking import DEFAULT_URL, TOKEN, URL

PATIENCE = 1.0
"""Host seconds that somebody who pressed TAB waits at most."""

Offer = Callable[[typer.Context, str], list[str]]
"""Returns what may stand where an incomplete word stands."""

_HELD: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "certificate": lambda row: (row.get("localCertificate") or {}).get("name"),
    "serial": lambda row: (row.get("localCertificate") or {}).get("serial"),
    "remote": lambda row: row["remote"][0],
}
"""Filters of connections that are called otherwise than what they look at."""


def connections(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the numbers of the live connections."""
    return _fitting((str(row["id"]) for row in _ask(context, "/v1/connections")), incomplete)


def faults(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the numbers of the faults that are set."""
    return _fitting((str(row["id"]) for row in _ask(context, "/v1/faults")), incomplete)


def points(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the places that can go wrong."""
    return _fitting((row["name"] for row in _ask(context, "/v1/faults/points")), incomplete)


def snapshots(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the names of the snapshots."""
    return _fitting((row["name"] for row in _ask(context, "/v1/snapshots")), incomplete)


def port_part(name: str) -> Offer:
    """Return what offers a part of the place of a sipSigPort: its addressContext, zone or number."""
    parts = {"context": "addressContext", "zone": "zone", "port": "sipSigPort"}

    def offer(context: typer.Context, incomplete: str) -> list[str]:
        rows = [row for status in _ask(context, "/v1/status") for row in status["ports"]["sip"]]
        before = list(parts)[: list(parts).index(name)]
        given = {parts[part]: context.params.get(part) for part in before}
        here = (row for row in rows if all(value in {None, str(row[key])} for key, value in given.items()))
        return _fitting((str(row[parts[name]]) for row in here), incomplete)

    return offer


def filters(path: str) -> Offer:
    """Return what offers the filters of a path as NAME=, and behind that their values."""

    def offer(context: typer.Context, incomplete: str) -> list[str]:
        from sbcsim.control.operations import paths  # noqa: PLC0415 - slow

        known = {parameter.name: parameter for parameter in paths()[path]["GET"].parameters}
        given = [*(context.params.get("filters") or ())]
        name, equals, value = incomplete.partition("=")
        # bash takes NAME, = and VALUE for three words, and wants the last alone.
        apart = True
        if given[-1:] == ["="] and len(given) > 1:
            name, value = given[-2], incomplete
        elif incomplete == "=" and given:
            name, value = given[-1], ""
        elif equals:
            apart = False
        else:
            return _fitting((f"{each}=" for each in known), incomplete)
        if name not in known:
            return []
        values = known[name].choices or _values(_ask(context, path), name)
        return _fitting(values, value) if apart else [f"{name}={each}" for each in _fitting(values, value)]

    return offer


def _values(rows: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    held = _HELD.get(name)
    values = (row.get(name) if held is None else held(row) for row in rows)
    return [str(value) for value in values if value not in {None, ""}]


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _ask(context: typer.Context, path: str) -> list[Any]:
    """Return the rows that a path answers, none where nobody answers."""
    from sbcsim.net.ctl import ControlClient  # noqa: PLC0415 - slow

    try:
        client = ControlClient(_url(context), os.environ.get(TOKEN, ""), PATIENCE)
        answer = client.call("GET", path)
    except SbcsimError:
        return []
    return answer if isinstance(answer, list) else [answer]


def _url(context: Any) -> str:  # noqa: ANN401 - a context of whatever makes the command line
    while context is not None:
        if context.params.get("url"):
            return str(context.params["url"])
        context = context.parent
    return os.environ.get(URL, DEFAULT_URL)
