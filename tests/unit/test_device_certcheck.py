"""certExpiryCheck: when the re-check runs and what it closes, and the daily expiry warning."""

from __future__ import annotations

import pytest
import testca
from livebox import (
    BASE,
    LISTENER,
    PEER,
    PINGING,
    SET_PING,
    SET_PROFILE,
    chain,
    live_box,
    names,
    renew,
    tls_counters,
)

from sbcsim.clock import DAY, HOUR
from sbcsim.device.certcheck import CLOSED_AT_ONCE

RATE = "set system security certExpiryCheck certReCheckRate "
WARNING = "set system security certExpiryCheck "
SHORT = "2026-01-10T12:00:00Z"


@pytest.fixture
def box():
    return live_box()


def hours(box, kind="certificateCheck"):
    """Return when events of a kind happened, in hours of uptime."""
    return [entry.at.uptime / HOUR for entry in box.sbc.journal if entry.kind == kind]


def checks(box):
    return [(event.checked, event.failed) for event in box.events("certificateCheck")]


def reasons(box):
    return [event.reason for event in box.events("connectionClosed")]


# When the re-check runs.


def test_the_first_recheck_runs_one_full_period_after_the_start(box):
    box.advance("73h")
    assert hours(box) == [24, 48, 72]


def test_a_changed_rate_begins_a_full_period(box):
    box.advance("23h")
    box.commit(RATE + "8")
    box.advance("17h")
    assert hours(box) == [31, 39]


def test_an_unrelated_commit_leaves_the_period_alone(box):
    box.advance("23h")
    box.commit(WARNING + "expiryWarningThreshold 30", SET_PROFILE + "handshakeTimer 7")
    box.advance("2h")
    assert hours(box) == [24]


def test_disabled_means_never_until_it_is_enabled_again(box):
    box.advance("1h")
    box.commit(RATE + "disable")
    box.advance("100d")
    assert hours(box) == []
    box.commit("delete system security certExpiryCheck certReCheckRate")
    box.advance("25h")
    assert hours(box) == [1 + 100 * 24 + 24]


@pytest.mark.parametrize(("rate", "count"), [("8", 90), ("24", 30), ("720", 1)])
def test_every_rate(box, rate, count):
    box.commit(RATE + rate)
    box.advance("30d")
    assert len(hours(box)) == count


def test_at_the_same_instant_the_warning_goes_before_the_recheck_and_both_before_pings(box):
    box.advance("25h")
    at = [entry.kind for entry in box.sbc.journal if entry.at.uptime == DAY]
    looked = [kind for kind in at if kind in {"certificateWarning", "certificateCheck", "pathPing"}]
    assert looked[:3] == ["certificateWarning", "certificateWarning", "certificateCheck"]


# What it closes.


def test_only_established_tls_connections_are_checked(box):
    box.connect(LISTENER, chain(testca.peer()))
    box.slow_handshakes = True
    box.connect(LISTENER, chain(testca.peer()))
    box.commit(SET_PROFILE + "handshakeTimer 60")
    box.sbc.fire(box.clock.move_to(DAY))
    assert checks(box)[-1] == (2, 0)


@pytest.mark.parametrize(("not_after", "closed"), [("2026-01-03T23:59:59Z", True), ("2026-01-04T00:00:00Z", False)])
def test_expired_is_later_than_not_after(box, not_after, closed):
    number = box.connect(LISTENER, chain(testca.peer("short.example.com", not_after=not_after)))
    box.advance("3d")
    assert (box.sbc.connection(number) is None) is closed


def test_failures_are_closed_in_connection_order_each_with_its_alarm(box):
    box.connect(LISTENER, chain(testca.peer("b.example.com", not_after=SHORT)))
    box.connect(LISTENER, chain(testca.peer("c.example.com", not_after="2026-01-09T00:00:00Z")))
    box.connect(LISTENER, chain(testca.peer("a.example.com", not_after=SHORT)))
    survivor = box.connect(LISTENER, chain(testca.peer()))
    box.advance("8d")
    assert len(box.sbc.connections()) == 5
    box.advance("30d")
    closed = box.events("connectionClosed")
    assert [event.connection for event in closed] == [3, 2, 4]
    assert {event.reason for event in closed} == {"certificate re-check: expired"}
    assert {event.by for event in closed} == {"local"}
    descriptions = [alarm.description for alarm in box.sbc.alarms().current if "re-check" in alarm.description]
    assert descriptions == [
        f"Certificate re-check failed for connection {number} to 127.0.0.1:40000: expired" for number in (3, 2, 4)
    ]
    assert box.sbc.connection(survivor) is not None
    assert sum(failed for _, failed in checks(box)) == 3
    assert tls_counters(box)["currentServerConnections"] == 1


