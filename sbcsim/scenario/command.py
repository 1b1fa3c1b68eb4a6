"""`sbcsim scenario`: plays scenario files, checks them, and tells what they may hold."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbcsim.errors import SbcsimError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .exam import Mark
    from .runner import Options, Result, StepResult

scenario = typer.Typer(
    help="Play scenarios: a declared start, steps, and a verdict taken on the state and on the wire.",
    no_args_is_help=True,
)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Scenario files, or directories of them.")]


@scenario.command()
def run(
    paths: Paths,
    workers: Annotated[
        int | None, typer.Option("--workers", "-n", metavar="N", help="How many at a time; one for each core.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the scenarios that name none.")] = 0,
    rude: Annotated[bool, typer.Option("--rude", help="Every box is mildly unkind, reproducibly by the seed.")] = False,
    tool: Annotated[str, typer.Option(metavar="COMMAND", help="The program that scenarios about a tool use.")] = "",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML to this file.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write a directory for each scenario: journal, transcript, ladder, time line."
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell of every step.")] = False,
) -> None:
    """Play scenarios, each in a fresh box; exit status 1 when one fails, 2 when there is a mistake in a file."""
    from . import report as reports  # noqa: PLC0415 - slow
    from .runner import Options  # noqa: PLC0415 - slow

    files = _files(paths)
    results = _played(files, Options(seed, rude, tool), workers or os.cpu_count() or 1, verbose=verbose)
    order = {str(file): number for number, file in enumerate(files)}
    results.sort(key=lambda each: order[each.file])
    with _told():
        if junit is not None:
            junit.write_text(reports.junit(results), encoding="utf-8")
        if json_ is not None:
            json_.write_text(json.dumps([*map(reports.to_json, results)], indent=2) + "\n", encoding="utf-8")
        if report is not None:
            for each, directory in reports.directories(results, report):
                reports.write(each, directory)
    failed = sum(not each.ok for each in results)
    skipped = sum(bool(each.skipped) for each in results)
    more = f", {skipped} skipped" if skipped else ""
    typer.echo(f"{len(results) - failed - skipped} passed, {failed} failed{more}")
    if failed:
        raise typer.Exit(2 if any(each.error for each in results) else 1)


def exam(
    tool: Annotated[str, typer.Option(metavar="COMMAND", help="The rotation tool: a program with its arguments.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH...]", help="Scenario files, or directories of them; those that come along."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-n", metavar="N", help="How many at a time; one for each core.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the scenarios that name none.")] = 0,
    rude: Annotated[bool, typer.Option("--rude", help="Every box is mildly unkind, reproducibly by the seed.")] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML to this file.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the score card as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the score card as a page.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write a directory for each scenario: journal, transcript, ladder, time line."
        ),
    ] = None,
) -> None:
    """Examine a rotation tool: what it claims, and what is true on the wire; exit status 1 unless it passes all.

    It finds the box by SBC_HOST, SBC_CLI_PORT, SBC_SFTP_PORT, SBC_USER, SBC_PASSWORD, SBC_CERT_DIR, and what to do by
    SBC_TLS_PROFILE, SBC_OLD_CERT, SBC_NEW_CERT, SBC_NEW_P12, SBC_NEW_P12_PASSPHRASE.
    """
    from . import exam as exams  # noqa: PLC0415 - slow
    from . import report as reports  # noqa: PLC0415 - slow
    from .runner import Options  # noqa: PLC0415 - slow

    files = _files(paths or [exams.library() / exams.TAG])
    results = _played(files, Options(seed, rude, tool), workers or os.cpu_count() or 1, verbose=False)
    order = {str(file): number for number, file in enumerate(files)}
    marks = [exams.mark(each) for each in sorted(results, key=lambda each: order[each.file])]
    with _told():
        if junit is not None:
            junit.write_text(reports.junit([each.judged for each in marks]), encoding="utf-8")
        if json_ is not None:
            json_.write_text(json.dumps(exams.card(marks, tool), indent=2) + "\n", encoding="utf-8")
        if html is not None:
            html.write_text(exams.html(marks, tool), encoding="utf-8")
        if report is not None:
            for each, directory in reports.directories(results, report):
                reports.write(each, directory)
    _show(marks)
    if not all(each.passed for each in marks):
        raise typer.Exit(1)


def _show(marks: Sequence[Mark]) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.table import Table  # noqa: PLC0415 - slow

    table = Table("scenario", "", "claimed", "true at the end", "peers down", "left behind")
    for each in marks:
        word = "passed" if each.passed else "FAILED"
        table.add_row(each.result.name, word, each.claimed, each.true, f"{each.interruption:g} s", each.left)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    typer.echo(f"{sum(each.passed for each in marks)} of {len(marks)} passed")


@scenario.command()
def check(paths: Paths) -> None:
    """Read scenario files and look for mistakes, without playing them; exit status 2 when there is one."""
    from .runner import read  # noqa: PLC0415 - slow

    files = _files(paths)
    mistakes = 0
    for file in files:
        try:
            list(read([file]))
        except SbcsimError as error:
            typer.echo(f"sbcsim: {error}", err=True)
            mistakes += 1
    typer.echo(f"{len(files) - mistakes} without a mistake, {mistakes} with one")
    if mistakes:
        raise typer.Exit(2)


@scenario.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from .loader import File  # noqa: PLC0415 - slow

    typer.echo(json.dumps(File.model_json_schema(), indent=2))


def _files(paths: Iterable[Path]) -> list[Path]:
    from .loader import find  # noqa: PLC0415 - slow

    with _told():
        return find(paths)


def _played(files: Sequence[Path], options: Options, workers: int, *, verbose: bool) -> list[Result]:
    from .report import verdict  # noqa: PLC0415 - slow
    from .runner import run_many, run_one  # noqa: PLC0415 - slow

    results: list[Result] = []
    if workers == 1 or len(files) == 1:
        played: Iterator[Result] = (run_one(file, options, _step if verbose else None) for file in files)
    else:
        played = run_many(files, options, min(workers, len(files)))
    with _told():
        for result in _watched(played, len(files)):
            results.append(result)
            typer.echo(f"{verdict(result)}  {result.name}  ({result.skipped or f'{result.seconds:.1f} s'})")
            for failure in result.failures():
                typer.echo(f"    {failure}")
    return results


def _step(name: str, step: StepResult) -> None:
    typer.echo(f"  {name}  {step.began[:19].replace('T', ' ')}  {'ok' if step.ok else 'FAILED'}  {step.told}")


def _watched(played: Iterator[Result], count: int) -> Iterator[Result]:
    """Pass results on; on a terminal, tell meanwhile how many are done."""
    if not sys.stderr.isatty() or count == 1:
        yield from played
        return
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.progress import Progress  # noqa: PLC0415 - slow

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scenarios", total=count)
        for result in played:
            progress.advance(task)
            yield result


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (SbcsimError, OSError) as error:
        typer.echo(f"sbcsim: {error}", err=True)
        raise typer.Exit(2) from None
