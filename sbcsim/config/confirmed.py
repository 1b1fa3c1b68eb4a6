"""A confirmed commit: in force at once, taken back unless somebody makes it permanent in time.

At most one is pending. It belongs to the session that made it; with a persist id also to whoever knows that. Until it
is settled nobody else can commit, so that taking it back brings back exactly what stood before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sbcsim.clock import MINUTE, Instant
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Path

from .change import Change
from .history import Author
from .rules import State

DEFAULT_MINUTES = 10
LONGEST_MINUTES = 65_535


@dataclass(frozen=True, slots=True)
class Confirm:
    """What a confirmed commit asks for: how long it waits, and the id under which other sessions may settle it."""

    minutes: int = DEFAULT_MINUTES
    persist: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """The confirmed commit that waits. `before` is what it goes back to, `touched` where that differs."""

    author: Author
    persist: str
    minutes: int
    due: Instant
    before: State
    touched: frozenset[Path]

    def admit(self, author: Author, persist_id: str) -> None:
        """Raise UserError for a session that may not settle this."""
        if persist_id:
            if persist_id != self.persist:
                raise UserError(message("refusal.wrong_persist_id", id=persist_id), tag="invalid-value")
        elif author.session != self.author.session:
            raise UserError(message("refusal.confirmed_in_progress"), tag="in-use")


def extended(
    pending: Pending | None,
    confirm: Confirm,
    author: Author,
    before: State,
    changes: tuple[Change, ...],
    now: Instant,
) -> Pending:
    """Return what is pending after a confirmed commit: a first one, or one that goes on from the one pending."""
    wait = confirm.minutes * MINUTE
    due = Instant(now.uptime + wait, now.calendar + wait)
    touched = frozenset(change.path for change in changes)
    if pending is None:
        return Pending(author, confirm.persist, confirm.minutes, due, before, touched)
    return replace(
        pending,
        author=author,
        persist=confirm.persist or pending.persist,
        minutes=confirm.minutes,
        due=due,
        touched=pending.touched | touched,
    )
