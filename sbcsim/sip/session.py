"""Session timers: whether a call is still wanted is asked from time to time, or it ends (RFC 4028).

`TRANSITIONS` is the machine of one dialog; `take_request`, `take_response` and `take_refusal` agree on its interval.
Times are node uptime in microseconds, intervals in messages are seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from sbcsim.clock import SECOND
from sbcsim.errors import BugError

from .errors import SipError
from .headers import LARGEST_SECONDS, parse_number
from .message import Message, Request, Response
from .reliability import lists

EXTENSION = "timer"
"""The option tag of session timers."""

SHORTEST = 90
"""No interval is shorter, in seconds (RFC 4028 5)."""

_MARGIN = 32 * SECOND
_VALUE = re.compile(r"([0-9]{1,10})[ \t]*((?:;[^;]*)*)")


class Refresher(Enum):
    """Who has to refresh a session, as seen by the exchange that says so."""

    UAC = "uac"
    UAS = "uas"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """A Session-Expires: the interval in seconds, and who refreshes if that is said."""

    seconds: int
    refresher: Refresher | None = None

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher.value}" if self.refresher else str(self.seconds)


@dataclass(frozen=True, slots=True)
class Policy:
    """What we would like: the interval, the shortest one we take, and whether we would rather refresh ourselves.

    An `interval` of 0 asks for no timer, but takes one that is asked for.
    """

    interval: int = 1800
    minimum: int = SHORTEST
    ourselves: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """The interval in seconds, whether we refresh, and what the response has to say about it."""

    seconds: int
    ours: bool
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TooShort:
    """An interval below what is taken: answer 422 with these headers."""

    headers: tuple[tuple[str, str], ...]


def session_expires(message: Message) -> SessionExpires | None:
    """Return the Session-Expires of a message, None where it is missing; raises SipError."""
    if "Session-Expires" not in message.headers:
        return None
    match = _VALUE.fullmatch(message.headers.one("Session-Expires"))
    if match is None:
        raise SipError("malformed Session-Expires", header="Session-Expires")
    refresher = None
    for each in match[2].split(";"):
        name, _, value = (part.strip(" \t").lower() for part in each.partition("="))
        if name == "refresher":
            if value not in {"uac", "uas"}:
                raise SipError("malformed refresher", header="Session-Expires")
            refresher = Refresher(value)
    return SessionExpires(parse_number(match[1], LARGEST_SECONDS, "Session-Expires"), refresher)


def min_se(message: Message) -> int:
    """Return the Min-SE of a message in seconds, 90 where it is missing or smaller; raises SipError."""
    if "Min-SE" not in message.headers:
        return SHORTEST
    text = message.headers.one("Min-SE").partition(";")[0].rstrip(" \t")
    return max(SHORTEST, parse_number(text, LARGEST_SECONDS, "Min-SE"))


def offer(policy: Policy, minimum: int = SHORTEST) -> tuple[tuple[str, str], ...]:
    """Return what an INVITE or UPDATE of ours says beside Supported: `minimum` is the largest Min-SE learned (7.1)."""
    if not policy.interval:
        return ()
    seconds = max(policy.interval, minimum, policy.minimum)
    refresher = Refresher.UAC if policy.ourselves else None
    shortest = (("Min-SE", str(minimum)),) if minimum > SHORTEST else ()
    return (("Session-Expires", str(SessionExpires(seconds, refresher))), *shortest)


def take_request(request: Request, policy: Policy) -> Agreement | TooShort | None:
    """Return what we, who are asked, agree to; None for a session without a timer (RFC 4028 9).

    Raises SipError for a header that cannot be read.
    """
    asked, least, knows = session_expires(request), min_se(request), lists(request, "Supported", EXTENSION)
    minimum = max(policy.minimum, SHORTEST)
    if asked is None:
        if not policy.interval:
            return None
        seconds, wanted = max(policy.interval, least, minimum), None
    elif asked.seconds < minimum and knows:
        return TooShort((("Min-SE", str(minimum)),))
    elif asked.seconds < SHORTEST:
        raise SipError("interval too short", header="Session-Expires")
    else:
        # A caller who knows nothing of timers, for whom somebody on the way has asked, cannot be told to ask for more.
        ours = max(policy.interval, least, minimum) if policy.interval else asked.seconds
        seconds, wanted = min(asked.seconds, ours), asked.refresher
    if not knows:
        refresher = Refresher.UAS
    elif wanted is not None:
        refresher = wanted
    else:
        refresher = Refresher.UAS if policy.ourselves else Refresher.UAC
    headers = [("Session-Expires", str(SessionExpires(seconds, refresher)))]
    if refresher is Refresher.UAC:
        headers.append(("Require", EXTENSION))
    return Agreement(seconds, refresher is Refresher.UAS, tuple(headers))


def take_response(response: Response) -> Agreement | None:
    """Return what a 2xx to our INVITE or UPDATE agrees to, None for a session without a timer (RFC 4028 7.2).

    Raises SipError for a header that cannot be read, that leaves open who refreshes, or allows less than 90 seconds.
    """
    agreed = session_expires(response)
    if agreed is None:
        return None
    if agreed.refresher is None or agreed.seconds < SHORTEST:
        raise SipError("no refresher, or interval too short", header="Session-Expires")
    return Agreement(agreed.seconds, agreed.refresher is Refresher.UAC)


def take_refusal(response: Response) -> int:
    """Return the interval in seconds that a 422 wants at least, for another try (RFC 4028 7.3); raises SipError."""
    if "Min-SE" not in response.headers:
        raise SipError("missing header", header="Min-SE")
    return min_se(response)


class SessionState(Enum):
    """Where the session timer of a dialog stands."""

    OFF = "off"
    REFRESHER = "refresher"
    REFRESHING = "refreshing"
    """Our refresh is out, and not agreed to so far."""
    WATCHER = "watcher"
    """The far end has to refresh."""
    ENDED = "ended"


class SessionTrigger(Enum):
    """What moves it."""

    WE_REFRESH = "agreed that we refresh"
    THEY_REFRESH = "agreed that the far end refreshes"
    NO_TIMER = "agreed on no timer"
    HALF = "half of the interval over"
    EXPIRE = "interval nearly over"
    END = "end of the dialog"


_S, _T = SessionState, SessionTrigger

_AGREED = {_T.WE_REFRESH: _S.REFRESHER, _T.THEY_REFRESH: _S.WATCHER, _T.NO_TIMER: _S.OFF, _T.END: _S.ENDED}

TRANSITIONS: dict[tuple[SessionState, SessionTrigger], SessionState] = {
    **{(state, trigger): after for state in _S if state is not _S.ENDED for trigger, after in _AGREED.items()},
    (_S.REFRESHER, _T.HALF): _S.REFRESHING,
    (_S.REFRESHING, _T.EXPIRE): _S.ENDED,
    (_S.WATCHER, _T.EXPIRE): _S.ENDED,
    # What comes behind the end changes nothing.
    **{(_S.ENDED, trigger): _S.ENDED for trigger in _AGREED},
}


@dataclass(frozen=True, slots=True)
class Refresh:
    """Send an UPDATE or a re-INVITE with what `offer` returns."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody has refreshed the session: send a BYE."""


