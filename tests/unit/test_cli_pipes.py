"""Pipes that choose, put into another form, or write to a file, and their combinations."""

from __future__ import annotations

import json

import pytest
from clibox import FakeBox, Typist

from sbcsim.cli.session import Terminal
from sbcsim.device import files
from sbcsim.device.users import Account

ZONE = "addressContext default zone ZONE1"
PORTS = f"show configuration {ZONE} sipSigPort"
LINES = (
    f"set {ZONE} id 2",
    f"set {ZONE} sipSigPort 1 portNumber 5060 tlsProfileName B transportProtocolsAllowed sip-udp,sip-tls-tcp",
    f"set {ZONE} sipSigPort 2 portNumber 5080 tlsProfileName C",
    f"set {ZONE} sipSigPort 10 portNumber 5070 tlsProfileName A",
)


@pytest.fixture
def box() -> FakeBox:
    box = FakeBox()
    candidate = box.database.open(box.login())
    typist = Typist(box.session())
    typist.type("configure")
    for line in LINES:
        assert typist.type(line).ok, typist.screen
    box.database.close(candidate)
    box.database._state = box.database._rules.state(typist.session._shell.draft.tree)
    return box


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    return Typist(box.session())


def heads(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("sipSigPort")]


def test_sorted_and_selected(typist: Typist) -> None:
    assert heads(typist.answer(f"{PORTS} | sort-by tlsProfileName")) == [
        "sipSigPort 10 {",
        "sipSigPort 1 {",
        "sipSigPort 2 {",
    ]
    assert typist.answer(f"{PORTS} 1 | select portNumber") == "portNumber 5060;\n"
    assert typist.answer(f"{PORTS} | select portN | display set | count") == "Count: 3 lines\n"
    assert "tlsProfileName" not in typist.answer(f"{PORTS} | de-select tlsProfileName")


def test_several_selections_add_up_whichever_pipe_comes_first(typist: Typist) -> None:
    both = "select portNumber | select tlsProfileName"
    assert typist.answer(f"{PORTS} 1 | {both}") == "portNumber     5060;\ntlsProfileName B;\n"
    assert typist.answer(f"{PORTS} | {both} | de-select portNumber | csv") == "index,tlsProfileName\n1,B\n2,C\n10,A\n"
    assert typist.answer(f"{PORTS} | select portNumber | sort-by tlsProfileName | csv") == (
        "index,portNumber\n10,5070\n1,5060\n2,5080\n"
    )
    assert heads(typist.answer(f"{PORTS} | select portNumber | sort-by transportProtocolsAllowed")) == [
        "sipSigPort 1 {",
        "sipSigPort 2 {",
        "sipSigPort 10 {",
    ]


def test_tables_of_configuration(typist: Typist) -> None:
    table = typist.answer(f"{PORTS} | tab | select portNumber | sort-by portNumber").splitlines()
    assert table == [
        "       PORT    ",
        "INDEX  NUMBER  ",
        "-" * 15,
        "1      5060    ",
        "10     5070    ",
        "2      5080    ",
        "",
    ]
    assert typist.answer(f"{PORTS} | select portNumber | csv") == "index,portNumber\n1,5060\n2,5080\n10,5070\n"
    assert typist.answer(f"{PORTS} | tab") == typist.answer(f"show table {ZONE} sipSigPort")
    assert typist.answer(f"show table {ZONE} sipSigPort | select portNumber | match 5070") == "10     5070    \n"
    assert typist.answer(f"show configuration {ZONE} id | tab") == "id 2;\n"


