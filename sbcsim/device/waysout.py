"""Where a request outside of dialogs can go: to whom it is registered, else by the routes; and one of them opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sbcsim.clock import Instant
from sbcsim.sip import relay
from sbcsim.sip.message import Request
from sbcsim.sip.transactionstate import Flow

from .admission import Admission, Refusal
from .callrouting import NextHop, routes
from .chassis import Chassis
from .registrations import Binding, Registrations
from .sipflows import Place, SipFlows, Unreachable
from .trunkgroup import TrunkGroupKey

Hop = NextHop | Binding
"""A peer that a route leads to, or an endpoint that is registered here."""

_UNAVAILABLE = 503


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

    def open(self, hop: Hop, request: Request, now: Instant) -> WayOut | Refusal:
        """Open a way out for a request, or say why it is of no use."""
        if isinstance(hop, Binding):
            why = self._admission.to_endpoint(hop.trunk_group)
            place: Place | Unreachable = replace(hop.place, binding=hop.name)
        else:
            why = self._admission.egress(hop)
            place = self._flows.of_peer(hop.peer, hop.trunk_group) if why is None else Unreachable(why.reason)
        if why is not None:
            return why
        if isinstance(place, Unreachable):
            return Refusal(_UNAVAILABLE, place.reason)
        why = self._admission.port(place.local.port)
        if why is not None:
            return why
        target = hop.contact if isinstance(hop, Binding) else relay.readdressed(request.uri, *place.remote)
        flow = self._flows.open(place, target, now)
        if isinstance(flow, Unreachable):
            return Refusal(_UNAVAILABLE, flow.reason)
        return WayOut(place, flow, hop.trunk_group, target)


def named(hop: Hop) -> str:
    """Return what a way out is called in logs."""
    return f"endpoint {hop.record}" if isinstance(hop, Binding) else f"route {hop.sequence} to {hop.peer[2]}"
