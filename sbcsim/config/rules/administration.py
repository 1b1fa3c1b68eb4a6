"""Rules about event logs and users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sbcsim.errors import UserError
from sbcsim.schema.node import Path

from .review import Review, Stage, guards, refuse


@guards(Stage.STATE, ("oam", "eventLog", "typeAdmin", "rolloverStartTime"))
def _roll_over_starts_on_a_day_of_the_calendar(review: Review, leaf: Path) -> Iterator[UserError]:
    value = review.new.get(leaf)
    if value is None:
        return
    try:
        datetime.fromisoformat(f"{value}+00:00")
    except ValueError:
        yield refuse("no_such_day", leaf, value=value)


@guards(Stage.STATE, ("oam", "localAuth", "group"))
def _groups_stay(review: Review, group: Path) -> Iterator[UserError]:
    if not review.new.exists(group):
        yield refuse("group_stays", group)
