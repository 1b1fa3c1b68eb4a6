"""All transactions of one node: what belongs to which, and when the next timer is due (RFC 3261 17.1.3, 17.2.3, 9.2).

Four things drive it: what the user sends (`request`, `respond`, `cancel`), what arrives (`receive`), what could not
be sent (`failed`, `lost`), and time (`fire` at `next_due`). What is to be done comes back as `Send`, `Deliver`,
`Failed` and `Terminated`, in order; timers stay inside. Setting, firing and cancelling one costs O(log n), finding a
transaction O(1).

A branch without the cookie of RFC 3261 is that of an old client: the key is then made of what RFC 2543 compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from sbcsim.clock import Order, TimerQueue
from sbcsim.errors import BugError

from .clienttransaction import ClientTransaction, InviteClient, OtherClient, cancelling
from .headers import Via
from .message import Message, Request, Response
from .options import BRANCH_COOKIE
from .servertransaction import InviteServer, OtherServer, ServerTransaction
from .transactionstate import (
    Cancel,
    CancelTimer,
    Deliver,
    Effect,
    Failed,
    Flow,
    Key,
    Send,
    SetTimer,
    Side,
    State,
    Terminated,
    Timer,
)

Outcome = Send | Deliver | Failed | Terminated
"""What the user of the transactions gets to see."""

_Origin = tuple[str, str, int, str]
"""What copies of one request have in common whatever their way: From tag, Call-ID and CSeq."""


def client_key(message: Message) -> Key:
    """Return the key of the client transaction of a request of ours, or of a response to one; raises SipError."""
    via = message.via
    return Key(Side.CLIENT, via.branch, _sent_by(via), message.cseq.method)


def server_key(request: Request) -> Key:
    """Return the key of the server transaction that a request belongs to; raises SipError."""
    via = request.via
    method = "INVITE" if request.method == "ACK" else request.method
    branch = via.branch
    if branch[: len(BRANCH_COOKIE)].lower() != BRANCH_COOKIE.lower():
        # To tags are left out: an ACK has one where its INVITE has none. Via and CSeq tell copies from new requests.
        branch = "\n".join((request.uri, request.sender.tag, request.call_id, str(request.cseq.number), str(via)))
    return Key(Side.SERVER, branch, _sent_by(via), method)


class Transactions:
    """The transactions of one node."""

    def __init__(self) -> None:
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._timers = TimerQueue()
        self._flows: dict[Flow, dict[Key, None]] = {}
        self._origins: dict[_Origin, Key] = {}
        self._cancels: dict[Key, tuple[tuple[str, str], ...]] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def footprint(self) -> int:
        """How many things are remembered in all: nothing once every transaction is over."""
        indexes = (self._flows, self._origins, self._cancels)
        return len(self) + len(self._timers) + sum(len(index) for index in indexes)

    @property
    def next_due(self) -> int | None:
        """The uptime at which `fire` has something to do, None while nothing waits."""
        timer = self._timers.peek()
        return None if timer is None else timer.due

    def state(self, key: Key) -> State:
        """Return where a transaction stands; one that is not known is terminated."""
        found = self._clients.get(key) or self._servers.get(key)
        return State.TERMINATED if found is None else found.state

    def request(self, request: Request, flow: Flow, now: int) -> tuple[Key, list[Outcome]]:
        """Send a request, other than the ACK to a 2xx, in a transaction of its own.

        Raises BugError for an ACK, or where the branch is in use.
        """
        key = client_key(request)
        if request.method == "ACK" or key in self._clients:
            raise BugError(f"no transaction for {request.method} {key.branch}")
        machine = InviteClient if request.method == "INVITE" else OtherClient
        client = self._clients[key] = machine(key, request, flow)
        self._flows.setdefault(flow, {})[key] = None
        return key, self._settle(client.start(now), now)

    def cancel(self, key: Key, now: int, extra: Iterable[tuple[str, str]] = ()) -> list[Outcome]:
        """Cancel an INVITE of ours as soon as that is allowed, with `extra` headers; nothing where it is answered."""
        client = self._clients.get(key)
        if client is None:
            return []
        if not isinstance(client, InviteClient):
            raise BugError(f"{key.method} {key.branch} cannot be cancelled")
        self._cancels.setdefault(key, tuple(extra))
        return self._settle(client.cancel(now), now)

    def respond(self, key: Key, response: Response, now: int) -> list[Outcome]:
        """Send a response; raises BugError behind a final one, but for another copy of a 2xx to an INVITE.

        Nothing happens where the transaction has ended meanwhile.
        """
        server = self._servers.get(key)
        return [] if server is None else self._settle(server.respond(response, now), now)

    def receive(self, message: Message, flow: Flow, now: int) -> list[Outcome]:
        """Take a message from the far end that `check` has passed; raises SipError where it cannot be matched.

        A response that belongs to nothing is dropped (RFC 6026), and so is one that speaks of another dialog or number
        than its request. An ACK that belongs to nothing is delivered without a key.
        """
        if isinstance(message, Response):
            client = self._clients.get(client_key(message))
            if client is None or _origin(client.request) != _origin(message):
                return []
            outcomes = self._settle(client.receive(message, now), now)
            if flow.connection in {0, client.flow.connection}:
                return outcomes
            return [replace(each, by=flow) if isinstance(each, Deliver) else each for each in outcomes]
        key = server_key(message)
        server = self._servers.get(key)
        if server is not None:
            return self._settle(server.receive(message, now), now)
        if message.method == "ACK":
            return [Deliver(None, message, flow)]
        origin = _origin(message)
        merged = not message.recipient.tag and message.method != "CANCEL" and origin in self._origins
        cancels = self._cancelled_by(key) if message.method == "CANCEL" else None
        machine = InviteServer if message.method == "INVITE" else OtherServer
        server = self._servers[key] = machine(key, message, flow)
        self._flows.setdefault(flow, {})[key] = None
        self._origins.setdefault(origin, key)
        return [
            Deliver(each.key, each.message, each.flow, cancels, merged) if isinstance(each, Deliver) else each
            for each in self._settle(server.start(now), now)
        ]

    def failed(self, key: Key, now: int) -> list[Outcome]:
        """Take the news that a message with this key could not be sent; nothing for a transaction that is over."""
        found = self._clients.get(key) or self._servers.get(key)
        return [] if found is None else self._settle(found.transport_failed(now), now)

    def lost(self, flow: Flow, now: int) -> list[Outcome]:
        """Take the news that a connection is gone."""
        return [outcome for key in list(self._flows.get(flow, ())) for outcome in self.failed(key, now)]

    def fire(self, now: int) -> list[Outcome]:
        """Fire every timer that is due by `now`, each at its own instant."""
        outcomes: list[Outcome] = []
        while (due := self._timers.pop(now)) is not None:
            key, timer = cast("tuple[Key, Timer]", due.key)
            found = self._clients.get(key) or self._servers[key]
            outcomes += self._settle(found.fire(timer, due.due), due.due)
        return outcomes

    def _cancelled_by(self, cancel: Key) -> Key | None:
        """Return the INVITE that a CANCEL is about: same branch, same hop (RFC 3261 9.2); nothing else is cancelled."""
        key = Key(Side.SERVER, cancel.branch, cancel.sent_by, "INVITE")
        return key if key in self._servers else None

    def _settle(self, effects: list[Effect], now: int) -> list[Outcome]:
        """Do what stays inside, and return the rest."""
        outcomes: list[Outcome] = []
        for effect in effects:
            match effect:
                case SetTimer():
                    self._timers.set((effect.key, effect.timer), effect.due, Order.TIMEOUT)
                case CancelTimer():
                    self._timers.cancel((effect.key, effect.timer))
                case Cancel():
                    request = cancelling(effect.request, self._cancels.pop(effect.key, ()))
                    outcomes += self.request(request, effect.flow, now)[1]
                case Terminated():
                    self._forget(effect.key)
                    outcomes.append(effect)
                case _:
                    outcomes.append(effect)
        return outcomes

    def _forget(self, key: Key) -> None:
        self._cancels.pop(key, None)
        found = self._clients.pop(key, None) or self._servers.pop(key)
        keys = self._flows[found.flow]
        del keys[key]
        if not keys:
            del self._flows[found.flow]
        origin = _origin(found.request)
        if key.side is Side.SERVER and self._origins.get(origin) == key:
            del self._origins[origin]


def _sent_by(via: Via) -> str:
    return f"{via.sent_by}:{via.port}".lower()


def _origin(message: Message) -> _Origin:
    return message.sender.tag, message.call_id, message.cseq.number, message.cseq.method
