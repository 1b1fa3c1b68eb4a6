"""Calls in scenarios, on real sockets: what is told where they go another way than they were to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbcsim.scenario import ladder, report
from sbcsim.scenario.runner import Options, Result, run_one

COMMON = Path(__file__).parents[2] / "scenarios" / "common" / "two-sides.yaml"
FORCE = "cli: [configure, set addressContext default zone ZONE2 sipSigPort 1 mode outOfService, commit]"


def played(directory: Path, *steps: str) -> Result:
    file = directory / "a.scenario.yaml"
    lines = "".join(f"  - {step}\n" for step in steps)
    file.write_text(f"title: Calls\nsource: nobody\ninclude: {COMMON}\nsteps:\n{lines}", encoding="utf-8")
    return run_one(file, Options())


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("calls: {standing: 1}", "expected 1 calls stand; the box has 2"),
        ("calls: {establishing: 1}", "1 calls are being set up; 0 calls are being set up"),
        ("calls: {answered: 3}", "3 calls have been answered; 2 calls have been answered"),
        ("calls: {refused: 1}", "1 calls have been refused; 0 calls have been refused"),
        ("calls: {lost: 1}", "1 calls have been lost; 0 calls have been lost"),
        ("calls: {ended: [{by: local}]}", "calls have ended: 1 by local; missing 1 by local"),
        ("carried: {CALL: NEW}", "CALL was carried under NEW; it was OLD"),
        ("carried: {CALL: [OLD, OLD]}", "CALL was carried under OLD, OLD; it was OLD"),
    ],
)
def test_what_is_not_as_expected_is_told_with_what_is(tmp_path: Path, expect: str, told: str) -> None:
    result = played(tmp_path, f"call: {{from: CALLER, count: 2}}\n    expect: {{{expect}}}")
    (failure,) = result.failures()
    assert told in failure
    assert failure.startswith(f"{tmp_path}/a.scenario.yaml:5: step 1 (call: CALLER calls 200 2 times, CALL): ")


def test_calls_that_end_otherwise_are_told_one_by_one(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        "call: {from: CALLER, count: 2}",
        f"{FORCE}\n    expect: {{calls: {{lost: 0, ended: [{{by: caller, why: BYE, status: 0}}, {{by: local}}]}}}}",
    )
    lost, ended = result.failures()
    assert "0 calls have been lost; 2 calls have been lost" in lost
    assert "missing 1 by caller why BYE status 0, and there is also call 2 by local: sipSigPort" in ended


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            ["peer: {name: CALLEE, does: refuse calls}", "call: {from: CALLER}"],
            "CALL: call 1 was ended by the box: 486 Busy Here",
        ),
        (["call: {from: CALLER, refused: 503}"], "CALL was answered, and not refused with 503"),
        (
            ["peer: {name: CALLEE, does: answer, status: 404}", "call: {from: CALLER, refused: 486}"],
            "CALL was refused with 404, and not with 486",
        ),
        (["peer: {name: CALLER, does: go away}", "call: {from: CALLER}"], "no connection stands to call over"),
        (["call: {from: CALLER}", "call: {does: cancel}"], "call 1 cannot be cancelled: it is standing"),
        (["call: {from: CALLER}", "call: {does: answer}"], "call 1 cannot be answered: it is standing"),
        (["call: {from: CALLER}", FORCE, "call: {does: talk}"], "no INFO in call 1: it is ended"),
        (
            [
                "call: {from: CALLER}",
                "peer: {name: CALLEE, does: answer, status: 500}",
                "call: {does: hold}",
            ],
            "CALL: hold was answered 500, and not 200",
        ),
        (["call: {from: CALLER}", "call: {does: hold, refused: 500}"], "hold was answered 200, and not 500"),
        (
            ["call: {from: CALLER, refused: 404, to: sip:nobody}", "call: {does: refuse, by: CALLEE}"],
            "was answered, and not refused with 404",
        ),
    ],
)
def test_a_step_that_fails_says_why(tmp_path: Path, steps: list[str], told: str) -> None:
    result = played(tmp_path, *steps)
    assert not result.ok
    assert told in result.steps[-1].failure


def test_a_call_is_rung_answered_held_and_left_by_either_side(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        "peer: {name: CALLEE, does: let calls ring}",
        "call: {from: CALLER, name: ONE, until: ringing}",
        "call: {from: CALLER, name: TWO, until: ringing}",
        "call: {from: CALLER, name: THREE, until: ringing}\n    expect: {calls: {establishing: 3}}",
        "call: {name: ONE, does: answer}",
        "call: {name: TWO, does: refuse, status: 603}",
        "call: {name: THREE, does: cancel}\n    expect: {calls: {standing: 1, refused: 1, answered: 1, lost: 0}}",
        "call: {name: ONE, does: hold}",
        "call: {name: ONE, does: resume, by: CALLER}",
        "call: {name: ONE, does: talk, by: CALLEE}",
        "call: {name: ONE, does: hang up, by: CALLEE}",
        "peer: {name: CALLEE, does: answer and hang up}",
        "call: {from: CALLER, until: calling}",
        "wait: {event: callEnded}\n    expect: {calls: {standing: 0, answered: 2, lost: 0, ended: "
        "[{by: callee, status: 0, count: 2}, {by: callee, status: 603}, {by: caller, why: cancelled}]}}",
    )
    assert result.ok, report.transcript(result)


def test_the_ladder_shows_the_calls_between_both_ends(tmp_path: Path) -> None:
    result = played(tmp_path, "call: {from: CALLER}", "call: {does: hang up}")
    arrows = [each for each in ladder.rungs(result.journal, result.names) if isinstance(each, ladder.Arrow)]
    told = [(each.far_end, each.outward, each.text.split()[0]) for each in arrows]
    for method in ("INVITE", "ACK", "BYE"):
        inward, outward = told.index(("CALLER", False, method)), told.index(("CALLEE", True, method))
        assert inward < outward
