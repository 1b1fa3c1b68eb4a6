"""The session descriptions of far ends: one audio stream, whose direction says whether anybody is on hold (RFC 3264).

Nobody sends any media: it is enough that each side sees what the other has offered, untouched.
"""

from __future__ import annotations

from typing import Literal

from sbcsim.sip.uri import host_text

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

TYPE = ("Content-Type", "application/sdp")

_SILENT_HERE = (b"a=sendonly", b"a=inactive")
_ANSWERS = {b"a=sendonly": "recvonly", b"a=recvonly": "sendonly", b"a=inactive": "inactive"}


def described(host: str, port: int, session: int, version: int, direction: str = "sendrecv") -> bytes:
    """Return a session description for media at an address."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=- {session} {version} IN {family} {host_text(host).strip('[]')}",
        "s=-",
        f"c=IN {family} {host_text(host).strip('[]')}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 8",
        f"a={direction}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def holds(description: bytes) -> bool:
    """Whether who offers this wants to hear nothing."""
    return any(line in _SILENT_HERE for line in description.splitlines())


def answering(description: bytes) -> str:
    """Return the direction that answers an offer."""
    return next((_ANSWERS[line] for line in description.splitlines() if line in _ANSWERS), "sendrecv")
