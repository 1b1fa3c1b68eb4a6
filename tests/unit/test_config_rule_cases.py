"""Every rule in the registry, place by place: what it refuses and with which text, what it lets pass, by every way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import permutations

import pytest
from drafts import ADMIN, NOW, commit, database, edit, refusal
from rulecases import Case, Lines, cases

from sbcsim import grammar
from sbcsim.config.confirmed import Confirm
from sbcsim.config.rules import RULES, Rules
from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.errors import UserError
from sbcsim.schema.load import load

SCHEMA = load()


def orders(case: Case, lines: Lines) -> Iterator[Lines]:
    yield from [lines] if case.in_order else permutations(lines)


def start(case: Case) -> Database:
    return Database(SCHEMA, furnished(case.before))


@cache
def furnished(lines: Lines) -> Tree:
    return database(*lines).running if lines else Tree(SCHEMA)


def template(key: str) -> str:
    """Return a pattern that any filled in text of that key matches."""
    return re.sub(r"\\{[a-z]+\\}", ".+", re.escape(grammar.message(f"refusal.{key}")))


each_case = pytest.mark.parametrize("case", cases(), ids=str)


@each_case
def test_refused_in_whatever_order_it_is_typed(case: Case) -> None:
    made = start(case)
    for lines in orders(case, case.refused):
        assert refusal(made, *lines) == case.text, lines


@each_case
def test_a_mere_check_says_the_same_and_keeps_the_candidate(case: Case) -> None:
    made = start(case)
    candidate = edit(made.open(ADMIN), *case.refused)
    wanted = candidate.tree
    for run in (candidate.check, candidate.commit):
        with pytest.raises(UserError) as caught:
            run(NOW)
        assert caught.value.text == case.text
    assert candidate.tree is wanted
    assert not made.history


@each_case
def test_refused_in_several_commits(case: Case) -> None:
    made = start(case)
    *before, last = case.apart or [(line,) for line in case.refused]
    for lines in before:
        assert refusal(made, *lines) == "", lines
    assert refusal(made, *last) == case.text


@each_case
def test_allowed_in_one_commit_in_whatever_order(case: Case) -> None:
    for lines in orders(case, case.allowed):
        assert refusal(start(case), *lines) == "", lines


@pytest.mark.parametrize("case", [case for case in cases() if case.steps], ids=str)
def test_allowed_in_several_commits(case: Case) -> None:
    made = start(case)
    for lines in case.steps:
        assert refusal(made, *lines) == "", lines


@pytest.mark.parametrize("case", [case for case in cases() if case.parents], ids=str)
def test_the_deletion_of_a_parent_is_refused_too(case: Case) -> None:
    made = start(case)
    for line in case.parents:
        assert refusal(made, line) == case.text


@each_case
def test_it_is_this_rule_that_refuses(case: Case) -> None:
    made = start(case)
    made._rules = Rules(SCHEMA, [rule for rule in RULES.values() if rule.name != case.rule])
    assert refusal(made, *case.refused) != case.text


@each_case
def test_a_rollback_is_never_refused(case: Case) -> None:
    made = start(case)
    past = [made.running]
    for lines in case.steps or (case.allowed,):
        commit(made, *lines)
        past.append(made.running)
    for number in range(len(past) - 1):
        candidate = made.open(ADMIN)
        candidate.rollback(number)
        candidate.check(NOW)
        assert candidate.tree == past[-2 - number]
        made.close(candidate)
    candidate = made.open(ADMIN)
    candidate.rollback(len(past) - 2)
    candidate.commit(NOW)
    assert made.running == past[0]


@each_case
def test_the_end_of_a_confirmed_commit_is_never_refused(case: Case) -> None:
    made = start(case)
    before = made.running
    candidate = edit(made.open(ADMIN, exclusive=True), *case.allowed)
    assert candidate.commit(NOW, confirm=Confirm(1)) is not None
    assert made.running != before
    made.time_out(NOW)
    assert made.running == before


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_texts_and_says_what_it_demands(name: str) -> None:
    rule = RULES[name]
    assert rule.name == rule.check.__name__ == name
    assert re.fullmatch(r"[A-Z].+\.", rule.summary)
    assert rule.texts
    for key in rule.texts:
        assert grammar.message(f"refusal.{key}")


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_cases_for_all_its_texts(name: str) -> None:
    texts = [case.text for case in cases() if case.rule == name]
    assert texts
    for text in texts:
        assert any(re.fullmatch(template(key), text) for key in RULES[name].texts), text
    for key in RULES[name].texts:
        assert any(re.fullmatch(template(key), text) for text in texts), key


@pytest.mark.parametrize("name", RULES)
def test_every_place_that_a_rule_guards_has_a_case(name: str) -> None:
    guarded = {" ".join(node.path) for node in RULES[name].places(SCHEMA)}
    assert {case.at for case in cases() if case.rule == name} == guarded


def test_every_case_is_about_a_rule() -> None:
    assert {case.rule for case in cases()} == set(RULES)
