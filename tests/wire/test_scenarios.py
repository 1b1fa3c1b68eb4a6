"""Scenarios played on real sockets: those of the library, and what is told where one goes another way."""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from runningbox import command, environment
from samejournal import difference
from typer.testing import CliRunner

from sbcsim.__main__ import app
from sbcsim.device.settings import chosen
from sbcsim.scenario import report, stage
from sbcsim.scenario.loader import find
from sbcsim.scenario.runner import Job, Options, Result, run_many, run_one

SCENARIOS = Path(__file__).parents[2] / "scenarios"
COMMON = SCENARIOS / "common" / "two-peers.yaml"


def written(directory: Path, steps: str, never: str = "") -> Path:
    file = directory / "a.scenario.yaml"
    file.write_text(f"title: A box\nsource: nobody\ninclude: {COMMON}\nsteps:\n{steps}{never}", encoding="utf-8")
    return file


def played(directory: Path, steps: str, never: str = "") -> Result:
    return run_one(written(directory, steps, never), Options())


LIBRARY = [file for file in find([SCENARIOS]) if file.parent.name != "exam"]
"""Every scenario that is not about a tool: those are played in test_exam.py."""


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: file.name.partition(".")[0])
def test_the_library_and_that_the_same_seed_gives_the_same_journal(file: Path) -> None:
    result, again = (run_one(file, Options(seed=7)) for _ in range(2))
    assert result.ok, report.transcript(result)
    assert difference(result, again) == []


