"""Parties that call each other through the box in memory, word by word, and remember what each has been told.

Nothing is said by itself but what a user agent must say at once: 200 to a CANCEL, the ACK to a refusal, 481 to what
belongs to nothing. Everything else waits until a test has it said.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from callbox import CONFIGURATION
from inmemory import Box

from sbcsim.device.effects import Close, Dial, Effect, Send
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings
from sbcsim.sip.message import Headers, Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.stream import Stream

HOST = "10.0.0.5"
ALTERNATIVE = (
    "set addressContext default zone ALT id 4",
    "set addressContext default zone ALT sipSigPort 3 ipInterfaceGroupName G portNumber 5080",
    "set addressContext default zone ALT sipSigPort 3 transportProtocolsAllowed sip-tcp state enabled",
    "set addressContext default zone ALT ipPeer CAROL ipAddress 192.0.2.30 ipPort 5060",
    "set addressContext default zone ALT sipTrunkGroup TG-ALT mode inService state enabled",
    "set global callRouting routingLabel TO-BOB routingLabelRoute 2 trunkGroup TG-ALT ipPeer CAROL",
    "set global callRouting routingLabel TO-ALICE routingLabelRoute 1 trunkGroup TG-IN ipPeer ALICE",
    (
        "set global callRouting route trunkGroup TG-OUT SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL "
        "routingLabel TO-ALICE"
    ),
)


@dataclass(eq=False)
class Leg:
    """One dialog of a party, or an INVITE of its own that may become one."""

    party: Party
    talk: int
    call_id: str
    tag: str
    theirs: str
    target: str
    cseq: int = 1
    answered: bool = False
    """Whether it has been told that the call stands, by a 2xx or the ACK to its own."""
    byes_in: set[int] = field(default_factory=set)
    byes_out: list[int] = field(default_factory=list)
    """The numbers of the BYEs it has got and sent, and the answers to the latter."""
    bye_answers: list[int] = field(default_factory=list)
    unacked: set[int] = field(default_factory=set)
    """The numbers of INVITEs whose 2xx it has not acknowledged so far."""


@dataclass(eq=False)
class Incoming:
    """An INVITE that a party has got. `said` are its answers: a status for each tag."""

    party: Party
    invite: Request
    connection: int
    cancelled: bool = False
    refused: int = 0
    said: dict[str, int] = field(default_factory=dict)

    @property
    def talk(self) -> int:
        """The number of the call."""
        return int(self.invite.headers.one("X-Talk"))

    @property
    def open(self) -> bool:
        """Whether it has had no final answer."""
        return not self.refused and 200 not in self.said.values()


@dataclass(eq=False)
class Outgoing:
    """A request that a party has sent, and the answers to it."""

    leg: Leg
    request: Request
    heard: list[int] = field(default_factory=list)

    @property
    def final(self) -> int:
        """The final answer, 0 while there is none."""
        return next((status for status in self.heard if status >= 200), 0)


class Party:
    """Somebody at an address, whom the box knows as an ipPeer, and who is served by one of its ports."""

    def __init__(self, box: PartyBox, name: str, host: str, port: int) -> None:
        self.box = box
        self.name = name
        self.host = host
        self.port = port
        self.line = 0
        self.legs: list[Leg] = []
        self.incoming: list[Incoming] = []
        self.outgoing: dict[str, Outgoing] = {}
        self.asked: list[tuple[Request, int, Leg]] = []
        """What waits for an answer of the party within its dialogs."""
        self._count = 0

    # What it says.

    def call(self, talk: int, *, timer: bool) -> Leg | None:
        """Call somebody through the box; None where that cannot be reached."""
        number = self._next()
        leg = Leg(self, talk, f"{self.name}-{number}", f"{self.name}{number}", "", f"sip:200@{HOST}:{self.port}")
        extra = [("Session-Expires", "90;refresher=uac"), ("Supported", "timer")] if timer else []
        if not self._ask(leg, "INVITE", 1, [("X-Talk", str(talk)), self._contact(), *extra]):
            return None
        self.legs.append(leg)
        return leg

    def cancel(self, outgoing: Outgoing) -> None:
        """Cancel an INVITE."""
        invite = outgoing.request
        kept = [("Via", "From", "To", "Call-ID"), ("Max-Forwards",)]
        fields = [(name, invite.headers.one(name)) for names in kept for name in names]
        fields.append(("CSeq", f"{invite.cseq.number} CANCEL"))
        self.write(Request(method="CANCEL", uri=invite.uri, headers=Headers(fields)))

    def ask(self, leg: Leg, method: str) -> bool:
        """Send a request within a dialog."""
        leg.cseq += 1
        if method == "BYE":
            leg.byes_out.append(leg.cseq)
        return self._ask(leg, method, leg.cseq, [self._contact()])

    def acknowledge(self, leg: Leg, number: int) -> None:
        """Acknowledge a 2xx."""
        leg.unacked.discard(number)
        self._ask(leg, "ACK", number, [])

    def answer(self, incoming: Incoming, status: int, tag: str, *, timer: bool = False) -> None:
        """Answer an INVITE that has come, in the name of one fork."""
        extra = [self._contact()] if 100 < status < 300 else []
        if timer and status == 200:
            extra.append(("Session-Expires", "90;refresher=uac"))
        if status >= 300:
            incoming.refused = status
        else:
            incoming.said[tag] = status
        if status == 200 and self.leg(incoming.invite.call_id, tag) is None:
            theirs, target = incoming.invite.headers.one("From"), incoming.invite.contacts[0].uri
            self.legs.append(Leg(self, incoming.talk, incoming.invite.call_id, tag, theirs, target, 0))
        response = respond(incoming.invite, status, source=(HOST, self.port), to_tag=tag, extra=extra)
        self.write(response, incoming.connection)

    def reply(self, waiting: tuple[Request, int, Leg], status: int) -> None:
        """Answer a request within a dialog."""
        self.asked.remove(waiting)
        request, connection, _ = waiting
        extra = [self._contact()] if request.method in {"INVITE", "UPDATE"} and status == 200 else []
        self.write(respond(request, status, source=(HOST, self.port), to_tag="none", extra=extra), connection)

    def write(self, message: Request | Response, connection: int = 0) -> bool:
        """Send a message; False where the box takes no connection."""
        if self.box.parties.get(connection) is not self:
            connection = self.line
        if self.box.parties.get(connection) is not self:
            if not any(listener.address[1] == self.port for listener in self.box.listening):
                return False
            connection = self.line = self.box.connect((HOST, self.port), remote=(self.host, 40000 + self._next()))
            self.box.parties[connection] = self
        self.box.sbc.received(connection, message.to_bytes(), self.box.now)
        self.box.pump()
        return True

    def leg(self, call_id: str, tag: str) -> Leg | None:
        """Return one dialog."""
        return next((leg for leg in self.legs if (leg.call_id, leg.tag) == (call_id, tag)), None)

    # What it hears.

    def hear(self, message: Request | Response, connection: int) -> None:
        """Take a message of the box."""
        if isinstance(message, Response):
            self._answered(message)
        elif message.method == "INVITE" and not message.recipient.tag:
            self.incoming.append(Incoming(self, message, connection))
        elif message.method == "CANCEL":
            for incoming in self.incoming:
                if incoming.invite.via.branch == message.via.branch:
                    incoming.cancelled = True
            self.box.later(self, respond(message, 200, source=(HOST, self.port), to_tag="c"), connection)
        else:
            self._asked_within(message, connection)

    def _asked_within(self, request: Request, connection: int) -> None:
        leg = self.leg(request.call_id, request.recipient.tag)
        if request.method == "ACK":
            if leg is not None:
                leg.answered = True
            return
        if leg is None:
            self.box.later(self, respond(request, 481, source=(HOST, self.port), to_tag="c"), connection)
            return
        if request.method == "BYE":
            leg.byes_in.add(request.cseq.number)
        self.asked.append((request, connection, leg))

    def _answered(self, response: Response) -> None:
        outgoing = self.outgoing.get(f"{response.via.branch} {response.cseq.method}")
        if outgoing is None:
            return  # 200 to a CANCEL
        leg, number = outgoing.leg, response.cseq.number
        first = not outgoing.final
        outgoing.heard.append(response.status)
        if response.cseq.method == "INVITE":
            if response.contacts and response.status < 300 and first:
                leg.theirs = response.headers.one("To")
                leg.target = response.contacts[0].uri
            if 200 <= response.status < 300:
                leg.answered = True
                if first:
                    leg.unacked.add(number)
            elif response.status >= 300:
                ack = [(name, value) for name, value in outgoing.request.headers if name in {"Via", "From", "Call-ID"}]
                ack += [("To", response.headers.one("To")), ("CSeq", f"{number} ACK"), ("Max-Forwards", "70")]
                self.box.later(self, Request(method="ACK", uri=outgoing.request.uri, headers=Headers(ack)), 0)
        elif response.cseq.method == "BYE" and response.status >= 200:
            leg.bye_answers.append(response.status)

    def _ask(self, leg: Leg, method: str, number: int, extra: list[tuple[str, str]]) -> bool:
        branch = f"z9hG4bK{self.name}{self._next()}"
        fields = [
            ("Via", f"SIP/2.0/TCP {self.host}:5060;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{self.name}@example.org>;tag={leg.tag}"),
            ("To", leg.theirs or "<sip:200@example.com>"),
            ("Call-ID", leg.call_id),
            ("CSeq", f"{number} {method}"),
            *extra,
        ]
        request = Request(method=method, uri=leg.target, headers=Headers(fields))
        if method != "ACK":
            self.outgoing[f"{branch} {method}"] = Outgoing(leg, request)
        return self.write(request)

    def _contact(self) -> tuple[str, str]:
        return ("Contact", f"<sip:{self.name}@{self.host}:5060>")

    def _next(self) -> int:
        self._count += 1
        return self._count


class PartyBox(Box):
    """The box between ALICE on one side, and BOB and CAROL on the other, each in a zone of its own."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Party, Request | Response, int]] = []
        super().__init__(settings=Settings(ha=HaMode.PAIR))
        self.alice = Party(self, "ALICE", "192.0.2.10", 5060)
        self.bob = Party(self, "BOB", "192.0.2.20", 5070)
        self.carol = Party(self, "CAROL", "192.0.2.30", 5080)
        self.all = (self.alice, self.bob, self.carol)
        self.parties: dict[int, Party] = {}
        """Who is at the other end of a connection."""
        self._heard: dict[int, Stream] = {}
        self.commit(*CONFIGURATION, *ALTERNATIVE)

    def later(self, party: Party, message: Request | Response, connection: int) -> None:
        """Have a party say something as soon as what goes on has been dealt with."""
        self._waiting.append((party, message, connection))

    def pump(self) -> None:
        """Carry out every effect, and what parties say to it at once."""
        super().pump()
        while self._waiting:
            party, message, connection = self._waiting.pop(0)
            party.write(message, connection)

    def hang_up(self, connection: int) -> None:
        """Have a party close a connection."""
        del self.parties[connection]
        self.sbc.closed(connection, "closed by peer", self.now)
        self.pump()

    @property
    def footprint(self) -> int:
        """How many things the box remembers of calls."""
        return self.sbc._telephony.calls.footprint

    def _do(self, effect: Effect) -> None:
        match effect:
            case Dial():
                self.parties[effect.connection] = next(each for each in self.all if each.host == effect.remote[0])
                self.sbc.dialed(effect.connection, (HOST, 50000), self.now)
            case Send() if effect.connection in self.parties:
                for message in self._heard.setdefault(effect.connection, Stream()).feed(effect.data):
                    assert isinstance(message, Request | Response)
                    self.parties[effect.connection].hear(message, effect.connection)
            case Close():
                self.parties.pop(effect.connection, None)
            case _:
                super()._do(effect)
