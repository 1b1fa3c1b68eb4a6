"""Transactions in any order of events, beside a model that knows no states: only when what was said, and what follows.

The model computes from the times of what has happened so far when a message is repeated, and when all is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sipcalls import TLS, UDP, answer, request

from sbcsim.clock import SECOND
from sbcsim.sip.transactions import Outcome, Transactions
from sbcsim.sip.transactionstate import Deliver, Send, State, Terminated

T1, T2, T4, LONG = SECOND // 2, 4 * SECOND, 5 * SECOND, 32 * SECOND
RINGING = 181 * SECOND
NEVER = 10**15
METHODS = st.sampled_from(["INVITE", "OPTIONS"])
STEPS = st.one_of(
    st.integers(0, 6 * SECOND),
    st.sampled_from([T1, 3 * T1, T4, T2, LONG - 1, LONG, LONG + 1, 181 * SECOND]),
)


@dataclass
class Happened:
    """When things happened; `NEVER` where they have not."""

    invite: bool
    reliable: bool
    begun: int = 0
    first: int = NEVER
    """The first response, of whatever kind."""
    ringing: int = NEVER
    """The last one that puts timer C off."""
    final: int = NEVER
    status: int = 0
    wished: int = NEVER
    """The wish to cancel."""
    acknowledged: int = NEVER
    repeats: list[int] = field(default_factory=list)


class Walk(RuleBasedStateMachine):
    """What the walks of both sides share: a clock, and what came out while it moved."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Transactions()
        self.now = 0
        self.over = NEVER
        self.model = Happened(True, False)

    def note(self, outcomes: list[Outcome], at: int) -> None:
        for each in outcomes:
            if isinstance(each, Terminated) and each.key == self.key:
                assert self.over == NEVER
                self.over = at

    @rule(step=STEPS)
    def pass_time(self, step: int) -> None:
        self.now += step
        while (due := self.layer.next_due) is not None and due <= self.now:
            outcomes = self.layer.fire(due)
            self.note(outcomes, due)
            ours = [each for each in outcomes if isinstance(each, Send) and each.key == self.key]
            self.model.repeats += [due] * len(ours)

    @property
    def alive(self) -> bool:
        return self.over == NEVER

    def teardown(self) -> None:
        for _ in range(8):
            self.pass_time(200 * SECOND)
        if self.ends:
            assert self.layer.footprint == 0

    ends = True


def ladder(start: int, end: int, cap: int, until: int) -> list[int]:
    """Return when something is repeated that doubles its wait from T1 up to `cap`, before `end` and by `until`."""
    times, at, wait = [], start + T1, T1
    while at < end and at <= until:
        times.append(at)
        wait = min(2 * wait, cap)
        at += wait
    return times


class Client(Walk):
    """A request of ours, and whatever a far end may answer."""

    @initialize(method=METHODS, reliable=st.booleans())
    def send(self, method: str, reliable: bool) -> None:
        self.model = Happened(method == "INVITE", reliable)
        self.sent = request(method)
        self.key, outcomes = self.layer.request(self.sent, TLS if reliable else UDP, 0)
        self.note(outcomes, 0)

    @rule(status=st.sampled_from([100, 180, 183, 200, 302, 486, 603]))
    def receive(self, status: int) -> None:
        alive = self.alive
        outcomes = self.layer.receive(answer(self.sent, status), UDP, self.now)
        self.note(outcomes, self.now)
        model = self.model
        delivered = any(isinstance(each, Deliver) for each in outcomes)
        acknowledged = any(isinstance(each, Send) and each.message.start_line[:4] == "ACK " for each in outcomes)
        fresh = alive and model.final == NEVER
        again = alive and not fresh and model.invite
        assert delivered == (fresh or (again and status < 300 <= 300 <= status + 100 and model.status < 300))
        assert acknowledged == (model.invite and status >= 300 and (fresh or (again and model.status >= 300)))
        if fresh:
            model.first = min(model.first, self.now)
            given_up = self.now >= model.ringing + RINGING  # a CANCEL is out: later news changes nothing
            if model.ringing == NEVER or (status > 100 and not given_up):
                model.ringing = self.now
            if status >= 200:
                model.final, model.status = self.now, status

    @precondition(lambda self: self.model.invite)
    @rule()
    def cancel(self) -> None:
        self.note(self.layer.cancel(self.key, self.now), self.now)
        if self.alive and self.model.final == NEVER:
            self.model.wished = min(self.model.wished, self.now)

    def end(self) -> int:
        """Return when the model says that all is over."""
        model = self.model
        if model.final != NEVER:
            if model.invite and model.status < 300:
                return model.final + LONG
            return model.final + (0 if model.reliable else LONG if model.invite else T4)
        if not model.invite or model.first == NEVER:
            return LONG
        return min(max(model.wished, model.first), model.ringing + RINGING) + LONG

    @invariant()
    def it_ends_when_the_model_says(self) -> None:
        end = self.end()
        assert self.over == (end if end <= self.now else NEVER)
        assert (self.layer.state(self.key) is State.TERMINATED) == (not self.alive)

    @invariant()
    def it_repeats_when_the_model_says(self) -> None:
        model = self.model
        if model.reliable:
            assert not model.repeats
        elif model.invite:
            assert model.repeats == ladder(0, min(model.first + 1, LONG), NEVER, self.now)
        else:
            quick = ladder(0, min(model.first + 1, model.final, LONG), T2, self.now)
            assert model.repeats[: len(quick)] == quick
            for earlier, later in zip(model.repeats[len(quick) :], model.repeats[len(quick) + 1 :], strict=False):
                assert later - earlier == T2
            assert all(at <= min(model.final, LONG) for at in model.repeats)


