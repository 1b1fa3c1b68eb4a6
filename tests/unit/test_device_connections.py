"""Connection records: their states, their one certificate, and the indexes by which they are found."""

from __future__ import annotations

from itertools import product

import pytest
import testca
from hypothesis import given
from hypothesis import strategies as st
from livebox import LISTENER, PEER, SET_PROFILE, chain, live_box

from sbcsim.clock import Instant
from sbcsim.device.connections import _NEXT, ConnectionRecord, ConnectionState, ConnectionTable
from sbcsim.device.effects import Closing, Direction, Transport
from sbcsim.errors import BugError
from sbcsim.pki.credential import Credential

NOW = Instant(0, 0)
FIRST_PORT, SECOND_PORT = ("default", "Z", 1), ("default", "Z", 2)
WAYS = {
    ConnectionState.CONNECTING: (),
    ConnectionState.NEGOTIATING: (ConnectionState.NEGOTIATING,),
    ConnectionState.WAITING_SIP_AUTH: (ConnectionState.NEGOTIATING, ConnectionState.WAITING_SIP_AUTH),
    ConnectionState.UP: (ConnectionState.UP,),
    ConnectionState.CLOSED: (ConnectionState.CLOSED,),
}


def record(number=1, *, port=FIRST_PORT, peer=None, transport=Transport.TLS, direction=Direction.INBOUND):
    return ConnectionRecord(
        number, direction, transport, port, ("", "", ""), ("10.0.0.5", 5061), ("192.0.2.1", 4), NOW, peer=peer
    )


def credential(issued, name="OLD"):
    return Credential(name, issued.certificate, (), issued.key)


# The record.


@pytest.mark.parametrize(("state", "after"), list(product(ConnectionState, ConnectionState)))
def test_every_move_is_allowed_by_the_table_or_raises_and_changes_nothing(state, after):
    subject = record()
    for step in WAYS[state]:
        subject.move(step)
    assert subject.state is state
    if after in _NEXT[state]:
        subject.move(after)
        assert subject.state is after
    else:
        with pytest.raises(BugError, match="cannot go from"):
            subject.move(after)
        assert subject.state is state


def test_sip_flows_only_in_the_two_established_states():
    assert {state for state in ConnectionState if _in(state).established} == {
        ConnectionState.UP,
        ConnectionState.WAITING_SIP_AUTH,
    }


def _in(state):
    subject = record()
    for step in WAYS[state]:
        subject.move(step)
    return subject


def test_a_record_gets_its_certificate_once():
    subject = record()
    first = credential(testca.sbc())
    subject.begin_handshake("TLS", first, 7)
    assert (subject.credential, subject.tls_profile, subject.revision) == (first, "TLS", 7)
    with pytest.raises(BugError, match="has its certificate already"):
        subject.begin_handshake("TLS", credential(testca.sbc_renewed()), 8)
    assert subject.credential is first
    with pytest.raises(AttributeError):
        subject.credential = None


def test_a_plain_connection_never_gets_a_certificate():
    subject = record(transport=Transport.TCP)
    subject.move(ConnectionState.UP)
    with pytest.raises(BugError):
        subject.begin_handshake("TLS", credential(testca.sbc()), 1)
    assert subject.credential is None


def test_what_a_record_stands_on():
    subject = record()
    subject.begin_handshake("TLS", credential(testca.sbc()), 1)
    subject.peer_chain = (testca.peer().certificate, testca.authority().certificate)
    own, *theirs = subject.certificates()
    assert own == testca.sbc().certificate
    assert theirs == list(subject.peer_chain)
    subject.validate_peer = False
    assert list(subject.certificates()) == [own]


@pytest.mark.parametrize(("direction", "role"), [(Direction.INBOUND, "server"), (Direction.OUTBOUND, "client")])
def test_roles(direction, role):
    assert record(direction=direction).role == role


# The table.


def opened(table, number, *, port=FIRST_PORT, peer=None, own=None, theirs=()):
    subject = record(number, port=port, peer=peer)
    table.add(subject)
    subject.begin_handshake("TLS", None if own is None else credential(own), 1)
    subject.peer_chain = tuple(each.certificate for each in theirs)
    subject.move(ConnectionState.UP)
    table.index_certificates(subject)
    return subject


def test_ids_count_up_and_a_dial_that_stands_for_many_uses_up_as_many():
    table = ConnectionTable()
    assert [table.take_id(), table.take_id(), table.take_id(5), table.take_id()] == [1, 2, 7, 8]


def test_records_are_found_by_id_port_peer_and_certificate_in_order():
    table = ConnectionTable()
    peer = ("default", "Z", "P")
    third = opened(table, 3, own=testca.sbc(), theirs=[testca.peer()])
    first = opened(table, 1, peer=peer, own=testca.sbc())
    second = opened(table, 2, port=SECOND_PORT, own=testca.sbc_renewed())
    assert table.get(2) is second
    assert table.get(4) is None
    assert list(table.on_port(FIRST_PORT)) == [first, third]
    assert list(table.of_peer(peer)) == [first]
    assert list(table.using(testca.sbc().certificate.fingerprint)) == [first, third]
    assert list(table.using(testca.peer().certificate.fingerprint)) == [third]
    assert (len(table), table.secured) == (3, 3)


