"""Scenarios played: one by one on an event loop, or many in processes beside each other, each in a box of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from sbcsim.clock import to_rfc3339
from sbcsim.errors import PeerError, ScenarioError, UserError
from sbcsim.journal import camel

from .check import check
from .facts import Facts, look
from .loader import SUFFIX, Loaded, Reader, from_disk, load
from .model import CallStep, Step
from .positions import Path as Place
from .stage import Stage
from .steps import StepFailedError, carry_out
from .verdict import Finding, Moment, judge, never


@dataclass(frozen=True, slots=True)
class Options:
    """How scenarios are played: seed (None: their own, or 0), whether their box is rude, the tool they are about."""

    seed: int | None = None
    rude: bool = False
    tool: str = ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step went. `failure` is why it could not be done, "" where it was; `line` is where it stands."""

    number: int
    verb: str
    told: str
    line: int
    began: str
    """Simulated time, RFC 3339."""
    seconds: float
    """Host time."""
    output: str = ""
    failure: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it was done, and everything is as expected."""
        return not self.failure and all(finding.ok for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Result:
    """How one scenario went; `error` is a mistake in its file."""

    file: str
    name: str
    title: str
    seed: int
    rude: bool
    seconds: float
    """Host time, the start of the box included."""
    steps: tuple[StepResult, ...] = ()
    never: tuple[Finding, ...] = ()
    error: str = ""
    journal: tuple[dict[str, object], ...] = field(default=(), repr=False)
    facts: Facts | None = None
    """What was true after a tool had been at work, for a scenario about one."""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The names of the far ends, by address and by the serial number of their certificate."""
    unreached: int = 0
    """Steps that were not reached."""
    skipped: str = ""
    """Why it was not played at all."""

    @property
    def ok(self) -> bool:
        """Whether every step went as it was to, and nothing happened that may not."""
        return not self.error and all(step.ok for step in self.steps) and all(each.ok for each in self.never)

    def failures(self) -> Iterator[str]:
        """Yield everything that is wrong, with its place."""
        if self.error:
            yield self.error
        for step in self.steps:
            place = f"{self.file}:{step.line}"
            if step.failure:
                yield f"{place}: step {step.number} ({step.told}): {step.failure}"
            for each in step.findings:
                if not each.ok:
                    yield f"{place}: step {step.number} ({step.told}): expected {each.statement}; {each.instead}"
        for each in self.never:
            if not each.ok:
                yield f"{self.file}: {each.statement}; {each.instead}"


@dataclass(frozen=True, slots=True)
class Job:
    """A scenario file to be played, and how."""

    file: Path
    options: Options = Options()


Progress = Callable[[str, StepResult], None]
"""Told of each step of a scenario, by its name, as soon as it is over."""


async def play(loaded: Loaded, options: Options, progress: Progress | None = None) -> Result:
    """Play one scenario in a box of its own; raises ScenarioError where the start cannot be set up."""
    begun = _now()
    scenario = loaded.scenario
    needs_control = any(step.tool is not None for step in scenario.steps)
    stage = Stage(loaded, seed=options.seed, rude=options.rude, control=needs_control, tool=options.tool)
    async with stage:
        await stage.sbc.settle()
        start, previous = 0, stage.sbc.events.last
        results: list[StepResult] = []
        for index, step in enumerate(scenario.steps):
            before = stage.sbc.events.last
            result = await _step(stage, step, index, Moment(start, before, ""), previous)
            results.append(result)
            if progress is not None:
                progress(loaded.name, result)
            if result.failure:
                break
            previous = before
        findings = tuple(never(stage, start))
        facts = await look(stage) if stage.tool_runs else None
        journal = tuple(entry.to_json() for entry in stage.sbc.journal())
    return Result(
        str(loaded.path),
        loaded.name,
        scenario.title,
        stage.seed,
        options.rude,
        _now() - begun,
        tuple(results),
        findings,
        journal=journal,
        facts=facts,
        names=stage.names,
        unreached=len(scenario.steps) - len(results),
    )


async def _step(stage: Stage, step: Step, index: int, moment: Moment, previous: int) -> StepResult:
    begun, began = _now(), to_rfc3339(stage.clock.reading().calendar)
    failure = output = ""
    findings: list[Finding] = []
    try:
        output = await carry_out(stage, step, previous if step.wait is not None else moment.step)
        await stage.sbc.settle()
        if step.expect is not None:
            now = Moment(moment.start, moment.step, output)
            path: Place = ("steps", index, "expect")
            findings = [finding async for finding in judge(stage, step.expect, now, path)]
    except StepFailedError as error:
        failure = str(error)
    line = stage.loaded.line("steps", index)
    return StepResult(index + 1, step.verb, told(step), line, began, _now() - begun, output, failure, tuple(findings))


