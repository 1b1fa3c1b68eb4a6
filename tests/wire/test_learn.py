"""Lessons at a real box: each checks itself, the coach helps by what is wrong now, and goes back."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from lessonfile import LESSON, written
from runningbox import PATIENCE, command, environment
from typer.testing import CliRunner

from sbcsim.__main__ import app
from sbcsim.errors import ScenarioError, UserError
from sbcsim.learn.check import check
from sbcsim.learn.coach import Coach, Told
from sbcsim.learn.lesson import choose, find, load
from sbcsim.learn.standing import standing
from sbcsim.learn.words import WORDS, obey
from sbcsim.net.terminal import Terminal, upload
from sbcsim.scenario.model import Step

NEW = (
    "set system security pki certificate NEW fileName new.p12 type local passPhrase scenario-pass-phrase state enabled"
)


@pytest.mark.parametrize("file", find(), ids=lambda file: file.stem)
async def test_a_lesson_that_comes_along_is_sound(file: Path) -> None:
    await check(load(file))


async def test_another_seed_makes_another_night_of_the_night_shift(tmp_path: Path) -> None:
    """With that of the lesson both faults strike at the first try, which the check of the lesson shows."""
    text = (
        choose("night-shift")
        .path.read_text()
        .replace("../common", str(choose("night-shift").path.parents[1] / "common"))
    )
    assert "seed: 3\n" in text
    for seed, spared in ((5, "file"), (7, "session")):
        file = written(tmp_path, text.replace("seed: 3\n", f"seed: {seed}\n"), f"{spared}.yaml")
        with pytest.raises(ScenarioError, match="not refused" if spared == "file" else "the session did not end"):
            await check(load(file))


async def test_who_looks_around_may_do_so_from_configure_mode() -> None:
    async with Coach(choose("look-around")) as coach:
        for line in (
            "run show status system security pki certificate",
            "run show table addressContext default zone ZONE1 sipSigConnStatus",
        ):
            await coach.play([Step.model_validate({"cli": ["configure", line, "exit"]})])
            assert await coach.look() is not None, line


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("new.p12: present", "new.p12: absent", "8:11: the step starts solved: its goal is reached as it begins"),
        ("put: new.p12", "remove: new.p12", "15:16: the solution fails: /opt/sonus/external/new.p12: No such file"),
        ("[{advance: 1d}]", "[{advance: 1h}]", "the solution does not reach the goal: the time is from 2026-01-02"),
        ("        after: [{sftp: {remove: old.p12}}]\n", "", "10:9: this hint is never given"),
        ("[{sftp: {remove: old.p12}}]", "[{sftp: {remove: x.p12}}]", "11:16: the way to this hint fails: /opt/sonus"),
        ("{remove: old.p12}}]", "{put: new.p12}}]", "11:16: the way to this hint reaches the goal"),
        (
            "[{sftp: {remove: old.p12}}]",
            "[{advance: 1h}]",
            "10:9: at the end of its way another hint is given: number 2",
        ),
    ],
)
async def test_a_lesson_that_is_not_sound_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    file = written(tmp_path, LESSON.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        await check(load(file))
    assert str(caught.value).startswith(f"{file}:")
    assert told in str(caught.value)


def test_the_command_checks_and_its_exit_status_tells(tmp_path: Path) -> None:
    good = written(tmp_path)
    outcome = CliRunner().invoke(app, ["learn", "check", str(good)])
    assert (outcome.exit_code, outcome.output) == (0, "1 sound, 0 not\n")
    bad = written(tmp_path, LESSON.replace("new.p12: present", "new.p12: absent"), "4-bad.yaml")
    worse = written(tmp_path, "title: x\n", "5-worse.yaml")
    outcome = CliRunner().invoke(app, ["learn", "check", str(tmp_path)])
    assert outcome.exit_code == 2
    assert f"{bad}:8:11: " in outcome.output
    assert f"{worse}:1:1: " in outcome.output
    assert "1 sound, 2 not" in outcome.output
    assert CliRunner().invoke(app, ["learn", "check", str(tmp_path / "none")]).exit_code == 2


async def test_hints_follow_what_is_wrong_and_climb_three_rungs(tmp_path: Path) -> None:
    async with Coach(load(written(tmp_path))) as coach:
        assert await coach.look() is None
        assert [await coach.hint() for _ in range(4)] == [
            Told(1, "four"), Told(2, "five"), Told(3, "six"), Told(3, "six"),
        ]  # fmt: skip
        await coach.remove("old.p12")
        assert await coach.hint() == Told(1, "one")
        await coach.put("new.p12")
        reached = await coach.look()
        assert reached is not None
        assert (reached.number, coach.number, coach.over) == (0, 1, False)
        assert await coach.hint() == Told(1, "seven")
        await coach.skip("1d")
        assert await coach.look() is not None
        assert coach.over
        assert await coach.hint() is None
        assert await coach.wrong() == []
        assert await coach.look() is None


async def test_a_step_that_goes_on_with_another_is_reset_to_where_that_began(tmp_path: Path) -> None:
    async with Coach(load(written(tmp_path))) as coach:
        await coach.put("new.p12")
        await coach.look()
        await coach.skip("2h")
        assert await coach.reset_step() == 0
        assert "new.p12" not in coach.sbc.files()
        assert coach.sbc.clock.now().hour == 0


async def test_a_lesson_is_gone_on_with_at_the_step_that_was_left_and_begun_again() -> None:
    async with Coach(choose("switch"), number=3) as coach:
        assert coach.step.name == "wait"
        assert [line for line in standing(coach) if not line.startswith(" ")] == [
            "OLD, until 2026-03-02 12:00, 60 days left",
            "NEW, until 2027-02-05 00:00, 400 days left",
        ]
        assert [line for line in standing(coach) if line.startswith(" ")] == [
            "  #1 to PEER1, since 2026-01-01 00:00", "  #2 from PEER2, since 2026-01-01 00:00", "  nobody",
        ]  # fmt: skip
        assert coach.sbc.candidates() == []
        await coach.skip("70d")
        assert await coach.reset_step() == 3
        assert [each.local_certificate.name for each in coach.sbc.connections()] == ["OLD", "OLD"]
        await coach.reset_lesson()
        assert (coach.number, coach.sbc.files()) == (0, ["ca.pem", "old.p12"])


async def test_a_trainee_who_goes_ahead_is_not_held_back(tmp_path: Path) -> None:
    async with Coach(load(written(tmp_path))) as coach:
        await coach.skip("2d")
        assert await coach.look() is None
        await coach.put("new.p12")
        assert await coach.look() is not None
        assert await coach.look() is not None
        assert coach.over


async def test_the_coach_answers_whatever_is_said(tmp_path: Path) -> None:
    async with Coach(load(written(tmp_path))) as coach:
        said = {
            "": "",
            "hunt": 'the coach does not know "hunt"; did you mean "hint"?',
            "HINT": "Hint 1 of 3: four  (ask again for more)",
            "hint me": "say: hint",
            "skip": "say: skip TIME",
            "skip soon": '"soon" is not a duration',
            "skip 1h": "It is 2026-01-01 01:00:00 now.",
            "dial PEER9": 'no peer "PEER9"; did you mean "PEER',
            "ping PEER2": "PEER2 has no connection that it has dialled",
            "dial PEER2": "PEER2 was shown OLD",
            " ping  PEER2 ": "PEER2 was answered",
            "put now.p12": 'no file "now.p12"; did you mean "new.p12"?',
            "remove none.p12": "/opt/sonus/external/none.p12: No such file",
            "put new.p12": "new.p12 was brought to the box by SFTP.",
            "remove new.p12": "new.p12 was removed from the box by SFTP.",
            "status": "#2 from PEER2, since 2026-01-01 01:00",
            "help": "skip TIME",
            "access": "to be put into /opt/sonus/external",
            "reset": "Back to where this step began.",
            "again": "The lesson begins again.",
        }
        for line, answer in said.items():
            assert answer in (await obey(coach, line)).text, line
        assert (await obey(coach, "task")).begins
        assert (await obey(coach, "quit")).leaves
        assert (await obey(coach, "again")).begins
        spoken = {line.split()[0].lower() for line in said if line.strip()} | {"task", "quit"}
        assert set(WORDS) <= spoken


async def test_a_solution_that_cannot_be_played_is_told(tmp_path: Path) -> None:
    async with Coach(load(written(tmp_path))) as coach:
        with pytest.raises(UserError, match="No such file"):
            await coach.play(coach.lesson.steps[0].hints[0].after * 2)


class PlainCoach:
    """`sbcsim learn LESSON` in a process of its own, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed = ""

    async def until(self, pattern: str) -> re.Match[str]:
        """Return the first place behind what was found before where a pattern is printed."""
        async with asyncio.timeout(PATIENCE):
            while (found := re.search(pattern, self.printed)) is None:
                part = await self.process.stdout.read(65536)
                assert part, f"it ended without {pattern!r}: {self.printed}"
                self.printed += part.decode()
        self.printed = self.printed[found.end() :]
        return found

    def say(self, line: str) -> None:
        """Say a line to the coach."""
        self.process.stdin.write(f"{line}\n".encode())


