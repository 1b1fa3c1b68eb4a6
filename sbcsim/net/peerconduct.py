"""How a far end behaves: what it does with connections and requests, in one table of what people meet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .peertls import Refusal


class End(Enum):
    """How a connection is ended."""

    CLOSE_NOTIFY = "close_notify"
    """As it should be; over TCP the same as FIN."""
    FIN = "fin"
    """Without close_notify."""
    RESET = "reset"


class Opening(Enum):
    """What is done with a new TCP connection."""

    SHAKES = "shakes"
    STALLS = "stalls"
    """Nothing is said; the handshake never ends."""
    CLOSES = "closes"
    RESETS = "resets"
    SPEAKS_HTTP = "speaks http"
    """Something is said that is no TLS."""


class Callee(Enum):
    """What is done with a call that comes in, where nothing else is done with requests than answering them."""

    ANSWERS = "answers"
    """It rings, and is answered at once."""
    RINGS = "rings"
    """It rings until the call is told otherwise: `answer`, `refuse`, or cancelled by the box."""
    ANSWERS_LATE = "answers late"
    """It rings for `rings` host seconds, and is answered."""
    HANGS_UP = "hangs up"
    """It is answered, and ended as soon as the answer has been acknowledged."""
    BUSY = "busy"
    """It is refused with 486."""
    SILENT = "silent"
    """Nothing is said, neither now nor when the box gives up."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a far end behaves; as it is made here it is a good one.

    `listens` False refuses at TCP. `refuses` is the alert with which the box's certificate is refused. Requests are
    answered with `status`, or what `raw` holds, `delay` host seconds after they came; None answers nothing, `held` not
    before the conduct changes. Of each connection `answers` requests are answered at most, if that is given, after
    which it `ends`, or is silent. `pongs` is whether keep-alives (CRLF) are answered. `calls` is what becomes of those
    that come in while the status is 200, `rings` for how many host seconds one rings that is answered late. A change
    holds for connections that stand as well; how they opened stays as it was.
    """

    listens: bool = True
    opening: Opening = Opening.SHAKES
    refuses: Refusal | None = None
    status: int | None = 200
    raw: bytes | None = None
    delay: float = 0.0
    held: bool = False
    answers: int | None = None
    ends: End | None = None
    pongs: bool = True
    calls: Callee = Callee.ANSWERS
    rings: float = 0.2


class Behaviour(Enum):
    """Conducts by name; `SipPeer.behave` takes one, and changes to it."""

    ANSWERS = Conduct()
    SILENT = Conduct(status=None, pongs=False)
    HELD = Conduct(held=True)
    SERVER_ERROR = Conduct(status=500)
    UNAVAILABLE = Conduct(status=503)
    NOT_FOUND = Conduct(status=404)
    FORBIDDEN = Conduct(status=403)
    BUSY = Conduct(status=486)
    NONSENSE = Conduct(raw=b"\x00\x01\x02 nonsense\r\n\r\n")
    CLOSES = Conduct(answers=0, ends=End.CLOSE_NOTIFY)
    CUTS = Conduct(answers=0, ends=End.FIN)
    RESETS = Conduct(answers=0, ends=End.RESET)
    CLOSES_AFTER_ONE = Conduct(answers=1, ends=End.CLOSE_NOTIFY)
    NOT_LISTENING = Conduct(listens=False)
    STALLS = Conduct(opening=Opening.STALLS)
    CLOSES_AT_ONCE = Conduct(opening=Opening.CLOSES)
    RESETS_AT_ONCE = Conduct(opening=Opening.RESETS)
    SPEAKS_HTTP = Conduct(opening=Opening.SPEAKS_HTTP)
    REFUSES_CERTIFICATE = Conduct(refuses=Refusal.BAD_CERTIFICATE)
    RINGS = Conduct(calls=Callee.RINGS)
    ANSWERS_LATE = Conduct(calls=Callee.ANSWERS_LATE)
    HANGS_UP = Conduct(calls=Callee.HANGS_UP)
    TAKES_NO_CALL = Conduct(calls=Callee.BUSY)
    HEARS_NO_CALL = Conduct(calls=Callee.SILENT)
