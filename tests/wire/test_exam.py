"""The exam for rotation tools, with a tool that is known to be naive and with tools that are known to be careful."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest
from peers import require_program
from samejournal import difference
from typer.testing import CliRunner

from sbcsim.__main__ import app
from sbcsim.scenario import exam
from sbcsim.scenario.loader import find
from sbcsim.scenario.runner import Options, run_one

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "examples" / "tools"
SCENARIOS = find([ROOT / "scenarios" / "exam"])

NAIVE = {
    "a-commit-is-refused-once": "expected certificate OLD is absent; it is enabled",
    "a-word-in-between": "it prints the value of SBC_NEW_P12_PASSPHRASE",
    "another-profile": "it prints the value of SBC_NEW_P12_PASSPHRASE",
    "both-roles": "it has set profiles security tlsProfile TLS clientCertName OLD",
    "calls-are-standing": "missing 1 with certificate NEW, direction outbound, peer CALLER",
    "cut-on-its-way": "expected a new connection to ZONE1/1 is shown NEW; it is shown OLD",
    "expired-already": "claims success, and failure is true",
    "key-mismatch": "claims success, and failure is true",
    "lost-before-the-answer": "it prints the value of SBC_NEW_P12_PASSPHRASE",
    "nobody-is-connected": "expected certificate OLD is absent; it is enabled",
    "renewal": "expected PEER1 was down for at most 0s; it was down for ",
    "success-is-said": "claims success, and failure is true",
    "turned-away-once": "expected a new connection to ZONE1/1 is shown NEW; it is shown OLD",
    "wrong-pass-phrase": "claims success, and failure is true",
}
"""Why the naive tool fails each scenario: as people's tools do."""

