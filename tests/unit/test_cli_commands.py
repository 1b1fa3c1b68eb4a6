"""Commands: what they print and what they change."""

from __future__ import annotations

import pytest
from clibox import START, FakeBox, Typist

from sbcsim.cli.modes import Mode
from sbcsim.cli.parser import Start, parse
from sbcsim.cli.pipes import pipeline
from sbcsim.cli.shell import Output, Steps

ZONE = "set addressContext default zone ZONE1 id 2"
PORT = "set addressContext default zone ZONE1 sipSigPort"


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    """Return a typist in configure mode."""
    typist = Typist(box.session())
    typist.type("configure")
    return typist


def commit(typist: Typist, *lines: str) -> None:
    for line in (*lines, "commit"):
        assert typist.type(line).ok, typist.screen


def test_several_leaves_then_a_child(typist: Typist) -> None:
    typist.type(f"{ZONE} sipSigPort 1 ipInterfaceGroupName LIG1 transportProtocolsAllowed sip-udp,sip-tls-tcp")
    assert typist.answer("show addressContext default zone ZONE1 | display set") == (
        "set addressContext default zone ZONE1 id 2\n"
        "set addressContext default zone ZONE1 sipSigPort 1 ipInterfaceGroupName LIG1\n"
        "set addressContext default zone ZONE1 sipSigPort 1 transportProtocolsAllowed sip-udp,sip-tls-tcp\n"
    )


def test_nothing_is_set_when_a_later_word_is_wrong(typist: Typist) -> None:
    assert not typist.type(f"{ZONE} sipSigPort 1 portNumber 5060 frob 1").ok
    assert typist.answer("show") == "No entries found.\n"


def test_leaf_lists_append_and_replace(typist: Typist) -> None:
    codes = "profiles services pathCheckProfile P failureResponseCodes"
    for line, wanted in (
        (f"set {codes} 503", "[ 503 ]"),
        (f"set {codes} 404", "[ 503 404 ]"),
        (f"delete {codes} 503", "[ 404 ]"),
        (f"set {codes} [ all4xx 501 ]", "[ all4xx 501 ]"),
    ):
        assert typist.type(line).ok, typist.screen
        assert typist.answer(f"show {codes}") == f"failureResponseCodes {wanted};\n"
    refused = typist.answer(f"delete {codes} 404")
    assert refused.endswith("syntax error: element does not exist\n")
    assert typist.type(f"delete {codes}").ok


def test_a_leaf_list_without_values_is_none(typist: Typist) -> None:
    profile = "profiles services pathCheckProfile P"
    typist.type(f"set {profile} replyTimeoutCount 3 failureResponseCodes [ 503 all4xx ]")
    for line in (f"set {profile} failureResponseCodes [ ]", f"set {profile} failureResponseCodes []"):
        assert typist.type(line).ok
        assert typist.answer(f"show {profile}") == "replyTimeoutCount 3;\n"


def test_up_further_than_the_top(typist: Typist) -> None:
    typist.type("edit profiles security tlsProfile T")
    assert typist.type("up 100").ok
    assert typist.prompt == "\n[edit]\nadmin@SBC1% "
    assert "unknown argument" in typist.answer("up ten")
    assert typist.type("run show configuration").ok


@pytest.mark.parametrize(("word", "wanted"), [("conf", "configuration"), ("st", "status"), ("tab", "table")])
def test_what_show_shows_may_be_abbreviated_where_an_element_could_stand(
    box: FakeBox, typist: Typist, word: str, wanted: str
) -> None:
    path = ("addressContext", "default", "zone", "ZONE1", "peerPathchkStatus")
    commit(typist, ZONE)
    box.tables[path] = [{"peerName": "P", "pingState": "up", "localAdminState": "up", "remoteAdminState": "up"}]
    below = " ".join(path[:4] if wanted == "configuration" else path)
    assert typist.answer(f"show {word} {below} | nomore") == typist.answer(f"show {wanted} {below}")
    assert typist.type(f"show {word} {below}").ok, typist.screen


def test_an_element_wins_over_what_else_show_could_mean(typist: Typist) -> None:
    commit(typist, "set system admin SBC1 location here")
    typist.type("set system admin SBC1 location there")
    assert typist.answer("show s admin SBC1 location") == "location there;\n"
    typist.type("edit profiles")
    assert "  security - Security profiles\n  services - Service profiles\n" in typist.answer("show s")
    assert "unknown element" in typist.answer("show frob")


@pytest.mark.parametrize("line", ["show {} | details", "top show {} | details", "run show configuration {} | details"])
def test_a_leaf_at_its_default_is_there_with_details(typist: Typist, line: str) -> None:
    commit(typist, "set profiles security tlsProfile T")
    leaf = "profiles security tlsProfile T handshakeTimer"
    assert typist.answer(line.format(leaf)) == "handshakeTimer 5; # default\n"
    assert "element does not exist" in typist.answer(line.format(leaf).removesuffix(" | details"))
    typist.type("run set show defaults true")
    assert typist.answer(line.format(leaf).removesuffix(" | details")) == "handshakeTimer 5; # default\n"