@pytest.mark.parametrize("number", range(len(LIBRARY)), ids=lambda number: LIBRARY[number].name.partition(".")[0])
def test_the_library_gets_along_with_a_rude_box(number: int) -> None:
    """One seed for each here; `sbcsim scenario run --rude --seeds 1..10` tries more."""
    result = run_one(LIBRARY[number], Options(seed=1 + number % 10, rude=True))
    assert result.ok, report.transcript(result)


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("connections: []", "live connections: none; there is also #1 outbound PEER1 on OLD"),
        (
            "connections: [{certificate: NEW}]",
            "missing 1 with certificate NEW, and there is also #1 outbound PEER1 on OLD",
        ),
        ("connections: [{certificate: OLD, count: 2}]", "missing 1 with certificate OLD"),
        ("connections: [{direction: inbound}]", "missing 1 with direction inbound"),
        ("seen: {PEER1: NEW}", "PEER1 was shown NEW; it was shown OLD"),
        ("seen: {PEER1: []}", "PEER1 was shown nothing; it was shown OLD"),
        ("serves: {ZONE1/1: NEW}", "a new connection to ZONE1/1 is shown NEW; it is shown OLD"),
        ("serves: {ZONE2/1: OLD}", 'no sipSigPort "ZONE2/1" listens; those that do: ZONE1/1'),
        ("peers: {PEER1: down}", "peer PEER1 is down; it is up"),
        ("peers: {PEER9: up}", "peer PEER9 is up; it is not there"),
        ("interruption: {PEER9: {atMost: 0s}}", 'there is no such peer; did you mean "PEER1"?'),
        ("interruption: {PEER1: {atLeast: 1s}}", "PEER1 was down for at least 1s; it was down for 0s"),
        ("certificates: {OLD: absent}", "certificate OLD is absent; it is enabled"),
        ("configured: set system security pki certificate NEW", "it has none"),
        ("notConfigured: set system security pki certificate OLD", "it has set system security pki certificate OLD"),
        ("candidate: set system admin", "a candidate has a line set system admin; no session is in configure mode"),
        ("notCandidate: set system admin", "a candidate has no line set system admin; no session is in configure mode"),
        ("configuring: 1", "1 sessions are in configure mode; 0 are"),
        ("clock: {from: +1d}", "the time is from 2026-01-02T00:00:00Z; it is 2026-01-01T00:00:01Z"),
        ("clock: {until: 2026-01-01}", "the time is before 2026-01-01T00:00:00Z; it is 2026-01-01T00:00:01Z"),
        ("files: {new.p12: present}", "file new.p12 is present; it is absent"),
        ("alarms: [{name: sonusSbxFailedCertificateReCheck}]", "alarm sonusSbxFailedCertificateReCheck stands; "),
        ("counters: {ZONE1/1: {totalServerConnections: 9}}", "ZONE1/1 totalServerConnections is 9; it is 0"),
        ("counters: {ZONE1/1: {connections: 1}}", "there is none of that name; there are: "),
        ("events: [{event: switchover}]", "there is none. What happened: "),
        ("events: [{event: clockMoved, count: 2}]", "2 of clockMoved; there are 1"),
        ("events: [{event: clockMoved, atMost: 0}]", "0 of clockMoved; there are 1"),
        ("output: Commit complete.", "the box printed 'Commit complete.'; it printed ''"),
    ],
)
def test_what_is_not_as_expected_is_told_with_what_is(tmp_path: Path, expect: str, told: str) -> None:
    result = played(tmp_path, f"  - advance: 1s\n    expect: {{{expect}}}\n")
    assert not result.ok
    assert result.steps[0].failure == ""
    (failure,) = result.failures()
    assert failure.startswith(f"{tmp_path}/a.scenario.yaml:5: step 1 (advance: 1s): expected ")
    assert told in failure


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("cli: [configure, commmit]", "commmit: "),
        ("{cli: [configure, commmit], refused: Aborted}", "not refused with 'Aborted'"),
        ("{cli: configure, refused: syntax error}", "configure: not refused with 'syntax error'"),
        ("{cli: configure, lost: true}", "configure: the session did not end"),
        ("{cli: configure, user: nobody}", "configure: the session ended: Permission denied"),
        ("{cli: configure, user: nobody, lost: true}", "configure: the session ended: Permission denied"),
        ("sftp: {remove: none.p12}", "/opt/sonus/external/none.p12: No such file"),
        ("sftp: {put: new.p12, refused: true}", "/opt/sonus/external/new.p12: not refused"),
        ("sftp: {put: new.p12, server: SBC1b}", 'no server "SBC1b"; there are: only one'),
        ("peer: {name: PEER2, does: ping}", "PEER2 has no connection that it has dialled"),
        ("peer: {name: PEER2, does: dial, to: ZONE9/1}", 'no sipSigPort "ZONE9/1" listens'),
        ("peer: {name: PEER2, does: dial, fails: true}", "PEER2 could dial, and was not to"),
        ("bounce: {zone: ZONE9}", "ZONE9"),
        ("wait: {event: switchover, patience: 100ms}", "expected switchover; there is none. What happened: "),
        ("wait: {event: switchover, patience: 100ms}", "; the clock of the box stood still: advance moves it"),
        ("fault: {point: tls.accept, gap: -1}", "period and gap are not less than 0"),
        ("tool: {command: /nowhere/at/all}", "/nowhere/at/all: "),
        ("tool: {command: sh -c 'echo told; exit 3', exit: 0}", "exit status 3, not 0: told"),
        ("tool: {command: sh -c 'sleep 60 & sleep 60', patience: 200ms}", "not at its end within 200ms"),
        ("fault: {point: tls.stale}", "tls.stale needs a value"),
    ],
)
def test_a_step_that_fails_ends_the_scenario(tmp_path: Path, step: str, told: str) -> None:
    result = played(tmp_path, f"  - {step}\n  - advance: 1d\n")
    assert not result.ok
    assert told in result.steps[0].failure
    assert result.unreached == 1


def test_connections_that_fit_several_clauses_are_given_to_those_that_need_them(tmp_path: Path) -> None:
    clauses = "[{certificate: OLD}, {direction: inbound}]"
    result = played(tmp_path, f"  - peer: {{name: PEER2, does: dial}}\n    expect: {{connections: {clauses}}}\n")
    assert result.ok, report.transcript(result)


def test_a_scenario_about_a_tool_is_skipped_without_one(tmp_path: Path) -> None:
    result = played(tmp_path, "  - tool: {}\n")
    assert result.ok
    assert result.skipped == "it is about a tool, and none is given: --tool COMMAND"


def test_what_may_never_happen_is_told_when_it_has(tmp_path: Path) -> None:
    result = played(tmp_path, "  - advance: 1d\n", "never: [{event: clockMoved}]\n")
    (failure,) = result.failures()
    assert "never clockMoved; it happened: #" in failure


