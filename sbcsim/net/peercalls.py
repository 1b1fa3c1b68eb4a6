"""The calls of a far end of a test, over the connections that it has: placed, taken, held, ended, and on record.

Transactions and dialogs are those of `sbcsim.sip`, and run on the host's time. Two things are left out on purpose: a
2xx is said once, as connections lose nothing, and no session timer is offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Literal

from sbcsim.clock import Instant
from sbcsim.errors import PeerError
from sbcsim.journal import Journal
from sbcsim.sip import relay
from sbcsim.sip.dialog import Dialog, DialogState
from sbcsim.sip.dialogs import Dialogs
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.options import reason_phrase, refuse
from sbcsim.sip.transactions import client_key, server_key
from sbcsim.sip.transactionstate import Deliver, Key, Side

from . import callmessages as messages
from . import sdp
from .patience import Changes
from .peercall import CallMessage, CallState, CallTrigger, PeerCall
from .peerconduct import Callee, Conduct
from .peerconnection import PeerConnection
from .peerevents import CallSeen
from .peerline import Line

_NUMBERS = count(1)
"""Tags, branches and Call-IDs are unlike those of any other far end of the process."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A request of ours within a call; `response` is its final answer, `failed` why there is none."""

    call: PeerCall
    request: Request
    response: Response | None = None
    failed: str = ""

    @property
    def over(self) -> bool:
        return self.response is not None or bool(self.failed)


