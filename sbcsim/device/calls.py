"""The calls that stand, each with its two legs: what call status, trunk group usage and the control API read.

The box answers an INVITE with 405 so far, so nothing adds a call yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from sbcsim.clock import Instant


class CallState(Enum):
    """How far a call has come: answered ones are stable."""

    ESTABLISHING = "establishing"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a call: the trunk group that it uses, and the dialog with the far end.

    `peer` is the ipPeer, "" for none; `connection` what carries the dialog, 0 over UDP.
    """

    address_context: str
    zone: str
    trunk_group: str
    peer: str
    call_id: str
    connection: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `egress` is None until it has been routed; `id` is its GCID."""

    id: int
    state: CallState
    ingress: Leg
    egress: Leg | None
    calling: str
    called: str
    since: Instant


class Calls:
    """Every call that stands, by GCID."""

    def __init__(self) -> None:
        self._standing: dict[int, Call] = {}

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._standing.values()))

    def __len__(self) -> int:
        return len(self._standing)

    def put(self, call: Call) -> None:
        """Have a call stand, or stand as it is now."""
        self._standing[call.id] = call

    def end(self, number: int) -> None:
        """Have a call stand no more; ending it twice does nothing."""
        self._standing.pop(number, None)

    def clear(self) -> None:
        """Have no call stand any more."""
        self._standing.clear()

    def usage(self, context: str, zone: str, trunk_group: str | None = None) -> tuple[int, int]:
        """Return how many calls came in by, and went out by, a trunk group, or any trunk group of a zone."""

        def uses(leg: Leg | None) -> bool:
            if leg is None or (leg.address_context, leg.zone) != (context, zone):
                return False
            return trunk_group is None or leg.trunk_group == trunk_group

        calls = self._standing.values()
        return sum(uses(call.ingress) for call in calls), sum(uses(call.egress) for call in calls)
