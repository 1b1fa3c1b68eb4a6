"""The pings of many peers: all at once at the commit, then each in a place of its own within the interval."""

from __future__ import annotations

from collections import Counter

import pytest
import testca
from inmemory import Box, FarEnd
from livebox import BASE, ZONE, chain

from sbcsim.clock import SECOND, parse_duration
from sbcsim.device.outstanding import VAIN_WAITS
from sbcsim.device.pingspread import SLOTS, UNMOVED, PingSpread
from sbcsim.device.settings import Settings

MANY = 300


def crowd(
    count: int = MANY,
    *,
    seed: int = 0,
    behaviour: str | int = "answer",
    profile: str = "",
    transport: str = "sip-udp",
) -> Box:
    """Return a box that pings so many peers since one instant, over UDP as a rule; every fifth behaves otherwise."""
    box = Box(start=testca.START, settings=Settings(seed=seed))
    box.put("ca.der", testca.authority().certificate.der)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    lines = [line.replace("sip-tls-tcp", transport) for line in BASE[:-2]]
    for number in range(count):
        address = f"192.0.{2 + number // 250}.{number % 250 + 1}"
        box.far_ends[address, 5060] = FarEnd(
            behaviour=behaviour if number % 5 == 0 else "answer", chain=chain(testca.peer())
        )
        lines.append(f"set {ZONE} ipPeer P{number} ipAddress {address} pathCheck profile PCP state enabled")
    box.commit(*lines, *([f"set profiles services pathCheckProfile PCP {profile}"] if profile else ()))
    return box


def waits(box: Box, text: str) -> tuple[int, int]:
    """Advance as the driver does; return how often it would wait in vain, and how often for known silence alone."""
    full = little = 0
    target = box.now.uptime + parse_duration(text)
    while (due := box.sbc.plan(target)) is not None:
        box.clock.move_to(due)
        while True:
            box.sbc.fire_planned(box.now)
            box.pump()
            if not box.sbc.unfinished(box.now):
                break
        while box.sbc.outstanding():
            if not box.sbc.resigned():
                full, little = full + box.sbc.hopeful(), little + (not box.sbc.hopeful())
            box.sbc.give_up(box.now)
            box.pump()
    box.clock.move_to(target)
    return full, little


def pinged_at(box: Box) -> dict[str, list[float]]:
    """Return when each peer's pings ended, in seconds, those that a jump spared as often as they count."""
    found: dict[str, list[float]] = {}
    for entry in box.sbc.journal:
        if entry.kind == "pathPing":
            found.setdefault(entry.event.peer, []).extend([entry.at.uptime / SECOND] * entry.event.times)
    return found


def test_the_first_pings_go_out_at_the_commit_and_the_next_ones_are_spread():
    box = crowd()
    assert all(times == [0] for times in pinged_at(box).values())
    box.advance("60s")
    second = Counter(times[1] for times in pinged_at(box).values())
    assert max(second.values()) <= 2 * UNMOVED  # those who stay, and whoever drew the last place
    assert len(second) > 80
    assert second[60] >= UNMOVED
    assert all(0 < each <= 60 for each in second)


def test_every_peer_is_pinged_once_in_every_interval():
    box = crowd(profile="recoveryCount 10")  # not settled: each ping is sent at its own instant
    for _ in range(4):
        box.advance("60s")
    found = pinged_at(box)
    assert {len(times) for times in found.values()} == {5}
    for first, second, *later in found.values():
        assert first == 0
        assert [round(each - second, 6) for each in later] == [60, 120, 180]


def test_a_few_peers_stay_together():
    box = crowd(UNMOVED)
    box.advance("60s")
    assert {tuple(times) for times in pinged_at(box).values()} == {(0, 60)}


def test_the_seed_and_the_peer_decide():
    def places(seed):
        box = crowd(60, seed=seed)
        box.advance("60s")
        return {peer: times[1] for peer, times in pinged_at(box).items()}

    assert places(1) == places(1) != places(2)


def test_peers_that_begin_at_another_instant_are_no_crowd():
    spread = PingSpread(0)
    box = Box()
    crowded = [spread.gap(("default", "Z", f"P{n}"), 60 * SECOND, box.now) for n in range(2 * UNMOVED)]
    assert crowded[:UNMOVED] == [60 * SECOND] * UNMOVED
    assert set(crowded[UNMOVED:]) != {60 * SECOND}
    assert all(each * SLOTS % (60 * SECOND) == 0 for each in crowded)
    box.advance("1s")
    assert spread.gap(("default", "Z", "Q"), 60 * SECOND, box.now) == 60 * SECOND


