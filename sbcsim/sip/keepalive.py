"""Keeping a connection open, and noticing that it is dead: the side that has dialled (RFC 5626 3.5.1, 4.4.1).

It sends CRLF CRLF from time to time, and gives the connection up where no CRLF comes back within ten seconds.
`TRANSITIONS` is the whole machine. Times are node uptime in microseconds, and are passed in.
"""

from __future__ import annotations

from enum import Enum
from random import Random  # noqa: TID251 - only the type: the stream is given

from sbcsim.clock import SECOND
from sbcsim.errors import BugError

from .headers import LARGEST_SECONDS, parse_number
from .message import Message

PING_OCTETS = b"\r\n\r\n"
LONGEST = 120 * SECOND
"""The longest wait between two pings where the far end does not ask for another one."""

_PATIENCE = 10 * SECOND


class KeepAliveState(Enum):
    """Where it stands."""

    RESTING = "resting"
    WAITING = "waiting for the answer"
    DEAD = "dead"


class KeepAliveTrigger(Enum):
    """What moves it."""

    PING = "time for a ping"
    PONG = "answer"
    SILENCE = "no answer"


_S, _T = KeepAliveState, KeepAliveTrigger

TRANSITIONS: dict[tuple[KeepAliveState, KeepAliveTrigger], KeepAliveState] = {
    (_S.RESTING, _T.PING): _S.WAITING,
    (_S.WAITING, _T.PONG): _S.RESTING,
    (_S.WAITING, _T.SILENCE): _S.DEAD,
    # One that nobody has asked for says nothing, one that comes too late changes nothing.
    (_S.RESTING, _T.PONG): _S.RESTING,
    (_S.DEAD, _T.PONG): _S.DEAD,
}


class KeepAlives:
    """The pings on one connection, from `now` on, 80 to 100 percent of `longest` microseconds apart.

    `draw` settles where between. `due` is when `fire` is to be called, None once the connection is dead.
    """

    __slots__ = ("_draw", "_due", "_longest", "state")

    def __init__(self, draw: Random, now: int, longest: int = LONGEST) -> None:
        if longest <= _PATIENCE:
            raise BugError(f"pings every {longest} microseconds leave no time for their answers")
        self.state = KeepAliveState.RESTING
        self._draw = draw
        self._longest = longest
        self._due = now + self._pause()

    @property
    def due(self) -> int | None:
        """The uptime at which `fire` has something to do."""
        return None if self.state is KeepAliveState.DEAD else self._due

    def move(self, trigger: KeepAliveTrigger) -> None:
        """Make a transition; raises BugError where there is none."""
        after = TRANSITIONS.get((self.state, trigger))
        if after is None:
            raise BugError(f"keep-alives cannot take {trigger.value} while {self.state.value}")
        self.state = after

    def fire(self, now: int) -> list[KeepAliveTrigger]:
        """Return what is due by `now`: PING, send `PING_OCTETS`; SILENCE, close the connection."""
        done: list[KeepAliveTrigger] = []
        while (due := self.due) is not None and due <= now:
            resting = self.state is KeepAliveState.RESTING
            trigger = KeepAliveTrigger.PING if resting else KeepAliveTrigger.SILENCE
            self.move(trigger)
            self._due = due + _PATIENCE
            done.append(trigger)
        return done

    def answered(self, now: int) -> None:
        """Take the single CRLF of the far end."""
        if self.state is KeepAliveState.WAITING:
            self._due = now + self._pause()
        self.move(KeepAliveTrigger.PONG)

    def _pause(self) -> int:
        return self._draw.randint(self._longest * 4 // 5, self._longest)


def flow_timer(message: Message) -> int | None:
    """Return the wait in microseconds that a far end asks for by Flow-Timer (RFC 5626 5.4), None where it does not.

    Raises SipError for one that cannot be read.
    """
    value = message.headers.get("Flow-Timer")
    return None if value is None else parse_number(value, LARGEST_SECONDS, "Flow-Timer") * SECOND
