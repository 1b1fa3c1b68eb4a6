"""Sessions of the TLS engine, in memory against a client of pyOpenSSL: where they live, and who may take them up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from fakedevice import MODERN, anchors, credential, settings
from OpenSSL import SSL

from sbcsim.clock import DAY, from_rfc3339
from sbcsim.device.effects import ConnectionId, Direction, HandshakeDone, SessionId, StartTls
from sbcsim.net import tlscontexts
from sbcsim.net.tls import TlsEngine, TlsSession
from sbcsim.pki.credential import TrustAnchors
from sbcsim.pki.mint import Authority, Issued

NOW = from_rfc3339("2026-01-01T00:00:00Z")
CA = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
ISSUING = CA.subordinate("Issuing CA")
OTHER_CA = Authority("Other CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
OWN = CA.issue("sbc.example.com")
RENEWED = ISSUING.issue("sbc.example.com")
PEER = CA.issue("peer.example.com")

WAYS = {
    "session id": (SSL.TLS1_2_VERSION, SSL.OP_NO_TICKET),
    "ticket": (SSL.TLS1_2_VERSION, 0),
    "TLS 1.3": (SSL.TLS1_3_VERSION, 0),
}
ways = pytest.mark.parametrize("way", WAYS)


class Visit:
    """One connection, as both sides saw it."""

    def __init__(self, client: SSL.Connection, server: TlsSession, done: HandshakeDone) -> None:
        self.client = client
        self.server = server
        self.done = done
        self.session = client.get_session()

    def leave(self) -> None:
        self.server.close()
        self.client.shutdown()


class Doorstep:
    """A server of ours, and a client that comes again and again; `allow` says which of its offers are good."""

    def __init__(self, way: str) -> None:
        version, options = WAYS[way]
        self.context = SSL.Context(SSL.TLS_METHOD)
        self.context.set_min_proto_version(version)
        self.context.set_max_proto_version(version)
        self.context.set_options(options)
        self.context.use_certificate(PEER.certificate.x509)
        self.context.use_privatekey(PEER.key)
        self.engine = TlsEngine(self.choose)
        self.homes: dict[SessionId, object] = {}
        self.offers: list[tuple[SessionId, ...]] = []
        self.allow: Callable[[SessionId], bool] = lambda name: True
        self.ciphers = MODERN

    def choose(self, connection: ConnectionId, offers: tuple[SessionId, ...]) -> object:
        self.offers.append(offers)
        return next((self.homes[name] for name in offers if name in self.homes and self.allow(name)), None)

    def come(
        self,
        session: SSL.Session | None = None,
        *,
        own: Issued = OWN,
        trust: TrustAnchors | None = None,
        lifetime: int = 3600,
        leave: bool = True,
    ) -> Visit:
        start = StartTls(
            1,
            Direction.INBOUND,
            settings(ciphers=self.ciphers),
            credential(own),
            trust or anchors(CA),
            NOW,
            lifetime=lifetime,
        )
        client = SSL.Connection(self.context, None)
        client.set_connect_state()
        if session is not None:
            client.set_session(session)
        server = self.engine.session(start)
        done = None
        for _flight in range(4):
            _go_on(client)
            if sent := _taken(client):
                server.feed(sent)
            done = done or server.step()
            if output := server.output():
                client.bio_write(output)
        assert isinstance(done, HandshakeDone), done
        _go_on(client)
        with pytest.raises(SSL.WantReadError):  # which takes tickets in
            client.recv(1)
        self.homes.update(dict.fromkeys(done.sessions, done.home))
        visit = Visit(client, server, done)
        if leave:
            visit.leave()
        return visit


def _go_on(client: SSL.Connection) -> None:
    with suppress(SSL.WantReadError):
        client.do_handshake()


def _taken(client: SSL.Connection) -> bytes:
    try:
        return client.bio_read(65536)
    except SSL.WantReadError:
        return b""


@ways
def test_what_the_device_allows_is_taken_up_and_nothing_else(way: str) -> None:
    door = Doorstep(way)
    first = door.come()
    assert (first.done.resumed, len(first.done.sessions)) == (False, 2 if way == "TLS 1.3" else 1)
    again = door.come(first.session)
    assert again.done.resumed
    assert set(door.offers[-1]) & set(first.done.sessions)
    assert again.done.peer_chain == ()
    assert len(again.done.sessions) == (1 if way == "TLS 1.3" else 0)
    door.allow = lambda name: False
    refused = door.come(first.session)
    assert not refused.done.resumed
    assert refused.done.peer_chain == (PEER.der(), CA.certificate.der)
    door.allow = lambda name: name in first.done.sessions
    assert door.come(first.session).done.resumed
    assert not door.come(refused.session).done.resumed


@ways
def test_a_session_is_not_taken_up_where_another_one_is_allowed(way: str) -> None:
    door = Doorstep(way)
    first, second = door.come(), door.come()
    door.homes[first.done.sessions[-1]] = second.done.home
    assert not door.come(first.session).done.resumed


@ways
def test_lifetime_0_names_nothing_and_asks_nobody(way: str) -> None:
    door = Doorstep(way)
    kept = door.come()
    asked = len(door.offers)
    visit = door.come(kept.session, lifetime=0)
    assert (visit.done.resumed, visit.done.sessions, visit.done.home) == (False, (), None)
    assert len(door.offers) == asked


@ways
def test_sessions_outlive_another_trust_another_chain_and_another_lifetime(way: str) -> None:
    door = Doorstep(way)
    first = door.come()
    assert door.come(first.session, trust=anchors(CA, OTHER_CA)).done.resumed
    assert door.come(first.session, own=RENEWED).done.resumed
    assert door.come(first.session, lifetime=60).done.resumed


@ways
def test_a_full_handshake_shows_what_is_valid_now_even_if_a_session_was_allowed(way: str) -> None:
    door = Doorstep(way)
    first = door.come()
    other = door.come()
    door.homes[first.done.sessions[-1]] = other.done.home  # which is not the one that the client has
    visit = door.come(first.session, own=RENEWED)
    shown = visit.client.get_peer_cert_chain(as_cryptography=True)
    assert shown == [RENEWED.certificate.x509, ISSUING.certificate.x509]


@pytest.mark.parametrize("way", ["session id"])
def test_sessions_that_openssl_keeps_are_limited(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tlscontexts, "KEPT", 2)
    door = Doorstep(way)
    visits = [door.come() for _ in range(5)]
    taken_up = [door.come(each.session).done.resumed for each in reversed(visits)]
    assert taken_up == [True, True, True, False, False]


@pytest.mark.parametrize("way", ["ticket", "TLS 1.3"])
def test_sessions_with_tickets_are_not_kept_by_openssl(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tlscontexts, "KEPT", 2)
    door = Doorstep(way)
    visits = [door.come() for _ in range(5)]
    assert all(door.come(each.session).done.resumed for each in visits)


@ways
def test_a_context_that_is_given_up_takes_its_sessions_with_it(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Doorstep(way)
    door.engine.contexts._homes._limit = 2
    first = door.come()
    for number in range(2):
        door.come(trust=anchors(CA, Authority(f"{number}", not_before=0, not_after=DAY)))
    assert not door.come(first.session).done.resumed


@pytest.mark.parametrize("way", ["session id"])
def test_an_end_without_close_notify_ends_no_session(way: str) -> None:
    door = Doorstep(way)
    visit = door.come(leave=False)
    visit.server.let_go()
    visit.client.shutdown()
    del visit.server
    assert door.come(visit.session).done.resumed


@ways
def test_a_hello_that_comes_byte_by_byte_is_waited_for(way: str) -> None:
    door = Doorstep(way)
    kept = door.come()
    client = SSL.Connection(door.context, None)
    client.set_connect_state()
    client.set_session(kept.session)
    _go_on(client)
    start = StartTls(1, Direction.INBOUND, settings(ciphers=MODERN), credential(OWN), anchors(CA), NOW, lifetime=3600)
    server = door.engine.session(start)
    asked = len(door.offers)
    for octet in _taken(client):
        assert (server.output(), len(door.offers)) == (b"", asked)
        server.feed(bytes([octet]))
        assert server.step() is None
    assert len(door.offers) == asked + 1
    assert server.output()
