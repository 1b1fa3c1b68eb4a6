"""The hops that a message has taken: Via, Max-Forwards and loops (RFC 3261 16.3, 16.6, 18.1, 18.2, RFC 3581).

Messages are values: each function returns another one. A value that is not understood passes as it was written.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from .errors import SipError
from .headers import Via, split_list
from .message import Request, Response
from .options import BRANCH_COOKIE
from .uri import host_text

FORWARDS = 70
"""The Max-Forwards of what we send, and of what came without (RFC 3261 16.6)."""

_MARK = 16
"""How many characters tell one state of a request from another."""


def hop(transport: str, local: tuple[str, int], branch: str, *, rport: bool = False) -> Via:
    """Return the Via of a request that we send from `local`; `branch` goes behind the magic cookie.

    `rport` asks for the answer to come back to the port that it was sent from (RFC 3581 3).
    """
    parameters: tuple[tuple[str, str | None], ...] = (("branch", f"{BRANCH_COOKIE}{branch}"),)
    if rport:
        parameters = (("rport", None), *parameters)
    return Via(transport, host_text(local[0]), local[1], parameters)


def push(request: Request, via: Via) -> Request:
    """Return a request with our hop on top."""
    return replace(request, headers=request.headers.on_top("Via", str(via)))


def pop(response: Response) -> Response:
    """Return a response without its topmost Via, which is ours: the next hop on its way back is on top then.

    Raises SipError where no other is left: the response was for us (RFC 3261 16.7 step 3).
    """
    first, *others = response.headers.all("Via") or [""]
    parts = split_list(first, "Via")
    rest = [first[parts[1][0] :].strip(" \t"), *others] if len(parts) > 1 else others
    if not rest:
        raise SipError("no further hop", header="Via", status=0)
    return replace(response, headers=response.headers.replaced("Via", *rest))


def arrived(request: Request, source: tuple[str, int]) -> Request:
    """Return a request with `received` and `rport` filled into its topmost Via (RFC 3261 18.2.1, RFC 3581 4).

    Raises SipError for a Via that cannot be read.
    """
    top = request.via
    seen = top.seen_from(*source)
    if seen == top:
        return request
    first, *others = request.headers.all("Via")
    parts = split_list(first, "Via")
    rest = first[parts[1][0] - 1 :] if len(parts) > 1 else ""
    return replace(request, headers=request.headers.replaced("Via", f"{seen}{rest}", *others))


def forwarded(request: Request) -> Request:
    """Return a request with one hop less to go, 70 where it does not say (RFC 3261 16.3 step 3, 16.6 step 3).

    Raises SipError with status 483 where none is left, 400 for a number that is none.
    """
    left = request.max_forwards
    if left == 0:
        raise SipError("no hop left", status=483, header="Max-Forwards", request=request)
    return replace(
        request, headers=request.headers.replaced("Max-Forwards", str(FORWARDS if left is None else left - 1))
    )


def loop_mark(request: Request) -> str:
    """Return what belongs at the end of our branch, so that the request is known should it come again unchanged.

    It covers what a decision about the way depends on (RFC 3261 16.6 step 8).
    """
    names = ("Proxy-Require", "Proxy-Authorization", "Route")
    parts = [
        request.uri,
        request.sender.tag,
        request.recipient.tag,
        request.call_id,
        str(request.cseq.number),
        *(value for name in names for value in request.headers.all(name)),
    ]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:_MARK]


def check_loop(request: Request, transport: str, local: tuple[str, int]) -> None:
    """Raise SipError with status 482 for a request that was here before and is still the same (RFC 3261 16.3 step 4).

    One that comes back with another way to go is a spiral, and fine. Our branches end with `loop_mark`.
    """
    ours = hop(transport, local, "")
    mark = loop_mark(request)
    for via in request.vias:
        same_place = (via.sent_by.lower(), via.port) == (ours.sent_by.lower(), ours.port)
        if same_place and via.branch.endswith(mark):
            raise SipError("loop", status=482, header="Via", request=request)
