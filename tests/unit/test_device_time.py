"""The device on a moving clock: jumps that begin late, are broken off, or meet flowing time."""

from __future__ import annotations

from sbcsim.clock import DAY, HOUR, SECOND, Clock, Mode
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Database
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
