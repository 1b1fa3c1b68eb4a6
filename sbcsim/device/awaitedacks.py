"""Answers to an INVITE that wait for their ACK: repeated until it comes, and the ACK said again where the 2xx is.

The ACK of the asking side goes on to the other one as it was, as it may carry the answer to an offer (RFC 3261
13.2.2.4): so the box says none by itself, but where a call ends before it has come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sbcsim.clock import Order, TimerQueue
from sbcsim.sip.dialog import Dialog, DialogId
from sbcsim.sip.message import Request
from sbcsim.sip.reliability import Hearing, HearingTrigger, Repeat, Unacknowledged, Unheard
from sbcsim.sip.transactionstate import Flow, Key

from .standingcall import Pair

_Place = tuple[DialogId, int]
"""The dialog of the asking side, and the number of its INVITE."""


@dataclass(slots=True, eq=False)
class AwaitedAck:
    """One 2xx that has been passed on. `cseq` is the number of our INVITE, `ack` what was said to its 2xx.

    `flow` is the way that the asking INVITE came by; `elsewhere` says that the answer has gone by another one since.
    """

    pair: Pair
    asker: Dialog
    server: Key
    client: Key
    cseq: int
    hearing: Unacknowledged
    flow: Flow | None = None
    ack: Request | None = None
    elsewhere: bool = False

    @property
    def place(self) -> _Place:
        """What its ACK is known by."""
        return self.asker.id, self.hearing.response.cseq.number


class AwaitedAcks:
    """Every 2xx whose ACK may come, or may have to be repeated."""

    def __init__(self) -> None:
        self._by_place: dict[_Place, AwaitedAck] = {}
        self._by_client: dict[Key, AwaitedAck] = {}
        self._timers = TimerQueue()
        self.awaiting: set[_Place] = set()
        """Those whose ACK is on its way, as far as anybody knows."""
        self._owed: set[_Place] = set()
        """Those of calls that are over."""

    def __len__(self) -> int:
        return len(self._by_place) + len(self._by_client) + len(self._timers)

    @property
    def some_owe(self) -> bool:
        """Whether somebody is told BYE as soon as his ACK has come."""
        return bool(self._owed)

    @property
    def next_due(self) -> int | None:
        """When `fire` has something to do."""
        timer = self._timers.peek()
        return None if timer is None else timer.due

    def expect(self, awaited: AwaitedAck) -> None:
        """Wait for an ACK."""
        self._by_place[awaited.place] = awaited
        self.awaiting.add(awaited.place)
        awaited.pair.acks.append(awaited.place)
        self._by_client[awaited.client] = awaited
        self._set(awaited)

    def came(self, ack: Request, asker: DialogId) -> AwaitedAck | None:
        """Take an ACK; returns what it belongs to, None for one that nobody awaits."""
        awaited = self._by_place.get((asker, ack.cseq.number))
        if awaited is None:
            return None
        self.awaiting.discard(awaited.place)
        awaited.hearing.move(HearingTrigger.ACKNOWLEDGE)
        self._timers.cancel(awaited.place)
        return awaited

    def again(self, client: Key) -> AwaitedAck | None:
        """Return what belongs to the transaction of a 2xx that has come before, None where there is none."""
        return self._by_client.get(client)

    def over(self, client: Key) -> None:
        """No 2xx comes again, as its transaction is over; the ACK may still be missing."""
        awaited = self._by_client.pop(client, None)
        if awaited is not None and awaited.hearing.state is not Hearing.WAITING:
            self._forget(awaited)

    def drop(self, pair: Pair) -> None:
        """Wait for nothing of a call any more."""
        for place in tuple(pair.acks):
            awaited = self._by_place[place]
            self._timers.cancel(place)
            self._by_client.pop(awaited.client, None)
            self._forget(awaited)

    def end(self, pair: Pair) -> list[AwaitedAck]:
        """A call is over: wait for nothing of it but the ACKs that are missing, and return what these belong to.

        Who has been told of a 2xx must not be told BYE before (RFC 3261 15).
        """
        acks = [self._by_place[place] for place in pair.acks]
        owed = [awaited for awaited in acks if awaited.hearing.state is Hearing.WAITING]
        for awaited in owed:
            self._by_client.pop(awaited.client, None)
            awaited.pair.acks.remove(awaited.place)
            self._owed.add(awaited.place)
        self.drop(pair)
        return owed

    def release(self, awaited: AwaitedAck) -> bool:
        """Await nothing more of a call that is over; False where the call stands."""
        if awaited.place not in self._owed:
            return False
        self._timers.cancel(awaited.place)
        self._forget(awaited)
        return True

    def hope(self, awaited: AwaitedAck) -> None:
        """An answer is about to go by another connection: who has said nothing so far may have heard nothing, once."""
        if not awaited.elsewhere:
            awaited.elsewhere = True
            self.awaiting.add(awaited.place)

    def fire(self, now: int) -> Iterator[tuple[AwaitedAck, Repeat | Unheard]]:
        """Yield what is due: a 2xx to be repeated, or one that nobody has acknowledged in time."""
        while (timer := self._timers.pop(now)) is not None:
            awaited = self._by_place.get(timer.key)  # type: ignore[call-overload]
            if awaited is None:
                continue
            for told in awaited.hearing.fire(now):
                yield awaited, told
            self._set(awaited)

    def handed_over(self) -> None:
        """No answer comes again, as every transaction is gone; what is waited for may still come."""
        for client in tuple(self._by_client):
            self.over(client)
        for place in tuple(self._owed):
            self.release(self._by_place[place])

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._by_place.clear()
        self._by_client.clear()
        self._timers.clear()
        self.awaiting.clear()
        self._owed.clear()

    def _forget(self, awaited: AwaitedAck) -> None:
        del self._by_place[awaited.place]
        self.awaiting.discard(awaited.place)
        if awaited.place in self._owed:
            self._owed.remove(awaited.place)
        else:
            awaited.pair.acks.remove(awaited.place)

    def _set(self, awaited: AwaitedAck) -> None:
        if awaited.hearing.due is not None:
            self._timers.set(awaited.place, awaited.hearing.due, Order.TIMEOUT)
