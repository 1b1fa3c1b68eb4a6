"""Rules about event logs and users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sbcsim.errors import UserError
from sbcsim.schema.node import Path

from .registry import Stage, paths, rule
from .review import Review, refuse


@rule(Stage.STATE, "no_such_day", at=paths(("oam", "eventLog", "typeAdmin", "rolloverStartTime")))
def roll_overs_start_on_a_day_of_the_calendar(review: Review, leaf: Path) -> Iterator[UserError]:
    """The month has such a day."""
    value = review.new.get(leaf)
    if value is None:
        return
    try:
        datetime.fromisoformat(f"{value}+00:00")
    except ValueError:
        yield refuse("no_such_day", leaf, value=value)


@rule(Stage.STATE, "group_stays", at=paths(("oam", "localAuth", "group")))
def groups_stay(review: Review, group: Path) -> Iterator[UserError]:
    """A group is not deleted."""
    if not review.new.exists(group):
        yield refuse("group_stays", group)
