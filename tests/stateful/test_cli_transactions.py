"""Up to four people at the command line of one box, against plain dictionaries (`plainmodel`).

What is typed goes through the real sessions, the real configuration and the real device on a virtual clock. What the
model says is what each of them must be answered, and what each of them must see afterwards.
"""

from __future__ import annotations

from typing import Any

from clibox import Typist
from effort import examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inmemory import Box
from plainmodel import ENTRIES, IDS, LEAVES, LOCKED, PROFILES, ZONES, Draft, Model, Path, drop, put, set_lines

from sbcsim.cli.session import Session, Terminal
from sbcsim.clock import SECOND

PEOPLE = ("anna", "bert", "cora", "dirk")
ONLOOKER = "olga"

Setting = tuple[Path, str | bool]
SETTINGS: list[Setting] = [
    *((entry, True) for entry in sorted(ENTRIES)),
    *(((*profile, leaf), value) for profile in PROFILES for leaf, values in LEAVES.items() for value in values),
    *(((*zone, "id"), value) for zone in ZONES for value in IDS),
]
PERSIST = st.sampled_from(["", "night", "day"])
MINUTES = st.sampled_from([1, 10])


class Typing(RuleBasedStateMachine):
    """Seats with or without somebody at them."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Box()
        for name in (*PEOPLE, ONLOOKER):
            self.box.sbc.users.add(name, "secret")
        self.model = Model()
        self.seats: dict[str, Typist] = {}
        self.onlooker = self.sit_down(ONLOOKER)

    @initialize()
    def begin(self) -> None:
        """Two are there from the beginning."""
        for who in PEOPLE[:2]:
            self.seats[who] = self.sit_down(who)

    def sit_down(self, who: str) -> Typist:
        now = self.box.now
        author = self.box.sbc.sessions.open(who, now, context="cli", remote="192.0.2.7").author
        return Typist(Session(self.box.sbc, author, Terminal(80, 0), now), now)

    # who is where

    def number(self, who: str) -> int:
        return self.seats[who].session._shell.author.session

    def draft(self, who: str) -> Draft | None:
        return self.model.drafts.get(self.number(who)) if who in self.seats else None

    def configuring(self) -> list[str]:
        return [who for who in self.seats if self.draft(who)]

    def locked(self) -> bool:
        return any(draft.exclusive for draft in self.model.drafts.values())

    def looking_on(self) -> list[str]:
        return [who for who in self.seats if not self.draft(who)]

    # what is typed

    def type(self, who: str, line: str) -> str:
        """Type a line and return the first line of the answer."""
        typist = self.seats[who]
        typist.now = self.box.now
        answer = typist.answer(line)
        self.box.pump()
        return answer.partition("\n")[0]

    def ask(self, who: str, line: str, question: str) -> None:
        """Type a line that is answered by a question."""
        typist = self.seats[who]
        typist.now = self.box.now
        assert question in typist.type(line).prompt, typist.screen

    # coming and going

    @precondition(lambda self: len(self.seats) < len(PEOPLE))
    @rule(data=st.data())
    def log_in(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from([who for who in PEOPLE if who not in self.seats]))
        self.seats[who] = self.sit_down(who)

    @precondition(lambda self: self.seats)
    @rule(data=st.data(), asked=st.booleans())
    def disconnect(self, data: st.DataObject, asked: bool) -> None:
        who = data.draw(st.sampled_from(list(self.seats)))
        if asked and self.draft(who):
            self.ask(who, "revert", "Proceed?")
        number = self.number(who)
        self.seats.pop(who).session.end(self.box.now)
        self.box.sbc.sessions.close(number)
        self.box.pump()
        self.model.disconnect(number)

    @precondition(looking_on)
    @rule(data=st.data(), exclusive=st.sampled_from([False] * 5 + [True]))
    def configure(self, data: st.DataObject, exclusive: bool) -> None:
        self.go_in(data.draw(st.sampled_from(self.looking_on())), exclusive=exclusive)

    def go_in(self, who: str, *, exclusive: bool) -> None:
        line = "configure exclusive" if exclusive else "configure"
        assert self.type(who, line) == self.model.configure(self.number(who), exclusive=exclusive)

    @precondition(configuring)
    @rule(data=st.data(), sure=st.booleans())
    def exit(self, data: st.DataObject, sure: bool) -> None:
        who = data.draw(st.sampled_from(self.configuring()))
        draft = self.draft(who)
        assert draft is not None
        if not draft.own:
            assert self.type(who, "exit") == ""
        else:
            self.ask(who, "exit", "Discard changes and continue?")
            assert self.type(who, "yes" if sure else "no") == ("" if sure else "Aborted: by user")
            if not sure:
                return
        self.model.leave(self.number(who))

    @rule(seconds=st.sampled_from([1, 59, 61, 601]))
    def pass_time(self, seconds: int) -> None:
        self.box.advance_by(seconds * SECOND)
        self.model.pass_time(self.seconds)

    @property
    def seconds(self) -> int:
        return self.box.now.uptime // SECOND

    # editing

    @precondition(configuring)
    @rule(data=st.data(), setting=st.sampled_from(SETTINGS), below=st.booleans())
    def set(self, data: st.DataObject, setting: Setting, below: bool) -> None:
        self.make(data.draw(st.sampled_from(self.configuring())), setting, below=below)

    def make(self, who: str, setting: Setting, *, below: bool = False) -> None:
        path, value = setting
        draft = self.draft(who)
        assert draft is not None
        if path in ENTRIES:
            lines = [f"edit {' '.join(path)}", "top"] if below else [f"set {' '.join(path)}"]
        elif below:
            lines = [f"edit {' '.join(path[:-1])}", f"set {path[-1]} {value}", "top"]
        else:
            lines = [f"set {' '.join(path)} {value}"]
        for line in lines:
            assert self.type(who, line) == "", self.seats[who].screen
        put(draft.now, path, value)

    @precondition(lambda self: any(self.draft(who).now for who in self.configuring()))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        who, draft = data.draw(
            st.sampled_from([(who, draft) for who in self.configuring() if (draft := self.draft(who)) and draft.now])
        )
        self.remove(who, data.draw(st.sampled_from(sorted(draft.now))))

    @precondition(configuring)
    @rule(data=st.data(), setting=st.sampled_from(SETTINGS))
    def delete_what_may_not_be_there(self, data: st.DataObject, setting: Setting) -> None:
        self.remove(data.draw(st.sampled_from(self.configuring())), setting[0])

    def remove(self, who: str, path: Path) -> None:
        draft = self.draft(who)
        assert draft is not None
        self.seats[who].screen = ""
        answer = self.type(who, f"delete {' '.join(path)}")
        if path in draft.now:
            assert answer == "", self.seats[who].screen
            drop(draft.now, path)
        else:
            assert answer.endswith("-^"), self.seats[who].screen
            assert "element does not exist" in self.seats[who].screen

    @precondition(configuring)
    @rule(data=st.data(), asks=st.booleans())
    def revert(self, data: st.DataObject, asks: bool) -> None:
        self.take_back(data.draw(st.sampled_from(self.configuring())), asks=asks)

    def take_back(self, who: str, *, asks: bool = False) -> None:
        if asks:
            self.ask(who, "revert", "Proceed?")
        assert self.type(who, "yes" if asks else "revert no-confirm") == ""
        self.model.revert(self.number(who))

    @precondition(lambda self: self.model.history and self.configuring())
    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.configuring()))
        number = data.draw(st.integers(0, min(len(self.model.history), 4)))
        assert self.type(who, f"rollback {number}") == self.model.rollback(self.number(who), number)

    @precondition(configuring)
    @rule(data=st.data())
    def resolved(self, data: st.DataObject) -> None:
        self.win(data.draw(st.sampled_from(self.configuring())))

    def win(self, who: str) -> None:
        assert self.type(who, "resolved") == ""
        self.model.resolve(self.number(who))

    # committing

    @precondition(configuring)
    @rule(data=st.data(), line=st.sampled_from(["commit check", "validate"]))
    def check(self, data: st.DataObject, line: str) -> None:
        who = data.draw(st.sampled_from(self.configuring()))
        self.answers(self.type(who, line), self.model.check(self.number(who)))

    @precondition(configuring)
    @rule(data=st.data(), line=st.sampled_from(["commit", "commit", "commit and-quit", "commit comment c label l"]))
    def commit(self, data: st.DataObject, line: str) -> None:
        who = data.draw(st.sampled_from(self.configuring()))
        told = self.publish(who, line)
        if line == "commit and-quit" and not told.startswith("Aborted"):
            self.model.leave(self.number(who))

    def publish(self, who: str, line: str = "commit", **options: Any) -> str:
        told = self.model.commit(self.number(who), self.seconds, **options)
        self.answers(self.type(who, line), told)
        return told

    @precondition(configuring)
    @rule(data=st.data(), minutes=MINUTES, persist=PERSIST)
    def commit_confirmed(self, data: st.DataObject, minutes: int, persist: str) -> None:
        self.try_out(data.draw(st.sampled_from(self.configuring())), minutes, persist)

    def try_out(self, who: str, minutes: int, persist: str) -> None:
        line = f"commit confirmed {minutes}" + (f" persist {persist}" if persist else "")
        self.publish(who, line, minutes=minutes, persist=persist)

    @precondition(looking_on)
    @rule(data=st.data(), setting=st.sampled_from(SETTINGS), minutes=MINUTES, persist=PERSIST)
    def try_something_out(self, data: st.DataObject, setting: Setting, minutes: int, persist: str) -> None:
        """The whole way to a confirmed commit, which single steps find too seldom."""
        who = data.draw(st.sampled_from(self.looking_on()))
        self.go_in(who, exclusive=True)
        if self.draft(who):
            self.make(who, setting)
            self.try_out(who, minutes, persist)

    @precondition(lambda self: self.model.pending and self.seats)
    @rule(data=st.data(), persist_id=PERSIST, abort=st.booleans())
    def settle(self, data: st.DataObject, persist_id: str, abort: bool) -> None:
        """With the own changes where there are any."""
        who = data.draw(st.sampled_from(list(self.seats)))
        line = ("commit abort" if abort else "commit") + (f" persist-id {persist_id}" if persist_id else "")
        if self.draft(who) and not abort:
            self.publish(who, line, persist_id=persist_id)
        else:
            self.answers(self.type(who, line), self.model.settle(self.number(who), persist_id=persist_id, abort=abort))

    @precondition(lambda self: self.seats and not self.model.pending)
    @rule(data=st.data(), line=st.sampled_from(["commit abort", "commit abort persist-id night", "run commit"]))
    def settle_nothing(self, data: st.DataObject, line: str) -> None:
        seats = self.configuring() if line.startswith("run") else list(self.seats)
        if seats:
            told = self.model.settle(0, persist_id="night" if line.endswith("night") else "")
            self.answers(self.type(data.draw(st.sampled_from(seats)), line), told)

    @precondition(lambda self: len(self.seats) > 1 and not self.model.pending and not self.locked())
    @rule(data=st.data(), setting=st.sampled_from(SETTINGS), resolve=st.booleans())
    def race(self, data: st.DataObject, setting: Setting, resolve: bool) -> None:
        """Two do something to the same entry at the same time; the second one may insist."""
        racers = data.draw(st.permutations(list(self.seats)))[:2]
        for who in racers:
            if self.draft(who):
                self.take_back(who)
            else:
                self.go_in(who, exclusive=False)
        entry = next(each for each in sorted(ENTRIES, key=len, reverse=True) if setting[0][: len(each)] == each)
        near = [each for each in SETTINGS if each[0][: len(entry)] == entry]
        for who in racers:
            draft = self.draft(who)
            assert draft is not None
            wish = data.draw(st.sampled_from(near))
            if wish[0] in draft.now and data.draw(st.booleans()):
                self.remove(who, wish[0])
            else:
                self.make(who, wish)
        self.publish(racers[0])
        if resolve:
            self.win(racers[1])
        self.publish(racers[1])

    def answers(self, answer: str, told: str) -> None:
        """Compare the first line of an answer with what the model says; how holders are named is tested elsewhere."""
        if told.startswith(LOCKED):
            assert answer.startswith(LOCKED)
        elif told.endswith("value is not unique"):
            assert answer.startswith(told.partition(":")[0])
            assert answer.endswith("value is not unique")
        else:
            assert answer == told

    # what everybody sees

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        assert self.seen(self.onlooker, "show configuration | display set") == set_lines(self.model.running)
        for who in self.configuring():
            draft = self.draft(who)
            assert draft is not None
            assert self.seen(self.seats[who], "show | display set") == set_lines(draft.now)
            marked = [line for line in self.seen(self.seats[who], "show | compare") if line.startswith("!")]
            assert bool(marked) == bool(draft.conflicts), (marked, draft)
            leaves = {path[-1] for path in draft.conflicts if path not in ENTRIES}
            assert leaves <= {word for line in marked for word in line.split()}, (marked, draft)

    @invariant()
    def the_rollback_list_is_as_long_as_the_model_says(self) -> None:
        assert len(self.box.database.history) == len(self.model.history)

    @invariant()
    def everybody_is_in_the_mode_that_the_model_says(self) -> None:
        modes = {"": ""}
        for line in self.seen(self.onlooker, "show users"):
            words = line.lstrip(" *").split()
            modes[words[1]] = words[6] if len(words) > 6 else ""
        for who in self.seats:
            draft = self.draft(who)
            assert modes[who] == ("" if draft is None else "exclusive" if draft.exclusive else "private")

    def seen(self, typist: Typist, line: str) -> list[str]:
        typist.now = self.box.now
        return sorted(each for each in typist.answer(line).splitlines() if each != "No entries found.")


TestTyping = Typing.TestCase
TestTyping.settings = settings(
    max_examples=examples(50), stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
