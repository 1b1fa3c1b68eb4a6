"""What keeps a channel from its input: slow work, somebody else who is not ready, an answer that is held back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sbcsim.cli.shell import Patience

from .waiting import have_patience

Guarded = Callable[[Callable[[], None]], None]
"""Runs a step for which nobody else would answer."""


class Suspension:
    """At most one wait at a time, within which a channel takes no input.

    `resume` is called behind work and patience, with what went wrong; behind a held answer what was given for it.
    """

    def __init__(
        self,
        run: Callable[[Callable[[], None]], asyncio.Future[None]],
        resume: Callable[[BaseException | None], None],
        guarded: Guarded,
    ) -> None:
        self.lasts = False
        """No input is taken now."""
        self._run = run
        self._resume = resume
        self._guarded = guarded
        self._loop = asyncio.get_running_loop()
        self._wake: Callable[[], None] | None = None

    @property
    def can_be_left(self) -> bool:
        """Whether there is a wait that ends when somebody wants it to; work that has begun goes on to its end."""
        return self._wake is not None

    def leave(self) -> None:
        """End a wait that can be left."""
        if self._wake is not None:
            self._wake()

    def work(self, work: Callable[[], None]) -> None:
        """Wait for slow work."""
        self.lasts = True
        self._run(work).add_done_callback(self._over)

    def wait(self, patience: Patience) -> None:
        """Wait until somebody else is ready, or that has taken too long."""
        self.lasts = True
        self._wake = have_patience(patience, self._over)

    def hold(self, seconds: float | None, then: Callable[[], None]) -> None:
        """Wait for some time, None for ever, then go on with `then`."""

        def go_on() -> None:
            if self._wake is go_on:
                if timer is not None:
                    timer.cancel()
                self.lasts, self._wake = False, None
                then()

        self.lasts, self._wake = True, go_on
        timer = None if seconds is None else self._loop.call_later(seconds, lambda: self._guarded(go_on))

    def _over(self, future: asyncio.Future[None]) -> None:
        self.lasts = False
        self._wake = None
        failure = future.exception()
        self._guarded(lambda: self._resume(failure))