@asynccontextmanager
async def plain(*words: str, **more: str) -> AsyncIterator[PlainCoach]:
    process = await asyncio.create_subprocess_exec(
        *command("learn", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(**more),
    )
    try:
        yield PlainCoach(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process.stdin.close()
        process._transport.close()


async def test_a_lesson_is_taken_beside_an_ssh_client(tmp_path: Path) -> None:
    progress = ("--progress", str(tmp_path / "progress.json"), "--files", str(tmp_path / "files"))
    async with plain("switch", *progress) as coach:
        port = int((await coach.until(r"ssh -p (\d+) .*admin@127.0.0.1"))[1])
        sftp = int((await coach.until(r"sftp -P (\d+) .*admin@127.0.0.1"))[1])
        await coach.until(r"Step 1 of 5\n")
        coach.say("hint")
        await coach.until(r"Hint 1 of 3: The file is not on the box.")
        content = (tmp_path / "files" / "new.p12").read_bytes()
        await upload(("127.0.0.1", sftp), "admin", "admin", "/opt/sonus/external/new.p12", content)
        await coach.until(r"Done: step 1.\n(?s:.*)Step 2 of 5\n")
        async with Terminal("127.0.0.1", port, "admin", "admin") as terminal:
            for line in ("configure", NEW, "commit"):
                await terminal.type(line)
            await coach.until(r"Done: step 2.\n")
            await terminal.type("set profiles security tlsProfile TLS serverCertName NEW")
            await terminal.type("commit")
            coach.say("hint")
            await coach.until(r"Hint 1 of 3: One of the two roles still shows OLD.")
            await terminal.type("set profiles security tlsProfile TLS clientCertName NEW")
            await terminal.type("commit")
            await coach.until(r"Done: step 3.\n")
        coach.say("skip 1h")
        await coach.until(r"Done: step 4.\n(?s:.*)Step 5 of 5\n")
        coach.say("quit")
        assert await coach.process.wait() == 0

    listed = CliRunner().invoke(app, ["learn", *progress[:2]])
    assert "switch       step 5 of 5" in listed.output
    async with plain("4", *progress) as coach:
        await coach.until(r"Step 5 of 5\n")
        coach.say("reset")
        await coach.until(r"Back to where this step began.*\nStep 5 of 5\n")
        coach.say("dial PEER2")
        await coach.until(r"PEER2 was shown NEW")
        await coach.until(r"Every step of this lesson is done.")
        assert await coach.process.wait() == 0
    listed = CliRunner().invoke(app, ["learn", *progress[:2]])
    assert "switch       done" in listed.output


async def test_who_has_nothing_more_to_say_leaves(tmp_path: Path) -> None:
    async with plain("switch", "--progress", str(tmp_path / "progress.json")) as coach:
        await coach.until(r"Step 1 of 5\n")
        coach.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            assert await coach.process.wait() == 0


def test_without_textual_the_extra_is_named_and_the_lesson_goes_on(tmp_path: Path) -> None:
    """At a terminal: elsewhere nobody has asked for the full screen."""
    code = "import sys; sys.modules['textual'] = None; from sbcsim.__main__ import main; main()"
    words = [sys.executable, "-c", code, "learn", "switch", "--progress", str(tmp_path / "progress.json")]
    ours, theirs = os.openpty()
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm")) as process:
        os.close(theirs)
        printed = ""
        with suppress(OSError):  # it has gone, and the terminal with it
            while part := os.read(ours, 65536):
                printed += part.decode()
                if "Step 1 of 5" in printed:
                    os.write(ours, b"quit\n")
        os.close(ours)
        assert process.wait(PATIENCE) == 0
    assert "needs textual: pip install 'sbcsim[learn]'. Going on as with --plain." in printed
    assert "ssh -p " in printed
    assert "Traceback" not in printed


async def test_a_lesson_begins_at_its_start_where_asked(tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    progress.write_text('{"lessons": {"switch": {"step": 4}}}')
    async with plain("switch", "--from-start", "--progress", str(progress)) as coach:
        await coach.until(r"Step 1 of 5\n")


async def test_damaged_progress_and_unknown_lessons_are_told(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text("{")
    outcome = CliRunner().invoke(app, ["learn", "--progress", str(tmp_path / "progress.json")])
    assert outcome.exit_code == 0
    assert "cannot be understood (line 1: " in outcome.output
    outcome = CliRunner().invoke(app, ["learn", "swich", "--progress", str(tmp_path / "progress.json")])
    assert outcome.exit_code == 2
    assert 'no lesson "swich"; did you mean "switch"?' in outcome.output


def test_the_words_of_the_command_are_told() -> None:
    outcome = CliRunner().invoke(app, ["learn", "--help"])
    assert outcome.exit_code == 0
    assert {"take", "check"} <= {*re.findall(r"\w+", outcome.output)}
