"""The golden transcripts, typed into the box by a real SSH client."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncssh
import pytest
from sshlines import LOGIN
from transcripts import (
    FAR_END,
    PASSWORD,
    START,
    TRANSCRIPTS,
    WAITING,
    Stroke,
    Transcript,
    certificates,
    commit_elsewhere,
    configuration,
    furnish,
    without_times,
)

import sbcsim.simulator
from sbcsim import Simulator

LONGEST = 100
"""More characters than the end of a screen where something can be typed has."""


class Screen:
    """The terminal of an SSH client: everything that came, with LF line ends and erased markers still legible."""

    def __init__(self, process: asyncssh.SSHClientProcess[str]) -> None:
        self._process = process
        self.text = ""

    async def wait(self) -> None:
        """Take what comes up to where something can be typed, or to the end of the session."""
        try:
            came = await asyncio.wait_for(self._process.stdout.readuntil(WAITING, LONGEST), 10)
        except asyncio.IncompleteReadError as end:
            came = end.partial
        self.text += came.replace("\r\n", "\n").replace(f"\r{' ' * len('--More--')}\r", "\n")

    async def strike(self, stroke: Stroke) -> None:
        """Type and wait for the answer."""
        if stroke.end == "list":
            await self._list(stroke.line)
            return
        self._process.stdin.write(stroke.typed if stroke.end else f"{stroke.typed}\r")
        await self.wait()

    async def _list(self, line: str) -> None:
        """Press `?` and take what is listed; the line, which is shown again behind it, is dropped."""
        self._process.stdin.write(f"{line}?")
        self.text += await asyncio.wait_for(self._process.stdout.readuntil(f"{line}?"), 10)
        again = re.compile(WAITING.pattern.replace(r"\Z", re.escape(line) + r"\Z"), re.MULTILINE)
        listed = await asyncio.wait_for(self._process.stdout.readuntil(again, LONGEST + len(line)), 10)
        self.text += listed.replace("\r\n", "\n").removesuffix(line)
        self._process.stdin.write("\x03")
        await self._process.stdout.readuntil(WAITING, LONGEST)


@pytest.mark.parametrize("case", TRANSCRIPTS, ids=lambda case: case.name)
async def test_transcript(case: Transcript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = configuration(case)
    monkeypatch.setattr(sbcsim.simulator, "factory", lambda: tree)
    async with Simulator(
        clock=f"virtual@{case.since}", files=certificates(case), settings=case.chosen, control="off"
    ) as box:
        sbc = box._sbc
        furnish(sbc, case)
        login = LOGIN | {"username": case.user, "password": "admin" if case.user == "admin" else PASSWORD}
        async with asyncssh.connect(*box.ports.cli, **login) as connection:
            if case.sent is not None:
                done = await connection.run(case.sent, stderr=asyncssh.STDOUT)
                assert (without_times(done.stdout), done.exit_status) == (without_times(case.screen), case.ended)
                return
            async with connection.create_process(term_type="vt100", term_size=(80, case.height)) as process:
                screen = Screen(process)
                await screen.wait()
                if case.since != START:
                    await box.advance(to=START)
                for line in case.prepared:
                    await screen.strike(Stroke(line, line, line))
                    assert "[ok]" in screen.text.rpartition(line)[2], screen.text
                if case.committed:
                    commit_elsewhere(sbc, case.committed)
                    await screen.wait()
                if case.mode != "login":
                    screen.text = screen.text.rpartition("\n")[2]
                for scene, strokes in zip(case.scenes, case.strokes(), strict=True):
                    if scene.advance:
                        await box.advance(scene.advance)
                    if scene.committed:
                        commit_elsewhere(sbc, scene.committed)
                    if scene is not case.scenes[0]:
                        await screen.wait()
                    for stroke in strokes:
                        await screen.strike(stroke)
                if case.ended is not None:
                    assert (await process.wait()).exit_status == case.ended
    assert without_times(screen.text.replace("127.0.0.1", FAR_END)) == without_times(case.screen)
