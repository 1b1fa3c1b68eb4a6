"""Agents that call each other over a bad network, in memory and on one clock: what a user of the SIP stack has to do.

An agent does as it is told (`call`, `ring`, `pick_up`, `hang_up` ...) where that makes sense at the moment, and answers
what comes. `Network` carries octets, and loses, doubles and delays them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from sbcsim.clock import SECOND
from sbcsim.rng import stream
from sbcsim.sip import datagram, session
from sbcsim.sip.dialog import Dialog, DialogId, DialogState, Refused, knows_nothing
from sbcsim.sip.dialogs import Dialogs
from sbcsim.sip.headers import Via
from sbcsim.sip.message import Headers, Message, Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.reliability import (
    EXTENSION,
    Hearing,
    HearingTrigger,
    ProvisionalOrder,
    ReliableProvisionals,
    Repeat,
    Unacknowledged,
    lists,
    rack_of,
)
from sbcsim.sip.session import Agreement, Policy, Refresh, SessionTimer, TooShort
from sbcsim.sip.transactions import Outcome, Transactions
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Send, Terminated, Why
from sbcsim.sip.via import hop

PATIENCE = 60 * SECOND
"""After this long without anybody picking up, a callee refuses."""

USUAL = Policy()

GROUP = "group.example"
"""Who is called here is every agent but the caller: a proxy that forks."""

CALLER_DOES = ("cancel", "hang_up", "INVITE", "UPDATE", "INFO", "REFER", "call")
CALLEE_DOES = ("ring", "ring reliably", "pick_up", "refuse", "hang_up", "INVITE", "UPDATE", "NOTIFY")
"""What `do` knows."""


@dataclass
class Outgoing:
    """An INVITE of ours outside of dialogs."""

    invite: Request
    answered: bool = False
    orders: dict[str, ProvisionalOrder] = field(default_factory=dict)


@dataclass
class Incoming:
    """An INVITE that has come, until its transaction is over."""

    invite: Request
    tag: str
    until: int
    provisionals: ReliableProvisionals
    answered: bool = False


@dataclass
class Call:
    """What belongs to a confirmed dialog."""

    dialog: Dialog
    timer: SessionTimer = field(default_factory=SessionTimer)
    unheard: dict[int, tuple[Key, Unacknowledged]] = field(default_factory=dict)


class Agent:
    """One user agent at an address of its own."""

    def __init__(self, network: Network, number: int, policy: Policy) -> None:
        self.network = network
        self.address = (f"192.0.2.{number}", 5060)
        self.policy = policy
        self.layer = Transactions()
        self.dialogs = Dialogs()
        self.calls: list[Call] = []
        self.outgoing: dict[Key, Outgoing] = {}
        self.incoming: dict[Key, Incoming] = {}
        self.within: dict[Key, tuple[Dialog, Request]] = {}
        self.history: list[DialogId] = []
        """Which calls have come about."""
        self._drawn = 0

    @property
    def footprint(self) -> int:
        """How many things are remembered."""
        return sum(map(len, (self.layer, self.dialogs, self.calls, self.outgoing, self.incoming, self.within)))

    @property
    def next_due(self) -> int | None:
        """When `fire` has something to do."""
        times = [self.layer.next_due]
        for call in self.calls:
            times += [call.timer.due, *(waiting.due for _, waiting in call.unheard.values())]
        for incoming in self.incoming.values():
            times += [incoming.provisionals.due, None if incoming.answered else incoming.until]
        return min((due for due in times if due is not None), default=None)

    def fire(self, now: int) -> None:
        """Do what is due."""
        self._do(self.layer.fire(now), now)
        for key, incoming in list(self.incoming.items()):
            for told in incoming.provisionals.fire(now):
                if isinstance(told, Repeat):
                    self._do(self.layer.respond(key, told.response, now), now)
                elif not incoming.answered:
                    self._finish(key, incoming, 504, now)
            if not incoming.answered and incoming.until <= now:
                self._finish(key, incoming, 480, now)
        for call in list(self.calls):
            for key, waiting in list(call.unheard.values()):
                for told in waiting.fire(now):
                    if isinstance(told, Repeat):
                        self._do(self.layer.respond(key, told.response, now), now)
                    else:
                        self._bye(call.dialog, now)
            for due in call.timer.fire(now):
                if not isinstance(due, Refresh):
                    self._bye(call.dialog, now)
                elif not call.dialog.pending("UPDATE"):
                    self._ask(call.dialog, "UPDATE", now, self._timer_headers())
        self._sweep()

    # What it is told to do.

    def call(self, now: int, uri: str = f"sip:{GROUP}") -> None:
        """Call somebody."""
        fields = [
            ("Via", str(self._via())),
            ("Max-Forwards", "70"),
            ("From", f"<sip:agent@{self.address[0]}>;tag={self._draw('t')}"),
            ("To", f"<{uri}>"),
            ("Call-ID", self._draw("call")),
            ("CSeq", "1 INVITE"),
            self._contact(),
            *self._timer_headers(),
        ]
        invite = Request(method="INVITE", uri=uri, headers=Headers(fields))
        key, outcomes = self.layer.request(invite, self._flow(), now)
        self.outgoing[key] = Outgoing(invite)
        self._do(outcomes, now)

    def ring(self, now: int, *, reliable: bool = False) -> None:
        """Ring for every call that waits."""
        for key, incoming in self._unanswered():
            ringing = self._response(incoming.invite, 180, incoming.tag, [self._contact()])
            if reliable and lists(incoming.invite, "Supported", EXTENSION):
                if self.dialogs.answered(incoming.invite, ringing):
                    for repeat in incoming.provisionals.say(ringing, now):
                        self._do(self.layer.respond(key, repeat.response, now), now)
            else:
                self.dialogs.answered(incoming.invite, ringing)
                self._do(self.layer.respond(key, ringing, now), now)

    def pick_up(self, now: int) -> None:
        """Accept every call that waits."""
        for key, incoming in self._unanswered():
            agreed = session.take_request(incoming.invite, self.policy)
            if isinstance(agreed, TooShort):
                self._finish(key, incoming, 422, now, agreed.headers)
                continue
            extra = [self._contact(), *(agreed.headers if agreed else ())]
            response = self._response(incoming.invite, 200, incoming.tag, extra)
            incoming.answered = True
            incoming.provisionals.withdraw()
            dialog = self.dialogs.answered(incoming.invite, response)
            assert dialog is not None
            if dialog.state is DialogState.TERMINATED:  # the caller has said BYE while it rang
                response = self._response(incoming.invite, 487, incoming.tag)
            else:
                self._accepted(dialog, key, response, agreed, now)
            self._do(self.layer.respond(key, response, now), now)
        self._sweep()

    def refuse(self, now: int) -> None:
        """Refuse every call that waits."""
        for key, incoming in self._unanswered():
            self._finish(key, incoming, 486, now)
        self._sweep()

    def cancel(self, now: int) -> None:
        """Cancel every call of ours that nobody has answered."""
        for key, outgoing in list(self.outgoing.items()):
            if not outgoing.answered:
                self._do(self.layer.cancel(key, now), now)

    def hang_up(self, now: int) -> None:
        """End every call that may be ended."""
        for call in list(self.calls):
            if not any(waiting.state is Hearing.WAITING for _, waiting in call.unheard.values()):
                self._bye(call.dialog, now)

    def ask(self, now: int, method: str) -> None:
        """Send a request in every call."""
        for call in list(self.calls):
            if call.dialog.state is DialogState.CONFIRMED and not call.dialog.pending(method):
                extra = self._timer_headers() if method in {"INVITE", "UPDATE"} else ()
                self._ask(call.dialog, method, now, [self._contact(), *extra])

    # What comes.

    def receive(self, message: Message, flow: Flow, now: int) -> None:
        """Take a message."""
        message.check()
        self._do(self.layer.receive(message, flow, now), now)
        self._sweep()

    def lost(self, flow: Flow, now: int) -> None:
        """A connection is gone."""
        self._do(self.layer.lost(flow, now), now)
        self._sweep()

    def _do(self, outcomes: Iterable[Outcome], now: int) -> None:
        for outcome in outcomes:
            match outcome:
                case Send(message=message, flow=flow):
                    self.network.carry(self, message, now, flow)
                case Deliver(key=None, message=message):
                    self._acknowledged(message)
                case Deliver(key=key, message=Response() as response):
                    assert key is not None
                    self._answered(key, response, now)
                case Deliver(key=key, message=Request() as request, cancels=cancels, merged=merged):
                    assert key is not None
                    self._asked(key, request, cancels, merged, now)
                case Failed(key=key, why=why):
                    self._failed(key, why, now)
                case Terminated(key=key):
                    self._over(key)

    def _asked(self, key: Key, request: Request, cancels: Key | None, merged: bool, now: int) -> None:
        if request.method == "ACK":
            self._acknowledged(request)
        elif request.method == "CANCEL":
            self._answer(key, request, 200 if cancels else 481, now)
            incoming = self.incoming.get(cancels) if cancels else None
            if cancels and incoming is not None and not incoming.answered:
                self._finish(cancels, incoming, 487, now)
        elif request.recipient.tag:
            self._asked_within(key, request, now)
        elif merged:
            self._answer(key, request, 482, now)
        elif request.method == "INVITE":
            first = 1 + len(self.incoming)
            self.incoming[key] = Incoming(request, self._draw("t"), now + PATIENCE, ReliableProvisionals(first))
        else:
            self._answer(key, request, 405, now)

    def _asked_within(self, key: Key, request: Request, now: int) -> None:
        dialog = self.dialogs.find(request)
        verdict = Refused(481, "no such dialog") if dialog is None else dialog.take(request)
        if dialog is None or verdict is not None:
            assert verdict is not None
            self._answer(key, request, verdict.status, now)
            return
        status, extra, agreed = 200, [self._contact()], None
        if request.method in {"INVITE", "UPDATE"}:
            asked = session.take_request(request, self.policy)
            if isinstance(asked, TooShort):
                status, extra = 422, list(asked.headers)
            else:
                agreed, extra = asked, [*extra, *(asked.headers if asked else ())]
        elif request.method == "PRACK":
            status = self._prack(dialog, request, now)
        response = self._response(request, status, dialog.id.local_tag, extra)
        dialog.answered_here(response)
        if request.method == "INVITE" and status == 200:
            self._accepted(dialog, key, response, agreed, now)
        elif request.method == "UPDATE" and status == 200:
            for call in self._calls_of(dialog):
                call.timer.agreed(agreed, now)
        self._do(self.layer.respond(key, response, now), now)

    def _prack(self, dialog: Dialog, prack: Request, now: int) -> int:
        for key, incoming in self.incoming.items():
            if incoming.invite.call_id == dialog.id.call_id:
                said = incoming.provisionals.acknowledged(prack, now)
                if said is None:
                    return 481
                for repeat in said:
                    self._do(self.layer.respond(key, repeat.response, now), now)
                return 200
        return 481

    def _answered(self, key: Key, response: Response, now: int) -> None:
        if key in self.within:
            self._answered_within(*self.within[key], response, now)
        elif key in self.outgoing and response.status > 100:
            self._answered_call(self.outgoing[key], response, now)

    def _answered_within(self, dialog: Dialog, request: Request, response: Response, now: int) -> None:
        dialog.answered_there(response)
        if request.method == "INVITE" and 200 <= response.status < 300:
            self._acknowledge(dialog, request.cseq.number, now)
        if request.method in {"INVITE", "UPDATE"} and 200 <= response.status < 300:
            for call in self._calls_of(dialog):
                call.timer.agreed(session.take_response(response), now)
        if knows_nothing(request.method, response.status):
            self._bye(dialog, now)

    def _answered_call(self, outgoing: Outgoing, response: Response, now: int) -> None:
        outgoing.answered = outgoing.answered or response.final
        rack = rack_of(response)
        if rack is not None:
            order = outgoing.orders.setdefault(response.recipient.tag, ProvisionalOrder())
            if order.take(response) is None:
                return
        dialog = self.dialogs.called(outgoing.invite, response)
        if response.status >= 300:
            self.dialogs.over(outgoing.invite)
        elif dialog is not None and rack is not None and dialog.state is not DialogState.TERMINATED:
            self._ask(dialog, "PRACK", now, [("RAck", str(rack))])
        elif dialog is not None and response.final:
            self._acknowledge(dialog, dialog.invite_cseq, now)
            if dialog.state is DialogState.CONFIRMED and not list(self._calls_of(dialog)):
                self.history.append(dialog.id)
                call = Call(dialog)
                call.timer.agreed(session.take_response(response), now)
                self.calls.append(call)

    def _acknowledged(self, ack: Message) -> None:
        dialog = self.dialogs.find(ack)
        for call in self._calls_of(dialog) if dialog is not None else ():
            if ack.cseq.number in call.unheard:
                call.unheard[ack.cseq.number][1].move(HearingTrigger.ACKNOWLEDGE)

    def _failed(self, key: Key, why: Why, now: int) -> None:
        if key in self.within:
            dialog, request = self.within[key]
            dialog.unanswered(request)
            if why is Why.TIMED_OUT and knows_nothing(request.method, 408):  # a call outlives its connections
                self._bye(dialog, now)

    def _over(self, key: Key) -> None:
        self.within.pop(key, None)
        self.incoming.pop(key, None)
        outgoing = self.outgoing.pop(key, None)
        if outgoing is not None:
            self.dialogs.over(outgoing.invite)

    # What it says.

    def _ask(self, dialog: Dialog, method: str, now: int, extra: Iterable[tuple[str, str]] = ()) -> None:
        request = dialog.request(method, self._via(), extra)
        key, outcomes = self.layer.request(request, self._flow(), now)
        self.within[key] = (dialog, request)
        self._do(outcomes, now)

    def _bye(self, dialog: Dialog, now: int) -> None:
        if dialog.state is DialogState.CONFIRMED:
            self._ask(dialog, "BYE", now)

    def _acknowledge(self, dialog: Dialog, cseq: int, now: int) -> None:
        self.network.carry(self, dialog.request("ACK", self._via(), cseq=cseq), now, self._flow())

    def _accepted(self, dialog: Dialog, key: Key, response: Response, agreed: Agreement | None, now: int) -> None:
        """Say a 2xx to an INVITE until it is acknowledged."""
        calls = list(self._calls_of(dialog))
        if not calls:
            self.history.append(dialog.id)
            calls = [Call(dialog)]
            self.calls += calls
        calls[0].timer.agreed(agreed, now)
        calls[0].unheard[response.cseq.number] = (key, Unacknowledged(response, now))

    def _finish(
        self, key: Key, incoming: Incoming, status: int, now: int, extra: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Refuse a call."""
        incoming.answered = True
        incoming.provisionals.withdraw()
        response = self._response(incoming.invite, status, incoming.tag, extra)
        dialog = self.dialogs.answered(incoming.invite, response)
        if dialog is not None:
            self.dialogs.forget(dialog)
        self._do(self.layer.respond(key, response, now), now)

    def _answer(self, key: Key, request: Request, status: int, now: int) -> None:
        self._do(self.layer.respond(key, self._response(request, status, self._draw("t")), now), now)

    def _response(self, request: Request, status: int, tag: str, extra: Iterable[tuple[str, str]] = ()) -> Response:
        return respond(request, status, source=("192.0.2.254", 5060), to_tag=tag, extra=extra)

    def _sweep(self) -> None:
        """Let go of what is over."""
        for call in [call for call in self.calls if call.dialog.state is DialogState.TERMINATED]:
            self.calls.remove(call)
            call.timer.end()
        for dialog in [dialog for dialog in self.dialogs if dialog.state is DialogState.TERMINATED]:
            self.dialogs.forget(dialog)

    def _calls_of(self, dialog: Dialog) -> list[Call]:
        return [call for call in self.calls if call.dialog is dialog]

    def _unanswered(self) -> list[tuple[Key, Incoming]]:
        return [(key, incoming) for key, incoming in self.incoming.items() if not incoming.answered]

    def _timer_headers(self) -> list[tuple[str, str]]:
        return [("Supported", "timer, 100rel"), *session.offer(self.policy)]

    def _contact(self) -> tuple[str, str]:
        return ("Contact", f"<sip:agent@{self.address[0]}:{self.address[1]}>")

    def _via(self) -> Via:
        return hop(self.network.transport, self.address, self._draw("b"))

    def _flow(self) -> Flow:
        return self.network.flow(self)

    def _draw(self, kind: str) -> str:
        self._drawn += 1
        return f"{kind}{self.address[0].rpartition('.')[2]}-{self._drawn}"


