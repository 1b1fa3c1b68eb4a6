"""Trunk groups in a box: commits, dry-ups, the tables, and what happens to their calls."""

from __future__ import annotations

import pytest
from inmemory import Box

from sbcsim.clock import MINUTE, Instant
from sbcsim.device.calls import Call, CallState, Leg
from sbcsim.device.redundancy import RestartCause
from sbcsim.device.servicestate import ServiceState
from sbcsim.device.trunkgroup import TrunkGroupKey

ZONE = "set addressContext default zone Z"
GROUP = f"{ZONE} sipTrunkGroup TG"
KEY = ("default", "Z", "TG")
OTHER = ("default", "Z", "TG2")
PATH = "sipTrunkGroup default/Z/TG"


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Box:
    """A box whose calls stand in its tables only: they end without a word to anybody."""
    box = Box()

    def clear(key: TrunkGroupKey, _why: str, _now: Instant) -> None:
        for call in box.sbc._chassis.calls.by_trunk_group(key):
            box.sbc._chassis.calls.end(call.id)

    monkeypatch.setattr(box.sbc._telephony.calls, "clear_trunk_group", clear)
    serving = "state enabled mode inService"
    box.commit(f"{ZONE} id 2", f"{GROUP} {serving}", f"{ZONE} sipTrunkGroup TG2 {serving}")
    return box


def use(box: Box, number: int = 1, egress=None) -> None:
    legs = [None if key is None else Leg(*key, "", f"{number}@far") for key in (KEY, egress)]
    box.sbc._chassis.calls.put(Call(number, CallState.STABLE, *legs, "100", "200", box.now))


def hang_up(box: Box, number: int = 1) -> None:
    box.sbc._chassis.calls.end(number)
    box.sbc._trunk_groups.calls_ended(box.now)


def told(box: Box) -> list[tuple[str, str, str]]:
    return [(event.old, event.new, event.reason) for event in box.events("portState") if event.object == PATH]


def shown(box: Box) -> str:
    rows = box.sbc.rows(("addressContext", "default", "zone", "Z", "trunkGroupStatus"))
    (globally,) = (row for row in box.sbc.rows(("global", "globalTrunkGroupStatus")) if row["name"] == "TG")
    assert globally["state"] == rows[0]["state"]
    return rows[0]["state"]


STARTED = ("outOfService", "inService", "mode inService state enabled")
DRAINING = ("inService", "draining", "mode outOfService")


def test_in_service_by_a_commit(box):
    assert told(box) == [STARTED]
    assert shown(box) == "inService"
    assert box.sbc._trunk_groups.serves(KEY)
    assert not box.sbc._trunk_groups.serves(("default", "Z", "NONE"))


def test_without_calls_a_dry_up_is_over_at_once(box):
    box.commit(f"{GROUP} mode outOfService")
    assert told(box) == [STARTED, ("inService", "outOfService", "mode outOfService")]
    assert shown(box) == "outOfService"


def test_force_ends_the_calls_of_this_trunk_group_at_once(box):
    use(box, 1, OTHER)
    use(box, 2)
    box.sbc._chassis.calls.put(Call(3, CallState.STABLE, Leg(*OTHER, "", "3@far"), None, "100", "200", box.now))
    box.commit(f"{GROUP} action force mode outOfService")
    assert told(box)[1:] == [("inService", "outOfService", "mode outOfService")]
    assert [call.id for call in box.sbc.calls()] == [3]


def test_a_dry_up_turns_new_calls_away_and_clears_the_rest_at_its_end(box):
    use(box)
    box.commit(f"{GROUP} dryUpTimeout 7 mode outOfService")
    assert told(box)[1:] == [DRAINING]
    assert shown(box) == "oosPending"
    assert not box.sbc._trunk_groups.serves(KEY)
    box.advance_by(7 * MINUTE - 1)
    assert len(box.sbc.calls()) == 1
    box.advance_by(1)
    assert told(box)[2:] == [("draining", "outOfService", "dry-up ended")]
    assert box.sbc.calls() == ()
    assert shown(box) == "outOfService"


def test_a_trunk_group_is_dry_with_the_last_call(box):
    use(box, 1)
    use(box, 2)
    box.commit(f"{GROUP} mode outOfService")
    hang_up(box, 1)
    assert shown(box) == "oosPending"
    hang_up(box, 2)
    assert told(box)[1:] == [DRAINING, ("draining", "outOfService", "last call ended")]
    box.advance("1h")
    assert len(told(box)) == 3


def test_without_a_time_it_lasts_as_long_as_its_calls(box):
    use(box)
    box.commit(f"{GROUP} dryUpTimeout 0 mode outOfService")
    box.advance("30d")
    assert (shown(box), len(box.sbc.calls())) == ("oosPending", 1)
    hang_up(box)
    assert shown(box) == "outOfService"


def test_back_in_service_before_the_end_keeps_the_calls(box):
    use(box)
    box.commit(f"{GROUP} mode outOfService")
    box.commit(f"{GROUP} mode inService")
    assert told(box)[2:] == [("draining", "inService", "mode inService state enabled")]
    texts = [event.text for event in box.events("log") if "dry-up" in event.text]
    assert texts == [f"{PATH} back in service before its dry-up ended: no call was cleared"]
    box.advance("1h")
    assert (shown(box), len(box.sbc.calls())) == ("inService", 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{GROUP} state disabled", "state disabled"),
        (f"{GROUP} action force", "mode outOfService"),
    ],
)
def test_the_dry_up_of_a_trunk_group_is_cut_short(box, line, reason):
    use(box)
    box.commit(f"{GROUP} mode outOfService")
    box.commit(line)
    assert told(box)[2:] == [("draining", "outOfService", reason)]
    assert box.sbc.calls() == ()


def test_a_trunk_group_that_is_deleted_ends_its_calls_and_forgets_what_it_counted(box):
    use(box)
    box.sbc._chassis.message_counts.retransmitted(KEY, "BYE")
    box.commit(f"{GROUP} mode outOfService state disabled", "delete addressContext default zone Z sipTrunkGroup TG")
    assert told(box)[1:] == [("inService", "outOfService", "deleted")]
    assert box.sbc.calls() == ()
    assert box.sbc._chassis.message_counts.row(KEY)["byeRetransmit"] == 0


def test_a_commit_elsewhere_is_none_of_its_business(box):
    use(box)
    box.commit(f"{GROUP} mode outOfService")
    box.commit("set addressContext default zone Y id 3 sipTrunkGroup TG3 state enabled")
    box.commit(f"{ZONE} ipPeer P ipAddress 192.0.2.1")
    assert told(box)[1:] == [DRAINING]


def test_a_restart_begins_anew(box):
    use(box)
    box.commit(f"{GROUP} mode outOfService")
    box.sbc.restart(RestartCause.SYSTEM, box.now)
    assert box.sbc._trunk_groups.state(KEY) is ServiceState.OUT_OF_SERVICE
    assert box.sbc._trunk_groups.serves(OTHER)
    box.advance("1h")
    assert told(box)[1:] == [DRAINING]
