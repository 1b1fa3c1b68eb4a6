"""Logins: numbers, the limit per user, the order of `show users`."""

import pytest

from sbcsim.clock import Instant
from sbcsim.device.sessions import Sessions
from sbcsim.errors import UserError

NOW = Instant(0, 1_000_000)


def open_one(sessions, user="admin", context="cli", counted=True):
    return sessions.open(user, NOW, context=context, remote="192.0.2.7", counted=counted)


def test_limit_is_per_user():
    sessions = Sessions(limit=lambda user: 2)
    first = open_one(sessions)
    open_one(sessions, context="netconf")
    open_one(sessions, "other")
    with pytest.raises(UserError, match=r"^Maximum number of sessions reached$"):
        open_one(sessions)
    sessions.close(first.id)
    open_one(sessions)


def test_uncounted_sessions_neither_count_nor_are_refused():
    sessions = Sessions(limit=lambda user: 1)
    open_one(sessions, context="rest", counted=False)
    open_one(sessions)
    open_one(sessions, context="rest", counted=False)
    assert len(sessions) == 3


def test_numbers_are_never_used_twice():
    sessions = Sessions(limit=lambda user: 5)
    first = open_one(sessions)
    sessions.close(first.id)
    sessions.close(first.id)
    second = open_one(sessions)
    assert second.id > first.id
    assert sessions.get(first.id) is None
    assert sessions.get(second.id) is second


def test_the_box_ends_sessions_but_not_the_console():
    sessions = Sessions(limit=lambda user: 5)
    console = sessions.open("admin", NOW, context="cli", remote="-", counted=False, console=True)
    one, two, other = open_one(sessions), open_one(sessions), open_one(sessions, "other")
    sessions.end("admin")
    assert [session.over for session in (console, one, two, other)] == [False, True, True, False]
    sessions.end()
    assert list(sessions) == [console]
    assert other.over


def test_newest_first():
    sessions = Sessions(limit=lambda user: 5)
    ids = [open_one(sessions).id for _ in range(3)]
    assert [session.id for session in sessions] == ids[::-1]
    assert next(iter(sessions)).author.since == NOW.calendar
