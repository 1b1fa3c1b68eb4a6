"""Who committed what and when: the last commits as deltas, which `rollback` reads backwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbcsim.clock import Instant, to_datetime
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .change import Change

KEPT = 50
"""How many commits can be rolled back."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who edits. `context` is cli, netconf, rest or system; `since` (calendar microseconds) the moment of the login."""

    user: str
    context: str
    session: int
    remote: str
    protocol: str
    since: int = 0

    @property
    def description(self) -> str:
        """How the box names the holder of a lock: `admin ssh (cli from 192.0.2.7) on since 2026-01-30 09:19:21`."""
        return f"{self.user} {self.protocol} ({self.context} from {self.remote}) on since {spell_time(self.since)}"


SYSTEM = Author(user="system", context="system", session=0, remote="", protocol="console")
"""Who commits what nobody asked for."""


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """One commit. `changes` are in path order; running them backwards undoes the commit."""

    revision: int
    at: Instant
    author: Author
    changes: tuple[Change, ...]
    comment: str = ""
    label: str = ""


class History:
    """The last commits, newest first."""

    def __init__(self, records: Iterable[CommitRecord] = ()) -> None:
        self._records: deque[CommitRecord] = deque(records, maxlen=KEPT)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[CommitRecord]:
        return iter(tuple(self._records))

    def __getitem__(self, number: int) -> CommitRecord:
        """Return a commit by its rollback number, 0 for the last; raises UserError where there is none."""
        if not 0 <= number < len(self._records):
            raise UserError(message("refusal.no_rollback", number=number), tag="data-missing")
        return self._records[number]

    def add(self, record: CommitRecord) -> None:
        """Put a commit in front; the oldest is forgotten when there are too many."""
        self._records.appendleft(record)

    def copy(self) -> History:
        """Return an independent history with the same commits."""
        return History(self._records)

    def clear(self) -> None:
        """Forget every commit."""
        self._records.clear()

    def inverse(self, number: int) -> Iterator[Change]:
        """Yield what undoes the last `number` + 1 commits, newest first."""
        oldest = self[number]
        for record in tuple(self._records):
            for change in record.changes:
                yield change.inverse()
            if record is oldest:
                return

    def lines(self) -> list[str]:
        """Return the list that `rollback ?` shows, newest first."""
        return [
            message(
                "rollback.line",
                number=number,
                time=spell_time(record.at.calendar),
                user=record.author.user,
                context=record.author.context,
                label=message("rollback.label", label=record.label) if record.label else "",
                comment=message("rollback.comment", comment=record.comment) if record.comment else "",
            )
            for number, record in enumerate(self._records)
        ]


def spell_time(calendar: int) -> str:
    """Return calendar microseconds as the box prints times: `2026-01-30 09:19:21`."""
    return to_datetime(calendar).strftime("%Y-%m-%d %H:%M:%S")
