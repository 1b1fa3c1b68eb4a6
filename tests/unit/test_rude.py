"""The rude box: what its profile holds, and what becomes of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sbcsim.clock import SECOND, Instant
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.faults import Faults
from sbcsim.device.rude import RUDE, be_rude
from sbcsim.errors import UserError
from sbcsim.journal import Journal

START = Instant(0, SECOND)

HARMLESS = frozenset(
    {
        "ssh.banner", "ssh.slow", "cli.greeting", "cli.delay", "cli.pause", "cli.pieces", "cli.notice", "commit.slow",
        "sftp.stall", "sftp.read", "sip.split",
    }
)  # fmt: skip
"""Points at which nothing fails."""


def fired(faults: Faults, point: str, meetings: int, subject: str = "cli") -> list[int]:
    return [number for number in range(meetings) if faults.fires(point, subject, START) is not None]


@pytest.fixture
def rude() -> Faults:
    faults = Faults(Journal(), 1)
    be_rude(faults)
    return faults


def test_what_fails_succeeds_at_the_next_try(rude):
    for each in RUDE:
        assert each.point in HARMLESS or each.gap > 0
    numbers = fired(rude, "ssh.accept", 400)
    assert 20 < len(numbers) < 60
    assert min(later - earlier for earlier, later in pairwise(numbers)) > 3


def test_nothing_takes_long():
    for each in RUDE:
        if POINTS[each.point].value.startswith("milliseconds"):
            assert 0 < int(each.value) <= 50


def test_one_point_changes_nothing_at_another(rude):
    other = Faults(Journal(), 1)
    be_rude(other)
    fired(other, "cli.delay", 50, "show")
    other.add("ssh.accept", probability=0)
    assert fired(rude, "ssh.accept", 200) == fired(other, "ssh.accept", 200)


def test_another_seed_is_another_box():
    boxes = [Faults(Journal(), seed) for seed in (1, 1, 2)]
    for box in boxes:
        be_rude(box)
    one, same, other = (fired(box, "ssh.slow", 100, "admin@cli") for box in boxes)
    assert one == same
    assert one != other


def test_a_gap_lets_meetings_pass():
    faults = Faults(Journal(), 0)
    faults.add("sip.silence", gap=2, nth=2)
    assert fired(faults, "sip.silence", 9) == [1, 4, 7]
    with pytest.raises(UserError, match="gap are not less than 0"):
        faults.add("sip.silence", gap=-1)
