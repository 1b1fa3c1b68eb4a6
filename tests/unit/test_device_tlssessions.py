"""Resumption in memory: which sessions may be taken up, by whom, until when, and what the records say of it."""

from __future__ import annotations

import pytest
import testca
from hypothesis import given
from hypothesis import strategies as st
from livebox import (
    BASE,
    LISTENER,
    SET_PEER,
    SET_PORT,
    SET_PROFILE,
    ZONE,
    chain,
    live_box,
    renew,
    tls_counters,
    zone_row,
)

from sbcsim.device import tlssessions
from sbcsim.device.effects import Ending, HandshakeDone
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings

HOME = ("127.0.0.1", 40000)
HIDING = Settings(resume_across_renewal=True)
versions = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


def box_of(*lines, version="TLSv1.2", settings=None):
    """Return a box without a peer of its own: nothing but the test moves its counters."""
    box = live_box(*lines, settings=settings, base=BASE[:-2])
    box.version = version
    return box


def meet(box, issued=None, remote=HOME):
    """Have somebody dial in and leave; return the name that he knows his session by."""
    number = box.connect(LISTENER, chain(issued or testca.peer()), remote)
    box.sbc.closed(number, "closed by peer", box.now)
    return box.given[number]


def back(box, name, issued=None, remote=HOME):
    """Have him come back; return the record of the connection, None where the handshake has failed."""
    number = box.connect(LISTENER, chain(issued or testca.peer()), remote, (name,))
    return box.sbc.connection(number)


def declined(box):
    return box.events("handshake")[-1].declined


# Who may, and until when.


@versions
def test_a_session_stands_on_what_it_was_born_with(version):
    box = box_of(version=version)
    record = back(box, meet(box))
    assert (record.resumed, record.version, record.credential.name) == (True, version, "OLD")
    assert [each.der for each in record.peer_chain] == list(chain(testca.peer()))
    event = box.events("handshake")[-1]
    assert (event.ok, event.resumed, event.declined) == (True, True, "")
    assert event.local_certificate.name == "OLD"
    assert event.peer_certificate.serial == testca.peer().certificate.serial


@versions
def test_the_timer_runs_from_the_full_handshake_however_often_it_is_taken_up(version):
    box = box_of(f"{SET_PROFILE}sessionResumpTimer 100", version=version)
    name = meet(box)
    box.advance("60s")
    record = back(box, name)
    assert record.resumed
    box.advance("39s")
    assert back(box, record.session_name).resumed
    box.advance("1s")
    assert not back(box, record.session_name).resumed
    assert declined(box) == tlssessions.LAPSED


@pytest.mark.parametrize(("timer", "resumed"), [("0", False), ("59", False), ("61", True), ("7200", True)])
def test_a_changed_timer_holds_for_sessions_that_were_born_before_but_prolongs_none(timer, resumed):
    box = box_of(f"{SET_PROFILE}sessionResumpTimer 100")
    name = meet(box)
    box.commit(f"{SET_PROFILE}sessionResumpTimer {timer}")
    box.advance("60s")
    assert back(box, name).resumed is resumed
    if timer == "7200":
        box.advance("40s")
        assert not back(box, name).resumed


def test_at_timer_0_no_session_is_kept():
    box = box_of(f"{SET_PROFILE}sessionResumpTimer 0")
    box.connect(LISTENER, chain(testca.peer()))
    assert not box.given
    assert len(box.sbc._plane.sessions) == 0


def test_an_unknown_session_is_declined():
    box = box_of()
    assert not back(box, b"made up").resumed
    assert declined(box) == tlssessions.UNKNOWN


def test_the_first_one_that_is_known_counts():
    box = box_of()
    name = meet(box)
    number = box.connect(LISTENER, chain(testca.peer()), HOME, (b"made up", name))
    assert box.sbc.connection(number).resumed


def test_a_session_belongs_to_its_port():
    other = f"set {ZONE} sipSigPort 2 ipInterfaceGroupName LIG portNumber 6060 "
    box = box_of(f"{other}transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled")
    name = meet(box)
    number = box.connect(("10.0.0.5", 6061), chain(testca.peer()), HOME, (name,))
    assert not box.sbc.connection(number).resumed
    assert declined(box) == tlssessions.OTHER_PORT


