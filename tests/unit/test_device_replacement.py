"""The replacement window: what is refused while a certificate is replaced, what stays, and when it is over."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box
from livebox import LISTENER, SET_PROFILE, chain, live_box, names, peer, renew, tls_counters

from sbcsim.clock import SECOND
from sbcsim.device.redundancy import RestartCause
from sbcsim.device.settings import Settings

NEW = "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled"
INVITE = (
    "INVITE sip:1@10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKx;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:1@10.0.0.5>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@192.0.2.9>\r\n"
    "Content-Length: 0\r\n\r\n"
)


@pytest.fixture
def box() -> Box:
    return live_box(NEW, settings=Settings(replacement_window=30 * SECOND))


def dial_in(box: Box) -> int:
    return box.connect(LISTENER, chain(testca.peer("dialler.example.com")))


def told(box: Box) -> list[tuple[str, str, str, str, int]]:
    return [(each.profile, each.role, each.old, each.new, each.window) for each in box.events("certificateReplaced")]


def test_it_is_as_short_as_can_be_unless_somebody_wants_it_longer():
    box = live_box()
    renew(box)
    assert told(box) == [("TLS", "client", "OLD", "NEW", 0), ("TLS", "server", "OLD", "NEW", 0)]
    assert box.sbc.connection(dial_in(box)).established
    assert box.events("replacementEnded") == []


def test_no_session_is_set_up_in_it(box):
    box.commit(SET_PROFILE + "serverCertName NEW")
    box.advance("29s")
    number = dial_in(box)
    assert box.sbc.connection(number) is None
    assert number in box.closed
    (*_, handshake) = box.events("handshake")
    assert (handshake.ok, handshake.reason, handshake.alert_sent) == (False, "certificate is being replaced", 0)
    assert tls_counters(box)["handshakeFailures"] == 1
    assert tls_counters(box).get("currentServerHandshakes") is None
    box.advance("1s")
    assert [event.profile for event in box.events("replacementEnded")] == ["TLS"]
    number = dial_in(box)
    assert box.sbc.connection(number).credential.name == "NEW"


def test_the_box_sets_none_up_either(box):
    box.sbc.close_connection(1, "test", box.now)
    box.commit(SET_PROFILE + "clientCertName NEW")
    box.advance("60s")
    failed = [event.reason for event in box.events("handshake") if not event.ok]
    assert failed == [], "its next ping goes after the window"
    box.sbc.close_connection(2, "test", box.now)
    box.commit(SET_PROFILE + "clientCertName OLD")
    box.commit("set addressContext default zone Z ipPeer P pathCheck state disabled")
    box.commit("set addressContext default zone Z ipPeer P pathCheck state enabled")
    assert [event.reason for event in box.events("handshake") if not event.ok] == ["certificate is being replaced"]
    assert peer(box).failures == 1


def test_stable_sessions_stay_and_work(box):
    number = dial_in(box)
    box.commit(SET_PROFILE + "serverCertName NEW clientCertName NEW")
    assert names(box) == ["OLD", "OLD"]
    options = INVITE.replace("INVITE", "OPTIONS")
    assert box.say(number, options.encode()).startswith(b"SIP/2.0 200 ")
    assert names(box) == ["OLD", "OLD"]


def test_new_calls_are_turned_away_in_it(box):
    number = dial_in(box)
    box.commit(SET_PROFILE + "serverCertName NEW")
    assert box.say(number, INVITE.encode()).startswith(b"SIP/2.0 503 ")
    assert [(each.status, each.why) for each in box.events("callRefused")] == [(503, "certificate is being replaced")]
    in_dialog = INVITE.replace("To: <sip:1@10.0.0.5>", "To: <sip:1@10.0.0.5>;tag=2").replace("bKx;", "bKwithin;")
    assert box.say(number, in_dialog.encode()).startswith(b"SIP/2.0 481 "), "it is asked what it belongs to"
    box.advance("30s")
    another = INVITE.replace("z9hG4bK", "z9hG4bKanother").replace("Call-ID: x", "Call-ID: y")
    assert box.say(number, another.encode()).startswith(b"SIP/2.0 403 "), "that is no peer's"


@pytest.mark.parametrize(
    "lines",
    [
        (SET_PROFILE + "handshakeTimer 9",),
        ("set profiles security tlsProfile OTHER serverCertName NEW",),
        ("delete profiles security tlsProfile TLS serverCertName",),
    ],
    ids=["another leaf", "another profile, which had none", "no certificate any more"],
)
def test_what_replaces_nothing_begins_none(box, lines):
    box.commit(*lines)
    assert told(box) == []


def test_another_commit_begins_it_anew(box):
    box.commit(SET_PROFILE + "serverCertName NEW")
    box.advance("20s")
    box.commit(SET_PROFILE + "serverCertName OLD")
    box.advance("20s")
    assert box.sbc.connection(dial_in(box)) is None
    box.advance("10s")
    assert box.sbc.connection(dial_in(box)).established


def test_other_profiles_are_not_concerned(box):
    box.commit("set profiles security tlsProfile OTHER serverCertName NEW")
    box.commit("set profiles security tlsProfile OTHER serverCertName OLD")
    assert told(box) == [("OTHER", "server", "NEW", "OLD", 30 * SECOND)]
    assert box.sbc.connection(dial_in(box)).established


@pytest.mark.parametrize("how", ["reset", "restart"])
def test_a_node_that_begins_anew_has_none(box, how):
    box.sbc.adopt_start()
    box.commit(SET_PROFILE + "serverCertName NEW")
    if how == "reset":
        box.sbc.reset(box.now)
    else:
        box.sbc.restart(RestartCause.SOFT, box.now)
    box.pump()
    assert box.sbc.connection(dial_in(box)).established
    box.advance("1m")
    assert box.events("replacementEnded") == []


def test_the_end_of_the_window_is_an_instant_of_its_own_in_a_jump():
    def after(*steps: str):
        box = live_box(NEW, settings=Settings(replacement_window=150 * SECOND))
        box.sbc.close_connection(1, "test", box.now)
        box.commit(SET_PROFILE + "clientCertName NEW")
        for step in steps:
            box.advance(step)
        return names(box), tls_counters(box), peer(box)

    assert after("1h") == after("1m", "1m", "29s", "1s", "57m30s")
    assert after("1h")[0] == ["NEW"]
    assert after("1h")[1]["handshakeFailures"] == 2
