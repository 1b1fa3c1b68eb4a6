"""SIP messages spoiled one way or another: still SIP, but not what their sender wanted to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random  # noqa: TID251 - only the type: the stream is given

from sbcsim.sip.message import Headers, Message, Request, Response

STATUSES = (100, 180, 183, 200, 202, 302, 401, 408, 422, 481, 486, 487, 491, 500, 503, 603)
METHODS = (
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "UPDATE",
    "PRACK",
    "INFO",
    "REFER",
    "OPTIONS",
    "MESSAGE",
    "REGISTER",
    "ODD",
)
ADDRESSES = (
    "garbage",
    "<sip:a@h>, <sip:b@h>",
    "<sip:h:99999;lr>",
    "*",
    "<tel:1>",
    "<odd:x>",
    "<sip:1@192.0.2.9:1>",
    "",
)
ROUTES = ("garbage", "<sip:h:99999;lr>", "<sip:r@192.0.2.9;lr>", "<sip:192.0.2.9>", "<tel:1>")
VALUES = {
    "RAck": ("1 1 INVITE", "1 2 INVITE", "x", "4294967295 1 INVITE"),
    "RSeq": ("1", "0", "x"),
    "Require": ("100rel", "timer", ";", "odd"),
    "Session-Expires": ("90;refresher=uac", "90;refresher=uas", "90", "0", "x", "4294967295;refresher=uac"),
    "Max-Forwards": ("0", "1", "x"),
    "Expires": ("0", "x"),
}


def mangle(message: Message, random: Random) -> Message:
    """Return a message spoiled in one way, as the dice have it."""
    return random.choice(_WAYS)(message, random)


def _without_tag(message: Message, random: Random) -> Message:
    name = random.choice(["From", "To"])
    return _with(message, name, (message.headers.get(name) or "").partition(";tag=")[0])


def _other_tag(message: Message, random: Random) -> Message:
    name = random.choice(["From", "To"])
    return _with(message, name, f"{(message.headers.get(name) or '').partition(';tag=')[0]};tag=other")


def _contact(message: Message, random: Random) -> Message:
    value = random.choice(ADDRESSES)
    return _with(message, "Contact", *([value] if value else []))


def _route(message: Message, random: Random) -> Message:
    return replace(message, headers=Headers([*message.headers, ("Record-Route", random.choice(ROUTES))]))


def _value(message: Message, random: Random) -> Message:
    name = random.choice(sorted(VALUES))
    return _with(message, name, random.choice(VALUES[name]))


def _number(message: Message, random: Random) -> Message:
    return _with(message, "CSeq", f"{max(0, message.cseq.number + random.choice([-1, 1]))} {message.cseq.method}")


def _branch(message: Message, random: Random) -> Message:
    branch = random.choice([";branch=z9hG4bKother", "", ";branch=old"])
    return _with(message, "Via", (message.headers.get("Via") or "").partition(";branch=")[0] + branch)


def _start(message: Message, random: Random) -> Message:
    if isinstance(message, Response):
        return replace(message, status=random.choice(STATUSES))
    return replace(message, uri=random.choice(["tel:1", "odd:x", "sip:1@[::1]", "sip:h;lr"]))


def _method(message: Message, random: Random) -> Message:
    """Return another request, or an answer to one."""
    method = random.choice(METHODS)
    other = _with(message, "CSeq", f"{message.cseq.number} {method}")
    return replace(other, method=method) if isinstance(other, Request) else other


def _missing(message: Message, random: Random) -> Message:
    return _with(message, random.choice(["Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards"]))


def _with(message: Message, name: str, *values: str) -> Message:
    return replace(message, headers=message.headers.replaced(name, *values))


_WAYS: tuple[Callable[[Message, Random], Message], ...] = (
    _without_tag,
    _other_tag,
    _contact,
    _route,
    _value,
    _number,
    _branch,
    _start,
    _start,
    _method,
    _missing,
)
