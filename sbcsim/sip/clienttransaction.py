"""The client side of transactions: requests of ours (RFC 3261 17.1, RFC 6026).

`INVITE_TABLE` and `OTHER_TABLE` are the two machines. To the letter of the RFC they add the wish to cancel (9.1: no
CANCEL goes out before any answer has come, and a cancelled INVITE waits no longer than 64*T1) and timer C (16.6), so
that no INVITE stays for ever with a far end that rings and is never heard of again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from .message import Headers, Message, Request, Response
from .transactionstate import (
    Action,
    Cancel,
    Effect,
    Row,
    Running,
    Send,
    Start,
    State,
    Table,
    Timer,
    Transaction,
    Trigger,
    trigger_of,
)
from .via import FORWARDS

_ACCEPT = (Action.DELIVER, Start(Timer.M))
_COMPLETE = (Action.ACKNOWLEDGE, Action.DELIVER, Start(Timer.D))
_GIVE_UP = (Action.CANCEL, Start(Timer.CANCEL))

INVITE_TABLE: Table = {
    (State.INITIAL, Trigger.START): Row(State.CALLING, (Action.SEND, Start(Timer.A), Start(Timer.B))),
    (State.CALLING, Timer.A): Row(State.CALLING, (Action.REPEAT, Start(Timer.A))),
    (State.CALLING, Timer.B): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.CALLING, Trigger.TRYING): Row(State.PROCEEDING, (Action.DELIVER, Start(Timer.C))),
    (State.CALLING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER, Start(Timer.C))),
    (State.CALLING, Trigger.SUCCESS): Row(State.ACCEPTED, _ACCEPT),
    (State.CALLING, Trigger.FAILURE): Row(State.COMPLETED, _COMPLETE),
    (State.CALLING, Trigger.CANCEL): Row(State.CANCELLING),
    (State.CALLING, Trigger.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.UNREACHABLE,)),
    (State.CANCELLING, Timer.A): Row(State.CANCELLING, (Action.REPEAT, Start(Timer.A))),
    (State.CANCELLING, Timer.B): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.CANCELLING, Trigger.TRYING): Row(State.CANCELLED, (Action.DELIVER, *_GIVE_UP)),
    (State.CANCELLING, Trigger.PROVISIONAL): Row(State.CANCELLED, (Action.DELIVER, *_GIVE_UP)),
    (State.CANCELLING, Trigger.SUCCESS): Row(State.ACCEPTED, _ACCEPT),
    (State.CANCELLING, Trigger.FAILURE): Row(State.COMPLETED, _COMPLETE),
    (State.CANCELLING, Trigger.CANCEL): Row(State.CANCELLING),
    (State.CANCELLING, Trigger.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.GIVEN_UP,)),
    (State.PROCEEDING, Timer.C): Row(State.CANCELLED, _GIVE_UP),
    (State.PROCEEDING, Trigger.TRYING): Row(State.PROCEEDING, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER, Start(Timer.C))),
    (State.PROCEEDING, Trigger.SUCCESS): Row(State.ACCEPTED, _ACCEPT),
    (State.PROCEEDING, Trigger.FAILURE): Row(State.COMPLETED, _COMPLETE),
    (State.PROCEEDING, Trigger.CANCEL): Row(State.CANCELLED, _GIVE_UP),
    # Nothing of ours is on its way any more, and the answer may come by another connection (18.2.2).
    (State.PROCEEDING, Trigger.TRANSPORT_ERROR): Row(State.PROCEEDING),
    (State.CANCELLED, Timer.CANCEL): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.CANCELLED, Trigger.TRYING): Row(State.CANCELLED, (Action.DELIVER,)),
    (State.CANCELLED, Trigger.PROVISIONAL): Row(State.CANCELLED, (Action.DELIVER,)),
    (State.CANCELLED, Trigger.SUCCESS): Row(State.ACCEPTED, _ACCEPT),
    (State.CANCELLED, Trigger.FAILURE): Row(State.COMPLETED, _COMPLETE),
    (State.CANCELLED, Trigger.CANCEL): Row(State.CANCELLED),
    (State.CANCELLED, Trigger.TRANSPORT_ERROR): Row(State.CANCELLED),
    # Every 2xx goes to the user, who acknowledges it: the first one once more, or that of another branch of a fork.
    (State.ACCEPTED, Timer.M): Row(State.TERMINATED),
    (State.ACCEPTED, Trigger.TRYING): Row(State.ACCEPTED),
    (State.ACCEPTED, Trigger.PROVISIONAL): Row(State.ACCEPTED),
    (State.ACCEPTED, Trigger.SUCCESS): Row(State.ACCEPTED, (Action.DELIVER,)),
    (State.ACCEPTED, Trigger.FAILURE): Row(State.ACCEPTED),
    (State.ACCEPTED, Trigger.CANCEL): Row(State.ACCEPTED),
    (State.ACCEPTED, Trigger.TRANSPORT_ERROR): Row(State.ACCEPTED),
    (State.COMPLETED, Timer.D): Row(State.TERMINATED),
    (State.COMPLETED, Trigger.TRYING): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.PROVISIONAL): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.SUCCESS): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.FAILURE): Row(State.COMPLETED, (Action.ACKNOWLEDGE,)),
    (State.COMPLETED, Trigger.CANCEL): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.UNREACHABLE,)),
}
"""INVITE: RFC 3261 17.1.1 with the state ACCEPTED of RFC 6026."""

_FINISH = (Action.DELIVER, Start(Timer.K))

OTHER_TABLE: Table = {
    (State.INITIAL, Trigger.START): Row(State.TRYING, (Action.SEND, Start(Timer.E), Start(Timer.F))),
    (State.TRYING, Timer.E): Row(State.TRYING, (Action.REPEAT, Start(Timer.E))),
    (State.TRYING, Timer.F): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.TRYING, Trigger.TRYING): Row(State.PROCEEDING, (Action.DELIVER,)),
    (State.TRYING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
    (State.TRYING, Trigger.SUCCESS): Row(State.COMPLETED, _FINISH),
    (State.TRYING, Trigger.FAILURE): Row(State.COMPLETED, _FINISH),
    (State.TRYING, Trigger.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.UNREACHABLE,)),
    (State.PROCEEDING, Timer.E): Row(State.PROCEEDING, (Action.REPEAT, Start(Timer.E))),
    (State.PROCEEDING, Timer.F): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.PROCEEDING, Trigger.TRYING): Row(State.PROCEEDING, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.SUCCESS): Row(State.COMPLETED, _FINISH),
    (State.PROCEEDING, Trigger.FAILURE): Row(State.COMPLETED, _FINISH),
    (State.PROCEEDING, Trigger.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.UNREACHABLE,)),
    (State.COMPLETED, Timer.K): Row(State.TERMINATED),
    (State.COMPLETED, Trigger.TRYING): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.PROVISIONAL): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.SUCCESS): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.FAILURE): Row(State.COMPLETED),
    (State.COMPLETED, Trigger.TRANSPORT_ERROR): Row(State.COMPLETED),
}
"""Everything but INVITE and ACK: RFC 3261 17.1.2."""


class ClientTransaction(Transaction):
    """A request of ours."""

    __slots__ = ()

    def receive(self, response: Response, now: int) -> list[Effect]:
        """Take a response of the far end."""
        return self._move(trigger_of(response), now, response)

    def _act_of_side(self, action: Action, message: Message | None) -> list[Effect]:
        if action is Action.ACKNOWLEDGE:
            assert isinstance(message, Response)
            return [Send(self.key, self.flow, acknowledge(self.request, message))]
        if action is Action.CANCEL:
            return [Cancel(self.key, self.flow, self.request)]
        return super()._act_of_side(action, message)


class InviteClient(ClientTransaction):
    """An INVITE of ours."""

    __slots__ = ()

    table = INVITE_TABLE
    running: ClassVar[Running] = {
        State.CALLING: frozenset({Timer.A, Timer.B}),
        State.CANCELLING: frozenset({Timer.A, Timer.B}),
        State.PROCEEDING: frozenset({Timer.C}),
        State.CANCELLED: frozenset({Timer.CANCEL}),
        State.ACCEPTED: frozenset({Timer.M}),
        State.COMPLETED: frozenset({Timer.D}),
        State.TERMINATED: frozenset(),
    }

    def cancel(self, now: int) -> list[Effect]:
        """Have the INVITE cancelled, as soon as that is allowed; changes nothing where it is answered."""
        return self._move(Trigger.CANCEL, now)


class OtherClient(ClientTransaction):
    """A request of ours that is no INVITE."""

    __slots__ = ()

    table = OTHER_TABLE
    running: ClassVar[Running] = {
        State.TRYING: frozenset({Timer.E, Timer.F}),
        State.PROCEEDING: frozenset({Timer.E, Timer.F}),
        State.COMPLETED: frozenset({Timer.K}),
        State.TERMINATED: frozenset(),
    }


def acknowledge(request: Request, response: Response) -> Request:
    """Return the ACK to a final response other than 2xx: same hop, same way, same branch (RFC 3261 17.1.1.3).

    It repeats the credentials of the INVITE, as nobody can ask for them (22.1).
    """
    recipient = response.headers.get("To") or request.headers.get("To") or ""
    return _of_same_transaction(request, "ACK", recipient, ("Authorization", "Proxy-Authorization"))


def cancelling(request: Request, extra: Iterable[tuple[str, str]] = ()) -> Request:
    """Return the CANCEL of a request, with `extra` headers such as Reason (RFC 3261 9.1)."""
    cancel = _of_same_transaction(request, "CANCEL", request.headers.get("To") or "", ())
    return Request(method="CANCEL", uri=cancel.uri, headers=Headers([*cancel.headers, *extra]))


def _of_same_transaction(request: Request, method: str, recipient: str, copied: tuple[str, ...]) -> Request:
    fields = [("Via", str(request.via)), ("Max-Forwards", str(FORWARDS))]
    fields += [("Route", value) for value in request.headers.all("Route")]
    fields += [
        ("From", request.headers.get("From") or ""),
        ("To", recipient),
        ("Call-ID", request.headers.get("Call-ID") or ""),
        ("CSeq", f"{request.cseq.number} {method}"),
    ]
    fields += [(name, value) for name in copied for value in request.headers.all(name)]
    return Request(method=method, uri=request.uri, headers=Headers(fields))