def test_thousands_of_failures_are_closed_some_at_a_time_before_anything_else_happens_at_that_instant(box):
    shown = chain(testca.peer("short.example.com", not_after=SHORT))
    numbers = [box.connect(LISTENER, shown) for _ in range(3 * CLOSED_AT_ONCE + 1)]
    renew(box)
    box.advance("9d23h59m59s")
    left = []
    box.clock.move_to(10 * DAY)
    box.sbc.fire_planned(box.now)
    while box.sbc.unfinished(box.now):
        assert box.sbc.next_due() == box.sbc.plan(20 * DAY) == box.now.uptime
        assert not box.events("certificateCheck")[9:]
        left.append(sum(number in {record.id for record in box.sbc.connections()} for number in numbers))
        if len(left) == 2:
            box.sbc.closed(numbers[-1], "reset by peer", box.now)
        box.sbc.fire_planned(box.now)
    assert left == [2 * CLOSED_AT_ONCE + 1, CLOSED_AT_ONCE + 1, 0]
    assert checks(box)[9:] == [(len(numbers) + 1, len(numbers) - 1)]
    at_once = [entry.kind for entry in box.sbc.journal if entry.at == box.now]
    assert at_once.index("certificateCheck") == len(at_once) - at_once[::-1].index("connectionClosed")


def test_a_reset_in_the_middle_of_a_recheck_leaves_nothing_of_it(box):
    for _ in range(2 * CLOSED_AT_ONCE):
        box.connect(LISTENER, chain(testca.peer("short.example.com", not_after=SHORT)))
    box.advance("9d23h")
    box.clock.move_to(10 * DAY)
    box.sbc.fire_planned(box.now)
    assert box.sbc.unfinished(box.now)
    box.sbc.reset(box.now)
    assert not box.sbc.unfinished(box.now)


def test_an_expired_intermediate_of_the_peer_counts_like_its_leaf():
    issuing = testca.authority().subordinate(
        "Short Issuing CA", not_before="2025-12-01T00:00:00Z", not_after=SHORT, first_serial=0x3000
    )
    leaf = issuing.issue("deep.example.com", not_before="2025-12-01T00:00:00Z", not_after="2030-01-01T00:00:00Z")
    box = live_box()
    number = box.connect(LISTENER, chain(leaf))
    box.advance("9d")
    assert box.sbc.connection(number) is not None
    box.advance("2d")
    assert box.sbc.connection(number) is None


def test_the_chain_sent_with_the_own_certificate_counts():
    issuing = testca.authority().subordinate(
        "Own Issuing CA", not_before="2025-12-01T00:00:00Z", not_after=SHORT, first_serial=0x4000
    )
    own = issuing.issue("sbc.example.com", not_before="2025-12-01T00:00:00Z", not_after="2030-01-01T00:00:00Z")
    box = live_box()
    box.put("issuing.der", issuing.certificate.der)
    box.put("deep.p12", own.pkcs12("secret"))
    box.commit(
        "set system security pki certificate ISSUING fileName issuing.der type remote state enabled",
        "set system security pki certificate DEEP fileName deep.p12 type local passPhrase secret state enabled",
        SET_PROFILE + "serverCertName DEEP",
    )
    number = box.connect(LISTENER, chain(testca.peer()))
    assert [each.common_name for each in box.sbc.connection(number).credential.chain] == ["Own Issuing CA"]
    box.advance("9d")
    assert box.sbc.connection(number) is not None
    box.advance("2d")
    assert box.sbc.connection(number) is None
    assert names(box) == ["OLD"]


