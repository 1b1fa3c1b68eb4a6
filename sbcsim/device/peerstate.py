"""What is known of one ipPeer: its path check's state, the ping under way, and what outcomes add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sbcsim.clock import SECOND, Instant

from .names import Search
from .objects import IpPeer, PathCheckProfile
from .udpping import UdpRequest


class PingState(Enum):
    """The pingState of `peerPathchkStatus`."""

    INACTIVE = "inActive"
    ACTIVE = "active"
    DOWN = "down"
    UP = "up"


@dataclass(slots=True)
class Ping:
    """One ping under way. `times` is what it stands for; `connection` is 0 until it has been sent, and over UDP.

    `lost` says that it is never sent, `datagram` is what goes over UDP, `hoped` whether the peer was not known to be
    silent when it was sent, `search` how its way is found as long as that is not known.
    """

    call_id: str
    times: int
    deadline: int
    connection: int = 0
    datagram: UdpRequest | None = None
    hoped: bool = False
    lost: bool = False
    search: Search | None = None


class PathCheck:
    """The path check of one ipPeer.

    `settled` says that the next outcome is known to be like the last one, `silent` that the peer owed an answer for so
    long that nobody waits for it any more.
    """

    __slots__ = (
        "connection",
        "failures",
        "last_ping",
        "local_admin",
        "peer",
        "ping",
        "profile",
        "remote_admin",
        "settled",
        "silent",
        "state",
        "successes",
    )

    def __init__(self, peer: IpPeer) -> None:
        self.peer = peer
        self.profile: PathCheckProfile | None = None
        self.state = PingState.INACTIVE
        self.successes = self.failures = 0
        self.connection = 0
        self.ping: Ping | None = None
        self.last_ping: Instant | None = None
        self.silent = False
        self.settled = False
        self.local_admin = self.remote_admin = "up"

    @property
    def interval(self) -> int:
        """The time from ping to ping in microseconds."""
        return self.profile.interval_seconds * SECOND if self.profile is not None else 0

    def count(self, *, ok: bool, times: int) -> PingState:
        """Take in an outcome that stands for `times`; returns the state that it leads to."""
        assert self.profile is not None
        if ok:
            self.successes, self.failures = self.successes + times, 0
            return PingState.UP if self.successes >= self.profile.recovery_count else self.state
        self.successes, self.failures = 0, self.failures + times
        return PingState.DOWN if self.failures >= self.profile.reply_timeout_count else self.state

    def confirmed_by(self, *, ok: bool) -> bool:
        """Whether an outcome says no more than the state does."""
        return self.state is (PingState.UP if ok else PingState.DOWN)
