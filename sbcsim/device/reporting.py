"""What the node reports of itself: event logs, their lines to syslog servers, and traps, all read from the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sbcsim.clock import Clock, Instant
from sbcsim.config.secret import Cipher

from .chassis import Chassis
from .effects import SendSyslog, SendTrap, SyslogServer, TrapTarget
from .files import MountedFile
from .snmptraps import Traps
from .status import timestamp

_Server = TypeVar("_Server", SyslogServer, TrapTarget)


class Reporting:
    """Reads the journal for those who are told; somebody outside has the address that the host table has for it."""

    def __init__(self, chassis: Chassis, clock: Clock, cipher: Cipher) -> None:
        self._chassis = chassis
        self._clock = clock
        self._event_log = chassis.event_log
        self._event_log.send = self._send_syslog
        chassis.journal.subscribe(self._event_log.read)
        name = chassis.settings.system_name
        self._traps = Traps(name, self._send_trap, lambda: chassis.tree, cipher, timestamp, chassis.emit)
        chassis.journal.subscribe(self._traps.read)

    def restart(self, now: Instant) -> None:
        """Begin anew with empty logs."""
        self._event_log.clear(now)
        self._traps.restart()

    def files(self) -> Mapping[str, MountedFile]:
        """Return the files of the event logs."""
        return {
            name: MountedFile(size, modified.calendar, partial(self._event_log.content, name))
            for name, size, modified in self._event_log.files(self._clock.reading())
        }

    def _send_syslog(self, effect: SendSyslog) -> None:
        self._chassis.effect(replace(effect, server=self._located(effect.server)))

    def _send_trap(self, effect: SendTrap) -> None:
        self._chassis.effect(replace(effect, target=self._located(effect.target)))

    def _located(self, server: _Server) -> _Server:
        return replace(server, host=self._chassis.settings.hosts.get(server.host, server.host))