@pytest.mark.parametrize(
    ("line", "undo"),
    [
        ("v1_3 enabled", "v1_3 disabled"),
        ("cipherSuite2 tls_ecdhe_rsa_with_aes_256_gcm_sha384", "cipherSuite2 nosuite"),
        ("authClient false", "authClient true"),
        ("peerCertValidate false", "peerCertValidate true"),
        ("acceptableCertValidationErrors invalidPurpose", "acceptableCertValidationErrors none"),
    ],
)
def test_a_setting_that_shapes_handshakes_asks_for_a_full_one_while_it_differs(line, undo):
    box = box_of()
    name = meet(box)
    box.commit(SET_PROFILE + line)
    assert not back(box, name).resumed
    assert declined(box) == tlssessions.OTHER_SETTINGS
    box.commit(SET_PROFILE + undo)
    assert back(box, name).resumed


@pytest.mark.parametrize("line", ["handshakeTimer 9", "appAuthTimer 9", "hashType sha512", "clientCertName NEW"])
def test_any_other_setting_does_not(line):
    box = box_of("set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled")
    name = meet(box)
    box.commit(SET_PROFILE + line)
    assert back(box, name).resumed


# A rotation.


@versions
def test_a_renewed_certificate_asks_for_a_full_handshake(version):
    box = box_of(version=version)
    name = meet(box)
    renew(box)
    record = back(box, name)
    assert (record.resumed, record.credential.name) == (False, "NEW")
    assert declined(box) == tlssessions.RENEWED


@versions
def test_a_box_that_resumes_across_a_renewal_hides_it_below_tls_1_3_until_the_timer_ends(version):
    box = box_of(version=version, settings=HIDING)
    name = meet(box)
    renew(box)
    box.commit(f"{SET_PORT}mode outOfService")
    box.commit(f"{SET_PORT}mode inService")
    record = back(box, name)
    hidden = version == "TLSv1.2"
    assert (record.resumed, record.credential.name) == ((True, "OLD") if hidden else (False, "NEW"))
    box.advance("1h")
    assert back(box, name).credential.name == "NEW"


def test_not_even_that_box_shows_a_certificate_that_has_expired():
    box = box_of(f"{SET_PROFILE}sessionResumpTimer 86400", settings=HIDING)
    box.advance("58d14h")
    name = meet(box)
    renew(box)
    box.advance("9h")
    assert back(box, name).credential.name == "OLD"
    box.advance("2h")
    assert back(box, name).credential.name == "NEW"
    assert declined(box) == tlssessions.OWN_EXPIRED


def test_without_a_server_certificate_nobody_is_let_in_by_his_session():
    box = box_of(settings=HIDING)
    name = meet(box)
    box.commit("delete profiles security tlsProfile TLS serverCertName")
    assert back(box, name) is None


def test_the_same_certificate_under_another_name_is_no_renewal():
    box = box_of("set system security pki certificate TOO fileName old.p12 type local passPhrase secret state enabled")
    name = meet(box)
    box.commit(f"{SET_PROFILE}serverCertName TOO")
    record = back(box, name)
    assert (record.resumed, record.credential.name) == (True, "OLD")


# The far end.


def test_who_has_expired_meanwhile_is_judged_in_a_full_handshake():
    box = box_of()
    short = testca.peer("short.example.com", "2026-01-01T00:30:00Z")
    name = meet(box, short)
    box.advance("30m")
    assert back(box, name, short).resumed
    box.advance("1s")
    assert back(box, name, short) is None
    event = box.events("handshake")[-1]
    assert (event.ok, event.alert_sent, event.declined) == (False, 45, "peer certificate expired")
    assert tls_counters(box)["clientAuthFailures"] == 1


def test_who_is_trusted_no_more_is_judged_in_a_full_handshake_and_may_come_back_when_he_is():
    box = box_of()
    name = meet(box)
    box.commit("set system security pki certificate CA state disabled")
    assert back(box, name) is None
    assert box.events("handshake")[-1].alert_sent == 48
    box.commit("set system security pki certificate CA state enabled")
    assert back(box, name).resumed


