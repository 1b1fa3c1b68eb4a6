"""One dialog in any order of events, beside a model that keeps only what the RFC has a sentence about."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sipcalls import WITHIN, answer, request

from sbcsim.errors import BugError
from sbcsim.sip.dialog import Dialog, DialogState, Refused
from sbcsim.sip.message import Request
from sbcsim.sip.via import hop

VIA = hop("UDP", ("192.0.2.1", 5060), "x")
METHODS = ("INVITE", "UPDATE", "INFO", "REFER", "NOTIFY", "PRACK", "BYE", "BYE", "BYE")  # BYEs cross
ONE_AT_A_TIME = {"INVITE", "UPDATE"}
MOVES = {"INVITE", "UPDATE", "REFER", "NOTIFY"}
STATUSES = (180, 200, 202, 401, 407, 408, 481, 488, 500)


class Walk(RuleBasedStateMachine):
    """A dialog of either side, early or confirmed, and the requests that are open in it."""

    @initialize(caller=st.booleans(), status=st.sampled_from([180, 200]))
    def begin(self, caller: bool, status: int) -> None:
        self.invite = request(cseq=100)
        response = answer(self.invite, status, contact="<sip:first@192.0.2.2>")
        make = Dialog.of_caller if caller else Dialog.of_callee
        self.dialog = make(self.invite, response)
        self.caller = caller
        self.early = status < 200
        self.over = False
        self.byes = 0
        self.target = "sip:first@192.0.2.2" if caller else "sip:alice@192.0.2.1:5060"
        self.routes: tuple[str, ...] = ()
        self.next = 101 if caller else 1
        self.seen = 0 if caller else 100
        self.ours: list[Request] = []
        self.theirs: list[Request] = []
        self.contact = 0

    @property
    def first_open_here(self) -> bool:
        return self.early and self.caller and not self.over

    @property
    def first_open_there(self) -> bool:
        return self.early and not self.caller and not self.over

    def open_among(self, requests: list[Request], method: str) -> bool:
        return any(each.method == method for each in requests)

    def fresh(self) -> str:
        self.contact += 1
        return f"sip:n{self.contact}@192.0.2.9"

    @rule(method=st.sampled_from(METHODS))
    def we_ask(self, method: str) -> None:
        blocked = method in ONE_AT_A_TIME and self.open_among(self.ours + self.theirs, method)
        blocked = blocked or (method == "INVITE" and (self.first_open_here or self.first_open_there))
        assert self.over or self.dialog.pending(method) == blocked
        no_bye = method == "BYE" and (self.early or self.byes)
        if self.over or blocked or no_bye:
            with pytest.raises(BugError):
                self.dialog.request(method, VIA)
            return
        sent = self.dialog.request(method, VIA)
        assert (sent.cseq.number, sent.cseq.method, sent.uri) == (self.next, method, self.target)
        self.next += 1
        self.byes += method == "BYE"
        self.ours.append(sent)

    @precondition(lambda self: self.ours)
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def they_answer(self, data: st.DataObject, status: int) -> None:
        asked = data.draw(st.sampled_from(self.ours))
        contact = self.fresh()
        route = [("Record-Route", "<sip:later;lr>")]
        self.dialog.answered_there(answer(asked, status, contact=f"<{contact}>", extra=route))
        if status < 200:
            return
        self.ours.remove(asked)
        if status < 300 and asked.method in MOVES:
            self.target = contact
        if asked.method == "BYE":
            self.bye_answered(status)

    @precondition(lambda self: self.ours)
    @rule(data=st.data())
    def nobody_answers(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.ours))
        self.ours.remove(asked)
        self.dialog.unanswered(asked)
        self.over = self.over or asked.method == "BYE"

    @rule(method=st.sampled_from(METHODS), step=st.integers(-2, 3))
    def they_ask(self, method: str, step: int) -> None:
        number = max(1, self.seen + step)
        came = request(method, cseq=number, to=WITHIN, extra=[("Contact", f"<{self.fresh()}>")])
        verdict = self.dialog.take(came)
        if self.over or (self.byes and method != "BYE"):
            assert verdict == Refused(481, "dialog is over")
            return
        if number <= self.seen:
            assert verdict == Refused(500, "request out of order")
            return
        self.seen = number
        if method == "BYE":
            self.byes += 1
            self.over = self.early
        theirs = self.open_among(self.theirs, method) or (method == "INVITE" and self.first_open_there)
        ours = self.open_among(self.ours, method) or (method == "INVITE" and self.first_open_here)
        if method in ONE_AT_A_TIME and (theirs or ours):
            assert verdict is not None
            assert (verdict.status, verdict.retry) == ((500, True) if theirs else (491, False))
            return
        assert verdict is None
        self.theirs.append(came)

    @precondition(lambda self: self.theirs)
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def we_answer(self, data: st.DataObject, status: int) -> None:
        asked = data.draw(st.sampled_from(self.theirs))
        self.dialog.answered_here(answer(asked, status))
        if status < 200:
            return
        self.theirs.remove(asked)
        if status < 300 and asked.method in MOVES:
            self.target = asked.contacts[0].uri
        if asked.method == "BYE":
            self.bye_answered(status)

    @rule(status=st.sampled_from([180, 200, 486]))
    def the_first_invite_is_answered(self, status: int) -> None:
        """In either direction, perhaps once more or too late."""
        contact = self.fresh() if self.caller else ""
        routes = (f"<sip:r{self.contact};lr>",)
        response = answer(
            self.invite,
            status,
            contact=f"<{contact}>" if contact else "<sip:bob@h>",
            extra=[("Record-Route", route) for route in routes],
        )
        (self.dialog.answered_there if self.caller else self.dialog.answered_here)(response)
        if self.over and self.caller and self.early and status < 300:
            # where, and by which way, a dialog that is over would send its ACK
            self.target, self.routes = self.dialog.target, self.dialog.routes
        if not self.early or self.over:
            return
        if self.caller and status < 300:
            self.target = contact
        if self.caller and status == 200:
            self.routes = routes
        self.early = status == 180
        self.over = status == 486

    def bye_answered(self, status: int) -> None:
        if self.over:
            return
        if status in {401, 407}:
            self.byes = 0
        else:
            self.over = True

    @invariant()
    def it_stands_where_the_model_says(self) -> None:
        expected = (
            DialogState.TERMINATED
            if self.over
            else DialogState.EARLY
            if self.early
            else DialogState.ENDING
            if self.byes
            else DialogState.CONFIRMED
        )
        assert self.dialog.state is expected
        assert self.dialog.target == self.target
        assert self.dialog.routes == self.routes
        assert self.dialog.local_cseq == self.next - 1
        assert (self.dialog.remote_cseq or 0) == self.seen


TestDialog = Walk.TestCase
TestDialog.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