def test_a_peer_that_is_not_validated_is_not_rechecked_but_the_own_certificate_is(box):
    box.commit(SET_PROFILE + "peerCertValidate false")
    number = box.connect(LISTENER, chain(testca.peer("short.example.com", not_after=SHORT)))
    box.commit("set system security pki certificate CA state disabled")
    box.advance("20d")
    assert box.sbc.connection(number) is not None
    box.advance("60d")
    assert box.sbc.connection(number) is None


def test_nothing_is_closed_twice_and_the_next_recheck_finds_nothing(box):
    box.connect(LISTENER, chain(testca.peer("short.example.com", not_after=SHORT)))
    box.advance("20d")
    assert sum(failed for _, failed in checks(box)) == 1
    assert checks(box)[-1] == (1, 0)


# Anchors.


def test_a_disabled_anchor_closes_at_the_recheck_and_not_before(box):
    box.connect(LISTENER, chain(testca.peer()))
    box.advance("10m")
    box.commit("set system security pki certificate CA state disabled")
    box.advance("23h")
    assert len(box.sbc.connections()) == 2
    box.advance("50m")
    assert reasons(box) == ["certificate re-check: untrusted"] * 2
    assert box.sbc.alarms().current[0].description.endswith("to 192.0.2.10:5061: untrusted")


def test_an_anchor_that_is_back_before_the_recheck_is_trusted_again(box):
    box.commit("set system security pki certificate CA state disabled")
    box.advance("1h")
    box.commit("set system security pki certificate CA state enabled")
    box.advance("3d")
    assert reasons(box) == []


def test_a_handshake_that_outlives_its_anchor_is_closed_at_the_recheck(box):
    box.commit(SET_PROFILE + "handshakeTimer 60")
    box.slow_handshakes = True
    number = box.connect(LISTENER, chain(testca.peer()))
    box.commit("set system security pki certificate CA state disabled")
    box.finish_handshake(number)
    assert box.sbc.connection(number).established
    box.slow_handshakes = False
    box.advance("25h")
    assert box.sbc.connection(number) is None


def test_a_chain_with_another_enabled_anchor_stays():
    issuing = testca.intermediate()
    leaf = issuing.issue("deep.example.com", not_before="2025-12-01T00:00:00Z", not_after="2030-01-01T00:00:00Z")
    box = live_box()
    box.put("issuing.der", issuing.certificate.der)
    box.commit("set system security pki certificate ISSUING fileName issuing.der type remote state enabled")
    number = box.connect(LISTENER, chain(leaf))
    box.commit("set system security pki certificate CA state disabled")
    box.advance("25h")
    assert box.sbc.connection(number) is not None
    assert reasons(box) == ["certificate re-check: untrusted"]  # the pinged peer's chain had the root alone
    box.commit("set system security pki certificate ISSUING state disabled")
    box.advance("25h")
    assert box.sbc.connection(number) is None


def test_disabling_or_deleting_an_own_certificate_closes_nothing(box):
    renew(box)
    box.advance("50d")
    assert names(box) == ["OLD"]
    assert reasons(box) == []


def test_a_jump_finds_the_recheck_that_acts_however_it_is_cut():
    def run(*pieces):
        box = live_box()
        box.connect(LISTENER, chain(testca.peer("short.example.com", not_after=SHORT)))
        box.far_ends[PEER].chain = chain(testca.peer("p.example.com", not_after="2026-02-01T00:00:30Z"))
        for piece in pieces:
            box.advance(piece)
        closed = [(entry.at, entry.event) for entry in box.sbc.journal if entry.kind == "connectionClosed"]
        return closed, checks(box), tls_counters(box), box.sbc.peers()

    assert run("100d") == run("3h", "49d", "17m", "50d20h43m")


