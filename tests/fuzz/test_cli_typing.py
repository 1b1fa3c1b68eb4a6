"""Whatever is typed into a session, it answers in its own words and goes on; nothing changes but by a commit."""

from __future__ import annotations

from dataclasses import dataclass, field

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from keystrokes import LINES
from typedbox import TypedBox

from sbcsim.cli.modes import Mode
from sbcsim.cli.session import Completion, Reply, Session, Terminal

SCREENS = st.sampled_from(
    [Terminal(80, 0), Terminal(80, 24, keys=True), Terminal(0, 0, keys=True), Terminal(10, 3, keys=True)]
)


@dataclass
class User:
    """Somebody at a session: does whatever it asks for."""

    box: TypedBox
    session: Session
    printed: list[str] = field(default_factory=list)
    over: bool = False
    paging: bool = False

    def take(self, reply: Reply) -> Reply:
        while True:
            assert reply.text.endswith(("\n", "\r")) or not reply.text, reply
            self.printed.append(reply.text)
            if reply.work is not None:
                reply.work()
                reply = self.session.resume(self.box.now)
            elif reply.more:
                reply = self.session.more(self.box.now)
            else:
                break
        self.box.pump()
        self.over = self.over or reply.exit_status is not None
        self.paging = reply.keys
        return reply

    def type(self, line: str) -> Reply:
        return self.take(self.session.line(line, self.box.now))

    def do(self, action: str, text: str) -> None:
        session, now = self.session, self.box.now
        match action:
            case "line":
                self.type(text)
            case "interrupt":
                self.take(session.interrupt(now))
            case "end":
                self.take(session.end_of_input(now))
            case "key" if self.paging:
                self.take(session.key(text[:1] or " ", now))
            case "resize":
                session.resize(Terminal(len(text), len(text) % 5, keys=True))
            case "tab" | "list":
                self.look(session.complete(text, now, listing=action == "list"))
            case "space":
                self.look(session.space(text, now))

    def look(self, completion: Completion) -> None:
        assert completion.text.endswith("\n") or not completion.text
        self.printed.append(completion.text)

    def survives(self) -> None:
        """Nothing that was typed keeps the session from answering."""
        self.box.check("".join(self.printed))
        if self.over:
            return
        for _ in range(2):
            self.take(self.session.interrupt(self.box.now))
        reply = self.type("run show users" if self.session.mode is Mode.CONFIGURE else "show users")
        while self.paging:
            reply = self.take(self.session.key(" ", self.box.now))
        assert reply.ok
        assert " admin cli " in "".join(self.printed), self.printed
        self.session.end(self.box.now)
        self.box.pump()
        self.box.check("".join(self.printed))


ACTIONS = ["line"] * 8 + ["tab", "list", "space", "interrupt", "end", "key", "resize"]
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), LINES), max_size=12)


@settings(max_examples=examples(150))
@given(SCREENS, st.booleans(), STEPS)
def test_a_session_on_a_terminal(screen: Terminal, configuring: bool, steps: list[tuple[str, str]]) -> None:
    box = TypedBox()
    user = User(box, box.session(screen))
    user.take(user.session.start(box.now))
    if configuring:
        user.type("configure")
    for action, text in steps:
        if user.over:
            break
        user.do(action, text)
    user.survives()


@settings(max_examples=examples(60))
@given(st.lists(LINES, max_size=10))
def test_a_session_without_a_terminal(lines: list[str]) -> None:
    box = TypedBox()
    user = User(box, box.session(None))
    for line in lines:
        if user.over:
            break
        reply = user.type(line)
        user.over = user.over or not reply.ok
    user.survives()


@settings(max_examples=examples(60))
@given(st.lists(LINES, max_size=10).map(";".join) | st.lists(LINES, max_size=10).map("\n".join))
def test_commands_of_an_exec_channel(script: str) -> None:
    box = TypedBox()
    user = User(box, box.session(None))
    reply = user.take(user.session.run(script, box.now))
    assert reply.exit_status is not None
    user.survives()
