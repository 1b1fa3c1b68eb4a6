"""Every parameter of a pathCheckProfile: what it does, and that an edit waits for the peer's own pathCheck."""

from __future__ import annotations

import pytest
import testca
from inmemory import FarEnd
from livebox import BASE, PEER, PINGING, SET_PEER, SET_PING, ZONE, chain, live_box, peer

from sbcsim.clock import SECOND

OFF, ON = f"{SET_PEER}pathCheck state disabled", f"{SET_PEER}pathCheck state enabled"
OTHER = ("192.0.2.11", 5061)
SECOND_PEER = (
    f"set {ZONE} ipPeer Q ipAddress 192.0.2.11 ipPort 5061",
    f"set {ZONE} ipPeer Q pathCheck profile PCP state enabled",
)


def outcomes(box, name="P"):
    return [event.ok for event in box.events("pathPing") if event.peer == name for _ in range(event.times)]


def changed_at(box, state):
    """Return when peer P came into a state, in seconds."""
    return [
        entry.at.uptime / SECOND
        for entry in box.sbc.journal
        if entry.kind == "pathState" and (entry.event.peer, entry.event.new) == ("P", state)
    ]


def minutes(box, count):
    for _ in range(count):  # one ping each, none of them coalesced
        box.advance("60s")


@pytest.mark.parametrize(
    ("codes", "failing", "passing"),
    [
        (("404", "503"), (404, 503), (200, 403, 504)),
        (("all4xx", "603"), (400, 404, 499, 603), (200, 302, 500, 600)),
        (("all5xx", "all6xx"), (500, 599, 600, 699), (200, 399, 404)),
        (("all", "503"), (400, 503, 699), (200, 202, 302)),
    ],
)
def test_each_of_several_failure_codes_counts(codes, failing, passing):
    box = live_box(f"{SET_PING}failureResponseCodes [{','.join(codes)}]")
    far = box.far_ends[PEER]
    for status, ok in [*((each, False) for each in failing), *((each, True) for each in passing)]:
        far.behaviour = status
        minutes(box, 1)
        assert outcomes(box)[-1] is ok, status


@pytest.mark.parametrize("count", [1, 6, 10])
def test_recovery_takes_so_many_successes_in_a_row(count):
    box = live_box(f"{SET_PING}recoveryCount {count} replyTimeoutCount 1 failureResponseCodes all")
    minutes(box, count - 1)
    assert changed_at(box, "up") == [60 * (count - 1)]
    box.far_ends[PEER].behaviour = 500
    minutes(box, 1)
    assert changed_at(box, "down") == [60 * count]
    box.far_ends[PEER].behaviour = "answer"
    minutes(box, count - 1)
    assert len(changed_at(box, "up")) == 1
    minutes(box, 1)
    assert changed_at(box, "up")[-1] == 60 * 2 * count


@pytest.mark.parametrize("interval", [1, 7, 600])
def test_pings_go_out_every_send_interval(interval):
    box = live_box(f"{SET_PING}sendInterval {interval} recoveryCount 10")
    for _ in range(5):
        box.advance(f"{interval}s")
    assert len(outcomes(box)) == 6
    assert [request.method for request in box.far_ends[PEER].asked] == ["OPTIONS"] * 6


def test_icmp_succeeds_where_nothing_else_could():
    unreachable = [line for line in BASE if "sipSigPort" not in line]
    box = live_box(f"set {ZONE} id 2", f"{SET_PING}protocol icmp", base=tuple(unreachable))
    minutes(box, 1)
    assert peer(box).state == "up"


EDITS = [
    ("failureResponseCodes all", lambda box: not outcomes(box)[-1]),
    ("protocol icmp", lambda box: box.events("pathPing")[-1].reason == "icmp"),
    ("sendInterval 5", lambda box: len(outcomes(box)) > 20),
    ("replyTimeoutCount 1", lambda box: peer(box).state == "down"),
    ("recoveryCount 1", lambda box: peer(box).state == "up"),
    (
        "transportPreference preference1 none preference2 none preference3 none preference4 none",
        lambda box: len(outcomes(box)) < 3,
    ),
]


@pytest.mark.parametrize(("edit", "shows"), EDITS, ids=[edit.split()[0] for edit, _ in EDITS])
def test_every_edit_waits_until_the_path_check_of_the_peer_is_disabled_and_enabled(edit, shows):
    start = f"{SET_PING}sendInterval 60 replyTimeoutCount 10 recoveryCount 10"
    behaviour = "refuse" if edit.startswith("replyTimeout") else 404 if edit.startswith("failure") else "answer"
    box = live_box(start, base=BASE[:-1])
    far = box.far_ends[PEER] = FarEnd(behaviour=behaviour, chain=chain(testca.peer()))
    box.commit(PINGING)
    box.commit(f"{SET_PING}{edit}")
    minutes(box, 3)
    assert len(outcomes(box)) == 4
    assert not shows(box) or edit.startswith("transportPreference")
    assert peer(box).state == "active"
    box.commit(f"{SET_PEER}pathCheck statusUpdateSupport enabled")  # an edit of the peer is no toggle
    box.commit(OFF, ON)  # nor is a commit that ends where it began
    minutes(box, 1)
    assert len(outcomes(box)) == 5
    box.commit(OFF)
    box.sbc.journal.clear()
    far.requests = 0
    box.commit(ON)
    minutes(box, 3)
    assert shows(box)


def test_another_profile_waits_for_the_toggle_too():
    box = live_box("set profiles services pathCheckProfile OTHER sendInterval 1 recoveryCount 10")
    box.commit(f"{SET_PEER}pathCheck profile OTHER")
    minutes(box, 2)
    assert len(outcomes(box)) == 3
    box.commit(OFF)
    box.commit(ON)
    minutes(box, 1)
    assert len(outcomes(box)) == 3 + 1 + 60


def test_a_toggle_is_that_of_one_peer_alone():
    box = live_box(*SECOND_PEER)
    box.far_ends[OTHER] = FarEnd(chain=chain(testca.peer()))
    box.commit(f"{SET_PING}sendInterval 1")
    box.commit(OFF)
    box.commit(ON)
    minutes(box, 1)
    assert (len(outcomes(box)), len(outcomes(box, "Q"))) == (1 + 1 + 60, 1 + 1)
