"""Whatever a file holds, `load`, `source` and a CONFIG file take it as a whole or say which line is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from clibox import START, FakeBox, Typist
from drafts import ADMIN
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from keystrokes import LINES, ODDITIES
from randomconfig import ROOT, mended, trees

from sbcsim.cli import configfile
from sbcsim.cli.configfile import ConfigFile
from sbcsim.config import markup, render
from sbcsim.config.document import document
from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.device.users import Account
from sbcsim.errors import ScenarioError

FORMS = {
    "braces": render.curly,
    "set lines": render.set_lines,
    "XML": lambda tree: markup.xml(document(tree), ROOT),
}
FURNITURE = ("set profiles security tlsProfile A handshakeTimer 7", "set addressContext A zone A id 1")
PLACE = re.compile(r"^Error: text:(\d+)$", re.MULTILINE)


@st.composite
def texts(draw: Any) -> str:
    """Draw a configuration in some form with some slips in it, or lines that have little to do with one."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.lists(LINES, max_size=8).map("\n".join))
    text = "\n".join(FORMS[draw(st.sampled_from(sorted(FORMS)))](draw(trees())))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 6))
        text = text[:at] + draw(st.sampled_from(["", "\n", "\r\n", *ODDITIES, *SLIPS])) + text[at + gone :]
    return text


SLIPS = (
    "delete profiles security tlsProfile B\n", "\nset ", " | display set", "<a>", "</config>", "<!-- x -->", "}}",
    "<![CDATA[x]]>", "<?x y?>", "<!DOCTYPE a>", "&amp;", "&x;", "&#0;", "&#x41;", ' a="b"', "xmlns=''", "{{",
    "[ 404 ]", '"a\nb"', "/* x */",
)  # fmt: skip


def put(box: FakeBox, content: bytes) -> None:
    account = Account("admin")
    box.files.make_home(account, START)
    box.files.write(f"{account.home}/text", content, START)


def furnished() -> tuple[FakeBox, Typist]:
    box = FakeBox()
    typist = Typist(box.session())
    typist.type("configure")
    for line in FURNITURE:
        assert typist.type(line).ok
    typist.type("commit")
    return box, typist


def lines_in(text: str) -> int:
    return text.count("\n") + 1


@settings(max_examples=examples(120))
@given(texts(), st.sampled_from(["merge", "override", "replace"]))
def test_load(text: str, way: str) -> None:
    box, typist = furnished()
    put(box, text.encode(errors="replace"))
    before = typist.session._shell.draft.tree
    reply = typist.type(f"load {way} text")
    check_survival(box, typist)
    if reply.ok:
        assert reply.text.count("\n") == 1  # the status line alone
        return
    assert typist.session._shell.draft.tree == before
    assert not typist.session._shell.draft.modified
    place = PLACE.search(reply.text)
    assert place is not None, reply.text
    assert 1 <= int(place[1]) <= lines_in(text)


@settings(max_examples=examples(60))
@given(texts(), st.sampled_from(["merge", "override", "replace"]))
def test_load_what_can_be_loaded(text: str, way: str) -> None:
    box, typist = furnished()
    put(box, text.encode(errors="replace"))
    reply = typist.type(f"load {way} text | best-effort")
    check_survival(box, typist)
    assert reply.ok
    for place in PLACE.finditer(reply.text):
        assert 1 <= int(place[1]) <= lines_in(text)


@settings(max_examples=examples(60))
@given(st.lists(LINES, max_size=10).map("\n".join) | texts(), st.booleans())
def test_source(text: str, configuring: bool) -> None:
    box, typist = furnished()
    if not configuring:
        typist.type("exit")
    put(box, text.encode(errors="replace"))
    running = box.database.running
    reply = typist.type("source text")
    if reply.exit_status is not None:
        return
    check_survival(box, typist)
    if "Commit complete" not in reply.text:
        assert box.database.running == running
    if not reply.ok:
        place = PLACE.search(reply.text)
        assert place is not None, reply.text
        assert 1 <= int(place[1]) <= lines_in(text)


def mistake(database: Database, text: str) -> ScenarioError | None:
    """Return what is wrong with a CONFIG file, None where it was taken."""
    try:
        configfile.load(database, [ConfigFile("x.cli", text)], START)
    except ScenarioError as error:
        return error
    return None


@settings(max_examples=examples(120))
@given(texts())
def test_a_config_file(text: str) -> None:
    database = Database(ROOT)
    error = mistake(database, text)
    assert not database.candidates
    assert len(database.history) == bool(database.running.root)
    if error is not None:
        assert not database.running.root
        assert error.file == "x.cli"
        assert not set(error.reason) & set("\n\r\x1b")
        lines = [line.rstrip("\r") for line in text.split("\n")]
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1


@settings(max_examples=examples(40))
@given(trees())
def test_what_the_commit_refuses_of_a_config_file_is_traced_to_its_line(tree: Tree) -> None:
    lines = list(render.set_lines(tree))
    database = Database(ROOT)
    error = mistake(database, "\n".join(lines))
    if error is None:
        assert database.running == tree
    else:
        assert mended(tree) != tree
        assert (error.file, error.column) == ("x.cli", 1)
        assert 1 <= error.line <= len(lines)


@pytest.mark.parametrize("verb", ["load merge", "source"])
@settings(max_examples=examples(20))
@given(content=st.binary(max_size=30).filter(lambda each: not _is_text(each)))
def test_what_is_no_text_at_all(verb: str, content: bytes) -> None:
    box, typist = furnished()
    put(box, content)
    assert typist.answer(f"{verb} text") == "Error: failed to open file: not a text file.\n"
    check_survival(box, typist)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_survival(box: FakeBox, typist: Typist) -> None:
    """The session goes on, and nothing but the box's own words was shown."""
    assert "Traceback" not in typist.screen
    assert typist.type("run show users" if typist.session.mode.name == "CONFIGURE" else "show users").ok
    assert box.sessions.get(typist.session._shell.author.session) is not None
    assert ADMIN not in [candidate.author for candidate in box.database.candidates]
