"""Expectations of the journal: what is found, and what is said where nothing is."""

from __future__ import annotations

import pytest

from sbcsim.clock import DAY, Instant, from_rfc3339
from sbcsim.errors import UserError
from sbcsim.eventkinds import kinds
from sbcsim.events import CertificateSeen, Handshake, PathPing, Reset
from sbcsim.expectation import Expectation, ExpectationError, expect
from sbcsim.journal import Journal

START = from_rfc3339("2026-01-01T00:00:00Z")


def handshake(name: str, *, ok: bool = True, direction: str = "inbound") -> Handshake:
    seen = CertificateSeen("CN=sbc", "1000", 0, name)
    return Handshake(1, direction, ok, "TLSv1.2", "AES", False, seen, None)


@pytest.fixture
def journal() -> Journal:
    journal = Journal()
    for day, event in enumerate(
        (handshake("OLD"), handshake("OLD", direction="outbound"), Reset(), handshake("NEW", ok=False))
    ):
        journal.add(Instant(day * DAY, START + day * DAY), event)
    return journal


def said(journal: Journal, kind: str, after: int = 0, **fields: object) -> str:
    with pytest.raises(ExpectationError) as error:
        expect(journal, kind, after, fields)
    return str(error.value)


def test_the_first_that_is_as_expected(journal):
    assert expect(journal, "handshake", 0, {}).number == 1
    assert expect(journal, "handshake", 1, {}).number == 2
    assert expect(journal, "handshake", 0, {"direction": "outbound", "local_certificate__name": "OLD"}).number == 2
    assert expect(journal, "handshake", 0, {"local_certificate__name": lambda name: name != "OLD"}).number == 4
    assert expect(journal, "reset", 0, {}).number == 3


def test_the_nearest_is_told_with_what_is_not_right_about_it(journal):
    assert said(journal, "handshake", ok=True, direction="inbound", local_certificate__name="NEW") == (
        "expected handshake with ok=True, direction='inbound', local_certificate.name='NEW'; "
        "the nearest of 3 is #4 at 2026-01-04T00:00:00Z: ok is False, not True"
    )
    assert said(journal, "handshake", after=3, ok=True, version="TLSv1.3") == (
        "expected handshake with ok=True, version='TLSv1.3'; "
        "the only one is #4 at 2026-01-04T00:00:00Z: ok is False, not True; version is 'TLSv1.2', not 'TLSv1.3'"
    )


def test_what_a_function_refuses_is_told(journal):
    def recent(name: str) -> bool:
        return name == "NEWER"

    assert said(journal, "handshake", after=3, local_certificate__name=recent).endswith(
        "local_certificate.name is 'NEW', of which recent says no"
    )


def test_where_there_is_none_of_the_kind_the_others_are_counted(journal):
    assert said(journal, "pathPing") == "expected pathPing; there is none. What happened: 3 handshake, 1 reset"
    assert said(journal, "pathPing", after=4) == "expected pathPing; there is none. What happened: nothing"
    assert PathPing.kind == "pathPing"


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("handshakes", {}, f"no journal kind handshakes; there are {', '.join(kinds())}"),
        ("reset", {"ok": True}, "reset has no field ok; it has snapshot"),
        ("synchronised", {"who": 1}, "synchronised has no field who; it has"),
        (
            "handshake",
            {"local_certificate__nme": "NEW"},
            "CertificateSeen has no nme, as local_certificate.nme would need",
        ),
    ],
)
def test_a_slip_of_the_pen_is_no_expectation(journal, kind, fields, reason):
    with pytest.raises(UserError) as error:
        expect(journal, kind, 0, fields)
    assert error.value.text.startswith(reason)


def test_what_is_not_there_holds_nothing():
    event = handshake("X")
    assert Expectation.of("handshake", {"peer_certificate__serial": None}).misses(event) == []
    assert Expectation.of("handshake", {"peer_certificate__serial": "1"}).misses(event) == [
        "peer_certificate.serial is None, not '1'"
    ]
    assert Expectation.of("handshake", {}).misses(Reset()) == ["it is reset"]
