"""Scenario files: includes, variables, and every mistake told with file, line, column and what was meant."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from sbcsim.errors import ScenarioError
from sbcsim.scenario.loader import File, find, load
from sbcsim.scenario.positions import Document
from sbcsim.scenario.runner import Options, read, run_one

HEAD = """\
title: A box
source: nobody
given:
  authorities:
    ROOT: {}
  certificates:
    OLD: {signedBy: ROOT, notAfter: +60d}
    NEW: {signedBy: ROOT, renews: OLD}
  peers:
    PEER1: {address: 192.0.2.10}
steps:
"""


def written(directory: Path, text: str, name: str = "a.scenario.yaml") -> Path:
    file = directory / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("  - advanze: 1d\n", '12:5: unknown name "advanze"; did you mean "advance"?'),
        ("  - advance: 1d\n    cli: configure\n", "12:5: steps.0: a step does one thing, this one cli and advance"),
        ("  - note: nothing\n", "12:5: steps.0: a step does something (cli, sftp"),
        ("  - advance: soon\n", '12:14: "soon" is not a duration'),
        ("  - advance: 2026-99-99\n", '12:14: "2026-99-99T00:00:00Z" is not an RFC 3339 time'),
        ("  - sftp: {put: neu.p12}\n", '12:17: no file "neu.p12"; did you mean "new.p12"?'),
        ("  - sftp: {put: old.p12, remove: old.p12}\n", "12:11: steps.0.sftp: an SFTP step either puts or removes"),
        ("  - peer: {name: PEER2, does: dial}\n", '12:18: no peer "PEER2"; did you mean "PEER1"?'),
        ("  - peer: {name: PEER1, does: dance}\n", "12:31: steps.0.peer.does: Input should be 'dial'"),
        ("  - fault: {point: cli.drp}\n", '12:20: no fault point "cli.drp"; did you mean "cli.drop"?'),
        ("  - switchover: true\n", "12:17: a switchover needs a pair: given.ha is 1to1 or cloud"),
        ("  - wait: {event: handshke}\n", '12:19: no event "handshke"; did you mean "handshake"?'),
        (
            "  - wait: {event: handshake, where: {okay: true}}\n",
            '12:44: handshake has no field "okay"; did you mean "ok"?',
        ),
        ("  - wait: {event: handshake, where: {ok: 'true'}}\n", "handshake ok is true or false, and never 'true'"),
        ("  - wait: {event: handshake, where: {alertSent: 'x'}}\n", "handshake alertSent is a number, and never 'x'"),
        (
            "  - wait: {event: handshake, where: {localCertificate.nam: X}}\n",
            'handshake localCertificate has no field "nam"',
        ),
        ("  - wait: {event: handshake, where: {reason.x: X}}\n", "handshake reason holds no fields"),
        ("  - wait: {event: handshake, where: {alertSent: {over: 1}}}\n", "a comparison is one of: above, below"),
        ("  - expect: {seen: {PEER1: NEU}}\n", 'no certificate "NEU"; did you mean "NEW"?'),
        ("  - expect: {events: [{event: reset, count: 1, atMost: 2}]}\n", "count says exactly how often"),
        ("  - expect: {interruption: {PEER1: {atMost: long}}}\n", '"long" is not a duration'),
        ("  - tool: {patience: long}\n", '"long" is not a duration'),
        ("  - cli: ${line}\n", '12:10: no variable "line"'),
        ("  []\n", "12:3: steps: "),
        ("  - switchover: false\n", "12:17: steps.0.switchover: Input should be True"),
        ("  - clearFaults: false\n", "12:18: steps.0.clearFaults: Input should be True"),
        ("  - {cli: [], refused: x}\n", "12:5: steps.0: cli has no line"),
        ("  - {advance: 1d, session: second}\n", "session, user, refused and lost belong to a cli step"),
        ("  - {cli: commit, lost: true, refused: x}\n", "a session that ends instead of the answer is not refused"),
        ("  - peer: {name: PEER1, does: behave, fails: true}\n", "fails belongs to dial and ping and hang up"),
        ("  - call: {from: PEER2}\n", '12:18: no peer "PEER2"; did you mean "PEER1"?'),
        ("  - call: {}\n", "12:11: steps.0.call: from says who calls"),
        ("  - call: {from: PEER1, by: PEER1}\n", "12:11: steps.0.call: by does not belong to place"),
        ("  - call: {does: hang up, count: 2}\n", "12:11: steps.0.call: count does not belong to hang up"),
        ("  - call: {does: hangup}\n", "12:18: steps.0.call.does: Input should be 'place'"),
        ("  - call: {form: PEER1}\n", '12:12: unknown name "form"; did you mean "from"?'),
        ("  - call: {does: hang up, name: LATE}\n", '12:33: no call "LATE"'),
        (
            "  - call: {from: PEER1, name: EARLY}\n  - call: {does: talk, name: EARLI}\n",
            '13:30: no call "EARLI"; did you mean "EARLY"?',
        ),
        ("  - call: {from: PEER1}\n    expect: {carried: {CALL: OLT}}\n", 'no certificate "OLT"; did you mean "OLD"?'),
        ("  - call: {from: PEER1}\n    expect: {carried: {COLL: OLD}}\n", 'no call "COLL"; did you mean "CALL"?'),
        (
            "  - call: {from: PEER1}\n    expect: {calls: {standng: 1}}\n",
            '13:22: unknown name "standng"; did you mean "standing"?',
        ),
        (
            "  - call: {from: PEER1}\n    expect: {calls: {ended: [{by: nobody}]}}\n",
            "Input should be 'caller', 'callee'",
        ),
        ("  - tool: {new: NEU}\n", '12:17: no certificate "NEU"; did you mean "NEW"?'),
        ("  - tool: {old: OLT}\n", '12:17: no certificate "OLT"; did you mean "OLD"?'),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, steps: str, told: str) -> None:
    file = written(tmp_path, HEAD + steps)
    with pytest.raises(ScenarioError) as caught:
        list(read([file]))
    assert str(caught.value).startswith(f"{file}:")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("", "12:13: steps.0.expect: an expectation says something"),
        ("alarms: []", "alarms says nothing: it would always be true"),
        ("peers: {}", "peers says nothing: it would always be true"),
        ("counters: {ZONE1/1: {}}", "counters says nothing: it would always be true"),
        ("clock: {}", "any time will do: from or until is missing"),
        ("calls: {}", "calls say nothing: it would always be true"),
        ("calls: {lost: 0}", "no step has placed a call so far"),
        ("interruption: {PEER1: {}}", "any time will do: atLeast or atMost is missing"),
        (
            "alarms: [{name: sonusSbxFailedCertificateRecheck, standing: false}]",
            'you mean "sonusSbxFailedCertificateRe',
        ),
        ("certificates: {OLDD: absent}", 'no certificate "OLDD"; did you mean "OLD"?'),
        ("files: {old.p13: absent}", 'no file "old.p13"; did you mean "old.p12"?'),
        ("notConfigured: system admin", "the lines of a configuration begin with set"),
    ],
)
def test_an_expectation_that_would_always_be_met_is_a_mistake(tmp_path: Path, expect: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        list(read([written(tmp_path, HEAD + f"  - expect: {{{expect}}}\n")]))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (
            "localCertificate: OLD",
            "handshake localCertificate is held in fields: name one, such as localCertificate.subj",
        ),
        ("alertSent: {above: many}", "handshake alertSent is a number, and never above 'many'"),
        ("ok: {above: 1}", "handshake ok is true or false, and never above 1"),
        ("alertSent: {contains: 4}", "handshake alertSent is a number, and never contains 4"),
        ("reason: {contains: 48}", "handshake reason is a text, and never contains 48"),
        ("direction: {not: 1}", "handshake direction is a text, and never 1"),
        ("direction: {oneOf: inbound}", "oneOf takes a list"),
        ("direction: {oneOf: [inbound, 1]}", "handshake direction is a text, and never 1"),
        ("reason: {matches: '('}", "'(' is no regular expression: missing )"),
        ("reason: {matches: 4}", "matches takes a regular expression"),
        ("localCertificate.notAfter: 4", "localCertificate notAfter is a time, and never 4"),
    ],
)
def test_a_comparison_that_can_never_be_true_is_a_mistake(tmp_path: Path, where: str, told: str) -> None:
    never = f"never: [{{event: handshake, where: {{{where}}}}}]\n"
    with pytest.raises(ScenarioError) as caught:
        list(read([written(tmp_path, HEAD + "  - advance: 1d\n" + never)]))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ("handshake", "localCertificate: null"),
        ("handshake", "localCertificate: {not: null}"),
        ("handshake", "{localCertificate.name: {oneOf: [OLD, NEW]}, alertSent: {above: 0}, reason: {matches: x}}"),
        ("handshake", "localCertificate.notAfter: {above: '2026-01-01T00:00:00Z'}"),
        ("commit", "changes: {contains: set system admin}"),
        ("commit", "changes: [set system admin]"),
        ("control", "arguments: {contains: [a, b]}"),
    ],
)
def test_a_comparison_that_can_be_true_is_none(tmp_path: Path, event: str, where: str) -> None:
    where = where if where.startswith("{") else f"{{{where}}}"
    never = f"never: [{{event: {event}, where: {where}}}]\n"
    assert list(read([written(tmp_path, HEAD + "  - advance: 1d\n" + never)]))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: A box\n", "", '"title" is missing'),
        ("signedBy: ROOT", "signedBy: ROT", 'no authority "ROT"; did you mean "ROOT"?'),
        ("notAfter: +60d", "notAfter: later", '"later" is not an RFC 3339 time'),
        ("notAfter: +60d", "notafter: +60d", 'unknown name "notafter"; did you mean "notAfter"?'),
        ("notAfter: +60d", "newKey: true", "newKey is about a renewal"),
        ("notAfter: +60d", "renews: OTHER", 'no certificate "OTHER"'),
        ("  peers:", "  clock: tomorrow\n  peers:", '"tomorrow" is not an RFC 3339 time'),
        ("  peers:", "  settings: {colour: red}\n  peers:", '"colour" is no setting'),
        ("address: 192.0.2.10", "address: nonsense", '10:22: "nonsense" is not an IP address'),
        ("  PEER1:", "  PEER0: {address: 192.0.2.10}\n    PEER1:", "11:12: PEER0 is at 192.0.2.10:5061 already"),
        ("notAfter: +60d", "notAfter: +99999999999d", "+99999999999d from the start is in no year that there is"),
        ("address: 192.0.2.10", "trusts: [OTHER]", 'no authority "OTHER"; did you mean'),
    ],
)
def test_a_mistake_in_the_start_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = written(tmp_path, (HEAD + "  - advance: 1d\n").replace(old, new))
    with pytest.raises(ScenarioError) as caught:
        list(read([file]))
    assert told.removesuffix("; did you mean") in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("notAfter: +60d", "notAfter: -31d", "OLD cannot be made: The not valid after date must be after the not"),
        ("notAfter: +60d", 'subject: "CN=a,,="', 'OLD cannot be made: "CN=a,,=" is no name by RFC 4514'),
        ("address: 192.0.2.10", "notAfter: -31d", "PEER1 cannot be made: The not valid after date must be after the"),
    ],
)
def test_what_cannot_be_minted_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = written(tmp_path, (HEAD + "  - advance: 1d\n").replace(old, new))
    assert told in run_one(file, Options()).error


def test_includes_come_first_and_variables_are_replaced(tmp_path: Path) -> None:
    written(
        tmp_path,
        "variables: {a: x, b: y}\ngiven:\n  configuration: |\n    # told\n    set ${a}\n\n    set ${b}\n",
        "one.yaml",
    )
    file = written(
        tmp_path,
        "title: t\nsource: s\ninclude: one.yaml\nvariables: {b: z}\n"
        "given: {configuration: [set $$]}\nsteps: [{advance: 1d}]\n",
    )
    loaded = load(file)
    assert [(line.text, Path(line.file).name, line.line) for line in loaded.configuration] == [
        ("set x", "one.yaml", 5),
        ("set z", "one.yaml", 7),
        ("set $", "a.scenario.yaml", 5),
    ]
    assert loaded.scenario.given.configuration == ("set x", "set z", "set $")


def test_a_start_is_merged_by_name(tmp_path: Path) -> None:
    written(tmp_path, "given: {ha: 1to1, peers: {A: {}, B: {port: 1}}}\nnever: [{event: reset}]\n", "one.yaml")
    file = written(
        tmp_path,
        "title: t\nsource: s\ninclude: [one.yaml]\ngiven: {peers: {B: {port: 2}}}\n"
        "steps: [{advance: 1d}]\nnever: [{event: switchover}]\n",
    )
    scenario = load(file).scenario
    assert {name: peer.port for name, peer in scenario.given.peers.items()} == {"A": 5061, "B": 2}
    assert scenario.given.ha == "1to1"
    assert [each.event for each in scenario.never] == ["reset", "switchover"]


def test_a_mistake_in_an_included_file_is_told_there(tmp_path: Path) -> None:
    inner = written(tmp_path, "given:\n  ha: twice\n", "one.yaml")
    file = written(tmp_path, "title: t\nsource: s\ninclude: one.yaml\nsteps: [{advance: 1d}]\n")
    with pytest.raises(ScenarioError, match=r"one\.yaml:2:7: given\.ha: Input should be 'none', '1to1' or 'cloud'"):
        load(file)
    inner.unlink()
    with pytest.raises(ScenarioError, match=r"a\.scenario\.yaml:3:10: one\.yaml: No such file"):
        load(file)


@pytest.mark.parametrize(
    ("inner", "outer", "told"),
    [
        ("given:\n  peers: {P: {address: x}}\n", "", 'one.yaml:2:24: "x" is not an IP address'),
        ("given:\n  peers: {P: {}}\n", "given: {peers: {P: {trusts: X}}}\n", 'a.scenario.yaml:4:29: no authority "X"'),
        ("never:\n  - {event: reset}\n  - {event: rezet}\n", "", 'one.yaml:3:13: no event "rezet"'),
        ("never: [{event: reset}]\n", "never:\n  - {event: rezet}\n", 'a.scenario.yaml:5:13: no event "rezet"'),
    ],
)
def test_what_cannot_be_is_told_in_the_file_that_says_so(tmp_path: Path, inner: str, outer: str, told: str) -> None:
    written(tmp_path, inner, "one.yaml")
    file = written(tmp_path, f"title: t\nsource: s\ninclude: one.yaml\n{outer}steps: [{{advance: 1d}}]\n")
    with pytest.raises(ScenarioError) as caught:
        list(read([file]))
    assert str(caught.value).startswith(f"{tmp_path}/{told}")


def test_files_that_include_each_other_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "include: two.yaml\n", "one.yaml")
    written(tmp_path, "include: one.yaml\n", "two.yaml")
    file = written(tmp_path, "title: t\nsource: s\ninclude: one.yaml\nsteps: [{advance: 1d}]\n")
    with pytest.raises(ScenarioError, match=r"two\.yaml:1:10: one\.yaml includes itself"):
        load(file)


def test_files_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    names = ["b.scenario.yaml", "inner/a.scenario.yaml", "other.yaml"]
    for name in names:
        (tmp_path / name).touch()
    assert find([tmp_path]) == [tmp_path / name for name in names[:2]]
    assert find([tmp_path / "other.yaml"]) == [tmp_path / "other.yaml"]
    with pytest.raises(ScenarioError, match="no such file"):
        find([tmp_path / "nothing"])


def test_the_schema_for_editors_knows_every_name() -> None:
    schema = File.model_json_schema()
    assert {"title", "source", "include", "variables", "given", "steps", "never"} <= schema["properties"].keys()
    assert {"cli", "sftp", "clearFaults", "expect"} <= schema["$defs"]["Step"]["properties"].keys()


LIBRARY = find([Path(__file__).parents[2] / "scenarios"])


def test_the_schema_for_editors_takes_what_is_taken() -> None:
    schema = jsonschema_rs.validator_for(File.model_json_schema())
    for file in LIBRARY:
        assert [each.message for each in schema.iter_errors(Document(file.read_text(), str(file)).data)] == [], file


def test_the_schema_for_editors_refuses_what_is_refused() -> None:
    schema = jsonschema_rs.validator_for(File.model_json_schema())
    wrong = {"title": "t", "source": "s", "steps": [{"advanze": "1d"}]}
    assert "advanze" in " ".join(each.message for each in schema.iter_errors(wrong))
