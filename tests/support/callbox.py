"""A box in memory between a caller and a callee, both ipPeers over TCP, whose every word a test says itself."""

from __future__ import annotations

from collections.abc import Iterable

from inmemory import Box, FarEnd

from sbcsim.device.settings import Settings
from sbcsim.sip.message import Headers, Message, Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.stream import Stream

CALLER, CALLEE, OTHER = ("192.0.2.10", 5060), ("192.0.2.20", 5060), ("192.0.2.30", 5060)
IN, OUT = ("10.0.0.5", 5060), ("10.0.0.5", 5070)

CONFIGURATION = (
    "set addressContext default ipInterfaceGroup G ipInterface I ipAddress 10.0.0.5 prefix 24 portName pkt0",
    "set addressContext default ipInterfaceGroup G ipInterface I mode inService state enabled",
    "set addressContext default zone IN id 2",
    "set addressContext default zone IN sipSigPort 1 ipInterfaceGroupName G portNumber 5060",
    "set addressContext default zone IN sipSigPort 1 transportProtocolsAllowed sip-tcp state enabled",
    "set addressContext default zone IN ipPeer ALICE ipAddress 192.0.2.10 ipPort 5060",
    "set addressContext default zone IN sipTrunkGroup TG-IN mode inService state enabled",
    "set addressContext default zone OUT id 3",
    "set addressContext default zone OUT sipSigPort 2 ipInterfaceGroupName G portNumber 5070",
    "set addressContext default zone OUT sipSigPort 2 transportProtocolsAllowed sip-tcp state enabled",
    "set addressContext default zone OUT ipPeer BOB ipAddress 192.0.2.20 ipPort 5060",
    "set addressContext default zone OUT sipTrunkGroup TG-OUT mode inService state enabled",
    "set global callRouting routingLabel TO-BOB routingLabelRoute 1 trunkGroup TG-OUT ipPeer BOB",
    (
        "set global callRouting route trunkGroup TG-IN SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL "
        "routingLabel TO-BOB"
    ),
)
BOTH_WAYS = (
    "set global callRouting routingLabel TO-ALICE routingLabelRoute 1 trunkGroup TG-IN ipPeer ALICE",
    (
        "set global callRouting route trunkGroup TG-OUT SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL "
        "routingLabel TO-ALICE"
    ),
)
SECOND = (
    "set addressContext default zone OUT ipPeer CAROL ipAddress 192.0.2.30 ipPort 5060",
    "set global callRouting routingLabel TO-BOB routingLabelRoute 2 trunkGroup TG-OUT ipPeer CAROL",
)

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\n"


