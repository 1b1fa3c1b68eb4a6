"""What stands for many must count as the many would have: dials and handshakes of pings that a jump replaces."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box, FarEnd

ZONE = ("addressContext", "default", "zone", "Z")
BASE = (
    "set system security pki certificate CA fileName ca.der type remote state enabled",
    "set system security pki certificate OLD fileName old.p12 type local passPhrase secret state enabled",
    "set profiles security tlsProfile TLS serverCertName OLD clientCertName OLD",
    "set profiles services pathCheckProfile PCP sendInterval 60 replyTimeoutCount 3 recoveryCount 2",
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 "
        "prefix 24 mode inService state enabled"
    ),
    (
        "set addressContext default zone Z id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled"
    ),
    "set addressContext default zone Z ipPeer P ipAddress 192.0.2.10 ipPort 5061",
    "set addressContext default zone Z ipPeer P pathCheck profile PCP state enabled",
)


def pinging(far: FarEnd) -> Box:
    box = Box(start=testca.START)
    far.chain = (testca.peer().certificate.der, testca.authority().certificate.der)
    box.far_ends["192.0.2.10", 5061] = far
    box.put("ca.der", testca.authority().certificate.der)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    box.commit(*BASE)
    return box


def tls_counters(box: Box):
    (row,) = box.sbc.rows((*ZONE, "sipSigPortTlsStatistics"))
    return row


def total(box: Box, kind: str) -> int:
    return sum(event.times for event in box.events(kind))


def test_a_peer_that_came_back_unseen_is_connected_to_once():
    far = FarEnd(behaviour="refuse")
    box = pinging(far)
    box.advance("10m")
    far.behaviour = "answer"
    box.advance("1h")
    assert box.sbc.peers()[0].state == "up"
    assert (total(box, "handshake"), tls_counters(box)["totalClientConnections"]) == (1, 1)
    (connection,) = box.sbc.connections()
    box.sbc.closed(connection.id, "alert", box.now, 80)
    assert tls_counters(box)["fatelAlertsReceived"] == 1


@pytest.mark.parametrize("late", [False, True], ids=["TLS 1.2", "TLS 1.3"])
def test_refusals_count_alike_whole_or_in_pieces_whenever_the_peer_refuses(late):
    def counted(*pieces: str):
        box = pinging(FarEnd(late=late))
        for piece in pieces:
            box.advance(piece)
        (connections,) = box.sbc.rows((*ZONE, "sipSigConnStatistics"))
        return tls_counters(box), connections, total(box, "handshake"), total(box, "alertReceived")

    whole = counted("61d")
    assert whole == counted("60d", "1s", "7m", "11h52m59s", "12h")
    assert whole[0]["fatelAlertsReceived"] == 24 * 60 + 1
    assert whole[0]["totalClientConnections"] == (24 * 60 + 2 if late else 1)


def test_dials_that_nobody_answers_are_counted_when_the_jump_ends_but_for_the_last():
    box = pinging(FarEnd(behaviour="hang"))
    box.advance("1h")
    # At the end of the jump a ping has just been due: its dial still has its time.
    assert total(box, "dialFailed") == 60
    box.advance("5s")
    assert total(box, "dialFailed") == 61


def test_handshakes_that_nobody_answers_are_counted_when_the_jump_ends_but_for_the_last():
    box = pinging(FarEnd())
    box.slow_handshakes = True
    (connection,) = box.sbc.connections()
    box.sbc.closed(connection.id, "reset by peer", box.now)
    box.advance("1h")
    assert tls_counters(box)["handshakeTimeouts"] == total(box, "handshake") - 1 == 59
    assert tls_counters(box)["currentClientHandshakes"] == 1
    box.advance("5s")
    assert tls_counters(box)["handshakeTimeouts"] == 60
