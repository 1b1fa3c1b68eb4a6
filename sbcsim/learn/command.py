"""`sbcsim learn`: lists the lessons, has one taken, and checks lesson files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from sbcsim.errors import SbcsimError

if TYPE_CHECKING:
    from .lesson import LoadedLesson
    from .progress import Progress

USUAL = "take"


class LearnGroup(TyperGroup):
    """The commands of `sbcsim learn`: what is none of them is the name of a lesson, for `take`."""

    def parse_args(self, ctx: object, args: list[str]) -> list[str]:
        """Put `take` in front of what does not begin with a command."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [USUAL, *args]
        return super().parse_args(ctx, args)  # type: ignore[arg-type]


learn = typer.Typer(
    cls=LearnGroup,
    help="Learn to renew certificates at a simulated box, with a coach beside its CLI. `take` may be left out: "
    "`sbcsim learn` lists the lessons, `sbcsim learn 1` begins the first.",
)

Kept = Annotated[
    Path | None,
    typer.Option("--progress", metavar="FILE", help="Where progress is kept; in XDG_STATE_HOME unless given."),
]


@learn.command()
def take(
    lesson: Annotated[
        str | None, typer.Argument(help="A lesson by its name, number or file; without one, all are listed.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print beside any SSH client instead of filling the screen.")
    ] = False,
    progress: Kept = None,
    files: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the files of the lesson are laid out; a temporary directory."),
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin at the first step, not where you were.")
    ] = False,
) -> None:
    """List the lessons with your progress, or take one."""
    from .lesson import choose, find, load  # noqa: PLC0415 - slow
    from .progress import Progress  # noqa: PLC0415 - slow
    from .telling import catalogue  # noqa: PLC0415 - slow

    try:
        kept = Progress(progress)
        if kept.damage:
            typer.echo(f"sbcsim: {kept.damage}", err=True)
        if lesson is None:
            for line in catalogue(map(load, find()), kept):
                typer.echo(line)
            return
        chosen = choose(lesson)
        number = 0 if from_start else kept.of(chosen.name).step
        _take(chosen, number, kept, files, plain=plain)
    except (SbcsimError, OSError) as error:
        typer.echo(f"sbcsim: {error}", err=True)
        raise typer.Exit(2) from None


@learn.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Lesson files, or directories of them.")
    ] = None,
) -> None:
    """Check lessons: no step starts solved, solutions reach goals, hints fit; exit status 2 when one does not hold."""
    import asyncio  # noqa: PLC0415 - slow

    from .check import check as checked  # noqa: PLC0415 - slow
    from .lesson import find, load  # noqa: PLC0415 - slow

    mistakes = 0
    try:
        files = find(paths or ())
    except SbcsimError as error:
        typer.echo(f"sbcsim: {error}", err=True)
        raise typer.Exit(2) from None
    for file in files:
        try:
            asyncio.run(checked(load(file)))
        except (SbcsimError, OSError) as error:
            typer.echo(f"sbcsim: {error}", err=True)
            mistakes += 1
    typer.echo(f"{len(files) - mistakes} sound, {mistakes} not")
    if mistakes:
        raise typer.Exit(2)


def _take(lesson: LoadedLesson, number: int, kept: Progress, files: Path | None, *, plain: bool) -> None:
    import asyncio  # noqa: PLC0415 - slow

    full = not plain and sys.stdout.isatty() and sys.stdin.isatty()
    if full and importlib.util.find_spec("textual") is None:
        typer.echo("The full-screen coach needs textual: pip install 'sbcsim[learn]'. Going on as with --plain.\n")
        full = False
    try:
        asyncio.run(_full_screen(lesson, number, kept, files) if full else _plain(lesson, number, kept, files))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _full_screen(lesson: LoadedLesson, number: int, kept: Progress, files: Path | None) -> None:
    from .app import LessonApp  # noqa: PLC0415 - slow, and textual is for those who ask for it
    from .coach import Coach  # noqa: PLC0415 - slow

    async with Coach(lesson, number=number, files=files) as coach:
        await LessonApp(coach, kept).run_async()


async def _plain(lesson: LoadedLesson, number: int, kept: Progress, files: Path | None) -> None:
    from .coach import Coach  # noqa: PLC0415 - slow
    from .plain import Plain, lines  # noqa: PLC0415 - slow

    async with Coach(lesson, number=number, files=files) as coach:
        await Plain(coach, kept, _print).run(lines(sys.stdin))


def _print(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()
