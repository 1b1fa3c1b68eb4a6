"""The operations of the control API that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sbcsim.device.faultpoints import POINTS
from sbcsim.events import kinds

from .models import (
    Alarms,
    Call,
    CallLeg,
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
from .parameters import Parameter
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
    query = arguments.query
    wanted: tuple[tuple[frozenset[str | int], Callable[[Connection], object]], ...] = (
        (query.all("direction"), lambda each: each.direction),
        (query.all("transport"), lambda each: each.transport),
        (query.all("state"), lambda each: each.state),
        (query.all("addressContext"), lambda each: each.address_context),
        (query.all("zone"), lambda each: each.zone),
        (query.all("sipSigPort"), lambda each: each.sip_sig_port),
        (query.all("tlsProfile"), lambda each: each.tls_profile),
        (query.all("peer"), lambda each: each.peer),
        (query.all("remote"), lambda each: each.remote.host),
        (query.all("certificate"), lambda each: each.local_certificate and each.local_certificate.name),
        (query.all("serial"), lambda each: each.local_certificate and each.local_certificate.serial),
    )
    filters = [(values, read) for values, read in wanted if values]
    return [each for each in box.connections() if all(read(each) in values for values, read in filters)]


def _certificates(box: Simulated, arguments: Arguments) -> list[Certificate]:
    query = arguments.query
    names, types, states = query.all("name"), query.all("type"), query.all("state")
    return [
        each
        for each in box.certificates()
        if (not names or each.name in names)
        and (not types or each.type in types)
        and (not states or each.state in states)
    ]


def _peers(box: Simulated, arguments: Arguments) -> list[Peer]:
    query = arguments.query
    names, zones, states = query.all("name"), query.all("zone"), query.all("pathState")
    return [
        each
        for each in box.peers()
        if (not names or each.name in names)
        and (not zones or each.zone in zones)
        and (not states or each.path_state in states)
    ]


def _calls(box: Simulated, arguments: Arguments) -> list[Call]:
    query = arguments.query
    states = query.all("state")
    wanted: tuple[tuple[frozenset[str | int], Callable[[CallLeg], object]], ...] = (
        (query.all("addressContext"), lambda leg: leg.address_context),
        (query.all("zone"), lambda leg: leg.zone),
        (query.all("trunkGroup"), lambda leg: leg.trunk_group),
        (query.all("peer"), lambda leg: leg.peer),
        (query.all("connection"), lambda leg: leg.connection),
    )
    filters = [(values, read) for values, read in wanted if values]

    def fits(leg: CallLeg | None) -> bool:
        return leg is not None and all(read(leg) in values for values, read in filters)

    return [
        each
        for each in box.calls()
        if (not states or each.state in states) and (fits(each.ingress) or fits(each.egress))
    ]


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
