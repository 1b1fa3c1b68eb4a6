"""The words of `sbcsim ctl`, and the options that several commands have."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from . import names
from .asking import URL

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

Url = Annotated[str, typer.Option("--url", metavar="URL", envvar=URL, help="Where the control API listens.")]
InnerUrl = Annotated[str, typer.Option("--url", metavar="URL", help="Where the control API listens.")]
"""The same behind a word that takes it as well; the environment has its say there."""
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of tables.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on, and show it again when it changes; Ctrl-C ends it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the snapshot.", autocompletion=names.snapshots)]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="The name of the snapshot.")]


def offered(path: str) -> Any:  # noqa: ANN401 - what typer makes of an argument
    """Return the argument for the filters of a path."""
    return typer.Argument(
        metavar="[NAME=VALUE]...",
        help="Filters, of which all have to hold; values with a comma in between are alternatives.",
        autocompletion=names.filters(path),
    )
