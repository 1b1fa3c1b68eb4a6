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
    from .runner import Job, Result, StepResult

scenario = typer.Typer(
    help="Play scenarios: a declared start, steps, and a verdict taken on the state and on the wire.",
    no_args_is_help=True,
)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Scenario files, or directories of them.")]
Workers = Annotated[
    int | None, typer.Option("--workers", "-n", metavar="N", min=1, help="How many at a time; one for each core.")
]
Seed = Annotated[int | None, typer.Option(help="Seed of every box; else what the scenario says, or 0.")]
Seeds = Annotated[
    str, typer.Option(metavar="SEEDS", help="Each scenario once for each of these seeds: 1..10 or 1,5,9.")
]
Rude = Annotated[bool, typer.Option("--rude", help="Every box is mildly unkind, reproducibly by the seed.")]
Cluster = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Play them on a Dask cluster, by the address of its scheduler.")
]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML to this file.")]
Report = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write a directory for each scenario: journal, transcript, ladder, time line."),
]


@scenario.command()
def run(
    paths: Paths,
    workers: Workers = None,
    seed: Seed = None,
    seeds: Seeds = "",
    rude: Rude = False,
    tool: Annotated[str, typer.Option(metavar="COMMAND", help="The program that scenarios about a tool use.")] = "",
    cluster: Cluster = "",
    junit: Junit = None,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")] = None,
    report: Report = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell of every step.")] = False,
) -> None:
    """Play scenarios, each in a fresh box; exit status 1 when one fails, 2 when there is a mistake in a file."""
    from . import report as reports  # noqa: PLC0415 - slow

    jobs = _jobs(paths, seed, seeds, rude=rude, tool=tool)
    results = _played(jobs, workers, cluster, verbose=verbose)
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
    workers: Workers = None,
    seed: Seed = None,
    seeds: Seeds = "",
    rude: Rude = False,
    cluster: Cluster = "",
    junit: Junit = None,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the score card as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the score card as a page.")] = None,
    report: Report = None,
) -> None:
    """Examine a rotation tool: what it claims, and what is true on the wire; exit status 1 unless it passes all.

    It finds the box by SBC_HOST, SBC_CLI_PORT, SBC_SFTP_PORT, SBC_USER, SBC_PASSWORD, SBC_CERT_DIR, and what to do by
    SBC_TLS_PROFILE, SBC_OLD_CERT, SBC_NEW_CERT, SBC_NEW_P12, SBC_NEW_P12_PASSPHRASE. On a cluster the tool has to be at
    the workers already.
    """
    from . import exam as exams  # noqa: PLC0415 - slow
    from . import report as reports  # noqa: PLC0415 - slow

    if not tool.strip():
        raise typer.BadParameter("which tool?", param_hint="--tool")
    jobs = _jobs(paths or [exams.library() / exams.TAG], seed, seeds, rude=rude, tool=tool)
    marks = [exams.mark(each) for each in _played(jobs, workers, cluster)]
    with _told():
        if junit is not None:
            junit.write_text(reports.junit([each.judged for each in marks]), encoding="utf-8")
        if json_ is not None:
            json_.write_text(json.dumps(exams.card(marks, tool), indent=2) + "\n", encoding="utf-8")
        if html is not None:
            html.write_text(exams.html(marks, tool), encoding="utf-8")
        if report is not None:
            for each, directory in reports.directories([each.result for each in marks], report):
                reports.write(each, directory)
    _show(marks)
    if not all(each.passed for each in marks):
        raise typer.Exit(1)


def _show(marks: Sequence[Mark]) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.table import Table  # noqa: PLC0415 - slow

    table = Table(
        "scenario", "seed", "", "claimed", "commits", "true at the end", "calls lost", "peers down", "left behind"
    )
    for each in marks:
        word = "passed" if each.passed else "FAILED"
        table.add_row(
            each.result.name,
            str(each.result.seed),
            word,
            each.claimed,
            each.commits,
            each.true,
            each.lost,
            f"{each.interruption:g} s",
            each.left,
        )
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


def _jobs(paths: Iterable[Path], seed: int | None, seeds: str, *, rude: bool, tool: str) -> list[Job]:
    from .runner import Job, Options  # noqa: PLC0415 - slow
    from .seeds import seeds as named  # noqa: PLC0415 - slow

    if seed is not None and seeds:
        raise typer.BadParameter("either one seed or several", param_hint="--seeds")
    with _told():
        every = named(seeds) if seeds else (seed,)
    return [Job(file, Options(each, rude, tool)) for file in _files(paths) for each in every]


def _played(jobs: Sequence[Job], workers: int | None, cluster: str, *, verbose: bool = False) -> list[Result]:
    """Play scenarios, tell of each as soon as it is over, and return the results in the order of the jobs."""
    if cluster and workers is not None:
        raise typer.BadParameter("how many at a time is the cluster's own choice", param_hint="--workers")
    workers = workers or os.cpu_count() or 1
    results: dict[int, Result] = {}
    seeds = len({job.options.seed for job in jobs}) > 1
    with _told():
        for number, result in _watched(_results(jobs, workers, cluster, live=verbose), len(jobs)):
            results[number] = result
            _tell(result, seed=seeds, steps=verbose and not _is_live(jobs, workers, cluster))
    return [results[number] for number in sorted(results)]


def _is_live(jobs: Sequence[Job], workers: int, cluster: str) -> bool:
    """Whether scenarios are played one by one in this process."""
    return not cluster and (workers == 1 or len(jobs) == 1)


def _results(jobs: Sequence[Job], workers: int, cluster: str, *, live: bool) -> Iterator[tuple[int, Result]]:
    """Yield results as they are ready, each with the number of its job."""
    from .runner import run_many, run_one  # noqa: PLC0415 - slow

    if cluster:
        from .cluster import run_on  # noqa: PLC0415 - an extra, and slow

        yield from run_on(cluster, jobs)
    elif _is_live(jobs, workers, cluster):
        for number, job in enumerate(jobs):
            yield number, run_one(job.file, job.options, _step if live else None)
    else:
        yield from run_many(jobs, min(workers, len(jobs)))


def _tell(result: Result, *, seed: bool, steps: bool) -> None:
    from .report import verdict  # noqa: PLC0415 - slow

    if steps:
        for step in result.steps:
            _step(result.name, step)
    name = f"{result.name}, seed {result.seed}" if seed else result.name
    typer.echo(f"{verdict(result)}  {name}  ({result.skipped or f'{result.seconds:.1f} s'})")
    for failure in result.failures():
        typer.echo(f"    {failure}")


def _step(name: str, step: StepResult) -> None:
    typer.echo(f"  {name}  {step.began[:19].replace('T', ' ')}  {'ok' if step.ok else 'FAILED'}  {step.told}")


def _watched(played: Iterator[tuple[int, Result]], count: int) -> Iterator[tuple[int, Result]]:
    """Pass results on; on a terminal, tell meanwhile how many are done."""
    if not sys.stderr.isatty() or count == 1:
        yield from played
        return
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.progress import Progress  # noqa: PLC0415 - slow

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("scenarios", total=count)
        for result in played:
            progress.advance(task)
            progress.stop()  # what is told now is not to stand behind the bar
            yield result
            progress.start()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (SbcsimError, OSError) as error:
        typer.echo(f"sbcsim: {error}", err=True)
        raise typer.Exit(2) from None