def test_abbreviations(typist: Typist) -> None:
    assert typist.type("set sys sec pki cert NEW ty local sta en").ok
    assert typist.answer("sho sys sec pki cert NEW") == "state enabled;\ntype  local;\n"
    answer = typist.answer("set addressContext default zone Z sipSigPort 1 tcp 3")
    assert "Possible alternatives starting with tcp:\n  tcpConnectTimeout    - " in answer


def test_delete_needs_the_key(typist: Typist) -> None:
    typist.type(ZONE)
    assert typist.answer("delete addressContext default zone").endswith("^\nsyntax error: incomplete path\n")
    assert typist.answer("delete addressContext default zone ZONE1 domainName").endswith("element does not exist\n")
    assert typist.type("delete addressContext default zone ZONE1").ok


def test_edit_creates_and_moves(typist: Typist) -> None:
    assert typist.type("edit addressContext default zone ZONE1").prompt == (
        "\n[edit addressContext default zone ZONE1]\nadmin@SBC1% "
    )
    typist.type("set id 7")
    assert typist.answer("show") == "id 7;\n"
    assert typist.answer("show | compare") == "+id 7;\n"
    typist.type("edit sipSigPort 3")
    assert typist.type("up 2").prompt == "\n[edit addressContext default]\nadmin@SBC1% "
    assert typist.answer("top show addressContext default zone ZONE1 id") == "id 7;\n"
    assert typist.type("exit").prompt == "\n[edit]\nadmin@SBC1% "
    assert typist.type("edit addressContext default zone").ok is False
    assert typist.type("edit addressContext default zone ZONE1 id").ok is False
    assert typist.type("top edit system").prompt == "\n[edit system]\nadmin@SBC1% "
    assert typist.type("top").prompt == "\n[edit]\nadmin@SBC1% "
    assert typist.type("up").prompt == "\n[edit]\nadmin@SBC1% "
    assert "unknown argument" in typist.answer("up x")


def test_commit_answers(typist: Typist, box: FakeBox) -> None:
    assert typist.answer("commit") == "No modifications to commit.\n"
    typist.type(ZONE)
    assert typist.answer("commit check") == "Validation complete\n"
    assert typist.answer("commit | details") == "Validating\nPreparing\nApplying\nCommit complete.\n"
    typist.type("set addressContext default zone ZONE1 domainName a.example")
    reply = typist.type('commit comment "new name" label ROT and-quit')
    assert (reply.prompt, typist.session.mode) == ("admin@SBC1> ", Mode.OPERATIONAL)
    assert (box.database.history[0].comment, box.database.history[0].label) == ("new name", "ROT")
    assert typist.answer("commit abort") == "Aborted: no confirmed commit in progress\n"


def test_rollback(typist: Typist) -> None:
    commit(typist, ZONE)
    commit(typist, "set addressContext default zone ZONE1 id 3")
    assert typist.type("rollback").ok
    assert typist.answer("show | compare | match id") == "-        id 3;\n+        id 2;\n"
    typist.type("revert no-confirm")
    assert typist.type("rollback 1").ok
    assert typist.answer("show") == "No entries found.\n"
    assert typist.answer("rollback 9") == "Aborted: rollback 9 does not exist\n"
    assert "unknown argument" in typist.answer("rollback x")


def test_set_path(typist: Typist) -> None:
    commit(typist, ZONE)
    typist.type("exit")
    assert typist.type("set-path addressContext default zone ZONE1").ok
    assert typist.answer("show configuration id") == "id 2;\n"
    typist.type("up")
    assert typist.answer("show configuration zone ZONE1") == "id 2;\n"
    typist.type("top")
    assert "addressContext default {" in typist.answer("show configuration")
    assert not typist.type("set-path addressContext other").ok


@pytest.mark.parametrize(
    "line",
    [
        "set autowizard false", "set complete-on-space false", "set ignore-leading-space true", "set paginate false",
        "set timestamp true", "set idle-timeout 0", "set screen length 0", "set screen width 512", "set history 5",
        "set display-level 2", "set show defaults true", "set screen-length 10", "set screen-width 80",
        "set show-defaults false",
    ],
)  # fmt: skip
def test_properties_answer_ok_only(box: FakeBox, line: str) -> None:
    typist = Typist(box.session())
    assert typist.answer(line) == ""
    assert typist.type(line).ok


