"""Regular expressions of filters: what they mean, and that none of them takes long."""

from __future__ import annotations

import re
import time

import pytest
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sbcsim.cli.pattern import MOST_PLACES, Pattern, PatternError


def found(text: str, line: str) -> bool:
    """Look for a pattern in a line in both ways, where there are two."""
    pattern = Pattern(text)
    searches = pattern.search(line), pattern._run(line)
    answers = {drained(each)[0] for each in searches}
    assert len(answers) == 1, (text, line)
    return answers.pop()


def drained(search) -> tuple[bool, int]:
    """Return what a search finds, and how often it let others have their turn."""
    turns = 0
    while True:
        try:
            assert next(search) == []
        except StopIteration as end:
            return end.value, turns
        turns += 1


@pytest.mark.parametrize(
    ("text", "matching", "others"),
    [
        ("ipAddress|ingressIpPrefix", ["set ipAddress 1", "ingressIpPrefix"], ["ipPort", ""]),
        ("state.*enabled", ["    state   enabled;", "stateenabled"], ["enabled state"]),
        ("^ *mode +inService;$", ["mode inService;", "  mode   inService;"], ["modeinService;", "mode inService; "]),
        ("^$", [""], [" "]),
        ("", ["", "x"], []),
        ("{", ["zone Z {"], ["}"]),
        ("a{2}b", ["aab", "aaab"], ["ab"]),
        ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
        ("^a{,1}b", ["b", "ab"], ["aab"]),
        ("^(ab){2,}$", ["abab", "ababab"], ["ab", "aba"]),
        ("a{x", ["a{x"], ["ax"]),
        ("[[:digit:]]+[.][^[:alpha:]]", ["10.1"], ["10.a", "10"]),
        ("^[:digt:]+$", ["dig:t"], ["0", "0-9"]),
        ("[]x]", ["]", "x"], ["["]),
        ("[^]x]", ["a"], ["]", "x]"]),
        ("[a-]", ["-", "a"], ["b"]),
        (r"[\]x]", ["]"], ["\\"]),
        (r"\.\*", [".*"], ["xx"]),
        (r"\d\D\w\W\s\S", ["1aa- x"], ["1aa-x"]),
        (r"\bT1\b", ["T1", "set T1 x"], ["T11", "xT1"]),
        (r"\BT1", ["xT1"], ["T1", " T1"]),
        ("(a|b)*(c|)d?$", ["", "abc"], []),
        ("(T1|T2) (on|off)", ["T2 on"], ["T2  on", "T3 on"]),
        ("x(^|,)y", ["x,y"], ["xy"]),
        ("(^|,)y", ["y", "x,y"], ["xy"]),
        ("a**b", ["b", "ab"], ["a"]),
        (r"\q", ["q"], ["\\"]),
        ("[ä-ü]+ß", ["öß"], ["aß"]),
    ],
)
def test_what_matches(text: str, matching: list[str], others: list[str]) -> None:
    assert [line for line in [*matching, *others] if found(text, line)] == matching


@pytest.mark.parametrize(
    "text",
    [
        "(", ")", "(a", "a)", "*", "+a", "?", "(*a)", "a|*", "[", "[]", "[a", "[z-a]", "[[:nothing:]]", "\\", "(?i)a",
        "(?=a)", "a{3,2}", "a{256}", "a{1,999}", "a" * (MOST_PLACES + 1), "(a{200}){200}",
        "(((((){255}){255}){255}){255}){255}",
        "(" * 30_000 + ")" * 30_000, "a" + "*" * 30_000, "a" + "+" * 40, "a" + "{2}" * 40, "a|" * 30_000,
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(PatternError):
        Pattern(text)


ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\w", r"\b", r"\.", "-"])
PATTERNS = st.recursive(
    ATOMS,
    lambda below: st.one_of(
        st.lists(below, max_size=4).map("".join),
        st.lists(below, min_size=1, max_size=3).map(lambda ways: f"({'|'.join(ways)})"),
        st.tuples(below, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=examples(400), deadline=None)
@given(PATTERNS, st.booleans(), st.booleans(), st.lists(st.text("abc-. ", max_size=9), max_size=5))
@example("(a|b)*(c)*", True, True, ["abc", "abca"])
def test_it_means_what_it_means_to_python(text: str, begins: bool, ends: bool, lines: list[str]) -> None:
    text = f"{'^' * begins}({text}){'$' * ends}"
    for line in lines:
        assert found(text, line) == (re.search(text, line) is not None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(a|a)*b", "a" * 5_000),
        ("(a+)+$", "a" * 5_000 + "b"),
        ("(a|aa)+$", "a" * 5_000 + "b"),
        ("a?" * 200 + "a" * 200, "a" * 199),
        (".*.*.*.*.*x", "a" * 5_000),
        ("x*y", "x" * 60_000),
        ("(.*)(.*)(.*)(.*)(.*)[^ ]x", "a" * 5_000),
    ],
)
def test_none_takes_long(text: str, line: str) -> None:
    begun = time.process_time()
    assert drained(Pattern(text).search(line))[0] is False
    assert time.process_time() - begun < 5  # going back takes years, or minutes


def test_many_names_can_be_looked_for_at_once() -> None:
    names = [f"ipPeer PEER{number:04}" for number in range(200)]
    pattern = Pattern("|".join(names))
    lines = [f"set addressContext default zone Z ipPeer PEER{number:04} ipPort 5061" for number in range(300)]
    assert [drained(pattern.search(line))[0] for line in lines] == [True] * 200 + [False] * 100


def test_others_have_their_turn_where_much_has_to_be_worked_out() -> None:
    pattern = Pattern("(a|b)*a" + "(a|b)" * 150 + "c")  # it has more states than there is room for
    line = f"{3**1_500:b}".translate({ord("0"): "a", ord("1"): "b"})
    answer, turns = drained(pattern.search(line))
    assert answer is False
    assert turns > 10
    assert sum(len(state.leads) for state in pattern._states.values()) <= 20_000


def test_many_short_lines_give_turns_too() -> None:
    pattern = Pattern("state.*enabled")
    assert sum(drained(pattern.search("    state enabled;"))[1] for _ in range(3_000)) > 0
