"""What the four transaction machines share: states, what moves them, what comes out (RFC 3261 17, RFC 6026).

A machine is a table from (state, event) to the state after it and what is done on the way. An event is a `Trigger`, or
a `Timer` that fires. What is not in the table raises BugError and changes nothing: whatever a far end can send at any
time is in it. Nothing here is sent, waited for or told: all that comes out as frozen values. Times are node uptime in
microseconds, and are passed in.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar, NamedTuple

from sbcsim.errors import BugError

from .message import Message, Request, Response
from .transaction import T1, T4, timer_e

TIMEOUT = 64 * T1
"""How long a transaction tries: timers B, F, H, J, L, M and, by its lower bound, D."""

ANSWERED_WITHIN = T1 * 2 // 5
"""After this long (200 ms) without any answer of the user an INVITE is answered 100 (RFC 3261 17.2.1)."""

RINGING_WITHIN = 181 * 2 * T1
"""Timer C: how long an INVITE may go on between provisional responses, a little over 3 minutes (RFC 3261 16.6)."""


class Side(Enum):
    """Who sent the request of a transaction."""

    CLIENT = "client"
    """We did."""
    SERVER = "server"
    """The far end did."""


class State(Enum):
    """Where a transaction stands; each machine passes through some of them."""

    INITIAL = "initial"
    CALLING = "calling"
    CANCELLING = "cancelling"
    """To be cancelled, as soon as there is any answer (RFC 3261 9.1)."""
    TRYING = "trying"
    PROCEEDING = "proceeding"
    CANCELLED = "cancelled"
    """The CANCEL is out, the answer to the INVITE is still awaited."""
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Trigger(Enum):
    """What moves a transaction, beside its timers. Responses come from the far end, or from our user."""

    START = "start"
    TRYING = "100"
    PROVISIONAL = "101-199"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    REQUEST = "the request once more"
    ACK = "ACK"
    CANCEL = "wish to cancel"
    TRANSPORT_ERROR = "transport error"


class Timer(Enum):
    """The timers of RFC 3261 (its annex A lists them), RFC 6026 (L, M), and two that have no letter."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    G = "G"
    H = "H"
    I = "I"  # noqa: E741 - the letter of the RFC
    J = "J"
    K = "K"
    L = "L"
    M = "M"
    CANCEL = "cancel"
    """How long a cancelled INVITE waits for its answer (RFC 3261 9.1)."""
    TRYING = "trying"
    """When an INVITE is answered 100 because nothing else has been (RFC 3261 17.2.1)."""


class Action(Enum):
    """What a transition does, beside starting timers."""

    SEND = "send what has just been handed over"
    REPEAT = "send again what was sent last"
    TRY = "send 100"
    ACKNOWLEDGE = "send an ACK"
    CANCEL = "send a CANCEL, in a transaction of its own"
    DELIVER = "hand what came to the user"
    TIMED_OUT = "tell the user that nobody answered"
    UNREACHABLE = "tell the user that it could not be sent"
    GIVEN_UP = "tell the user that it was cancelled before it got anywhere"


@dataclass(frozen=True, slots=True)
class Start:
    """Start a timer on the way, unless its length says that it does not run on this transport."""

    timer: Timer


class Row(NamedTuple):
    """One line of a table: where it leads to, and what is done in which order."""

    after: State
    actions: tuple[Action | Start, ...] = ()


Event = Trigger | Timer
Table = Mapping[tuple[State, Event], Row]
Running = Mapping[State, frozenset[Timer]]


