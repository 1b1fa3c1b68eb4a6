"""What a node is apart from what lives on sockets: as it was at a moment, and as it outlasts the process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sbcsim.config.rows import FileRow
from sbcsim.config.transaction import Database, Moment

from . import localauth
from .alarms import AlarmName, Standing
from .certificates import Enabled
from .chassis import Chassis
from .documents import USER, named
from .filenodes import Directory, FileKeeper
from .files import VirtualFiles
from .users import Account, Users


class Keeper(FileKeeper, Protocol):
    """Somebody who keeps files and documents for longer than the process lives."""

    def put(self, documents: Mapping[str, bytes | None]) -> None:
        """Keep documents, None for one that is gone; raises UserError, and has kept nothing then."""


@dataclass(frozen=True, slots=True)
class NodeMoment:
    """What a node was at one moment."""

    database: Moment
    disks: tuple[Directory, ...]
    certificates: Enabled
    users: Mapping[str, Account]
    alarms: Standing
    active: int


class NodeState:
    """Configuration, files, certificates and keys, users, alarms, and which server is active."""

    def __init__(self, chassis: Chassis, database: Database, disks: Sequence[VirtualFiles], users: Users) -> None:
        self._chassis = chassis
        self._database = database
        self._disks = disks
        self._users = users
        self._start = self.moment()

    def moment(self) -> NodeMoment:
        """Return what the node is at this moment."""
        return NodeMoment(
            self._database.moment(),
            tuple(disk.moment() for disk in self._disks),
            self._chassis.certificates.moment(),
            self._users.moment(),
            self._chassis.alarms.moment(),
            self._chassis.servers.active.index,
        )

    def adopt_start(self, *, new: bool) -> None:
        """Make what the node is what `go_back` returns to; a `new` box has no past."""
        self._database.adopt_start(new=new)
        start = self.moment()
        # Path checks begin anew at a reset, so what they have found at the start they find again.
        names = {AlarmName.PATH_UP, AlarmName.PATH_DOWN}
        found = [alarm for alarm in start.alarms.history.values() if alarm.name in names]
        self._start = replace(start, alarms=start.alarms.without(found))

    def go_back(self, to: NodeMoment | None) -> None:
        """Return to a moment, None for the start; nothing may run any more."""
        start = to or self._start
        self._database.reset(start.database)
        for disk, tree in zip(self._disks, start.disks, strict=True):
            disk.reset(tree)
        # No peer is down any more: its path check begins anew.
        down = [alarm for alarm in start.alarms.current.values() if alarm.name is AlarmName.PATH_DOWN]
        self._chassis.restart(self._database.running, start.active, start.alarms.without(down))
        self._chassis.certificates.reset(start.certificates)
        self._users.reset(start.users)

    def keep_with(self, keeper: Keeper | None) -> None:
        """Have files, accounts and keys outlast the process from now on, each before its change is answered."""
        self._disks[0].kept.keeper = keeper
        self._users.keep = self._chassis.certificates.internal.keep_documents = None if keeper is None else keeper.put

    def file_rows(self) -> tuple[FileRow, ...]:
        """Return the files of every server, for `restore`."""
        return tuple(row for disk in self._disks for row in disk.rows())

    def documents(self) -> dict[str, bytes]:
        """Return what outlasts the process beside configuration and files, for `restore`."""
        return self._chassis.certificates.documents() | named(USER, self._users.documents())

    def restore(self, files: Iterable[FileRow], documents: Mapping[str, bytes]) -> None:
        """Before anything runs: go on with the files, certificates and keys of an earlier process."""
        rows = tuple(files)
        for disk in self._disks:
            disk.restore(rows)
        self._chassis.certificates.restore(documents)
        localauth.apply_all(self._users, self._database.running)