def test_a_ping_that_still_has_its_time_is_not_cut_short_by_the_next_one():
    box = crowd(120, behaviour="silent", profile="replyTimeoutCount 10")
    box.advance("5m")
    failed = [entry for entry in box.sbc.journal if entry.kind == "pathPing" and not entry.event.ok]
    sent = {}
    for entry in box.sbc.journal:
        if entry.kind == "sip" and entry.event.direction == "out":
            sent.setdefault(entry.event.call_id, entry.at.uptime)
    silent = {f"P{number}" for number in range(0, 120, 5)}
    assert {entry.event.peer for entry in failed} == silent
    ends = {entry.at.uptime for entry in failed}
    assert ends <= {begun + 32 * SECOND for begun in sent.values()}


@pytest.mark.parametrize("behaviour", ["answer", "silent", 404])
def test_pieces_of_a_jump_end_like_the_whole(behaviour):
    def run(*pieces: str):
        box = crowd(120, behaviour=behaviour, profile="failureResponseCodes all")
        for piece in pieces:
            box.advance(piece)
        table = dict(box.sbc.rows(("addressContext", "default", "zone", "Z", "sipSigPortStatistics"))[0])
        views = [(view.name, view.state, view.successes, view.failures) for view in box.sbc.peers()]
        return table, views, {peer: len(times) for peer, times in pinged_at(box).items()}

    whole = run("3h")
    assert whole == run("7s", "30s", "23s", "3m", "56m", "2h")
    assert {state for _, state, *_ in whole[1]} == ({"up"} if behaviour == "answer" else {"up", "down"})


@pytest.mark.parametrize(
    ("transport", "behaviour"), [("sip-udp", "silent"), ("sip-tcp", "silent"), ("sip-tcp", "hang")]
)
def test_peers_that_wait_for_their_time_out_cost_a_jump_no_more_than_those_that_answer(transport, behaviour):
    box = crowd(100, behaviour=behaviour, transport=transport)
    box.advance("1h")
    before = box.sbc.journal.last
    box.advance("30d")
    assert box.sbc.journal.last - before < 100 * 30  # of 4.3 million pings
    assert {view.state for view in box.sbc.peers()} == {"up", "down"}


def test_a_peer_that_is_not_settled_does_not_have_the_others_pinged_one_by_one():
    box = crowd(100, profile="replyTimeoutCount 10")
    box.advance("1h")
    restless = box.far_ends["192.0.2.1", 5060]
    restless.behaviour = "silent"
    requests = {address: far.requests for address, far in box.far_ends.items()}
    box.advance("1h")
    assert all(far.requests - requests[address] < 5 for address, far in box.far_ends.items() if far is not restless)


@pytest.mark.parametrize(
    ("transport", "behaviour"), [("sip-udp", "silent"), ("sip-tcp", "silent"), ("sip-tcp", "hang")]
)
def test_a_move_is_held_up_a_few_times_by_all_that_are_known_to_be_silent(transport, behaviour):
    box = crowd(500, behaviour=behaviour, transport=transport)  # 100 of them silent
    box.advance("5m")
    assert {view.state for view in box.sbc.peers()} == {"up", "down"}
    for step in ("60s", "60s", "1h", "1d"):
        assert waits(box, step) == (0, VAIN_WAITS)
    silent = {view.name: (view.successes, view.failures) for view in box.sbc.peers() if view.state == "down"}
    assert len(silent) == 100
    for far in box.far_ends.values():
        far.behaviour = "answer"
    waits(box, "1m")
    waits(box, "1m")
    assert {view.state for view in box.sbc.peers()} == {"up"}


def test_who_answers_again_holds_nobody_up():
    box = crowd(500, behaviour="silent")
    box.advance("1h")
    for far in box.far_ends.values():
        far.behaviour = "answer"
    assert waits(box, "1h") == (0, 0)


@pytest.mark.parametrize("transport", ["sip-udp", "sip-tcp"])
def test_who_is_not_waited_for_counts_like_who_is(transport):
    def run(move):
        box = crowd(500, behaviour="silent", transport=transport)
        box.advance("10m")
        for step in ("1h", "60s", "7m", "1d"):
            move(box, step)
        table = dict(box.sbc.rows(("addressContext", "default", "zone", "Z", "sipSigPortStatistics"))[0])
        return table, [(view.name, view.state, view.failures) for view in box.sbc.peers()]

    assert run(Box.advance) == run(waits)