def test_a_name_that_does_not_fit_is_judged_in_a_full_handshake():
    box = box_of(f"{SET_PROFILE}peerNameVerify enabled")
    name = meet(box)
    box.commit(f"{SET_PEER}ipAddress 127.0.0.1 policy sip fqdn other.example.com")
    assert not back(box, name).resumed
    assert declined(box) == "peer certificate carries another name"


@pytest.mark.parametrize(("line", "shown"), [("peerCertValidate false", True), ("authClient false", False)])
def test_who_was_never_judged_is_not_judged_now(line, shown):
    box = box_of(SET_PROFILE + line)
    short = testca.peer("short.example.com", "2026-01-01T00:30:00Z")
    name = box.given[box.connect(LISTENER, chain(short) if shown else ())]
    box.advance("31m")
    box.commit("set system security pki certificate CA state disabled")
    assert box.sbc.connection(box.connect(LISTENER, (), HOME, (name,))).resumed


def test_what_goes_wrong_between_hello_and_the_end_of_the_handshake_closes_the_connection():
    box = box_of()
    name = meet(box)
    box.slow_handshakes = True
    number = box.connect(LISTENER, chain(testca.peer()), HOME, (name,))
    assert box.sbc.session_offered(number, (name,), box.now) is not None
    box.commit("set system security pki certificate CA state disabled")
    box.sbc.handshake_done(number, HandshakeDone("TLSv1.2", "AES", True, (), ()), box.now)
    box.pump()
    assert box.sbc.connection(number) is None
    assert number in box.closed
    event = box.events("handshake")[-1]
    assert (event.ok, event.resumed, event.reason) == (False, True, "peer certificate issuer unknown")
    assert tls_counters(box)["clientAuthFailures"] == 1
    assert "currentServerConnections" not in tls_counters(box)


def test_a_resumption_that_nobody_allowed_is_refused():
    box = box_of()
    box.slow_handshakes = True
    number = box.connect(LISTENER, chain(testca.peer()))
    box.sbc.handshake_done(number, HandshakeDone("TLSv1.2", "AES", True, ()), box.now)
    box.pump()
    assert box.sbc.connection(number) is None
    assert box.events("handshake")[-1].reason == tlssessions.NOT_ALLOWED


def test_a_session_that_was_allowed_and_did_not_fit_after_all_leaves_a_full_handshake():
    box = box_of()
    name = meet(box)
    box.slow_handshakes = True
    number = box.connect(LISTENER, chain(testca.peer()), HOME, (name,))
    box.sbc.session_offered(number, (name,), box.now)
    box.sbc.handshake_done(number, HandshakeDone("TLSv1.2", "AES", False, chain(testca.peer()), (b"n",)), box.now)
    record = box.sbc.connection(number)
    assert (record.resumed, record.session_name) == (False, b"n")
    assert declined(box) == tlssessions.NOT_TAKEN


def test_a_resumed_connection_that_has_no_certificate_waits_for_its_request_again():
    box = box_of(f"{SET_PROFILE}authClient false")
    number = box.connect(LISTENER)
    record = back(box, box.given[number])
    assert (record.resumed, record.state.value) == (True, "waitingSipAuth")


# What ends sessions.


