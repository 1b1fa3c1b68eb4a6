"""Snapshots by name."""

from __future__ import annotations

import pytest

from sbcsim.clock import VirtualClock
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Database
from sbcsim.device.sbc import Sbc
from sbcsim.errors import UserError
from sbcsim.schema.load import load
from sbcsim.snapshots import LONGEST, MOST, Kept, Snapshots

CLOCK = VirtualClock()
NODE = Sbc(Database(load(), cipher=Cipher(0)), CLOCK).moment()


def kept(name: str, revision: int = 0) -> Kept:
    return Kept(name, CLOCK.reading(), revision, NODE)


def test_a_later_one_takes_the_place_of_an_earlier_one_of_its_name():
    snapshots = Snapshots()
    for revision, name in enumerate(("a", "b", "a")):
        snapshots.keep(kept(name, revision))
    assert [(each.name, each.revision) for each in snapshots] == [("b", 1), ("a", 2)]
    assert snapshots.find("a").revision == 2
    snapshots.drop("b")
    assert [each.name for each in snapshots] == ["a"]
    snapshots.drop()
    assert list(snapshots) == []


def test_what_is_not_there_is_said_with_what_is():
    snapshots = Snapshots()
    with pytest.raises(UserError, match='no snapshot "a"; there are: none'):
        snapshots.find("a")
    snapshots.keep(kept("b"))
    snapshots.keep(kept("c"))
    with pytest.raises(UserError, match="there are: b, c"):
        snapshots.drop("a")


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "x" * (LONGEST + 1)])
def test_a_name_has_to_fit_into_a_line_and_a_path(name):
    snapshots = Snapshots()
    with pytest.raises(UserError, match="is no name for a snapshot"):
        snapshots.keep(kept(name))
    assert list(snapshots) == []


def test_only_so_many_are_kept_and_none_is_lost_by_one_more():
    snapshots = Snapshots()
    for number in range(MOST):
        snapshots.keep(kept(str(number)))
    with pytest.raises(UserError, match=f"there are {MOST} snapshots already"):
        snapshots.keep(kept("more"))
    snapshots.keep(kept("0", 7))
    assert (len(list(snapshots)), snapshots.find("0").revision) == (MOST, 7)