def test_properties_check_their_values(box: FakeBox) -> None:
    typist = Typist(box.session())
    assert typist.answer("set paginate off").endswith('"off" is not a valid value.\n')
    assert typist.answer("set idle-timeout soon").endswith('"soon" is not a valid value.\n')
    typist.type("set idle-timeout 60")
    assert "idle-timeout         60\n" in typist.answer("show cli")
    typist.type("set history 2")
    assert typist.answer("show history").count("\n") == 2
    assert typist.answer("show history 1").count("\n") == 1


def test_show_defaults(typist: Typist) -> None:
    typist.type("set profiles services pathCheckProfile P sendInterval 20")
    assert "recoveryCount" not in typist.answer("show profiles services pathCheckProfile P")
    wanted = typist.answer("show profiles services pathCheckProfile P | details")
    assert "recoveryCount       6; # default\n" in wanted.replace("  ", " ").replace("  ", " ") or "# default" in wanted
    typist.type("run set show defaults true")
    assert typist.answer("show profiles services pathCheckProfile P") == wanted


def test_request(typist: Typist, box: FakeBox) -> None:
    commit(typist, "set system security pki certificate X type local", ZONE)
    box.answers["retrieveCertContent"] = [("result", "-----BEGIN\nABC\n-----END\n"), ("status", 0)]
    assert typist.answer("request system security pki certificate X retrieveCertContent") == (
        "result\n-----BEGIN\nABC\n-----END\nstatus 0\n"
    )
    assert "does not exist" in typist.answer("request system security pki certificate Y retrieveCertContent")
    assert "incomplete path" in typist.answer("request system security pki certificate X")
    typist.type("request alarms clear current alarmId 3")
    path, action, inputs = box.requests[-1]
    assert (path, action, inputs["alarmId"]) == (("alarms", "clear"), "current", 3)
    box.answers["sipSigConnResetAll"] = [("reason", "")]
    assert typist.answer("request addressContext default zone ZONE1 sipSigConnResetAll") == 'reason ""\n'


def test_show_status(box: FakeBox) -> None:
    box.tables["system", "syncStatus"] = [
        {"syncModule": "Policy Data", "status": "syncCompleted"},
        {"syncModule": "Call Data", "status": "unprotected"},
    ]
    typist = Typist(box.session())
    assert typist.answer("show status system") == (
        'syncStatus "Policy Data" {\n    status syncCompleted;\n}\n'
        'syncStatus "Call Data" {\n    status unprotected;\n}\n'
    )
    assert typist.answer('show status system syncStatus "Call Data" status') == "status unprotected;\n"
    assert typist.answer('show table system syncStatus "Call Data"').splitlines()[3:] == [
        "Call Data  unprotected  ",
        "",
    ]
    assert typist.answer("show table alarms currentStatus") == "No entries found.\n"
    assert "unknown element" in typist.answer("show status nonsense")


def test_table_of_configuration(typist: Typist) -> None:
    group = "set addressContext default ipInterfaceGroup LIG1"
    ports = [f"{PORT} {index} ipInterfaceGroupName LIG1 portNumber {5060 + 10 * index}" for index in (1, 10, 2)]
    commit(typist, ZONE, group, *ports)
    table = typist.answer("show table addressContext default zone ZONE1 sipSigPort").splitlines()
    rule = next(number for number, line in enumerate(table) if line.startswith("---"))
    assert [row.split()[0] for row in table[rule + 1 : -1]] == ["1", "2", "10"]
    assert {len(line) for line in table[:-1]} == {len(table[rule])}


def test_help(box: FakeBox) -> None:
    typist = Typist(box.session())
    assert typist.answer("help set-path") == (
        "Help for command: set-path\nSet the path that show commands start from\n"
    )
    assert typist.answer("help").count("Help for command: ") > 10
    assert "ambiguous" in typist.answer("help s")
    assert "unknown argument" in typist.answer("help frob")


def test_change_password(box: FakeBox) -> None:
    typist = Typist(box.session())
    for old, new, again, answer in (
        ("wrong", "Abc-12345", "Abc-12345", "Aborted: wrong password"),
        ("admin", "Abc-12345", "Abc-12346", "Aborted: passwords do not match"),
        ("admin", "short", "short", "Aborted: password does not meet the password rules"),
        ("admin", "Abbbb-12345", "Abbbb-12345", "Aborted: password does not meet the password rules"),
        ("admin", "Abc-12345", "Abc-12345", "[ok]"),
    ):
        assert typist.type("change-password").prompt == "Enter old password: "
        assert typist.type(old, echo=False).prompt == "Enter new password: "
        assert typist.type(new, echo=False).hidden
        assert typist.type(again, echo=False).text.startswith(answer)
    assert box.users.check("admin", "Abc-12345")
    assert box.session(None).line("change-password", START).text.startswith("Aborted: a password can only")


