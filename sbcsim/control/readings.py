"""The operations of the control API that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sbcsim.device.faultpoints import POINTS
from sbcsim.eventkinds import kinds

from .models import (
    Alarms,
    Call,
    Certificate,
    ClockReading,
    Connection,
    Fault,
    FaultPoint,
    Peer,
    Ready,
    Snapshot,
    Status,
)
from .operation import Arguments, JournalEntries, Link, Operation, number
from .parameters import Parameter, Query
from .problems import ControlError
from .simulated import Simulated
from .views import clock_reading, fault


def _ready(box: Simulated, arguments: Arguments) -> Ready:
    del arguments
    missing = box.missing()
    if missing:
        raise ControlError(503, f"not serving yet: {', '.join(missing)}")
    return box.ready()


def _status(box: Simulated, arguments: Arguments) -> Status:
    del arguments
    return box.status()


def _clock(box: Simulated, arguments: Arguments) -> ClockReading:
    del arguments
    return clock_reading(box.clock)


def _connections(box: Simulated, arguments: Arguments) -> list[Connection]:
    fits = _filter(arguments.query, {
        "direction": lambda each: each.direction,
        "transport": lambda each: each.transport,
        "state": lambda each: each.state,
        "addressContext": lambda each: each.address_context,
        "zone": lambda each: each.zone,
        "sipSigPort": lambda each: each.sip_sig_port,
        "tlsProfile": lambda each: each.tls_profile,
        "peer": lambda each: each.peer,
        "remote": lambda each: each.remote.host,
        "certificate": lambda each: each.local_certificate and each.local_certificate.name,
        "serial": lambda each: each.local_certificate and each.local_certificate.serial,
    })  # fmt: skip
    return [*filter(fits, box.connections())]


def _certificates(box: Simulated, arguments: Arguments) -> list[Certificate]:
    fits = _filter(arguments.query, {
        "name": lambda each: each.name, "type": lambda each: each.type, "state": lambda each: each.state,
    })  # fmt: skip
    return [*filter(fits, box.certificates())]


def _peers(box: Simulated, arguments: Arguments) -> list[Peer]:
    fits = _filter(arguments.query, {
        "name": lambda each: each.name, "zone": lambda each: each.zone, "pathState": lambda each: each.path_state,
    })  # fmt: skip
    return [*filter(fits, box.peers())]


def _calls(box: Simulated, arguments: Arguments) -> list[Call]:
    fits = _filter(arguments.query, {"state": lambda each: each.state})
    leg_fits = _filter(arguments.query, {
        "addressContext": lambda leg: leg.address_context,
        "zone": lambda leg: leg.zone,
        "trunkGroup": lambda leg: leg.trunk_group,
        "peer": lambda leg: leg.peer,
        "connection": lambda leg: leg.connection,
    })  # fmt: skip
    return [
        each
        for each in filter(fits, box.calls())
        if any(leg is not None and leg_fits(leg) for leg in (each.ingress, each.egress))
    ]


def _filter(query: Query, fields: Mapping[str, Callable[[Any], object]]) -> Callable[[Any], bool]:
    """Return whether something has, of each field that a query asks for, one of the values that it names."""
    asked = [(values, read) for name, read in fields.items() if (values := query.all(name))]
    return lambda each: all(read(each) in values for values, read in asked)


def _alarms(box: Simulated, arguments: Arguments) -> Alarms:
    del arguments
    return box.alarms()


def _journal(box: Simulated, arguments: Arguments) -> Iterator[dict[str, object]]:
    # One by one as they are written: the whole journal is a hundred thousand entries.
    query = arguments.query
    limit = query.number("limit")
    if limit == 0:
        return iter(())
    return (entry.to_json() for entry in box.events.after(query.number("after") or 0, query.texts("kind"), limit))


def behind(after: int | None, last_seen: str | None, newest: int) -> int:
    """Return the number behind which a stream of the journal begins; raises ControlError with status 400.

    `after` is what the query says, `last_seen` the header Last-Event-ID, `newest` the number of the newest entry. Who
    has seen more than there is comes from a simulator before this one, and has missed everything.
    """
    if last_seen is None:
        return newest if after is None else after
    seen = number(last_seen)
    if seen is None:
        raise ControlError(400, f'Last-Event-ID: "{last_seen}" is not the number of a journal entry')
    return seen if seen <= newest else 0


def _fault_points(box: Simulated, arguments: Arguments) -> list[FaultPoint]:
    del box, arguments
    return [FaultPoint(each.name, each.subject, each.effect, each.value, each.default) for each in POINTS.values()]


def _faults(box: Simulated, arguments: Arguments) -> list[Fault]:
    del arguments
    return list(map(fault, box.faults))


def _snapshots(box: Simulated, arguments: Arguments) -> list[Snapshot]:
    del arguments
    return list(box.snapshots())


JOURNAL_PARAMETERS = (
    Parameter("after", "only entries with a greater number", integer=True, repeatable=False),
    Parameter("kind", "only entries of these kinds", choices=tuple(kinds())),
)
"""What a reader of the journal may ask for, at once or as a stream."""

READINGS: tuple[Operation, ...] = (
    Operation("GET", "/v1/ready", "Whether every listener serves", _ready, Ready, refusals=(503,)),
    Operation("GET", "/v1/status", "The simulator at a glance", _status, Status),
    Operation("GET", "/v1/clock", "Both readings of the clock", _clock, ClockReading),
    Operation(
        "GET",
        "/v1/connections",
        "Live TLS and TCP connections",
        _connections,
        list[Connection],
        parameters=(
            Parameter("direction", "who opened it", choices=("inbound", "outbound")),
            Parameter("transport", "how SIP is carried", choices=("tcp", "tls", "udp")),
            Parameter("state", "the state", choices=("connecting", "negotiating", "waitingSipAuth", "up")),
            Parameter("addressContext", "the address context"),
            Parameter("zone", "the zone"),
            Parameter("sipSigPort", "index of the sipSigPort", integer=True),
            Parameter("tlsProfile", "name of the TLS profile"),
            Parameter("peer", "name of the ipPeer"),
            Parameter("remote", "address of the far end"),
            Parameter("certificate", "name of the box's own certificate on it"),
            Parameter("serial", "serial number of the box's own certificate on it"),
        ),
        refusals=(400,),
        links=(
            Link("close", "DELETE", "/v1/connections/{connection}", (("connection", "0/id"),)),
            Link(
                "bounce",
                "POST",
                "/v1/ports/{addressContext}/{zone}/{sipSigPort}/bounce",
                tuple((name, f"0/{name}") for name in ("addressContext", "zone", "sipSigPort")),
            ),
        ),
    ),
    Operation(
        "GET",
        "/v1/certificates",
        "Certificate objects, who uses them and on which connections",
        _certificates,
        list[Certificate],
        parameters=(
            Parameter("name", "the name"),
            Parameter("type", "the type", choices=("local", "local-internal", "remote")),
            Parameter("state", "the state", choices=("enabled", "disabled")),
        ),
        refusals=(400,),
    ),
    Operation(
        "GET",
        "/v1/peers",
        "ipPeers with the state of their path check",
        _peers,
        list[Peer],
        parameters=(
            Parameter("name", "the name"),
            Parameter("zone", "the zone"),
            Parameter("pathState", "the path check state", choices=("inActive", "active", "up", "down")),
        ),
        refusals=(400,),
    ),
    Operation(
        "GET",
        "/v1/calls",
        "Live calls, each with the dialogs of its two sides",
        _calls,
        list[Call],
        parameters=(
            Parameter("state", "the state", choices=("establishing", "stable")),
            Parameter("addressContext", "the address context of a side"),
            Parameter("zone", "the zone of a side"),
            Parameter("trunkGroup", "the trunk group of a side"),
            Parameter("peer", "name of the ipPeer of a side"),
            Parameter("connection", "the connection that carries a side", integer=True),
        ),
        refusals=(400,),
        description="What is asked of a side has to hold of one and the same side.",
    ),
    Operation("GET", "/v1/alarms", "Alarms that stand, and their history", _alarms, Alarms),
    Operation(
        "GET",
        "/v1/journal",
        "Numbered events, oldest first",
        _journal,
        JournalEntries,
        parameters=(*JOURNAL_PARAMETERS, Parameter("limit", "at most this many", integer=True, repeatable=False)),
        refusals=(400,),
    ),
    Operation("GET", "/v1/faults", "What goes wrong on purpose", _faults, list[Fault]),
    Operation("GET", "/v1/faults/points", "Places that can go wrong", _fault_points, list[FaultPoint]),
    Operation("GET", "/v1/snapshots", "Nodes to go back to", _snapshots, list[Snapshot]),
)
"""Every one of them."""
