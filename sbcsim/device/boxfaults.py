"""Faults of the box as a whole, met by what the journal tells: a switchover behind a commit, a restart behind a login.

The journal is only listened to while such a fault is set. What is told meets the faults when the device has done with
its input and the driver comes for the effects, so at the same instant but never in the middle of anything. No fault is
met by what one has caused: not by what is told while it is carried out or ends, and for `AFTERMATH` of uptime behind
that by nothing but what somebody outside does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from sbcsim.clock import SECOND, Clock, Instant, format_duration, parse_duration
from sbcsim.events import FaultFired, LogEvent
from sbcsim.journal import Entry

from . import boxpoints
from .certcheck import CertificateChecks
from .chassis import Chassis
from .faults import fits
from .faultvalues import read_outage
from .files import CERTIFICATE_DIRECTORY, VirtualFiles
from .outages import Broken, Outages
from .redundancy import RestartCause, Server
from .takeover import Takeover
from .validity import Validity

AFTERMATH = SECOND
"""How long after a fault what happens by itself is taken for its consequence, in microseconds of uptime."""

BY_OTHERS = frozenset({"cli", "clockMoved", "commit", "commitRefused", "confirmedCommit", "login", "sftp"})
"""Kinds of events by which somebody outside acts: no fault causes them."""


class Node(Protocol):
    """What a fault does to the node."""

    @property
    def clock(self) -> Clock:
        """The node's clock."""

    def files_of(self, server: Server) -> VirtualFiles:
        """Return the files of a server."""

    def restart(self, cause: RestartCause, now: Instant) -> None:
        """Restart the application."""


class BoxFaults:
    """Every fault that is met by what the journal tells."""

    def __init__(
        self,
        chassis: Chassis,
        node: Node,
        outages: Outages,
        takeover: Takeover,
        checks: CertificateChecks,
        validity: Validity,
    ) -> None:
        self._chassis = chassis
        self._node = node
        self._outages = outages
        self._takeover = takeover
        self._checks = checks
        self._validity = validity
        self._told: deque[str] = deque()
        self._changed = self._acting = self._catching_up = False
        self._last: int | None = None
        self._listening: Callable[[], None] | None = None
        self._acts: dict[str, Callable[[str, Instant], None]] = {
            boxpoints.SWITCHOVER: self._switch_over,
            boxpoints.RESTART: lambda _value, now: node.restart(RestartCause.SOFT, now),
            boxpoints.PORT: self._break_ports,
            boxpoints.INTERFACE: self._break_interfaces,
            boxpoints.CLOCK: self._step_clock,
            boxpoints.BEHIND: self._fall_behind,
            boxpoints.FILE: self._lose_files,
        }

    @property
    def waiting(self) -> bool:
        """Whether something has been told that is still to meet the faults."""
        return bool(self._told) or self._changed

    def changed(self) -> None:
        """Faults have been set or taken away: listen for as long as somebody wants that."""
        wanted = any(map(self._chassis.faults.at, self._acts))
        if wanted and self._listening is None:
            self._listening = self._chassis.journal.subscribe(self._hear)
        elif not wanted and self._listening is not None:
            self._listening()
            self._listening = None
        self._changed = True
        self._wake()

    def happen(self) -> None:
        """Let what has been told meet the faults, and carry out what they say."""
        if self._changed:
            self._end_outages(self._node.clock.reading())
        while self._told and not self._acting:
            self._meet(self._told.popleft())

    def mend(self, broken: Broken, now: Instant) -> None:
        """The time of an outage is over."""
        self._do(lambda: self._outages.mend(broken, now), now)

    def synchronised(self, now: Instant) -> None:
        """The standby server has caught up, perhaps from what a fault did."""
        by_fault, self._catching_up = self._catching_up, False
        if by_fault:
            self._do(lambda: self._takeover.synchronised(now), now)
        else:
            self._takeover.synchronised(now)

    def clear(self) -> None:
        """Forget what was told: the node begins anew."""
        self._told.clear()
        self._changed = self._catching_up = False
        self._last = None
        self._outages.clear()

    def _hear(self, entry: Entry) -> None:
        if self._acting or entry.kind == FaultFired.kind:
            return
        in_aftermath = self._last is not None and entry.at.uptime - self._last < AFTERMATH
        if in_aftermath and entry.kind not in BY_OTHERS:
            return
        self._told.append(entry.kind)
        self._wake()

    def _wake(self) -> None:
        if self._chassis.wake is not None and not self._acting:
            self._chassis.wake()

    def _meet(self, kind: str) -> None:
        for point, act in self._acts.items():
            now = self._node.clock.reading()
            value = self._chassis.faults.fires(point, kind, now)
            if value is not None:
                self._do(partial(act, value, now), now)

    def _do(self, act: Callable[[], None], now: Instant) -> None:
        self._acting, self._last = True, now.uptime
        try:
            act()
        finally:
            self._acting = False

    def _end_outages(self, now: Instant) -> None:
        self._changed = False
        for point, kind in ((boxpoints.PORT, "port"), (boxpoints.INTERFACE, "interface")):
            if self._outages.any(kind) and not self._chassis.faults.at(point):
                self._do(partial(self._outages.mend_all, kind, now), now)

    def _switch_over(self, _value: str, now: Instant) -> None:
        problem = self._takeover.switch_over("failure of the active server", now)
        if problem:
            self._note(f"No switchover: {problem}", now)
        else:
            self._catching_up = True

    def _break_ports(self, value: str, now: Instant) -> None:
        if not self._outages.break_ports(read_outage(value), now):
            self._note(f"{boxpoints.PORT} {value}: no such sipSigPort is in service", now)

    def _break_interfaces(self, value: str, now: Instant) -> None:
        if not self._outages.break_interfaces(read_outage(value), now):
            self._note(f"{boxpoints.INTERFACE} {value}: no sipSigPort in service stands on such an ipInterface", now)

    def _step_clock(self, value: str, now: Instant) -> None:
        by = self._node.clock.step(parse_duration(value))
        then = self._node.clock.reading()
        self._note(f"Time stepped forward by {format_duration(by)} from {now.rfc3339()}", then)
        self._validity.stepped(then)
        self._checks.stepped(then)

    def _fall_behind(self, value: str, now: Instant) -> None:
        self._catching_up = True
        self._takeover.fall_behind(now, parse_duration(value))

    def _lose_files(self, value: str, now: Instant) -> None:
        standby = self._chassis.servers.standby
        assert standby is not None  # the point is there for pairs only
        files = self._node.files_of(standby)
        names = [name for name, _ in files.entries(CERTIFICATE_DIRECTORY) if fits(name, value)]
        lost = [name for name in names if files.certificate_file(name) is not None]
        for name in lost:
            files.remove(f"{CERTIFICATE_DIRECTORY}/{name}", now)
        self._note(f"Files lost on {standby.name}: {', '.join(lost) or 'none'}", now)

    def _note(self, text: str, now: Instant) -> None:
        self._chassis.emit(now, LogEvent("SYS", "major", f"*{text}"))
