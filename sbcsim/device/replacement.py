"""The replacement of a certificate in a tlsProfile: while it lasts no session is set up, and stable ones stay.

The box's own documentation says so much. A commit is done in one instant here, so the window has the length that the
settings give it, which is none unless somebody wants to see what a longer one does to his peers.
"""

from __future__ import annotations

from sbcsim.clock import Instant, Order
from sbcsim.config.proposal import Proposal
from sbcsim.events import CertificateReplaced, ReplacementEnded

from .chassis import Chassis
from .effects import HandshakeFailed, HandshakeFailure
from .tlsprofile import LIST

TIMER = "replacement"

UNDER_WAY = HandshakeFailed(HandshakeFailure.CLOSED, "certificate is being replaced")

_ROLES = {"serverCertName": "server", "clientCertName": "client"}


class Replacements:
    """Every tlsProfile whose certificate is being replaced."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._profiles: set[str] = set()

    def committed(self, proposal: Proposal) -> None:
        """Take note of a commit, and begin the window of each tlsProfile that it gives another certificate."""
        now, window = proposal.now, self._chassis.settings.replacement_window
        for change in proposal.changes:
            *above, leaf = change.path
            if (*above[:-1],) != LIST or leaf not in _ROLES or change.old is None or change.new is None:
                continue
            profile = above[-1]
            told = CertificateReplaced(profile, _ROLES[leaf], str(change.old), str(change.new), window)
            self._chassis.emit(now, told)
            if window:
                self._profiles.add(profile)
                self._chassis.timetable.acting.set((TIMER, profile), now.uptime + window, Order.PORT)

    def under_way(self, profile: str) -> bool:
        """Whether no session may be set up with a tlsProfile."""
        return profile in self._profiles

    def ended(self, profile: str, now: Instant) -> None:
        """The window of a tlsProfile is over."""
        self._profiles.discard(profile)
        self._chassis.emit(now, ReplacementEnded(profile))

    def clear(self) -> None:
        """End every window: the node begins anew."""
        for profile in self._profiles:
            self._chassis.timetable.acting.cancel((TIMER, profile))
        self._profiles.clear()