class Server(Walk):
    """A request of a far end, and whatever our user may answer."""

    @property
    def ends(self) -> bool:  # type: ignore[override]
        """An INVITE rings for as long as our user likes."""
        return self.model.final != NEVER or not self.model.invite

    @initialize(method=METHODS, reliable=st.booleans())
    def begin(self, method: str, reliable: bool) -> None:
        self.model = Happened(method == "INVITE", reliable)
        self.came = request(method)
        [delivered] = self.layer.receive(self.came, TLS if reliable else UDP, 0)
        assert isinstance(delivered, Deliver)
        assert delivered.key is not None
        self.key = delivered.key

    @precondition(lambda self: self.alive)
    @rule()
    def repeat_the_request(self) -> None:
        """A retransmission is no new request: it gets the last answer again, if any, unless our user repeats that."""
        outcomes = self.layer.receive(self.came, UDP, self.now)
        model = self.model
        answered = model.first != NEVER or (model.invite and self.now >= SECOND // 5)
        silent = model.invite and (200 <= model.status < 300 or model.acknowledged != NEVER)
        assert len(outcomes) == int(answered and not silent)

    @precondition(lambda self: self.model.final == NEVER and self.alive)
    @rule(status=st.sampled_from([100, 180, 183, 200, 302, 486, 603]))
    def respond(self, status: int) -> None:
        outcomes = self.layer.respond(self.key, answer(self.came, status), self.now)
        assert [type(each) for each in outcomes][:1] == [Send]
        model = self.model
        model.first = min(model.first, self.now)
        if status >= 200:
            model.final, model.status = self.now, status
        self.note(outcomes, self.now)

    @precondition(lambda self: self.model.invite and self.alive)
    @rule()
    def acknowledge(self) -> None:
        outcomes = self.layer.receive(request("ACK", to="<sip:bob@example.com>;tag=b"), UDP, self.now)
        model = self.model
        assert any(isinstance(each, Deliver) for each in outcomes) == (200 <= model.status < 300)
        if model.status >= 300:
            model.acknowledged = min(model.acknowledged, self.now)
        self.note(outcomes, self.now)

    def end(self) -> int:
        """Return when the model says that all is over."""
        model = self.model
        if model.final == NEVER:
            return NEVER if model.invite else LONG
        if not model.invite:
            return model.final + (0 if model.reliable else LONG)
        if model.acknowledged != NEVER:
            return model.acknowledged + (0 if model.reliable else T4)
        return model.final + LONG

    @invariant()
    def it_ends_when_the_model_says(self) -> None:
        end = self.end()
        assert self.over == (end if end <= self.now else NEVER)

    @invariant()
    def it_repeats_when_the_model_says(self) -> None:
        model = self.model
        expected = []
        if model.invite and model.first > SECOND // 5 and self.now >= SECOND // 5:
            expected.append(SECOND // 5)
        if model.invite and model.status >= 300 and not model.reliable:
            expected += ladder(model.final, min(model.acknowledged + 1, model.final + LONG), T2, self.now)
        assert model.repeats == expected


MODEST = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestClient = Client.TestCase
TestClient.settings = MODEST
TestServer = Server.TestCase
TestServer.settings = MODEST
