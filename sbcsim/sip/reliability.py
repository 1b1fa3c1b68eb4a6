"""Responses that are repeated until the far end acknowledges them, whatever the transport.

A 2xx to an INVITE is by ACK (RFC 3261 13.3.1.4), a reliable provisional response by PRACK (RFC 3262 3 and 4).
`TRANSITIONS` is the machine of one such response. Times are node uptime in microseconds, and are passed in.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum

from sbcsim.errors import BugError

from .errors import SipError
from .headers import LARGEST_CSEQ, parse_number, parse_tokens
from .message import Headers, Message, Request, Response
from .transaction import T1, T2

EXTENSION = "100rel"
"""The option tag of reliable provisional responses."""

LARGEST_RSEQ = 2**32 - 1
_PATIENCE = 64 * T1
_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)")


class Hearing(Enum):
    """How it stands with one response."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "withdrawn"
    """Another response has made it needless."""
    GIVEN_UP = "given up"


class HearingTrigger(Enum):
    """What moves it."""

    REPEAT = "time to repeat"
    ACKNOWLEDGE = "acknowledgement"
    WITHDRAW = "a later response"
    GIVE_UP = "64*T1 over"


_H, _T = Hearing, HearingTrigger

TRANSITIONS: dict[tuple[Hearing, HearingTrigger], Hearing] = {
    (_H.WAITING, _T.REPEAT): _H.WAITING,
    (_H.WAITING, _T.ACKNOWLEDGE): _H.ACKNOWLEDGED,
    (_H.WAITING, _T.WITHDRAW): _H.WITHDRAWN,
    (_H.WAITING, _T.GIVE_UP): _H.GIVEN_UP,
    # An acknowledgement may come twice, or too late.
    (_H.ACKNOWLEDGED, _T.ACKNOWLEDGE): _H.ACKNOWLEDGED,
    (_H.WITHDRAWN, _T.ACKNOWLEDGE): _H.WITHDRAWN,
    (_H.GIVEN_UP, _T.ACKNOWLEDGE): _H.GIVEN_UP,
}


@dataclass(frozen=True, slots=True)
class Repeat:
    """Send a response, again or for the first time."""

    response: Response


@dataclass(frozen=True, slots=True)
class Unheard:
    """Nobody has acknowledged a response: end the call by BYE, refuse the INVITE by 5xx where it only rang."""

    response: Response


class Unacknowledged:
    """A response sent at `now` that waits for its acknowledgement.

    The wait between two sendings doubles from T1, up to T2 for a 2xx. `due` is when `fire` is to be called, None once
    nothing is waited for.
    """

    __slots__ = ("_end", "_next", "_wait", "response", "state")

    def __init__(self, response: Response, now: int) -> None:
        self.response = response
        self.state = Hearing.WAITING
        self._wait = T1
        self._next = now + T1
        self._end = now + _PATIENCE

    @property
    def due(self) -> int | None:
        """The uptime of the next repetition, or of the end of patience."""
        return min(self._next, self._end) if self.state is Hearing.WAITING else None

    def move(self, trigger: HearingTrigger) -> None:
        """Make a transition; raises BugError where there is none."""
        after = TRANSITIONS.get((self.state, trigger))
        if after is None:
            raise BugError(f"{self.response.summary} cannot take {trigger.value} while {self.state.value}")
        self.state = after

    def fire(self, now: int) -> list[Repeat | Unheard]:
        """Do what is due by `now`."""
        done: list[Repeat | Unheard] = []
        while (due := self.due) is not None and due <= now:
            if due == self._end:
                self.move(HearingTrigger.GIVE_UP)
                done.append(Unheard(self.response))
                break
            self.move(HearingTrigger.REPEAT)
            self._wait = min(2 * self._wait, T2) if self.response.final else 2 * self._wait
            self._next = due + self._wait
            done.append(Repeat(self.response))
        return done


@dataclass(frozen=True, slots=True)
class RAck:
    """What a PRACK acknowledges: the RSeq of a response, and number and method of the request it answers."""

    rseq: int
    cseq: int
    method: str

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


