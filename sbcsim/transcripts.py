"""`sbcsim transcript` and `sbcsim replay`: recordings read, compared and repeated.

Exit status 0 means the same, 1 different, 2 that a file or a secret is missing or wrong.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .ctl import fail
from .errors import SbcsimError, ScenarioError
from .eventkinds import kinds

if TYPE_CHECKING:
    from .recording.file import Recording
    from .recording.script import Script

LeaveOut = Annotated[
    list[str] | None, typer.Option("--leave-out", metavar="KIND", help="A kind of event not to tell (several times).")
]


def transcript(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording.")],
    other: Annotated[Path | None, typer.Argument(metavar="[OTHER]", help="Another one, to compare with.")] = None,
    leave_out: LeaveOut = None,
) -> None:
    """Show a recording as text that is the same for two runs in which the same happened; or compare two."""
    from .recording.comparison import compared  # noqa: PLC0415 - slow
    from .recording.transcript import transcript as text  # noqa: PLC0415 - slow

    left_out = _kinds(leave_out)
    first = _read(file)
    if other is None:
        typer.echo(text(first, left_out), nl=False)
        return
    comparison = compared(first, _read(other), left_out)
    if not comparison.equal:
        typer.echo("\n".join(comparison.lines()))
        raise typer.Exit(1)
    typer.echo("the same happened")


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording.")],
    config: Annotated[
        list[Path] | None, typer.Argument(metavar="[CONFIG]...", help="What the recorded box was started with.")
    ] = None,
    files: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the uploaded files lie.")] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VARIABLE",
            help="The environment variable that holds a secret, e.g. passPhrase=P12 or, for one object, "
            "NEW.passPhrase=P12 (several times).",
        ),
    ] = None,
    secrets: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of lines NAME=SECRET, in place of variables.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="SIMADDR=HOSTADDR", help="In place of the recorded ones (several times)."),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Go on where a file or a secret is missing, without what needs it.")
    ] = False,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the recording of the replay.")] = None,
    leave_out: LeaveOut = None,
) -> None:
    """Repeat on a fresh box what was done to a recorded one, and compare what came of it."""
    from .recording.file import text_of  # noqa: PLC0415 - slow
    from .recording.script import script  # noqa: PLC0415 - slow
    from .replay import files_for  # noqa: PLC0415 - slow
    from .replay import replay as play  # noqa: PLC0415 - slow

    left_out = _kinds(leave_out)
    recording = _read(file)
    wanted = script(recording)
    known = _secrets(secret or [], secrets)
    if files is not None and not files.is_dir():
        fail(f"--files: {files} is not a directory", 2)
    contents, missing = files_for(wanted.files, files)
    missing += _unknown(wanted, known)
    if missing and not partial:
        fail("\nsbcsim: ".join((*missing, "nothing was done: give what is missing, or --partial")), 2)
    try:
        done = asyncio.run(
            play(
                recording, config or [], contents=contents, secrets=known, leave_out=left_out,
                maps=map_ if map_ is not None else None,
            )
        )  # fmt: skip
    except SbcsimError as error:
        fail(str(error), 2)
    if save is not None:
        save.write_text(text_of(done.recording.header, done.recording.entries), encoding="utf-8")
    for text in done.not_repeated:
        typer.echo(f"not repeated: {text}")
    if not done.equal:
        typer.echo("first: the recording; second: the replay")
        typer.echo("\n".join(done.comparison.lines()))
        raise typer.Exit(1)
    typer.echo("the same happened" + (", as far as it was repeated" if done.not_repeated else ""))


def _read(file: Path) -> Recording:
    from .recording.file import read  # noqa: PLC0415 - slow

    try:
        return read(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: {error.strerror if isinstance(error, OSError) else 'not UTF-8 text'}", 2)
    except ScenarioError as error:
        fail(str(error), 2)


def _kinds(names: list[str] | None) -> frozenset[str]:
    unknown = sorted({*(names or ())} - kinds().keys())
    if unknown:
        fail(f"--leave-out: no journal kind {', '.join(unknown)}; there are {', '.join(kinds())}", 2)
    return frozenset(names or ())


def _secrets(given: list[str], file: Path | None) -> dict[str, str]:
    """Return secrets by name; a refusal never echoes one."""
    known: dict[str, str] = {}
    for text in given:
        name, equals, variable = text.partition("=")
        if not (name and equals and variable):
            fail("--secret: NAME=VARIABLE is needed", 2)
        if variable not in os.environ:
            fail(f"--secret: there is no environment variable of the name given for {name}", 2)
        known[name] = os.environ[variable]
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            fail(f"--secrets: {file} cannot be read", 2)
        for number, line in enumerate(lines, start=1):
            name, equals, value = line.partition("=")
            if line.strip() and not (name and equals):
                fail(f"--secrets: {file}:{number}: NAME=SECRET is needed", 2)
            if line.strip():
                known[name] = value
    return known


def _unknown(wanted: Script, known: dict[str, str]) -> list[str]:
    """Return which secrets are not known, with the lines that need them."""
    from .recording.script import revealed  # noqa: PLC0415 - slow

    found = []
    for step in wanted.steps:
        for text in (step.entry["line"], *step.entry["answers"]) if step.action == "type" else ():
            try:
                revealed(text, known)
            except KeyError as error:
                found.append(f"secret {error.args[0]} is needed for #{step.number}: {text}")
    return found
