"""The commands that only read."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import names
from .asking import DEFAULT_URL, asked, fail, pairs
from .options import AsJson, Url, Watch, ctl, offered
from .showing import reading, show

if TYPE_CHECKING:
    from sbcsim.net.ctl import ControlClient


@ctl.command()
def ready(url: Url = DEFAULT_URL, as_json: AsJson = False, watch: Watch = False) -> None:
    """Show where everything listens; exit status 1 while something does not."""
    reading(url, lambda client: client.call("GET", "/v1/ready"), as_json, "facts", watch=watch)


@ctl.command()
def status(url: Url = DEFAULT_URL, as_json: AsJson = False, watch: Watch = False) -> None:
    """Show the simulator at a glance."""
    reading(url, lambda client: client.call("GET", "/v1/status"), as_json, "facts", watch=watch)


@ctl.command()
def connections(
    filters: Annotated[list[str] | None, offered("/v1/connections")] = None,
    close: Annotated[
        int | None,
        typer.Option(metavar="ID", help="Close this connection.", autocompletion=names.connections),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    watch: Watch = False,
) -> None:
    """Show the live TLS and TCP connections with their certificates."""
    if close is not None:
        with asked(url) as client:
            client.call("DELETE", f"/v1/connections/{close}")
        return
    reading(
        url, lambda client: client.call("GET", "/v1/connections", pairs(filters)), as_json, "connections", watch=watch
    )


@ctl.command()
def calls(
    filters: Annotated[list[str] | None, offered("/v1/calls")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    watch: Watch = False,
) -> None:
    """Show the live calls with their two sides."""
    reading(url, lambda client: client.call("GET", "/v1/calls", pairs(filters)), as_json, "calls", watch=watch)


@ctl.command()
def peers(
    filters: Annotated[list[str] | None, offered("/v1/peers")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    watch: Watch = False,
) -> None:
    """Show the ipPeers with the state of their path check."""
    reading(url, lambda client: client.call("GET", "/v1/peers", pairs(filters)), as_json, "peers", watch=watch)


@ctl.command()
def certificates(
    filters: Annotated[list[str] | None, offered("/v1/certificates")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    watch: Watch = False,
) -> None:
    """Show the certificate objects, who uses them and on which connections."""
    reading(
        url, lambda client: client.call("GET", "/v1/certificates", pairs(filters)), as_json, "certificates", watch=watch
    )


@ctl.command()
def alarms(
    history: Annotated[bool, typer.Option("--history", help="Everything raised and cleared.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    watch: Watch = False,
) -> None:
    """Show the alarms that stand."""

    def read(client: ControlClient) -> Any:  # noqa: ANN401 - JSON
        answer = client.call("GET", "/v1/alarms")
        return answer if as_json else answer["history" if history else "current"]

    reading(url, read, as_json, "alarms", watch=watch)


@ctl.command()
def journal(
    filters: Annotated[list[str] | None, offered("/v1/journal")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of it to a file, for `sbcsim transcript` and `sbcsim replay`."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the journal, e.g. `journal kind=handshake after=100`."""
    if save is not None and (filters or follow):
        fail("--save writes the whole journal: it takes no filters and no --follow", 2)
    with asked(url) as client:
        if save is not None:
            _save(client, save)
        elif not follow:
            show(client.call("GET", "/v1/journal", pairs(filters)), as_json, "journal_line")
        else:
            with suppress(KeyboardInterrupt):
                for entry in client.follow("/v1/journal/stream", pairs(filters)):
                    show(entry if as_json else [entry], as_json, "journal_line")
                    sys.stdout.flush()


def _save(client: ControlClient, file: Path) -> None:
    pieces = client.pieces("/v1/journal/recording")
    first = next(pieces, b"")  # before anything is done to the file: there may be nobody to ask
    try:
        with file.open("wb") as stream:
            stream.write(first)
            stream.writelines(pieces)
    except OSError as error:
        fail(f"--save: {file}: {error.strerror or error}", 2)


@ctl.command()
def metrics(url: Url = DEFAULT_URL) -> None:
    """Show the gauges and counters that Prometheus reads."""
    with asked(url) as client:
        typer.echo(client.text("/metrics"), nl=False)


@ctl.command()
def openapi(url: Url = DEFAULT_URL) -> None:
    """Show how the control API describes itself, as an OpenAPI document."""
    with asked(url) as client:
        show(client.call("GET", "/v1/openapi.json"), as_json=True)
