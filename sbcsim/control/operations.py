"""The operations of the control API: one table that the HTTP server serves and the OpenAPI document describes.

Each operation is a plain function of the simulator and the request's arguments. Nothing here knows HTTP beyond the
method, the path and the status of a refusal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sbcsim.clock import from_rfc3339, parse_duration
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.faults import Active
from sbcsim.errors import UserError
from sbcsim.events import kinds

from .models import (
    Advanced,
    AdvanceRequest,
    Alarms,
    Bounced,
    Certificate,
    ClockReading,
    Connection,
    Fault,
    FaultPoint,
    FaultRequest,
    Peer,
    RateRequest,
    Ready,
    ResetDone,
    Snapshot,
    SnapshotRequest,
    Status,
    SwitchedOver,
)
from .parameters import Parameter, Query
from .problems import ControlError
from .simulated import Simulated
from .views import clock_reading, fault

LONGEST_TEXT = 64

JournalEntries = list[dict[str, object]]
"""Journal entries as JSON data."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What came with a request: the query, the body in its declared type, the parts of the path by name."""

    query: Query
    body: object = None
    path: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    `answer` is the type of the result; None answers 204 with no body. An iterator of JSON data is written as an array.
    """

    method: str
    path: str
    summary: str
    call: Callable[[Simulated, Arguments], object | Awaitable[object]]
    answer: Any = None
    body: type | None = None
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = field(default=())


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


async def _advance(box: Simulated, arguments: Arguments) -> Advanced:
    request = cast(AdvanceRequest, arguments.body)
    if (request.by is None) == (request.to is None):
        raise ControlError(400, 'exactly one of "by" and "to" is needed')
    if len(request.by or request.to or "") > LONGEST_TEXT:
        raise ControlError(400, f"a duration or time has at most {LONGEST_TEXT} characters")
    if request.by is not None:
        return await box.move_clock(by=parse_duration(request.by))
    return await box.move_clock(to=from_rfc3339(str(request.to)))


def _rate(box: Simulated, arguments: Arguments) -> ClockReading:
    box.set_rate(cast(RateRequest, arguments.body).rate)
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


async def _close_connection(box: Simulated, arguments: Arguments) -> None:
    text = arguments.path["connection"]
    number = _number(text)
    if number is None or not await box.close_connection(number):
        raise ControlError(404, f'no connection "{text}"')


async def _bounce(box: Simulated, arguments: Arguments) -> Bounced:
    context, zone, index = (arguments.path[name] for name in ("addressContext", "zone", "sipSigPort"))
    number = _number(index)
    known = {(each.address_context, each.zone, each.sip_sig_port) for each in box.port_counters()}
    if number is None or (context, zone, number) not in known:
        raise ControlError(404, f'no sipSigPort "{context}/{zone}/{index}"')
    try:
        return await box.bounce_port(context, zone, number)
    except UserError as error:
        raise ControlError(409, error.text) from None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


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


async def _reset(box: Simulated, arguments: Arguments) -> ResetDone:
    del arguments
    await box.reset()
    return ResetDone(box.clock.now(), box.events.last)


def _fault_points(box: Simulated, arguments: Arguments) -> list[FaultPoint]:
    del box, arguments
    return [FaultPoint(each.name, each.subject, each.effect, each.value, each.default) for each in POINTS.values()]


def _faults(box: Simulated, arguments: Arguments) -> list[Fault]:
    del arguments
    return list(map(fault, box.faults))


def _add_fault(box: Simulated, arguments: Arguments) -> Fault:
    wanted = cast(FaultRequest, arguments.body)
    made = box.faults.add(
        wanted.point,
        match=wanted.match,
        nth=wanted.nth,
        times=wanted.times,
        probability=wanted.probability,
        period=parse_duration(wanted.period),
        value=wanted.value,
        gap=wanted.gap,
    )
    return fault(Active(made))


def _clear_faults(box: Simulated, arguments: Arguments) -> None:
    del arguments
    box.faults.clear()


def _remove_fault(box: Simulated, arguments: Arguments) -> None:
    text = arguments.path["fault"]
    if not box.faults.remove(_number(text) or 0):
        raise ControlError(404, f'no fault "{text}"')


@contextmanager
def _not_there() -> Iterator[None]:
    """Answer 404 where a name in the path leads nowhere."""
    try:
        yield
    except UserError as error:
        if error.tag != "data-missing":
            raise
        raise ControlError(404, error.text) from None


def _snapshots(box: Simulated, arguments: Arguments) -> list[Snapshot]:
    del arguments
    return list(box.snapshots())


def _snapshot(box: Simulated, arguments: Arguments) -> Snapshot:
    return box.snapshot(cast(SnapshotRequest, arguments.body).name)


async def _restore(box: Simulated, arguments: Arguments) -> Snapshot:
    with _not_there():
        return await box.restore(arguments.path["name"])


def _drop_snapshots(box: Simulated, arguments: Arguments) -> None:
    del arguments
    box.drop_snapshot()


def _drop_snapshot(box: Simulated, arguments: Arguments) -> None:
    with _not_there():
        box.drop_snapshot(arguments.path["name"])


async def _switch_over(box: Simulated, arguments: Arguments) -> SwitchedOver:
    del arguments
    try:
        return await box.switch_over()
    except UserError as error:
        raise ControlError(409, error.text) from None


JOURNAL_PARAMETERS = (
    Parameter("after", "only entries with a greater number", integer=True, repeatable=False),
    Parameter("kind", "only entries of these kinds", choices=tuple(kinds())),
)

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/v1/ready", "Whether every listener serves", _ready, Ready, refusals=(503,)),
    Operation("GET", "/v1/status", "The simulator at a glance", _status, Status),
    Operation("GET", "/v1/clock", "Both readings of the clock", _clock, ClockReading),
    Operation("PUT", "/v1/clock", "Let time flow at another rate", _rate, ClockReading, RateRequest, refusals=(400,)),
    Operation("PUT", "/v1/clock/rate", "The same as PUT /v1/clock", _rate, ClockReading, RateRequest, refusals=(400,)),
    Operation(
        "POST",
        "/v1/clock/advance",
        "Move the clock forward; answers once everything due has settled",
        _advance,
        Advanced,
        AdvanceRequest,
        refusals=(400,),
    ),
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
    ),
    Operation("DELETE", "/v1/connections/{connection}", "Close one connection", _close_connection, refusals=(404,)),
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
    Operation(
        "POST",
        "/v1/ports/{addressContext}/{zone}/{sipSigPort}/bounce",
        "Take a sipSigPort out of service and back, as an operator would by the CLI",
        _bounce,
        Bounced,
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/v1/switchover",
        "Have the standby server take over",
        _switch_over,
        SwitchedOver,
        refusals=(409,),
    ),
    Operation("GET", "/v1/faults", "What goes wrong on purpose", _faults, list[Fault]),
    Operation("POST", "/v1/faults", "Have something go wrong", _add_fault, Fault, FaultRequest, refusals=(400,)),
    Operation("DELETE", "/v1/faults", "Have nothing go wrong any more", _clear_faults),
    Operation("DELETE", "/v1/faults/{fault}", "Take one fault away", _remove_fault, refusals=(404,)),
    Operation("GET", "/v1/faults/points", "Places that can go wrong", _fault_points, list[FaultPoint]),
    Operation("GET", "/v1/snapshots", "Nodes to go back to", _snapshots, list[Snapshot]),
    Operation(
        "POST",
        "/v1/snapshots",
        "Keep what the node is now under a name",
        _snapshot,
        Snapshot,
        SnapshotRequest,
        refusals=(400,),
    ),
    Operation("DELETE", "/v1/snapshots", "Forget every snapshot", _drop_snapshots),
    Operation("DELETE", "/v1/snapshots/{name}", "Forget a snapshot", _drop_snapshot, refusals=(404,)),
    Operation(
        "POST",
        "/v1/snapshots/{name}/restore",
        "Go back to a snapshot; connections and sessions end",
        _restore,
        Snapshot,
        refusals=(404,),
    ),
    Operation("POST", "/v1/reset", "Back to the state just after start; ports stay", _reset, ResetDone),
)

METRICS_PATH = "/metrics"
STREAM_PATH = "/v1/journal/stream"
OPENAPI_PATH = "/v1/openapi.json"


def paths(operations: Iterable[Operation] = OPERATIONS) -> dict[str, dict[str, Operation]]:
    """Return the operations by path, then by method."""
    found: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        found.setdefault(operation.path, {})[operation.method] = operation
    return found
