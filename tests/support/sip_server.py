"""A server over the SIP codec, in memory: octets in, what it made of them out as short texts."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.options import answer, refuse
from sbcsim.sip.stream import Item, KeepAlive, Limits, Stream

SOURCE = ("192.0.2.99", 40000)
TO_TAG = "theirs"
DEFAULT = Limits()


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
        reply = answer(request, source=SOURCE, to_tag=TO_TAG)
    except SipError as error:
        reply = refuse(error, source=SOURCE, to_tag=TO_TAG)
    return "-" if reply is None else str(reply.status)
