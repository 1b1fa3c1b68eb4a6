"""Who takes over from whom: switchovers of the pair, and the restart of one of its servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from sbcsim.clock import Instant, Order
from sbcsim.events import LogEvent, Switchover, Synchronised
from sbcsim.grammar import message

from .alarms import AlarmName
from .chassis import Chassis
from .effects import ListenerKey
from .files import CERTIFICATE_DIRECTORY
from .redundancy import SYNCHRONISED, HaMode, RestartCause, Server, SyncState


class Application(Protocol):
    """What a takeover does to the application that runs on the servers."""

    def listeners(self) -> Mapping[ListenerKey, str]:
        """Return the listening sockets."""

    def halt(self, reason: str, now: Instant, *, keep_sessions: bool = False, keep_calls: bool = False) -> None:
        """End every connection and forget what ran; TLS sessions and stable calls may be kept."""

    def go_on(self, before: Iterable[ListenerKey], now: Instant) -> None:
        """Put the configuration to work again."""

    def restart(self, cause: RestartCause, now: Instant) -> None:
        """Begin anew on the server that it runs on."""

    def end_sessions(self, user: str | None = None) -> None:
        """End the sessions of the northbound interfaces."""


class Takeover:
    """Changes the roles of the servers; what that costs is up to the application."""

    def __init__(self, chassis: Chassis, application: Application) -> None:
        self._chassis = chassis
        self._application = application
        self._servers = chassis.servers

    def switch_over(self, reason: str, now: Instant, cause: RestartCause = RestartCause.SWITCHOVER) -> str:
        """Have the standby server take over; returns why it cannot, "" where it has.

        Connections and sessions end and counters begin anew; configuration, alarms and stable calls stay. `cause` is
        what has become of the old active server.
        """
        servers, chassis, application = self._servers, self._chassis, self._application
        if servers.standby is None:
            return message("action.no_standby")
        if servers.sync is not SyncState.COMPLETED:
            return message("action.not_synchronised")
        before, old = application.listeners(), servers.active.name
        kept = chassis.settings.sessions_survive_switchover
        application.halt("switchover", now, keep_sessions=kept, keep_calls=True)
        servers.swap(now, cause)
        new = servers.active.name
        chassis.emit(now, Switchover(new, old, reason))
        chassis.alarms.raise_alarm(AlarmName.SWITCHOVER, new, message("alarm.switchover", server=new), now)
        if servers.mode is HaMode.CLOUD:
            self._load_certificates(now)
        self._fall_behind(now)
        application.go_on(before, now)
        application.end_sessions()
        return ""

    def restart_server(self, server: Server, cause: RestartCause, now: Instant) -> None:
        """Restart one server: the standby takes over from the active one if it can, and is behind if it is the one."""
        if server is self._servers.standby:
            server.started(cause, now)
            self._fall_behind(now)
        elif self._servers.sync is SyncState.COMPLETED:
            self.switch_over(cause.value, now, cause)
        else:
            self._application.restart(cause, now)

    def fall_behind(self, now: Instant, time: int) -> None:
        """Have the standby server catch up from the beginning, which takes it `time` microseconds."""
        self._chassis.timetable.acting.set(SYNCHRONISED, self._servers.fall_behind(now, time), Order.TIMEOUT)

    def synchronised(self, now: Instant) -> None:
        """The standby server has caught up."""
        self._servers.caught_up()
        assert self._servers.standby is not None
        self._chassis.emit(now, Synchronised(self._servers.standby.name))

    def _fall_behind(self, now: Instant) -> None:
        self._chassis.timetable.acting.set(SYNCHRONISED, self._servers.fall_behind(now), Order.TIMEOUT)

    def _load_certificates(self, now: Instant) -> None:
        """A server that has files of its own loads the local certificates from them."""
        server = self._servers.active.name
        for name, file in self._chassis.certificates.load_again(self._chassis.tree).items():
            text = f"*Certificate {name} not loaded: {file} not found in {CERTIFICATE_DIRECTORY} of {server}"
            self._chassis.emit(now, LogEvent("SYS", "major", text))
