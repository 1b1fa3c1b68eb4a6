"""The TLS engine on real sockets: certificates, alerts and ends in both roles, against Python's ssl and pyOpenSSL."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from enginebox import (
    BEGIN,
    CA,
    END,
    ISSUING,
    NOW,
    OWN,
    OWN_BY_ISSUING,
    PEER,
    RENEWED,
    STRANGER,
    context,
    leave,
    port_of,
    read_to_the_end,
    running,
    serial_of,
)
from fakedevice import MODERN, FakeDevice, anchors, credential, listen, listener, settings
from OpenSSL import SSL

from sbcsim.clock import DAY
from sbcsim.device.effects import (
    Close,
    Closing,
    Dial,
    Direction,
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    Send,
    StartTls,
    StopListening,
    TlsSettings,
    Transport,
)
from sbcsim.net import tcp
from sbcsim.net.driver import Driver
from sbcsim.net.tls import TlsEngine, TlsSession, self_check
from sbcsim.pki.credential import Certificate, TrustAnchors
from sbcsim.pki.mint import Issued, Purpose

both_versions = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@pytest.fixture
async def device() -> FakeDevice:
    fake = FakeDevice()
    fake.credential = credential(OWN)
    fake.anchors = anchors(CA)
    fake.at = NOW
    fake.effects.append(listen())
    return fake


@pytest.fixture
async def driver(device: FakeDevice) -> AsyncIterator[Driver]:
    async with running(device) as driver:
        yield driver


# --- as server


@both_versions
async def test_server_shows_its_certificate_and_reports_the_verified_chain(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port_of(driver), ssl=context(tmp_path, PEER, version=version)
    )
    assert serial_of(writer) == OWN.certificate.serial
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    heard = await device.hear("done")
    assert isinstance(heard.detail, HandshakeDone)
    assert heard.detail.version == version
    assert heard.detail.peer_chain == (PEER.der(), CA.certificate.der)
    assert not heard.detail.resumed
    await leave(writer)
    assert (await device.hear("closed")).detail == "closed by peer"


@both_versions
async def test_renewed_credential_serves_new_connections_and_leaves_live_ones_alone(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    tls = context(tmp_path, PEER, version=version)
    old_reader, old = await asyncio.open_connection("127.0.0.1", port_of(driver), ssl=tls)
    device.credential = credential(RENEWED)
    _new_reader, new = await asyncio.open_connection("127.0.0.1", port_of(driver), ssl=tls)
    assert serial_of(old) == OWN.certificate.serial
    assert serial_of(new) == RENEWED.certificate.serial
    old.write(b"still here")
    assert await old_reader.readexactly(10) == b"still here"
    await leave(old)
    await leave(new)


@both_versions
async def test_intermediates_are_sent_but_not_the_root(device: FakeDevice, version: str) -> None:
    device.credential = credential(OWN_BY_ISSUING)
    device.effects.clear()
    _engine, client, server = pair(server_credential=OWN_BY_ISSUING, version=version)
    outcome = shake(client, server)
    assert isinstance(outcome[0], HandshakeDone)
    assert outcome[0].peer_chain == (OWN_BY_ISSUING.der(), ISSUING.certificate.der, CA.certificate.der)
    unvalidated = pair(server_credential=OWN_BY_ISSUING, version=version, validate_peer=False)[1:]
    outcome = shake(*unvalidated)
    assert isinstance(outcome[0], HandshakeDone)
    assert outcome[0].peer_chain == (OWN_BY_ISSUING.der(), ISSUING.certificate.der)


REFUSED = [
    ("TLSv1.2", END + DAY, PEER, 45, HandshakeFailure.PEER_EXPIRED, "ALERT_CERTIFICATE_EXPIRED"),
    ("TLSv1.3", END + DAY, PEER, 45, HandshakeFailure.PEER_EXPIRED, "ALERT_CERTIFICATE_EXPIRED"),
    ("TLSv1.2", BEGIN - DAY, PEER, 42, HandshakeFailure.PEER_NOT_YET_VALID, "ALERT_BAD_CERTIFICATE"),
    ("TLSv1.3", BEGIN - DAY, PEER, 42, HandshakeFailure.PEER_NOT_YET_VALID, "ALERT_BAD_CERTIFICATE"),
    ("TLSv1.2", NOW, STRANGER, 48, HandshakeFailure.PEER_UNKNOWN_CA, "ALERT_UNKNOWN_CA"),
    ("TLSv1.3", NOW, STRANGER, 48, HandshakeFailure.PEER_UNKNOWN_CA, "ALERT_UNKNOWN_CA"),
    ("TLSv1.2", NOW, None, 40, HandshakeFailure.NO_PEER_CERTIFICATE, "ALERT_HANDSHAKE_FAILURE"),
    ("TLSv1.3", NOW, None, 116, HandshakeFailure.NO_PEER_CERTIFICATE, "ALERT_CERTIFICATE_REQUIRED"),
]


@pytest.mark.parametrize(("version", "at", "issued", "alert", "failure", "seen"), REFUSED)
async def test_server_refuses_a_client_with_the_right_alert(
    device: FakeDevice,
    driver: Driver,
    tmp_path: Path,
    version: str,
    at: int,
    issued: Issued | None,
    alert: int,
    failure: HandshakeFailure,
    seen: str,
) -> None:
    device.at = at
    assert seen in await read_to_the_end(driver, context(tmp_path, issued, version=version))
    result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert (result.failure, result.alert_sent, result.alert_received) == (failure, alert, 0)
    assert result.peer_leaf == (issued.der() if issued is not None else None)
    await driver.settle()


@both_versions
async def test_server_without_credential_fails_every_handshake_with_alert_40(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    device.credential = None
    assert "HANDSHAKE_FAILURE" in await read_to_the_end(driver, context(tmp_path, PEER, version=version))
    result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert (result.failure, result.alert_sent) == (HandshakeFailure.NO_LOCAL_CERTIFICATE, 40)


@both_versions
async def test_server_that_requires_no_certificate_does_not_ask_for_one(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    device.tls = settings(require_certificate=False)
    _reader, writer = await asyncio.open_connection(
        "127.0.0.1", port_of(driver), ssl=context(tmp_path, PEER, version=version)
    )
    result = (await device.hear("done")).detail
    assert isinstance(result, HandshakeDone)
    assert result.peer_chain == ()
    await leave(writer)


async def test_failed_handshake_ends_with_fin_and_not_with_reset(device: FakeDevice, driver: Driver) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(driver))
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 200)
    await reader.read()  # raises ConnectionResetError for a reset
    result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert result.failure is HandshakeFailure.PROTOCOL
    await leave(writer)


async def test_connection_that_ends_before_its_handshake(device: FakeDevice, driver: Driver) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", port_of(driver))
    await leave(writer)
    result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert result.failure is HandshakeFailure.CLOSED


# --- as client


class Peer:
    """A TLS server of Python's own ssl module."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.connected = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.writers.append(writer)
        self.connected.set()
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await reader.read(4096):
                writer.write(data)
        await leave(writer)


