"""One connection between a far end of a test and the box: what it was, what was shown, how it ended."""

from __future__ import annotations

from typing import Literal

from sbcsim.clock import Instant
from sbcsim.errors import PeerError
from sbcsim.pki.credential import Certificate

from .alerts import alert_text
from .peerconduct import End
from .peerevents import Direction
from .peertls import PlainStream


class PeerConnection:
    """One connection between a peer and the box, as the peer sees it.

    `shown` is the chain that the box showed, its own certificate first. `established` says whether the handshake
    succeeded; `reason` why it did not, or why the connection ended. `alert_sent` and `alert_received` are numbers, 0
    for none. `requests` and `answers` count messages in both directions. `end` is how it ended (close_notify, fin,
    reset, alert, error), `ended_by` whom; both are "" while it stands.
    """

    def __init__(self, number: int, direction: Direction, stream: PlainStream, opened: Instant) -> None:
        self.number = number
        self.direction = direction
        self.opened = opened
        self.closed: Instant | None = None
        self.established = False
        self.requests = 0
        self.answers = 0
        self.pongs = 0
        self.end = ""
        self.ended_by: Literal["", "box", "peer"] = ""
        self.stream = stream

    @property
    def live(self) -> bool:
        """Whether the connection stands."""
        return self.established and not self.ended_by

    @property
    def certificate(self) -> Certificate:
        """The certificate that the box showed; raises PeerError where it showed none."""
        if not self.shown:
            raise PeerError("the box showed no certificate", layer="tls")
        return self.shown[0]

    @property
    def shown(self) -> tuple[Certificate, ...]:
        """The chain that the box showed, its own certificate first; () for none."""
        return self.stream.shown

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was taken up."""
        return self.stream.resumed

    @property
    def version(self) -> str:
        """The version of TLS, e.g. "TLSv1.3"."""
        return self.stream.version

    @property
    def suite(self) -> str:
        """The cipher suite, by OpenSSL's name."""
        return self.stream.suite

    @property
    def local(self) -> tuple[str, int]:
        """The peer's own address."""
        return self.stream.local

    @property
    def remote(self) -> tuple[str, int]:
        """The box's address."""
        return self.stream.remote

    @property
    def alert_sent(self) -> int:
        """The alert that the peer sent, 0 for none."""
        return self.stream.alert_sent

    @property
    def alert_received(self) -> int:
        """The alert that the box sent, 0 for none."""
        return self.stream.alert_received

    @property
    def reason(self) -> str:
        """Why the handshake failed or the connection broke, "" where nothing did."""
        return self.stream.reason

    def __repr__(self) -> str:
        state = "stands" if self.live else f"{self.end or 'failed'} {self.reason}".strip()
        return f"<PeerConnection {self.number} {self.direction}, {state}>"

    @property
    def failure(self) -> str:
        """Why the handshake failed, in words, "" where it did not."""
        if self.established:
            return ""
        if self.alert_received:
            return f"the box refused the handshake: {alert_text(self.alert_received)}"
        if self.alert_sent:
            return f"the peer refused the box's certificate: {self.reason}, sent {alert_text(self.alert_sent)}"
        return self.reason or "the handshake failed"

    def finish(self, how: End) -> None:
        """End it from the peer's side."""
        self.ended_by, self.end = "peer", how.value
        match how:
            case End.CLOSE_NOTIFY:
                self.stream.farewell()
                self.stream.close()
            case End.FIN:
                self.stream.close()
            case End.RESET:
                self.stream.reset()
