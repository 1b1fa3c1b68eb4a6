"""The coach of one trainee at one lesson: sets the box up, looks whether a goal is reached, helps, and goes back.

It does not read what is typed. It looks at the state of the box after every event of its journal, as whoever drives it
(`plain`, the full-screen app) asks it to.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sbcsim.clock import parse_duration
from sbcsim.errors import UserError
from sbcsim.scenario.clauses import Expect
from sbcsim.scenario.farend import FarEndError, act
from sbcsim.scenario.loader import nearest
from sbcsim.scenario.model import PeerStep, Step
from sbcsim.scenario.positions import Path as Place
from sbcsim.scenario.stage import Stage
from sbcsim.scenario.steps import StepFailedError, carry_out
from sbcsim.scenario.verdict import Finding, Moment, judge
from sbcsim.simulator import Simulator

from .lesson import RUNGS, LessonStep, LoadedLesson


@dataclass(frozen=True, slots=True)
class Reached:
    """A step whose goal was found to be reached; `number` counts from 0."""

    number: int
    step: LessonStep


@dataclass(frozen=True, slots=True)
class Told:
    """A hint as the coach gives it: which of the rungs, and what it says."""

    rung: int
    text: str


class Coach:
    """A lesson that is being taken, as an async context manager; begins at step `number`, counted from 0.

    `files` is where the trainee finds the certificate files of the lesson; a temporary directory unless given. Raises
    ScenarioError where the lesson cannot be set up.
    """

    def __init__(self, lesson: LoadedLesson, *, number: int = 0, files: Path | None = None) -> None:
        self.lesson = lesson
        self.number = min(max(number, 0), len(lesson.steps) - 1)
        """The step that is to be done now; the number of steps where all are."""
        self.changed = asyncio.Event()
        """Something has happened at the box; `look` is worth while."""
        self.stage = Stage(lesson.solution)
        self._files = files
        self._start = self._since = 0
        self._rungs: dict[int, int] = {}
        self._busy = asyncio.Lock()
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            if self._files is None:
                self._files = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="sbcsim-learn-")))
            self._lay_out_files(self._files)
            await self._exits.enter_async_context(self.stage)
            await self.sbc.settle()
            self._exits.callback(self.sbc.events.subscribe(lambda _: self.changed.set()))
            self.number = self.lesson.firm(self.number)
            await self._come_to(self.number)
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    # what there is

    @property
    def sbc(self) -> Simulator:
        """The box."""
        return self.stage.sbc

    @property
    def files(self) -> Path:
        """Where the trainee finds the files of the lesson."""
        assert self._files is not None
        return self._files

    @property
    def step(self) -> LessonStep:
        """The step that is to be done now, the last one where all are done."""
        return self.lesson.steps[min(self.number, len(self.lesson.steps) - 1)]

    @property
    def over(self) -> bool:
        """Whether every goal has been reached."""
        return self.number == len(self.lesson.steps)

    @property
    def login(self) -> tuple[str, str]:
        """The user of the box with its password."""
        return next(iter(self.stage.users.items()))

    @property
    def names(self) -> list[str]:
        """The names of the files that the trainee can bring to the box."""
        return [name for name in self.stage.mint.files if name not in self.stage.mint.placed]

    # looking

    async def look(self) -> Reached | None:
        """Look whether the goal is reached; if so, go on to the next step and tell."""
        async with self._busy:
            if self.over or await self._wrong():
                return None
            reached = Reached(self.number, self.step)
            self.number += 1
            if not self.over:
                await self._begin()
            return reached

    async def wrong(self) -> list[Finding]:
        """Return what of the goal is not so."""
        async with self._busy:
            return [] if self.over else await self._wrong()

    async def hint(self) -> Told | None:
        """Return the next rung of the hint that fits what is wrong now, None where all is done."""
        async with self._busy:
            if self.over:
                return None
            index = await self._fitting()
            rung = min(self._rungs.get(index, 0) + 1, RUNGS)
            self._rungs[index] = rung
            return Told(rung, self.step.hints[index].say[rung - 1].strip())

    async def _wrong(self) -> list[Finding]:
        return [each for each in await self._judged(self.step.goal, "goal") if not each.ok]

    async def fitting(self) -> int:
        """Return which of the hints fits what is wrong now."""
        async with self._busy:
            return await self._fitting()

    async def _fitting(self) -> int:
        for index, hint in enumerate(self.step.hints):
            if hint.when is None or all(each.ok for each in await self._judged(hint.when, "hints", index, "when")):
                return index
        raise AssertionError("the last hint always fits")

    async def _judged(self, expect: Expect, *place: str | int) -> list[Finding]:
        await self.sbc.settle()
        path: Place = ("steps", self.number, *place)
        return [each async for each in judge(self.stage, expect, Moment(self._start, self._since, ""), path)]

    # doing

    async def skip(self, duration: str) -> None:
        """Move the box's clock forward; raises UserError for what is no duration."""
        by = parse_duration(duration)
        async with self._busy:
            await self.sbc.move_clock(by=by)

    async def ask_peer(self, name: str, does: str) -> str:
        """Have a peer dial the box, or ping over what it has dialled; returns in words what came of it."""
        if name not in self.stage.peers:
            raise UserError(f'no peer "{name}"{nearest(name, self.stage.peers)}')
        async with self._busy:
            peer = self.stage.peers[name]
            before = len(peer.connections)
            try:
                await act(self.stage, PeerStep.model_validate({"name": name, "does": does}))
            except FarEndError as error:
                return str(error)
            await self.sbc.settle()
            if does != "dial":
                return f"{name} was answered"
            shown = ", ".join(self.stage.mint.name(each.certificate) for each in peer.connections[before:])
            return f"{name} was shown {shown}"

    async def put(self, name: str) -> None:
        """Bring a file to the box by SFTP, as the trainee could; raises UserError where it cannot be."""
        if name not in self.names:
            raise UserError(f'no file "{name}"{nearest(name, self.names)}')
        async with self._busy:
            await self._carry_out([Step.model_validate({"sftp": {"put": name}})])

    async def remove(self, name: str) -> None:
        """Remove a file from the box by SFTP; raises UserError where there is none."""
        async with self._busy:
            await self._carry_out([Step.model_validate({"sftp": {"remove": name}})])

    # going back

    async def reset_step(self) -> int:
        """Go back to where this step began; returns the number of the step that begins now.

        That is an earlier one where this step goes on with what was typed before.
        """
        async with self._busy:
            await self._come_to(self.lesson.firm(min(self.number, len(self.lesson.steps) - 1)))
            return self.number

    async def reset_lesson(self) -> None:
        """Begin the lesson again."""
        async with self._busy:
            await self._come_to(0)

    async def go_to(self, number: int) -> None:
        """Begin at a step, with those before it done as their solutions say."""
        async with self._busy:
            await self._come_to(number)

    async def play(self, steps: Iterable[Step]) -> None:
        """Carry out steps at the box in the coach's own session; raises UserError for one that fails."""
        async with self._busy:
            await self._carry_out(steps)

    async def _come_to(self, number: int) -> None:
        await self.stage.begin_anew()
        self._start = self.sbc.journal()[0].number - 1  # the reset has emptied it
        self.number = 0
        while True:
            await self._begin()
            if self.number == number:
                break
            await self._carry_out(self.step.solution)
            self.number += 1
        self.changed.set()

    async def _begin(self) -> None:
        """Have a step begin; a session of the coach's ends, unless the step goes on with it."""
        if not self.step.continues:
            await self.stage.leave()
        self._rungs.clear()
        await self._carry_out(self.step.before)
        if not self.step.continues:
            await self.stage.leave()
        await self.sbc.settle()
        self._since = self.sbc.events.last

    async def _carry_out(self, steps: Iterable[Step]) -> None:
        for step in steps:
            try:
                await carry_out(self.stage, step, self._since)
            except StepFailedError as error:
                raise UserError(str(error)) from None
        await self.sbc.settle()

    def _lay_out_files(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name in self.names:
            file = directory / name
            file.touch(mode=0o600)
            file.write_bytes(self.stage.mint.files[name])