def test_a_removed_record_leaves_nothing_behind():
    table = ConnectionTable()
    subject = opened(table, 1, peer=("default", "Z", "P"), own=testca.sbc(), theirs=[testca.peer()])
    table.remove(subject)
    assert subject.state is ConnectionState.CLOSED
    assert (len(table), table.secured) == (0, 0)
    assert not table.uses(testca.sbc().certificate.fingerprint)
    assert not any((table._by_port, table._by_peer, table._by_certificate, table._records))
    with pytest.raises(BugError):
        table.remove(subject)


def test_ids_begin_anew_only_with_no_connection_left():
    table = ConnectionTable()
    subject = opened(table, table.take_id())
    with pytest.raises(BugError, match="live connections"):
        table.restart()
    table.remove(subject)
    table.restart()
    assert table.take_id() == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_the_indexes_agree_with_a_search_through_all(steps):
    certificates = [testca.sbc(), testca.sbc_renewed(), testca.peer(), testca.peer("other.example.com")]
    table = ConnectionTable()
    live = []
    for add, one, other in steps:
        if add:
            port = ("default", "Z", one)
            peer = ("default", "Z", f"P{other}") if other % 2 else None
            live.append(
                opened(
                    table, table.take_id(), port=port, peer=peer, own=certificates[one], theirs=[certificates[other]]
                )
            )
        elif live:
            table.remove(live.pop((one * 4 + other) % len(live)))
    assert list(table) == live
    for number in range(4):
        port, peer = ("default", "Z", number), ("default", "Z", f"P{number}")
        assert list(table.on_port(port)) == [each for each in live if each.port == port]
        assert list(table.of_peer(peer)) == [each for each in live if each.peer == peer]
        fingerprint = certificates[number].certificate.fingerprint
        using = [each for each in live if fingerprint in {one.fingerprint for one in each.certificates()}]
        assert list(table.using(fingerprint)) == using
        assert table.uses(fingerprint) is bool(using)


# The plane: timers and effects of connections that come and go.


@pytest.fixture
def box():
    return live_box()


def timers(box):
    """Return the kinds of timer that are set for connections."""
    queue = box.sbc._chassis.timetable.own
    return sorted({key[0] for key in queue._by_key} & {"connect", "handshake", "auth"})


def test_no_timer_outlives_its_connection(box):
    box.commit(SET_PROFILE + "authClient false")
    number = box.connect(LISTENER)
    assert timers(box) == ["auth"]
    box.sbc.closed(number, "closed by peer", box.now)
    assert timers(box) == []


def test_a_handshake_ends_with_the_settings_it_began_with(box):
    box.slow_handshakes = True
    strict = box.connect(LISTENER, chain(testca.peer()))
    box.commit(SET_PROFILE + "authClient false appAuthTimer 9")
    lax = box.connect(LISTENER)
    box.commit(SET_PROFILE + "authClient true appAuthTimer 5")
    box.finish_handshake(strict)
    box.finish_handshake(lax)
    assert box.sbc.connection(strict).state is ConnectionState.UP
    assert box.sbc.connection(lax).state is ConnectionState.WAITING_SIP_AUTH
    box.advance("8s")
    assert box.sbc.connection(lax) is not None
    box.advance("1s")
    assert box.sbc.connection(lax) is None


def test_the_certificate_is_chosen_when_the_handshake_begins(box):
    box.slow_handshakes = True
    number = box.connect(LISTENER, chain(testca.peer()))
    box.commit(
        "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
        SET_PROFILE + "serverCertName NEW clientCertName NEW",
    )
    later = box.connect(LISTENER, chain(testca.peer()))
    box.finish_handshake(number)
    box.finish_handshake(later)
    assert [box.sbc.connection(each).credential.name for each in (number, later)] == ["OLD", "NEW"]


def test_an_alert_during_the_handshake_fails_it(box):
    box.slow_handshakes = True
    number = box.connect(LISTENER, chain(testca.peer()))
    box.sbc.closed(number, "peer sent alert 42", box.now, 42)
    (event,) = [each for each in box.events("handshake") if not each.ok]
    assert (event.connection, event.alert_received) == (number, 42)
    assert timers(box) == []


def test_what_is_reported_of_a_connection_that_is_gone_does_nothing(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    box.sbc.close_connection(number, "by hand", box.now)
    before = len(box.sbc.journal)
    box.sbc.closed(number, "x", box.now, 42)
    box.sbc.dial_failed(number, "x", box.now)
    box.sbc.dialed(number, ("127.0.0.1", 1), box.now)
    box.sbc.received(number, b"\r\n\r\n", box.now)
    assert box.sbc.close_connection(number, "again", box.now) is False
    assert len(box.sbc.journal) == before


def test_a_connection_to_a_port_that_has_just_left_service_is_reset(box):
    (listener,) = box.sbc.listeners()
    box.commit("set addressContext default zone Z sipSigPort 1 mode outOfService")
    number = box.sbc.accepted(listener, LISTENER, ("192.0.2.77", 1), box.now)
    (effect,) = box.sbc.take_effects()
    assert (effect.connection, effect.how) == (number, Closing.RESET)
    assert box.sbc.connection(number) is None


def test_a_dial_that_hangs_ends_with_the_connect_timeout(box):
    box.far_ends[PEER].behaviour = "hang"
    box.sbc.close_connection(1, "by hand", box.now)
    box.advance("64s")
    assert box.sbc.connections()[0].state is ConnectionState.CONNECTING
    assert timers(box) == ["connect"]
    box.advance("1s")
    assert not box.sbc.connections()
    assert box.events("dialFailed")[0].reason == "tcpConnectTimeout ran out"
    assert timers(box) == []
