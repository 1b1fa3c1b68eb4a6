"""One dialog: who talks to whom, by which way, and in which order (RFC 3261 12, 14, 15; RFC 3311, 5057, 6141).

`TRANSITIONS` is the whole machine. A dialog says how a request in it looks, and whether one that came is in order; what
is in a session description is none of its business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from sbcsim.errors import BugError

from . import uri
from .errors import SipError
from .headers import LARGEST_CSEQ, Via
from .message import Headers, Message, Request, Response
from .route import RouteSet, learned, towards
from .via import FORWARDS


class DialogState(Enum):
    """Where a dialog stands."""

    INITIAL = "initial"
    EARLY = "early"
    CONFIRMED = "confirmed"
    ENDING = "ending"
    """A BYE is under way, in either direction."""
    TERMINATED = "terminated"


class DialogTrigger(Enum):
    """What moves a dialog. The first three are responses to the INVITE that makes it, in either direction."""

    PROVISIONAL = "101-199"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    BYE_SENT = "BYE sent"
    BYE_RECEIVED = "BYE received"
    BYE_CHALLENGED = "BYE answered by 401 or 407"
    BYE_OVER = "BYE answered otherwise, or never"
    LOST = "the far end can be told nothing"


_S, _T = DialogState, DialogTrigger

TRANSITIONS: dict[tuple[DialogState, DialogTrigger], DialogState] = {
    (_S.INITIAL, _T.PROVISIONAL): _S.EARLY,
    (_S.INITIAL, _T.SUCCESS): _S.CONFIRMED,
    # An early dialog is left by CANCEL; a BYE of the far end ends it at once.
    (_S.EARLY, _T.PROVISIONAL): _S.EARLY,
    (_S.EARLY, _T.SUCCESS): _S.CONFIRMED,
    (_S.EARLY, _T.FAILURE): _S.TERMINATED,
    (_S.EARLY, _T.BYE_RECEIVED): _S.TERMINATED,
    # What comes late or twice changes nothing.
    (_S.CONFIRMED, _T.PROVISIONAL): _S.CONFIRMED,
    (_S.CONFIRMED, _T.SUCCESS): _S.CONFIRMED,
    (_S.CONFIRMED, _T.BYE_SENT): _S.ENDING,
    (_S.CONFIRMED, _T.BYE_RECEIVED): _S.ENDING,
    (_S.CONFIRMED, _T.LOST): _S.TERMINATED,
    # Whoever is asked for credentials says BYE again; two that cross end it as well as one.
    (_S.ENDING, _T.PROVISIONAL): _S.ENDING,
    (_S.ENDING, _T.SUCCESS): _S.ENDING,
    (_S.ENDING, _T.BYE_RECEIVED): _S.ENDING,
    (_S.ENDING, _T.BYE_CHALLENGED): _S.CONFIRMED,
    (_S.ENDING, _T.BYE_OVER): _S.TERMINATED,
    (_S.ENDING, _T.LOST): _S.TERMINATED,
    # The second of two BYEs that crossed.
    (_S.CONFIRMED, _T.BYE_CHALLENGED): _S.CONFIRMED,
    (_S.CONFIRMED, _T.BYE_OVER): _S.TERMINATED,
    (_S.TERMINATED, _T.BYE_CHALLENGED): _S.TERMINATED,
    (_S.TERMINATED, _T.BYE_OVER): _S.TERMINATED,
    (_S.TERMINATED, _T.PROVISIONAL): _S.TERMINATED,
    (_S.TERMINATED, _T.SUCCESS): _S.TERMINATED,
}

MAKES_A_TARGET = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"})
"""Requests whose Contact, and that of a 2xx to them, says where the far end of the dialog is (RFC 5057 5.4)."""

ONE_AT_A_TIME = frozenset({"INVITE", "UPDATE"})
"""The requests that agree on the session anew: only one is under way, of either side (RFC 3261 14, RFC 3311 5)."""

_GONE = frozenset({408, 481})
"""Answers that say that the far end knows of no such dialog (RFC 5057)."""

_OF_THE_CALL = frozenset({"INVITE", "UPDATE", "INFO"})
"""Requests whose 408 or 481 speaks of the call, and not of a response, of a subscription or of nothing (RFC 5057 5)."""

CHALLENGES = frozenset({401, 407})
"""Answers that ask for credentials."""


@dataclass(frozen=True, slots=True)
class DialogId:
    """What a message is matched to its dialog by (RFC 3261 12); a tag is "" where an old client has none."""

    call_id: str
    local_tag: str
    remote_tag: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request in a dialog is not in order, and the status to answer.

    `retry` says that a Retry-After of up to ten seconds belongs into the answer (RFC 3261 14.2).
    """

    status: int
    reason: str
    retry: bool = False


