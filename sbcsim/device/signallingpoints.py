"""Where faults can be injected for the far ends of TLS and SIP."""

from __future__ import annotations

from typing import Final

from . import faultvalues
from .faultpoint import Point

ACCEPT: Final = "tls.accept"
STALE: Final = "tls.stale"
ABRUPT: Final = "tls.abrupt"
CUT: Final = "tls.cut"
HELLO: Final = "tls.hello"
FLIGHT: Final = "tls.flight"
SECURED: Final = "tls.secured"
HANG: Final = "tls.hang"
ALERT: Final = "tls.alert"
CHAIN: Final = "tls.chain"
OUTDATED: Final = "tls.outdated"
RESUME: Final = "tls.resume"
UNSENT: Final = "sip.unsent"
IGNORED: Final = "sip.ignored"
REFUSED: Final = "tcp.refused"
TIMEOUT: Final = "tcp.timeout"
SILENCE: Final = "sip.silence"
STATUS: Final = "sip.status"
DUPLICATE: Final = "sip.duplicate"
SPLIT: Final = "sip.split"
MERGE: Final = "sip.merge"
DELAY: Final = "sip.delay"
CLOSE: Final = "sip.close"
GARBLE: Final = "sip.garble"
LENGTH: Final = "sip.length"

BROKEN: Final = ("startLine", "header", "cseq")
"""What may be broken in an answer: its first line, a header without a colon, no CSeq."""

_METHOD = "method of the request"
_HANDSHAKE = "direction and tlsProfile, as in `outbound TLS1`"
_PEER = "ipPeer"

SIGNALLING: Final = (
    Point(ACCEPT, "zone", "A new connection from outside is reset at once."),
    Point(STALE, "tlsProfile", "A new connection gets another certificate than it should.", "certificate object"),
    Point(ABRUPT, "zone", "The box closes a connection by a reset, without close_notify."),
    Point(CUT, "zone", "The box closes a TLS connection by FIN alone, without close_notify."),
    Point(HELLO, _HANDSHAKE, "A handshake is reset behind the ClientHello, before a word of the server."),
    Point(FLIGHT, _HANDSHAKE, "A handshake is reset behind the certificate of the server."),
    Point(SECURED, _HANDSHAKE, "A connection is reset right behind its handshake, before any SIP."),
    Point(HANG, _HANDSHAKE, "The box says nothing in a handshake, until the handshakeTimer runs out."),
    Point(
        ALERT,
        _HANDSHAKE,
        "The box ends a handshake by a fatal alert.",
        "number of the alert",
        "80",
        faultvalues.alert,
    ),
    Point(CHAIN, _HANDSHAKE, "The box shows its certificate without the intermediate ones, where there are any."),
    Point(
        OUTDATED,
        "tlsProfile",
        "A connection to a peer still gets the certificate of before the first renewal since the application started; "
        "not met before that.",
    ),
    Point(
        RESUME,
        "tlsProfile",
        "A client of TLS 1.2 or older takes its session up although the certificate has been renewed since; met where "
        "that is the only objection.",
    ),
    Point(REFUSED, _PEER, "A dial to the peer is refused, as if nobody listened there."),
    Point(TIMEOUT, _PEER, "A dial to the peer is not answered, until the tcpConnectTimeout runs out."),
    Point(SILENCE, _METHOD, "A request is not answered."),
    Point(STATUS, _METHOD, "A request is answered by a failure.", "status of the answer", "503"),
    Point(DUPLICATE, _METHOD, "The answer to a request is sent twice."),
    Point(SPLIT, _METHOD, "The answer to a request comes in two pieces, each in a TLS record of its own."),
    Point(
        MERGE,
        _METHOD,
        "The answer to a request waits for the next one on its connection, and both come in one piece (not over UDP).",
    ),
    Point(
        DELAY,
        _METHOD,
        "The answer to a request comes late: where the clock stands, not before it is moved.",
        "simulated time",
        "1s",
        faultvalues.duration,
    ),
    Point(CLOSE, _METHOD, "The connection is closed on which a request comes, in place of an answer (not over UDP)."),
    Point(
        GARBLE,
        _METHOD,
        "The answer to a request is no SIP as it should be: a first line that is none, a header without a colon, or no "
        "CSeq.",
        " or ".join(f"`{each}`" for each in BROKEN),
        BROKEN[0],
        faultvalues.one_of(*BROKEN),
    ),
    Point(
        LENGTH,
        _METHOD,
        "The Content-Length of the answer to a request promises more than comes.",
        "octets too many",
        "10",
        faultvalues.octets,
    ),
    Point(UNSENT, _PEER, "A ping of the box is lost before it is sent; the box waits for its answer."),
    Point(IGNORED, _PEER, "The final answer to a ping of the box is taken no notice of."),
)
"""Every point of this side."""

PINGED: Final = frozenset({UNSENT, IGNORED})
"""Points that a ping of the box may meet on a connection that stands."""

DIALLED: Final = PINGED | frozenset({STALE, HELLO, FLIGHT, SECURED, HANG, ALERT, CHAIN, OUTDATED, REFUSED, TIMEOUT})
"""Points that a ping of the box may meet on its way to a new connection."""