def test_a_peer_is_reached_by_ip_version_6(tmp_path: Path) -> None:
    file = written(tmp_path, "  - advance: 5m\n    expect: {peers: {PEER6: up}, seen: {PEER6: OLD}}\n")
    lines = (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF altIpAddress 2001:db8::5 altPrefix 64",
        "set addressContext default zone ZONE1 ipPeer PEER6 ipAddress 2001:db8::10 ipPort 5061",
        "set addressContext default zone ZONE1 ipPeer PEER6 pathCheck profile PING state enabled",
    )
    given = "given:\n  peers: {PEER6: {address: '2001:DB8:0::10'}}\n  configuration: |\n"
    file.write_text(file.read_text() + given + "".join(f"    {line}\n" for line in lines))
    result = run_one(file, Options())
    assert result.ok, report.transcript(result)
    assert result.names["[2001:db8::10]:5061"] == "PEER6"


def test_what_the_journal_no_longer_holds_is_not_taken_for_what_never_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "chosen", lambda texts: replace(chosen(texts), journal_limit=5))
    looks = "{event: login, count: 0}, {event: login, atMost: 0}, {event: clockMoved, since: step}"
    steps = "  - cli: [show status system syncStatus, configure, exit]\n"
    steps += f"  - advance: 1h\n    expect: {{events: [{looks}], interruption: {{PEER1: {{atMost: 0s}}}}}}\n"
    result = played(tmp_path, steps, "never: [{event: login}]\n")
    assert [each.ok for each in result.steps[1].findings] == [False, False, False, True]
    failures = [*result.failures()]
    assert len(failures) == 4
    assert [each for each in failures if "the journal does not hold any more what was before #" not in each] == []


def test_a_mistake_in_the_configuration_is_told_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a.scenario.yaml"
    file.write_text("title: t\nsource: s\ngiven:\n  configuration: |\n\n    set nonsense\nsteps: [{advance: 1d}]\n")
    result = run_one(file, Options())
    assert result.error.startswith(f"{file}:6: ")
    assert "set nonsense" in result.error


def test_a_tool_finds_the_box_by_its_environment(tmp_path: Path) -> None:
    script = tmp_path / "tool.sh"
    names = (
        "HOST CLI_PORT SFTP_PORT USER PASSWORD CERT_DIR TLS_PROFILE OLD_CERT NEW_CERT NEW_P12_PASSPHRASE CONTROL_URL"
    )
    script.write_text(
        f'for name in {names}; do eval "echo $name=\\$SBC_$name"; done; wc -c < "$SBC_NEW_P12"; echo $MORE\n'
    )
    step = f"tool: {{command: 'sh {script}', old: OLD, new: NEW, profile: TLS, environment: {{MORE: more}}, exit: 0}}"
    result = played(tmp_path, f"  - {step}\n")
    assert result.ok, report.transcript(result)
    said = dict(line.partition("=")[::2] for line in result.steps[0].output.splitlines())
    assert said["TLS_PROFILE"] == "TLS"
    assert (said["OLD_CERT"], said["NEW_CERT"]) == ("OLD", "NEW")
    assert said["CONTROL_URL"].startswith("http://127.0.0.1:")
    assert all(said[name] for name in names.split())
    assert "more" in said
    assert result.facts is not None
    (run,) = result.facts.runs
    assert (run.status, run.commits, run.told) == (0, 0, ("SBC_NEW_P12_PASSPHRASE",))
    assert said["NEW_P12_PASSPHRASE"] == "********"
    assert result.facts.served == {"ZONE1/1": "OLD"}
    assert result.facts.live == {"OLD": 1}


def test_another_seed_gives_another_journal() -> None:
    file = SCENARIOS / "rotation" / "renewal.scenario.yaml"
    one, other = (run_one(file, Options(seed=seed, rude=True)) for seed in (1, 2))
    assert difference(one, other) != []