def test_tables_of_status(box: FakeBox, typist: Typist) -> None:
    box.tables["system", "syncStatus"] = [
        {"syncModule": "Policy Data", "status": "syncCompleted"},
        {"syncModule": "Call Data", "status": "unprotected"},
    ]
    assert typist.answer("show status system syncStatus | csv | sort-by syncModule") == (
        "syncModule,status\nCall Data,unprotected\nPolicy Data,syncCompleted\n"
    )
    assert typist.answer("show status system syncStatus | tab") == typist.answer("show table system syncStatus")
    shown = json.loads(typist.answer("show status system syncStatus | display json"))
    assert shown["data"]["sonusSystem:system"]["syncStatus"][1] == {"syncModule": "Call Data", "status": "unprotected"}
    assert "<syncModule>Call Data</syncModule>" in typist.answer("show table system syncStatus | display xml")
    assert typist.answer("show status system | display keypath | match Call") == (
        '/system/syncStatus{"Call Data"}/status unprotected\n'
    )
    assert typist.answer("show status alarms | display xml") == "No entries found.\n"


def test_levels(typist: Typist) -> None:
    shown = "id 2;\nsipSigPort 1 { ... }\nsipSigPort 2 { ... }\nsipSigPort 10 { ... }\n"
    assert typist.answer(f"show configuration {ZONE} | display-level 1") == shown
    assert typist.answer(f"show configuration {ZONE} displaylevel 1") == shown
    assert typist.answer(f"show configuration {ZONE} disp 1 | count") == "Count: 4 lines\n"
    typist.type("set display-level 1")
    assert typist.answer(f"show configuration {ZONE}") == shown
    assert "incomplete path" in typist.answer(f"show configuration {ZONE} displaylevel")
    assert "unknown argument" in typist.answer(f"show configuration {ZONE} displaylevel 1 2")
    assert '"x" is not a valid value' in typist.answer(f"show configuration {ZONE} displaylevel x")
    assert '"0" is out of range' in typist.answer(f"show configuration {ZONE} | display-level 0")


@pytest.mark.parametrize("pipe", ["select nonsense", "sort-by nonsense", "de-select nonsense", "tab | select nonsense"])
def test_what_is_chosen_must_be_there(typist: Typist, pipe: str) -> None:
    line = f"{PORTS} | {pipe}"
    caret, text, *_ = typist.answer(line).splitlines()
    assert caret == "-" * (len("admin@SBC1> ") + line.index("nonsense")) + "^"
    assert text == "syntax error: unknown argument"


def test_choice_may_be_ambiguous(typist: Typist) -> None:
    assert "Possible alternatives starting with tls" not in typist.answer(f"{PORTS} | select tls")
    assert "Possible alternatives starting with ip:" in typist.answer(f"{PORTS} | select ip")


PEERS = f"show configuration {ZONE} ipPeer"


@pytest.fixture
def crowded(box: FakeBox) -> Typist:
    typist = Typist(box.session())
    typist.type("configure")
    for number in range(200):
        assert typist.type(f"set {ZONE} ipPeer P{number} ipPort {9000 - number}").ok, typist.screen
    box.database._state = box.database._rules.state(typist.session._shell.draft.tree)
    typist.type("exit no-confirm")
    return typist


@pytest.mark.parametrize(
    ("line", "first", "count"),
    [
        (f"{PEERS} | display set | select ipPort", f"set {ZONE} ipPeer P0 ipPort 9000", 200),
        (f"{PEERS} | sort-by ipPort | match {{", "ipPeer P199 {", 200),
        (f"{PEERS} | csv | select ipPort", "name,ipPort", 201),
        (f"show table {ZONE} ipPeer | select ipPort | match P", "      IP    ", 202),
    ],
)
def test_a_great_configuration_is_put_into_another_form_where_nobody_waits(
    crowded: Typist, line: str, first: str, count: int
) -> None:
    reply = crowded.session.line(line, crowded.now)
    assert (reply.work is not None, reply.text) == (True, "")
    crowded.screen = ""
    crowded.show(reply)
    *lines, status = crowded.screen.removesuffix(crowded.prompt).splitlines()
    assert (lines[0], len(lines), status[:4]) == (first, count, "[ok]")