CAREFUL = {
    "asyncssh": f"{shlex.quote(sys.executable)} {shlex.quote(str(TOOLS / 'rotate_asyncssh.py'))}",
    "sh": f"sh {shlex.quote(str(TOOLS / 'rotate.sh'))}",
}


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools trust the host keys of test boxes, and wait but a little before they try again."""
    monkeypatch.setenv("SBC_KNOWN_HOSTS", "none")
    monkeypatch.setenv("SBC_PAUSE", "0.1")


def test_every_scenario_of_the_exam_has_its_reason_to_fail() -> None:
    assert {file.name.partition(".")[0] for file in SCENARIOS} == NAIVE.keys()


@pytest.mark.interop
@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.name.partition(".")[0])
def test_the_naive_tool_fails_as_people_s_tools_do(file: Path) -> None:
    require_program("sshpass")
    mark = exam.mark(run_one(file, Options(tool=f"sh {TOOLS / 'naive.sh'}")))
    assert not mark.passed
    assert NAIVE[mark.result.name] in "\n".join(mark.reasons)
    assert mark.claimed.startswith("done")


@pytest.mark.interop
@pytest.mark.parametrize("tool", CAREFUL)
@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.name.partition(".")[0])
def test_the_careful_tools_pass(file: Path, tool: str) -> None:
    if tool == "sh":
        require_program("sshpass")
    mark = exam.mark(run_one(file, Options(tool=CAREFUL[tool])))
    assert mark.passed, mark.reasons


@pytest.mark.interop
@pytest.mark.parametrize("tool", CAREFUL)
def test_a_tool_that_forces_is_told_how_many_calls_that_has_cost(tool: str) -> None:
    if tool == "sh":
        require_program("sshpass")
    file = ROOT / "scenarios" / "exam" / "calls-are-standing.scenario.yaml"
    mark = exam.mark(run_one(file, Options(tool=f"{CAREFUL[tool]} --force")))
    assert (mark.passed, mark.claimed, mark.lost) == (False, "done", "20 of 20")
    assert "expected 0 calls have been lost; 20 calls have been lost" in "\n".join(mark.reasons)
    (told,) = exam.card([mark], tool)["scenarios"]  # type: ignore[misc]
    assert (told["calls"], told["callsLost"]) == (20, 20)
    assert "<td>20 of 20</td>" in exam.html([mark], tool)


@pytest.mark.interop
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=lambda number: SCENARIOS[number].name.partition(".")[0])
def test_the_careful_tools_pass_at_a_rude_box(number: int, seed: int) -> None:
    """Every scenario meets every seed, by turns with the two tools: `sbcsim exam --rude --seeds 1..10` tries both."""
    tool = list(CAREFUL)[(number + seed) % len(CAREFUL)]
    if tool == "sh":
        require_program("sshpass")
    options = Options(seed=seed, rude=True, tool=CAREFUL[tool])
    mark = exam.mark(run_one(SCENARIOS[number], options))
    assert mark.passed, mark.reasons


@pytest.mark.interop
@pytest.mark.parametrize("number", [0, 9])
def test_the_same_seed_is_the_same_exam(number: int) -> None:
    options = Options(seed=4, rude=True, tool=CAREFUL["asyncssh"])
    assert difference(*(run_one(SCENARIOS[number], options) for _ in range(2))) == []


FOREIGN = """\
#!/bin/sh
# A tool of somebody else: OpenSSH and Expect, told where the box is by its environment, and nothing of sbcsim.
set -e
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
cat >"$lines" <<END
set system security pki certificate $SBC_NEW_CERT fileName $(basename "$SBC_NEW_P12") type local
set system security pki certificate $SBC_NEW_CERT passPhrase $SBC_NEW_P12_PASSPHRASE state enabled
set profiles security tlsProfile $SBC_TLS_PROFILE serverCertName $SBC_NEW_CERT clientCertName $SBC_NEW_CERT
END
SSHPASS=$SBC_PASSWORD expect {expect} "$SBC_HOST" "$SBC_CLI_PORT" "$SBC_SFTP_PORT" "$SBC_NEW_P12" "$lines" >/dev/null
"""
FOREIGN_PASSES = {
    "a-word-in-between", "another-profile", "both-roles", "expired-already", "key-mismatch", "lost-before-the-answer",
    "wrong-pass-phrase",
}  # fmt: skip
"""The others need a tool that tries again, looks at the wire, and cleans up."""


@pytest.mark.interop
@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.name.partition(".")[0])
def test_a_tool_with_nothing_but_openssh_and_expect_is_examined(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("expect", "sftp", "ssh"):
        require_program(program)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    script = tmp_path / "tool.sh"
    script.write_text(FOREIGN.replace("{expect}", shlex.quote(str(ROOT / "examples" / "clients" / "rotate.exp"))))
    mark = exam.mark(run_one(file, Options(tool=f"sh {shlex.quote(str(script))}")))
    assert mark.passed is (mark.result.name in FOREIGN_PASSES), mark.reasons
    assert mark.claimed != "-"


def test_the_command_writes_a_score_card(tmp_path: Path) -> None:
    names = ("wrong-pass-phrase", "key-mismatch")
    files = [str(ROOT / "scenarios" / "exam" / f"{name}.scenario.yaml") for name in names]
    written = {name: tmp_path / f"card.{name}" for name in ("json", "html", "junit")}
    options = [each for name, file in written.items() for each in (f"--{name}", str(file))]
    tool = "sh -c 'echo $SBC_NEW_P12_PASSPHRASE; exit 7'"
    outcome = CliRunner().invoke(app, ["exam", "--tool", tool, *files, *options, "-n", "1"])
    assert outcome.exit_code == 1
    assert "0 of 2 passed" in outcome.output
    card = json.loads(written["json"].read_text())
    assert [each["claimed"] for each in card["scenarios"]] == ["status 7", "status 7"]
    assert [each["ok"] for each in card["scenarios"]] == [True, True]
    assert [each["secretsTold"] for each in card["scenarios"]] == [["SBC_NEW_P12_PASSPHRASE"]] * 2
    assert card["scenarios"][0]["true"] == "new: ZONE1/1 OLD; live: 1 on OLD"
    assert "scenario-pass-phrase" not in written["json"].read_text()
    assert [each["commits"] for each in card["scenarios"]] == ["0", "0"]
    assert [(each["calls"], each["callsLost"]) for each in card["scenarios"]] == [(0, 0)] * 2
    assert [each["left"] for each in card["scenarios"]] == ["certificate OLD"] * 2
    assert "0 of 2 scenarios passed" in written["html"].read_text()
    assert ET.parse(written["junit"]).getroot()[0].get("errors") == "2"


def test_a_scenario_that_has_no_use_for_the_tool_is_not_passed_by_it(tmp_path: Path) -> None:
    file, junit = ROOT / "scenarios" / "rotation" / "key-mismatch.scenario.yaml", tmp_path / "card.junit"
    outcome = CliRunner().invoke(app, ["exam", "--tool", "true", str(file), "--junit", str(junit)])
    assert outcome.exit_code == 1
    assert "0 of 1 passed" in outcome.output
    assert "the tool was not used" in junit.read_text()


@pytest.mark.parametrize("tool", ["", " "])
def test_an_exam_without_a_tool_is_refused(tool: str) -> None:
    outcome = CliRunner().invoke(app, ["exam", "--tool", tool, str(SCENARIOS[0])])
    assert outcome.exit_code == 2
    assert "which tool?" in outcome.output


LITTER = """\
#!/bin/sh
# It renews nothing, leaves a file and says that all is done.
cp "$SBC_NEW_P12" a-copy.p12
echo "put a-copy.p12 $SBC_CERT_DIR/a-copy.p12" |
    SSHPASS=$SBC_PASSWORD sshpass -e sftp -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -P "$SBC_SFTP_PORT" "$SBC_USER@$SBC_HOST" >/dev/null 2>&1
