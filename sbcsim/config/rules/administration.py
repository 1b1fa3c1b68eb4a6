"""Rules about event logs and users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sbcsim.config.objects import enabled
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


@rule(Stage.REQUIRED, "not_configured", at=paths(("oam", "snmp", "trapTarget")))
def enabled_trap_targets_can_be_reached(review: Review, target: Path) -> Iterator[UserError]:
    """While it is enabled it has an address or a name, and for version 3 a user."""
    if not enabled(review.new, target):
        return
    if not review.new.exists((*target, "fqdn")):
        yield from required(review, target, "ipAddress")
    if review.new.value((*target, "trapType")) == "v3":
        yield from required(review, target, "targetUserName")


@rule(Stage.STATE, "group_stays", at=paths(("oam", "localAuth", "group")))
def groups_stay(review: Review, group: Path) -> Iterator[UserError]:
    """A group is not deleted."""
    if not review.new.exists(group):
        yield refuse("group_stays", group)
