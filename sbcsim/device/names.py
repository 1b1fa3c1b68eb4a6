"""What host names mean: by the simulator's host table, else by the DNS, whose answers are kept for their time to live.

A name is looked up for a ping that has to find its way. How a far end is chosen among several depends on the peer and
on what the DNS says, not on how often it was asked: so a jump of the clock that spares look-ups ends where others do.
"""

from __future__ import annotations

from sbcsim import rng
from sbcsim.addresses import usual_address
from sbcsim.clock import SECOND, Instant
from sbcsim.sip.locating import Answer, Question, Unlocated, locate

from .chassis import Chassis
from .connections import PeerKey
from .effects import Endpoint, Lookup, Transport
from .listeners import Port
from .objects import IpPeer

_WORDS = {Transport.TLS: "TLS", Transport.TCP: "TCP", Transport.UDP: "UDP"}


class Search:
    """The way of one ping from a host name to where it is reached; `answers` are what it has learned so far."""

    __slots__ = ("answers", "host_name", "host_port", "key", "port", "transport", "types")

    def __init__(self, peer: IpPeer, port: Port, transport: Transport) -> None:
        self.key: PeerKey = peer.key
        self.host_name = peer.host_name
        self.host_port = peer.host_port
        self.port = port
        self.transport = transport
        own = {":" in each.address[0] for each in port.config.listeners() if each.transport is transport}
        self.types = [kind for kind, version6 in (("A", False), ("AAAA", True)) if version6 in own]
        self.answers: dict[Question, Answer] = {}


class Names:
    """Everything that is known of names, and who waits for more."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._kept: dict[Question, tuple[int, Answer]] = {}
        self._waiting: dict[Question, list[Search]] = {}

    def __len__(self) -> int:
        """Return how many questions are under way."""
        return len(self._waiting)

    def known(self, host_name: str) -> str:
        """Return the address of a name that needs no look-up, "" for any other."""
        return self._chassis.settings.hosts.get(host_name) or usual_address(host_name)

    def find(self, search: Search, now: Instant) -> Endpoint | Unlocated | None:
        """Return where a search leads; None while the DNS is asked, which ends with `looked_up`."""
        if self._chassis.settings.resolver is None:
            return Unlocated(f"hostName {search.host_name} is not in the host table")
        while True:
            draw = rng.stream(self._chassis.settings.seed, f"locate {' '.join(search.key)} {search.host_name}")
            name, port, transport = search.host_name, search.host_port, _WORDS[search.transport]
            step = locate(name, port, transport, search.types, search.answers, draw)
            if not isinstance(step, Question):
                return step
            expiry, answer = self._kept.get(step, (0, None))
            if answer is None or expiry <= now.uptime:
                if step not in self._waiting:
                    self._chassis.effect(Lookup(step))
                self._waiting.setdefault(step, []).append(search)
                return None
            search.answers[step] = answer

    def looked_up(self, question: Question, answer: Answer, now: Instant) -> list[Search]:
        """Take an answer of the DNS; returns the searches that can go on."""
        searches = self._waiting.pop(question, None)
        if searches is None:
            return []  # asked before everything was forgotten
        for search in searches:
            search.answers[question] = answer
        self._kept.pop(question, None)
        if answer.seconds and not answer.failure:
            self._kept[question] = (now.uptime + answer.seconds * SECOND, answer)
        return searches

    def clear(self) -> None:
        """Forget what was learned, and who waits."""
        self._kept.clear()
        self._waiting.clear()
