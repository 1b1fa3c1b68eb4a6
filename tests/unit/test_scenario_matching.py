"""Events as scenarios describe them: what fits, and what is told of what does not."""

from __future__ import annotations

import pytest

from sbcsim.clock import Instant
from sbcsim.events import CertificateSeen, Handshake
from sbcsim.journal import Entry
from sbcsim.scenario.matching import EventMatch

NEW = CertificateSeen("CN=sbc", "1001", 0, "NEW")
ENTRY = Entry(7, Instant(0, 0), Handshake(3, "inbound", True, "TLSv1.3", "x", False, NEW, None, alert_sent=45))


@pytest.mark.parametrize(
    ("name", "wanted", "fits"),
    [
        ("ok", True, True),
        ("ok", False, False),
        ("connection", 3, True),
        ("localCertificate.name", "NEW", True),
        ("localCertificate.name", "OLD", False),
        ("peerCertificate", None, True),
        ("peerCertificate.subject", "CN=peer", False),
        ("alertSent", {"above": 40}, True),
        ("alertSent", {"above": 45}, False),
        ("alertSent", {"below": 46}, True),
        ("alertSent", {"below": 45}, False),
        ("alertSent", {"above": "x"}, False),
        ("version", {"contains": "1.3"}, True),
        ("version", {"contains": "1.2"}, False),
        ("version", {"matches": r"^TLSv1\.[23]$"}, True),
        ("version", {"matches": r"^1"}, False),
        ("version", {"not": "TLSv1.2"}, True),
        ("version", {"not": "TLSv1.3"}, False),
        ("direction", {"oneOf": ["inbound", "outbound"]}, True),
        ("direction", {"oneOf": ["outbound"]}, False),
    ],
)
def test_a_field_fits_or_is_told(name: str, wanted: object, fits: bool) -> None:
    match = EventMatch("handshake", {name: wanted})
    assert match.among([ENTRY]) == ([ENTRY] if fits else [])
    assert bool(match.misses(ENTRY)) is not fits


def test_the_nearest_event_is_told() -> None:
    match = EventMatch("handshake", {"ok": True, "localCertificate.name": "OLD"})
    assert match.explain([ENTRY]) == (
        "expected handshake with ok True, localCertificate.name 'OLD'; the only one is #7 at 1970-01-01T00:00:00Z: "
        "localCertificate.name is 'NEW', not 'OLD'"
    )
    assert EventMatch("reset", {}).explain([ENTRY]) == "expected reset; there is none. What happened: 1 handshake"
