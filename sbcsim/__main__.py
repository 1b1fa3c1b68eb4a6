"""The command line: `sbcsim run`, `sbcsim ctl`, `sbcsim demo`. Exit status 2 is a wrong argument or configuration.

Everything slow is imported inside the command that needs it, so that `run` is ready within a second.
"""

# ruff: noqa: E402 - what follows comes before the imports, which take longer than a hasty signal

from __future__ import annotations

import signal
import sys
from typing import NoReturn

_STOP = (signal.SIGTERM, signal.SIGINT)


def _leave(number: int, frame: object) -> NoReturn:
    """End in peace, whatever the start is at; what is open already is closed on the way out."""
    del number, frame
    raise SystemExit(0)


if sys.argv[1:2] == ["run"]:
    for _number in _STOP:
        signal.signal(_number, _leave)

import asyncio
import gc
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .collector import collect_rarely
from .ctl import ctl, fail
from .errors import BugError, SbcsimError, ScenarioError
from .journal import Entry
from .learn.command import learn
from .scenario.command import exam, scenario
from .transcripts import replay, transcript
from .version import __version__

if TYPE_CHECKING:
    from .simulator import Simulator

app = typer.Typer(
    help="A simulator of a Ribbon (Sonus) SBC Core for testing certificate rotation. `sbcsim demo` shows what it does.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(ctl, name="ctl")
app.add_typer(scenario, name="scenario")
app.command()(exam)
app.command()(transcript)
app.command()(replay)
app.add_typer(learn, name="learn")


class Ports(StrEnum):
    """Which ports to listen on."""

    DEFAULT = "default"
    EPHEMERAL = "ephemeral"


class Log(StrEnum):
    """How the journal is written to the standard error output."""

    TEXT = "text"
    JSON = "json"


class Redundancy(StrEnum):
    """One server, or a pair."""

    NONE = "none"
    ONE_TO_ONE = "1to1"
    CLOUD = "cloud"


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False) -> None:
    if version:
        typer.echo(f"sbcsim {__version__}")
        raise typer.Exit


