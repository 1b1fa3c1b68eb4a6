"""Where a request outside of dialogs can go: to whom it is registered, else by the routes; and one of them opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sbcsim.clock import Instant
from sbcsim.events import LogEvent
from sbcsim.sip import relay
from sbcsim.sip.message import Request
from sbcsim.sip.transactionstate import Flow

from .admission import Admission
from .callrouting import NextHop, routes
from .chassis import Chassis
from .registrations import Binding, Registrations
from .sipflows import Place, SipFlows, Unreachable
from .trunkgroup import TrunkGroupKey

Hop = NextHop | Binding
"""A peer that a route leads to, or an endpoint that is registered here."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way out, opened: where it leads, over what, by which trunk group, and to which Request-URI."""

    place: Place
    flow: Flow
    trunk_group: TrunkGroupKey
    target: str


class WaysOut:
    """The ways out of the node."""

    def __init__(self, chassis: Chassis, admission: Admission, flows: SipFlows, registrations: Registrations) -> None:
        self._chassis = chassis
        self._admission = admission
        self._flows = flows
        self._registrations = registrations

    def of(self, request: Request, ingress: TrunkGroupKey, now: Instant) -> Sequence[Hop]:
        """Return where a request that came in by a trunk group can go, in the order in which that is to be tried."""
        called = relay.user_of(request.uri)
        binding = self._registrations.find(called, now)
        if binding is not None:
            return [binding]
        return routes(self._chassis.tree, ingress[2], called, relay.user_of(request.sender.uri))

    def first(self, hops: list[Hop], request: Request, asked: str, now: Instant) -> WayOut | None:
        """Open the first way out that is of use for what is `asked`, and take it and those before it from the list.

        The log says why one is left; None says that there is none.
        """
        while hops:
            hop = hops.pop(0)
            way = self._open(hop, request, now)
            if isinstance(way, WayOut):
                return way
            text = f"*Sip: {asked}: {_named(hop)} skipped: {way.reason}"
            self._chassis.emit(now, LogEvent("DBG", "minor", text))
        return None

    def _open(self, hop: Hop, request: Request, now: Instant) -> WayOut | Unreachable:
        place = self._place(hop)
        if isinstance(place, Unreachable):
            return place
        refused = self._admission.port(place.local.port)
        if refused is not None:
            return Unreachable(refused.reason)
        target = hop.contact if isinstance(hop, Binding) else relay.readdressed(request.uri, *place.remote)
        flow = self._flows.open(place, target, now)
        if isinstance(flow, Unreachable):
            return flow
        return WayOut(place, flow, hop.trunk_group, target)

    def _place(self, hop: Hop) -> Place | Unreachable:
        if isinstance(hop, Binding):
            refused = self._admission.to_endpoint(hop.trunk_group)
            return replace(hop.place, binding=hop.name) if refused is None else Unreachable(refused.reason)
        refused = self._admission.egress(hop)
        return self._flows.of_peer(hop.peer, hop.trunk_group) if refused is None else Unreachable(refused.reason)


def _named(hop: Hop) -> str:
    return f"endpoint {hop.record}" if isinstance(hop, Binding) else f"route {hop.sequence} to {hop.peer[2]}"
