"""The four transaction machines, walked row by row: what is in a table happens, what is not changes nothing."""

from __future__ import annotations

import pytest
from sipcalls import TLS, UDP, answer, request

from sbcsim.errors import BugError
from sbcsim.sip.clienttransaction import ClientTransaction, InviteClient, OtherClient
from sbcsim.sip.message import Request, Response
from sbcsim.sip.servertransaction import InviteServer, OtherServer, ServerTransaction
from sbcsim.sip.transactions import client_key, server_key
from sbcsim.sip.transactionstate import (
    Action,
    Cancel,
    CancelTimer,
    Deliver,
    Effect,
    Event,
    Failed,
    Flow,
    Send,
    SetTimer,
    Start,
    State,
    Terminated,
    Timer,
    Trigger,
    Why,
)

MACHINES = (InviteClient, OtherClient, InviteServer, OtherServer)
STATUS = {Trigger.TRYING: 100, Trigger.PROVISIONAL: 180, Trigger.SUCCESS: 200, Trigger.FAILURE: 486}
EVENTS: tuple[Event, ...] = (*Trigger, *Timer)

Machine = ClientTransaction | ServerTransaction
Kind = type[InviteClient] | type[OtherClient] | type[InviteServer] | type[OtherServer]


def fresh(kind: Kind, flow: Flow) -> Machine:
    made = request("INVITE" if kind in {InviteClient, InviteServer} else "INFO")
    client = issubclass(kind, ClientTransaction)
    return kind(client_key(made) if client else server_key(made), made, flow)


def apply(machine: Machine, event: Event, now: int = 0) -> list[Effect]:
    """Have an event happen in the way in which it happens."""
    if isinstance(event, Timer):
        return machine.fire(event, now)
    if event is Trigger.START:
        return machine.start(now)
    if event is Trigger.TRANSPORT_ERROR:
        return machine.transport_failed(now)
    if event in STATUS:
        response = answer(machine.request, STATUS[event])
        if isinstance(machine, ClientTransaction):
            return machine.receive(response, now)
        return machine.respond(response, now)
    if event is Trigger.CANCEL:
        assert isinstance(machine, InviteClient)
        return machine.cancel(now)
    assert isinstance(machine, ServerTransaction)
    return machine.receive(request("ACK") if event is Trigger.ACK else machine.request, now)


def paths(kind: Kind) -> dict[State, list[Event]]:
    """Return the shortest way to each state, by the table alone."""
    ways: dict[State, list[Event]] = {State.INITIAL: []}
    waiting = [State.INITIAL]
    while waiting:
        here = waiting.pop(0)
        for (before, event), row in kind.table.items():
            if before is here and row.after not in ways:
                ways[row.after] = [*ways[here], event]
                waiting.append(row.after)
    return ways


WAYS = {kind: paths(kind) for kind in MACHINES}


def in_state(kind: Kind, state: State, flow: Flow = UDP) -> Machine:
    machine = fresh(kind, flow)
    for event in WAYS[kind][state]:
        apply(machine, event)
    assert machine.state is state
    return machine


_TOLD = {Why.TIMED_OUT: Action.TIMED_OUT, Why.UNREACHABLE: Action.UNREACHABLE, Why.CANCELLED: Action.GIVEN_UP}


def told(effects: list[Effect]) -> list[object]:
    """Return effects as the actions of a table tell them; that timers are cancelled is looked at elsewhere."""
    names: list[object] = []
    for effect in effects:
        match effect:
            case Send(message=Request(method="ACK")):
                names.append(Action.ACKNOWLEDGE)
            case Send(message=Response(status=100)):
                names.append(Action.TRY)
            case Send():
                names.append(Action.SEND)
            case Deliver():
                names.append(Action.DELIVER)
            case Failed(why=why):
                names.append(_TOLD[why])
            case Cancel():
                names.append(Action.CANCEL)
            case SetTimer(timer=timer):
                names.append(Start(timer))
            case Terminated():
                names.append(Terminated)
            case CancelTimer():
                pass
    return names


ROWS = [(kind, state, event) for kind in MACHINES for state, event in kind.table]