def parse_rack(text: str) -> RAck:
    """Return a RAck (RFC 3262 7.2); raises SipError."""
    match = _RACK.fullmatch(text)
    if match is None:
        raise SipError("malformed RAck", header="RAck")
    return RAck(parse_number(match[1], LARGEST_RSEQ, "RAck"), parse_number(match[2], LARGEST_CSEQ, "RAck"), match[3])


def rack_of(response: Response) -> RAck | None:
    """Return what a PRACK of a response has to say, None for one that is not reliable; raises SipError."""
    rseq = response.headers.get("RSeq")
    if rseq is None or not 100 < response.status < 200 or not lists(response, "Require", EXTENSION):
        return None
    return RAck(parse_number(rseq, LARGEST_RSEQ, "RSeq"), response.cseq.number, response.cseq.method)


def lists(message: Message, name: str, tag: str) -> bool:
    """Say whether Require or Supported lists an option tag, in any case; raises SipError."""
    return any(each.lower() == tag for value in message.headers.all(name) for each in parse_tokens(value, name))


class ReliableProvisionals:
    """The reliable provisional responses that we send to one INVITE: numbered, and one at a time (RFC 3262 3).

    `first` is the RSeq of the first one, drawn by the user from 1 to 2**31 - 1.
    """

    __slots__ = ("_outstanding", "_rseq", "_waiting")

    def __init__(self, first: int) -> None:
        if not 1 <= first < 2**31:
            raise BugError(f"{first} is no RSeq to begin with")
        self._rseq = first
        self._outstanding: Unacknowledged | None = None
        self._waiting: deque[Response] = deque()

    @property
    def due(self) -> int | None:
        """The uptime at which `fire` has something to do."""
        return None if self._outstanding is None else self._outstanding.due

    def say(self, response: Response, now: int) -> list[Repeat]:
        """Send a response from 101 to 199 reliably, or have it wait until the one before is acknowledged."""
        if not 100 < response.status < 200:
            raise BugError(f"{response.summary} cannot be sent reliably")
        fields = [*response.headers, ("Require", EXTENSION), ("RSeq", str(self._rseq))]
        self._rseq += 1
        self._waiting.append(replace(response, headers=Headers(fields)))
        return self._next(now)

    def acknowledged(self, prack: Request, now: int) -> list[Repeat] | None:
        """Take a PRACK, and send the next response if any; None for one that matches nothing: answer it 481.

        Raises SipError for a RAck that cannot be read.
        """
        said = self._outstanding
        rack = parse_rack(prack.headers.one("RAck"))
        if said is None or said.due is None or rack_of(said.response) != rack:
            return None
        said.move(HearingTrigger.ACKNOWLEDGE)
        return self._next(now)

    def fire(self, now: int) -> list[Repeat | Unheard]:
        """Do what is due by `now`; behind an `Unheard` nothing more is sent."""
        done = [] if self._outstanding is None else self._outstanding.fire(now)
        if self._outstanding is not None and self._outstanding.state is Hearing.GIVEN_UP:
            self._waiting.clear()
        return done

    def withdraw(self) -> None:
        """Repeat nothing any more: the final response has been sent (RFC 3262 3)."""
        self._waiting.clear()
        if self._outstanding is not None and self._outstanding.state is Hearing.WAITING:
            self._outstanding.move(HearingTrigger.WITHDRAW)

    def _next(self, now: int) -> list[Repeat]:
        busy = self._outstanding is not None and self._outstanding.state is not Hearing.ACKNOWLEDGED
        if busy or not self._waiting:
            return []
        self._outstanding = Unacknowledged(self._waiting.popleft(), now)
        return [Repeat(self._outstanding.response)]


class ProvisionalOrder:
    """Which reliable provisional responses of one far end have come, each fork by itself (RFC 3262 4)."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, response: Response) -> RAck | None:
        """Return what to acknowledge by PRACK; None for one that came already or too early: drop it.

        Raises SipError for an RSeq that cannot be read, BugError for a response that is not reliable.
        """
        rack = rack_of(response)
        if rack is None:
            raise BugError(f"{response.summary} is not reliable")
        if self._last is not None and rack.rseq != self._last + 1:
            return None
        self._last = rack.rseq
        return rack
