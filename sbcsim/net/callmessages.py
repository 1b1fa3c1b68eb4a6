"""The messages that begin and answer calls of far ends, as a telephone would write them."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.sip import relay, uri
from sbcsim.sip.headers import Via
from sbcsim.sip.message import Headers, Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.via import FORWARDS, hop

from . import sdp
from .peerconnection import PeerConnection

MEDIA_PORT = 40_000
"""The port that session descriptions name; nobody listens there."""


def invite(
    called: str,
    calling: str,
    connection: PeerConnection,
    word: int,
    extra: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
) -> Request:
    """Return the INVITE to a number or a URI; `word` makes it unlike any other."""
    host, port = connection.remote
    target = called
    if ":" not in called:
        target = f"sip:{called}@{uri.host_text(host)}:{port};transport={connection.stream.transport.lower()}"
    if body is None:
        body = described(connection, word, 1)
    name = uri.host_text(connection.local[0])
    fields = [
        ("Via", str(via(connection, word))),
        ("Max-Forwards", str(FORWARDS)),
        ("From", f"<sip:{calling}@{name}>;tag=p{word}"),
        ("To", f"<{target.partition(';')[0]}>"),
        ("Call-ID", f"p{word}@{name}:{connection.local[1]}"),
        ("CSeq", "1 INVITE"),
        contact(calling, connection),
        *extra,
        *([sdp.TYPE] if body else []),
    ]
    return Request(method="INVITE", uri=target, headers=Headers(fields), body=body)


def answer(
    request: Request,
    status: int,
    connection: PeerConnection,
    tag: str,
    extra: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """Return an answer with a body, which is a session description where there is one."""
    extra = [*extra, *([sdp.TYPE] if body else [])]
    bare = respond(request, status, source=connection.remote, to_tag=tag, extra=extra)
    return Response(status=status, reason=bare.reason, headers=bare.headers, body=body)


def via(connection: PeerConnection, word: int) -> Via:
    """Return the Via of a request; `word` makes its branch unlike any other."""
    return hop(connection.stream.transport, connection.local, f"p{word}")


def contact(user: str, connection: PeerConnection) -> tuple[str, str]:
    """Return the Contact of a far end: where its connection ends."""
    return ("Contact", relay.contact(user, *connection.local, connection.stream.transport))


def described(connection: PeerConnection, session: int, version: int, direction: str = "sendrecv") -> bytes:
    """Return a session description for media at the far end's end of a connection."""
    return sdp.described(connection.local[0], MEDIA_PORT, session, version, direction)