@contextlib.asynccontextmanager
async def serving(tls: ssl.SSLContext | None) -> AsyncIterator[tuple[Peer, int]]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield peer, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in peer.writers:
            writer.transport.abort()
        if peer.tasks:
            await asyncio.wait(peer.tasks)
        await server.wait_closed()


@both_versions
async def test_client_presents_its_certificate_and_verifies_the_server(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    async with serving(context(tmp_path, PEER, server=True, version=version)) as (peer, port):
        device.echo = False
        device.do(Dial(7, "127.0.0.1", ("127.0.0.1", port)))
        result = (await device.hear("done")).detail
        assert isinstance(result, HandshakeDone)
        assert result.peer_chain == (PEER.der(), CA.certificate.der)
        device.do(Send(7, b"ping"))
        assert (await device.hear("data")).detail == b"ping"
        assert serial_of(peer.writers[0]) == OWN.certificate.serial
        device.do(Close(7, Closing.GRACEFUL))
        await driver.settle()
        assert [each.what for each in device.heard if each.connection == 7] == ["dialed", "done", "data"]


CLIENT_REFUSES = [
    (END + DAY, PEER, 45, HandshakeFailure.PEER_EXPIRED),
    (BEGIN - DAY, PEER, 42, HandshakeFailure.PEER_NOT_YET_VALID),
    (NOW, STRANGER, 48, HandshakeFailure.PEER_UNKNOWN_CA),
]


@both_versions
@pytest.mark.parametrize(("at", "issued", "alert", "failure"), CLIENT_REFUSES)
async def test_client_refuses_a_server_with_the_right_alert(
    version: str, at: int, issued: Issued, alert: int, failure: HandshakeFailure
) -> None:
    _engine, client, server = pair(server_credential=issued, client_at=at, version=version)
    mine, theirs = shake(client, server)
    assert isinstance(mine, HandshakeFailed)
    assert (mine.failure, mine.alert_sent, mine.peer_leaf) == (failure, alert, issued.der())
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_received) == (HandshakeFailure.ALERT_RECEIVED, alert)