def test_the_command_plays_tells_and_writes(tmp_path: Path) -> None:
    good = written(tmp_path, "  - advance: 1d\n")
    bad = tmp_path / "b.scenario.yaml"
    bad.write_text(good.read_text() + "    expect: {connections: []}\n")
    junit, data, reports = tmp_path / "junit.xml", tmp_path / "results.json", tmp_path / "reports"
    options = ["--junit", str(junit), "--json", str(data), "--report", str(reports), "-n", "2"]
    outcome = CliRunner().invoke(app, ["scenario", "run", str(tmp_path), *options])
    assert outcome.exit_code == 1
    assert "1 passed, 1 failed" in outcome.output
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [case.get("name") for case in suite] == ["a[seed 0]", "b[seed 0]"]
    assert [each["ok"] for each in json.loads(data.read_text())] == [True, False]
    names = {"result.json", "journal.jsonl", "transcript.txt", "ladder.txt", "ladder.svg", "timeline.svg"}
    assert {file.name for file in (reports / "b").iterdir()} == names
    assert "FAILED live connections: none" in (reports / "b" / "transcript.txt").read_text()
    for name in ("ladder.svg", "timeline.svg"):
        assert ET.parse(reports / "a" / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_each_scenario_is_played_once_for_each_seed(tmp_path: Path) -> None:
    written(tmp_path, "  - advance: 1d\n").write_text((tmp_path / "a.scenario.yaml").read_text() + "given: {seed: 9}\n")
    data, junit, reports = tmp_path / "results.json", tmp_path / "junit.xml", tmp_path / "reports"
    options = ["--json", str(data), "--junit", str(junit), "--report", str(reports), "-n", "2"]
    outcome = CliRunner().invoke(app, ["scenario", "run", str(tmp_path), "--seeds", "3,1..2", *options])
    assert outcome.exit_code == 0, outcome.output
    assert "passed  a, seed 3  (" in outcome.output
    assert [each["seed"] for each in json.loads(data.read_text())] == [3, 1, 2]
    assert [case.get("name") for case in ET.parse(junit).getroot()[0]] == ["a[seed 3]", "a[seed 1]", "a[seed 2]"]
    assert sorted(each.name for each in reports.iterdir()) == ["a-seed-1", "a-seed-2", "a-seed-3"]


@pytest.mark.parametrize(("options", "seed"), [([], 9), (["--seed", "4"], 4), (["--seed", "0"], 0)])
def test_a_scenario_names_its_seed_unless_who_runs_it_does(tmp_path: Path, options: list[str], seed: int) -> None:
    file = written(tmp_path, "  - advance: 1d\n")
    file.write_text(file.read_text() + "given: {seed: 9}\n")
    data = tmp_path / "results.json"
    outcome = CliRunner().invoke(app, ["scenario", "run", str(file), "--json", str(data), *options])
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(data.read_text())[0]["seed"] == seed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seed", "1", "--seeds", "1..2"], "either one seed or several"),
        (["--seeds", "x"], "'x' names no seeds"),
        (["-n", "0"], "--workers"),
        (["--cluster", "tcp://127.0.0.1:1", "-n", "2"], "how many at a time is the cluster's own choice"),
    ],
)
def test_options_that_make_no_sense_are_exit_status_2(tmp_path: Path, options: list[str], told: str) -> None:
    outcome = CliRunner().invoke(app, ["scenario", "run", str(written(tmp_path, "  - advance: 1d\n")), *options])
    assert outcome.exit_code == 2
    assert told in outcome.output


def test_a_process_that_dies_takes_no_result_of_others_along(tmp_path: Path) -> None:
    deadly = tmp_path / "deadly.scenario.yaml"
    deadly.write_text(written(tmp_path, "  - tool: {command: sh -c 'kill -9 $PPID'}\n").read_text())
    good = written(tmp_path, "  - advance: 1d\n")
    results = dict(run_many([Job(good), Job(deadly), Job(good)], 2))
    assert [results[number].ok for number in range(3)] == [True, False, True]
    assert results[1].error == "the process that played it was killed, or died"


def test_a_bug_that_ends_one_play_is_told_and_ends_no_other(tmp_path: Path) -> None:
    good = written(tmp_path, "  - advance: 1d\n")
    bad = tmp_path / "bad.scenario.yaml"
    bad.write_text(good.read_text().replace("advance: 1d", "tool: {}"))
    results = dict(run_many([Job(good), Job(bad, Options(tool=7)), Job(good)], 2))  # type: ignore[arg-type]
    assert [results[number].ok for number in range(3)] == [True, False, True]
    assert "a bug of sbcsim ended it:" in results[1].error
    assert "Traceback" in results[1].error


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_bar_on_the_terminal_stands_in_the_way_of_no_result(tmp_path: Path, elsewhere: bool) -> None:
    file, results = written(tmp_path, "  - advance: 1d\n"), tmp_path / "results"
    ours, theirs = os.openpty()
    with results.open("w") as output:
        words = command("scenario", "run", str(file), "--seeds", "1..2")
        playing = subprocess.Popen(
            words, stdout=output if elsewhere else theirs, stderr=theirs, env=environment(TERM="xterm")
        )
    os.close(theirs)
    drawn = b""
    with suppress(OSError):  # nobody holds the terminal any more
        while part := os.read(ours, 65536):
            drawn += part
    os.close(ours)
    assert playing.wait() == 0
    assert b"scenarios " in drawn
    told = results.read_text() if elsewhere else drawn.decode()
    begun = "^" if elsewhere else re.escape("\x1b[2K")  # behind a line that was just made empty
    assert len(re.findall(f"{begun}passed  a, seed [12]", told, re.MULTILINE)) == 2


