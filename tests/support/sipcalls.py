"""Requests and responses of calls, built in one line, and the two kinds of ways they go."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.sip.message import Headers, Message, Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.transactionstate import Flow

UDP = Flow("UDP", ("192.0.2.2", 5060))
TLS = Flow("TLS", ("192.0.2.2", 5061), 7)

WITHIN = "<sip:bob@example.com>;tag=b"
"""The To of a request in the dialog that `answer` makes."""

HERE, THERE = "192.0.2.1:5060", "192.0.2.2:5060"


def request(
    method: str = "INVITE",
    *,
    branch: str = "z9hG4bK1",
    via: str = "",
    uri: str = "sip:bob@example.com",
    sender: str = "<sip:alice@example.org>;tag=a",
    to: str = "<sip:bob@example.com>",
    call_id: str = "call",
    cseq: int = 1,
    extra: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Request:
    """Return a request with everything that one needs."""
    fields = [
        ("Via", via or f"SIP/2.0/UDP {HERE};branch={branch}"),
        ("Max-Forwards", "70"),
        ("From", sender),
        ("To", to),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
        *([] if any(name == "Contact" for name, _ in extra) else [("Contact", f"<sip:alice@{HERE}>")]),
        *extra,
    ]
    made = Request(method=method, uri=uri, headers=Headers(fields), body=body)
    made.check()
    return made


def answer(
    to: Request,
    status: int,
    *,
    tag: str = "b",
    contact: str = f"<sip:bob@{THERE}>",
    extra: Iterable[tuple[str, str]] = (),
) -> Response:
    """Return a response, with a Contact where it makes a dialog."""
    contacts = [("Contact", contact)] if 100 < status < 300 and contact else []
    return respond(to, status, source=UDP.remote, to_tag=tag, extra=[*contacts, *extra])


def start_line(message: Message) -> str:
    """Return what a message is in a few letters: its method, or its status and the method it answers."""
    return message.method if isinstance(message, Request) else f"{message.status} {message.cseq.method}"