def test_a_choice_is_found_to_be_ambiguous_there_too(crowded: Typist) -> None:
    line = f"{PEERS} | select ip"
    caret, *others = crowded.answer(line).splitlines()
    assert caret == "-" * (len("admin@SBC1> ") + line.index("ip", len(PEERS))) + "^"
    assert "Possible alternatives starting with ip:" in others


def test_one_file_for_each_line(box: FakeBox, typist: Typist) -> None:
    line = f"{PORTS} | save one | append two"
    caret, text, *_ = typist.answer(line).splitlines()
    assert (len(caret), text) == (len("admin@SBC1> ") + line.index("append") + 1, "syntax error: unknown argument")
    assert not box.files.exists("/home/Administrator/admin/one")


@pytest.mark.parametrize("show", ["show", "show configuration", "top show", "run show configuration"])
def test_compare_holds_the_candidate_against_the_running_configuration(typist: Typist, show: str) -> None:
    typist.type("configure")
    typist.type(f"delete {ZONE} sipSigPort 2")
    compared = typist.answer(f'{show} {ZONE} | compare | match "^[+-]"')
    assert compared.splitlines()[0] == "-sipSigPort 2 {", compared
    assert typist.answer(f"{show} {ZONE} sipSigPort 2 | compare").startswith("-portNumber"), typist.screen


@pytest.mark.parametrize("line", ["show status", "show table system admin", "commit", "run show cli", "show cli"])
def test_nothing_else_can_be_compared(typist: Typist, line: str) -> None:
    if not line.startswith("show cli"):
        typist.type("configure")
    caret, text, *_ = typist.answer(f"{line} | compare").splitlines()
    assert (len(caret), text) == (len("admin@SBC1> ") + len(line) + 4, "syntax error: unknown argument")


def test_output_into_files(box: FakeBox, typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typist.answer(f"{PORTS} | display set | match 5060 | save ports.cli") == ""
    assert typist.answer(f"{PORTS} | select portNumber | csv | append ports.cli") == ""
    assert box.files.read("/home/Administrator/admin/ports.cli").decode() == (
        f"set {ZONE} sipSigPort 1 portNumber 5060\nindex,portNumber\n1,5060\n2,5080\n10,5070\n"
    )
    assert typist.answer("show cli | save /opt/cli") == "Aborted: permission denied\n"
    assert "Error: failed to write file" in typist.answer("show cli | save no/such/place")
    assert "Error: failed to write file" in typist.answer('show cli | save ""')
    assert typist.answer("show cli | count | save ports.cli") == ""
    monkeypatch.setattr(files, "FILE_LIMIT", 20)
    assert "Error: failed to write file" in typist.answer("show cli | save ports.cli")
    monkeypatch.undo()
    assert box.files.read("/home/Administrator/admin/ports.cli") == b"Count: 15 lines\n"
    box.users.add("viewer", "viewer", group="Guest")
    author = box.sessions.open("viewer", typist.now, context="cli", remote="192.0.2.9").author
    viewer = Typist(box.session(author=author))
    assert viewer.answer("show cli | save cli") == ""
    assert box.files.exists(f"{Account('viewer', 'Guest').home}/cli")
    assert viewer.answer("show cli | save /home/Administrator/admin/cli") == "Aborted: permission denied\n"


def test_best_effort_changes_nothing(typist: Typist) -> None:
    assert typist.answer(f"{PORTS} | best-effort") == typist.answer(PORTS)


def test_more_pages_in_any_case(box: FakeBox) -> None:
    typist = Typist(box.session(Terminal(80, 4, keys=True)))
    typist.type("set paginate false")
    assert typist.type(f"{PORTS} | nomore").prompt.endswith("> ")
    reply = typist.type(f"{PORTS} | more")
    assert reply.prompt == "--More--"
    assert reply.keys
    assert typist.session.key("q", typist.now).prompt.endswith("> ")