def test_a_mistake_in_a_file_is_exit_status_2(tmp_path: Path) -> None:
    file = written(tmp_path, "  - advanze: 1d\n")
    for verb in ("run", "check"):
        outcome = CliRunner().invoke(app, ["scenario", verb, str(file)])
        assert outcome.exit_code == 2
        assert 'did you mean "advance"?' in outcome.output
    assert CliRunner().invoke(app, ["scenario", "check", str(SCENARIOS)]).exit_code == 0
    assert CliRunner().invoke(app, ["scenario", "run", str(tmp_path / "nothing")]).exit_code == 2


def test_the_command_tells_of_every_step_where_asked(tmp_path: Path) -> None:
    file = written(tmp_path, "  - advance: 1d\n")
    told = "  a  2026-01-01 00:00:00  ok  advance: 1d"
    assert told in CliRunner().invoke(app, ["scenario", "run", "-v", str(file)]).output
    outcome = CliRunner().invoke(app, ["scenario", "run", "-v", "-n", "2", "--seeds", "1..2", str(file)])
    assert outcome.output.count(told) == 2


def test_the_schema_is_printed() -> None:
    outcome = CliRunner().invoke(app, ["scenario", "schema"])
    assert "Step" in json.loads(outcome.output)["$defs"]


@pytest.mark.parametrize(
    ("does", "expect"),
    [
        ("answer, status: 503", "events: [{event: sip, where: {summary: {contains: '503'}}, atLeast: 1, since: step}]"),
        ("fall silent", "events: [{event: pathPing, where: {ok: false}, since: step}]"),
        ("go away", "events: [{event: dialFailed, since: step}]"),
    ],
)
def test_a_peer_behaves_in_another_way_and_is_good_again(tmp_path: Path, does: str, expect: str) -> None:
    steps = (
        f"  - peer: {{name: PEER1, does: {does}}}\n  - advance: 5m\n    expect: {{{expect}}}\n"
        "  - peer: {name: PEER1, does: behave}\n  - advance: 5m\n    expect: {peers: {PEER1: up}}\n"
    )
    result = played(tmp_path, steps)
    assert result.ok, report.transcript(result)


@pytest.mark.parametrize("does", ["reset", "stall", "refuse the certificate"])
def test_a_peer_spoils_new_connections_only(tmp_path: Path, does: str) -> None:
    steps = (
        f"  - peer: {{name: PEER1, does: {does}}}\n  - advance: 5m\n    expect: {{peers: {{PEER1: up}}}}\n"
        "  - bounce: {zone: ZONE1}\n  - advance: 5m\n    expect: {peers: {PEER1: down}}\n"
        "  - peer: {name: PEER1, does: behave}\n  - advance: 5m\n    expect: {peers: {PEER1: up}}\n"
    )
    result = played(tmp_path, steps)
    assert result.ok, report.transcript(result)


def test_a_candidate_is_what_a_commit_would_bring(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        "  - cli: [configure, set system admin SBC1 contact me, delete system security pki certificate OLD fileName]\n"
        "    expect:\n"
        "      configuring: 1\n"
        "      candidate: [set system admin SBC1 contact me, set system security pki certificate OLD]\n"
        "      notCandidate: set system security pki certificate OLD fileName\n"
        "      notConfigured: set system admin SBC1 contact\n"
        "  - cli: show\n"
        "    expect: {candidate: set nothing, notCandidate: set system}\n",
    )
    assert result.steps[0].ok, report.transcript(result)
    assert [each.instead for each in result.steps[1].findings] == ["none has", "it has one"]
