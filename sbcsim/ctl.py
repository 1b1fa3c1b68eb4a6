"""`sbcsim ctl`: asks a running simulator, or does something to it, through its control API."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import quote

import typer

from .errors import SbcsimError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .net.ctl import ControlClient

DEFAULT_URL = "http://127.0.0.1:10080"
WIDE = 240
"""Columns of a table that nobody watches on a terminal: wide enough for `grep`."""
WIDEST = 10_000
"""Columns that no table needs."""

ctl = typer.Typer(
    help="Ask a running simulator, or do something to it, through its control API.",
    epilog="SBCSIM_CONTROL_URL says where it is, as --url does; SBCSIM_CONTROL_TOKEN holds the token that it asks for "
    "outside loopback. Filters are those of the control API, e.g. `sbcsim ctl connections direction=inbound`.",
    no_args_is_help=True,
)
clock = typer.Typer(help="Show or move the clock.")
ctl.add_typer(clock, name="clock")
faults = typer.Typer(help="Have things go wrong on purpose.", no_args_is_help=True)
ctl.add_typer(faults, name="faults")
snapshot = typer.Typer(help="Keep the whole node as it is, and go back to it.", no_args_is_help=True)
ctl.add_typer(snapshot, name="snapshot")

Url = Annotated[
    str, typer.Option("--url", metavar="URL", envvar="SBCSIM_CONTROL_URL", help="Where the control API listens.")
]
InnerUrl = Annotated[str, typer.Option("--url", metavar="URL", help="Where the control API listens.")]
"""The same behind a word that takes it as well; the environment has its say there."""
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of tables.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the snapshot.")]
Filters = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Filters, e.g. direction=inbound.")
]


@ctl.command()
def ready(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show where everything listens; exit status 1 while something does not."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/ready"), as_json, "facts")


@ctl.command()
def status(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show the simulator at a glance."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/status"), as_json, "facts")


@clock.callback(invoke_without_command=True)
def _clock(context: typer.Context, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    context.obj = url, as_json
    if context.invoked_subcommand is None:
        with _client(url) as client:
            _show(client.call("GET", "/v1/clock"), as_json, "facts")


@clock.command()
def advance(
    context: typer.Context,
    by: Annotated[str, typer.Argument(metavar="DURATION", help="A duration such as 31d, 1h30m or 90s.")],
    url: InnerUrl = "",
    as_json: AsJson = False,
) -> None:
    """Move the clock forward by a duration; returns once everything due has settled."""
    _move(context, {"by": by}, url, as_json)


@clock.command()
def to(
    context: typer.Context,
    moment: Annotated[str, typer.Argument(metavar="TIME", help="An RFC 3339 time such as 2026-03-01T00:00:00Z.")],
    url: InnerUrl = "",
    as_json: AsJson = False,
) -> None:
    """Move the clock forward to a time; returns once everything due has settled."""
    _move(context, {"to": moment}, url, as_json)


@clock.command()
def rate(
    context: typer.Context,
    rate: Annotated[float, typer.Argument(help="Simulated seconds for each host second; 0 stands still.")],
    url: InnerUrl = "",
    as_json: AsJson = False,
) -> None:
    """Let time flow at another rate."""
    outer_url, outer_json = context.obj
    with _client(url or outer_url) as client:
        _show(client.call("PUT", "/v1/clock", body={"rate": rate}), as_json or outer_json, "facts")


def _move(context: typer.Context, body: dict[str, object], url: str, as_json: bool) -> None:
    outer_url, outer_json = context.obj
    with _client(url or outer_url) as client:
        answer = client.call("POST", "/v1/clock/advance", body=body)
        if as_json or outer_json:
            _show(answer, as_json=True)
        else:
            _show(answer.pop("fired"), as_json=False, view="journal_line")
            _show(answer, as_json=False, view="facts")


@ctl.command()
def connections(
    filters: Filters = None,
    close: Annotated[int | None, typer.Option(metavar="ID", help="Close this connection.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the live TLS and TCP connections with their certificates."""
    with _client(url) as client:
        if close is not None:
            client.call("DELETE", f"/v1/connections/{close}")
        else:
            _show(client.call("GET", "/v1/connections", _pairs(filters)), as_json, "connections")


@ctl.command()
def peers(filters: Filters = None, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show the ipPeers with the state of their path check."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/peers", _pairs(filters)), as_json, "peers")


@ctl.command()
def certificates(filters: Filters = None, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show the certificate objects, who uses them and on which connections."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/certificates", _pairs(filters)), as_json, "certificates")


