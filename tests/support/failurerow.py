"""One failure of TLS and everything that follows from it, as a row of the failure catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import cache

import testca
from farend import context
from meeting import CLIENT, Does
from OpenSSL import SSL

from sbcsim.pki.mint import Authority, Issued, Purpose

OLD, NEW = "TLSv1.2", "TLSv1.3"
PATH_DOWN = "sonusSbxPathCheckPingStateDownNotification2"
UNTIL = "2030-01-01T00:00:00Z"

# Certificates are made when a row is played, not when the table is read.


@cache
def expired() -> Issued:
    """Return a certificate that is over."""
    return testca.peer("peer.example.com", not_after="2025-12-31T00:00:00Z")


@cache
def not_yet_valid() -> Issued:
    """Return one that begins tomorrow."""
    return testca.peer("peer.example.com", not_before="2026-01-02T00:00:00Z")


@cache
def of_a_stranger() -> Issued:
    """Return one of an authority that nobody trusts."""
    return testca.stranger().issue("peer.example.com", not_before="2025-12-01T00:00:00Z", not_after=UNTIL)


@cache
def without_issuer() -> Issued:
    """Return one whose issuer does not come along."""
    return changed(testca.intermediate().issue("peer.example.com", not_after=UNTIL), chain=())


@cache
def revoked() -> Issued:
    """Return a certificate that the responder of these tests knows as revoked."""
    return testca.peer("revoked.example.com")


@cache
def only_for(purpose: Purpose) -> Issued:
    """Return one that may be used for one purpose only."""
    return testca.authority().issue("peer.example.com", purpose=purpose, not_after=UNTIL)


@dataclass(frozen=True)
class Row:
    """One failure, and what there is of it.

    The far end `speaks` the version unless it is told otherwise, with the certificate `issued`, and takes any of the
    box unless it `trusts` one authority only. `sees` is how the box ends the connection there. `tells` is what stands
    in the journal, `logs` what the event log says beside a line for each handshake that failed, `counts` are all TLS
    counters that are not 0. `mends` are lines that make things good again, `good` is the certificate with which the
    far end comes back; where the connection `stands` there is nothing to come back to. `{responder}` in a line is where
    the OCSP responder is.
    """

    name: str
    role: str
    version: str
    does: Does
    sees: str
    tells: tuple[str, ...]
    counts: Mapping[str, int]
    lines: tuple[str, ...] = ()
    issued: Callable[[], Issued | None] = testca.peer
    trusts: Callable[[], Authority] | None = None
    suites: tuple[str, ...] = ()
    speaks: str = ""
    logs: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    stands: bool = False
    good: Callable[[], Issued] = testca.peer
    mends: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its name in reports."""
        return f"{self.name}, box as {self.role}, {self.version}"

    def context(self) -> SSL.Context:
        """Return the settings of the far end."""
        return context(
            self.speaks or self.version,
            self.issued(),
            server=self.role == CLIENT,
            trusts=None if self.trusts is None else self.trusts(),
            suites=self.suites,
        )


def count(*names: str) -> dict[str, int]:
    """Return counters of 1."""
    return dict.fromkeys(names, 1)
