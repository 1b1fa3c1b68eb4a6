"""Rules about event logs, trap targets and users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sbcsim.config.objects import enabled
from sbcsim.config.traps import TARGETS, USERS, wanted_keys
from sbcsim.errors import UserError
from sbcsim.schema.node import Path

from .registry import Stage, paths, rule
from .review import Review, refuse, required


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


@rule(Stage.REQUIRED, "not_configured", at=paths(TARGETS, USERS))
def enabled_trap_targets_can_be_reached(review: Review, entry: Path) -> Iterator[UserError]:
    """An enabled trapTarget has an address or a name, and for version 3 a user with the keys that its level wants."""
    if entry[:-1] == TARGETS:
        yield from _reached(review, entry)
    else:
        for referrer in review.after.indexes.referrers.at(entry):
            yield from _reached(review, referrer[:-1])


def _reached(review: Review, target: Path) -> Iterator[UserError]:
    if not enabled(review.new, target):
        return
    if not review.new.exists((*target, "fqdn")):
        yield from required(review, target, "ipAddress")
    if review.new.value((*target, "trapType")) == "v3":
        yield from required(review, target, "targetUserName")
        user = (*USERS, str(review.new.get((*target, "targetUserName"))))
        for leaf in wanted_keys(review.new, target):
            yield from required(review, user, leaf)


@rule(Stage.STATE, "group_stays", at=paths(("oam", "localAuth", "group")))
def groups_stay(review: Review, group: Path) -> Iterator[UserError]:
    """A group is not deleted."""
    if not review.new.exists(group):
        yield refuse("group_stays", group)