class PeerCalls:
    """All calls of one far end. `live` are the connections that stand, oldest first."""

    patience = 10.0
    """Host seconds that anything is waited for at most."""

    def __init__(
        self,
        events: Journal,
        now: Callable[[], Instant],
        changes: Changes,
        live: Callable[[], list[PeerConnection]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.all: list[PeerCall] = []
        self._events = events
        self._now = now
        self._changes = changes
        self._live = live
        self._spawn = spawn
        self._line = Line(self)
        self._dialogs = Dialogs()
        self._by_key: dict[Key, PeerCall] = {}
        self._by_call_id: dict[str, PeerCall] = {}
        self._asked: dict[Key, _Asked] = {}

    # What is done with calls.

    def place(
        self,
        called: str,
        calling: str,
        connection: PeerConnection,
        extra: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> PeerCall:
        """Send an INVITE, and return its call; raises PeerError where the connection is closed."""
        self._must_stand(connection)
        invite = messages.invite(called, calling, connection, next(_NUMBERS), extra, body)
        key = client_key(invite)
        number, called = len(self.all) + 1, relay.user_of(invite.uri) or called
        call = PeerCall(number, True, calling, called, invite, key, [connection], self)  # noqa: FBT003 - a field
        self._add(call)
        self._line.request(invite, connection)
        return call

    def ring(self, call: PeerCall, status: int) -> None:
        """Say that it rings; raises PeerError."""
        self._allow(call, CallTrigger.ACCEPT, "ring")
        self._say(call, status)
        self._move(call, CallTrigger.RING)

    def answer(self, call: PeerCall) -> None:
        """Say 200; raises PeerError."""
        self._allow(call, CallTrigger.ACCEPT, "be answered")
        body = messages.described(call.connections[0], call.number, 1, sdp.answering(call.invite.body))
        self._move(call, CallTrigger.ACCEPT)
        self._say(call, 200, body)

    def refuse(self, call: PeerCall, status: int) -> None:
        """Say that it is refused; raises PeerError."""
        self._allow(call, CallTrigger.ACCEPT, "be refused")
        self._end(call, "peer", f"{status} {reason_phrase(status)}", status)
        self._say(call, status)

    def cancel(self, call: PeerCall) -> None:
        """Send a CANCEL as soon as that is allowed; raises PeerError."""
        if not call.placed or call.state not in {CallState.CALLING, CallState.RINGING}:
            raise PeerError(f"call {call.number} cannot be cancelled: it is {call.state.value}", layer="sip")
        self._move(call, CallTrigger.LEAVE)
        self._line.cancel(call.key)

    async def request(
        self,
        call: PeerCall,
        method: str,
        extra: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        patience: float | None = None,
    ) -> int:
        """Send a request within a call, and return the status of its answer; raises PeerError, TimeoutError."""
        dialog = call.dialog
        if dialog is None or not call.live or dialog.pending(method):
            raise PeerError(f"no {method} in call {call.number}: it is {call.state.value}", layer="sip")
        connection = self._way(call)
        fields = [messages.contact(_own(call), connection)] if method in {"INVITE", "UPDATE"} else []
        fields += extra
        if body and not any(name == "Content-Type" for name, _ in fields):
            fields.append(sdp.TYPE)
        request = dialog.request(method, messages.via(connection, next(_NUMBERS)), fields, body)
        if method == "BYE":
            self._move(call, CallTrigger.LEAVE)
        asked = self._ask(call, request, connection)
        await self._changes.until(lambda: asked.over, patience or self.patience, lambda: f"{call}")
        if asked.response is None:
            raise PeerError(f"no answer to {method} in call {call.number}: {asked.failed}", layer="sip")
        return asked.response.status

    async def offer_again(self, call: PeerCall, direction: sdp.Direction) -> int:
        """Send a re-INVITE with another direction of the media; raises PeerError, TimeoutError."""
        return await self.request(call, "INVITE", body=_described_again(call, call.connection, direction))

    async def wait_for(self, call: PeerCall, state: CallState, patience: float | None) -> None:
        """Wait until a call has come to a state; raises PeerError where it ends instead, TimeoutError."""
        await self._changes.until(
            lambda: not call.reached.isdisjoint({state, CallState.ENDED}), patience or self.patience, lambda: f"{call}"
        )
        if state not in call.reached:
            raise PeerError(f"call {call.number} was ended by the {call.ended_by}: {call.why}", layer="sip")

    # What comes.

    def concern(self, request: Request) -> bool:
        """Whether a request belongs to a call, or begins one."""
        try:
            request.check()
            if request.method == "CANCEL":
                return Key(Side.SERVER, request.via.branch, server_key(request).sent_by, "INVITE") in self._by_key
            if request.method in {"INVITE", "ACK"} and not request.recipient.tag:
                return True
            return request.method == "ACK" or self._dialogs.find(request) is not None
        except SipError:
            return False

    def take(self, request: Request, connection: PeerConnection, conduct: Conduct) -> None:
        """Take a request that is a `concern`, and do with it what the conduct says."""
        call = self._by_call_id.get(request.call_id)
        if call is not None:
            self._note(call, "in", connection, request)
        silent = conduct.status is None or conduct.calls is Callee.SILENT or (call is not None and call.ignored)
        if silent and (call is None or call.dialog is None):
            self._ignore(call, request, connection)
            return
        try:
            self._line.receive(request, connection, partial(self._asked_by_box, conduct))
            self._sweep()
        except SipError as error:
            error.request = request
            refusal = refuse(error, source=connection.remote, to_tag="peer")
            connection.stream.write(b"" if refusal is None else refusal.to_bytes())

    def heard(self, response: Response, connection: PeerConnection) -> None:
        """Take a response; one that belongs to no call is none of ours."""
        try:
            response.check()
            call = self._by_call_id.get(response.call_id)
            if call is not None:
                self._note(call, "in", connection, response)
                self._line.receive(response, connection, self._answered)
        except SipError:
            return  # it is on record as the response that it is
        self._sweep()

    def lost(self, connection: PeerConnection) -> None:
        """A connection is gone: what was under way on it is, too, and calls go on."""
        self._line.lost(connection)

    def forget(self, connections: Iterable[PeerConnection]) -> None:
        """Forget the calls that nothing but these connections has carried."""
        gone = [*connections]
        self.all[:] = [call for call in self.all if any(each not in gone for each in call.connections)]
        self._by_call_id = {call.call_id: call for call in self.all}

    def close(self) -> None:
        """No timer is left."""
        self._line.close()

    # What the line says.

    def sent(self, message: Message, connection: PeerConnection) -> None:
        """Take note of a message that goes out."""
        call = self._by_call_id.get(message.call_id)
        if call is not None:
            self._note(call, "out", connection, message)

    def failed(self, key: Key, why: str) -> None:
        """Nobody has answered a request of ours, or it could not be sent."""
        asked = self._asked.get(key)
        if asked is not None:
            self._failed_within(asked, why)
            return
        call = self._by_key.get(key)
        if call is not None and call.placed and not call.live:
            self._dialogs.over(call.invite)
            self._end(call, "box", why)

    def over(self, key: Key) -> None:
        """Nothing belongs to a transaction any more."""
        self._asked.pop(key, None)
        call = self._by_key.pop(key, None)
        if call is not None and call.placed:
            self._dialogs.over(call.invite)

    def _answered(self, arrived: Deliver) -> None:
        key, response = arrived.key, arrived.message
        assert key is not None
        assert isinstance(response, Response)
        asked = self._asked.get(key)
        if asked is not None:
            self._answered_within(asked, response)
            return
        call = self._by_key.get(key)
        if call is None or response.status == 100:
            return
        call.status = response.status
        dialog = self._dialogs.called(call.invite, response)
        if response.status < 200:
            call.dialog = call.dialog or dialog
            self._move(call, CallTrigger.RING)
        elif response.status < 300:
            assert dialog is not None
            self._picked_up(call, dialog)
        else:
            by: Literal["box", "peer"] = "peer" if call.state is CallState.ENDING else "box"
            why = "cancelled" if by == "peer" else f"{response.status} {response.reason}"
            self._dialogs.over(call.invite)
            self._end(call, by, why, response.status)

    def _picked_up(self, call: PeerCall, dialog: Dialog) -> None:
        """Acknowledge a 2xx, and take it back where nobody waits for it any more."""
        first = call.state in {CallState.CALLING, CallState.RINGING}
        wanted = first or (call.dialog is dialog and call.state is CallState.STANDING)
        self._acknowledge(dialog, dialog.invite_cseq, call)
        if first:
            call.dialog = dialog
            self._move(call, CallTrigger.STAND)
        elif not wanted and dialog.state is DialogState.CONFIRMED:
            connection = self._way(call)
            bye = dialog.request("BYE", messages.via(connection, next(_NUMBERS)))
            self._ask(call, bye, connection)

    def _answered_within(self, asked: _Asked, response: Response) -> None:
        call, method = asked.call, asked.request.method
        dialog = self._dialogs.find(response)
        if dialog is not None:
            dialog.answered_there(response)
            if method == "INVITE" and 200 <= response.status < 300:
                self._acknowledge(dialog, asked.request.cseq.number, call)
        if not response.final:
            return
        asked.response = response
        self._changes.tell()
        if method == "BYE":
            self._end(call, "peer", "BYE")

    def _failed_within(self, asked: _Asked, why: str) -> None:
        asked.failed = why
        dialog = asked.call.dialog
        if dialog is not None:
            dialog.unanswered(asked.request)
            if asked.request.method == "BYE":
                self._end(asked.call, "peer", f"BYE, and {why}")
        self._changes.tell()

    def _asked_by_box(self, conduct: Conduct, arrived: Deliver) -> None:
        request, connection = arrived.message, self._line.connection_of(arrived)
        assert isinstance(request, Request)
        if request.method == "ACK":
            self._acknowledged(request)
        elif arrived.key is None:
            return
        elif request.method == "CANCEL":
            self._cancelled(arrived, request)
        elif request.recipient.tag:
            self._within(arrived.key, request, connection, conduct)
        else:
            self._rung(arrived.key, request, connection, conduct)

    def _ignore(self, call: PeerCall | None, request: Request, connection: PeerConnection) -> None:
        """Note a call that nothing is said about, and its end."""
        if call is None and request.method == "INVITE":
            call = self._incoming(server_key(request), request, connection)
            call.ignored = True
        elif call is not None and request.method == "CANCEL":
            self._end(call, "box", "cancelled")

    def _incoming(self, key: Key, invite: Request, connection: PeerConnection) -> PeerCall:
        called, calling = relay.user_of(invite.uri), relay.user_of(invite.sender.uri)
        number = len(self.all) + 1
        call = PeerCall(number, False, calling, called, invite, key, [connection], self, tag=f"p{next(_NUMBERS)}")  # noqa: FBT003 - a field
        self._add(call)
        self._note(call, "in", connection, invite)
        return call

    def _rung(self, key: Key, invite: Request, connection: PeerConnection, conduct: Conduct) -> None:
        call = self._incoming(key, invite, connection)
        status = 486 if conduct.calls is Callee.BUSY else conduct.status or 200
        if status >= 300:
            self.refuse(call, status)
            return
        self.ring(call, 180)
        call.hangs_up = conduct.calls is Callee.HANGS_UP
        if conduct.calls is Callee.ANSWERS_LATE:
            self._spawn(self._answer_late(call, conduct.rings))
        elif conduct.calls is not Callee.RINGS:
            self.answer(call)

    async def _answer_late(self, call: PeerCall, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if call.state is CallState.RINGING:
            self.answer(call)

    def _acknowledged(self, ack: Request) -> None:
        dialog = self._dialogs.find(ack)
        call = self._by_call_id.get(ack.call_id)
        if dialog is None or call is None or call.state is not CallState.ANSWERED:
            return
        self._move(call, CallTrigger.STAND)
        if call.hangs_up:
            self._spawn(self._leave(call))

    async def _leave(self, call: PeerCall) -> None:
        with suppress(PeerError, TimeoutError):  # the box may have ended it, or the connection, meanwhile
            await call.hang_up()

    def _cancelled(self, arrived: Deliver, cancel: Request) -> None:
        assert arrived.key is not None
        call = None if arrived.cancels is None else self._by_key.get(arrived.cancels)
        tag = call.tag if call is not None else f"p{next(_NUMBERS)}"
        connection = self._line.connection_of(arrived)
        self._line.respond(arrived.key, messages.answer(cancel, 200 if call else 481, connection, tag))
        if call is not None and call.may(CallTrigger.ACCEPT):
            self._end(call, "box", "cancelled", 487)
            self._say(call, 487)

    def _within(self, key: Key, request: Request, connection: PeerConnection, conduct: Conduct) -> None:
        dialog, call = self._dialogs.find(request), self._by_call_id.get(request.call_id)
        assert dialog is not None
        assert call is not None
        refused = dialog.take(request)
        status = refused.status if refused is not None else conduct.status or 200
        extra: list[tuple[str, str]] = []
        body = b""
        if request.method in {"INVITE", "UPDATE"} and status == 200:
            extra.append(messages.contact(_own(call), connection))
            if request.body:
                call.on_hold = sdp.holds(request.body)
                body = _described_again(call, connection, sdp.answering(request.body))
        answer = messages.answer(request, status, connection, dialog.id.local_tag, extra, body)
        if refused is None:
            dialog.answered_here(answer)
        if request.method == "BYE" and refused is None:
            self._end(call, "box", "BYE")
        self._line.respond(key, answer)

    # What is said.

    def _say(self, call: PeerCall, status: int, body: bytes = b"") -> None:
        """Answer the INVITE of a call that came in."""
        connection = call.connections[0]
        extra = [*relay.recorded(call.invite)] if 100 < status < 300 else []
        if 100 < status < 300:
            extra.append(messages.contact(call.called, connection))
        answer = messages.answer(call.invite, status, connection, call.tag, extra, body)
        call.status = status
        dialog = self._dialogs.answered(call.invite, answer)
        call.dialog = dialog or call.dialog
        self._line.respond(call.key, answer)

    def _acknowledge(self, dialog: Dialog, cseq: int, call: PeerCall) -> None:
        connection = self._way(call)
        via = messages.via(connection, next(_NUMBERS))
        self._line.write(dialog.request("ACK", via, cseq=cseq), connection)

    # Within.

    def _ask(self, call: PeerCall, request: Request, connection: PeerConnection) -> _Asked:
        asked = self._asked[client_key(request)] = _Asked(call, request)
        self._line.request(request, connection)
        return asked

    def _add(self, call: PeerCall) -> None:
        self.all.append(call)
        self._by_key[call.key] = call
        self._by_call_id[call.call_id] = call
        self._tell(call)

    def _move(self, call: PeerCall, trigger: CallTrigger) -> None:
        if call.move(trigger):
            self._tell(call)

    def _end(self, call: PeerCall, by: Literal["box", "peer"], why: str, status: int = 0) -> None:
        if call.state is not CallState.ENDED:
            call.ended_by, call.why = by, why
            call.status = status or call.status
            self._move(call, CallTrigger.END)

    def _tell(self, call: PeerCall) -> None:
        ended = call.state is CallState.ENDED
        status = call.status if ended and call.status >= 300 else 0
        told = CallSeen(
            call.connection.number,
            call.number,
            call.state.value,
            call.calling,
            call.called,
            call.ended_by,
            call.why,
            status,
        )
        self._events.add(self._now(), told)
        self._changes.tell()

    def _allow(self, call: PeerCall, trigger: CallTrigger, what: str) -> None:
        if call.placed or not call.may(trigger):
            side = "was placed here" if call.placed else f"is {call.state.value}"
            raise PeerError(f"call {call.number} cannot {what}: it {side}", layer="sip")

    def _note(
        self, call: PeerCall, direction: Literal["in", "out"], connection: PeerConnection, message: Message
    ) -> None:
        if call.connections[-1] is not connection:
            call.connections.append(connection)
        call.messages.append(CallMessage(self._now(), direction, connection.number, message))

    def _way(self, call: PeerCall) -> PeerConnection:
        """Return the connection by which a call goes on: its last, else the newest; raises PeerError for none."""
        if call.connection.live:
            return call.connection
        live = self._live()
        if not live:
            raise PeerError(f"no connection is left for call {call.number}", layer="tcp")
        return live[-1]

    def _must_stand(self, connection: PeerConnection) -> None:
        if not connection.live:
            raise PeerError("the connection is closed", layer="tcp")

    def _sweep(self) -> None:
        for dialog in [each for each in self._dialogs if each.state is DialogState.TERMINATED]:
            self._dialogs.forget(dialog)


def _described_again(call: PeerCall, connection: PeerConnection, direction: str) -> bytes:
    """Return the next session description of a call."""
    version = 1 + sum(each.direction == "out" and each.message.body != b"" for each in call.messages)
    return messages.described(connection, call.number, version, direction)


def _own(call: PeerCall) -> str:
    """Return by which name this far end is known in a call."""
    return call.calling if call.placed else call.called
