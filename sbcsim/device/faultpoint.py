"""What a place is where a fault can be injected."""

from __future__ import annotations

from dataclasses import dataclass

from .faultvalues import Form
from .redundancy import HaMode


@dataclass(frozen=True, slots=True)
class Point:
    """One place that can go wrong.

    `subject` says what `match` is compared with there, `effect` what happens; `value` what a fault may say more
    precisely, and `default` what it is otherwise; both are empty where there is nothing to say. `form` tells what is
    wrong with a value, `on` which systems have the point.
    """

    name: str
    subject: str
    effect: str
    value: str = ""
    default: str = ""
    form: Form | None = None
    on: frozenset[HaMode] = frozenset(HaMode)
