"""One datagram, one message (RFC 3261 18.3): what comes by UDP, read as a whole.

The end of the datagram is the end of the message, so nothing is ever lost beyond it: a Content-Length is not needed,
octets behind the body it counts are dropped, and a body cut short is refused.
"""

from __future__ import annotations

from dataclasses import replace

from .errors import SipError
from .message import Message, Request
from .stream import Limits, content_length, read_lines, read_start_line

KEEP_ALIVE = frozenset(b"\r\n\0")
"""What nothing but keeps a way through address translation open is made of."""

_LIMITS = Limits()


def read(data: bytes) -> Message | SipError | None:
    """Return the message in a datagram, a SipError in its place, None where it only keeps the way open."""
    if KEEP_ALIVE.issuperset(data):
        return None
    start = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(b"\r\n\r\n", start)
    if end < 0:
        return SipError("head not complete", status=0, offset=start)
    start_line, headers, flaw = read_lines(data[start : end + 2].decode("utf-8", "surrogateescape"))
    if " SIP/" not in f" {start_line.upper()}":
        return SipError("not SIP", status=0, offset=start)
    head = read_start_line(start_line, headers, start)
    if flaw:
        return _refused(flaw, 400, head)
    if isinstance(head, SipError):
        return head
    if len(headers) > _LIMITS.headers:
        return _refused("too many headers", 513, head)
    return _with_body(head, data[end + 4 :])


def _with_body(head: Message, body: bytes) -> Message | SipError:
    length, flaw = content_length(head.headers, len(body))
    if length is not None and length > len(body):
        flaw = "body shorter than Content-Length"
    return _refused(flaw, 400, head, "Content-Length") if flaw else replace(head, body=body[:length])


def _refused(reason: str, status: int, head: Message | SipError, header: str = "") -> SipError:
    request = head if isinstance(head, Request) else head.request if isinstance(head, SipError) else None
    return SipError(reason, status=status if request is not None else 0, header=header, request=request)
