"""OPTIONS: the ping of a path check, and its answer; how answers and refusals are made."""

from __future__ import annotations

from collections.abc import Iterable

from . import uri
from .errors import SipError
from .headers import split_list
from .message import Headers, Request, Response

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE"
ACCEPT = "application/sdp"
BRANCH_COOKIE = "z9hG4bK"

_SERVED_SCHEMES = uri.SIP_SCHEMES | {"tel"}
_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")  # RFC 3261 8.2.6.2

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""Reason phrases of RFC 3261 21, RFC 3265 (202)."""


def reason_phrase(status: int) -> str:
    """Return the usual words for a status; for an unknown one those of its class."""
    return REASONS.get(status) or REASONS.get(status // 100 * 100, "")


def ping(
    peer: tuple[str, int],
    local: tuple[str, int],
    transport: str,
    *,
    call_id: str,
    branch: str,
    tag: str,
    cseq: int,
    describe: bool = False,
) -> Request:
    """Return the OPTIONS request of a path check.

    `local` is the sipSigPort's address and the port it listens on for `transport` ("TLS", "TCP" or "UDP").
    `branch` goes behind the magic cookie. `describe` adds Allow and Accept (statusUpdateSupport).
    """
    ours, theirs = (f"{uri.host_text(host)}:{port}" for host, port in (local, peer))
    via_parameter = "" if transport == "UDP" else f";transport={transport.lower()}"
    fields = [
        ("Via", f"SIP/2.0/{transport} {ours};branch={BRANCH_COOKIE}{branch}"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:{uri.host_text(local[0])}>;tag={tag}"),
        ("To", f"<sip:{theirs}>"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} OPTIONS"),
        ("Contact", f"<sip:{ours}{via_parameter}>"),
    ]
    if describe:
        fields += [("Allow", ALLOW), ("Accept", ACCEPT)]
    return Request(method="OPTIONS", uri=f"sip:{theirs}{via_parameter}", headers=Headers(fields))


def respond(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    source: tuple[str, int],
    to_tag: str,
    extra: Iterable[tuple[str, str]] = (),
) -> Response:
    """Return a response that finds its way back; what the request lacks is left out, what cannot be read is copied.

    `source` is where the request came from, for `received` and `rport` of the topmost Via.
    """
    fields: list[tuple[str, str]] = []
    for name in _COPIED:
        copies = request.headers.all(name)
        if name == "Via" and copies:
            copies[0] = _seen_from(request, copies[0], source)
        elif name == "To" and copies and status > 100:
            copies[0] = _tagged(request, copies[0], to_tag)
        fields += [(name, value) for value in copies]
    if status == 100:
        fields += [("Timestamp", value) for value in request.headers.all("Timestamp")]  # RFC 3261 8.2.6.1
    return Response(
        status=status,
        reason=reason_phrase(status) if reason is None else reason,
        headers=Headers([*fields, *extra]),
    )


def answer(request: Request, *, source: tuple[str, int], to_tag: str) -> Response:
    """Return the answer to an OPTIONS that is for ourselves.

    Raises SipError for one that breaks a rule; `refuse` turns that into the answer.
    """
    try:
        request.check()
        unsupported = request.require
    except SipError as error:
        error.request = request
        raise
    if uri.scheme(request.uri) not in _SERVED_SCHEMES:
        return respond(request, 416, source=source, to_tag=to_tag)
    if unsupported:
        extra = [("Unsupported", ", ".join(unsupported))]
        return respond(request, 420, source=source, to_tag=to_tag, extra=extra)
    extra = [("Allow", ALLOW), ("Accept", ACCEPT), ("Supported", "")]
    return respond(request, 200, source=source, to_tag=to_tag, extra=extra)


def refuse(error: SipError, *, source: tuple[str, int], to_tag: str) -> Response | None:
    """Return the answer to a request that raised `error`, None where there is nothing to answer."""
    request = error.request
    if request is None or not request.answerable or not error.status:
        return None
    return respond(request, error.status, source=source, to_tag=to_tag)


def _seen_from(request: Request, value: str, source: tuple[str, int]) -> str:
    try:
        top = request.via
    except SipError:
        return value  # the response that says so goes back on the connection; its Via is the sender's business
    seen = top.seen_from(*source)
    if seen == top:
        return value
    parts = split_list(value, "Via")
    return f"{seen}{value[parts[1][0] - 1 :]}" if len(parts) > 1 else str(seen)


def _tagged(request: Request, value: str, to_tag: str) -> str:
    if "tag" not in value.lower():  # the usual case, without reading the value again
        return f"{value};tag={to_tag}"
    try:
        tagged = bool(request.recipient.tag)
    except SipError:
        tagged = False
    return value if tagged else f"{value};tag={to_tag}"
