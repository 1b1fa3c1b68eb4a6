"""When the network has settled: nobody owes an answer, nothing is on its way; and who makes no progress is given up."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sbcsim.clock import Clock

from .device import Device
from .pump import Pump

PATIENCE = 1.0
"""Real seconds without any progress before peers that owe an answer are taken for silent."""

DOUBT = 0.1
"""The part of it that those get of whom little is expected: peers known to be silent, ends that we began."""


class Traffic(Protocol):
    """What is on its way between the box and the network."""

    def under_way(self) -> int:
        """Return how much is being worked on, sent or closed."""

    def give_up(self) -> None:
        """Expect nothing more from far ends that are to close their side."""


class Settling:
    """Everybody who waits for the network to settle."""

    def __init__(self, device: Device, clock: Clock, pump: Pump, traffic: Traffic, patience: float) -> None:
        self._device = device
        self._clock = clock
        self._pump = pump
        self._traffic = traffic
        self._patience = patience
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def settle(self) -> None:
        """Wait until nobody owes an answer and nothing is being closed; who makes no progress is given up."""
        self._pump.pump()
        while self._pump.running and (pending := self._pending()):
            if self._device.resigned():
                self._device.give_up(self._clock.reading())
                self._pump.pump()
                continue
            progress = asyncio.get_running_loop().create_future()
            waiter = (pending, progress)
            self._waiting.append(waiter)
            try:
                async with asyncio.timeout(self._patience if self._device.hopeful() else self._patience * DOUBT):
                    await progress
            except TimeoutError:
                self._device.give_up(self._clock.reading())
                if self._pump.running:
                    self._traffic.give_up()
                self._pump.pump()
            finally:
                self._waiting.remove(waiter)

    def look(self) -> None:
        """Look whether less is outstanding than before."""
        if not self._waiting:
            return
        pending = self._pending()
        for level, progress in self._waiting:
            if not progress.done() and (pending < level or not self._pump.running):
                progress.set_result(None)

    def _pending(self) -> int:
        return self._device.outstanding() + self._traffic.under_way()