def received_id(message: Message) -> DialogId:
    """Return the dialog that a message from the far end belongs to; raises SipError."""
    ours, theirs = message.sender.tag, message.recipient.tag
    if isinstance(message, Request):
        ours, theirs = theirs, ours
    return DialogId(message.call_id, ours, theirs)


class Dialog:
    """One dialog, seen from our side.

    Raises SipError where the message that makes it has no Contact, or a route that is no address.
    """

    __slots__ = (
        "_open_here",
        "_open_there",
        "caller",
        "id",
        "invite_cseq",
        "local",
        "local_cseq",
        "remote",
        "remote_cseq",
        "routes",
        "state",
        "target",
    )

    def __init__(self, id: DialogId, *, caller: bool, local: str, remote: str, routes: RouteSet, target: str) -> None:  # noqa: A002 - the field's own word
        self.id = id
        self.caller = caller
        """Whether we sent the INVITE that made it."""
        self.local = local
        self.remote = remote
        """From and To of our requests, tags and all, as they were written."""
        self.routes = routes
        self.target = target
        """The URI that our requests are addressed to."""
        towards(target, routes)  # what cannot be sent anywhere makes no dialog
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.invite_cseq = 0
        """The number of the INVITE that made it: what an ACK repeats."""
        self.state = DialogState.INITIAL
        self._open_here: dict[int, str] = {}
        self._open_there: dict[int, tuple[str, str]] = {}
        """The methods of what may move the target and is not answered yet, by number; with it where it would move."""

    @classmethod
    def of_caller(cls, invite: Request, response: Response) -> Dialog:
        """Return the dialog that a response to our INVITE makes (RFC 3261 12.1.2)."""
        dialog = cls(
            DialogId(invite.call_id, invite.sender.tag, response.recipient.tag),
            caller=True,
            local=invite.headers.one("From"),
            remote=response.headers.one("To"),
            routes=learned(response, by_client=True),
            target=_contact(response),
        )
        dialog.local_cseq = dialog.invite_cseq = invite.cseq.number
        dialog._open_here[dialog.invite_cseq] = "INVITE"
        dialog.answered_there(response)
        return dialog

    @classmethod
    def of_callee(cls, invite: Request, response: Response) -> Dialog:
        """Return the dialog that our response to an INVITE makes (RFC 3261 12.1.1)."""
        dialog = cls(
            DialogId(invite.call_id, response.recipient.tag, invite.sender.tag),
            caller=False,
            local=response.headers.one("To"),
            remote=invite.headers.one("From"),
            routes=learned(invite, by_client=False),
            target=_contact(invite),
        )
        dialog.remote_cseq = dialog.invite_cseq = invite.cseq.number
        dialog._open_there[dialog.invite_cseq] = ("INVITE", "")
        dialog.answered_here(response)
        return dialog

    @property
    def next_hop(self) -> str:
        """The URI that our requests are sent to."""
        return towards(self.target, self.routes).next_hop

    @property
    def secure(self) -> bool:
        """Whether our Contact has to be a SIPS URI, as where our requests go is one (RFC 3261 8.1.1.8)."""
        way = towards(self.target, self.routes)
        return uri.secure(way.uri) or uri.secure(way.next_hop)

    def pending(self, method: str) -> bool:
        """Say whether an INVITE or UPDATE of either side is open, so that another one has to wait (RFC 3261 14.1)."""
        return method in ONE_AT_A_TIME and (self._asked(method) or self._asks(method))

    def move(self, trigger: DialogTrigger) -> DialogState:
        """Make a transition and return the state before; raises BugError where there is none."""
        before = self.state
        after = TRANSITIONS.get((before, trigger))
        if after is None:
            raise BugError(f"dialog {self.id.call_id} cannot take {trigger.value} while {before.value}")
        self.state = after
        return before

    def request(
        self, method: str, via: Via, extra: Iterable[tuple[str, str]] = (), body: bytes = b"", *, cseq: int = 0
    ) -> Request:
        """Return the next request of ours, by the route set (RFC 3261 12.2.1.1).

        An ACK repeats `cseq`, the number of the INVITE that it is for. Raises BugError for a request in a dialog that
        is over, for an INVITE or UPDATE while one is `pending`, and for a number beyond 2**31.
        """
        if method == "ACK":
            return self._built(method, via, cseq or self.invite_cseq, extra, body)
        if self.state is DialogState.TERMINATED or self.pending(method):
            raise BugError(f"dialog {self.id.call_id} takes no {method} while {self.state.value}")
        number = self.local_cseq + 1
        if number > LARGEST_CSEQ:
            raise BugError(f"dialog {self.id.call_id} has no number left")
        built = self._built(method, via, number, extra, body)
        if method == "BYE":
            self.move(DialogTrigger.BYE_SENT)
        self.local_cseq = number
        if method in MAKES_A_TARGET:
            self._open_here[number] = method
        return built

    def take(self, request: Request) -> Refused | None:
        """Take a request of the far end into the dialog; None says that it is in order (RFC 3261 12.2.2, 14.2).

        An ACK always is: whether it is awaited is known elsewhere. A CANCEL belongs to its transaction, and never comes
        here. Raises SipError for a value that cannot be read.
        """
        number, method = request.cseq.number, request.method
        target = _contact(request) if method in MAKES_A_TARGET and "Contact" in request.headers else ""
        if method == "ACK":
            return None
        if self.state is DialogState.TERMINATED or (self.state is DialogState.ENDING and method != "BYE"):
            return Refused(481, "dialog is over")
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return Refused(500, "request out of order")
        self.remote_cseq = number
        if method == "BYE":
            self.move(DialogTrigger.BYE_RECEIVED)
        if method in ONE_AT_A_TIME and self._asks(method):
            return Refused(500, f"another {method} is not answered yet", retry=True)
        if method in ONE_AT_A_TIME and self._asked(method):
            return Refused(491, f"{method} of both sides at once")
        if method in MAKES_A_TARGET:
            self._open_there[number] = (method, target)
        return None

    def answered_here(self, response: Response) -> None:
        """Note a response of ours to a request that the dialog has taken, and not refused, or that has made it."""
        number, method = response.cseq.number, response.cseq.method
        self._made_by(response, caller=False)
        _, target = self._open_there.pop(number, ("", "")) if response.final else ("", "")
        if response.status < 300 and target:
            self.target = target  # a refused one moves nothing (RFC 6141)
        if method == "BYE" and response.final:
            self._bye_answered(response.status)

    def answered_there(self, response: Response) -> None:
        """Note a response of the far end to a request in the dialog, or to the INVITE that makes it.

        Raises SipError for a Contact or Record-Route that cannot be read. The response counts none the less: the dialog
        goes on by the way that was known before.
        """
        number, method = response.cseq.number, response.cseq.method
        awaited = self._open_here.get(number) == method  # a late copy moves nothing back
        if awaited and response.final:
            del self._open_here[number]
        self._made_by(response, caller=True)
        if method == "BYE" and response.final:
            self._bye_answered(response.status)
        if awaited and response.status < 300:
            self._moved_by(response)

    def unanswered(self, request: Request) -> None:
        """Note that a request of ours could not be sent, or that nobody answers it: behind a BYE the dialog is over."""
        self._open_here.pop(request.cseq.number, None)
        if request.method == "BYE":
            self.move(DialogTrigger.BYE_OVER)

    def abandon(self) -> None:
        """Note that nothing is under way any more, in either direction: whoever was at it has been replaced."""
        self._open_here.clear()
        self._open_there.clear()

    def _asked(self, method: str) -> bool:
        return method in self._open_here.values()

    def _asks(self, method: str) -> bool:
        return any(method == each for each, _ in self._open_there.values())

    def _built(self, method: str, via: Via, number: int, extra: Iterable[tuple[str, str]], body: bytes) -> Request:
        way = towards(self.target, self.routes)
        fields = [
            ("Via", str(via)),
            *(("Route", route) for route in way.routes),
            ("Max-Forwards", str(FORWARDS)),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.id.call_id),
            ("CSeq", f"{number} {method}"),
            *extra,
        ]
        return Request(method=method, uri=way.uri, headers=Headers(fields), body=body)

    def _makes(self, response: Response, *, caller: bool) -> bool:
        """Whether a response is to the INVITE that made the dialog."""
        return caller is self.caller and (response.cseq.number, response.cseq.method) == (self.invite_cseq, "INVITE")

    def _made_by(self, response: Response, *, caller: bool) -> None:
        if not self._makes(response, caller=caller):
            return
        if response.status < 200:
            self.move(DialogTrigger.PROVISIONAL)
        elif response.status < 300:
            self.move(DialogTrigger.SUCCESS)
        elif self.state is DialogState.EARLY:
            self.move(DialogTrigger.FAILURE)

    def _moved_by(self, response: Response) -> None:
        """Learn the way of our requests from a response that accepts one of ours, or may still do so."""
        makes = self._makes(response, caller=True)
        target = _contact(response) if "Contact" in response.headers else self.target
        routes = self.routes
        if makes and response.final:  # an old server records the route in its 2xx only (RFC 3261 13.2.2.4)
            routes = learned(response, by_client=True)
            towards(target, routes)
        if makes or response.final:
            self.target, self.routes = target, routes

    def _bye_answered(self, status: int) -> None:
        self.move(DialogTrigger.BYE_CHALLENGED if status in CHALLENGES else DialogTrigger.BYE_OVER)


def knows_nothing(method: str, status: int) -> bool:
    """Say whether an answer in a dialog says that there is none any more: who hears it says BYE (RFC 3261 12.2.1.2)."""
    return status in _GONE and method in _OF_THE_CALL


def _contact(message: Message) -> str:
    contacts = message.contacts
    if len(contacts) != 1:
        raise SipError("not one Contact", header="Contact")
    return contacts[0].uri
