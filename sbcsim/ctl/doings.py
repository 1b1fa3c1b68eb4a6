"""The commands about the clock, faults and snapshots, and the others that do something to the simulator."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from . import names
from .asking import DEFAULT_URL, asked
from .options import AsJson, InnerUrl, Name, NewName, Url, Watch, clock, ctl, faults, snapshot
from .showing import reading, show


@clock.callback(invoke_without_command=True)
def _clock(context: typer.Context, url: Url = DEFAULT_URL, as_json: AsJson = False, watch: Watch = False) -> None:
    context.obj = url, as_json
    if context.invoked_subcommand is None:
        reading(url, lambda client: client.call("GET", "/v1/clock"), as_json, "facts", watch=watch)


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
    with asked(url or outer_url) as client:
        show(client.call("PUT", "/v1/clock", body={"rate": rate}), as_json or outer_json, "facts")


def _move(context: typer.Context, body: dict[str, object], url: str, as_json: bool) -> None:
    outer_url, outer_json = context.obj
    with asked(url or outer_url) as client:
        answer = client.call("POST", "/v1/clock/advance", body=body)
        if as_json or outer_json:
            show(answer, as_json=True)
        else:
            show(answer.pop("fired"), as_json=False, view="journal_line")
            show(answer, as_json=False, view="facts")


@faults.command(name="list")
def list_faults(url: Url = DEFAULT_URL, as_json: AsJson = False, watch: Watch = False) -> None:
    """Show what goes wrong, with how often it has."""
    reading(url, lambda client: client.call("GET", "/v1/faults"), as_json, "faults", watch=watch)


@faults.command()
def points(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show what can go wrong."""
    with asked(url) as client:
        show(client.call("GET", "/v1/faults/points"), as_json, "points")


@faults.command()
def add(
    point: Annotated[str, typer.Argument(metavar="POINT", help="Where, see `points`.", autocompletion=names.points)],
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
    with asked(url) as client:
        show(client.call("POST", "/v1/faults", body=body), as_json, "facts")


@faults.command()
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of the fault.", autocompletion=names.faults)],
    url: Url = DEFAULT_URL,
) -> None:
    """Take one fault away."""
    with asked(url) as client:
        client.call("DELETE", f"/v1/faults/{number}")


@faults.command()
def clear(url: Url = DEFAULT_URL) -> None:
    """Have nothing go wrong any more."""
    with asked(url) as client:
        client.call("DELETE", "/v1/faults")


@snapshot.command()
def take(name: NewName, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Keep what the node is now: configuration, files, users, keys, alarms and clock."""
    with asked(url) as client:
        show(client.call("POST", "/v1/snapshots", body={"name": name}), as_json, "facts")


@snapshot.command()
def restore(name: Name, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Go back to a snapshot; connections and sessions end."""
    with asked(url) as client:
        show(client.call("POST", f"/v1/snapshots/{quote(name, safe='')}/restore"), as_json, "facts")


@snapshot.command()
def drop(name: Name, url: Url = DEFAULT_URL) -> None:
    """Forget a snapshot."""
    with asked(url) as client:
        client.call("DELETE", f"/v1/snapshots/{quote(name, safe='')}")


@snapshot.command(name="clear")
def clear_snapshots(url: Url = DEFAULT_URL) -> None:
    """Forget every snapshot."""
    with asked(url) as client:
        client.call("DELETE", "/v1/snapshots")


@snapshot.command(name="list")
def list_snapshots(url: Url = DEFAULT_URL, as_json: AsJson = False, watch: Watch = False) -> None:
    """Show the snapshots, oldest first."""
    reading(url, lambda client: client.call("GET", "/v1/snapshots"), as_json, "snapshots", watch=watch)


@ctl.command()
def reset(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Go back to the state just after start; ports stay."""
    with asked(url) as client:
        show(client.call("POST", "/v1/reset"), as_json, "facts")


@ctl.command()
def switchover(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Have the standby server take over: every connection ends, and the next ones use what is configured now."""
    with asked(url) as client:
        show(client.call("POST", "/v1/switchover"), as_json, "facts")


@ctl.command()
def bounce(
    context: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESSCONTEXT", help="The address context.", autocompletion=names.port_part("context")
        ),
    ],
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="The zone.", autocompletion=names.port_part("zone"))],
    port: Annotated[
        int,
        typer.Argument(
            metavar="SIPSIGPORT", help="The index of the sipSigPort.", autocompletion=names.port_part("port")
        ),
    ],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Take a sipSigPort out of service and back: its connections end, and the next ones use what is configured now."""
    with asked(url) as client:
        place = "/".join(quote(part, safe="") for part in (context, zone, str(port)))
        show(client.call("POST", f"/v1/ports/{place}/bounce"), as_json, "facts")
