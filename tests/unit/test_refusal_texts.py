"""Texts that nothing else looks at to the letter."""

from __future__ import annotations

import pytest
import testca
from clibox import FakeBox, Typist
from inmemory import AUTHOR
from livebox import live_box

from sbcsim.config.secret import Cipher
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings
from sbcsim.errors import UserError

NEW = "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled"


def test_a_pass_phrase_encrypted_by_another_box_opens_nothing() -> None:
    box = live_box()
    box.put("new.p12", testca.sbc().pkcs12("secret"))
    with pytest.raises(UserError) as refused:
        box.commit(NEW.replace("secret", Cipher(99).encrypt("secret")))
    wanted = "'system security pki certificate NEW passPhrase': wrong pass phrase for file \"new.p12\""
    assert refused.value.text == wanted
    box.commit(NEW.replace("secret", box.database.cipher.encrypt("secret")))


@pytest.mark.parametrize(
    ("line", "question"),
    [
        (
            "request system admin SBC1 switchover",
            "The active server will hand over to the standby server. Continue? [yes,NO] ",
        ),
        ("request system serverAdmin SBC1a restart", "The server will restart. Continue? [yes,NO] "),
        (
            "request system serverAdmin SBC1a softReset",
            "The application on the server will restart. Continue? [yes,NO] ",
        ),
        (
            "request system admin SBC1 softReset",
            "The application will restart and all connections will end. Continue? [yes,NO] ",
        ),
    ],
)
def test_questions_of_actions(line: str, question: str) -> None:
    box = FakeBox()
    box.tables["system", "serverAdmin"] = [{"name": "SBC1a"}]
    typist = Typist(box.session())
    typist.type("configure")
    typist.type("set system admin SBC1 actualSystemName SBC1")
    typist.type("commit and-quit")
    assert typist.type(line).prompt == question
    assert typist.type("no").text.startswith("Aborted: by user\n")


def test_a_server_that_is_not_there() -> None:
    box = live_box(settings=Settings(ha=HaMode.PAIR))
    with pytest.raises(UserError, match="no such server"):
        box.sbc.request(("system", "serverAdmin", "SBC1c"), "restart", {}, AUTHOR, box.now)


def test_an_unclosed_quote() -> None:
    typist = Typist(FakeBox().session())
    assert "syntax error: unterminated string" in typist.answer('show "x')


def test_passwords_need_a_terminal() -> None:
    typist = Typist(FakeBox().session(None))
    assert "a password can only be changed on a terminal" in typist.answer("change-password")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("system { admin SBC1 { location } } }", "syntax error: unexpected"),
        ("system { admin SBC1 {", "syntax error: unexpected end"),
        (
            '<!DOCTYPE x><config xmlns="http://tail-f.com/ns/config/1.0"/>',
            "syntax error: document types are not allowed",
        ),
    ],
)
def test_texts_that_cannot_be_loaded(text: str, refusal: str) -> None:
    box = FakeBox()
    typist = Typist(box.session())
    typist.type("configure")
    box.files.make_home(box.users.get("admin"), typist.now)
    box.files.write("/home/Administrator/admin/x", text.encode(), typist.now)
    assert refusal in typist.answer("load merge x")


def test_files_that_are_no_text_or_cannot_be_written() -> None:
    box = FakeBox()
    typist = Typist(box.session())
    box.files.make_home(box.users.get("admin"), typist.now)
    box.files.write("/home/Administrator/admin/x", b"\xff\xfe", typist.now)
    assert "Error: failed to open file: not a text file." in typist.answer("source x")
    assert "Error: failed to write file: " in typist.answer("show cli | save /opt/sonus/nowhere/x")
