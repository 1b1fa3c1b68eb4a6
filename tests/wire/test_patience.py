"""What a test tells that has found something, or does not end."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis.internal.conjecture import engine

pytest_plugins = ["pytester"]

ENDLESS = """
from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

@given(st.integers())
def test_endless(number):
    while number > 100:
        pass

class Machine(RuleBasedStateMachine):
    @rule(number=st.integers())
    def step(self, number):
        while number > 100:
            pass

TestMachine = Machine.TestCase
"""


def test_an_example_that_never_ends_is_ended(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((Path(__file__).parents[1] / "conftest.py").read_text("utf-8"))
    pytester.makepyfile(ENDLESS)
    result = pytester.runpytest_subprocess("--timeout=1", "-p", "no:cacheprovider", timeout=100)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*Failed: Timeout (>1.0s)*"] * 2)
    result.stdout.no_fnmatch_line("*Inconsistent*")


def test_what_was_found_is_told_long_before_the_time_is_up(pytestconfig: pytest.Config) -> None:
    assert hypothesis.Phase.explain not in hypothesis.settings().phases
    assert hypothesis.Phase.shrink in hypothesis.settings().phases
    a_quarter = float(pytestconfig.getini("timeout")) / 4
    assert a_quarter >= engine.MAX_SHRINKING_SECONDS
