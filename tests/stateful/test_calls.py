"""Calls through the box in any order of events, beside a model that knows only what each side has said and heard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

from callparties import Incoming, Leg, Outgoing, Party, PartyBox
from effort import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sbcsim.callevents import CallAnswered, CallEnded, CallStarted

ZONES = {"IN": (1, "TG-IN"), "OUT": (2, "TG-OUT"), "ALT": (3, "TG-ALT")}
REFUSALS = (302, 404, 486, 503, 603)
WITHIN = ("INVITE", "INVITE", "UPDATE", "INFO", "REFER", "BYE", "BYE", "PRACK")
REPLIES = (183, 200, 200, 200, 401, 481, 488, 491, 500)
LIMIT = 2
PICK = st.integers(0, 11)

_T = TypeVar("_T")


def chosen(among: list[_T], pick: int) -> _T:
    """Return one of several; the youngest are chosen most often."""
    return among[-1 - pick % len(among)]


@dataclass
class Talk:
    """One call as the journal tells of it, and what has been done to it."""

    caller: Leg
    number: int = 0
    answered: bool = False
    ended: CallEnded | None = None
    cancelled: bool = False


class Walk(RuleBasedStateMachine):
    """The box, its parties, and every call that anybody has made."""

    def __init__(self) -> None:
        super().__init__()
        self.box = PartyBox()
        self.talks: list[Talk] = []
        self.read = 0
        self.outages: list[str] = []
        self.down: set[str] = set()
        self.limited = False
        self.untold: set[Leg] = set()
        """Dialogs whose end may have been told to nobody."""

    # What there is to choose from.

    def invites(self) -> list[Outgoing]:
        """The INVITEs outside of dialogs that have had no final answer."""
        return [
            each
            for party in self.box.all
            for each in party.outgoing.values()
            if each.request.method == "INVITE" and each.request.cseq.number == 1 and not each.final and each.heard
        ]

    def ringing(self) -> list[Incoming]:
        """The INVITEs that a party may still answer."""
        return [each for party in self.box.all for each in party.incoming if each.open]

    def picked_up(self) -> list[Incoming]:
        """The INVITEs that a party has accepted."""
        return [each for party in self.box.all for each in party.incoming if 200 in each.said.values()]

    def legs(self) -> list[Leg]:
        """The dialogs in which something may be said."""
        return [leg for party in self.box.all for leg in party.legs if leg.theirs]

    def waiting(self) -> list[tuple[Party, int]]:
        """What waits for an answer within dialogs."""
        return [(party, at) for party in self.box.all for at in range(len(party.asked))]

    # What there is to begin with: most of what may happen happens to calls that stand.

    @initialize(standing=st.integers(0, 3), timer=st.booleans())
    def begin(self, standing: int, timer: bool) -> None:
        for _ in range(standing):
            self.call("alice", timer)
            self.pick_up(0, 0, timer)
            self.acknowledge(0)

    # What callers do.

    @rule(party=st.sampled_from(["alice", "bob"]), timer=st.booleans())
    def call(self, party: str, timer: bool) -> None:
        caller: Party = getattr(self.box, party)
        leg = caller.call(len(self.talks), timer=timer)
        if leg is not None:
            self.talks.append(Talk(leg))

    @precondition(lambda self: self.invites())
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        outgoing = chosen(self.invites(), pick)
        self.talks[outgoing.leg.talk].cancelled = True
        outgoing.leg.party.cancel(outgoing)

    @precondition(lambda self: any(leg.unacked for leg in self.legs()))
    @rule(pick=PICK)
    def acknowledge(self, pick: int) -> None:
        leg = chosen([leg for leg in self.legs() if leg.unacked], pick)
        leg.party.acknowledge(leg, min(leg.unacked))

    # What callees do.

    @precondition(lambda self: self.ringing())
    @rule(pick=PICK, fork=st.integers(0, 1))
    def ring(self, pick: int, fork: int) -> None:
        incoming = chosen(self.ringing(), pick)
        incoming.party.answer(incoming, 180, f"{incoming.talk}-{fork}")

    @precondition(lambda self: self.ringing())
    @rule(pick=PICK, fork=st.integers(0, 1), timer=st.booleans())
    def pick_up(self, pick: int, fork: int, timer: bool) -> None:
        incoming = chosen(self.ringing(), pick)
        incoming.party.answer(incoming, 200, f"{incoming.talk}-{fork}", timer=timer)

    @precondition(lambda self: self.picked_up())
    @rule(pick=PICK, fork=st.integers(0, 1))
    def pick_up_again(self, pick: int, fork: int) -> None:
        """Say the 2xx once more, or that of another fork."""
        incoming = chosen(self.picked_up(), pick)
        incoming.party.answer(incoming, 200, f"{incoming.talk}-{fork}")

    @precondition(lambda self: self.ringing())
    @rule(pick=PICK, status=st.sampled_from(REFUSALS))
    def refuse(self, pick: int, status: int) -> None:
        incoming = chosen(self.ringing(), pick)
        incoming.party.answer(incoming, 487 if incoming.cancelled else status, "refused")

    # What either side does.

    @precondition(lambda self: self.legs())
    @rule(pick=PICK, method=st.sampled_from(WITHIN))
    def ask(self, pick: int, method: str) -> None:
        leg = chosen(self.legs(), pick)
        leg.party.ask(leg, method)

    @precondition(lambda self: self.waiting())
    @rule(pick=PICK, status=st.sampled_from(REPLIES))
    def reply(self, pick: int, status: int) -> None:
        party, at = chosen(self.waiting(), pick)
        waiting = party.asked[at]
        party.reply(waiting, status)
        if status < 200:
            party.asked.append(waiting)

    @precondition(lambda self: self.box.parties)
    @rule(pick=PICK)
    def close(self, pick: int) -> None:
        self.box.hang_up(chosen(sorted(self.box.parties), pick))

    # What operators do, and time.

    @precondition(lambda self: not self.down)
    @rule(zone=st.sampled_from(sorted(ZONES)))
    def bounce_a_port(self, zone: str) -> None:
        closing = (self.box.alice, self.box.bob, self.box.carol)[ZONES[zone][0] - 1]
        self.untold.update(closing.legs)  # on a port that closes nobody is dialled for a farewell
        port = f"set addressContext default zone {zone} sipSigPort {ZONES[zone][0]}"
        self.outages.append("sipSigPort")
        self.box.commit(f"{port} action force mode outOfService")
        assert not any(zone in (call.ingress.zone, call.egress.zone if call.egress else "") for call in self.calls())
        self.box.commit(f"{port} mode inService")

    @precondition(lambda self: not self.down)
    @rule(zone=st.sampled_from(sorted(ZONES)), action=st.sampled_from(["force", "dryUp"]))
    def take_down_a_trunk_group(self, zone: str, action: str) -> None:
        self.outages.append("mode outOfService")
        self.down.add(zone)
        group = f"set addressContext default zone {zone} sipTrunkGroup {ZONES[zone][1]}"
        self.box.commit(f"{group} action {action} mode outOfService")
        if action == "force":
            assert self.usage(zone) == 0

    @precondition(lambda self: self.down)
    @rule()
    def bring_it_up(self) -> None:
        zone = self.down.pop()
        self.box.commit(f"set addressContext default zone {zone} sipTrunkGroup {ZONES[zone][1]} mode inService")

    @precondition(lambda self: not self.limited)
    @rule()
    def limit(self) -> None:
        if self.usage("OUT") <= LIMIT:
            self.limited = True
            self.box.commit(f"set addressContext default zone OUT sipTrunkGroup TG-OUT cac callLimit {LIMIT}")

    @rule()
    def switch_over(self) -> None:
        stable = {call.id for call in self.calls() if call.state.value == "stable"}
        ending = {talk.number for talk in self.talks if any(leg.byes_out or leg.byes_in for leg in self.legs_of(talk))}
        if self.box.sbc.switch_over("test", self.box.now):
            return
        self.outages.append("switchover")
        for talk in self.talks:
            if talk.number not in stable - ending:
                self.untold.update(self.legs_of(talk))  # what is under way is lost without a word
        for leg in self.legs():
            leg.unacked.clear()
        self.box.parties.clear()
        self.box.pump()
        # Also those of a trunk group that drains: it goes on with that.
        assert stable - ending <= {call.id for call in self.calls()} <= stable

    @rule(span=st.sampled_from(["100ms", "1s", "5s", "40s", "2m"]))
    def wait(self, span: str) -> None:
        self.box.advance(span)

    # What must be true.

    def calls(self):  # type: ignore[no-untyped-def]
        return self.box.sbc.calls()

    def usage(self, zone: str) -> int:
        """How many calls use a trunk group."""
        return sum(self.box.sbc._chassis.calls.usage("default", zone, ZONES[zone][1]))

    def legs_of(self, talk: Talk) -> list[Leg]:
        """Return the dialogs of a call."""
        return [leg for party in self.box.all for leg in party.legs if leg.talk == talk.caller.talk]

    @invariant()
    def every_end_has_its_reason(self) -> None:
        """What the journal tells of calls is what their sides have said."""
        by_call_id = {talk.caller.call_id: talk for talk in self.talks}
        by_number = {talk.number: talk for talk in self.talks}
        for entry in self.box.sbc.journal.after(self.read):
            self.read = entry.number
            match entry.event:
                case CallStarted() as event:
                    talk = by_call_id[event.call_id]
                    assert not talk.number
                    talk.number = event.call
                    by_number[event.call] = talk
                case CallAnswered() as event:
                    talk = by_number[event.call]
                    assert not talk.answered
                    talk.answered = True
                    assert any(
                        leg is not talk.caller and incoming.said.get(leg.tag) == 200
                        for leg in self.legs_of(talk)
                        for incoming in leg.party.incoming
                        if incoming.invite.call_id == leg.call_id
                    )
                case CallEnded() as event:
                    talk = by_number[event.call]
                    assert talk.ended is None
                    talk.ended = event
                    self.justify(talk, event)

    def justify(self, talk: Talk, event: CallEnded) -> None:
        """Have an end be one that somebody has brought about."""
        callees = [leg for leg in self.legs_of(talk) if leg is not talk.caller]
        match event.by, event.why:
            case "caller", "cancelled":
                assert talk.cancelled or talk.caller.byes_out
            case "caller", "BYE":
                assert talk.caller.byes_out
            case "callee", "BYE":
                assert any(leg.byes_out for leg in callees)
            case (("caller" | "callee"), why) if " to " in why:
                assert why.partition(" ")[0] in {"408", "481"}
            case "callee", _:
                assert event.status in {
                    incoming.refused
                    for party in self.box.all
                    for incoming in party.incoming
                    if incoming.talk == talk.caller.talk
                }
            case "local", why if why.startswith("no route left"):
                assert event.status in {408, 503}
            case "local", why:
                known = (*self.outages, "no ACK", "session expired", "dry-up ended", "out of service")
                assert any(each in why for each in known), why

    @invariant()
    def what_is_listed_is_what_stands(self) -> None:
        listed = {call.id: call.state.value for call in self.calls()}
        assert listed == {
            talk.number: "stable" if talk.answered else "establishing"
            for talk in self.talks
            if talk.number and talk.ended is None
        }
        for talk in self.talks:
            finals = [
                each.final
                for each in talk.caller.party.outgoing.values()
                if each.leg is talk.caller and each.request.method == "INVITE" and each.request.cseq.number == 1
            ]
            if finals[0] >= 300:
                assert talk.number not in listed
            elif finals[0]:
                assert talk.answered
                if talk.number not in listed:
                    assert talk.ended is not None
            caller = talk.caller
            if talk.number in listed and talk.answered and len(caller.byes_out) == len(caller.bye_answers):
                assert not {200, 481} & set(caller.bye_answers)

    @invariant()
    def limits_hold(self) -> None:
        assert not self.limited or self.usage("OUT") <= LIMIT

    @invariant()
    def nobody_is_told_of_an_end_twice(self) -> None:
        for talk in self.talks:
            legs = self.legs_of(talk)
            challenges = sum(leg.bye_answers.count(401) for leg in legs)
            for leg in legs:
                assert len(leg.byes_in) <= 1 + challenges or leg in self.untold

    def teardown(self) -> None:
        """Everything comes to its end: nothing is left, and who was told of a call has been told of its end."""
        box = self.box
        try:
            if self.down:
                self.bring_it_up()
            self.quieten()
            for talk in self.talks:
                if talk.number in {call.id for call in self.calls()}:
                    if talk.answered:
                        talk.caller.party.ask(talk.caller, "BYE")
                    self.quieten()
            for _ in range(3):
                box.advance("40s")
                self.quieten()
            box.advance("4m")
            self.quieten()
            box.advance("40s")
            self.every_end_has_its_reason()
            assert self.calls() == ()
            assert box.footprint == 0
            assert [self.usage(zone) for zone in ZONES] == [0, 0, 0]
            begun = Counter(event.call for event in box.events("callStarted"))
            assert Counter(event.call for event in box.events("callEnded")) == begun
            for party in box.all:
                for leg in party.legs:
                    assert not leg.answered or leg.byes_in or leg.byes_out or leg in self.untold
        finally:
            super().teardown()

    def quieten(self) -> None:
        """Have everybody answer what he was asked, and acknowledge what he was told."""
        for _ in range(4):
            for party in self.box.all:
                for waiting in list(party.asked):
                    if waiting in party.asked:
                        party.reply(waiting, 200)
                for incoming in list(party.incoming):
                    if incoming.open:
                        party.answer(incoming, 487 if incoming.cancelled else 486, "refused")
                for leg in list(party.legs):
                    for number in sorted(leg.unacked):
                        party.acknowledge(leg, number)


TestCalls = Walk.TestCase
TestCalls.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
