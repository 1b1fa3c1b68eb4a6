"""TAB and `?`: keywords, elements, existing entries, values."""

from __future__ import annotations

import pytest
from clibox import START, FakeBox, Typist

from sbcsim.cli.choices import MOST_CHOICES
from sbcsim.cli.session import Session
from sbcsim.device.users import Account


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def session(box: FakeBox) -> Session:
    """Return a session in configure mode with a little configuration committed."""
    typist = Typist(box.session())
    typist.type("configure")
    for line in (
        "set addressContext default zone ZONE1 id 2",
        "set addressContext default zone ZONE2 id 3",
        "set addressContext default ipInterfaceGroup LIG1",
        "set addressContext other ipInterfaceGroup LIG2",
        "set profiles security tlsProfile T1 v1_3 enabled",
        "commit comment change label ROT",
    ):
        assert typist.type(line).ok, typist.screen
    return typist.session


def tab(session: Session, line: str) -> str:
    return session.complete(line, START, listing=False).line


def listed(session: Session, line: str) -> list[str]:
    return session.complete(line, START, listing=True).text.splitlines()[1:]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("va", "validate "),
        ("re", "re"),
        ("ro", "rollback "),
        ("set add", "set addressContext "),
        ("set addressContext d", "set addressContext default "),
        ("set addressContext default zone Z", "set addressContext default zone ZONE"),
        ("set addressContext default zone ZONE1", "set addressContext default zone ZONE1 "),
        ("set profiles security tlsProfile T1 v1", "set profiles security tlsProfile T1 v1_"),
        ("set profiles security tlsProfile T1 v1_2 e", "set profiles security tlsProfile T1 v1_2 enabled "),
        ("show | dis", "show | display"),
        ("show|disp", "show|display"),
        ("show|display s", "show|display set "),
        ("commit lab", "commit label "),
        ("run sh", "run show "),
        ("run show con", "run show configuration "),
        ("frobnicate no", "frobnicate no"),
        ('set "pro', 'set "pro'),
    ],
)
def test_tab(session: Session, line: str, wanted: str) -> None:
    assert tab(session, line) == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("set addressContext default zone ", ["  ZONE1  ZONE2"]),
        ("set profiles security tlsProfile T1 v1_2 ", ["  disabled  enabled"]),
        ("set addressContext default zone ZONE1 id ", ["  <number, 1..4096>"]),
        ("set addressContext default zone ZONE1 sipSigPort ", ["  <number, 1..4096>"]),
        ("set addressContext default zone ZONE1 sipSigPort 1 ipInterfaceGroupName ", ["  LIG1"]),
        ("set addressContext default zone ZONE1 sipSigPort 1 tlsProfileName ", ["  T1"]),
        ("delete addressContext default zone ZONE3 ", ["  domainName       - Domain of the zone"]),
        ("set system security pki certificate N passPhrase ", ["  <string>"]),
        ("rollback ", ["  0      2026-01-30 10:00:00 by admin via cli label ROT comment change"]),
        ("run show configuration addressContext ", ["  default  other"]),
        ("commit check | nom", ["  nomore - Show without paging"]),
    ],
)
def test_list(session: Session, line: str, wanted: list[str]) -> None:
    assert listed(session, line)[: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("show | match ", ["  <regular expression>"]),
        ("show | display-level ", ["  <number>"]),
        ("commit comment ", ["  <string>"]),
        ("commit label x confirmed ", ["  <number, 1..65535>"]),
        ("up ", ["  <number>"]),
        ("run show history ", ["  <number>"]),
        ("run set screen width ", ["  <number>"]),
        ("run set show defaults ", ["  false  true"]),
        ("source ", ["  <file name>"]),
    ],
)
def test_form_of_a_word_that_is_free_to_choose(session: Session, line: str, wanted: list[str]) -> None:
    assert listed(session, line)[-1:] == wanted
    assert session.complete(line, START, listing=False).line == line


def test_files_of_the_home(box: FakeBox, session: Session) -> None:
    box.files.make_home(Account("admin"), START)
    for name in ("renew.cli", "roll back.cli", "other"):
        box.files.write(f"{Account('admin').home}/{name}", b"", START)
    assert listed(session, "source ") == ['  other  renew.cli  "roll back.cli"']
    assert tab(session, "load merge ren") == "load merge renew.cli "
    assert tab(session, "load merge ter") == "load merge terminal "
    assert tab(session, "show | save ro") == 'show | save "roll back.cli" '
    assert listed(session, "show configuration | append o") == ["  other"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("show addressContext default zone ZONE1 sipSigPort | select port", ["portNumber"]),
        ("run show configuration addressContext default zone ZONE1 | nomore | sort-by prefixL", ["prefixLength"]),
        ("show table system serverStatus | de-select mgmt", ["mgmtRedundancyRole"]),
        ("top show profiles security | select sess", ["sessionResumpTimer"]),
        ("show nonsense | select a", []),
    ],
)
def test_elements_that_a_pipe_may_name(session: Session, line: str, wanted: list[str]) -> None:
    session.line("edit profiles", START)
    session.line("top", START)
    assert [choice.split()[0] for choice in listed(session, line)] == wanted
    assert tab(session, line) == (f"{line.rpartition(' ')[0]} {wanted[0]} " if wanted else line)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("set {} transportProtocolsAllowed sip-u", "set {} transportProtocolsAllowed sip-udp "),
        ("set {} transportProtocolsAllowed sip-udp,sip-s", "set {} transportProtocolsAllowed sip-udp,sip-sctp "),
        ("set {} transportProtocolsAllowed sip-udp,sip-u", "set {} transportProtocolsAllowed sip-udp,sip-u"),
        ("set {} transportProtocolsAllowed [ sip-udp sip-s", "set {} transportProtocolsAllowed [ sip-udp sip-sctp "),
        ("set {} transportProtocolsAllowed [ sip-udp ] sta", "set {} transportProtocolsAllowed [ sip-udp ] state "),
    ],
)
def test_several_values(session: Session, line: str, wanted: str) -> None:
    port = "addressContext default zone ZONE1 sipSigPort 1"
    assert tab(session, line.format(port)) == wanted.format(port)