@pytest.mark.parametrize(
    ("pipes", "wanted"),
    [
        ("match ^b|include [n]", "banana\n"),
        ("match ^[[:lower:]]*n | except [[:digit:][:upper:][:space:]]", "banana\n"),
        ("except [^[:alpha:]]", "apple\nbanana\ncherry\n"),
        ("exclude a", "cherry\n"),
        ('except "an|rr"', "apple\n"),
        ("find ^b", "banana\ncherry\n"),
        ("begin cherry | linnum", "1: cherry\n"),
        ("until banana", "apple\nbanana\n"),
        ("until nothing | count", "Count: 3 lines\n"),
        ("match nothing", ""),
        ("match nothing | count", "Count: 0 lines\n"),
        ("nomore | more", "apple\nbanana\ncherry\n"),
    ],
)
def test_pipes(pipes: str, wanted: str) -> None:
    call = parse(f"show cli | {pipes}", Start.OPER)
    shell = FakeBox().session()._shell
    with pytest.raises(StopIteration) as end:
        next(pipeline(call, Start.OPER).batches(_printing("apple", "banana", "cherry"), shell))
    assert "".join(f"{line}\n" for batch in end.value.value for line in batch) == wanted


def _printing(*lines: str) -> Steps:
    yield from ()
    return Output(lines)


@pytest.mark.parametrize("pipe", ["nomore", "more", "display set | nomore"])
def test_nothing_is_said_so_without_paging_too(typist: Typist, pipe: str) -> None:
    assert typist.answer(f"show profiles security ocspProfile | {pipe}") == "No entries found.\n"


def test_bad_pattern_runs_nothing(typist: Typist, box: FakeBox) -> None:
    typist.type(ZONE)
    assert typist.answer("commit | match (").endswith('syntax error: "(" is not a valid value.\n')
    assert box.database.revision == 0


def test_compare_is_for_configure_mode(box: FakeBox) -> None:
    typist = Typist(box.session())
    assert "unknown argument" in typist.answer("show configuration | compare")


def test_display_set_loads_again(typist: Typist) -> None:
    commit(typist, ZONE, 'set system security pki certificate X fileName "a b.p12" passPhrase pp type local')
    dump = typist.answer("show | display set").splitlines()
    other = Typist(FakeBox().session())
    other.type("configure")
    commit(other, *dump)
    assert other.answer("show | display set").splitlines() == dump


@pytest.mark.parametrize(
    ("group", "line", "allowed"),
    [
        ("Operator", "set addressContext new", False),
        ("Operator", "commit", False),
        ("Operator", "delete addressContext new", False),
        ("Operator", "request alarms clear history", True),
        ("Guest", "request alarms clear history", False),
        ("Guest", "show", True),
        ("Guest", "run show users", True),
        ("Administrator", "set addressContext new", True),
    ],
)
def test_groups(box: FakeBox, group: str, line: str, allowed: bool) -> None:
    box.users.add("admin", "admin", group=group)
    typist = Typist(box.session())
    typist.type("configure")
    assert (typist.answer(line) == "Aborted: permission denied\n") is not allowed


def test_idle_timeout_is_the_wish_of_the_session(typist: Typist) -> None:
    assert typist.session.idle_seconds == 0
    for given, wanted in (("60", 60), ("0", 0)):
        assert typist.type(f"run set idle-timeout {given}").ok
        assert typist.session.idle_seconds == wanted
        assert f"idle-timeout         {given}\n" in typist.answer("run show cli")


def test_autowizard_off_asks_for_no_values(typist: Typist) -> None:
    typist.type("run set autowizard false")
    assert "incomplete path" in typist.answer("set system security pki certificate NEW state")


def test_table_with_a_list_inside(typist: Typist) -> None:
    group = "set addressContext default ipInterfaceGroup"
    commit(
        typist,
        f"{group} LIG1 ipInterface LIF1 portName pkt0",
        f"{group} LIG1 ipInterface LIF2 portName pkt1",
        f"{group} LIG2",
    )
    table = typist.answer("show table addressContext default ipInterfaceGroup").splitlines()
    rule = next(number for number, line in enumerate(table) if line.startswith("---"))
    assert [line.split()[:3] for line in table[rule + 1 : -1]] == [
        ["LIG1", "disabled", "LIF1"],
        ["LIF2", "-", "pkt1"],
        ["LIG2", "disabled", "-"],
    ]
    assert {len(line) for line in table[:-1]} == {len(table[rule])}
    assert typist.answer("show table profiles") == "No entries found.\n"


def test_running_configuration_in_configure_mode(typist: Typist) -> None:
    typist.type("set profiles security tlsProfile T1 v1_3 enabled")
    form = "show {}profiles security tlsProfile | display set | match v1"
    assert "T1" not in typist.type(form.format("configuration ")).text
    assert "T1" in typist.type(form.format("")).text
