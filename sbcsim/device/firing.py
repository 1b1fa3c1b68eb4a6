"""What is due is fired: at its time while time flows, instant by instant over a jump of the clock."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from itertools import islice
from typing import cast

from sbcsim.clock import Clock, Instant

from .boxpoints import LOOKED
from .certcheck import CertificateChecks
from .chassis import Chassis
from .connections import PeerKey
from .outstanding import Outstanding
from .pathcheck import PathChecks
from .signallingpoints import DIALLED

AT_ONCE = 32
"""Timers that fire in one go over a jump of the clock, and pings that are sent."""

Handlers = Mapping[str, Callable[[Hashable, Instant], None]]
"""What every kind of timer does, told whose it is."""


class Firing:
    """Everything that happens by itself on one node."""

    def __init__(
        self,
        chassis: Chassis,
        clock: Clock,
        checks: CertificateChecks,
        paths: PathChecks,
        outstanding: Outstanding,
        handlers: Handlers,
    ) -> None:
        self._timetable = chassis.timetable
        self._faults = chassis.faults
        self._clock = clock
        self._checks = checks
        self._paths = paths
        self._outstanding = outstanding
        self._handlers = handlers

    def next_due(self) -> int | None:
        """Return the uptime of the next timer, None when nothing is due ever."""
        return self._clock.reading().uptime if self._checks.unfinished else self._timetable.next_due()

    def fire(self, now: Instant) -> int:
        """Fire everything due at or before `now`, in order; returns how much that was."""
        return self._fire(now, keepalives=True)

    def plan(self, target: int) -> int | None:
        """On a jump to uptime `target`: return the instant to move to next, None when nothing more is due by then."""
        now = self._clock.reading()
        if self._timetable.head_for(target):
            self._outstanding.clock_moves()
            self._paths.clock_moves()
        if self._checks.unfinished:
            return now.uptime
        look = self._checks.acts_at(now)
        if self._faults.may_fire(DIALLED | LOOKED):
            self._paths.beware()
            look = self._timetable.next_look(look) if self._faults.may_fire(LOOKED) else look
        due = self._timetable.plan(target, look, lambda key: self._paths.interval(_ping_peer(key)))
        # What came due just before the clock was held has not been fired yet.
        return None if due is None else max(due, now.uptime)

    def fire_planned(self, now: Instant) -> tuple[int, int]:
        """Fire what `plan` chose; returns how much that was and how many pings were spared."""
        timetable, fired, spared = self._timetable, self._fire(now, keepalives=False, most=AT_ONCE), 0
        # At one instant certificate checks and time-outs come before pings.
        most = 0 if self._checks.unfinished or timetable.due(now.uptime) else AT_ONCE
        for ping in islice(timetable.take_planned(now.uptime), most):
            self._paths.send_ping(_ping_peer(ping.key), ping.times, now)
            fired += 1
            spared += ping.times - 1
        return fired, spared

    def unfinished(self, now: Instant) -> bool:
        """Whether more is left to fire at this instant than one turn of somebody's loop should take."""
        timetable = self._timetable
        return self._checks.unfinished or timetable.due(now.uptime) or timetable.planned(now.uptime)

    def _fire(self, now: Instant, *, keepalives: bool, most: int | None = None) -> int:
        fired = 0
        self._checks.go_on(now)
        timetable, checks = self._timetable, self._checks
        while fired != most and not checks.unfinished:  # at one instant a whole re-check comes before pings
            timer = timetable.pop(now.uptime, keepalives=keepalives)
            if timer is None:
                break
            key = timer.key
            assert isinstance(key, tuple)
            self._handlers[key[0]](key[1] if len(key) > 1 else None, now)
            fired += 1
        return fired


def _ping_peer(key: Hashable) -> PeerKey:
    return cast(tuple[str, PeerKey], key)[1]
