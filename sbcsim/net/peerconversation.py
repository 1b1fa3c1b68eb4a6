"""What a far end of a test does with what comes on one connection: it is noted, and answered as the conduct has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sbcsim.clock import Instant
from sbcsim.journal import Journal
from sbcsim.sip import options
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.stream import PONG_OCTETS, KeepAlive, Stream

from .patience import Changes
from .peercalls import PeerCalls
from .peerconduct import Conduct
from .peerconnection import PeerConnection
from .peerevents import KeepAliveSeen, NonsenseSeen, RequestSeen, ResponseSeen

PING_OCTETS = PONG_OCTETS * 2
"""A keep-alive; its answer is half of it (RFC 5626, section 4.4.1)."""


class Conversation:
    """The messages of one connection.

    `conduct` tells how the peer behaves by now, `changes` when that or anything else is another; `spawn` has a
    coroutine run that answers later. What concerns `calls` is theirs.
    """

    def __init__(
        self,
        connection: PeerConnection,
        conduct: Callable[[], Conduct],
        events: Journal,
        now: Callable[[], Instant],
        changes: Changes,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        calls: PeerCalls,
    ) -> None:
        self._connection = connection
        self._conduct = conduct
        self._events = events
        self._now = now
        self._changes = changes
        self._spawn = spawn
        self._calls = calls
        self._stream = Stream()
        self._unread = b""
        self._taken_up = 0
        self._answered = 0

    def take(self, data: bytes) -> None:
        """Take in what came."""
        self._unread += data
        if self._unread == PONG_OCTETS:
            self._unread = b""
            self._connection.pongs += 1
            self._events.add(self._now(), KeepAliveSeen(self._connection.number, "pong"))
        for item in self._stream.feed(data):
            self._note(item)

    def _note(self, item: object) -> None:
        connection, now, number = self._connection, self._now(), self._connection.number
        if isinstance(item, Request):
            connection.requests += 1
            self._events.add(now, RequestSeen(number, item.method, item, self._cut_message(len(item.body))))
            if connection.live and item.method == "ACK" and self._calls.concern(item):
                self._calls.take(item, connection, self._conduct())  # nobody answers it, so nobody puts that off
            elif connection.live:
                self._meet(item)
        elif isinstance(item, Response):
            connection.answers += 1
            self._events.add(now, ResponseSeen(number, item.status, item, self._cut_message(len(item.body))))
            self._calls.heard(item, connection)
        elif item is KeepAlive.PING:
            self._unread = self._unread.removeprefix(PING_OCTETS)
            self._events.add(now, KeepAliveSeen(number, "ping"))
            if self._conduct().pongs:
                connection.stream.write(PONG_OCTETS)
        elif isinstance(item, SipError):
            self._unread = b""
            self._events.add(now, NonsenseSeen(number, str(item)))

    def _cut_message(self, body: int) -> bytes:
        """Return the octets of the message that has just been read, with a body of so many, and keep what follows."""
        rest = self._unread.lstrip(PONG_OCTETS)
        head, blank, _ = rest.partition(b"\r\n\r\n")
        size = len(head) + len(blank) + body
        self._unread = rest[size:]
        return rest[:size]

    def _meet(self, request: Request) -> None:
        """Answer a request as the conduct has it, and end the connection where it says so."""
        conduct = self._conduct()
        if conduct.held:
            self._spawn(self._answer_once_released(request))
            return
        if conduct.answers is not None and self._taken_up >= conduct.answers:
            self._end_in_time(conduct)
            return
        self._taken_up += 1
        if conduct.delay:
            self._spawn(self._answer_late(request, conduct))
        else:
            self._answer(request, conduct)

    async def _answer_once_released(self, request: Request) -> None:
        await self._changes.until(lambda: not self._conduct().held or not self._connection.live)
        if self._connection.live:
            self._meet(request)

    async def _answer_late(self, request: Request, conduct: Conduct) -> None:
        await asyncio.sleep(conduct.delay)
        self._answer(request, conduct)

    def _answer(self, request: Request, conduct: Conduct) -> None:
        if not self._connection.live:
            return
        self._answered += 1
        if conduct.raw is not None:
            self._connection.stream.write(conduct.raw)
        elif self._calls.concern(request):
            self._calls.take(request, self._connection, conduct)
        elif conduct.status is not None:
            answer = _response(request, conduct.status, self._connection.remote)
            self._connection.stream.write(b"" if answer is None else answer.to_bytes())
        self._end_in_time(conduct)

    def _end_in_time(self, conduct: Conduct) -> None:
        """End the connection where its last answer has been given, which may have been a late one."""
        if conduct.ends is not None and self._answered >= (conduct.answers or 0):
            self._connection.finish(conduct.ends)


def _response(request: Request, status: int, source: tuple[str, int]) -> Response | None:
    """Return what a request gets that belongs to no call; who would be told 200 is so only by OPTIONS."""
    if not request.answerable:
        return None
    if status != 200:
        return options.respond(request, status, source=source, to_tag="peer")
    try:
        if request.method == "OPTIONS":
            return options.answer(request, source=source, to_tag="peer")
        request.check()
    except SipError as error:
        error.request = request
        return options.refuse(error, source=source, to_tag="peer")
    if request.method == "CANCEL":
        return options.respond(request, 481, source=source, to_tag="peer")
    return options.respond(request, 405, source=source, to_tag="peer", extra=[("Allow", options.ALLOW)])
