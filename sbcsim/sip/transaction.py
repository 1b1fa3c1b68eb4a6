"""Requests and responses over an unreliable transport: when to say it again, and where an answer goes.

The box keeps no state for what it is asked: the same request gets the same answer, tag and all (RFC 3261 8.2.7).
"""

from __future__ import annotations

import hashlib

from sbcsim.addresses import usual_address
from sbcsim.clock import SECOND

from .headers import parameter
from .message import Request, Response

T1 = SECOND // 2
"""The round-trip time that is assumed, in microseconds."""

T2 = 4 * SECOND
"""The longest wait between two sendings of a request other than INVITE."""

T4 = 5 * SECOND
"""How long a message may stay in the network."""

DEFAULT_PORT = 5060


def timer_e(sent: int, *, proceeding: bool = False) -> int:
    """Return how long to wait after the sending number `sent` of a request until the next (RFC 3261 17.1.2.2)."""
    return T2 if proceeding else min(T1 << min(sent - 1, 3), T2)


def sendings(limit: int) -> int:
    """Return how often a request is sent that nobody answers within `limit` microseconds."""
    count, passed = 1, timer_e(1)
    while passed < limit:
        count += 1
        passed += timer_e(count)
    return count


def stateless_tag(request: Request, salt: str) -> str:
    """Return a To tag that is the same for each copy of a request, and unlike that of any other."""
    parts = (salt, *(request.headers.get(name) or "" for name in ("Via", "From", "To", "Call-ID", "CSeq")))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def reply_to(response: Response, source: tuple[str, int]) -> tuple[str, int]:
    """Return where a response goes whose request came from `source` (RFC 3261 18.2.2, RFC 3581 4).

    That is `source` itself where the sender asked for it by `rport`, else the port named in its Via, at `maddr` if
    that is an address. Raises SipError for a Via that cannot be read.
    """
    via = response.via
    port = via.port or DEFAULT_PORT
    # Where maddr is a name, nobody is asked what it means: the answer goes back where the request came from.
    elsewhere = usual_address((parameter(via.parameters, "maddr") or "").strip("[]"))
    if elsewhere:
        return (elsewhere, port)
    return source if parameter(via.parameters, "rport") else (source[0], port)
