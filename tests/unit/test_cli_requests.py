"""Actions that ask before they are run, and those that have slow work done first."""

from __future__ import annotations

import pytest
from clibox import FakeBox, Typist
from drafts import commit

RESTART = "request system admin SBC1 restart"
QUESTION = "The system will restart and all connections will end. Continue? [yes,NO] "


@pytest.fixture
def box() -> FakeBox:
    box = FakeBox()
    commit(
        box.database, "set system admin SBC1 actualSystemName SBC1", "set system security pki certificate X type local"
    )
    box.answers["restart"] = [("result", "success")]
    return box


@pytest.mark.parametrize("mode", ["operational", "configure"])
def test_confirmed(box: FakeBox, mode: str) -> None:
    typist = Typist(box.session())
    if mode == "configure":
        typist.type("configure")
    reply = typist.type(RESTART)
    assert (reply.prompt, box.requests) == (QUESTION, [])
    assert "result success\n" in typist.answer("yes")
    assert box.requests == [(("system", "admin", "SBC1"), "restart", {})]


@pytest.mark.parametrize("answer", ["", "no", "NO", "maybe"])
def test_anything_but_yes_is_no(box: FakeBox, answer: str) -> None:
    typist = Typist(box.session())
    typist.type(RESTART)
    assert typist.answer(answer) == "Aborted: by user\n"
    assert box.requests == []


def test_nobody_is_asked_without_a_terminal_or_after_no_confirm(box: FakeBox) -> None:
    assert "result success\n" in Typist(box.session(None)).answer(RESTART)
    typist = Typist(box.session())
    typist.type("configure no-confirm")
    assert "result success\n" in typist.answer(RESTART)
    assert len(box.requests) == 2


def test_other_actions_ask_nothing(box: FakeBox) -> None:
    typist = Typist(box.session())
    assert typist.type("request system admin SBC1 saveConfig").ok
    assert [action for _, action, _ in box.requests] == ["saveConfig"]


def test_slow_work_is_done_first(box: FakeBox) -> None:
    done: list[int] = []
    box.works["generateCSR"] = lambda: done.append(len(box.requests))
    box.answers["generateCSR"] = [("result", 0), ("status", "-----BEGIN\nx\n-----END\n")]
    typist = Typist(box.session())
    line = "request system security pki certificate X generateCSR csrSub /CN=x keySize keySize4K"
    assert typist.answer(line) == "result 0\nstatus\n-----BEGIN\nx\n-----END\n"
    assert done == [0]
    assert box.requests[0][2] == {"keySize": "keySize4K", "csrSub": "/CN=x"}


def test_a_certificate_in_quotes(box: FakeBox) -> None:
    typist = Typist(box.session())
    typist.type('request system security pki certificate X importCert certContent "-----BEGIN\\nx y\\n-----END\\n"')
    assert box.requests[0][2] == {"certContent": "-----BEGIN\nx y\n-----END\n"}


IMPORT = "request system security pki certificate X importCert"
COMMENT = "request alarms current comment alarm"


def test_a_missing_input_is_asked_for_by_its_name(box: FakeBox) -> None:
    typist = Typist(box.session())
    reply = typist.type(IMPORT)
    assert reply.text == "Value for 'certContent' (<unknown>):\n[Multiline mode, exit with ctrl-D.]\n"
    typist.type("-----BEGIN CERTIFICATE-----")
    typist.show(typist.session.end_of_input(typist.now))
    assert box.requests[-1][1:] == ("importCert", {"certContent": "-----BEGIN CERTIFICATE-----"})


def test_several_missing_inputs_are_asked_for_in_order(box: FakeBox) -> None:
    typist = Typist(box.session())
    assert typist.type(COMMENT).prompt == "Value for 'id' (<number, 0..4294967295>): "
    assert typist.type("7").prompt == "Value for 'text' (<string>): "
    assert typist.type("seen").ok
    assert box.requests[-1][1:] == ("comment", {"alarm id": 7, "alarm text": "seen"})


def test_a_value_missing_at_the_end_is_asked_for_without_a_name(box: FakeBox) -> None:
    typist = Typist(box.session())
    assert typist.type(f"{COMMENT} text seen id").prompt == "(<number, 0..4294967295>): "
    assert typist.type("7").ok
    assert box.requests[-1][2] == {"alarm id": 7, "alarm text": "seen"}


def test_a_wrong_answer_is_refused(box: FakeBox) -> None:
    typist = Typist(box.session())
    typist.type(f"{COMMENT} text seen")
    assert not typist.type("seven").ok
    assert 'syntax error: "seven" is not a valid value.' in typist.screen
    assert box.requests == []


def test_without_a_terminal_or_wizard_nothing_is_asked(box: FakeBox) -> None:
    assert "syntax error: incomplete path" in Typist(box.session(None)).answer(COMMENT)
    typist = Typist(box.session())
    typist.type("set autowizard false")
    assert "syntax error: incomplete path" in typist.answer(COMMENT)


def test_an_interrupt_at_the_question_runs_nothing(box: FakeBox) -> None:
    typist = Typist(box.session())
    typist.type(COMMENT)
    typist.show(typist.session.interrupt(typist.now))
    assert "Aborted: by user" in typist.screen
    assert box.requests == []