@pytest.mark.parametrize(("kind", "state", "event"), ROWS, ids=lambda each: getattr(each, "name", None))
def test_row(kind: Kind, state: State, event: Event) -> None:
    machine = in_state(kind, state)
    row = kind.table[state, event]
    effects = apply(machine, event)
    assert machine.state is row.after
    same = {Action.REPEAT: Action.SEND}
    expected: list[object] = [
        same.get(action, action) if isinstance(action, Action) else action for action in row.actions
    ]
    if row.after is State.TERMINATED:
        expected.append(Terminated)
    known = {Action.SEND, Action.TRY}  # a 100 of the user, or one said again, looks like that of the machine
    assert [Action.SEND if name in known else name for name in told(effects)] == [
        Action.SEND if name in known else name for name in expected
    ]


NO_WAY = {
    InviteClient: {Trigger.REQUEST, Trigger.ACK},
    OtherClient: {Trigger.REQUEST, Trigger.ACK, Trigger.CANCEL},
    InviteServer: {Trigger.CANCEL},
    OtherServer: {Trigger.CANCEL},
}
"""What a machine has no method for."""

ILLEGAL = [
    (kind, state, event)
    for kind in MACHINES
    for state in WAYS[kind]
    for event in EVENTS
    if (state, event) not in kind.table and event not in NO_WAY[kind]
]


@pytest.mark.parametrize(("kind", "state", "event"), ILLEGAL, ids=lambda each: getattr(each, "name", None))
def test_what_is_not_in_the_table_raises_and_changes_nothing(kind: Kind, state: State, event: Event) -> None:
    machine = in_state(kind, state)
    timers = set(machine._timers)
    said = machine._said
    with pytest.raises(BugError):
        apply(machine, event)
    assert (machine.state, machine._timers, machine._said) == (state, timers, said)


@pytest.mark.parametrize("kind", MACHINES)
def test_every_state_has_its_timers_and_every_timer_its_row(kind: Kind) -> None:
    assert set(kind.running) == set(WAYS[kind]) - {State.INITIAL}
    for state, timers in kind.running.items():
        assert timers == {event for before, event in kind.table if before is state and isinstance(event, Timer)}


FAR_END = {
    InviteClient: set(STATUS),
    OtherClient: set(STATUS),
    InviteServer: {Trigger.REQUEST, Trigger.ACK},
    OtherServer: {Trigger.REQUEST},
}


@pytest.mark.parametrize("kind", MACHINES)
def test_whatever_the_far_end_sends_has_a_row_in_every_live_state(kind: Kind) -> None:
    live = set(WAYS[kind]) - {State.INITIAL, State.TERMINATED}
    missing = {(state, event) for state in live for event in FAR_END[kind] | {Trigger.TRANSPORT_ERROR}} - set(
        kind.table
    )
    assert not missing


@pytest.mark.parametrize("kind", MACHINES)
def test_every_state_but_those_that_wait_for_the_user_is_left_in_time(kind: Kind) -> None:
    """An INVITE rings as long as our user lets it; nothing else waits for anybody without end."""
    for state, timers in kind.running.items():
        ends = any(kind.table[state, timer].after is not state for timer in timers)
        assert ends or state is State.TERMINATED or (kind, state) == (InviteServer, State.PROCEEDING)


@pytest.mark.parametrize("flow", [UDP, TLS], ids=["unreliable", "reliable"])
@pytest.mark.parametrize("kind", MACHINES)
def test_timers_set_and_cancelled_agree_with_the_state(kind: Kind, flow: Flow) -> None:
    for way in WAYS[kind].values():
        machine = fresh(kind, flow)
        running: set[Timer] = set()
        for event in way:
            if machine.state is State.TERMINATED or (isinstance(event, Timer) and event not in running):
                break  # on a reliable transport some states are passed through at once
            running.discard(event)  # type: ignore[arg-type]
            for effect in apply(machine, event):
                if isinstance(effect, SetTimer):
                    running.add(effect.timer)
                elif isinstance(effect, CancelTimer):
                    running.remove(effect.timer)
            assert running <= kind.running[machine.state]
            assert running == machine._timers
