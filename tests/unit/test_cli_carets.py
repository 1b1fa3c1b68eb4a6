"""The caret stands under the offending word, in both modes and in every way that lines come in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from clibox import START, FakeBox, Typist

from sbcsim.cli.lexer import split_commands
from sbcsim.device.users import Account

ZONE = "addressContext default zone ZONE1"
CERTIFICATE = "system security pki certificate"
UNKNOWN_ELEMENT = "syntax error: unknown element"
UNKNOWN_ARGUMENT = "syntax error: unknown argument"
NOT_THERE = "syntax error: element does not exist"
INCOMPLETE = "syntax error: incomplete path"
UNTERMINATED = "syntax error: unterminated string"
AMBIGUOUS = "syntax error: ambiguous command"
EXPECTING = "syntax error: expecting"

BOTH = [
    ("^frobnicate now", EXPECTING),
    ('^"" now', EXPECTING),
    ("request ^nonsense", UNKNOWN_ELEMENT),
    (f"request {CERTIFICATE} ^GONE retrieveCertContent", NOT_THERE),
    (f"request {CERTIFICATE} NEW^", INCOMPLETE),
    (f"request {CERTIFICATE} NEW retrieveCertContent ^extra", UNKNOWN_ARGUMENT),
    (f"request {CERTIFICATE} NEW generateCSR csrSub /CN=x keySize ^3", '"3" is not a valid value.'),
    (f"request {CERTIFICATE} NEW generateCSR csrSub /CN=x keySize ^key", '"key" is ambiguous.'),
    ("show configuration ^nonsense", UNKNOWN_ELEMENT),
    (f"show configuration {CERTIFICATE} ^GONE", NOT_THERE),
    (f"show configuration {CERTIFICATE} ^GONE state", NOT_THERE),
    (f"show configuration {CERTIFICATE} NEW ^state", NOT_THERE),
    (f"show configuration {CERTIFICATE} NEW type ^extra", UNKNOWN_ARGUMENT),
    (f"show configuration {CERTIFICATE} NEW pass ^extra", UNKNOWN_ARGUMENT),
    ("show configuration profiles security tlsProfile defaultTlsProfile ^v1", AMBIGUOUS),
    (f"show status {ZONE} sipSigPortStatus ^9", UNKNOWN_ARGUMENT),
    ("show status ^nonsense", UNKNOWN_ELEMENT),
    (f"show table {ZONE} sipSigPortStatus ^9", UNKNOWN_ARGUMENT),
    ("show configuration | ^nonsense", UNKNOWN_ARGUMENT),
    ("show configuration |^", INCOMPLETE),
    ("show configuration | match^", INCOMPLETE),
    ("show configuration | display ^nonsense", UNKNOWN_ARGUMENT),
    ("show configuration | ^dis", AMBIGUOUS),
    ("show configuration | count ^extra", UNKNOWN_ARGUMENT),
    ("show configuration | match ^(", '"(" is not a valid value.'),
    ("show configuration | display-level ^0", '"0" is out of range.'),
    ("show configuration | select ^nonsense", UNKNOWN_ARGUMENT),
    ('show configuration ^"sys', UNTERMINATED),
    ('show configuration sys^"tem', UNTERMINATED),
    ("  show   configuration \t ^nonsense", UNKNOWN_ELEMENT),
    ("/* first */ show configuration ^nonsense", UNKNOWN_ELEMENT),
    ('help ^"', UNTERMINATED),
    ("help ^nonsense", UNKNOWN_ARGUMENT),
    ("source^", INCOMPLETE),
    ("up ^x", UNKNOWN_ARGUMENT),
]
OPERATIONAL = [
    ("^co", AMBIGUOUS),
    ("^term len 0", EXPECTING),
    ("^load merge x", EXPECTING),
    ("set ^cli screen-width 511", UNKNOWN_ARGUMENT),
    ("set^", INCOMPLETE),
    ("set screen^", INCOMPLETE),
    ("set paginate ^no", '"no" is not a valid value.'),
    ("set history ^-1", '"-1" is out of range.'),
    ("set paginate true ^extra", UNKNOWN_ARGUMENT),
    ("show^", INCOMPLETE),
    ("show ^nonsense", UNKNOWN_ARGUMENT),
    ("show configuration | ^compare", UNKNOWN_ARGUMENT),
    ("show history ^x", UNKNOWN_ARGUMENT),
    ("configure ^shared", UNKNOWN_ARGUMENT),
    ("set-path ^nonsense", UNKNOWN_ELEMENT),
    ("set-path addressContext^", INCOMPLETE),
    (f"set-path {CERTIFICATE} ^GONE", NOT_THERE),
    ("commit ^now", UNKNOWN_ARGUMENT),
    ("reset-password ^nobody", UNKNOWN_ARGUMENT),
]
CONFIGURE = [
    ("^re", AMBIGUOUS),
    ("^configure", EXPECTING),
    ("^lo merge x", EXPECTING),
    ("set^", INCOMPLETE),
    ("set ^nonsense 1", UNKNOWN_ELEMENT),
    ("set addressContext default zone^", INCOMPLETE),
    (f"set {ZONE} sipSigPort 1 portNumber ^70000", '"70000" is out of range.'),
    (f"set {ZONE} sipSigPort 1 portNumber 5060 ^frob 1", UNKNOWN_ELEMENT),
    (f"set {ZONE} sipSigPort ^0 portNumber 5060", '"0" is out of range.'),
    (f"set {CERTIFICATE} ^{'N' * 24}", f'"{"N" * 24}" has a bad length/size.'),
    (f"set {CERTIFICATE} ^disp", '"disp" is not a valid value.'),
    (f"set {CERTIFICATE} NEW type ^lo", '"lo" is ambiguous.'),
    (f"set {CERTIFICATE} NEW ^passFrase x", UNKNOWN_ELEMENT),
    (f"set {CERTIFICATE} NEW state^", INCOMPLETE),
    (f"set {ZONE} sipSigPort 1 transportProtocolsAllowed [ sip-udp^", INCOMPLETE),
    (f"set {ZONE} sipSigPort 1 transportProtocolsAllowed ^[ sip-udp x ]", '"sip-udp x" is not a valid value.'),
    (f"set {ZONE} sipTrunkGroup T ingressIpPrefix ^10.0.0.x 8", '"10.0.0.x" is not a valid value.'),
    (f"set {ZONE} sipTrunkGroup T ingressIpPrefix 10.0.0.0^", INCOMPLETE),
    (f"delete {CERTIFICATE} ^GONE", NOT_THERE),
    (f"delete {CERTIFICATE}^", INCOMPLETE),
    (f"delete {CERTIFICATE} NEW ^state", NOT_THERE),
    (f"edit {CERTIFICATE} NEW ^type", UNKNOWN_ARGUMENT),
    (f"edit {CERTIFICATE}^", INCOMPLETE),
    (f"rename {CERTIFICATE} ^GONE NEWER", NOT_THERE),
    (f"copy {CERTIFICATE} NEW^", INCOMPLETE),
    ("show ^nonsense", UNKNOWN_ELEMENT),
    (f"show {CERTIFICATE} ^GONE", NOT_THERE),
    ("commit ^now", UNKNOWN_ARGUMENT),
    ("commit ^co x", AMBIGUOUS),
    ("commit comment^", INCOMPLETE),
    ("commit confirmed ^0", '"0" is out of range.'),
    ("commit confirmed ^soon", '"soon" is not a valid value.'),
    ("rollback ^60", UNKNOWN_ARGUMENT),
    ("revert ^now", UNKNOWN_ARGUMENT),
    ("validate ^now", UNKNOWN_ARGUMENT),
    ("top ^frobnicate", EXPECTING),
    ("run ^frobnicate", EXPECTING),
    ("run set ^cli", UNKNOWN_ARGUMENT),
    ("load over^", INCOMPLETE),
    ("load ^into x", UNKNOWN_ARGUMENT),
    ("exit ^now", UNKNOWN_ARGUMENT),
]


@pytest.fixture(scope="module")
def box() -> FakeBox:
    box = FakeBox()
    typist = Typist(box.session())
    for line in (
        "configure",
        f"set {CERTIFICATE} NEW type local",
        f"set {ZONE} id 2",
        "set profiles security tlsProfile defaultTlsProfile",
        "commit",
        "exit",
    ):
        assert typist.type(line).ok, typist.screen
    return box


CASES = [
    *((mode, *case) for mode in ("operational", "configure") for case in BOTH),
    *(("operational", *case) for case in OPERATIONAL),
    *(("configure", *case) for case in CONFIGURE),
]


@contextmanager
def typing(box: FakeBox, mode: str, *, terminal: bool) -> Iterator[Typist]:
    author = box.login()
    typist = Typist(box.session(author=author) if terminal else box.session(None, author=author))
    try:
        if terminal:
            typist.type("set autowizard false")
        if mode == "configure":
            typist.type("configure")
        yield typist
    finally:
        typist.session.end(START)
        box.sessions.close(author.session)


def split(marked: str) -> tuple[str, int]:
    column = marked.index("^")
    return marked[:column] + marked[column + 1 :], column


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "piped"])
@pytest.mark.parametrize(("mode", "marked", "text"), CASES)
def test_typed(box: FakeBox, mode: str, marked: str, text: str, terminal: bool) -> None:
    line, column = split(marked)
    with typing(box, mode, terminal=terminal) as typist:
        reply = typist.type(line)
    prompt = len("admin@SBC1> ") if terminal else 0
    caret, explained, *_ = reply.text.splitlines()
    assert (caret, reply.ok) == ("-" * (prompt + column) + "^", False)
    assert explained.endswith(text), explained
    assert reply.text.splitlines()[-1] == "[error][2026-01-30 10:00:00]"


@pytest.mark.parametrize(("mode", "marked", "text"), CASES)
def test_in_an_exec_channel(box: FakeBox, mode: str, marked: str, text: str) -> None:
    line, column = split(marked)
    begin = len(line) - len(split_commands(line)[0])
    before = ["configure"] if mode == "configure" else []
    with typing(box, "operational", terminal=False) as typist:
        reply = typist.show(typist.session.run("; ".join([*before, line]), START))
        printed = typist.screen.splitlines()[2 * len(before) :]
    assert printed[0] == "-" * (column - begin) + "^"
    assert printed[1].endswith(text)
    assert (reply.ok, reply.exit_status) == (False, 1)


@pytest.mark.parametrize(("mode", "marked", "text"), CASES)
def test_in_a_file(box: FakeBox, mode: str, marked: str, text: str) -> None:
    line, column = split(marked)
    box.files.make_home(Account("admin"), START)
    box.files.write(f"{Account('admin').home}/lines", f"\n{line}\n".encode(), START)
    with typing(box, mode, terminal=True) as typist:
        reply = typist.type("source lines")
    caret, explained, *_ = reply.text.splitlines()
    assert caret == "-" * column + "^"
    assert explained.endswith(text), explained
    assert reply.text.splitlines()[-2:] == ["Error: lines:2", "[error][2026-01-30 10:00:00]"]
