"""What a lesson file may say: the start of a scenario, and steps with a goal, hints, an explanation and a solution.

A goal is a state of the box, told as scenarios tell it. It is looked at again and again while the trainee works, so it
may not touch the box: what a new connection is shown is seen by a peer that dials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Self

from pydantic import Field, model_validator

from sbcsim.errors import ScenarioError
from sbcsim.scenario.check import Problem, expect_problems, start_problems, step_problems, words
from sbcsim.scenario.clauses import Expect
from sbcsim.scenario.exam import library
from sbcsim.scenario.loader import Loaded, Play, nearest, read_as
from sbcsim.scenario.model import Scenario, Step
from sbcsim.scenario.part import Name, Part
from sbcsim.scenario.positions import Path

SUFFIX = ".yaml"
RUNGS = 3
"""How many times a trainee can ask about one thing: a nudge, the way, the words to type."""

_TOUCHING = ("serves", "output")


class Hint(Part):
    """What helps when something is wrong in one way; the last of a step fits whatever is wrong."""

    when: Expect | None = None
    """What is true now where this hint fits."""
    after: tuple[Step, ...] = ()
    """How a trainee gets there from the beginning of the step: a mistake, for the check of the lesson."""
    say: Annotated[tuple[str, ...], Field(min_length=RUNGS, max_length=RUNGS)]
    """A nudge, the way, the words to type."""


class LessonStep(Part):
    """One step: what is to be reached, how the coach helps, and what it explains afterwards."""

    name: Name
    do: str
    """What the trainee is to reach."""
    before: tuple[Step, ...] = ()
    """What the coach has happen as the step begins: a peer dials, something breaks."""
    goal: Expect
    hints: Annotated[tuple[Hint, ...], Field(min_length=1)]
    why: str
    """Why it went so, and what would have broken on a live system."""
    solution: Annotated[tuple[Step, ...], Field(min_length=1)]
    """Steps that reach the goal."""
    continues: bool = False
    """Whether it goes on with what the session of the step before has typed, and so cannot begin without it."""

    @model_validator(mode="after")
    def _can_be_watched(self) -> Self:
        for told, expect in (("goal", self.goal), *(("when", each.when) for each in self.hints)):
            touching = [name for name in _TOUCHING if expect is not None and getattr(expect, name) is not None]
            if touching:
                raise ValueError(f"{told}: {touching[0]} cannot be watched without touching the box")
        last = len(self.hints) - 1
        for index, hint in enumerate(self.hints):
            if (hint.when is None) != (index == last):
                raise ValueError("every hint has a when but the last, which fits whatever is wrong")
            if hint.when is None and hint.after:
                raise ValueError("the last hint fits whatever is wrong: nothing has to lead there")
        return self


class Lesson(Play):
    """What a lesson file may hold."""

    title: str
    about: str
    minutes: int = Field(ge=1, le=30)
    """How long it takes somebody who is new to it."""
    steps: Annotated[tuple[LessonStep, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _steps_have_names_of_their_own(self) -> Self:
        names = [each.name for each in self.steps]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two steps are called "{name}"')
        if self.steps[0].continues:
            raise ValueError("the first step continues nothing")
        return self


@dataclass(frozen=True, slots=True)
class LoadedLesson:
    """A lesson as it was read, and its solution as a scenario."""

    lesson: Lesson
    solution: Loaded

    @property
    def path(self) -> FilePath:
        """The file."""
        return self.solution.path

    @property
    def name(self) -> str:
        """The name of the file, without the number that gives its place and without its ending."""
        stem = self.path.name.removesuffix(SUFFIX)
        number, dash, name = stem.partition("-")
        return name if dash and number.isdigit() else stem

    @property
    def steps(self) -> tuple[LessonStep, ...]:
        """The steps."""
        return self.lesson.steps

    def firm(self, number: int) -> int:
        """Return where one has to begin to come to a step: there, or at the step whose session it continues."""
        while self.steps[number].continues:
            number -= 1
        return number

    def error(self, reason: str, *path: str | int) -> ScenarioError:
        """Return the error that says what is wrong with a part of the lesson."""
        return self.solution.error(reason, *path)


def load(file: FilePath) -> LoadedLesson:
    """Read a lesson file; raises ScenarioError with the place of the first mistake in it."""
    contents = read_as(Lesson, file)
    lesson = contents.own
    played = tuple(step for each in lesson.steps for step in (*each.before, *each.solution))
    told = {"title": lesson.title, "source": str(file), "given": contents.given, "steps": played}
    scenario = Scenario.model_validate({**told, "never": contents.never})
    loaded = LoadedLesson(lesson, Loaded(file, scenario, contents.document, contents.configuration, contents.included))
    for path, reason in _problems(loaded):
        raise loaded.error(reason, *path)
    return loaded


def _problems(loaded: LoadedLesson) -> Iterator[Problem]:
    given = loaded.solution.scenario.given
    yield from start_problems(given)
    every = [each for step in loaded.steps for each in (*step.before, *step.solution)]
    typed = words([*every, *(each for step in loaded.steps for hint in step.hints for each in hint.after)])

    def of_steps(steps: Iterable[Step], *place: str | int) -> Iterator[Problem]:
        for index, step in enumerate(steps):
            for path, reason in step_problems(given, step, typed):
                yield (*place, index, *path), reason

    def of_expect(expect: Expect, *place: str | int) -> Iterator[Problem]:
        for path, reason in expect_problems(given, expect, typed):
            yield (*place, *path), reason

    for number, step in enumerate(loaded.steps):
        here: Path = ("steps", number)
        yield from of_steps(step.before, *here, "before")
        yield from of_expect(step.goal, *here, "goal")
        yield from of_steps(step.solution, *here, "solution")
        for index, hint in enumerate(step.hints):
            yield from of_steps(hint.after, *here, "hints", index, "after")
            if hint.when is not None:
                yield from of_expect(hint.when, *here, "hints", index, "when")


def shipped() -> FilePath:
    """Return the directory of the lessons that come along."""
    return library() / "lessons"


def find(paths: Iterable[FilePath] = ()) -> list[FilePath]:
    """Return the lesson files at some paths, or those that come along; raises ScenarioError where there is none."""
    found: list[FilePath] = []
    for path in [*paths] or [shipped()]:
        if path.is_dir():
            inside = sorted(path.glob(f"*{SUFFIX}"))
            if not inside:
                raise ScenarioError(f"no file *{SUFFIX} in this directory", file=str(path))
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise ScenarioError("no such file", file=str(path))
    return found


def choose(word: str) -> LoadedLesson:
    """Return the lesson of a name, a number or a file; raises ScenarioError where there is none."""
    path = FilePath(word)
    if path.suffix == SUFFIX:
        return load(*find([path]))
    lessons = [load(each) for each in find()]
    for number, each in enumerate(lessons, 1):
        if word in {each.name, str(number)}:
            return each
    raise ScenarioError(f'no lesson "{word}"{nearest(word, [each.name for each in lessons])}', file=str(shipped()))