@dataclass(frozen=True, slots=True)
class Key:
    """What a message is matched to its transaction by (RFC 3261 17.1.3 and 17.2.3); the method of an ACK is INVITE.

    `sent_by` is host and port of the topmost Via in lower case.
    """

    side: Side
    branch: str
    sent_by: str
    method: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Where the messages of a transaction go: "UDP", "TCP" or "TLS", the far end, and the connection (0: none).

    `local` is whatever the user knows his own end by.
    """

    transport: str
    remote: tuple[str, int]
    connection: int = 0
    local: Hashable = None

    @property
    def reliable(self) -> bool:
        """Whether nothing has to be said twice."""
        return self.transport != "UDP"


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message, perhaps once more; if that fails, say so with its key."""

    key: Key
    flow: Flow
    message: Message
    again: bool = False


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Have a timer fire at uptime `due`, in place of what it was set to."""

    key: Key
    timer: Timer
    due: int


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget a timer that was set."""

    key: Key
    timer: Timer


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message for the user of the transactions.

    `key` is None for an ACK that belongs to no transaction: that of a 2xx. `cancels` is the transaction that a CANCEL
    is about, None where there is none any more. `merged` says that a request has come here by another way already
    (RFC 3261 8.2.2.2). `flow` is that of the transaction, `by` the one of a response that came by another connection.
    """

    key: Key | None
    message: Message
    flow: Flow
    cancels: Key | None = None
    merged: bool = False
    by: Flow | None = None


class Why(Enum):
    """Why a transaction failed."""

    TIMED_OUT = "nobody answered"
    UNREACHABLE = "it could not be sent"
    CANCELLED = "it was cancelled, and did not get out"


@dataclass(frozen=True, slots=True)
class Failed:
    """A transaction came to nothing; `Terminated` says whether it is over."""

    key: Key
    why: Why


@dataclass(frozen=True, slots=True)
class Cancel:
    """Send a CANCEL for the request of this transaction, in a transaction of its own."""

    key: Key
    flow: Flow
    request: Request


@dataclass(frozen=True, slots=True)
class Terminated:
    """A transaction is over: nothing belongs to it any more."""

    key: Key


Effect = Send | SetTimer | CancelTimer | Deliver | Failed | Cancel | Terminated


def trigger_of(response: Response) -> Trigger:
    """Return what a response is to a machine."""
    if response.status >= 300:
        return Trigger.FAILURE
    if response.status >= 200:
        return Trigger.SUCCESS
    return Trigger.PROVISIONAL if response.status > 100 else Trigger.TRYING


class Transaction:
    """One transaction. `table` is the whole machine, `running` says which timers may run in which state.

    A timer that may not run in the state after a transition is cancelled by it.
    """

    __slots__ = ("_rounds", "_said", "_timers", "flow", "key", "request", "state")

    table: ClassVar[Table] = {}
    running: ClassVar[Running] = {}

    def __init__(self, key: Key, request: Request, flow: Flow) -> None:
        self.key = key
        self.request = request
        self.flow = flow
        self.state = State.INITIAL
        self._timers: set[Timer] = set()
        self._rounds = 0  # how often a timer that repeats something has been started
        self._said: Send | None = None

    def start(self, now: int) -> list[Effect]:
        """Begin; raises BugError the second time."""
        return self._move(Trigger.START, now, self.request)

    def fire(self, timer: Timer, now: int) -> list[Effect]:
        """Take a timer that has become due; raises BugError for one that is not set."""
        if timer not in self._timers:
            raise BugError(f"timer {timer.value} of {self._named()} is not set")
        return self._move(timer, now)

    def transport_failed(self, now: int) -> list[Effect]:
        """Take the news that what was sent did not get out, or that the connection is gone."""
        return self._move(Trigger.TRANSPORT_ERROR, now)

    def _move(self, event: Event, now: int, message: Message | None = None) -> list[Effect]:
        row = self.table.get((self.state, event))
        if row is None:
            raise BugError(f"{self._named()} cannot take {event.value} while {self.state.value}")
        self.state = row.after
        if isinstance(event, Timer):
            self._timers.discard(event)
        effects: list[Effect] = []
        for timer in sorted(self._timers - self.running[row.after], key=lambda each: each.value):
            self._timers.discard(timer)
            effects.append(CancelTimer(self.key, timer))
        over: list[Timer] = []
        for action in row.actions:
            if not isinstance(action, Start):
                effects += self._act(action, message)
                continue
            length = self._length(action.timer)
            if length:
                self._timers.add(action.timer)
                effects.append(SetTimer(self.key, action.timer, now + length))
            elif length is not None:
                over.append(action.timer)
        for timer in over:  # a timer of no length fires at once
            effects += self._move(timer, now)
        if row.after is State.TERMINATED:
            effects.append(Terminated(self.key))
        return effects

    def _act(self, action: Action, message: Message | None) -> list[Effect]:
        match action:
            case Action.SEND:
                assert message is not None
                self._said = Send(self.key, self._way(message), message)
                return [self._said]
            case Action.REPEAT:
                assert self._said is not None
                return [replace(self._said, again=True)]
            case Action.DELIVER:
                assert message is not None
                return [Deliver(self.key, message, self.flow)]
            case Action.TIMED_OUT:
                return [Failed(self.key, Why.TIMED_OUT)]
            case Action.UNREACHABLE:
                return [Failed(self.key, Why.UNREACHABLE)]
            case Action.GIVEN_UP:
                return [Failed(self.key, Why.CANCELLED)]
            case Action.TRY | Action.ACKNOWLEDGE | Action.CANCEL:
                return self._act_of_side(action, message)

    def _act_of_side(self, action: Action, message: Message | None) -> list[Effect]:
        """Do what only one of the sides does."""
        raise BugError(f"{self._named()} has no {action.value} for {message!r}")

    def _way(self, message: Message) -> Flow:  # noqa: ARG002 - a server looks into its response
        """Return where a message goes."""
        return self.flow

    def _length(self, timer: Timer) -> int | None:
        """Return how long a timer runs, 0 if it fires at once, None if it does not run on this transport."""
        reliable = self.flow.reliable
        match timer:
            case Timer.A | Timer.E | Timer.G:
                if reliable:
                    return None
                self._rounds += 1
                if timer is Timer.A:
                    return T1 << (self._rounds - 1)
                return timer_e(self._rounds, proceeding=self.state is State.PROCEEDING)
            case Timer.D | Timer.J:
                return 0 if reliable else TIMEOUT
            case Timer.I | Timer.K:
                return 0 if reliable else T4
            case Timer.C:
                return RINGING_WITHIN
            case Timer.TRYING:
                return ANSWERED_WITHIN
            case _:
                return TIMEOUT

    def _named(self) -> str:
        return f"{self.key.side.value} transaction {self.key.method} {self.key.branch}"