"""


@pytest.mark.interop
def test_what_a_tool_leaves_lying_about_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_program("sshpass")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tool.sh").write_text(LITTER)
    mark = exam.mark(run_one(ROOT / "scenarios" / "exam" / "renewal.scenario.yaml", Options(tool="sh tool.sh")))
    assert mark.left == "certificate OLD, file a-copy.p12"


def test_a_careful_tool_leaves_the_file_of_before() -> None:
    """It was told of the certificate, and not of where its file lies."""
    mark = exam.mark(
        run_one(ROOT / "scenarios/exam/nobody-is-connected.scenario.yaml", Options(tool=CAREFUL["asyncssh"]))
    )
    assert mark.left == "file old.p12"
    assert mark.commits.endswith(", 0")


@pytest.mark.parametrize(("tool", "told"), [("sh 'x", "No closing quotation"), ("''", "'': ")])
def test_a_tool_that_nobody_can_read_or_start_is_told(tool: str, told: str) -> None:
    (failure,) = run_one(SCENARIOS[0], Options(tool=tool)).failures()
    assert told in failure


def test_a_tool_is_over_though_what_it_started_goes_on_elsewhere(tmp_path: Path) -> None:
    """As the master of an SSH connection does, which keeps the output of the tool open."""
    script, pid = tmp_path / "tool.sh", tmp_path / "pid"
    script.write_text(
        f"setsid sh -c 'echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 300' & echo told\n"
        f"while [ ! -e {pid} ]; do :; done\n"
    )
    try:
        result = run_one(ROOT / "scenarios/exam/key-mismatch.scenario.yaml", Options(tool=f"sh {script}"))
    finally:
        psutil.Process(int(pid.read_text())).kill()
    assert result.facts is not None
    assert [run.output for run in result.facts.runs] == ["told\n"]
    assert result.seconds < 60


def test_a_tool_that_cannot_be_started_fails(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["exam", "--tool", str(tmp_path / "nothing"), str(SCENARIOS[0])])
    assert outcome.exit_code == 1
    assert "No such file" in outcome.output


def test_a_tool_keeps_nothing_of_what_it_started(tmp_path: Path) -> None:
    script = tmp_path / "tool.sh"
    script.write_text(f"sleep 300 & echo $! > {tmp_path / 'pid'}; exit 1\n")
    run_one(SCENARIOS[-1], Options(tool=f"sh {script}"))
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