def recheck(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    box.commit("set system security pki certificate CA state disabled")
    box.advance("1d")
    assert box.events("connectionClosed")[-1].reason == "certificate re-check: untrusted"
    box.commit("set system security pki certificate CA state enabled")
    return box.given[number]


def fatal_alert(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    box.sbc.closed(number, "peer sent alert", box.now, 20, Ending.ALERT)
    return box.given[number]


def broken(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    box.sbc.closed(number, "TLS error", box.now, 0, Ending.UNREADABLE)
    return box.given[number]


def deleted_port(box):
    name = meet(box)
    box.commit(f"{SET_PORT}state disabled mode outOfService")
    box.commit(f"delete {ZONE} sipSigPort 1")
    box.commit(*(line for line in BASE if "sipSigPort" in line))
    return name


def reset(box):
    box.sbc.adopt_start()
    name = meet(box)
    box.sbc.reset(box.now)
    box.pump()
    return name


def restart(box):
    name = meet(box)
    box.sbc.request(("system", "admin", "SBC1"), "softReset", {}, None, box.now)
    box.pump()
    return name


def switchover(box):
    name = meet(box)
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    return name


def gone(ending):
    def act(box):
        number = box.connect(LISTENER, chain(testca.peer()))
        box.sbc.closed(number, ending.value, box.now, 0, ending)
        return box.given[number]

    act.__name__ = ending.name
    return act


def our_close(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    box.sbc.close_connection(number, "closed by the control API", box.now)
    return box.given[number]


def bounce(box):
    name = meet(box)
    box.commit(f"{SET_PORT}mode outOfService state disabled")
    box.commit(f"{SET_PORT}mode inService state enabled")
    return name


def interface_bounce(box):
    name = meet(box)
    interface = "set addressContext default ipInterfaceGroup LIG ipInterface LIF "
    box.commit(f"{interface}mode outOfService state disabled action force")
    box.commit(f"{interface}mode inService state enabled")
    return name


def new_anchor(box):
    name = meet(box)
    box.put("other.der", testca.stranger().certificate.der)
    box.commit("set system security pki certificate OTHER fileName other.der type remote state enabled")
    return name


ENDS = [recheck, fatal_alert, broken, deleted_port, reset, restart, switchover]
STAYS = [our_close, bounce, interface_bounce, new_anchor, *map(gone, (Ending.CLOSED, Ending.CUT, Ending.RESET))]


@pytest.mark.parametrize("act", [*ENDS, *STAYS], ids=lambda act: act.__name__)
def test_what_becomes_of_a_session(act):
    box = box_of(f"{SET_PROFILE}sessionResumpTimer 86400", settings=Settings(ha=HaMode.PAIR))
    box.advance("12h")
    record = back(box, act(box))
    assert record.resumed is (act in STAYS)
    if act in ENDS:
        assert declined(box) == tlssessions.UNKNOWN


def test_sessions_survive_a_switchover_where_the_simulator_is_told_so():
    box = box_of(settings=Settings(ha=HaMode.PAIR, sessions_survive_switchover=True))
    assert back(box, switchover(box)).resumed


# Names, tables and limits.


def test_the_status_table_shows_name_and_resumptions():
    box = box_of(version="TLSv1.3")
    first = box.connect(LISTENER, chain(testca.peer()))
    row = zone_row(box, "sipSigTlsSessionStatus")
    assert (row["resumptions"], row["tlsSessionId"]) == (0, box.given[first].hex().upper())
    again = box.connect(LISTENER, (), HOME, (box.given[first],))
    rows = [zone_row(box, "sipSigTlsSessionStatus", number) for number in range(2)]
    assert [row["resumptions"] for row in rows] == [1, 1]
    assert rows[1]["tlsSessionId"] == box.given[again].hex().upper() != rows[0]["tlsSessionId"]


def test_each_name_of_a_session_stays_good():
    box = box_of(version="TLSv1.3")
    names = [meet(box)]
    for _ in range(3):
        names.append(back(box, names[-1]).session_name)
    assert len(set(names)) == 4
    assert all(back(box, name).resumed for name in names)


def test_names_and_sessions_are_limited(monkeypatch):
    monkeypatch.setattr(tlssessions, "MAX_NAMES", 3)
    monkeypatch.setattr(tlssessions, "MAX_SESSIONS", 2)
    box = box_of(version="TLSv1.3")
    first = name = meet(box)
    for _ in range(3):
        name = back(box, name).session_name
    assert not back(box, first).resumed  # which bears a second session
    assert back(box, name).resumed
    meet(box)
    assert not back(box, name).resumed
    sessions = box.sbc._plane.sessions
    assert len(sessions) == 2
    assert set(sessions._by_name.values()) == set(sessions._sessions)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_what_is_over_is_forgotten(steps):
    box = box_of(f"{SET_PROFILE}sessionResumpTimer 3", version="TLSv1.3")
    names: list[bytes] = []
    for step in steps:
        box.advance(f"{step}s")
        record = (
            back(box, names[-1])
            if names and step % 2
            else box.sbc.connection(box.connect(LISTENER, chain(testca.peer())))
        )
        names.append(record.session_name)
        sessions = box.sbc._plane.sessions
        assert sorted(sessions._by_name) == sorted(name for each in sessions._sessions for name in each.names)
    box.advance("3s")
    box.connect(LISTENER, chain(testca.peer()))
    assert len(box.sbc._plane.sessions) == 1
