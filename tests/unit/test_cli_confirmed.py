"""`commit confirmed` and what settles it, as typed."""

from __future__ import annotations

import pytest
from clibox import FakeBox, Refusing, Typist

WARNING = (
    "Warning: The configuration will be reverted if you exit the CLI without\n"
    "performing the commit operation within {} minutes.\n"
)
PERMANENT = "Commit complete. Configuration is now permanent.\n"
ABORTED = "Confirmed commit has been aborted. Old configuration will now be restored.\n"
NONE = "Aborted: no confirmed commit in progress\n"
BUSY = "Aborted: confirmed commit in progress\n"
LINE = "set profiles security tlsProfile T1"


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    """Return a typist in exclusive configure mode with something to commit."""
    typist = Typist(box.session())
    typist.type("configure exclusive")
    typist.type(LINE)
    return typist


@pytest.mark.parametrize(
    ("line", "minutes", "persist"),
    [
        ("commit confirmed", 10, ""),
        ("commit conf 7", 7, ""),
        ("commit confirmed persist night", 10, "night"),
        ("commit comment x confirmed 65535 persist night label y", 65535, "night"),
    ],
)
def test_forms(typist, box, line, minutes, persist):
    assert typist.answer(line) == WARNING.format(minutes) + "Commit complete.\n"
    assert (box.database.pending.minutes, box.database.pending.persist) == (minutes, persist)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("commit confirmed 0", '"0" is out of range.'),
        ("commit confirmed 65536", '"65536" is out of range.'),
        ("commit confirmed soon", '"soon" is not a valid value.'),
    ],
)
def test_wrong_minutes(typist, box, line, problem):
    caret, text = typist.answer(line).splitlines()
    assert (caret.index("^"), text) == (len("admin@SBC1% commit confirmed "), f"syntax error: {problem}")
    assert box.database.pending is None


def test_settled_in_configure_mode(typist, box):
    typist.type("commit confirmed")
    assert typist.answer("commit") == PERMANENT
    typist.type("set profiles security tlsProfile T2")
    typist.type("commit confirmed 1")
    assert typist.answer("commit abort") == ABORTED
    assert typist.answer("show profiles security | display set") == f"{LINE}\n"
    assert typist.answer("commit abort") == NONE
    assert typist.answer("run commit") == NONE


def test_settled_in_operational_mode(typist, box):
    typist.type("commit confirmed and-quit")
    assert typist.answer("commit") == PERMANENT
    assert typist.answer("commit") == NONE
    for line in ("configure exclusive", f"{LINE} appAuthTimer 9", "commit confirmed", "exit"):
        assert typist.type(line).ok
    assert typist.answer("commit abort") == ABORTED


def test_waiting_longer(typist, box):
    typist.type("commit confirmed 1")
    assert typist.answer("commit confirmed 20").startswith(WARNING.format(20))
    assert box.database.pending.minutes == 20


def test_nothing_to_commit(box):
    typist = Typist(box.session())
    typist.type("configure exclusive")
    assert typist.answer("commit confirmed") == "No modifications to commit.\n"
    assert box.database.pending is None
    assert typist.answer("commit persist-id night") == NONE


def test_not_in_private_mode_and_not_without_confirmed(typist, box):
    assert typist.answer("commit persist night") == "Aborted: persist can only be used with confirmed\n"
    typist.type("revert no-confirm")
    typist.type("exit")
    typist.type("configure")
    assert typist.answer("commit confirmed") == "Aborted: confirmed commit requires exclusive configuration mode\n"
    typist.type(LINE)
    assert typist.answer("commit confirmed") == "Aborted: confirmed commit requires exclusive configuration mode\n"


def test_another_session(typist, box):
    typist.type("commit confirmed persist night and-quit")
    other = Typist(box.session())
    assert other.answer("commit") == BUSY
    assert other.answer("commit abort") == BUSY
    assert other.answer("configure exclusive") == BUSY
    other.type("configure")
    assert other.answer("commit") == BUSY
    assert other.answer("commit persist-id day") == "Aborted: no confirmed commit with persist-id day in progress\n"
    assert other.answer("commit persist-id night") == PERMANENT


def test_the_end_of_the_session(typist, box):
    typist.type("commit confirmed")
    typist.session.end(typist.now)
    assert not box.database.running.exists(("profiles",))


def test_a_client_that_leaves_while_it_is_made_has_it_taken_back(typist, box):
    box.database.subscribe(Refusing(work=lambda: None))
    reply = typist.session.line("commit confirmed", typist.now)
    assert reply.work is not None
    reply.work()
    typist.session.conclude(typist.now)
    assert box.database.revision == 2
    assert not box.database.running.exists(("profiles",))
    assert box.database.pending is None


def test_who_may_only_look_settles_nothing(typist, box):
    typist.type("commit confirmed")
    box.users.add("guest", "guest", group="Guest")
    guest = Typist(box.session(author=box.sessions.open("guest", typist.now, context="cli", remote="192.0.2.9").author))
    assert guest.answer("commit") == "Aborted: permission denied\n"
    assert guest.answer("commit abort") == "Aborted: permission denied\n"
