"""Failed logins lock a user: counting, unlocking by node time, and what the configuration says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inmemory import Box

from sbcsim.clock import SECOND, Instant
from sbcsim.device.lockouts import LockoutRules, Lockouts

ATTACK = "set system admin SBC1 accountManagement bruteForceAttack "
WRONG, LOCKING, LOCKED = "wrong password", "wrong password, now locked", "locked"


def at(seconds: int) -> Instant:
    return Instant(seconds * SECOND, seconds * SECOND)


@pytest.fixture
def box() -> Box:
    box = Box()
    box.commit(f"{ATTACK}state enabled")
    box.sbc.users.add("admin", "secret", keys=["ssh-ed25519 AAAA"])
    return box


def tries(box: Box, *passwords: str) -> list[str]:
    return [box.sbc.users.judge("admin", password, box.now) for password in passwords]


def test_three_failures_lock_for_thirty_seconds_of_node_time(box):
    assert tries(box, "a", "b", "c", "secret", "d") == [WRONG, WRONG, LOCKING, LOCKED, LOCKED]
    box.advance("29.999s")
    assert tries(box, "secret") == [LOCKED]
    box.advance("1ms")
    assert tries(box, "a", "b", "secret") == [WRONG, WRONG, ""]


def test_attempts_during_the_lock_do_not_prolong_it(box):
    tries(box, "a", "b", "c")
    for _ in range(5):
        box.advance("5s")
        assert tries(box, "a") == [LOCKED]
    box.advance("5s")
    assert tries(box, "secret") == [""]


def test_success_begins_the_count_anew(box):
    assert tries(box, "a", "b", "secret", "a", "b", "secret") == [WRONG, WRONG, "", WRONG, WRONG, ""]


def test_a_lock_does_not_touch_keys_nor_others(box):
    box.sbc.users.add("other", "secret")
    tries(box, "a", "b", "c")
    assert box.sbc.users.key_allowed("admin", "ssh-ed25519 AAAA")
    assert tries(box, "secret") == [LOCKED]
    assert box.sbc.users.judge("other", "secret", box.now) == ""


def test_the_configuration_decides(box):
    box.commit(f"{ATTACK}consecutiveFailedAttemptAllowed 1 unlockTime 3600")
    assert tries(box, "a", "secret") == [LOCKING, LOCKED]
    box.advance("3599s")
    assert tries(box, "secret") == [LOCKED]
    box.commit(f"{ATTACK}unlockTime 1800")
    assert tries(box, "secret") == [""]
    box.commit(f"{ATTACK}allowAutoUnlock disabled")
    tries(box, "a")
    box.advance("90d")
    assert tries(box, "secret") == [LOCKED]
    box.commit(f"{ATTACK}state disabled")
    assert tries(box, *"abcdefghijk", "secret") == [WRONG] * 11 + [""]
    box.commit(f"{ATTACK}state enabled")
    assert tries(box, "secret") == [""]


def test_nothing_to_guess_nothing_to_lock(box):
    users = box.sbc.users
    users.add("robot", "", keys=["ssh-ed25519 AAAA"])
    assert [users.judge("robot", "x", box.now) for _ in range(5)] == ["no password login"] * 5
    assert [users.judge("nobody", "x", box.now) for _ in range(5)] == ["unknown user"] * 5
    box.commit(
        "set oam localAuth group Guest", "set oam localAuth user admin group Guest passwordLoginSupport disabled"
    )
    assert tries(box, *["secret"] * 5) == ["no password login"] * 5


def test_a_new_user_of_the_name_and_a_reset_begin_anew(box):
    tries(box, "a", "b", "c")
    box.sbc.users.put("admin", None)
    box.sbc.users.add("admin", "secret")
    assert tries(box, "secret", "a", "b", "c", "secret")[-1] == LOCKED
    box.sbc.users.reset(box.sbc.users.moment())
    assert tries(box, "secret") == [""]


@given(
    st.lists(st.one_of(st.sampled_from(["good", "bad"]), st.integers(1, 40)), max_size=60),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(5, 60)),
)
def test_locks_as_the_rules_say(steps, most, seconds):
    locks = Lockouts()
    locks.rules = lambda: LockoutRules(most, seconds)
    now, failures, until = 0, 0, None
    for step in steps:
        if isinstance(step, int):
            now += step
        if until is not None and seconds is not None and now >= until:
            failures, until = 0, None
        assert locks.locked("u", at(now)) is (until is not None)
        if until is not None or isinstance(step, int):
            continue
        if step == "good":
            failures = 0
            locks.free("u")
        else:
            failures += 1
            if failures == most:
                until = now + (seconds or 0)
            assert locks.failed("u", at(now)) is (failures == most)