@ctl.command()
def alarms(
    history: Annotated[bool, typer.Option("--history", help="Everything raised and cleared.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the alarms that stand."""
    with _client(url) as client:
        answer = client.call("GET", "/v1/alarms")
        _show(answer if as_json else answer["history" if history else "current"], as_json, "alarms")


@ctl.command()
def journal(
    filters: Filters = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the journal, e.g. `journal kind=handshake after=100`."""
    with _client(url) as client:
        if not follow:
            _show(client.call("GET", "/v1/journal", _pairs(filters)), as_json, "journal_line")
            return
        with suppress(KeyboardInterrupt):
            for entry in client.follow("/v1/journal/stream", _pairs(filters)):
                _show(entry if as_json else [entry], as_json, "journal_line")


@ctl.command()
def reset(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Go back to the state just after start; ports stay."""
    with _client(url) as client:
        _show(client.call("POST", "/v1/reset"), as_json, "facts")


@faults.command(name="list")
def list_faults(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show what goes wrong, with how often it has."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/faults"), as_json, "faults")


@faults.command()
def points(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show what can go wrong."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/faults/points"), as_json, "points")


@faults.command()
def add(
    point: Annotated[str, typer.Argument(metavar="POINT", help="Where, see `points`.")],
    match: Annotated[str, typer.Option(help="Subjects that are hit; * and ? stand for any.")] = "*",
    nth: Annotated[int, typer.Option(help="It fires from this meeting on.")] = 1,
    times: Annotated[int | None, typer.Option(help="How often it fires; without end where it is not said.")] = None,
    probability: Annotated[float, typer.Option(help="From 0 to 1.")] = 1.0,
    period: Annotated[str, typer.Option(help="It fires at most once in this simulated time, e.g. 10m.")] = "0s",
    gap: Annotated[int, typer.Option(help="Meetings that it lets pass behind each firing.")] = 0,
    value: Annotated[str, typer.Option(help="What the point leaves open.")] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Have something go wrong from now on."""
    body = {"point": point, "match": match, "nth": nth, "times": times}
    body |= {"probability": probability, "period": period, "gap": gap, "value": value}
    with _client(url) as client:
        _show(client.call("POST", "/v1/faults", body=body), as_json, "facts")


@faults.command()
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of the fault.")], url: Url = DEFAULT_URL
) -> None:
    """Take one fault away."""
    with _client(url) as client:
        client.call("DELETE", f"/v1/faults/{number}")


@faults.command()
def clear(url: Url = DEFAULT_URL) -> None:
    """Have nothing go wrong any more."""
    with _client(url) as client:
        client.call("DELETE", "/v1/faults")


@snapshot.command()
def take(name: Name, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Keep what the node is now: configuration, files, users, keys, alarms and clock."""
    with _client(url) as client:
        _show(client.call("POST", "/v1/snapshots", body={"name": name}), as_json, "facts")


@snapshot.command()
def restore(name: Name, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Go back to a snapshot; connections and sessions end."""
    with _client(url) as client:
        _show(client.call("POST", f"/v1/snapshots/{quote(name, safe='')}/restore"), as_json, "facts")


@snapshot.command()
def drop(name: Name, url: Url = DEFAULT_URL) -> None:
    """Forget a snapshot."""
    with _client(url) as client:
        client.call("DELETE", f"/v1/snapshots/{quote(name, safe='')}")


@snapshot.command(name="list")
def list_snapshots(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show the snapshots, oldest first."""
    with _client(url) as client:
        _show(client.call("GET", "/v1/snapshots"), as_json, "snapshots")


@ctl.command()
def switchover(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Have the standby server take over: every connection ends, and the next ones use what is configured now."""
    with _client(url) as client:
        _show(client.call("POST", "/v1/switchover"), as_json, "facts")


@ctl.command()
def bounce(
    context: Annotated[str, typer.Argument(metavar="ADDRESSCONTEXT", help="The address context.")],
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="The zone.")],
    port: Annotated[int, typer.Argument(metavar="SIPSIGPORT", help="The index of the sipSigPort.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Take a sipSigPort out of service and back: its connections end, and the next ones use what is configured now."""
    with _client(url) as client:
        place = "/".join(quote(part, safe="") for part in (context, zone, str(port)))
        _show(client.call("POST", f"/v1/ports/{place}/bounce"), as_json, "facts")


@ctl.command()
def metrics(url: Url = DEFAULT_URL) -> None:
    """Show the gauges and counters that Prometheus reads."""
    with _client(url) as client:
        typer.echo(client.text("/metrics"), nl=False)


@contextmanager
def _client(url: str) -> Iterator[ControlClient]:
    from .net.ctl import ControlClient  # noqa: PLC0415 - slow

    try:
        yield ControlClient(url, os.environ.get("SBCSIM_CONTROL_TOKEN", ""))
    except SbcsimError as error:
        fail(str(error), 1)


def _pairs(filters: Iterable[str] | None) -> list[tuple[str, str]]:
    pairs = []
    for text in filters or ():
        name, equals, value = text.partition("=")
        if not equals:
            fail(f'"{text}" is not a filter such as direction=inbound', 2)
        pairs.append((name, value))
    return pairs


def _show(answer: Any, as_json: bool, view: str = "") -> None:  # noqa: ANN401 - JSON
    if as_json:
        typer.echo(json.dumps(answer))
        return
    from .control import text  # noqa: PLC0415

    if view == "journal_line":
        for entry in answer:
            typer.echo(text.journal_line(entry))
        return
    if not answer:
        typer.echo("none")
        return
    from rich.console import Console  # noqa: PLC0415 - slow

    from .control import tables  # noqa: PLC0415 - slow

    console = Console(width=None if sys.stdout.isatty() else WIDE)
    table = getattr(tables, view)(answer)
    needed = console.measure(table, options=console.options.update_width(WIDEST)).maximum
    fits = needed <= console.width or not table.show_header
    console.print(table if fits else tables.upright(table))


def fail(text: str, code: int) -> NoReturn:
    """End the program with a word about what is wrong."""
    typer.echo(f"sbcsim: {text}", err=True)
    raise typer.Exit(code)
