"""A lesson that checks itself: no step starts solved, every solution reaches its goal, every hint fits some mistake."""

from __future__ import annotations

from sbcsim.errors import UserError

from .coach import Coach
from .lesson import LoadedLesson


async def check(loaded: LoadedLesson) -> None:
    """Take a lesson as its solutions say, and make every mistake it knows; raises ScenarioError with the place."""
    async with Coach(loaded) as coach:
        chosen = [await _step(coach, number) for number in range(len(loaded.steps))]
        for number, step in enumerate(loaded.steps):
            for index, hint in enumerate(step.hints[:-1]):
                if hint.after:
                    await _mistake(coach, number, index)
                elif index not in chosen[number]:
                    raise loaded.error(
                        "this hint is never given: neither where the step begins nor on the way of its solution; "
                        "say with after how a trainee comes there",
                        "steps", number, "hints", index,
                    )  # fmt: skip


async def _step(coach: Coach, number: int) -> set[int]:
    """Do a step as its solution says; returns which hints would have been given on the way."""
    loaded, step = coach.lesson, coach.step
    if not await coach.wrong():
        raise loaded.error("the step starts solved: its goal is reached as it begins", "steps", number, "goal")
    chosen = {await coach.fitting()}
    for index, each in enumerate(step.solution):
        try:
            await coach.play([each])
        except UserError as error:
            raise loaded.error(f"the solution fails: {error.text}", "steps", number, "solution", index) from None
        if await coach.wrong():
            chosen.add(await coach.fitting())
    wrong = await coach.wrong()
    if wrong:
        told = "; ".join(f"{each.statement}: {each.instead}" for each in wrong)
        raise loaded.error(f"the solution does not reach the goal: {told}", *wrong[0].path)
    assert await coach.look() is not None, "nothing was wrong a moment ago, and nobody else is here"
    return chosen


async def _mistake(coach: Coach, number: int, index: int) -> None:
    """Make the mistake that a hint is about, and look whether the hint is given."""
    loaded = coach.lesson
    path = ("steps", number, "hints", index)
    await coach.go_to(number)
    try:
        await coach.play(coach.step.hints[index].after)
    except UserError as error:
        raise loaded.error(f"the way to this hint fails: {error.text}", *path, "after") from None
    if not await coach.wrong():
        raise loaded.error("the way to this hint reaches the goal", *path, "after")
    fitting = await coach.fitting()
    if fitting != index:
        raise loaded.error(f"at the end of its way another hint is given: number {fitting + 1}", *path)
