"""The coach on the full screen: driven by keys, in the program's own pilot and through a real terminal (tmux)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import require_module, require_program
from tmuxtrainee import trainee

require_module("textual")

from textual.pilot import Pilot  # noqa: E402 - textual is an extra
from textual.widgets import Footer, Input, Static  # noqa: E402
from textual.widgets._footer import FooterKey  # noqa: E402

from sbcsim.learn.app import LessonApp  # noqa: E402
from sbcsim.learn.coach import Coach  # noqa: E402
from sbcsim.learn.lesson import choose, find, load  # noqa: E402
from sbcsim.learn.pane import TerminalPane  # noqa: E402
from sbcsim.learn.progress import Progress  # noqa: E402

PATIENCE = 30.0
SIZES = [(80, 24), (120, 40)]


class Trainee:
    """Types at the app as a person would, and reads what stands there."""

    def __init__(self, app: LessonApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def reads(self, part: str) -> str:
        return "\n".join(str(each.content) for each in self.app.query(part).results(Static))

    @property
    def terminal(self) -> str:
        return self.app.query_one(TerminalPane).screen_text.text

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self.pilot.pause(0.02)

    async def types(self, line: str) -> None:
        """Type a line into the box, and wait for the next prompt."""
        before = len(self.terminal)
        await self.pilot.press(*map(named, line), "enter")
        await self.until(
            lambda: self.terminal[before:].rstrip(" ").endswith((">", "%")) and "\n" in self.terminal[before:]
        )

    async def says(self, line: str) -> None:
        """Say a word to the coach in the line that F2 opens."""
        await self.pilot.press("f2")
        await self.pilot.press(*map(named, line), "enter")


def named(char: str) -> str:
    """Return the name of the key for a character."""
    return {" ": "space", "|": "vertical_line", "_": "underscore", "-": "minus", "/": "slash", ".": "full_stop",
            '"': "quotation_mark"}.get(char, char)  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_lesson_is_taken_on_the_full_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    progress = Progress(tmp_path / "progress.json")
    async with Coach(choose("switch")) as coach:
        app = LessonApp(coach, progress)
        async with app.run_test(size=size) as pilot:
            trainee = Trainee(app, pilot)
            await trainee.until(lambda: "admin@SBC1> " in trainee.terminal)
            assert "step 1 of 5" in trainee.reads("#head")
            assert "OLD" in trainee.reads("#connections")
            await pilot.press("f1")
            await trainee.until(lambda: "Hint 1 of 3: The file is not on the box." in trainee.reads("#told, #answer"))
            await trainee.says("put new.p12")
            await trainee.until(lambda: "✓ Step 1 is done." in trainee.reads("#told, #answer"))
            await trainee.types("configure")
            await trainee.types(
                "set system security pki certificate NEW fileName new.p12 type local "
                "passPhrase scenario-pass-phrase state enabled"
            )
            await trainee.types("commit")
            await trainee.until(lambda: "✓ Step 2 is done." in trainee.reads("#told, #answer"))
            await trainee.types("set profiles security tlsProfile TLS serverCertName NEW clientCertName NEW")
            await trainee.types("commit")
            await trainee.until(lambda: "✓ Step 3 is done." in trainee.reads("#told, #answer"))
            await trainee.says("skip 1h")
            await trainee.until(lambda: "✓ Step 4 is done." in trainee.reads("#told, #answer"))
            assert "2026-01-01 01:00 ·" in trainee.reads("#head")
            await pilot.press("f5")
            await trainee.until(lambda: "The session has ended." in trainee.terminal)
            await trainee.until(lambda: "Back to where this step began" in trainee.reads("#told, #answer"))
            await pilot.press("enter")
            await trainee.until(lambda: trainee.terminal.rstrip(" ").endswith("admin@SBC1>"))
            await trainee.says("dial PEER2")
            await trainee.until(lambda: "The lesson is done." in trainee.reads("#told, #answer"))
            assert progress.of("switch").done
            await pilot.press("f10")


async def test_what_is_typed_goes_to_the_box_or_to_the_coach(tmp_path: Path) -> None:
    async with Coach(choose("look-around")) as coach:
        app = LessonApp(coach, Progress(tmp_path / "progress.json"))
        async with app.run_test(size=(100, 30)) as pilot:
            trainee = Trainee(app, pilot)
            await trainee.until(lambda: "admin@SBC1> " in trainee.terminal)
            await pilot.press("f2", "x", "y", "escape")
            assert not app.query_one("#say", Input).display
            await pilot.press("s", "h", "tab")
            await trainee.until(lambda: "admin@SBC1> show " in trainee.terminal)
            await pilot.press("ctrl+u", *"xit", "home", "e", "enter")
            await trainee.until(lambda: "The session has ended." in trainee.terminal)
            await pilot.press("x", "enter")
            await trainee.until(lambda: trainee.terminal.rstrip(" ").endswith("admin@SBC1>"))
            await pilot.resize_terminal(60, 20)
            await pilot.press("pagedown", "pageup", "f3")
            await trainee.until(lambda: "Step 1 of 4" in trainee.reads("#told, #answer"))
            await trainee.says("quit")
            await trainee.until(lambda: not app.is_running)


async def test_what_the_coach_says_is_read_from_its_first_line_on(tmp_path: Path) -> None:
    async with Coach(choose("switch")) as coach:
        app = LessonApp(coach, Progress(tmp_path / "progress.json"))
        async with app.run_test(size=(80, 24)) as pilot:
            trainee = Trainee(app, pilot)
            await trainee.until(lambda: "admin@SBC1> " in trainee.terminal)
            lesson, answer = app.query_one("#lesson"), app.query_one("#answer")
            assert not answer.display
            await trainee.says("help")
            await trainee.until(lambda: 0 < answer.region.y - lesson.region.y <= 1)
            said = trainee.reads("#answer").splitlines()
            assert "hint         help with what is wrong" in said[0]
            assert said[1].startswith("             ")
            assert max(map(len, said)) <= lesson.region.width
            await pilot.press("pageup", "pageup", "pageup")
            assert lesson.scroll_y == 0
            await trainee.types("configure")
            await trainee.says("nothing")
            await trainee.until(lambda: "does not know" in trainee.reads("#answer"))
            await trainee.until(lambda: lesson.scroll_y == lesson.max_scroll_y)


async def test_what_happens_at_the_box_moves_nothing_that_is_read(tmp_path: Path) -> None:
    async with Coach(choose("night-shift")) as coach:
        app = LessonApp(coach, Progress(tmp_path / "progress.json"))
        async with app.run_test(size=(60, 20)) as pilot:
            trainee = Trainee(app, pilot)
            await trainee.until(lambda: "admin@SBC1> " in trainee.terminal)
            lesson = app.query_one("#lesson")
            assert lesson.max_scroll_y > 0
            await trainee.types("configure")
            assert lesson.scroll_y == 0


async def test_the_keys_are_named_below_also_on_a_small_terminal(tmp_path: Path) -> None:
    async with Coach(choose("switch")) as coach:
        app = LessonApp(coach, Progress(tmp_path / "progress.json"))
        async with app.run_test(size=(80, 24)) as pilot:
            await Trainee(app, pilot).until(lambda: len(app.query(FooterKey)) > 0)
            footer = app.query_one(Footer)
            keys = [each for each in footer.query(FooterKey) if each.region.width]
            assert {f"{each.key_display} {each.description}" for each in keys} == {
                "pgup/pgdn Scroll", "f1 Hint", "f2 Say", "f3 Task", "f5 Reset", "f6 Restart", "f10 Leave",
            }  # fmt: skip
            assert max(each.region.right for each in keys) <= 80


@pytest.mark.interop
@pytest.mark.timeout(300)
@pytest.mark.parametrize("file", find(), ids=lambda file: file.stem)
async def test_a_lesson_is_played_to_its_end_at_a_real_terminal(file: Path, tmp_path: Path) -> None:
    tmux = require_program("tmux")
    lesson = load(file)
    size = SIZES[len(lesson.name) % 2]
    async with trainee(tmux, tmp_path, size, lesson.name) as person:
        for number, step in enumerate(lesson.steps):
            await person.until(told(f"· step {number + 1} of {len(lesson.steps)} ·"))
            if not step.continues:
                await person.leaves_configure_mode()
            for each in step.solution:
                await person.does(each)
        await person.until(told("· done ·"))
        await person.press("F10")
    assert Progress(tmp_path / "sbcsim" / "learn.json").of(lesson.name).done


def told(text: str) -> Callable[[list[str]], bool]:
    return lambda screen: text in screen[0]