@pytest.mark.parametrize("flows", [False, True])
def test_pings_of_the_instant_of_a_recheck_come_behind_all_of_its_closings(flows):
    box = live_box(base=BASE[:-1])
    for _ in range(CLOSED_AT_ONCE + 8):
        box.connect(LISTENER, chain(testca.peer()))
    box.commit("set system security pki certificate CA state disabled")
    box.advance("23h")
    box.commit(f"{SET_PING}protocol icmp sendInterval 600 recoveryCount 10", PINGING)
    if flows:
        while (due := box.sbc.next_due()) <= DAY:
            box.sbc.fire(box.clock.move_to(due))
            box.pump()
    else:
        box.advance("1h")
    kinds = [entry.kind for entry in box.sbc.journal if entry.at.uptime == DAY]
    told = [kind for kind in kinds if kind in {"connectionClosed", "certificateCheck", "pathPing"}]
    assert told == ["connectionClosed"] * (CLOSED_AT_ONCE + 8) + ["certificateCheck", "pathPing"]


# The daily warning.


def alarms(box, name="OLD"):
    return [(event.days, event.alarm) for event in box.events("certificateWarning") if event.name == name]


def alarm_days(box, name="OLD"):
    return [days for days, alarm in alarms(box, name) if alarm]


def test_the_job_runs_at_every_midnight_for_every_enabled_certificate_in_name_order(box):
    box.advance("3d")
    spoken = [
        (entry.at.calendar % DAY, entry.event.name) for entry in box.sbc.journal if entry.kind == "certificateWarning"
    ]
    assert spoken == [(0, "CA"), (0, "OLD")] * 3
    assert [days for days, _ in alarms(box)] == [58, 57, 56]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("expiryWarningThreshold 30 expirationPeriodicWarning 3", [30, 27, 24, 21, 18, 15, 12, 9, 6, 3, 0, 0, 0]),
        ("expiryWarningThreshold 30 expirationPeriodicWarning 14", [30, 28, 14, 0, 0, 0]),
        ("expiryWarningThreshold 30 expirationPeriodicWarning disable", [30, 0, 0]),
        ("expiryWarningThreshold disable expirationPeriodicWarning 3", [0, 0]),
        ("expiryWarningThreshold disable expirationPeriodicWarning disable", [0, 0]),
    ],
)
def test_days_of_alarm(box, settings, expected):
    box.commit(WARNING + settings)
    box.advance("61d")  # notAfter is a midnight: on that one 0 days are left, on the next two it has passed
    assert alarm_days(box) == expected
    assert len(alarms(box)) == 61


def test_what_raises_no_alarm_is_an_info_line(box):
    box.commit(WARNING + "expiryWarningThreshold 30 expirationPeriodicWarning 7")
    box.advance("31d")
    lines = [line.split(": ", 1)[1].strip() for line in box.sbc.event_log.lines("security") if "away" in line]
    own = [line for line in lines if "OLDlocal" in line]
    assert own[0] == "certificate OLDlocal is 58 days away from expiration"
    assert len(own) == 29  # not on day 30 and 28
    assert "certificate CAremote is 5112 days away from expiration" in lines


def test_alarms_repeat_on_one_row_and_say_expired_in_the_end(box):
    box.advance("62d")
    (row,) = [alarm for alarm in box.sbc.alarms().current if alarm.subject == "OLD"]
    assert row.name.severity == "Major"
    assert not row.name.automatic
    assert row.description == "Certificate OLD has expired"
    assert row.count == len(alarm_days(box))
    first = next(event for event in box.events("alarmRaised") if "OLD" in event.description)
    assert first.description == "Certificate OLD expires in 56 days"


def test_a_disabled_certificate_raises_no_more_alarms_but_keeps_the_old_ones(box):
    box.advance("10d")
    renew(box)
    before = len(alarms(box))
    box.advance("60d")
    assert len(alarms(box)) == before
    assert [alarm.subject for alarm in box.sbc.alarms().current].count("OLD") == 1


def test_nothing_runs_at_import(box):
    renew(box)
    assert box.events("certificateWarning") == []


def test_a_jump_over_many_midnights_runs_the_job_for_each(box):
    box.commit(RATE + "disable")
    box.advance("40d")
    assert hours(box, "certificateWarning")[::2] == [24 * day for day in range(1, 41)]


def test_the_default_written_out_is_no_change_of_the_rate():
    box = live_box()
    box.advance("12h")
    box.commit("set system security certExpiryCheck certReCheckRate 24")
    box.advance("12h")
    assert len(box.events("certificateCheck")) == 1
