"""A peer that was silent for a while, and a clock that goes on in steps: who speaks again is heard."""

from __future__ import annotations

from pathlib import Path

import pytest
import testca
from farend import context
from meeting import CLIENT, Meeting, meeting
from misbehaviour import stay_silent


async def silence(met: Meeting) -> None:
    """Have the peer miss a handshake, and answer from now on."""
    await met.meet(stay_silent, context("TLSv1.2", testca.peer(), server=True))
    assert met.alarms == ["sonusSbxPathCheckPingStateDownNotification2"]
    met.expect(lambda _, far: far.establish(), context("TLSv1.2", testca.peer(), server=True))


@pytest.mark.parametrize("step", [30, 59, 60, 61, 600])
async def test_who_speaks_again_is_up_with_the_next_ping_however_the_clock_goes_on(tmp_path: Path, step: int) -> None:
    async with meeting(tmp_path, CLIENT, "TLSv1.2") as met:
        await silence(met)
        for _ in range(2 if step < 60 else 1):
            await met.box.advance(seconds=step)
        assert met.alarms == []
        assert met.box.journal("pathState")[-1].event.new == "up"