@app.command(
    epilog="Usual ports: CLI 10022, SFTP 12024, control API 10080. SBCSIM_CONTROL_TOKEN sets the token of the control "
    "API; outside loopback one is made up where it is unset."
)
def run(
    config: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of set lines, as `show configuration | display set` prints them. A state takes each but once."
        ),
    ] = None,
    bind: Annotated[str, typer.Option(metavar="ADDR", help="Address to listen on.")] = "127.0.0.1",
    ports: Annotated[Ports, typer.Option(help="The usual ports, or free ones for everything.")] = Ports.DEFAULT,
    ready_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the content of the ready line to this file, too.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep configuration, history, files, users and keys in this directory, and go on there the next "
            "time: what it holds wins over CONFIG files that it has taken before, and over --user.",
        ),
    ] = None,
    clock: Annotated[
        str, typer.Option(metavar="real|virtual[@RFC3339]", help="Flow with the host, or stand still until moved.")
    ] = "real",
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random in the box; 0, or that of the state.")
    ] = None,
    rude: Annotated[
        bool,
        typer.Option(
            "--rude",
            help="Be mildly unkind everywhere, as --seed says: a careful tool survives it. See docs/faults.md.",
        ),
    ] = False,
    user: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:PASSWORD", help="A user, instead of admin with password admin (several times)."),
    ] = None,
    ha: Annotated[
        Redundancy, typer.Option(help="One server, or a pair; in a cloud each has its own files.")
    ] = Redundancy.NONE,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="SIMADDR=HOSTADDR",
            help="Where a simulated address, of an ipPeer or of the box, is on the host (several times).",
        ),
    ] = None,
    allow_dial: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="A network outside loopback that may be dialled (several times)."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Where the box can be one way or another: password-change=never|reset|first, last-login=on|off, "
            "lock-wait=on|off, dial-tls-port-plus-one=on|off, resume-across-renewal=on|off, "
            "sessions-survive-switchover=on|off, replacement-window=DURATION; or what it needs to know: "
            "host=NAME:ADDRESS for its host table, "
            "resolver=ADDRESS:PORT for a DNS server (several times).",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a recording to this file, for `sbcsim transcript` and `sbcsim replay`."
        ),
    ] = None,
    log: Annotated[
        Log | None,
        typer.Option(metavar="text|json", help="Write the journal to the standard error output as it grows."),
    ] = None,
) -> None:
    """Run one simulated SBC until SIGTERM or SIGINT."""
    if ready_file is not None:
        _clear(ready_file)
    for number in _STOP:
        signal.signal(number, _leave)
    gc.disable()  # nothing of what the imports make is garbage: looking for some is a tenth of the start
    from .device.settings import chosen  # noqa: PLC0415 - slow
    from .simulator import Simulator  # noqa: PLC0415 - slow

    token = os.environ.get("SBCSIM_CONTROL_TOKEN", "")
    try:
        simulator = Simulator(
            config=config or [],
            clock=clock,
            state=state,
            seed=seed,
            ha=ha.value,
            bind=bind,
            ports=ports.value,
            users=dict(map(_credentials, user)) if user else None,
            maps=map_ or [],
            allow_dial=allow_dial or [],
            settings=chosen(setting or []),
            rude=rude,
            control="serve",
            control_token=token,
        )
    except SbcsimError as error:
        fail(str(error), 2)
    if simulator.control_token and not token:
        typer.echo(f"sbcsim: token of the control API: {simulator.control_token}", err=True)
    if log is not None:
        simulator.events.subscribe(_log_writer(log))
    if record is not None and not record.parent.is_dir():
        fail(f"--record: {record.parent} is not a directory", 2)
    try:
        with nullcontext() if record is None else simulator.record(record):
            asyncio.run(_run(simulator, ready_file))
    except BugError:
        raise
    except SbcsimError as error:
        fail(str(error), 2 if isinstance(error, ScenarioError) else 1)
    except OSError as error:
        fail(str(error), 1)


async def _run(simulator: Simulator, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with simulator:
        # Only now: while a large configuration is loaded the loop would not look, and `_leave` stops that at once.
        for number in _STOP:
            loop.add_signal_handler(number, stop.set)
        collect_rarely()
        ready = json.dumps(simulator.ready().to_json())
        if ready_file is not None:
            _write_atomically(ready_file, ready + "\n")
        print(f"ready {ready}", flush=True)  # noqa: T201 - the contract's one line
        await stop.wait()


def _clear(ready_file: Path) -> None:
    """Remove the ready file of an earlier run: nobody shall take its ports for ours."""
    if not ready_file.parent.is_dir():
        fail(f"--ready-file: {ready_file.parent} is not a directory", 2)
    if ready_file.exists() and not ready_file.is_file():  # a device or pipe would be replaced by a file
        fail(f"--ready-file: {ready_file} is not a plain file", 2)
    ready_file.unlink(missing_ok=True)


def _write_atomically(file: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _credentials(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        fail("--user: NAME:PASSWORD is needed", 2)  # never echo it: it may hold a password
    return name, password


def _log_writer(log: Log) -> Callable[[Entry], None]:
    from .control.text import journal_line  # noqa: PLC0415

    def write(entry: Entry) -> None:
        data = entry.to_json()
        line = json.dumps(data, separators=(",", ":")) if log is Log.JSON else journal_line(data)
        with suppress(BrokenPipeError):  # whoever read the log is gone; the simulator is not
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    return write


@app.command()
def demo() -> None:
    """Play the certificate renewal procedure with two TLS peers, checked on the wire."""
    from .demo import main as play  # noqa: PLC0415

    raise typer.Exit(play())


def main() -> None:
    """Run the command line."""
    app(prog_name="sbcsim")


if __name__ == "__main__":
    main()
