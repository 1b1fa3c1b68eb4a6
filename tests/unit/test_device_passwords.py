"""New passwords: the rules, the history, and who has to choose another one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inmemory import Box

from sbcsim.device.passwords import PasswordChange, PasswordRules
from sbcsim.device.users import Account, Users
from sbcsim.errors import UserError

RULES = PasswordRules()
WEAK = "password does not meet the password rules"
GOOD = "Ab1-wxyz"


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        (GOOD, True),
        ("Ab1-wxy", False),
        ("ab1-wxyz", False),
        ("AB1-WXYZ", False),
        ("Abc-wxyz", False),
        ("Ab12wxyz", False),
        ("Ab1-xxxz", True),
        ("Ab1-xxxx", False),
        ("Ab1 wxyz", True),
        ("\N{LATIN CAPITAL LETTER A WITH DIAERESIS}b1-wxyz", True),
        ("", False),
    ],
)
def test_factory_rules(password, fits):
    assert RULES.met_by(password) is fits


@pytest.mark.parametrize(
    ("old", "fits"),
    [("Ab1-wxyz", False), ("Ab1-wx99", False), ("Ab1-9999", True), ("Ab1-", True), ("Ab1-wxyz1234", True)],
)
def test_difference_to_the_old_password(old, fits):
    assert RULES.met_by(GOOD, old) is fits


@pytest.mark.parametrize(
    "rules",
    [
        PasswordRules(length=9),
        PasswordRules(uppercase=2),
        PasswordRules(lowercase=6),
        PasswordRules(digits=2),
        PasswordRules(others=2),
    ],
)
def test_each_rule_counts(rules):
    assert not rules.met_by(GOOD)
    assert rules.met_by("ABabcdef12--")


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_password_is_too_odd_to_judge(new, old):
    assert RULES.met_by(new, old) <= RULES.met_by(new)
    assert not RULES.met_by(new, new)


def test_the_configuration_sets_the_rules():
    box = Box()
    assert box.sbc.administration.password_rules == RULES
    box.commit("set system admin SBC1 passwordRules minimumLength 12 passwordHistoryDepth 0 minimumNumberOfDigits 0")
    assert box.sbc.administration.password_rules == PasswordRules(length=12, history=0, digits=0)


def chain(users: Users, *passwords: str, rules: PasswordRules = RULES) -> list[bool]:
    """Give a user one password after the other; return which were taken."""
    return [taken(users, password, rules) for password in passwords]


def taken(users: Users, password: str, rules: PasswordRules) -> bool:
    try:
        users.reset_password("u", password, rules)
    except UserError:
        return False
    return users.check("u", password)


def test_the_last_passwords_do_not_come_back():
    users = Users()
    users.add("u", "P0-start")
    one, two, three, four, five = (f"P{number}-password" for number in range(1, 6))
    assert chain(users, one, two, three, four) == [True] * 4
    assert chain(users, four, three, two, one, five, one, two) == [False, False, False, False, True, False, False]
    assert chain(users, "P6-password", one, three, two) == [True, True, False, True]


@given(st.lists(st.integers(0, 7), max_size=25), st.integers(0, 5))
def test_history_as_a_list(picks, depth):
    users, rules = Users(), PasswordRules(history=depth)
    users.add("u", "start")
    history = ["start"]
    for pick in picks:
        password = f"P{pick}-password"
        used = depth > 0 and password in history[-depth - 1 :]
        assert chain(users, password, rules=rules) == [not used]
        if not used:
            history.append(password)
        assert users.check("u", history[-1])


def test_the_own_choice_is_held_against_the_old_one():
    users = Users()
    users.add("u", GOOD)
    with pytest.raises(UserError, match=WEAK):
        users.change_password("u", GOOD, "Ab1-wxy9", RULES)
    users.change_password("u", GOOD, "Ab1-9876", RULES)
    assert users.check("u", "Ab1-9876")


@pytest.mark.parametrize(
    ("policy", "at_first", "after_reset"),
    [(PasswordChange.NEVER, False, False), (PasswordChange.RESET, False, True), (PasswordChange.FIRST, True, True)],
)
def test_who_has_to_change(policy, at_first, after_reset):
    users = Users()
    users.password_change = policy
    users.begin("u", GOOD)
    assert users.must_change("u") is at_first
    users.change_password("u", GOOD, "Ab1-9876", RULES)
    assert not users.must_change("u")
    users.reset_password("u", "Zz9-password", RULES)
    assert users.must_change("u") is after_reset
    users.password_change = PasswordChange.NEVER
    assert not users.must_change("u")
    assert not users.must_change("nobody")


def test_a_reset_lifts_a_lock():
    box = Box()
    users = box.sbc.users
    users.add("u", GOOD)
    for _ in range(3):
        users.judge("u", "x", box.now)
    assert users.judge("u", GOOD, box.now) == "locked"
    users.reset_password("u", "Zz9-password", RULES)
    assert users.judge("u", "Zz9-password", box.now) == ""


def test_an_account_survives_whole():
    account = Account("u", "Guest", b"1", frozenset({"k"}), False, True, True, (b"2", b"3"))
    assert Account.unpacked(account.packed()) == account


def test_an_account_of_the_first_format_is_read():
    old = json.dumps(["u", "Guest", "31", ["k"], True, False]).encode()
    assert Account.unpacked(old) == Account("u", "Guest", b"1", frozenset({"k"}), True, False)
