"""The device on an event loop: no input overtakes a timer, and what the device wants is carried out at once.

After every input - bytes, an accepted connection, a timer, a commit - its effects are taken and carried out, until
there are none left. Time comes from the clock alone: while it flows, one timer of the event loop waits for the next
thing due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sbcsim.clock import SECOND, Clock, Instant
from sbcsim.device.effects import Effect

from .device import Device

SOONEST = 0.001
"""Real seconds the ticker sleeps at least, where rounding would make it wake again and again."""


class Pump:
    """Between the device and who feeds it. `progressed` is called when less may be outstanding than before."""

    def __init__(
        self,
        device: Device,
        clock: Clock,
        carry_out: Callable[[Sequence[Effect]], None],
        progressed: Callable[[], None],
    ) -> None:
        self.progressed = progressed
        self._device = device
        self._clock = clock
        self._carry_out = carry_out
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Handle | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._tick_due = -1
        self._pumping = False
        self._held = False

    @property
    def running(self) -> bool:
        """Whether anything is carried out."""
        return self._loop is not None

    def start(self) -> None:
        """Begin; the first `pump` is the caller's."""
        self._loop = asyncio.get_running_loop()
        self._device.wake = self._wake_up

    def stop(self) -> None:
        """Carry nothing out any more."""
        self._device.wake = None
        for handle in (self._tick, self._woken):
            if handle is not None:
                handle.cancel()
        self._tick, self._tick_due, self._woken = None, -1, None
        self._loop = None

    def now(self) -> Instant:
        """Return this moment, after firing what has come due before it: inputs never overtake timers."""
        now = self._clock.reading()
        due = self._due()
        if due is not None and due <= now.uptime and not self._held:
            self._device.fire(now)
        return now

    def pump(self) -> None:
        """Carry out what the device wants."""
        # Carrying an effect out can be an input in turn (a dial that is refused at once): one loop serves them all.
        if self._pumping or self._loop is None:
            return
        self._pumping = True
        try:
            while effects := self._device.take_effects():
                self._carry_out(effects)
        finally:
            self._pumping = False
        self._arm()
        self.progressed()

    def pump_anew(self) -> None:
        """Carry out what the device wants, and look at the clock again: for whoever moved either from outside."""
        self._tick_due = -1
        self.pump()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the clock stand for who moves it by hand, and fires what is due."""
        self._clock.hold()
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._clock.release()
            self._tick_due = -1
            self._arm()

    def _wake_up(self) -> None:
        if self._woken is None and self._loop is not None and not self._pumping:
            self._woken = self._loop.call_soon(self._woken_up)

    def _woken_up(self) -> None:
        self._woken = None
        self.pump()

    def _arm(self) -> None:
        due = self._due()
        if due is None or self._loop is None or self._held:
            if self._tick is not None:
                self._tick.cancel()
            self._tick, self._tick_due = None, -1
            return
        if due == self._tick_due:
            return
        if self._tick is not None:
            self._tick.cancel()
        rate = self._clock.rate
        wait = (due - self._clock.reading().uptime) / SECOND / rate if rate else 0
        self._tick_due = due
        self._tick = self._loop.call_later(max(wait, SOONEST), self._ticked)

    def _due(self) -> int | None:
        # While the clock stands nothing comes due, but a re-check that has begun to close goes on.
        return self._device.next_due() if self._clock.rate or self._device.closing else None

    def _ticked(self) -> None:
        self._tick, self._tick_due = None, -1
        self.now()
        self.pump()