@pytest.mark.parametrize(
    ("version", "told"),
    [(SSL.TLS1_2_VERSION, ["dialed", "failed"]), (SSL.TLS1_3_VERSION, ["dialed", "done", "closed"])],
)
async def test_peer_that_refuses_our_certificate(
    device: FakeDevice, driver: Driver, version: int, told: list[str]
) -> None:
    # Over TLS 1.3 a client has finished before the server judges its certificate.
    tls = suspicious_server(version)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        device.do(Dial(7, "127.0.0.1", listening.getsockname()))
        serving = asyncio.create_task(asyncio.to_thread(refuse_client, listening, tls))
        last = await device.hear(told[-1])
        await serving
    assert [each.what for each in device.heard if each.connection == 7] == told
    if isinstance(last.detail, HandshakeFailed):
        assert (last.detail.failure, last.detail.alert_received) == (HandshakeFailure.ALERT_RECEIVED, 48)
    else:
        assert (last.detail, last.alert) == ("peer sent alert unknown_ca (48)", 48)


def suspicious_server(version: int) -> SSL.Context:
    tls = SSL.Context(SSL.TLS_METHOD)
    tls.set_min_proto_version(version)
    tls.set_max_proto_version(version)
    tls.use_certificate(PEER.certificate.x509)
    tls.use_privatekey(PEER.key)
    tls.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    return tls


def refuse_client(listening: socket.socket, tls: SSL.Context) -> None:
    accepted, _address = listening.accept()
    with accepted:
        secured = SSL.Connection(tls, accepted)
        secured.set_accept_state()
        with pytest.raises(SSL.Error):
            secured.do_handshake()


@both_versions
async def test_client_without_credential_shows_an_empty_list(version: str) -> None:
    _engine, client, server = pair(client_credential=None, version=version)
    _mine, theirs = shake(client, server)
    assert isinstance(theirs, HandshakeFailed)
    assert theirs.failure is HandshakeFailure.NO_PEER_CERTIFICATE
    lenient = settings(version, require_certificate=False)
    _engine, client, server = pair(client_credential=None, version=version, server_settings=lenient)
    mine, theirs = shake(client, server)
    assert isinstance(mine, HandshakeDone)
    assert isinstance(theirs, HandshakeDone)
    assert theirs.peer_chain == ()


