"""What becomes of octets that a peer sends to the box: what it answers, what it passes on, and what it closes.

The peer's zone is one of access devices, so that REGISTER and OPTIONS pass, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from callbox import CALLEE, CALLER, CallBox

from sbcsim.sip import uri
from sbcsim.sip.message import Message, Request, Response, header_key
from sbcsim.sip.options import respond
from sbcsim.sip.stream import Stream

ACCESS = "set addressContext default zone IN remoteDeviceType accessDevice"
PORT = "set addressContext default zone IN sipSigPort 1"

OF_HOPS_AND_DIALOGS = frozenset(
    ["via", "route", "record-route", "max-forwards", "from", "to", "call-id", "cseq", "contact", "content-length"]
)
"""What each side says for itself."""


@dataclass(frozen=True)
class Outcome:
    """What has become of something, as words, and the requests that the next hop has got.

    A word is the status of an answer, `>METHOD` for what is passed on, or `close` for the end of the connection.
    """

    words: str
    passed: list[Request]
    box: CallBox


def on_a_stream(data: bytes) -> Outcome:
    """Have the peer write octets to a connection."""
    box = CallBox(ACCESS)
    heard = Stream().feed(box.say(box.line, data))
    return _outcome(box, list(map(_status, heard)), closed=box.sbc.connection(box.line) is None)


def in_a_datagram(data: bytes) -> Outcome:
    """Have the peer send a datagram; answers go to the port that its Via names."""
    box = CallBox(ACCESS)
    box.commit(f"{PORT} mode outOfService state disabled")
    box.commit(f"{PORT} transportProtocolsAllowed sip-udp")
    box.commit(f"{PORT} mode inService state enabled")
    elsewhere = box.say_by_udp(data, CALLER)
    return _outcome(box, [*map(_status, box.alice.told), *(each.data[8:11].decode() for each in elsewhere)])


def unchanged(before: Request, after: Request) -> bool:
    """Whether all of a request has been passed on that is nobody's but the two ends'."""
    if uri.scheme(before.uri) in uri.SIP_SCHEMES:
        asked, sent = before.target, after.target
        same = (asked.user, asked.parameters) == (sent.user, sent.parameters) and (sent.host, sent.port) == CALLEE
    else:
        same = before.uri == after.uri
    return (
        same
        and (after.method, after.body) == (before.method, before.body)
        and _of_the_ends(after) == _of_the_ends(before)
        and (after.recipient.uri, after.recipient.display) == (before.recipient.uri, before.recipient.display)
        and (after.sender.uri, after.sender.display) == (before.sender.uri, before.sender.display)
    )


def answered(outcome: Outcome, status: int) -> list[str]:
    """Have the next hop answer what it has got, and return what the peer hears of it on its connection."""
    (request,) = outcome.passed
    contact = [("Contact", "<sip:bob@192.0.2.20:5060>")] if request.method == "INVITE" else []
    reply = respond(request, status, source=CALLEE, to_tag="b", extra=[*contact, ("X-Odd", "1")])
    return [_status(each) for each in outcome.box.utter(outcome.box.bob, reply)]


def _of_the_ends(request: Request) -> list[tuple[str, str]]:
    return [field for field in request.headers if header_key(field[0]) not in OF_HOPS_AND_DIALOGS]


def _outcome(box: CallBox, statuses: list[str], *, closed: bool = False) -> Outcome:
    requests = box.requested(box.bob)
    words = [*statuses, *(f">{request.method}" for request in requests), *(["close"] if closed else [])]
    return Outcome(" ".join(words), requests, box)


def _status(item: Message | object) -> str:
    assert isinstance(item, Response), item
    return str(item.status)
