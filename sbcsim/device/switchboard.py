"""What everybody shares who carries calls: the SIP stack, the dialogs in pairs, and how a message of ours is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sbcsim.clock import Instant
from sbcsim.events import LogEvent
from sbcsim.sip import relay
from sbcsim.sip.dialog import Dialog, DialogId, DialogState, DialogTrigger
from sbcsim.sip.dialogs import Dialogs
from sbcsim.sip.headers import Via
from sbcsim.sip.message import Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.transactionstate import Flow, Key
from sbcsim.sip.via import hop

from .admission import Admission
from .chassis import Chassis
from .connections import PortKey
from .listeners import Port, PortState
from .registrations import Registrations
from .sipflows import Place
from .sipstack import SipStack
from .standingcall import Pair, Side
from .waysout import WaysOut


class Switchboard:
    """The shared parts of call control."""

    def __init__(self, chassis: Chassis, stack: SipStack, admission: Admission, ports: Mapping[PortKey, Port]) -> None:
        self.chassis = chassis
        self._ports = ports
        self.stack = stack
        self.flows = stack.flows
        self.admission = admission
        self.registrations = Registrations()
        stack.flows.registered = self.registrations.place
        self.ways = WaysOut(chassis, admission, stack.flows, self.registrations)
        self.dialogs = Dialogs()
        self.pairs: dict[DialogId, Pair] = {}

    def count(self, place: Place, leaf: str) -> None:
        """Count something at the sipSigPort of a place."""
        port = self._ports.get(place.local.port)
        if port is not None:
            port.counters.port.add(leaf)

    def log(self, text: str, now: Instant) -> None:
        """Note something for whoever looks for the cause of a failure."""
        self.chassis.emit(now, LogEvent("DBG", "minor", f"*Sip: {text}"))

    def missing(self, side: Side) -> str:
        """Return what a side of a call lacks to go on, "" for nothing."""
        port = self._ports.get(side.place.local.port)
        return "sipSigPort out of service" if port is None or port.state is PortState.DOWN else ""

    def via(self, place: Place) -> Via:
        """Return the Via of a request of ours to a place."""
        listener = place.local.listener
        udp = listener.transport.name == "UDP"
        return hop(listener.transport.name, listener.address, self.chassis.token(), rport=udp)

    def contact(self, side: Side, dialog: Dialog | None = None) -> str:
        """Return our Contact towards a side of a call, in the dialog with it where there is one."""
        listener = side.place.local.listener
        secure = side.secure or (dialog is not None and dialog.secure)
        return relay.contact(side.user, *listener.address, listener.transport.name, secure=secure)

    def answer(
        self,
        key: Key,
        request: Request,
        flow: Flow,
        status: int,
        now: Instant,
        *,
        reason: str | None = None,
        tag: str = "",
        extra: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        fallback: Place | None = None,
    ) -> Response:
        """Answer a request that came by `flow`, and return the answer; `tag` is for a request without a To tag."""
        response = respond(
            request, status, reason, source=flow.remote, to_tag=tag or self.chassis.token(8), extra=extra
        )
        if body:
            response = relay.with_body(response, body)
        self.stack.respond(key, response, now, fallback)
        return response

    def paired(self, pair: Pair) -> None:
        """Have what comes in one dialog of a pair go on in the other."""
        self.pairs[pair.caller.id] = self.pairs[pair.callee.id] = pair

    def unpair(self, pair: Pair) -> None:
        """Forget that the two dialogs belong together."""
        self.pairs.pop(pair.caller.id, None)
        self.pairs.pop(pair.callee.id, None)

    def drop(self, dialog: Dialog) -> None:
        """Forget a dialog, whether the far end has been told of its end or not; twice is as good as once."""
        self.pairs.pop(dialog.id, None)
        if dialog not in self.dialogs:
            return
        if dialog.state in {DialogState.CONFIRMED, DialogState.ENDING}:
            dialog.move(DialogTrigger.LOST)
        self.dialogs.forget(dialog)

    def keep_pairs(self) -> None:
        """Forget every dialog but those in pairs: those of calls that stand."""
        for dialog in self.dialogs:
            if dialog.id not in self.pairs:
                self.drop(dialog)

    def restart(self) -> None:
        """Forget every dialog, and who has registered."""
        self.registrations.clear()
        self.dialogs = Dialogs()
        self.pairs.clear()
