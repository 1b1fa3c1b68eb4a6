"""The Contexts of OpenSSL behind all connections; one in use is never changed.

There is one for each set of settings, trust and chain. It owns the cache and the ticket keys of the sessions made in
it: they end when it is given up. A connection that takes a session up begins in the Context of that session and is
then moved to the one of the moment, so that sessions outlive a commit that touches only trust or chain.

The session id context says which session a connection may take up: every full handshake has a number of its own there,
so OpenSSL finds nothing that was not allowed before it was asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from OpenSSL import SSL

from sbcsim.device.effects import StartTls, TlsSettings
from sbcsim.pki.credential import Certificate, TrustAnchors

from . import openssl
from .openssl import Watcher

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
_Needs = tuple[TlsSettings, TrustAnchors, tuple[Certificate, ...], int]
"""What makes a Context: settings, trust, chain, and for how many seconds sessions may be taken up."""

VERSIONS = {
    "TLSv1": (SSL.TLS1_VERSION, SSL.OP_NO_TLSv1),
    "TLSv1.1": (SSL.TLS1_1_VERSION, SSL.OP_NO_TLSv1_1),
    "TLSv1.2": (SSL.TLS1_2_VERSION, SSL.OP_NO_TLSv1_2),
    "TLSv1.3": (SSL.TLS1_3_VERSION, SSL.OP_NO_TLSv1_3),
}
"""Every version that a profile can allow, oldest first."""

OLD_VERSIONS = frozenset({"TLSv1", "TLSv1.1"})
"""Versions that OpenSSL only speaks at security level 0, because they need SHA-1."""

NEVER_SHARED = "PSK-AES128-GCM-SHA256"
"""Stands where a profile names no suite below TLS 1.3: nobody has a pre-shared key, so none is shared (alert 40)."""

MAX_CONTEXTS = 64
"""Contexts kept ready; each costs a quarter of a millisecond and some 100 kB to make anew."""

KEPT = 1024
"""Sessions that a Context keeps for those who use no tickets; each takes 6 KiB, and OpenSSL frees none before its time.

The next ones get a new Context, and the one before the last is given up with the sessions in it.
"""

LEAST_LIFETIME = 3600
"""Seconds of the host that OpenSSL takes a session for alive, at least: a standing clock must not end any."""


class Cache(OrderedDict[_Key, _Value]):
    """The most recently used values, at most `limit`."""

    def __init__(self, limit: int, drop: Callable[[_Value], None] = lambda value: None) -> None:  # noqa: ARG005
        super().__init__()
        self._limit = limit
        self._drop = drop

    def find(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """Return the value of `key`, made if it is not there."""
        value = self.get(key)
        if value is None:
            value = self[key] = make()
            if len(self) > self._limit:
                self._drop(self.popitem(last=False)[1])
        else:
            self.move_to_end(key)
        return value


class Home:
    """A Context that sessions live in; `context` is None once it has been given up, and its sessions with it."""

    __slots__ = ("_before", "context", "kept")

    def __init__(self, context: SSL.Context, before: Home | None = None) -> None:
        self.context: SSL.Context | None = context
        self.kept = 0
        self._before = before

    def give_up(self) -> None:
        """End every session in it, and in the one before."""
        self.context = None
        self.give_up_before()

    def give_up_before(self) -> None:
        """End every session in the home before this one."""
        if self._before is not None:
            self._before.give_up()
            self._before = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one session is: its home and its number there."""

    home: Home
    number: int


class Contexts:
    """The Contexts of one event loop."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._homes: Cache[_Needs, Home] = Cache(MAX_CONTEXTS, Home.give_up)
        self._numbers = count(1)

    def open(
        self, start: StartTls, chain: tuple[Certificate, ...], wanted: object = None
    ) -> tuple[SSL.Connection, Place]:
        """Return a new connection that may show `chain`, and where its session will be.

        That is the place of the session that it may take up, a new one where `wanted` is None or has been given up.
        """
        now = self._home((start.settings, start.anchors, chain, start.lifetime))
        place = wanted if isinstance(wanted, Place) else None
        if place is None or place.home.context is None:
            place = Place(now, next(self._numbers))
        assert now.context is not None
        assert place.home.context is not None
        number = place.number.to_bytes(8, "big")
        connection = openssl.connection(place.home.context, number)
        if place.home is not now:
            openssl.move(connection, now.context, number)
        return connection, place

    def _home(self, needs: _Needs) -> Home:
        home = self._homes.find(needs, lambda: Home(self._make(*needs)))
        if home.kept >= KEPT:
            home.give_up_before()
            home = self._homes[needs] = Home(self._make(*needs), home)
        return home

    def _make(
        self, settings: TlsSettings, anchors: TrustAnchors, chain: tuple[Certificate, ...], lifetime: int
    ) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        allowed = [name for name in VERSIONS if name in settings.versions]
        if allowed:
            context.set_min_proto_version(VERSIONS[allowed[0]][0])
            context.set_max_proto_version(VERSIONS[allowed[-1]][0])
        options = SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE
        for name, (_version, switch) in VERSIONS.items():
            if name not in settings.versions:
                options |= switch
        context.set_options(options)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS | openssl.MODE_NO_AUTO_CHAIN)
        _set_ciphers(context, settings)
        openssl.trust(context, anchors.certificates)
        for each in chain:
            context.add_extra_chain_cert(each.x509)
        self._watcher.watch(context)
        self._set_sessions(context, lifetime, newest="TLSv1.3" in settings.versions)
        return context

    def _set_sessions(self, context: SSL.Context, lifetime: int, *, newest: bool) -> None:
        if not lifetime:
            context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._watcher.issue_no_tickets(context)
            return
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
        context.set_timeout(max(lifetime, LEAST_LIFETIME))
        if newest:
            self._watcher.watch_tickets(context)


def _set_ciphers(context: SSL.Context, settings: TlsSettings) -> None:
    # OpenSSL keeps two lists: the suites of TLS 1.3, all three of them unless the profile names some, and the others.
    older = [name for name in settings.ciphers if not name.startswith("TLS_")]
    newer = [name for name in settings.ciphers if name.startswith("TLS_")]
    level = ["@SECLEVEL=0"] if OLD_VERSIONS & settings.versions else []
    context.set_cipher_list(":".join([*(older or [NEVER_SHARED]), *level]).encode("ascii"))
    if newer:
        context.set_tls13_ciphersuites(":".join(newer).encode("ascii"))
