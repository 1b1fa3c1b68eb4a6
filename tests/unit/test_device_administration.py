"""What `system admin` says of logins and sessions, as the box takes it."""

from __future__ import annotations

import pytest
from inmemory import Box

from sbcsim.device.lockouts import LockoutRules

ADMIN = "set system admin SBC1 "


@pytest.fixture
def box() -> Box:
    return Box()


def test_defaults(box):
    said = box.sbc.administration
    assert (said.banner, said.banner_must_be_accepted, said.idle_seconds, said.most_sessions) == ("", False, 600, 2)
    assert said.lockout == LockoutRules(3, 30)


def test_a_banner_has_to_be_there_to_be_accepted(box):
    box.commit(f"{ADMIN}banner ackBanner enabled")
    assert not box.sbc.administration.banner_must_be_accepted
    box.commit(f"{ADMIN}banner bannerText Halt")
    assert box.sbc.administration.banner_must_be_accepted
    assert box.sbc.administration.banner == "Halt"
    box.commit(f"{ADMIN}banner ackBanner disabled")
    assert not box.sbc.administration.banner_must_be_accepted


def test_idle_time(box):
    box.commit(f"{ADMIN}accountManagement sessionIdleTimeout idleTimeout 1")
    assert box.sbc.administration.idle_seconds == 60
    box.commit(f"{ADMIN}accountManagement sessionIdleTimeout state disabled")
    assert box.sbc.administration.idle_seconds == 0


def test_sessions_follow_at_once(box):
    box.commit(f"{ADMIN}accountManagement maxSessions 1")
    box.sbc.sessions.open("admin", box.now, context="cli", remote="192.0.2.7")
    with pytest.raises(Exception, match="Maximum number of sessions reached"):
        box.sbc.sessions.open("admin", box.now, context="netconf", remote="192.0.2.7")
    box.sbc.sessions.open("other", box.now, context="cli", remote="192.0.2.7")
    box.commit(f"{ADMIN}accountManagement maxSessions 2")
    box.sbc.sessions.open("admin", box.now, context="cli", remote="192.0.2.7")


def test_lockout(box):
    attack = f"{ADMIN}accountManagement bruteForceAttack "
    box.commit(f"{attack}consecutiveFailedAttemptAllowed 10 unlockTime 3600")
    assert box.sbc.administration.lockout == LockoutRules(10, 3600)
    box.commit(f"{attack}allowAutoUnlock disabled")
    assert box.sbc.administration.lockout == LockoutRules(10, None)
    box.commit(f"{attack}state disabled")
    assert box.sbc.administration.lockout is None
