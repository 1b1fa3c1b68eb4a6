"""One call that a far end of a test has placed or taken: how far it has come, what was said, and what may be done.

`TRANSITIONS` is the whole machine; it is seen from the far end, whichever side the INVITE came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

from sbcsim.clock import Instant
from sbcsim.errors import BugError
from sbcsim.pki.credential import Certificate
from sbcsim.sip.dialog import Dialog
from sbcsim.sip.message import Message, Request
from sbcsim.sip.transactionstate import Key

from .peerconnection import PeerConnection

if TYPE_CHECKING:
    from .peercalls import PeerCalls


class CallState(Enum):
    """Where a call stands."""

    CALLING = "calling"
    """The INVITE has gone out, or come in."""
    RINGING = "ringing"
    ANSWERED = "answered"
    """We have answered, and nobody has acknowledged that so far."""
    STANDING = "standing"
    ENDING = "ending"
    """We have said BYE or CANCEL, and wait for what becomes of it."""
    ENDED = "ended"


class CallTrigger(Enum):
    """What moves a call."""

    RING = "101-199"
    ACCEPT = "our 2xx"
    STAND = "a 2xx that we acknowledge, or the ACK to ours"
    LEAVE = "our BYE or CANCEL"
    END = "it is over"


_S, _T = CallState, CallTrigger

TRANSITIONS: dict[tuple[CallState, CallTrigger], CallState] = {
    (_S.CALLING, _T.RING): _S.RINGING,
    (_S.CALLING, _T.ACCEPT): _S.ANSWERED,
    (_S.CALLING, _T.STAND): _S.STANDING,
    (_S.CALLING, _T.LEAVE): _S.ENDING,
    (_S.CALLING, _T.END): _S.ENDED,
    (_S.RINGING, _T.RING): _S.RINGING,
    (_S.RINGING, _T.ACCEPT): _S.ANSWERED,
    (_S.RINGING, _T.STAND): _S.STANDING,
    (_S.RINGING, _T.LEAVE): _S.ENDING,
    (_S.RINGING, _T.END): _S.ENDED,
    (_S.ANSWERED, _T.STAND): _S.STANDING,
    (_S.ANSWERED, _T.END): _S.ENDED,
    # What comes late or twice changes nothing.
    (_S.STANDING, _T.RING): _S.STANDING,
    (_S.STANDING, _T.STAND): _S.STANDING,
    (_S.STANDING, _T.LEAVE): _S.ENDING,
    (_S.STANDING, _T.END): _S.ENDED,
    (_S.ENDING, _T.RING): _S.ENDING,
    (_S.ENDING, _T.STAND): _S.ENDING,
    (_S.ENDING, _T.END): _S.ENDED,
    (_S.ENDED, _T.RING): _S.ENDED,
    (_S.ENDED, _T.STAND): _S.ENDED,
    (_S.ENDED, _T.END): _S.ENDED,
}


@dataclass(frozen=True, slots=True)
class CallMessage:
    """A message of a call: when it went which way ("in" from the box), and by which connection."""

    at: Instant
    direction: Literal["in", "out"]
    connection: int
    message: Message


@dataclass(slots=True, eq=False)
class PeerCall:
    """A call as a far end has it.

    `connections` are those that have carried it, `messages` what went over them, both oldest first. `status` is the
    last answer to its INVITE, 0 for none. `ended_by` and `why` tell how it ended, "" while it has not. `on_hold` says
    whether the box's side has put it on hold.
    """

    number: int
    placed: bool
    """Whether this far end has placed it; else it came in."""
    calling: str
    called: str
    invite: Request
    key: Key
    connections: list[PeerConnection]
    _line: PeerCalls = field(repr=False)
    state: CallState = CallState.CALLING
    reached: set[CallState] = field(default_factory=lambda: {CallState.CALLING}, repr=False)
    """The states that it has come to so far."""
    status: int = 0
    ended_by: Literal["", "box", "peer"] = ""
    why: str = ""
    on_hold: bool = False
    messages: list[CallMessage] = field(default_factory=list, repr=False)
    dialog: Dialog | None = field(default=None, repr=False)
    tag: str = field(default="", repr=False)
    hangs_up: bool = field(default=False, repr=False)
    ignored: bool = field(default=False, repr=False)

    @property
    def call_id(self) -> str:
        """The Call-ID of the side between this far end and the box."""
        return self.invite.call_id

    @property
    def connection(self) -> PeerConnection:
        """The connection that carried it last."""
        return self.connections[-1]

    @property
    def certificates(self) -> list[Certificate]:
        """The certificates that the box showed on the connections that have carried it, oldest first."""
        return [each.shown[0] for each in self.connections if each.shown]

    @property
    def live(self) -> bool:
        """Whether it has been answered, and nobody has ended it."""
        return self.state in {CallState.ANSWERED, CallState.STANDING}

    def move(self, trigger: CallTrigger) -> bool:
        """Make a transition, and say whether the state is another one; raises BugError where there is none."""
        after = TRANSITIONS.get((self.state, trigger))
        if after is None:
            raise BugError(f"call {self.number} cannot take {trigger.value} while {self.state.value}")
        changed, self.state = after is not self.state, after
        self.reached.add(after)
        return changed

    def may(self, trigger: CallTrigger) -> bool:
        """Whether there is such a transition."""
        return (self.state, trigger) in TRANSITIONS

    # What may be done with it. Each raises PeerError where it cannot be done.

    async def wait_for(self, state: CallState | str, *, patience: float | None = None) -> None:
        """Wait until it has come so far, whatever became of it since.

        Raises PeerError where it ends instead, TimeoutError as `SipPeer.wait_for`.
        """
        await self._line.wait_for(self, CallState(state), patience)

    async def ring(self, status: int = 180) -> None:
        """Say that it rings."""
        self._line.ring(self, status)

    async def answer(self) -> None:
        """Answer it, and wait until that has been acknowledged."""
        self._line.answer(self)
        await self.wait_for(CallState.STANDING)

    async def refuse(self, status: int = 486) -> None:
        """Refuse it."""
        self._line.refuse(self, status)

    async def cancel(self) -> None:
        """Give it up before it is answered, and wait until it is over."""
        self._line.cancel(self)
        await self.wait_for(CallState.ENDED)

    async def hang_up(self) -> None:
        """Say BYE, and wait until that is answered."""
        if self.state is CallState.ANSWERED:
            await self.wait_for(CallState.STANDING)
        await self._line.request(self, "BYE")

    async def request(
        self, method: str, *, extra: Iterable[tuple[str, str]] = (), body: bytes = b"", patience: float | None = None
    ) -> int:
        """Send any request within it, and return the status of the final answer."""
        return await self._line.request(self, method, extra, body, patience)

    async def hold(self) -> int:
        """Put the other side on hold by a re-INVITE, and return the status of the answer."""
        return await self._line.offer_again(self, "sendonly")

    async def resume(self) -> int:
        """Take the other side off hold by a re-INVITE, and return the status of the answer."""
        return await self._line.offer_again(self, "sendrecv")
