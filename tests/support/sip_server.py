"""A server over the SIP codec that takes no calls, in memory: octets in, what it made of them out as short texts."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.sip import options
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.options import refuse, respond
from sbcsim.sip.stream import Item, KeepAlive, Limits, Stream

SOURCE = ("192.0.2.99", 40000)
TO_TAG = "theirs"
DEFAULT = Limits()
KNOWN = {"BYE", "INFO", "INVITE", "MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"}


def answer(request: Request, *, source: tuple[str, int] = SOURCE, to_tag: str = TO_TAG) -> Response | None:
    """Return the answer of a server that knows more methods than it serves; None for an ACK. Raises SipError."""
    if request.method == "OPTIONS":
        return options.answer(request, source=source, to_tag=to_tag)
    try:
        request.check()
    except SipError as error:
        error.request = request
        raise
    if request.method == "ACK":
        return None
    status = 481 if request.method == "CANCEL" else 405 if request.method in KNOWN else 501
    return respond(request, status, source=source, to_tag=to_tag)


def verdicts(chunks: Iterable[bytes], limits: Limits = DEFAULT) -> list[str]:
    """Return one text for each item of a stream.

    `METHOD STATUS` is a request and its answer (`-`: none), `response STATUS` a response that passed, `dropped` one
    that did not, `STATUS` an answer to something malformed, `close` the end by a fatal error, `ping` and `pong`
    keep-alives, `incomplete` a message still open at the end.
    """
    stream = Stream(limits)
    found: list[str] = []
    for chunk in chunks:
        for item in stream.feed(chunk):
            found += _verdict(item)
    if stream.incomplete:
        found.append("incomplete")
    return found


def _verdict(item: Item) -> list[str]:
    if isinstance(item, KeepAlive):
        return [item.value]
    if isinstance(item, SipError):
        reply = refuse(item, source=SOURCE, to_tag=TO_TAG)
        return ([] if reply is None and item.fatal else [str(reply.status) if reply else "dropped"]) + (
            ["close"] if item.fatal else []
        )
    if isinstance(item, Response):
        try:
            item.check()
        except SipError:
            return ["dropped"]
        return [f"response {item.status}"]
    return [f"{item.method} {_answered(item)}"]


def _answered(request: Request) -> str:
    try:
        reply = answer(request)
    except SipError as error:
        reply = refuse(error, source=SOURCE, to_tag=TO_TAG)
    return "-" if reply is None else str(reply.status)