class SessionTimer:
    """The session timer of one dialog. `due` is when `fire` is to be called, None while nothing waits.

    It is refreshed after half of the interval, and ends a third of it, at most 32 s, before it is over (RFC 4028 10).
    """

    __slots__ = ("_expires", "_half", "state")

    def __init__(self) -> None:
        self.state = SessionState.OFF
        self._half = self._expires = 0

    @property
    def due(self) -> int | None:
        """The uptime at which `fire` has something to do."""
        if self.state is SessionState.REFRESHER:
            return self._half
        return self._expires if self.state in {SessionState.REFRESHING, SessionState.WATCHER} else None

    def agreed(self, agreement: Agreement | None, now: int) -> None:
        """Begin anew by what was just agreed; nothing happens once the session has ended."""
        if agreement is None:
            self.move(SessionTrigger.NO_TIMER)
            return
        self.move(SessionTrigger.WE_REFRESH if agreement.ours else SessionTrigger.THEY_REFRESH)
        interval = agreement.seconds * SECOND
        self._half = now + interval // 2
        self._expires = now + interval - min(_MARGIN, interval // 3)

    def end(self) -> None:
        """Wait for nothing any more."""
        self.move(SessionTrigger.END)

    def move(self, trigger: SessionTrigger) -> None:
        """Make a transition; raises BugError where there is none."""
        after = TRANSITIONS.get((self.state, trigger))
        if after is None:
            raise BugError(f"session timer cannot take {trigger.value} while {self.state.value}")
        self.state = after

    def fire(self, now: int) -> list[Refresh | Expired]:
        """Do what is due by `now`."""
        done: list[Refresh | Expired] = []
        while (due := self.due) is not None and due <= now:
            if self.state is SessionState.REFRESHER:
                self.move(SessionTrigger.HALF)
                done.append(Refresh())
            else:
                self.move(SessionTrigger.EXPIRE)
                done.append(Expired())
        return done
