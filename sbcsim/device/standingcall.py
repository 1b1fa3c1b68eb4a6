"""One call on its way through the box: its two sides, the dialogs between them, and how far it has come.

`TRANSITIONS` is the whole machine. A call is *stable* from the 2xx on; what is set up and what ends is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from sbcsim.clock import Instant
from sbcsim.errors import BugError
from sbcsim.sip.dialog import Dialog, DialogId
from sbcsim.sip.message import Request
from sbcsim.sip.session import SessionTimer
from sbcsim.sip.transactionstate import Flow, Key

from .effects import ConnectionId
from .sipflows import Place
from .trunkgroup import TrunkGroupKey
from .waysout import Hop


class Stage(Enum):
    """How far a call has come."""

    ESTABLISHING = "establishing"
    CANCELLED = "cancelled"
    """The caller has been told that it is over, the callee may not have been so far."""
    STABLE = "stable"
    ENDING = "ending"
    """A BYE is on its way from one side to the other."""
    ENDED = "ended"


class Turn(Enum):
    """What moves a call."""

    ANSWER = "answered"
    REFUSE = "refused"
    CANCEL = "cancelled"
    HANG_UP = "BYE of one side"
    CHALLENGE = "BYE answered by 401 or 407"
    END = "over"


TRANSITIONS: dict[tuple[Stage, Turn], Stage] = {
    (Stage.ESTABLISHING, Turn.ANSWER): Stage.STABLE,
    (Stage.ESTABLISHING, Turn.REFUSE): Stage.ENDED,
    (Stage.ESTABLISHING, Turn.CANCEL): Stage.CANCELLED,
    (Stage.CANCELLED, Turn.END): Stage.ENDED,
    (Stage.STABLE, Turn.HANG_UP): Stage.ENDING,
    (Stage.STABLE, Turn.END): Stage.ENDED,
    (Stage.ENDING, Turn.CHALLENGE): Stage.STABLE,
    (Stage.ENDING, Turn.END): Stage.ENDED,
}


@dataclass(slots=True)
class Side:
    """One side of a call: where it is, whom our Contact towards it names, and the connection that carries it.

    `secure` says that the Contact is a SIPS URI, as the call has begun with one on this side.
    """

    place: Place
    trunk_group: TrunkGroupKey
    call_id: str
    user: str
    connection: ConnectionId = 0
    secure: bool = False


@dataclass(slots=True, eq=False)
class Attempt:
    """One INVITE of ours towards a next hop."""

    call: StandingCall
    invite: Request
    key: Key
    side: Side


@dataclass(slots=True, eq=False)
class Pair:
    """The two dialogs of one fork of a call; what comes in one goes on in the other. `egress` is the callee's side."""

    call: StandingCall
    caller: Dialog
    callee: Dialog
    egress: Side
    leaver: Dialog | None = None
    """The dialog in which a BYE has come first."""
    acks: list[tuple[DialogId, int]] = field(default_factory=list)
    """What waits for an ACK, or may have to hear it again: the asking dialog, and the number of its INVITE."""
    invites: dict[DialogId, tuple[int, int]] = field(default_factory=dict)
    """The number of the last INVITE within each dialog, and the one that it has on the other side."""

    def other(self, dialog: Dialog) -> Dialog:
        """Return the dialog on the other side."""
        return self.callee if dialog is self.caller else self.caller

    def side(self, dialog: Dialog) -> Side:
        """Return the side that a dialog is on."""
        return self.call.ingress if dialog is self.caller else self.egress


@dataclass(slots=True, eq=False, kw_only=True)
class StandingCall:
    """One call.

    `invite` has come by `flow` in the transaction `server`. `tags` are our To tags by those of the callee's forks,
    `failure` is what the caller hears when no route is left.
    """

    id: int
    invite: Request
    flow: Flow
    server: Key
    ingress: Side
    hops: list[Hop]
    tag: str
    forwards: int
    since: Instant
    calling: str
    called: str
    stage: Stage = Stage.ESTABLISHING
    egress: Side | None = None
    attempt: Attempt | None = None
    pairs: list[Pair] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    failure: int = 503
    answered: Instant | None = None
    timer: SessionTimer = field(default_factory=SessionTimer)

    def move(self, turn: Turn) -> None:
        """Make a transition; raises BugError where there is none."""
        after = TRANSITIONS.get((self.stage, turn))
        if after is None:
            raise BugError(f"call {self.id} cannot be {turn.value} while {self.stage.value}")
        self.stage = after

    @property
    def pair(self) -> Pair:
        """The dialogs of an answered call."""
        return self.pairs[0]