def do(agent: Agent, what: str, now: int) -> None:
    """Have an agent do something."""
    if what == "ring reliably":
        agent.ring(now, reliable=True)
    elif what.isupper():
        agent.ask(now, what)
    else:
        getattr(agent, what)(now)


@dataclass(frozen=True)
class Weather:
    """How bad the network is: parts of a hundred that are lost or doubled, and the longest delay."""

    lost: int = 0
    doubled: int = 0
    delay: int = 0


class Network:
    """Agents, the clock, and the messages on their way."""

    def __init__(self, weather: Weather, seed: int, agents: int = 2, policy: Policy = USUAL) -> None:
        self.weather = weather
        self.transport = "UDP"
        self.now = 0
        self.agents = [Agent(self, number + 1, policy) for number in range(agents)]
        self.told: list[str] = []
        self._random = stream(seed, "network")
        self._way: list[tuple[int, int, Agent, bytes, Agent]] = []
        self._count = 0

    def flow(self, agent: Agent) -> Flow:
        """Return the way by which an agent sends requests."""
        return Flow(self.transport, ("192.0.2.254", 5060))

    def carry(self, sender: Agent, message: Message, now: int, flow: Flow) -> None:
        """Take a message from an agent."""
        self.told.append(f"{now / SECOND:.1f} {sender.address[0]} {message.summary}")
        for receiver in self._receivers(sender, message):
            copies = 2 if self._random.randrange(100) < self.weather.doubled else 1
            for _ in range(copies):
                if self._random.randrange(100) >= self.weather.lost:
                    self._count += 1
                    due = now + self._random.randrange(self.weather.delay + 1)
                    heappush(self._way, (due, self._count, receiver, message.to_bytes(), sender))

    def at(self, when: int, what: Callable[[int], None]) -> None:
        """Let time go on until `when`, then do something."""
        self.run(when)
        what(self.now)

    def run(self, until: int) -> None:
        """Let time go on; whatever arrives, arrives."""
        while True:
            times = [agent.next_due for agent in self.agents]
            times.append(self._way[0][0] if self._way else None)
            due = min((each for each in times if each is not None), default=None)
            if due is None or due > until:
                self.now = max(self.now, until)
                return
            assert due >= self.now
            self.now = due
            while self._way and self._way[0][0] <= due:
                _, _, receiver, octets, sender = heappop(self._way)
                read = datagram.read(octets)
                assert isinstance(read, Request | Response)
                receiver.receive(read, Flow("UDP", sender.address), due)
            for agent in self.agents:
                agent.fire(due)

    def _receivers(self, sender: Agent, message: Message) -> list[Agent]:
        if isinstance(message, Response):
            return [agent for agent in self.agents if agent.address[0] == message.via.sent_by]
        host = message.target.host
        others = [agent for agent in self.agents if agent is not sender]
        return others if host == GROUP else [agent for agent in others if agent.address[0] == host]
