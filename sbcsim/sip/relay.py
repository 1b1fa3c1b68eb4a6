"""What passes from one side of a back-to-back user agent to the other, and what each side says for itself.

The two sides are dialogs of their own: what belongs to a hop or to a dialog is said anew, everything else passes in its
order and as it was written, headers, methods and URI schemes that nobody here knows and the body among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from . import route, uri
from .dialog import MAKES_A_TARGET
from .errors import SipError
from .headers import Via, format_parameters, parse_address
from .message import Headers, Message, Request, Response, header_key
from .reliability import RAck, parse_rack

_USER = "%-_.!~*'()&=+$,;?/:"
"""What may stand in the user part of a SIP URI beside letters and digits, escapes and a password (RFC 3261 25.1)."""

Fields = tuple[tuple[str, str], ...]

_OWN = frozenset(
    header_key(name)
    for name in (
        "Call-ID",
        "Contact",
        "Content-Length",
        "CSeq",
        "From",
        "Max-Forwards",
        "RAck",
        "Record-Route",
        "Route",
        "Timestamp",
        "To",
        "Via",
    )
)


def passed(message: Message) -> Fields:
    """Return the headers that pass; a redirection passes its Contacts, too, as they are no place of the dialog."""
    redirects = isinstance(message, Response) and (300 <= message.status < 400 or message.status == 485)
    return tuple(
        field
        for field in message.headers
        if header_key(field[0]) not in _OWN or (redirects and header_key(field[0]) == "contact")
    )


def has_target(message: Message) -> bool:
    """Whether a message says where the far end of its dialog is, so that ours has to say the same of us."""
    method = message.method if isinstance(message, Request) else message.cseq.method
    if isinstance(message, Response) and not 100 < message.status < 300:
        return False
    return method in MAKES_A_TARGET and "Contact" in message.headers


def retagged(value: str, header: str, tag: str) -> str:
    """Return a From or To with another tag, none for "", and everything else as it was; raises SipError."""
    address = parse_address(value, header)
    kept = [each for each in address.parameters if each[0].lower() != "tag"]
    display = f"{address.display} " if address.display else ""
    added = [("tag", tag)] if tag else []
    return f"{display}<{address.uri}>{format_parameters((*kept, *added))}"


def readdressed(target: str, host: str, port: int) -> str:
    """Return a Request-URI for another host, wherever else the old one led; without a host it stays as it is.

    Raises SipError.
    """
    if uri.scheme(target) not in uri.SIP_SCHEMES:
        return target
    return str(replace(uri.parse(target).without("maddr"), host=uri.host_text(host), port=port))


def begun(
    request: Request, via: Via, *, target: str, call_id: str, tag: str, forwards: int, contact: str = ""
) -> Request:
    """Return a request outside of dialogs for the other side.

    `tag` is that of our From, `forwards` how many hops are left, `contact` our Contact where the request needs one.
    Raises SipError for a From or To that cannot be read.
    """
    fields = [
        ("Via", str(via)),
        ("Max-Forwards", str(forwards)),
        ("From", retagged(request.headers.one("From"), "From", tag)),
        ("To", retagged(request.headers.one("To"), "To", "")),
        ("Call-ID", call_id),
        ("CSeq", f"1 {request.method}"),
        *([("Contact", contact)] if contact else []),
        *passed(request),
    ]
    return Request(method=request.method, uri=target, headers=Headers(fields), body=request.body)


def acknowledged(prack: Request, cseq: Callable[[int], int]) -> Fields:
    """Return the RAck of a PRACK for the other side, where the request it speaks of has number `cseq(...)`.

    Raises SipError for a RAck that is missing or cannot be read.
    """
    rack = parse_rack(prack.headers.one("RAck"))
    return (("RAck", str(RAck(rack.rseq, cseq(rack.cseq), rack.method))),)


def user_of(target: str) -> str:
    """Return whom a URI names: the user of a SIP URI, the number of a tel URI, "" for any other."""
    try:
        kind = uri.scheme(target)
        if kind == "tel":
            return target.partition(":")[2].partition(";")[0]
        return uri.parse(target).user.partition(";")[0] if kind in uri.SIP_SCHEMES else ""
    except SipError:
        return ""


def contact(user: str, host: str, port: int, transport: str, *, secure: bool = False) -> str:
    """Return our Contact towards one side; `transport` is that of the Via ("UDP", "TCP", "TLS").

    A `secure` one is a SIPS URI, which says by itself that TCP carries TLS (RFC 3261 26.2.2).
    """
    name = f"{quote(user, safe=_USER)}@" if user else ""
    kind, carrier = ("sips", transport.replace("TLS", "TCP")) if secure else ("sip", transport)
    how = "" if carrier == "UDP" else f";transport={carrier.lower()}"
    return f"<{kind}:{name}{uri.host_text(host)}:{port}{how}>"


def wants_secure(invite: Request) -> bool:
    """Say whether the Contact in our answer has to be a SIPS URI (RFC 3261 12.1.1); raises SipError."""
    recorded = route.values(invite, "Record-Route")
    back = [parse_address(recorded[0], "Record-Route")] if recorded else invite.contacts
    return uri.secure(invite.uri) or any(uri.secure(each.uri) for each in back)


def recorded(request: Request) -> Fields:
    """Return the Record-Route of a request, which an answer that makes a dialog repeats (RFC 3261 12.1.1)."""
    return tuple(("Record-Route", value) for value in request.headers.all("Record-Route"))


def with_body(response: Response, body: bytes) -> Response:
    """Return a response with a body; the headers that describe it have passed with the others."""
    return replace(response, body=body)
