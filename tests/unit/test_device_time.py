"""The device on a moving clock: jumps that begin late, are broken off, or meet flowing time."""

from __future__ import annotations

from livebox import BASE, SET_PING, ZONE, live_box

from sbcsim.clock import DAY, HOUR, MINUTE, SECOND, Clock, Mode, Order
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Database
from sbcsim.device.firing import AT_ONCE
from sbcsim.device.sbc import Sbc
from sbcsim.schema import load

MIDNIGHT = 20_000 * DAY


def test_a_jump_never_leads_back_to_what_came_due_just_before_it_began():
    host = [0]
    clock = Clock(Mode.REAL, MIDNIGHT - SECOND, lambda: host[0])
    sbc = Sbc(Database(load.load(), cipher=Cipher(0)), clock)
    sbc.start(clock.reading())
    host[0] = 2 * SECOND  # midnight has passed, nobody has looked yet
    clock.hold()
    assert sbc.next_due() == SECOND
    assert sbc.plan(HOUR) == 2 * SECOND


def test_the_daily_job_keeps_to_midnight_however_late_it_is_fired():
    host = [0]
    clock = Clock(Mode.REAL, MIDNIGHT - HOUR, lambda: host[0])
    sbc = Sbc(Database(load.load(), cipher=Cipher(0)), clock)
    sbc.start(clock.reading())
    host[0] = HOUR + 7 * SECOND
    sbc.fire(clock.reading())
    assert sbc.next_due() == DAY  # the re-check
    sbc.fire(clock.move_to(DAY))
    assert sbc.next_due() == HOUR + DAY  # midnight


def test_an_instant_is_finished_when_nothing_is_due_at_it_however_much_that_was():
    peers = [f"set {ZONE} ipPeer P{n} ipAddress 192.0.2.{n + 20}" for n in range(2 * AT_ONCE)]
    checks = [f"set {ZONE} ipPeer P{n} pathCheck profile PCP state enabled" for n in range(2 * AT_ONCE)]
    box = live_box(*peers, *checks, f"{SET_PING}protocol icmp recoveryCount 10", base=BASE[:-2])
    for check in box.sbc._paths:  # all of them at one instant
        box.sbc._chassis.timetable.own.set(("ping", check.peer.key), MINUTE, Order.PING)
    box.clock.move_to(MINUTE)
    turns = 0
    while turns == 0 or box.sbc.unfinished(box.now):
        box.sbc.fire_planned(box.now)
        turns += 1
    assert turns == 2
    assert len(box.events("pathPing")) == 2 * len(peers)
