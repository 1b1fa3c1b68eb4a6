"""The coach without a screen of its own: it prints beside whatever client the trainee uses, and reads simple words."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from sbcsim.errors import UserError

from .coach import Coach
from .progress import Progress
from .telling import access, head, success, task
from .words import obey

_WIDEST = 100


class Plain:
    """One lesson taken beside any client. `write` prints a text."""

    def __init__(self, coach: Coach, progress: Progress, write: Callable[[str], None]) -> None:
        self._coach = coach
        self._progress = progress
        self._write = write
        self._width = min(shutil.get_terminal_size().columns, _WIDEST)

    async def run(self, said: asyncio.Queue[str]) -> None:
        """Coach until every step is done, or the trainee leaves."""
        coach = self._coach
        self._write(f"{head(coach.lesson, self._width)}\n")
        self._write(f"{access(coach)}\n\nSay help to the coach, here, for what it understands.\n")
        self._write(task(coach, self._width))
        watching, listening = asyncio.create_task(self._watch()), asyncio.create_task(self._listen(said))
        try:
            await asyncio.wait({watching, listening}, return_when=asyncio.FIRST_COMPLETED)
            for each in (watching, listening):
                if each.done():
                    each.result()
        finally:
            watching.cancel()
            listening.cancel()
            await asyncio.gather(watching, listening, return_exceptions=True)

    async def _watch(self) -> None:
        """Look after every event; ends when every step is done."""
        coach = self._coach
        while not coach.over:
            await coach.changed.wait()
            coach.changed.clear()
            reached = await coach.look()
            if reached is None:
                continue
            coach.changed.set()  # the next goal may be reached already
            self._write(f"\n{success(reached, self._width)}\n")
            self._keep()
            self._write(task(coach, self._width))

    async def _listen(self, said: asyncio.Queue[str]) -> None:
        """Do what the trainee says; ends when it leaves."""
        while True:
            answer = await obey(self._coach, await said.get())
            if answer.text:
                self._write(answer.text)
            if answer.begins:
                self._write(task(self._coach, self._width))
            if answer.leaves:
                return

    def _keep(self) -> None:
        coach = self._coach
        try:
            self._progress.record(coach.lesson.name, 0 if coach.over else coach.number, done=coach.over)
        except UserError as error:
            self._write(f"sbcsim: {error.text}")


def lines(stream: TextIO) -> asyncio.Queue[str]:
    """Return the lines of a stream as they come, and a last word at its end: nobody is there any more.

    A thread reads, since a terminal can be waited for in no other way.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # the lesson has ended meanwhile, and its loop with it
            for line in stream:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, "quit")

    threading.Thread(target=read, name="words to the coach", daemon=True).start()
    return queue
