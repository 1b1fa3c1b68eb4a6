"""Real time as a session meets it: input that does not come, and somebody else who is not ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sbcsim.cli.shell import Patience

_LOOK_SECONDS = 30.0  # how soon a changed limit is noticed


class IdleWatch:
    """Calls `idle` when nothing has happened for too long.

    `limit` tells how many seconds that is, 0 for never; while `busy`, nobody is idle.
    """

    def __init__(self, limit: Callable[[], float], busy: Callable[[], bool], idle: Callable[[], None]) -> None:
        self._limit = limit
        self._busy = busy
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def note(self) -> None:
        """Take note that something happened."""
        self._last = self._loop.time()

    def look(self) -> None:
        """Look whether it has been too long, and again when it could be."""
        self.stop()
        limit = self._limit()
        left = self._last + limit - self._loop.time()
        if not limit or self._busy():
            left = _LOOK_SECONDS
        elif left <= 0:
            self._idle()
            return
        self._timer = self._loop.call_later(min(left, _LOOK_SECONDS), self.look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def have_patience(patience: Patience, then: Callable[[asyncio.Future[None]], None]) -> Callable[[], None]:
    """Call `then`, in a later turn of the loop, when the wait is over; returns what ends it early. No thread waits."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiting.done():
            waiting.set_result(None)

    timer, forget = loop.call_later(patience.seconds, wake), patience.watch(wake)

    def over(done: asyncio.Future[None]) -> None:
        timer.cancel()
        forget()
        then(done)

    waiting.add_done_callback(over)
    return wake
