"""Restarting the simulated application, and saving the configuration."""

from __future__ import annotations

import pytest
import testca
from inmemory import AUTHOR, Box
from livebox import LISTENER, PEER, SET_PEER, SET_PING, chain, live_box

from sbcsim.config.render import set_lines
from sbcsim.device.alarms import AlarmName
from sbcsim.device.effects import StopListening
from sbcsim.device.nodestate import NodeMoment

ADMIN = ("system", "admin", "SBC1")
ZONE = ("addressContext", "default", "zone", "Z")


@pytest.fixture
def box() -> Box:
    return live_box("set system admin SBC1 actualSystemName SBC1")


def act(box: Box, action: str, **inputs: str) -> dict[str, object]:
    output = dict(box.sbc.request(ADMIN, action, inputs, AUTHOR, box.now))
    box.pump()
    return output


def server(box: Box):
    (row,) = box.sbc.rows(("system", "serverStatus"))
    return row["upTime"], row["applicationUpTime"], row["lastRestartReason"]


@pytest.mark.parametrize(
    ("action", "up", "reason"),
    [("restart", "0 Days 00:10:00", "systemRestart"), ("softReset", "0 Days 01:10:00", "systemSoftReset")],
)
def test_up_times_and_reason(box, action, up, reason):
    box.advance("1h")
    assert act(box, action) == {"result": "success"}
    box.advance("10m")
    assert server(box) == (up, "0 Days 00:10:00", reason)
    box.sbc.reset(box.now)
    assert server(box)[2] == "systemRestart"


def test_connections_end_and_ports_go_on(box):
    box.commit("set addressContext default zone Z ipPeer P pathCheck state disabled")
    first = box.connect(LISTENER, chain(testca.peer()))
    act(box, "restart")
    assert box.sbc.connections() == []
    assert first in box.closed
    assert LISTENER in {listener.address for listener in box.listening}
    assert not any(isinstance(effect, StopListening) for effect in box.effects)
    second = box.connect(LISTENER, chain(testca.peer()))
    assert second > first
    (counters,) = box.sbc.rows((*ZONE, "sipSigPortTlsStatistics"))
    assert counters["totalServerConnections"] == 1


def test_peers_are_pinged_at_once_and_at_their_pace(box):
    box.advance("130s")
    pings = len(box.events("pathPing"))
    act(box, "softReset")
    assert len(box.events("pathPing")) == pings + 1
    assert all(event.ok for event in box.events("pathPing"))
    box.advance("59s")
    assert len(box.events("pathPing")) == pings + 1
    box.advance("1s")
    assert len(box.events("pathPing")) == pings + 2


def test_a_dry_up_under_way_ends_with_the_restart(box):
    port = "set addressContext default zone Z sipSigPort 1 "
    box.commit(f"{port}action dryup mode outOfService")
    act(box, "restart")
    assert box.sbc.listeners() == {}
    assert box.listening == set()
    box.advance("61m")
    box.commit(f"{port}mode inService")
    assert LISTENER in {listener.address for listener in box.listening}


def test_configuration_alarms_and_journal_stay(box):
    box.far_ends[PEER].behaviour = "silent"
    box.advance("10m")
    alarms = [alarm.description for alarm in box.sbc.alarms().current]
    running = box.database.running
    assert alarms
    act(box, "restart")
    assert box.database.running is running
    assert [alarm.description for alarm in box.sbc.alarms().current] == alarms
    assert any("Application restarted: systemRestart" in line for line in box.sbc.event_log.lines("system"))


def return_to(box: Box, moment: NodeMoment | None = None) -> None:
    box.clock.restart(box.now.calendar - box.now.uptime)
    box.sbc.reset(box.now, moment)
    box.pump()


@pytest.mark.parametrize(
    "lines",
    [
        [f"{SET_PING}replyTimeoutCount 1", f"{SET_PEER}pathCheck hostName nowhere.example.com"],
        [f"{SET_PING}protocol icmp recoveryCount 1"],
    ],
    ids=["down", "up"],
)
def test_a_reset_brings_back_the_alarms_of_the_start_and_no_others(lines):
    box = live_box(*lines)
    box.sbc.adopt_start()
    start = box.sbc.alarms()
    assert len(start.history) == 1
    for _ in range(2):
        box.advance("100d")
        return_to(box)
        assert box.sbc.alarms() == start


def test_after_a_return_to_a_moment_a_peer_that_was_down_is_down_when_it_fails_again(box):
    box.far_ends[PEER].behaviour = "silent"
    box.advance("50d")
    moment, before = box.sbc.moment(), box.sbc.alarms()
    assert [view.state for view in box.sbc.peers()] == ["down"]
    return_to(box, moment)
    assert [view.state for view in box.sbc.peers()] == ["active"]
    others = [alarm for alarm in before.current if alarm.name is not AlarmName.PATH_DOWN]
    assert len(others) == len(before.current) - 1
    assert list(box.sbc.alarms().current) == others
    assert [alarm for alarm in box.sbc.alarms().history if alarm.name is AlarmName.PATH_DOWN] == []
    box.advance("3m")
    (down,) = (alarm for alarm in box.sbc.alarms().current if alarm.name is AlarmName.PATH_DOWN)
    assert down.count == 1


def test_sessions_are_ended(box):
    ended = []
    box.sbc.hang_up = lambda user: ended.append((user, box.now))
    act(box, "softReset")
    assert len(ended) == 1


def test_the_saved_configuration_loads(box):
    box.advance("90s")
    assert act(box, "saveConfig") == {"result": "success"}
    assert act(box, "saveConfig", fileNameSuffix="before-renewal") == {"result": "success"}
    saved = [name for name, _ in box.sbc.files.entries("/opt/sonus/external") if name.startswith("config")]
    assert saved == ["config_SBC1_20260101_000130.cli", "config_SBC1_20260101_000130_before-renewal.cli"]
    text = box.sbc.files.read(f"/opt/sonus/external/{saved[0]}").decode()
    assert text.splitlines() == [*set_lines(box.database.running)]


def test_a_full_directory_is_told(box, monkeypatch):
    monkeypatch.setattr("sbcsim.device.files.ENTRY_LIMIT", 1)
    output = act(box, "saveConfig")
    assert output["result"] == "failure"
    assert output["reason"]
