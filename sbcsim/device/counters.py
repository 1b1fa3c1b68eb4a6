"""The counters of a sipSigPort, named after the leaves that show them (sbc-model, status and statistics)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from sbcsim.clock import SECOND

_MINUTE = 60

TLS_LEAVES = (
    "currentServerSessions",
    "totalServerSessions",
    "currentClientHandshakes",
    "currentServerHandshakes",
    "sessionResumptions",
    "noCipherSuite",
    "handshakeTimeouts",
    "higherAuthTimeout",
    "clientAuthFailures",
    "serverAuthFailures",
    "fatelAlertsReceived",
    "warningAlertsReceived",
    "handshakeFailures",
    "receiveFailures",
    "sendFailures",
    "noAuthDrops",
    "noAuth488",
    "midConnectionHello",
    "noClientCert",
    "validationFailures",
    "currentClientConnections",
    "totalClientConnections",
    "currentServerConnections",
    "totalServerConnections",
)

PORT_LEAVES = (
    "callRate",
    "origCalls",
    "termCalls",
    "txPdus",
    "rxPdus",
    "txBytes",
    "rxBytes",
    "inRegs",
    "outRegs",
    "tx500s",
    "tx503s",
)

CONNECTION_LEAVES = ("tcpConnection", "totalTcpConnection", "activeTlsTcpConnection", "totalTlsTcpConnection")


class Counters:
    """A fixed set of counters: counting a name that does not exist is an error, not a new counter."""

    __slots__ = ("_values",)

    def __init__(self, leaves: tuple[str, ...]) -> None:
        self._values = dict.fromkeys(leaves, 0)

    def __getitem__(self, leaf: str) -> int:
        return self._values[leaf]

    def add(self, leaf: str, times: int = 1) -> None:
        """Count `leaf` up by `times`, or down by a negative number."""
        self._values[leaf] += times

    def clear_totals(self) -> None:
        """Set every counter to 0 except those that show what stands now (`current...`, active connections)."""
        for leaf in self._values:
            if not leaf.startswith(("current", "activeTls")) and leaf != "tcpConnection":
                self._values[leaf] = 0

    def as_row(self) -> Mapping[str, int]:
        """Return all counters by leaf name, in the order of the table."""
        return dict(self._values)


class CallRate:
    """How many calls a second begin: over the last minute of uptime, to the nearest whole number [design]."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: deque[list[int]] = deque()  # second, and how many began in it

    def begin(self, uptime: int) -> None:
        """Count a call that begins."""
        second = uptime // SECOND
        if self._begun and self._begun[-1][0] == second:
            self._begun[-1][1] += 1
        else:
            self._forget(second)
            self._begun.append([second, 1])

    def at(self, uptime: int) -> int:
        """Return the rate at an uptime."""
        self._forget(uptime // SECOND)
        return (sum(number for _, number in self._begun) + _MINUTE // 2) // _MINUTE

    def _forget(self, second: int) -> None:
        while self._begun and self._begun[0][0] <= second - _MINUTE:
            self._begun.popleft()


class PortCounters:
    """The three groups of counters that belong to one sipSigPort."""

    __slots__ = ("_rate", "connections", "port", "tls")

    def __init__(self) -> None:
        self.tls = Counters(TLS_LEAVES)
        self.port = Counters(PORT_LEAVES)
        self.connections = Counters(CONNECTION_LEAVES)
        self._rate = CallRate()

    def called(self, leaf: str, uptime: int) -> None:
        """Count a call that begins, `origCalls` where it comes in and `termCalls` where it goes out."""
        self.port.add(leaf)
        self._rate.begin(uptime)

    def look(self, uptime: int) -> None:
        """Have what depends on time show what it is now."""
        self.port.add("callRate", self._rate.at(uptime) - self.port["callRate"])

    def as_row(self) -> Mapping[str, int]:
        """Return all counters of all groups by leaf name."""
        return {**self.tls.as_row(), **self.port.as_row(), **self.connections.as_row()}

    def answered(self, status: int) -> None:
        """Count an answer that says it is the box that cannot."""
        if status == 503:
            self.port.add("tx503s")
        if status // 100 == 5:
            self.port.add("tx500s")
