"""The server side of transactions: requests of the far end (RFC 3261 17.2, RFC 6026).

`INVITE_TABLE` and `OTHER_TABLE` are the two machines. An INVITE that nobody has answered within 200 ms is answered
100; TRYING is what RFC 3261 calls Proceeding before anything has been said. A request other than INVITE that our user
never answers is given up after 64*T1: by then nobody waits for the answer any more (RFC 4320).
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from .message import Message, Request, Response
from .options import respond
from .transaction import reply_to
from .transactionstate import (
    Action,
    Effect,
    Flow,
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

_ACCEPT = (Action.SEND, Start(Timer.L))
_COMPLETE = (Action.SEND, Start(Timer.G), Start(Timer.H))

INVITE_TABLE: Table = {
    (State.INITIAL, Trigger.START): Row(State.TRYING, (Action.DELIVER, Start(Timer.TRYING))),
    (State.TRYING, Timer.TRYING): Row(State.PROCEEDING, (Action.TRY,)),
    (State.TRYING, Trigger.REQUEST): Row(State.TRYING),
    (State.TRYING, Trigger.ACK): Row(State.TRYING),
    (State.TRYING, Trigger.TRYING): Row(State.PROCEEDING, (Action.SEND,)),
    (State.TRYING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
    (State.TRYING, Trigger.SUCCESS): Row(State.ACCEPTED, _ACCEPT),
    (State.TRYING, Trigger.FAILURE): Row(State.COMPLETED, _COMPLETE),
    (State.TRYING, Trigger.TRANSPORT_ERROR): Row(State.TRYING, (Action.UNREACHABLE,)),
    (State.PROCEEDING, Trigger.REQUEST): Row(State.PROCEEDING, (Action.REPEAT,)),
    (State.PROCEEDING, Trigger.ACK): Row(State.PROCEEDING),
    (State.PROCEEDING, Trigger.TRYING): Row(State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Trigger.SUCCESS): Row(State.ACCEPTED, _ACCEPT),
    (State.PROCEEDING, Trigger.FAILURE): Row(State.COMPLETED, _COMPLETE),
    # What could not be sent is no reason to forget the INVITE: it will be sent again, and must be known (RFC 6026).
    (State.PROCEEDING, Trigger.TRANSPORT_ERROR): Row(State.PROCEEDING, (Action.UNREACHABLE,)),
    # The user repeats the 2xx until its ACK comes, which is a transaction of its own (RFC 3261 13.3.1.4).
    (State.ACCEPTED, Timer.L): Row(State.TERMINATED),
    (State.ACCEPTED, Trigger.REQUEST): Row(State.ACCEPTED),
    (State.ACCEPTED, Trigger.ACK): Row(State.ACCEPTED, (Action.DELIVER,)),
    (State.ACCEPTED, Trigger.SUCCESS): Row(State.ACCEPTED, (Action.SEND,)),
    (State.ACCEPTED, Trigger.TRANSPORT_ERROR): Row(State.ACCEPTED, (Action.UNREACHABLE,)),
    (State.COMPLETED, Timer.G): Row(State.COMPLETED, (Action.REPEAT, Start(Timer.G))),
    (State.COMPLETED, Timer.H): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.COMPLETED, Trigger.REQUEST): Row(State.COMPLETED, (Action.REPEAT,)),
    (State.COMPLETED, Trigger.ACK): Row(State.CONFIRMED, (Start(Timer.I),)),
    (State.COMPLETED, Trigger.TRANSPORT_ERROR): Row(State.COMPLETED, (Action.UNREACHABLE,)),
    (State.CONFIRMED, Timer.I): Row(State.TERMINATED),
    (State.CONFIRMED, Trigger.REQUEST): Row(State.CONFIRMED),
    (State.CONFIRMED, Trigger.ACK): Row(State.CONFIRMED),
    (State.CONFIRMED, Trigger.TRANSPORT_ERROR): Row(State.CONFIRMED),
}
"""INVITE: RFC 3261 17.2.1 with the state ACCEPTED of RFC 6026."""

_FINISH = (Action.SEND, Start(Timer.J))

OTHER_TABLE: Table = {
    (State.INITIAL, Trigger.START): Row(State.TRYING, (Action.DELIVER, Start(Timer.F))),
    (State.TRYING, Timer.F): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.TRYING, Trigger.REQUEST): Row(State.TRYING),
    (State.TRYING, Trigger.TRYING): Row(State.PROCEEDING, (Action.SEND,)),
    (State.TRYING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
    (State.TRYING, Trigger.SUCCESS): Row(State.COMPLETED, _FINISH),
    (State.TRYING, Trigger.FAILURE): Row(State.COMPLETED, _FINISH),
    # The answer may still go by another connection (RFC 3261 18.2.2); only one that cannot be sent ends it.
    (State.TRYING, Trigger.TRANSPORT_ERROR): Row(State.TRYING),
    (State.PROCEEDING, Timer.F): Row(State.TERMINATED, (Action.TIMED_OUT,)),
    (State.PROCEEDING, Trigger.REQUEST): Row(State.PROCEEDING, (Action.REPEAT,)),
    (State.PROCEEDING, Trigger.TRYING): Row(State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Trigger.PROVISIONAL): Row(State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Trigger.SUCCESS): Row(State.COMPLETED, _FINISH),
    (State.PROCEEDING, Trigger.FAILURE): Row(State.COMPLETED, _FINISH),
    (State.PROCEEDING, Trigger.TRANSPORT_ERROR): Row(State.PROCEEDING, (Action.UNREACHABLE,)),
    (State.COMPLETED, Timer.J): Row(State.TERMINATED),
    (State.COMPLETED, Trigger.REQUEST): Row(State.COMPLETED, (Action.REPEAT,)),
    (State.COMPLETED, Trigger.TRANSPORT_ERROR): Row(State.TERMINATED, (Action.UNREACHABLE,)),
}
"""Everything but INVITE and ACK: RFC 3261 17.2.2."""


class ServerTransaction(Transaction):
    """A request of the far end."""

    __slots__ = ()

    def receive(self, request: Request, now: int) -> list[Effect]:
        """Take the request once more, or the ACK of an INVITE."""
        return self._move(Trigger.ACK if request.method == "ACK" else Trigger.REQUEST, now, request)

    def respond(self, response: Response, now: int) -> list[Effect]:
        """Send a response of our user; raises BugError for one behind a final one, but another copy of a 2xx."""
        return self._move(trigger_of(response), now, response)

    def _way(self, message: Message) -> Flow:
        assert isinstance(message, Response)
        if self.flow.reliable:
            return self.flow
        return replace(self.flow, remote=reply_to(message, self.flow.remote))

    def _act_of_side(self, action: Action, message: Message | None) -> list[Effect]:
        if action is not Action.TRY:
            return super()._act_of_side(action, message)
        trying = respond(self.request, 100, source=self.flow.remote, to_tag="")
        self._said = Send(self.key, self._way(trying), trying)
        return [self._said]


class InviteServer(ServerTransaction):
    """An INVITE of the far end."""

    __slots__ = ()

    table = INVITE_TABLE
    running: ClassVar[Running] = {
        State.TRYING: frozenset({Timer.TRYING}),
        State.PROCEEDING: frozenset(),
        State.ACCEPTED: frozenset({Timer.L}),
        State.COMPLETED: frozenset({Timer.G, Timer.H}),
        State.CONFIRMED: frozenset({Timer.I}),
        State.TERMINATED: frozenset(),
    }


class OtherServer(ServerTransaction):
    """A request of the far end that is no INVITE."""

    __slots__ = ()

    table = OTHER_TABLE
    running: ClassVar[Running] = {
        State.TRYING: frozenset({Timer.F}),
        State.PROCEEDING: frozenset({Timer.F}),
        State.COMPLETED: frozenset({Timer.J}),
        State.TERMINATED: frozenset(),
    }
