"""The operations of the control API that do something to the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sbcsim.clock import from_rfc3339, parse_duration
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.faults import Active
from sbcsim.errors import UserError

from .models import Advanced, Bounced, ClockReading, Fault, ResetDone, Snapshot, SwitchedOver
from .operation import Arguments, Link, Operation, number
from .problems import ControlError
from .requests import AdvanceRequest, FaultRequest, RateRequest, SnapshotRequest
from .simulated import Simulated
from .views import clock_reading, fault

_LONGEST_TEXT = 64


async def _advance(box: Simulated, arguments: Arguments) -> Advanced:
    request = cast(AdvanceRequest, arguments.body)
    if (request.by is None) == (request.to is None):
        raise ControlError(400, 'exactly one of "by" and "to" is needed')
    if len(request.by or request.to or "") > _LONGEST_TEXT:
        raise ControlError(400, f"a duration or time has at most {_LONGEST_TEXT} characters")
    with _not_as_described():
        by = None if request.by is None else parse_duration(request.by)
        to = None if request.to is None else from_rfc3339(request.to)
    try:
        return await box.move_clock(by=by, to=to)
    except UserError as error:  # backwards, or beyond the end of calendars
        raise ControlError(409, error.text) from None


def _rate(box: Simulated, arguments: Arguments) -> ClockReading:
    box.set_rate(cast(RateRequest, arguments.body).rate)
    return clock_reading(box.clock)


async def _close_connection(box: Simulated, arguments: Arguments) -> None:
    text = arguments.path["connection"]
    found = number(text)
    if found is None or not await box.close_connection(found):
        raise ControlError(404, f'no connection "{text}"')


async def _bounce(box: Simulated, arguments: Arguments) -> Bounced:
    context, zone, index = (arguments.path[name] for name in ("addressContext", "zone", "sipSigPort"))
    found = number(index)
    known = {(each.address_context, each.zone, each.sip_sig_port) for each in box.port_counters()}
    if found is None or (context, zone, found) not in known:
        raise ControlError(404, f'no sipSigPort "{context}/{zone}/{index}"')
    try:
        return await box.bounce_port(context, zone, found)
    except UserError as error:
        raise ControlError(409, error.text) from None


async def _reset(box: Simulated, arguments: Arguments) -> ResetDone:
    del arguments
    await box.reset()
    return ResetDone(box.clock.now(), box.events.last)


def _add_fault(box: Simulated, arguments: Arguments) -> Fault:
    wanted = cast(FaultRequest, arguments.body)
    if wanted.point not in POINTS:
        raise ControlError(400, f'no fault point "{wanted.point}"; there are: {", ".join(POINTS)}')
    with _not_as_described():
        period = parse_duration(wanted.period)
    made = box.faults.add(
        wanted.point,
        match=wanted.match,
        nth=wanted.nth,
        times=wanted.times,
        probability=wanted.probability,
        period=period,
        value=wanted.value,
        gap=wanted.gap,
    )
    return fault(Active(made))


def _clear_faults(box: Simulated, arguments: Arguments) -> None:
    del arguments
    box.faults.clear()


def _remove_fault(box: Simulated, arguments: Arguments) -> None:
    text = arguments.path["fault"]
    if not box.faults.remove(number(text) or 0):
        raise ControlError(404, f'no fault "{text}"')


@contextmanager
def _not_as_described() -> Iterator[None]:
    """Answer 400 to what the schema of the request does not allow."""
    try:
        yield
    except UserError as error:
        raise ControlError(400, error.text) from None


@contextmanager
def _not_there() -> Iterator[None]:
    """Answer 404 where a name in the path leads nowhere."""
    try:
        yield
    except UserError as error:
        if error.tag != "data-missing":
            raise
        raise ControlError(404, error.text) from None


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
    return await box.switch_over()


DOINGS: tuple[Operation, ...] = (
    Operation(
        "PUT", "/v1/clock", "Let time flow at another rate", _rate, ClockReading, RateRequest, refusals=(400, 422)
    ),
    Operation(
        "PUT", "/v1/clock/rate", "The same as PUT /v1/clock", _rate, ClockReading, RateRequest, refusals=(400, 422)
    ),
    Operation(
        "POST",
        "/v1/clock/advance",
        "Move the clock forward; answers once everything due has settled",
        _advance,
        Advanced,
        AdvanceRequest,
        refusals=(400, 409, 422),
        description="Everything that is due on the way happens, in order and at its own instant. Refused with 409 "
        "are moves backwards and beyond the year 9999.",
    ),
    Operation("DELETE", "/v1/connections/{connection}", "Close one connection", _close_connection, refusals=(404,)),
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
    Operation(
        "POST",
        "/v1/faults",
        "Have something go wrong",
        _add_fault,
        Fault,
        FaultRequest,
        refusals=(400, 409, 422),
        description="GET /v1/faults/points tells where, and what `match` and `value` mean there.",
        links=(Link("remove", "DELETE", "/v1/faults/{fault}", (("fault", "id"),)),),
    ),
    Operation("DELETE", "/v1/faults", "Have nothing go wrong any more", _clear_faults),
    Operation("DELETE", "/v1/faults/{fault}", "Take one fault away", _remove_fault, refusals=(404,)),
    Operation(
        "POST",
        "/v1/snapshots",
        "Keep what the node is now under a name",
        _snapshot,
        Snapshot,
        SnapshotRequest,
        refusals=(400, 409, 422),
        description="It takes the place of an earlier one of the same name.",
        links=(
            Link("restore", "POST", "/v1/snapshots/{name}/restore", (("name", "name"),)),
            Link("drop", "DELETE", "/v1/snapshots/{name}", (("name", "name"),)),
        ),
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
"""Every one of them."""