def told(step: Step) -> str:
    """Return in a few words what a step does."""
    if step.note:
        return step.note
    verb = step.verb
    value = getattr(step, verb)
    if step.cli is not None:
        more = f" and {len(step.cli) - 1} more" if len(step.cli) > 1 else ""
        return f"cli: {step.cli[0]}{more}"
    if step.sftp is not None:
        return f"sftp: put {step.sftp.put}" if step.sftp.put else f"sftp: remove {step.sftp.remove}"
    if verb == "expect":
        return f"expect: {', '.join(sorted(step.expect.model_fields_set))}" if step.expect else verb
    if step.tool is not None:
        return f"tool: {step.tool.command or 'the one examined'}"
    if value is True:
        return camel(verb)
    return f"{verb}: {_subject(step) or value}"


def _subject(step: Step) -> str:
    """Return in a few words what a step is about, "" where that needs no word."""
    if step.peer is not None:
        return f"{step.peer.name} does {step.peer.does}"
    if step.call is not None:
        return _call(step.call)
    if step.bounce is not None:
        return f"{step.bounce.zone}/{step.bounce.sip_sig_port}"
    if step.wait is not None:
        return step.wait.event
    return step.fault.point if step.fault is not None else ""


def _call(step: CallStep) -> str:
    if step.does != "place":
        return f"{step.by} does {step.does}, {step.name}" if step.by else f"{step.does}, {step.name}"
    many = f" {step.count} times" if step.count > 1 else ""
    return f"{step.from_} calls {step.to or '200'}{many}, {step.name}"


def read(files: Iterable[Path], read_file: Reader = from_disk) -> Iterator[Loaded]:
    """Read and check scenario files; raises ScenarioError for the first mistake in one."""
    for file in files:
        loaded = load(file, read_file)
        check(loaded)
        yield loaded


def run_one(file: Path, options: Options, progress: Progress | None = None, read_file: Reader = from_disk) -> Result:
    """Play the scenario of a file; a mistake in it is a result as well."""
    begun = _now()
    try:
        (loaded,) = read([file], read_file)
        if loaded.scenario.needs_tool and not options.tool:
            seed = loaded.seed(options.seed)
            return Result(str(file), loaded.name, loaded.scenario.title, seed, options.rude, 0.0, skipped=_NO_TOOL)
        return asyncio.run(play(loaded, options, progress))
    except (ScenarioError, UserError, PeerError, OSError) as error:
        return not_played(Job(file, options), str(error), _now() - begun)


def not_played(job: Job, why: str, seconds: float = 0.0) -> Result:
    """Return the result of a scenario that could not be played at all."""
    name = job.file.name.removesuffix(SUFFIX)
    return Result(str(job.file), name, name, job.options.seed or 0, job.options.rude, seconds, error=why)


def run_many(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Result]]:
    """Play scenarios in processes beside each other, so many at a time.

    Results come as they are ready, each with the number of its job, from 0. A process that dies takes its neighbours
    along: what it leaves over is played again, each by itself, to find out whose fault it was. A bug that ends one play
    is told in its result, and ends no other.
    """
    left: list[int] = []
    with _processes(workers) as pool:
        waiting = {pool.submit(run_one, job.file, job.options): number for number, job in enumerate(jobs)}
        for each in as_completed(waiting):
            number = waiting[each]
            error = each.exception()
            if isinstance(error, BrokenProcessPool):
                left.append(number)
            else:
                yield number, each.result() if error is None else _stopped(jobs[number], error)
    for number in sorted(left):
        with _processes(1) as alone:
            each = alone.submit(run_one, jobs[number].file, jobs[number].options)
            error = each.exception()
            yield number, each.result() if error is None else _stopped(jobs[number], error)


def _stopped(job: Job, error: BaseException) -> Result:
    """Return the result of a scenario whose play was ended by something else than a mistake in it."""
    if isinstance(error, BrokenProcessPool):
        return not_played(job, _DIED)
    where = "".join(traceback.format_exception(error)).strip()
    return not_played(job, f"{job.file}: a bug of sbcsim ended it:\n{where}")


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


_DIED = "the process that played it was killed, or died"
_NO_TOOL = "it is about a tool, and none is given: --tool COMMAND"


def _now() -> float:
    return time.monotonic()  # noqa: TID251 - how long it took, not what time the box has
