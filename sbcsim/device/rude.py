"""The rude box: mild unkindness everywhere, on purpose, that every careful tool survives.

A tool that has only met a friendly box relies on what no box promises: that an answer comes in one piece, that the
first try to connect succeeds, that nothing but the answer stands between two prompts. This profile breaks such habits
all the time, and never for good: what is refused once is accepted at the next try, and whatever comes late comes within
some tens of milliseconds, so that tests stay fast. It is reproducible: the seed says what happens at which meeting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .faults import Faults
from .managementpoints import (
    DELAY,
    GREETING,
    NOTICE,
    PAUSE,
    PIECES,
    READ,
    SLOW,
    SSH_ACCEPT,
    SSH_BANNER,
    SSH_SLOW,
    STALL,
)
from .signallingpoints import SPLIT


@dataclass(frozen=True, slots=True)
class Rudeness:
    """One fault of the profile, with what a careful tool does about it; `gap` as that of a fault."""

    point: str
    probability: float
    survives: str
    match: str = "*"
    gap: int = 0
    value: str = ""


RUDE: Final = (
    Rudeness(SSH_ACCEPT, 0.1, "connects again: the next three connections are taken", gap=3),
    Rudeness(SSH_BANNER, 0.25, "takes no banner for an answer"),
    Rudeness(SSH_SLOW, 0.25, "waits for the login, not for a fixed time", value="30"),
    Rudeness(GREETING, 0.25, "looks for the prompt, whatever stands above it"),
    Rudeness(DELAY, 0.15, "waits for the prompt, not for silence", value="20"),
    Rudeness(PAUSE, 0.15, "types the next line behind the prompt, not behind the status line", value="20"),
    Rudeness(PIECES, 0.2, "puts together what it reads before it looks for anything", value="5"),
    Rudeness(NOTICE, 0.2, "finds the status line behind a notice", match="configure*"),
    Rudeness(NOTICE, 0.2, "finds the status line behind a notice", match="commit*"),
    Rudeness(SLOW, 0.3, "waits for the outcome of a commit", value="40"),
    Rudeness(STALL, 0.3, "waits for a transfer", value="25"),
    Rudeness(READ, 0.3, "waits for a transfer", value="25"),
    Rudeness(SPLIT, 0.25, "frames SIP by its Content-Length, not by TLS records"),
)
"""Every fault of a rude box, in the order in which they are set."""


def be_rude(faults: Faults) -> None:
    """Set the faults of a rude box."""
    for each in RUDE:
        faults.add(each.point, match=each.match, probability=each.probability, gap=each.gap, value=each.value)
