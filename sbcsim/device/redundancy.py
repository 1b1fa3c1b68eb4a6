"""The servers of a node: which of them is active, since when each runs, how far the standby has caught up.

A system has one server, or a pair named after it with `a` and `b` behind. The roles swap at a switchover, at once;
from then on the new standby is behind for `SYNC_SECONDS`, and cannot take over before it has caught up.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from sbcsim.clock import SECOND, Instant
from sbcsim.errors import BugError

SYNC_SECONDS = 60
"""How long a new standby takes to catch up, by the node's clock."""

SYNCHRONISED = ("synchronised",)
"""The timer of a standby that is catching up."""


class HaMode(Enum):
    """How many servers there are, and whether both see every file that is uploaded."""

    NONE = "none"
    PAIR = "1to1"
    CLOUD = "cloud"


class RestartCause(Enum):
    """Why an application last started, in the words of `serverStatus`."""

    SYSTEM = "systemRestart"
    SOFT = "systemSoftReset"
    SERVER = "serverRestart"
    SERVER_SOFT = "serverSoftReset"
    SWITCHOVER = "switchover"


class SyncState(Enum):
    """How far the standby is, in the words of `serverStatus` and `syncStatus`."""

    IN_PROGRESS = "syncInProgress"
    COMPLETED = "syncCompleted"
    UNPROTECTED = "unprotected"


class Server:
    """One server (CE). `index` is its place in the pair; the times are uptimes of the node's clock."""

    __slots__ = ("application_started", "cause", "index", "name", "system_started")

    def __init__(self, index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.cause = RestartCause.SYSTEM
        self.system_started = self.application_started = 0

    def started(self, cause: RestartCause, now: Instant) -> None:
        """Note that its application has begun anew, or the whole server."""
        self.cause = cause
        self.application_started = now.uptime
        if cause in {RestartCause.SYSTEM, RestartCause.SERVER}:
            self.system_started = now.uptime


class Servers:
    """The one server of a system, or its pair."""

    def __init__(self, mode: HaMode, system_name: str) -> None:
        self.mode = mode
        letters = "a" if mode is HaMode.NONE else "ab"
        self._all = tuple(Server(index, f"{system_name}{letter}") for index, letter in enumerate(letters))
        self._active = 0
        self._caught_up_at: int | None = None

    def __iter__(self) -> Iterator[Server]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def active(self) -> Server:
        """The server that all sockets belong to."""
        return self._all[self._active]

    @property
    def standby(self) -> Server | None:
        """The other one."""
        return self._all[1 - self._active] if len(self._all) > 1 else None

    @property
    def sync(self) -> SyncState:
        """How far the standby has caught up."""
        if self.standby is None:
            return SyncState.UNPROTECTED
        return SyncState.COMPLETED if self._caught_up_at is None else SyncState.IN_PROGRESS

    def named(self, name: str) -> Server | None:
        """Return a server by its name."""
        return next((server for server in self._all if server.name == name), None)

    def fall_behind(self, now: Instant, time: int = SYNC_SECONDS * SECOND) -> int:
        """Have the standby catch up from the beginning, in microseconds; returns the uptime at which it will have."""
        self._caught_up_at = now.uptime + time
        return self._caught_up_at

    def caught_up(self) -> None:
        """The standby has caught up."""
        self._caught_up_at = None

    def swap(self, now: Instant, cause: RestartCause = RestartCause.SWITCHOVER) -> None:
        """Change the roles; raises BugError, and changes nothing, while no standby could take over.

        The new active server's application has been running as standby; what restarts is that of the old one.
        """
        standby, active = self.standby, self.active
        if standby is None or self.sync is not SyncState.COMPLETED:
            raise BugError("a switchover without a synchronised standby")
        standby.cause = RestartCause.SWITCHOVER
        if cause is not RestartCause.SWITCHOVER:
            active.started(cause, now)
        else:
            active.application_started = now.uptime
        self._active = standby.index

    def restart(self, active: int = 0) -> None:
        """Begin anew: one server is active, both run since the beginning, nothing is to be caught up."""
        self._active, self._caught_up_at = active, None
        for server in self._all:
            server.cause = RestartCause.SYSTEM
            server.system_started = server.application_started = 0