@both_versions
async def test_own_certificate_that_openssl_refuses_is_as_none_and_says_why(version: str) -> None:
    weak = CA.issue("sbc.example.com", key=rsa.generate_private_key(65537, 1024))
    mine, theirs = shake(*pair(server_credential=weak, version=version)[1:])
    assert isinstance(mine, HandshakeFailed)
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_sent) == (HandshakeFailure.NO_LOCAL_CERTIFICATE, 40)
    assert theirs.reason == "own certificate cannot be used: ee key too small"
    _mine, theirs = shake(*pair(client_credential=weak, version=version)[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert theirs.failure is HandshakeFailure.NO_PEER_CERTIFICATE


async def test_renegotiation_is_refused(device: FakeDevice, driver: Driver) -> None:
    def renegotiate() -> str:
        tls = SSL.Context(SSL.TLS_METHOD)
        tls.set_max_proto_version(SSL.TLS1_2_VERSION)
        tls.use_certificate(PEER.certificate.x509)
        tls.use_privatekey(PEER.key)
        with socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10) as plain:
            plain.settimeout(None)
            secured = SSL.Connection(tls, plain)
            secured.set_connect_state()
            secured.do_handshake()
            secured.renegotiate()
            with pytest.raises(SSL.Error) as refusal:
                secured.do_handshake()
            return str(refusal.value)

    assert "no renegotiation" in await asyncio.to_thread(renegotiate)
    assert (await device.hear("closed")).connection == 1


# --- what the settings say


@both_versions
async def test_unvalidated_peer_is_accepted_whatever_it_shows_but_must_show_something(version: str) -> None:
    lax = settings(version, validate_peer=False)
    stranger = pair(client_credential=STRANGER, version=version, server_settings=lax, server_at=END + DAY)
    _mine, theirs = shake(*stranger[1:])
    assert isinstance(theirs, HandshakeDone)
    assert theirs.peer_chain == (STRANGER.der(),)
    _mine, theirs = shake(*pair(client_credential=None, version=version, server_settings=lax)[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert theirs.failure is HandshakeFailure.NO_PEER_CERTIFICATE


@both_versions
async def test_purpose_is_tolerated_only_where_the_settings_say_so(version: str) -> None:
    server_only = CA.issue("peer.example.com", purpose=Purpose.SERVER)
    _mine, theirs = shake(*pair(client_credential=server_only, version=version)[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_sent) == (HandshakeFailure.PEER_INVALID, 43)
    tolerant = settings(version, tolerate_purpose=True)
    _mine, theirs = shake(*pair(client_credential=server_only, version=version, server_settings=tolerant)[1:])
    assert isinstance(theirs, HandshakeDone)
    expired = pair(
        client_credential=server_only, version=version, server_settings=tolerant, server_at=NOW + 20 * 365 * DAY
    )
    _mine, theirs = shake(*expired[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert theirs.failure is HandshakeFailure.PEER_EXPIRED


@both_versions
@pytest.mark.parametrize("validate_peer", [True, False])
async def test_a_certificate_must_carry_the_name_of_its_peer(version: str, validate_peer: bool) -> None:
    asked: dict[str, object] = {"version": version, "validate_peer": validate_peer}
    good = {"server_names": ("192.0.2.1", "peer.example.com"), "client_names": ("sbc.example.com",)}
    mine, theirs = shake(*pair(**asked, **good)[1:])  # type: ignore[arg-type]
    assert isinstance(mine, HandshakeDone)
    assert isinstance(theirs, HandshakeDone)
    _mine, theirs = shake(*pair(**asked, server_names=("other.example.com",))[1:])  # type: ignore[arg-type]
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_sent, theirs.peer_leaf) == (HandshakeFailure.PEER_NAME, 42, PEER.der())
    mine, theirs = shake(*pair(**asked, client_names=("other.example.com",))[1:])  # type: ignore[arg-type]
    assert isinstance(mine, HandshakeFailed)
    assert (mine.failure, mine.alert_sent, mine.peer_leaf) == (HandshakeFailure.PEER_NAME, 42, OWN.der())
    assert isinstance(theirs, HandshakeFailed)
    assert theirs.alert_received == 42


@both_versions
async def test_who_has_expired_is_told_so_whatever_the_name(version: str) -> None:
    _mine, theirs = shake(*pair(version=version, server_at=END + DAY, server_names=("other.example.com",))[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_sent) == (HandshakeFailure.PEER_EXPIRED, 45)


@both_versions
@pytest.mark.parametrize(
    "anchor", [CA.certificate, ISSUING.certificate, OWN_BY_ISSUING.certificate], ids=lambda each: each.common_name
)
async def test_any_anchor_ends_a_path(version: str, anchor: Certificate) -> None:
    only = TrustAnchors((anchor,))
    mine, _theirs = shake(*pair(server_credential=OWN_BY_ISSUING, version=version, client_anchors=only)[1:])
    assert isinstance(mine, HandshakeDone)
    assert mine.peer_chain[-1] == anchor.der


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])
async def test_every_version_that_a_profile_can_allow(version: str) -> None:
    either = settings(version, ciphers=("ECDHE-ECDSA-AES256-SHA", *MODERN))
    mine, theirs = shake(*pair(version=version, server_settings=either, client_settings=either)[1:])
    assert isinstance(mine, HandshakeDone)
    assert isinstance(theirs, HandshakeDone)
    assert mine.version == theirs.version == version


async def test_no_common_version_is_alert_70() -> None:
    mine, theirs = shake(*pair(server_settings=settings("TLSv1.3"), client_settings=settings("TLSv1.2"))[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_sent) == (HandshakeFailure.NO_COMMON_VERSION, 70)
    assert isinstance(mine, HandshakeFailed)
    assert mine.alert_received == 70


@pytest.mark.parametrize("ciphers", [("ECDHE-RSA-AES128-GCM-SHA256",), ("TLS_AES_128_GCM_SHA256",)])
async def test_no_common_cipher_is_alert_40(ciphers: tuple[str, ...]) -> None:
    mine, theirs = shake(*pair(server_settings=settings("TLSv1.2", ciphers=ciphers))[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert (theirs.failure, theirs.alert_sent) == (HandshakeFailure.NO_COMMON_CIPHER, 40)
    assert isinstance(mine, HandshakeFailed)


async def test_profile_without_any_version_refuses_everybody() -> None:
    nothing = TlsSettings(frozenset(), MODERN, True, True, False)
    _mine, theirs = shake(*pair(server_settings=nothing)[1:])
    assert isinstance(theirs, HandshakeFailed)
    assert theirs.failure is HandshakeFailure.NO_COMMON_VERSION


async def test_suites_of_tls_1_3_obey_the_profile() -> None:
    only = settings("TLSv1.3", ciphers=("TLS_AES_128_GCM_SHA256",))
    mine, _theirs = shake(*pair(server_settings=only)[1:])
    assert isinstance(mine, HandshakeDone)
    assert mine.cipher == "TLS_AES_128_GCM_SHA256"


@both_versions
async def test_a_session_is_never_resumed(device: FakeDevice, driver: Driver, tmp_path: Path, version: str) -> None:
    tls = context(tmp_path, PEER, version=version)

    def connect(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool | None]:
        with (
            socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10) as plain,
            tls.wrap_socket(plain, session=session) as secured,
        ):
            secured.sendall(b"x")
            secured.recv(1)
            return secured.session, secured.session_reused

    session, _reused = await asyncio.to_thread(connect, None)
    _session, reused = await asyncio.to_thread(connect, session)
    assert reused is False
    await device.hear("closed", 2)
    assert [each.detail.resumed for each in device.heard if isinstance(each.detail, HandshakeDone)] == [False, False]


def test_self_check_passes() -> None:
    self_check.cache_clear()
    self_check()


# --- ends and limits


async def test_reset_is_a_reset(device: FakeDevice, driver: Driver, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(driver), ssl=context(tmp_path, PEER))
    await device.hear("done")
    device.do(Close(1, Closing.RESET))
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    await leave(writer)
    await driver.settle()


@both_versions
async def test_graceful_end_is_close_notify_and_fin(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    tls = context(tmp_path, PEER, version=version)

    def read_to_the_end() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10) as plain,
            tls.wrap_socket(plain, suppress_ragged_eofs=False) as secured,
        ):
            secured.sendall(b"hello")
            data = b""
            while piece := secured.recv(100):
                data += piece
            return data

    device.echo = False
    reading = asyncio.create_task(asyncio.to_thread(read_to_the_end))
    await device.hear("data")
    device.do(Send(1, b"bye"), Close(1, Closing.GRACEFUL))
    assert await reading == b"bye"
    await driver.settle()
    assert [each.what for each in device.heard] == ["listening", "accepted", "done", "data"]


async def test_peer_that_never_closes_is_cut_off(device: FakeDevice) -> None:
    device.tls = None
    async with running(device) as driver:
        assert driver._connections is not None
        network = driver._connections.network
        network.linger = 0.05
        with socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10):
            await device.hear("accepted")
            device.do(Close(1, Closing.GRACEFUL))
            await driver.settle()
            assert not network.live


async def test_peer_that_does_not_read_is_cut_off(
    device: FakeDevice, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MAX_UNSENT", 1 << 16)
    device.tls = None
    with socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10):
        await device.hear("accepted")
        device.do(*(Send(1, bytes(1 << 20)) for _ in range(20)))
        assert (await device.hear("closed")).detail == "peer does not read"


async def test_plain_tcp_carries_bytes_too(device: FakeDevice) -> None:
    device.tls = None
    device.effects = [listen(5060, transport=Transport.TCP)]
    async with running(device) as driver:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(driver))
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(4) == b"\r\n\r\n"
        await leave(writer)
        await device.hear("closed")


async def test_large_message_arrives_whole(device: FakeDevice, driver: Driver, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(driver), ssl=context(tmp_path, PEER))
    message = bytes(range(256)) * 2000
    writer.write(message)
    assert await reader.readexactly(len(message)) == message
    await leave(writer)


async def test_closed_listener_refuses_and_comes_back_in_the_same_place(device: FakeDevice, driver: Driver) -> None:
    port = port_of(driver)
    device.do(StopListening(listener()))
    await driver.settle()
    driver.pump()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    device.do(listen())
    await device.hear("listening", 2)
    assert port_of(driver) == port
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await leave(writer)
    await device.hear("failed")


async def test_reset_device_asks_again_for_a_listener_that_stands(device: FakeDevice, driver: Driver) -> None:
    port = port_of(driver)
    device.do(listen())
    await device.hear("listening", 2)
    assert port_of(driver) == port


async def test_storm_of_handshakes_and_tear_downs(device: FakeDevice, driver: Driver, tmp_path: Path) -> None:
    tls = context(tmp_path, PEER)
    streams = await asyncio.gather(
        *(asyncio.open_connection("127.0.0.1", port_of(driver), ssl=tls) for _ in range(100))
    )
    await device.hear("done", 100)
    device.do(*(Close(number, Closing.GRACEFUL) for number in range(1, 101)))
    assert await asyncio.gather(*(reader.read() for reader, _writer in streams)) == [b""] * 100
    await asyncio.gather(*(leave(writer) for _reader, writer in streams))
    await driver.settle()
    assert not [each for each in device.heard if each.what == "closed"]


async def test_stop_says_goodbye(device: FakeDevice, tmp_path: Path) -> None:
    tls = context(tmp_path, PEER)
    async with running(device) as driver:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(driver), ssl=tls)
        await device.hear("done")
    assert await reader.read() == b""
    await leave(writer)


# --- two sessions of ours in memory


def pair(
    *,
    version: str | None = None,
    server_credential: Issued | None = OWN,
    client_credential: Issued | None = PEER,
    server_settings: TlsSettings | None = None,
    client_settings: TlsSettings | None = None,
    client_anchors: TrustAnchors | None = None,
    server_at: int = NOW,
    client_at: int = NOW,
    validate_peer: bool = True,
    server_names: tuple[str, ...] = (),
    client_names: tuple[str, ...] = (),
) -> tuple[TlsEngine, TlsSession, TlsSession]:
    engine = TlsEngine()
    plain = settings(*([version] if version else []), validate_peer=validate_peer)
    client = engine.session(
        StartTls(
            1,
            Direction.OUTBOUND,
            client_settings or plain,
            credential(client_credential) if client_credential else None,
            client_anchors or anchors(CA),
            client_at,
            client_names,
        )
    )
    server = engine.session(
        StartTls(
            2,
            Direction.INBOUND,
            server_settings or plain,
            credential(server_credential) if server_credential else None,
            anchors(CA),
            server_at,
            server_names,
        )
    )
    return engine, client, server


Outcome = HandshakeDone | HandshakeFailed | None


def shake(client: TlsSession, server: TlsSession) -> tuple[Outcome, Outcome]:
    mine: Outcome = None
    theirs: Outcome = None
    for _flight in range(6):
        mine = mine or client.step()
        if output := client.output():
            server.feed(output)
        theirs = theirs or server.step()
        if output := server.output():
            client.feed(output)
    return mine, theirs


@both_versions
def test_trimming_loses_nothing_of_a_record_that_has_come_in_part(version: str) -> None:
    _, client, server = pair(version=version)
    shake(client, server)
    assert client.read() is None
    client.write(b"a" * 400)
    record = client.output()
    server.feed(record[:100])
    assert server.read() is None
    for session in (client, server):
        session.trim()
    server.feed(record[100:])
    assert server.read() == b"a" * 400
    server.write(b"b" * 400)
    client.feed(server.output())
    assert client.read() == b"b" * 400
