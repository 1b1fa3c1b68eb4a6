"""`load`, `save`, `rename`, `copy`, `compare`: configuration as text out of a box and into another one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

import pytest
from clibox import FakeBox, Typist
from hypothesis import example, given, settings
from randomconfig import ROOT, trees

from sbcsim.cli.reading import read
from sbcsim.cli.session import Reply
from sbcsim.config import markup, render
from sbcsim.config.document import document
from sbcsim.config.tree import Tree
from sbcsim.device.users import Account

HOME = Account("admin").home
PROFILE = "profiles security tlsProfile"
IN_XML = "<profiles><security><tlsProfile>"
CODES_IN_XML = """<profiles><services><pathCheckProfile><name>A</name>
<failureResponseCodes>404</failureResponseCodes>
<failureResponseCodes>404</failureResponseCodes>
</pathCheckProfile></services></profiles>"""
TWICE = "syntax error: element is there twice"
FORMS: dict[str, Callable[[Tree], Iterable[str]]] = {
    "curly": render.curly,
    "set": render.set_lines,
    "xml": lambda tree: markup.xml(document(tree), ROOT),
}


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    return configuring(box)


def configuring(box: FakeBox) -> Typist:
    typist = Typist(box.session())
    typist.type("configure")
    return typist


def put(box: FakeBox, name: str, text: str) -> None:
    box.files.make_home(Account("admin"), Typist(box.session()).now)
    box.files.write(f"{HOME}/{name}", text.encode(), Typist(box.session()).now)


def candidate(typist: Typist) -> Tree:
    return typist.session._shell.draft.tree


@pytest.mark.parametrize("form", FORMS)
@given(tree=trees())
@settings(max_examples=60, deadline=None)
def test_every_form_loads_back(form: str, tree: Tree) -> None:
    box = FakeBox()
    put(box, "dump", "".join(f"{line}\n" for line in FORMS[form](tree)))
    typist = configuring(box)
    assert typist.type("load merge dump").ok, typist.screen
    assert [*render.set_lines(candidate(typist))] == [*render.set_lines(tree)]
    assert candidate(typist) == tree


@given(tree=trees())
@settings(max_examples=60, deadline=None)
def test_a_dump_typed_into_a_fresh_box_gives_the_same_dump(tree: Tree) -> None:
    typist = configuring(FakeBox())
    dump = [*render.set_lines(tree)]
    for line in dump:
        assert typist.type(line).ok, typist.screen
    assert [*render.set_lines(candidate(typist))] == dump


@given(tree=trees())
@settings(max_examples=30, deadline=None)
def test_documents_show_what_is_shown_from_the_tree(tree: Tree) -> None:
    for details in (False, True):
        assert [*markup.curly(document(tree, details=details))] == [*render.curly(tree, details=details)]
    assert [*markup.set_lines(document(tree))] == [*render.set_lines(tree)]


@given(tree=trees())
@settings(max_examples=30, deadline=None)
def test_json_is_laid_out_as_python_does(tree: Tree) -> None:
    text = "\n".join(markup.json_lines(document(tree), ROOT))
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def test_merge_override_replace(box: FakeBox, typist: Typist) -> None:
    for line in (f"set {PROFILE} A handshakeTimer 7 appAuthTimer 9", f"set {PROFILE} B handshakeTimer 8"):
        typist.type(line)
    put(
        box,
        "a.conf",
        "profiles {\n    security {\n        tlsProfile A {\n            appAuthTimer 5;\n        }\n    }\n}\n",
    )
    assert typist.type("load merge a.conf").ok
    assert typist.answer(f"show {PROFILE} A") == "appAuthTimer   5;\nhandshakeTimer 7;\n"
    assert typist.type("load replace a.conf").ok
    assert typist.answer(f"show {PROFILE} A") == "appAuthTimer 5;\n"
    assert typist.answer(f"show {PROFILE} B") == "handshakeTimer 8;\n"
    assert typist.type("load override a.conf").ok
    assert typist.answer("show | display set") == f"set {PROFILE} A appAuthTimer 5\n"


def test_save_and_load_again(box: FakeBox, typist: Typist) -> None:
    typist.type(f"set {PROFILE} A handshakeTimer 7")
    assert typist.answer("save here.conf") == ""
    assert typist.answer("save here.xml | display xml") == ""
    assert box.files.read(f"{HOME}/here.conf").decode().startswith("profiles {\n    security {\n")
    for name in ("here.conf", "here.xml"):
        typist.type("revert no-confirm")
        assert typist.type(f"load merge {name}").ok
        assert typist.answer("show | display set") == f"set {PROFILE} A handshakeTimer 7\n"


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("profiles {\n  nonsense 1;\n}\n", "unknown element", 2),
        ("profiles {\n  security {\n    tlsProfile A {\n      handshakeTimer 9999;\n", '"9999" is out of range.', 4),
        ("profiles {\n", "unexpected end", 2),
        ("}\n", "unexpected }", 1),
        ("profiles security tlsProfile { }\n", "unexpected {", 1),
        (f"set {PROFILE} A handshakeTimer 7\n\nset nonsense\n", "unknown element", 3),
        (f'set {PROFILE} A handshakeTimer 7\nset "x\n', "unterminated string", 2),
        ("set profiles | count\n", "only set and delete stand in a configuration file", 1),
        ("<config>\n<nonsense/>\n</config>\n", "unknown element", 2),
        ("<config>\n", "no element found", 2),
        ("<config\r>\r\n<nonsense/>\r\n</config>\n", "unknown element", 2),
        ("<config\r>\n</profiles>\n", "mismatched tag", 2),
        ('<!DOCTYPE a [<!ENTITY b "c">]>\n<config/>', "document types are not allowed", 1),
        ("<profiles><security><tlsProfile/></security></profiles>", "incomplete path", 1),
        ('<profiles xmlns="urn:other"/>', "unknown element", 1),
        ('<profiles>\n<security operation="delete"/>\n</profiles>', "syntax error: unexpected operation", 2),
        ("<config>\n<profiles>\nand more\n</profiles>\n</config>", "syntax error: unexpected and", 2),
        (f"{IN_XML}<name>A</name>\n<v1_0>enabled<x/></v1_0>", "unknown element", 2),
        (f"{IN_XML}<name>A</name>\n<v1_0>enabled</v1_0>\n<v1_0>enabled</v1_0>", TWICE, 3),
        (f"{IN_XML}<name>A</name></tlsProfile>\n<tlsProfile><name>A</name>", TWICE, 2),
        (f"{IN_XML}<name>A</name>\n<name>B</name>", "syntax error: unknown argument", 1),
        (f"{IN_XML}<name><x/>A</name>", "syntax error: unknown argument", 1),
        (CODES_IN_XML, TWICE, 3),
    ],
)
def test_a_mistake_loads_nothing_and_is_told_with_its_line(
    box: FakeBox, typist: Typist, text: str, reason: str, line: int
) -> None:
    put(box, "bad", text)
    if text.startswith(IN_XML):
        put(box, "bad", f"{text}</tlsProfile></security></profiles>")
    answer = typist.answer("load merge bad")
    assert reason in answer
    assert answer.endswith(f"\nError: bad:{line}\n")
    assert typist.answer("show | display set") == "No entries found.\n"


@pytest.mark.parametrize("way", ["merge", "override", "replace"])
def test_nothing_is_loaded_of_a_text_that_deletes_what_is_not_there(box: FakeBox, typist: Typist, way: str) -> None:
    typist.type(f"set {PROFILE} A handshakeTimer 7")
    put(box, "bad", f"set {PROFILE} A handshakeTimer 9\nset {PROFILE} B\n\ndelete {PROFILE} GONE\n")
    assert typist.answer(f"load {way} bad") == "Aborted: element does not exist\nError: bad:4\n"
    assert typist.answer("show | display set") == f"set {PROFILE} A handshakeTimer 7\n"
    assert typist.answer("commit") == "Commit complete.\n"


def test_a_text_of_one_name_may_begin_like_a_comment(box: FakeBox, typist: Typist) -> None:
    typist.type('set system admin SBC1 location "/* here" contact /*x*/')
    assert typist.answer("show system admin SBC1") == 'location "/* here";\ncontact  "/*x*/";\n'
    typist.type("save out")
    typist.type("revert no-confirm")
    typist.type("load merge out")
    assert typist.answer("show system admin SBC1") == 'location "/* here";\ncontact  "/*x*/";\n'


def test_a_mark_of_the_byte_order_is_not_part_of_a_text(box: FakeBox, typist: Typist) -> None:
    put(box, "windows", f"\ufeffset {PROFILE} A\r\n")
    assert typist.answer("load merge windows") == ""
    assert typist.answer("show | display set") == f"set {PROFILE} A\n"


LINES = 20_000
LONG_TEXTS = {
    "nothing": "\n" * LINES,
    "blanks": " " * LINES,
    "comments": "# c\n" * LINES,
    "comments that never end": "/* c\n" * LINES,
    "comments in braces that never end": "profiles { /*\n" * LINES,
    "a string that never ends": 'set "\n' + "a\n" * LINES,
    "strings over lines": 'set "\n" \n' * LINES,
    "lines that go on": "set \\\n" * LINES,
    "blocks that never end": "profiles {\n" * LINES,
    "elements that never end": "<profiles>" * LINES,
}


@pytest.mark.parametrize("long", LONG_TEXTS)
def test_reading_costs_what_a_text_is_long(long: str) -> None:
    before = time.process_time()
    read(LONG_TEXTS[long], ROOT, lambda _: None)
    assert time.process_time() - before < 20  # where every line looks at all the others, it takes minutes


def test_best_effort_loads_the_rest(box: FakeBox, typist: Typist) -> None:
    put(box, "bad", f"set {PROFILE} A handshakeTimer 7\nset nonsense\ndelete {PROFILE} GONE\nset {PROFILE} B\n")
    assert typist.answer("load merge bad | best-effort") == "syntax error: unknown element\nError: bad:2\n"
    assert typist.answer("show | display set") == f"set {PROFILE} A handshakeTimer 7\nset {PROFILE} B\n"
    put(box, "worse", "profiles {\n x {\n y 1;\n }\n security {\n tlsProfile C {\n }\n }\n}\n")
    assert "worse:2" in typist.answer("load merge worse | best-effort")
    assert typist.answer(f"show {PROFILE} C | display set") == f"set {PROFILE} C\n"


def test_missing_file(typist: Typist) -> None:
    assert typist.answer("load merge nowhere") == "Error: failed to open file: File/directory does not exist.\n"


def test_from_the_terminal(typist: Typist) -> None:
    assert typist.type("load merge terminal") == Reply("", "> ", plain=True)
    for line in ("profiles {", " security {", "  tlsProfile A {", "  }", " }", "}"):
        assert typist.type(line).plain
    reply = typist.show(typist.session.end_of_input(typist.now))
    assert reply.ok
    assert typist.answer("show | display set") == f"set {PROFILE} A\n"
    typist.type("load merge terminal")
    typist.type("nonsense {")
    assert "Aborted: by user" in typist.session.interrupt(typist.now).text


@pytest.mark.parametrize(
    "text",
    [
        "set system security pki certificate A passPhrase {}",
        "system {{ security {{ pki {{ certificate A {{ passPhrase {}; }} }} }} }}",
        "<system><security><pki><certificate><name>A</name><passPhrase>{}</passPhrase></certificate></pki></security></system>",
    ],
)
def test_a_wrong_secret_in_a_text_is_not_repeated(box: FakeBox, typist: Typist, text: str) -> None:
    put(box, "wrong", text.format("s3cret" * 50))
    assert typist.answer("load merge wrong").startswith(
        'syntax error: "********" has a bad length/size.\nError: wrong:'
    )


def test_an_interrupt_leaves_the_candidate_as_it_was(box: FakeBox, typist: Typist) -> None:
    put(box, "many", "".join(f"set {PROFILE} P{number}\n" for number in range(1000)))
    typist.type(f"set {PROFILE} A")
    reply = typist.session.line("load override many", typist.now)
    assert reply.work is not None
    reply.work()
    assert typist.session.resume(typist.now).more
    assert typist.session.more(typist.now).more
    reply = typist.session.interrupt(typist.now)
    assert (reply.ok, reply.text) == (False, "^C\nAborted: by user\n[error][2026-01-30 10:00:00]\n")
    assert typist.answer("show | display set") == f"set {PROFILE} A\n"


def test_from_piped_input(box: FakeBox) -> None:
    session = box.session(None)
    typist = Typist(session)
    typist.type("configure")
    assert typist.type("load merge terminal") == Reply("", "", plain=True)
    typist.type(f"set {PROFILE} A\x04")
    assert typist.answer("show | display set") == f"set {PROFILE} A\n"
    script = box.session(None).run("configure; load merge terminal; set x", typist.now)
    assert "Aborted: there is no terminal to read from" in script.text


def test_rename_and_copy(typist: Typist) -> None:
    typist.type(f"set {PROFILE} A handshakeTimer 7")
    assert typist.type(f"rename {PROFILE} A B").ok
    assert typist.type(f"copy {PROFILE} B C").ok
    assert typist.answer("show | display set") == (
        f"set {PROFILE} B handshakeTimer 7\nset {PROFILE} C handshakeTimer 7\n"
    )
    assert typist.answer(f"rename {PROFILE} B C") == f"Aborted: '{PROFILE} C' already exists\n"
    assert typist.answer(f"copy {PROFILE} B B") == f"Aborted: '{PROFILE} B' already exists\n"
    assert "element does not exist" in typist.answer(f"rename {PROFILE} GONE X")
    assert "incomplete path" in typist.answer(f"rename {PROFILE} B")
    assert "unknown argument" in typist.answer("rename profiles security")
    assert "bad length/size" in typist.answer(f"rename {PROFILE} B {'x' * 99}")
    trunk = "addressContext default zone Z sipTrunkGroup T ingressIpPrefix"
    typist.type(f"set {trunk} 10.0.0.0 8")
    assert typist.type(f"rename {trunk} 10.0.0.0 8 10.1.0.0 16").ok
    assert "ingressIpPrefix 10.1.0.0 16" in typist.answer("show | display set")


def test_compare(typist: Typist) -> None:
    typist.type(f"set {PROFILE} A handshakeTimer 7")
    assert typist.answer("compare") == typist.answer("show | compare")


@pytest.mark.parametrize("verb", ["compare", "copy", "load", "rename", "save"])
def test_hidden_commands_are_not_offered(typist: Typist, verb: str) -> None:
    assert f"  {verb} " not in typist.session.complete("", typist.now, listing=True).text
    assert f"  {verb} " not in typist.answer("nonsense")
    assert "expecting" in typist.answer(f"{verb[:-1]} x")
    assert typist.session.complete(verb[:-1], typist.now, listing=False).line == verb[:-1]


def test_they_do_not_count_when_others_are_abbreviated(typist: Typist) -> None:
    assert typist.answer("com") == "No modifications to commit.\n"
    assert typist.answer("r") != ""
    assert "Possible alternatives starting with re:" in typist.answer("re")
    assert "rename" not in typist.answer("re")


def test_who_may_only_read_loads_nothing(box: FakeBox) -> None:
    box.users.add("viewer", "viewer", group="Operator")
    put(box, "a", f"set {PROFILE} A\n")
    author = box.sessions.open("viewer", Typist(box.session()).now, context="cli", remote="192.0.2.9").author
    typist = Typist(box.session(author=author))
    typist.type("configure")
    before = candidate(typist)
    for line in (f"load merge {HOME}/a", "load merge terminal", f"rename {PROFILE} A B", f"copy {PROFILE} A B"):
        typist.type(line)
        assert typist.screen.count("Aborted: permission denied") == 1, line
        typist.screen = ""
    assert candidate(typist) is before


@given(tree=trees())
@settings(max_examples=20, deadline=None)
@example(tree=Tree(ROOT))
def test_cut_texts_never_break_the_reader(tree: Tree) -> None:
    for form in FORMS.values():
        text = "\n".join(form(tree))
        for end in range(0, len(text), max(len(text) // 20, 1)):
            read(text[:end], ROOT, lambda _: None)