class CallBox(Box):
    """The box with its two far ends, each silent but for what a test has it say."""

    def __init__(self, *lines: str, settings: Settings | None = None, configuration: Iterable[str] = ()) -> None:
        super().__init__(settings=settings)
        self.alice = self.far_ends[CALLER] = FarEnd(behaviour="silent")
        self.bob = self.far_ends[CALLEE] = FarEnd(behaviour="silent")
        self.carol = self.far_ends[OTHER] = FarEnd(behaviour="silent")
        self.commit(*(configuration or CONFIGURATION), *lines)
        self.line = self.connect(IN, remote=("192.0.2.10", 40000))
        self._hears = Stream()
        self._branch = 0

    def footprint(self) -> int:
        """How many things the box remembers of calls."""
        return self.sbc._telephony.calls.footprint

    # The caller, on the connection that he has opened.

    def request(
        self,
        method: str = "INVITE",
        *,
        to_tag: str = "",
        cseq: int = 1,
        extra: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        branch: str = "",
        call_id: str = "a-call",
        uri: str = "sip:200@10.0.0.5:5060",
        forwards: str = "70",
    ) -> Request:
        """Return a request of the caller."""
        self._branch += 1
        tag = f";tag={to_tag}" if to_tag else ""
        extra = list(extra)
        contact = [] if any(name == "Contact" for name, _ in extra) else [("Contact", "<sip:100@192.0.2.10:5060>")]
        fields = [
            ("Via", f"SIP/2.0/TCP 192.0.2.10:5060;branch={branch or f'z9hG4bK{self._branch}'}"),
            ("Max-Forwards", forwards),
            ("From", '"Alice" <sip:100@example.org>;tag=a'),
            ("To", f"<sip:200@example.com>{tag}"),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            *contact,
            *extra,
        ]
        return Request(method=method, uri=uri, headers=Headers(fields), body=body)

    def hear(self, message: Message, line: int | None = None) -> list[Message]:
        """Have the caller say something, and return what he hears on the same connection."""
        return self._read(self.say(self.line if line is None else line, message.to_bytes()))

    def heard(self) -> list[Message]:
        """Return what the caller has heard since he spoke last."""
        data, self.sent[self.line] = self.sent.get(self.line, b""), b""
        return self._read(data)

    def _read(self, data: bytes) -> list[Message]:
        found = list(self._hears.feed(data))
        assert all(isinstance(each, Request | Response) for each in found), found
        return found

    # The far ends that the box has dialled.

    def requested(self, far: FarEnd) -> list[Request]:
        """Return what the box has asked a far end since the last time."""
        asked, far.asked = far.asked, []
        return asked

    def tell(
        self,
        far: FarEnd,
        request: Request,
        status: int,
        *,
        tag: str = "b",
        extra: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contact: str = "<sip:200@192.0.2.20:5060>",
        reason: str | None = None,
    ) -> list[Message]:
        """Have a far end answer a request of the box; returns what the caller hears."""
        contacts = [("Contact", contact)] if 100 < status < 300 and contact else []
        answer = respond(request, status, reason, source=CALLEE, to_tag=tag, extra=[*contacts, *extra])
        answer = Response(status=status, reason=answer.reason, headers=answer.headers, body=body)
        return self.utter(far, answer)

    def utter(self, far: FarEnd, message: Message) -> list[Message]:
        """Have a far end say something on the last connection that the box has opened to it."""
        self.sent[self.line] = b""
        self.sbc.received(far.connections[-1], message.to_bytes(), self.now)
        self.pump()
        return self.heard()

    def within(
        self, invite: Request, method: str, *, cseq: int = 1, tag: str = "b", extra: Iterable[tuple[str, str]] = ()
    ) -> Request:
        """Return a request of the callee in the dialog that its answer to an INVITE of the box has made."""
        self._branch += 1
        fields = [
            ("Via", f"SIP/2.0/TCP 192.0.2.20:5060;branch=z9hG4bKcallee{self._branch}"),
            ("Max-Forwards", "70"),
            ("From", f"{invite.headers.one('To')};tag={tag}"),
            ("To", invite.headers.one("From")),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{cseq} {method}"),
            *extra,
        ]
        return Request(method=method, uri=invite.contacts[0].uri, headers=Headers(fields))

    def answered(self) -> tuple[Request, Response]:
        """Set a call up whose caller has not acknowledged so far, and return the same as `standing`."""
        self.hear(self.request(body=SDP))
        (invite,) = self.requested(self.bob)
        (answer,) = self.tell(self.bob, invite, 200, body=SDP)
        assert isinstance(answer, Response)
        return invite, answer

    def standing(self) -> tuple[Request, Response]:
        """Set a call up, and return the INVITE that the callee has seen and the answer that the caller has."""
        invite, answer = self.answered()
        assert self.hear(self.request("ACK", to_tag=answer.recipient.tag)) == []
        (ack,) = self.requested(self.bob)
        assert ack.method == "ACK"
        return invite, answer


def lines(messages: Iterable[Message]) -> list[str]:
    """Return what messages are, by method or status."""
    return [each.method if isinstance(each, Request) else f"{each.status} {each.cseq.method}" for each in messages]


def ended(box: CallBox) -> list[tuple[str, str, int]]:
    """Return by whom calls have been ended, why, and with which status."""
    return [(each.by, each.why, each.status) for each in box.events("callEnded")]


def settle(box: CallBox) -> None:
    """Let all be forgotten that is over."""
    box.advance("40s")
    assert box.footprint() == 0
    assert box.sbc.calls() == ()
