"""What the calls of a far end stand on: SIP transactions over its connections, on the host's time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.transactions import Outcome, Transactions
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Send, Terminated

from .hostclock import host_uptime
from .peerconnection import PeerConnection


class User(Protocol):
    """Who is told what becomes of messages."""

    def sent(self, message: Message, connection: PeerConnection) -> None:
        """Take note of a message that goes out."""

    def failed(self, key: Key, why: str) -> None:
        """Nobody has answered, or nothing could be sent."""

    def over(self, key: Key) -> None:
        """Nothing belongs to a transaction any more."""


class Line:
    """All transactions of one far end."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._transactions = Transactions()
        self._connections: dict[int, PeerConnection] = {}
        self._timer: asyncio.TimerHandle | None = None

    def request(self, request: Request, connection: PeerConnection) -> None:
        """Send a request in a transaction of its own, which `client_key` names."""
        self._do(self._transactions.request(request, self._flow(connection), host_uptime())[1])

    def cancel(self, key: Key) -> None:
        """Cancel an INVITE of ours as soon as that is allowed."""
        self._do(self._transactions.cancel(key, host_uptime()))

    def respond(self, key: Key, response: Response) -> None:
        """Answer a request."""
        self._do(self._transactions.respond(key, response, host_uptime()))

    def receive(self, message: Message, connection: PeerConnection, deliver: Callable[[Deliver], None]) -> None:
        """Take a message that `check` has passed, and hand over what of it is news. Raises SipError."""
        self._do(self._transactions.receive(message, self._flow(connection), host_uptime()), deliver)

    def write(self, message: Message, connection: PeerConnection) -> None:
        """Send what belongs to no transaction: the ACK to a 2xx."""
        self._user.sent(message, connection)
        connection.stream.write(message.to_bytes())

    def connection_of(self, arrived: Deliver) -> PeerConnection:
        """Return the connection that something has come by."""
        return self._connections[arrived.flow.connection]

    def lost(self, connection: PeerConnection) -> None:
        """A connection is gone."""
        self._do(self._transactions.lost(self._flow(connection), host_uptime()))
        del self._connections[connection.number]

    def close(self) -> None:
        """No timer is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _do(self, outcomes: Iterable[Outcome], deliver: Callable[[Deliver], None] | None = None) -> None:
        for outcome in outcomes:
            match outcome:
                case Send():
                    self._send(outcome)
                case Deliver():
                    assert deliver is not None, "only what comes is news"
                    deliver(outcome)
                case Failed():
                    self._user.failed(outcome.key, outcome.why.value)
                case Terminated():
                    self._user.over(outcome.key)
        self._arm()

    def _send(self, send: Send) -> None:
        connection = self._connections.get(send.flow.connection)
        if connection is not None and connection.live:
            self.write(send.message, connection)
        else:
            self._do(self._transactions.failed(send.key, host_uptime()))

    def _flow(self, connection: PeerConnection) -> Flow:
        self._connections[connection.number] = connection
        return Flow(connection.stream.transport, connection.remote, connection.number)

    def _arm(self) -> None:
        self.close()
        due = self._transactions.next_due
        if due is not None:
            delay = max(0, due - host_uptime()) / 1_000_000
            self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._do(self._transactions.fire(host_uptime()))
