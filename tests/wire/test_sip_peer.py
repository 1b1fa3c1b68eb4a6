"""The SIP peer that tests are made with: what it is told to do happens on the wire, and what it saw is on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import testca
from boxes import LINES, certificate_files
from pingedbox import VERSIONS, tls_port
from sftpfiles import upload
from tlsbox import SET_PROFILE, commit

from sbcsim.clock import VirtualClock
from sbcsim.errors import PeerError, UserError
from sbcsim.expectation import ExpectationError
from sbcsim.net.peerconduct import Behaviour, Conduct, End
from sbcsim.net.peertls import Refusal, TlsTerms
from sbcsim.simulator import Simulator
from sbcsim.testing import Authority, SipPeer, new_key

ZONE = "addressContext default zone Z"
PINGED = (
    "set profiles services pathCheckProfile PCP sendInterval 60 replyTimeoutCount 1 recoveryCount 1",
    f"set {ZONE} ipPeer P ipAddress 192.0.2.10 ipPort 5061",
)
PING = f"set {ZONE} ipPeer P pathCheck profile PCP state enabled"
OPTIONS = (
    b"OPTIONS sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK7;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>\r\nCall-ID: 7\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


class Scene:
    """A box whose ipPeer is the peer; nothing is pinged until `ping`."""

    def __init__(self, box: Simulator, peer: SipPeer) -> None:
        self.box = box
        self.peer = peer
        self._pinged = False

    async def ping(self) -> None:
        """Have the box ping the peer, and wait until it is settled how that ended."""
        if self._pinged:
            await self.box.advance(seconds=60)
        else:
            self._pinged = True
            commit(self.box, PING)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(testca.START)


@pytest.fixture
async def peer(clock: VirtualClock) -> AsyncIterator[SipPeer]:
    peer = SipPeer(testca.peer(), testca.authority().certificate, clock.reading)
    await peer.listen()
    yield peer
    await peer.close()


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def scene(tmp_path: Path, peer: SipPeer, clock: VirtualClock, version: str) -> AsyncIterator[Scene]:
    configuration = tmp_path / "box.cli"
    configuration.write_text("\n".join((*LINES, *PINGED, f"{SET_PROFILE}{VERSIONS[version]}")) + "\n")
    box = Simulator(
        configuration,
        clock=clock,
        files=certificate_files(),
        maps=[f"192.0.2.10:5061=127.0.0.1:{peer.port}"],
    )
    async with box:
        yield Scene(box, peer)


async def test_what_a_good_peer_saw(scene: Scene, version: str) -> None:
    await scene.ping()
    asked = await scene.peer.wait_for("request", method="OPTIONS")
    assert asked.event.raw.startswith(b"OPTIONS sip:")
    assert asked.event.raw.endswith(b"\r\n\r\n")
    assert asked.event.message.headers.get("CSeq").endswith("OPTIONS")
    assert asked.at.rfc3339() == testca.START
    handshake = scene.peer.expect("handshake", ok=True, direction="accepted", version=version, resumed=False)
    own = testca.sbc().certificate
    assert (handshake.event.serial, handshake.event.shown) == (own.serial, (own,))
    (connection,) = scene.peer.connections
    assert (connection.certificate, connection.live, connection.requests) == (own, True, 1)
    await scene.peer.hang_up(connection)
    scene.peer.expect("end", by="peer", how="close_notify")
    await scene.box.wait_for("connectionClosed", by="remote")


async def test_the_whole_chain_that_the_box_shows(scene: Scene) -> None:
    issued = testca.intermediate().issue("sbc.example.com")
    await upload(scene.box, {"issuing.der": testca.intermediate().certificate.der, "new.p12": issued.pkcs12("secret")})
    commit(
        scene.box,
        "set system security pki certificate ISSUING fileName issuing.der type remote state enabled",
        "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
        f"{SET_PROFILE}serverCertName NEW",
    )
    connection = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    assert connection.shown == (issued.certificate, testca.intermediate().certificate)


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (Behaviour.UNAVAILABLE, 503),
        (Behaviour.SERVER_ERROR, 500),
        (Behaviour.NOT_FOUND, 404),
        (Conduct(status=603), 603),
    ],
)
async def test_statuses_by_name_and_by_number(scene: Scene, behaviour: Behaviour | Conduct, status: int) -> None:
    scene.peer.behave(behaviour)
    await scene.ping()
    await scene.box.wait_for("sip", summary=lambda line: line.startswith(f"SIP/2.0 {status} "))


async def test_silence_and_how_it_ends(scene: Scene) -> None:
    scene.peer.behave(Behaviour.SILENT)
    await scene.ping()
    await scene.peer.wait_for("request")
    await scene.box.advance(seconds=40)
    with pytest.raises(ExpectationError):
        scene.box.expect("sip", summary="SIP/2.0 200 OK")
    scene.peer.behave()
    await scene.ping()
    await scene.box.wait_for("sip", summary="SIP/2.0 200 OK")


async def test_answers_that_are_held_until_the_conduct_changes(scene: Scene) -> None:
    scene.peer.behave(Behaviour.HELD)
    await scene.ping()
    await scene.peer.wait_for("request")
    with pytest.raises(ExpectationError):
        scene.box.expect("sip", summary="SIP/2.0 200 OK")
    scene.peer.behave(status=200)
    await scene.box.wait_for("sip", summary="SIP/2.0 200 OK")


async def test_a_late_answer(scene: Scene) -> None:
    scene.peer.behave(delay=0.01)
    await scene.ping()
    await scene.box.wait_for("sip", summary="SIP/2.0 200 OK")


async def test_a_late_answer_comes_before_the_end(scene: Scene) -> None:
    scene.peer.behave(Behaviour.CLOSES_AFTER_ONE, delay=0.01)
    await scene.ping()
    await scene.box.wait_for("sip", summary="SIP/2.0 200 OK")
    await scene.peer.wait_for("end", by="peer", how="close_notify")


@pytest.mark.parametrize(
    ("behaviour", "how", "reason"),
    [
        (Behaviour.CLOSES, "close_notify", "closed by peer"),
        (Behaviour.CUTS, "fin", "closed by peer without close_notify"),
        (Behaviour.RESETS, "reset", "reset by peer"),
        (Behaviour.CLOSES_AFTER_ONE, "close_notify", "closed by peer"),
    ],
)
async def test_ends(scene: Scene, behaviour: Behaviour, how: str, reason: str) -> None:
    scene.peer.behave(behaviour)
    await scene.ping()
    await scene.peer.wait_for("end", by="peer", how=how)
    closed = await scene.box.wait_for("connectionClosed")
    assert (closed.event.by, closed.event.reason) == ("remote", reason)
    answered = [each for each in scene.box.journal("sip") if each.event.summary == "SIP/2.0 200 OK"]
    assert bool(answered) is (behaviour is Behaviour.CLOSES_AFTER_ONE)


async def test_a_port_that_refuses_and_takes_connections_again(scene: Scene) -> None:
    port = scene.peer.port
    scene.peer.behave(Behaviour.NOT_LISTENING)
    await scene.ping()
    failed = await scene.box.wait_for("dialFailed")
    assert failed.event.reason == "connection refused"
    scene.peer.behave()
    assert scene.peer.port == port
    await scene.ping()
    await scene.peer.wait_for("handshake", ok=True)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour.CLOSES_AT_ONCE, "connection closed during handshake"),
        (Behaviour.RESETS_AT_ONCE, "reset by peer"),
        (Behaviour.SPEAKS_HTTP, "wrong version number"),
    ],
)
async def test_handshakes_that_are_none(scene: Scene, behaviour: Behaviour, reason: str) -> None:
    scene.peer.behave(behaviour)
    await scene.ping()
    failed = await scene.box.wait_for("handshake", ok=False)
    assert failed.event.reason == reason
    assert (await scene.peer.wait_for("handshake", ok=False)).event.reason.endswith("on purpose")
    assert scene.peer.connections == []
    assert len(scene.peer.attempts) == 1


async def test_a_handshake_that_never_ends(scene: Scene) -> None:
    scene.peer.behave(Behaviour.STALLS)
    await scene.ping()
    await scene.peer.wait_for(lambda: bool(scene.peer.attempts))
    await scene.box.advance(seconds=5)
    await scene.box.wait_for("handshake", ok=False, reason="handshakeTimer ran out")


@pytest.mark.parametrize("refusal", Refusal)
async def test_every_alert_that_refuses_the_certificate_where_the_box_dials(scene: Scene, refusal: Refusal) -> None:
    scene.peer.behave(refuses=refusal)
    await scene.ping()
    seen = await scene.peer.wait_for("handshake", ok=False, alert_sent=refusal.value)
    assert (seen.event.reason, seen.event.serial) == ("on purpose", testca.sbc().certificate.serial)
    # Over TLS 1.3 the box, as client, has gone through its handshake by then.
    if (await scene.box.wait_for("handshake")).event.ok:
        await scene.box.wait_for("alertReceived", alert=refusal.value)
    else:
        scene.box.expect("handshake", ok=False, alert_received=refusal.value)


@pytest.mark.parametrize("refusal", [Refusal.CERTIFICATE_REVOKED, Refusal.CERTIFICATE_UNKNOWN])
async def test_a_refusal_where_the_peer_dials(scene: Scene, refusal: Refusal) -> None:
    scene.peer.behave(refuses=refusal)
    refused = rf"the peer refused the box's certificate: on purpose, sent \w+ \({refusal.value}\)"
    with pytest.raises(PeerError, match=refused):
        await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    await scene.box.wait_for("handshake", ok=False, alert_received=refusal.value)


async def test_who_trusts_nobody_knows_no_authority(scene: Scene) -> None:
    scene.peer.trust()
    with pytest.raises(PeerError, match=r"sent unknown_ca \(48\)"):
        await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    scene.peer.trust(testca.authority().certificate)
    assert (await scene.peer.dial("127.0.0.1", tls_port(scene.box))).live


async def test_dates_are_judged_by_the_box_s_clock(scene: Scene) -> None:
    kept = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    scene.peer.negotiate(names=("sbc.example.com",))
    assert (await scene.peer.dial("127.0.0.1", tls_port(scene.box))).live
    await scene.box.advance(to="2026-03-01T00:00:01Z")
    with pytest.raises(PeerError, match=r"certificate has expired, sent certificate_expired \(45\)"):
        await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    scene.peer.negotiate(checks_dates=False)
    assert (await scene.peer.dial("127.0.0.1", tls_port(scene.box))).live
    assert kept.closed is None or kept.ended_by == "box"


async def test_names_and_lists_of_what_is_revoked(scene: Scene) -> None:
    where = "127.0.0.1", tls_port(scene.box)
    scene.peer.negotiate(names=("somebody.else",))
    with pytest.raises(PeerError, match=r"hostname mismatch, sent bad_certificate \(42\)"):
        await scene.peer.dial(*where)
    authority = Authority(
        "Test CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z", key=testca.authority().key
    )
    scene.peer.negotiate(names=(), crls=(authority.crl(),))
    assert (await scene.peer.dial(*where)).live
    authority.revoke(testca.sbc())
    scene.peer.negotiate(crls=(authority.crl(),))
    with pytest.raises(PeerError, match=r"certificate revoked, sent certificate_revoked \(44\)"):
        await scene.peer.dial(*where)
    scene.peer.negotiate(checks=False)
    assert (await scene.peer.dial(*where)).live


async def test_another_certificate_is_shown_from_then_on(scene: Scene) -> None:
    where = "127.0.0.1", tls_port(scene.box)
    await scene.peer.dial(*where)
    new = testca.authority().renew(testca.peer(), not_before="2025-12-01T00:00:00Z", not_after="2031-01-01T00:00:00Z")
    scene.peer.present(new)
    await scene.peer.ping(await scene.peer.dial(*where))
    shown = [each.peer_certificate.serial for each in scene.box.connections()]
    assert shown == [testca.peer().certificate.serial, new.certificate.serial]
    scene.peer.present(testca.stranger().issue("peer.example.com"))
    with pytest.raises(PeerError, match=r"unknown_ca \(48\)|closed instead"):
        await scene.peer.ping(await scene.peer.dial(*where))
    assert scene.peer.attempts[-1].alert_received == 48


async def test_versions(scene: Scene, version: str) -> None:
    scene.peer.negotiate(versions=("TLSv1.3",) if version == "TLSv1.2" else ("TLSv1.2",))
    with pytest.raises(PeerError, match=r"the box refused the handshake: protocol_version \(70\)"):
        await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    scene.peer.negotiate(versions=(version,))
    connection = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    assert (connection.version, bool(connection.suite)) == (version, True)


@pytest.mark.parametrize("resumes", [True, False])
async def test_sessions_are_taken_up_again_only_if_asked_for(scene: Scene, resumes: bool) -> None:
    scene.peer.negotiate(resumes=resumes)
    where = "127.0.0.1", tls_port(scene.box)
    first = await scene.peer.dial(*where)
    await scene.peer.ping(first)
    await scene.peer.hang_up(first)
    second = await scene.peer.dial(*where)
    await scene.peer.ping(second)
    assert (first.resumed, second.resumed) == (False, resumes)
    assert second.certificate == testca.sbc().certificate


async def test_only_a_session_that_was_dialled_under_the_same_terms_is_taken_up(scene: Scene) -> None:
    where = "127.0.0.1", tls_port(scene.box)
    scene.peer.negotiate(resumes=True)
    await scene.ping()
    await scene.peer.wait_for("request")
    first = await scene.peer.dial(*where)
    await scene.peer.ping(first)
    scene.peer.negotiate(names=("sbc.example.com",))
    await scene.peer.ping(first)
    second = await scene.peer.dial(*where)
    await scene.peer.ping(second)
    assert not second.resumed
    third = await scene.peer.dial(*where)
    assert third.resumed


@pytest.mark.parametrize(("asks", "shown"), [("require", True), ("request", True), ("never", False)])
async def test_what_is_asked_of_the_box(scene: Scene, asks: str, shown: bool) -> None:
    scene.peer.negotiate(asks=asks)
    await scene.ping()
    seen = await scene.peer.wait_for("handshake", ok=True)
    assert bool(seen.event.serial) is shown
    if not shown:
        with pytest.raises(PeerError, match="the box showed no certificate"):
            _ = scene.peer.connections[0].certificate


async def test_several_connections_requests_of_any_kind_and_keep_alives(scene: Scene) -> None:
    where = "127.0.0.1", tls_port(scene.box)
    dialled = await scene.peer.dial_several(*where, 5)
    assert [await scene.peer.ping(each) for each in dialled] == [200] * 5
    assert len(scene.box.connections()) == 5
    first = dialled[0]
    invite = OPTIONS.replace(b"OPTIONS", b"INVITE")
    assert (await scene.peer.request(first, invite)).status == 403
    await scene.peer.keep_alive(first)
    await scene.peer.keep_alive(first)
    assert first.pongs == 2
    assert (await scene.peer.request(first, OPTIONS)).status == 200
    seen = scene.peer.expect("response", status=403, connection=1)
    assert seen.event.raw.startswith(b"SIP/2.0 403 ")
    assert b"Call-ID: 7" in seen.event.raw


async def test_octets_past_tls_end_the_connection(scene: Scene) -> None:
    connection = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    await scene.peer.ping(connection)
    await scene.peer.send(connection, b"\x17\x03\x03\x00\x20" + bytes(32), past_tls=True)
    end = await scene.peer.wait_for("end")
    assert (end.event.how, end.event.by, end.event.alert_received) == ("alert", "box", 20)
    with pytest.raises(PeerError, match="the connection is closed"):
        await scene.peer.ping(connection)


@pytest.mark.parametrize(("how", "reason"), [(End.FIN, "without close_notify"), (End.RESET, "reset by peer")])
async def test_hanging_up(scene: Scene, how: End, reason: str) -> None:
    connection = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    await scene.peer.ping(connection)
    await scene.peer.hang_up(connection, how)
    assert (connection.end, connection.ended_by, connection.live) == (how.value, "peer", False)
    assert reason in (await scene.box.wait_for("connectionClosed")).event.reason


async def test_the_end_that_the_box_makes_is_on_record(scene: Scene) -> None:
    connection = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    await scene.peer.ping(connection)
    await scene.box.close_connection(scene.box.connections()[0].id)
    end = await scene.peer.wait_for("end", by="box")
    assert (end.event.how, connection.end, connection.ended_by) == ("close_notify", "close_notify", "box")


async def test_what_was_seen_instead_is_told(scene: Scene) -> None:
    connection = await scene.peer.dial("127.0.0.1", tls_port(scene.box))
    await scene.peer.ping(connection)
    with pytest.raises(ExpectationError, match=r"expected response with status=503; the only one is .*status is 200"):
        await scene.peer.wait_for("response", status=503, patience=0)
    with pytest.raises(ExpectationError, match=r"there is none\. What happened: 1 handshake, 1 response"):
        scene.peer.expect("request")
    with pytest.raises(TimeoutError, match=r"seen: 1 handshake, 1 response; connections: \[<PeerConnection 1 dialled"):
        await scene.peer.wait_for(lambda: False, patience=0)
    with pytest.raises(UserError, match="no journal kind login; there are call, end, handshake, keepAlive"):
        scene.peer.expect("login")


async def test_what_there_is_not_is_refused(scene: Scene) -> None:
    with pytest.raises(UserError, match="no such conduct: mood; there are listens, "):
        scene.peer.behave(mood="bad")
    with pytest.raises(UserError, match="no such term: mood; there are versions, "):
        scene.peer.negotiate(mood="bad")
    with pytest.raises(UserError, match="no version SSLv3; there are TLSv1, "):
        scene.peer.negotiate(versions=("SSLv3",))
    with pytest.raises(UserError, match="OpenSSL will not have it: "):
        scene.peer.negotiate(suites=("NO-SUCH-SUITE",))
    with pytest.raises(UserError, match="OpenSSL will not have it: "):
        scene.peer.present(replace(testca.peer(), key=new_key("rsa")))
    assert (await scene.peer.dial("127.0.0.1", tls_port(scene.box))).live


async def test_closing_leaves_nothing_whatever_is_under_way(tmp_path: Path) -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    silent = await asyncio.start_server(accepted, "127.0.0.1")
    peer = SipPeer(testca.peer(), testca.authority().certificate, VirtualClock(testca.START).reading, terms=TlsTerms())
    await peer.listen()
    dialling = asyncio.create_task(peer.dial("127.0.0.1", silent.sockets[0].getsockname()[1]))
    await peer.wait_for(lambda: bool(peer.attempts))
    await peer.close()
    with pytest.raises(PeerError):
        await dialling
    silent.close()
    await silent.wait_closed()


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_peers_speak_to_each_other_as_well(clock: VirtualClock, transport: str) -> None:
    anchor = testca.authority().certificate
    host = SipPeer(testca.sbc(), anchor, clock.reading, transport=transport)
    guest = SipPeer(testca.peer() if transport == "tls" else None, anchor, clock.reading, transport=transport)
    try:
        connection = await guest.dial("127.0.0.1", await host.listen())
        assert await guest.ping(connection) == 200
        await guest.keep_alive(connection)
        host.expect("keepAlive", what="ping")
        assert bool(connection.shown) is (transport == "tls")
        host.behave(Behaviour.RESETS)
        with pytest.raises(PeerError, match="closed instead"):
            await guest.ping(connection)
        guest.expect("end", by="box", how="reset")
    finally:
        await guest.close()
        await host.close()
