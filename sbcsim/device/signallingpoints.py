"""Where faults can be injected for the far ends of TLS and SIP."""

from __future__ import annotations

from typing import Final

from .faultpoint import Point

ACCEPT: Final = "tls.accept"
STALE: Final = "tls.stale"
ABRUPT: Final = "tls.abrupt"
SILENCE: Final = "sip.silence"
STATUS: Final = "sip.status"
DUPLICATE: Final = "sip.duplicate"
SPLIT: Final = "sip.split"

_METHOD = "method of the request"

SIGNALLING: Final = (
    Point(ACCEPT, "zone", "A new connection from outside is reset at once."),
    Point(STALE, "tlsProfile", "A new connection gets another certificate than it should.", "certificate object"),
    Point(ABRUPT, "zone", "The box closes a connection by a reset, without close_notify."),
    Point(SILENCE, _METHOD, "A request is not answered."),
    Point(STATUS, _METHOD, "A request is answered by a failure.", "status of the answer", "503"),
    Point(DUPLICATE, _METHOD, "The answer to a request is sent twice."),
    Point(SPLIT, _METHOD, "The answer to a request comes in two pieces, each in a TLS record of its own."),
)
"""Every point of this side."""