@pytest.mark.parametrize("line", ["frobnicate ", "commit check foo ", "validate "])
def test_a_question_mark_is_answered_where_nothing_is_known(session: Session, line: str) -> None:
    assert session.complete(line, START, listing=True).text == "Possible completions:\n"
    assert session.complete(line, START, listing=False).text == ""


def test_elements_of_both_kinds_in_a_table(session: Session, box: FakeBox) -> None:
    lines = listed(session, "show table addressContext default zone ZONE1 sip")
    names = [line.split()[0] for line in lines]
    assert "sipSigPort" in names
    assert "sipSigPortStatus" in names
    box.tables["system", "syncStatus"] = [{"syncModule": "Policy Data", "status": "unprotected"}]
    assert listed(session, "show status system syncStatus ") == ['  "Policy Data"']
    assert tab(session, "show status system syncStatus P") == 'show status system syncStatus "Policy Data" '


def test_actions(session: Session) -> None:
    assert tab(session, "request addressContext default zone ZONE1 sipSigC") == (
        "request addressContext default zone ZONE1 sipSigConnResetAll "
    )
    assert [line.split()[0] for line in listed(session, "request alarms clear current ")] == [
        "alarmId",
        "deleteMatchingAlarms",
    ]


def test_relative_to_the_level(session: Session) -> None:
    session.line("edit addressContext default", START)
    assert tab(session, "set zone ZONE1 dom") == "set zone ZONE1 domainName "
    assert tab(session, "top set sys") == "top set system "
    assert tab(session, "run show configuration sys") == "run show configuration system "


def test_many_choices_are_cut(box: FakeBox, session: Session) -> None:
    for number in range(MOST_CHOICES + 5):
        session.line(f"set addressContext C{number}", START)
    lines = listed(session, "set addressContext ")
    assert len(lines[0].split()) == MOST_CHOICES
    assert lines[1] == "  ..."


def test_tab_writes_out_what_many_choices_have_in_common(session: Session) -> None:
    for number in range(2 * MOST_CHOICES):
        session.line(f"set addressContext context{1000 + number}", START)
        session.line(f'set addressContext "two words {number}"', START)
    assert tab(session, "set addressContext c") == "set addressContext context1"
    assert tab(session, "set addressContext t") == "set addressContext t"
    assert tab(session, "set addressContext context119") == "set addressContext context119"
    assert tab(session, "set addressContext context1199") == "set addressContext context1199 "


def test_keys_of_several_parts_come_one_after_the_other(session: Session) -> None:
    group = "set addressContext default zone ZONE1 sipTrunkGroup T"
    for prefix in ("10.0.0.0 8", "10.0.0.0 16", "192.0.2.0 24"):
        session.line(f"{group} ingressIpPrefix {prefix}", START)
    assert listed(session, f"{group} ingressIpPrefix ") == ["  10.0.0.0  192.0.2.0"]
    assert listed(session, f"{group} ingressIpPrefix 10.0.0.0 ") == ["  8  16"]
    assert tab(session, f"{group} ingressIpPrefix 10.0.0.0 1") == f"{group} ingressIpPrefix 10.0.0.0 16 "


def test_nothing_while_a_question_is_open(session: Session) -> None:
    session.line("set addressContext new", START)
    session.line("exit", START)
    assert session.complete("y", START, listing=True).text == ""


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("va", "validate "),
        ("re", "re "),
        ("set", "set "),
        ("set add", "set addressContext "),
        ("set addressContext def", "set addressContext def "),
        ("set addressContext default zone ZON", "set addressContext default zone ZON "),
        ("set profiles security tlsProfile T1 v1_2 e", "set profiles security tlsProfile T1 v1_2 e "),
        ("set profiles security tlsProfile T1 serv", "set profiles security tlsProfile T1 serverCertName "),
        ("show | disp", "show | disp "),
        ("show | cou", "show | count "),
        ("frobnicate", "frobnicate "),
        ("", " "),
    ],
)
def test_space(session: Session, line: str, wanted: str) -> None:
    completion = session.space(line, START)
    assert (completion.line, completion.text) == (wanted, "")


def test_two_spaces_list_the_choices(session: Session) -> None:
    completion = session.space("set addressContext default zone ", START)
    assert completion.line == "set addressContext default zone "
    assert completion.text == "Possible completions:\n  ZONE1  ZONE2\n"


def test_space_in_an_answer_is_a_space(session: Session) -> None:
    session.line("set system admin SBC1 location", START)
    assert session.space("con", START).line == "con "


def test_space_can_be_turned_off(session: Session) -> None:
    assert session.habits.completes_on_space
    session.line("run set complete-on-space false", START)
    assert not session.habits.completes_on_space


def test_compare_is_offered_only_where_there_is_a_candidate(box: FakeBox, session: Session) -> None:
    pipe = "  compare       - Compare the candidate with the running configuration"
    assert pipe in listed(session, "show | ")
    assert pipe not in listed(box.session(), "show configuration | ")
    assert tab(box.session(), "show configuration | co") == "show configuration | count "
