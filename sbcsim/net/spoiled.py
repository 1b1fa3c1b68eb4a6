"""Handshakes that go wrong on purpose: reset at a stage, or ended by an alert that nobody has a reason for."""

from __future__ import annotations

from sbcsim.device.effects import (
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    Spoiled,
    Spoiling,
    StartTls,
)

from .alerts import alert_text
from .tls import TlsEngine, TlsSession

_FAILURES = {
    40: HandshakeFailure.NO_COMMON_CIPHER,
    42: HandshakeFailure.PEER_INVALID,
    43: HandshakeFailure.PEER_INVALID,
    44: HandshakeFailure.PEER_REVOKED,
    45: HandshakeFailure.PEER_EXPIRED,
    46: HandshakeFailure.PEER_INVALID,
    48: HandshakeFailure.PEER_UNKNOWN_CA,
    70: HandshakeFailure.NO_COMMON_VERSION,
    116: HandshakeFailure.NO_PEER_CERTIFICATE,
}
"""What a box counts that has sent such an alert."""


class SpoiledSession(TlsSession):
    """A TLS connection whose handshake does not come to its end; one reset right behind that is like any other here.

    An alert stands in a record of its own and in the clear, as both sides take it up to the end of the first flights.
    """

    __slots__ = ("_fed", "_how", "resets")

    def __init__(self, engine: TlsEngine, start: StartTls, spoiled: Spoiled) -> None:
        super().__init__(engine, start)
        self._how = spoiled
        self._fed = False
        self.resets = False

    def feed(self, data: bytes | memoryview) -> None:
        """Take in bytes from the far end."""
        self._fed = True
        super().feed(data)

    def step(self) -> HandshakeDone | HandshakeFailed | None:
        """Go on with the handshake as far as it may."""
        how = self._how.how
        if self._fed and (how is Spoiling.ALERT or how is (Spoiling.HELLO if self._server else Spoiling.FLIGHT)):
            return self._spoil()
        outcome = super().step()
        if outcome is None and how is (Spoiling.FLIGHT if self._server else Spoiling.HELLO):
            self._unsent = self.output()
            return self._spoil() if self._unsent else None
        return outcome

    @property
    def waits(self) -> bool:
        """Whether a step may take long: only a handshake that comes to its end asks about certificates."""
        return self._how.how is Spoiling.SECURED and super().waits

    def _spoil(self) -> HandshakeFailed:
        alert = self._how.alert
        if not alert:
            self.resets = True
            return HandshakeFailed(HandshakeFailure.CLOSED, self._how.how.value)
        self._unsent = bytes((21, 3, 3, 0, 2, 2, alert))  # RFC 8446, section 6: alert, TLS 1.2, two octets, fatal
        failure = _FAILURES.get(alert, HandshakeFailure.PROTOCOL)
        return HandshakeFailed(failure, f"{self._how.how.value}: {alert_text(alert)}", alert)
