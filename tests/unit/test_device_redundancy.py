"""The pair of servers: roles, catching up, what a switchover ends and what it leaves."""

from __future__ import annotations

import pytest
import testca
from inmemory import AUTHOR, Box
from livebox import LISTENER, PEER, SET_PROFILE, chain, live_box, names, peer, renew, tls_counters

from sbcsim.clock import Instant
from sbcsim.device.effects import Closing, HandshakeFailure
from sbcsim.device.redundancy import HaMode, RestartCause, Servers, SyncState
from sbcsim.device.settings import Settings
from sbcsim.errors import BugError

ADMIN = ("system", "admin", "SBC1")
SECOND = 1_000_000


def pair(mode: HaMode = HaMode.PAIR, *lines: str) -> Box:
    return live_box("set system admin SBC1 actualSystemName SBC1", *lines, settings=Settings(ha=mode))


@pytest.fixture
def box() -> Box:
    return pair()


def switch_over(box: Box) -> dict[str, object]:
    output = dict(box.sbc.request(ADMIN, "switchover", {}, AUTHOR, box.now))
    box.pump()
    return output


def on_server(box: Box, name: str, action: str) -> None:
    box.sbc.request(("system", "serverAdmin", name), action, {}, AUTHOR, box.now)
    box.pump()


def servers(box: Box, *leaves: str) -> list[tuple[object, ...]]:
    return [tuple(row[leaf] for leaf in leaves) for row in box.sbc.rows(("system", "serverStatus"))]


def accepted(box: Box) -> bool:
    return box.sbc.connection(box.connect(LISTENER, chain(testca.peer()))) is not None


ROLES = ("name", "mgmtRedundancyRole", "syncStatus", "lastRestartReason")
SUCCESS = {"result": "success", "reason": ""}


# the machine by itself


def test_an_impossible_swap_changes_nothing():
    single, behind = Servers(HaMode.NONE, "S"), Servers(HaMode.PAIR, "S")
    behind.fall_behind(Instant(0, 0))
    for each in (single, behind):
        with pytest.raises(BugError):
            each.swap(Instant(1, 1))
        assert each.active.name == "Sa"
        assert each.active.cause is RestartCause.SYSTEM
    assert single.sync is SyncState.UNPROTECTED


def test_roles_go_back_and_forth():
    both = Servers(HaMode.PAIR, "S")
    for name in ("Sb", "Sa", "Sb"):
        both.swap(Instant(5, 5))
        assert both.active.name == name
        assert both.standby is not both.active
    both.restart()
    assert (both.active.name, both.active.application_started) == ("Sa", 0)


# refusals


def test_without_a_standby():
    box = live_box("set system admin SBC1 actualSystemName SBC1")
    assert switch_over(box) == {"result": "failure", "reason": "no standby server"}
    assert servers(box, *ROLES) == [("SBC1a", "active", "unprotected", "systemRestart")]
    assert names(box) == ["OLD"]


def test_a_standby_that_is_behind(box):
    assert switch_over(box) == SUCCESS
    box.advance("59s")
    assert switch_over(box) == {"result": "failure", "reason": "standby server is not synchronized"}
    assert {row["status"] for row in box.sbc.rows(("system", "syncStatus"))} == {"syncInProgress"}
    box.advance("1s")
    assert {row["status"] for row in box.sbc.rows(("system", "syncStatus"))} == {"syncCompleted"}
    assert [event.standby for event in box.events("synchronised")] == ["SBC1a"]
    assert switch_over(box) == SUCCESS


# what it does


def test_roles_and_times(box):
    box.advance("1h")
    assert servers(box, *ROLES) == [
        ("SBC1a", "active", "syncCompleted", "systemRestart"),
        ("SBC1b", "standby", "syncCompleted", "systemRestart"),
    ]
    switch_over(box)
    box.advance("10s")
    assert servers(box, *ROLES) == [
        ("SBC1a", "standby", "syncInProgress", "systemRestart"),
        ("SBC1b", "active", "syncInProgress", "switchover"),
    ]
    assert servers(box, "upTime", "applicationUpTime") == [
        ("0 Days 01:00:10", "0 Days 00:00:10"),
        ("0 Days 01:00:10", "0 Days 01:00:10"),
    ]
    (event,) = box.events("switchover")
    assert (event.active, event.standby, event.reason) == ("SBC1b", "SBC1a", "asked for by admin")
    (alarm,) = [alarm for alarm in box.sbc.alarms().current if "now active" in alarm.description]
    assert alarm.description == "Server SBC1b is now active"
    assert alarm.name.event == "sonusCpRedundGroupSwitchOverNotification"


def test_every_connection_is_reset_and_new_ones_use_the_new_certificate(box):
    inbound = box.connect(LISTENER, chain(testca.peer()))
    renew(box)
    assert names(box) == ["OLD", "OLD"]
    before = {record.id for record in box.sbc.connections()}
    switch_over(box)
    assert box.closings == dict.fromkeys(before, Closing.RESET)
    assert inbound in before
    assert LISTENER in {listener.address for listener in box.listening}
    assert names(box) == ["NEW"]  # the peer was pinged at once
    box.connect(LISTENER, chain(testca.peer()))
    assert names(box) == ["NEW", "NEW"]


def test_counters_begin_anew_and_alarms_stay(box):
    box.far_ends[PEER].behaviour = "silent"
    box.advance("10m")
    alarms = [alarm.id for alarm in box.sbc.alarms().current]
    assert alarms
    box.far_ends[PEER].behaviour = "answers"
    switch_over(box)
    assert tls_counters(box)["totalClientConnections"] == 1
    assert alarms == [alarm.id for alarm in box.sbc.alarms().current][: len(alarms)]


def test_pings_begin_at_once_and_the_recheck_period_anew(box):
    box.advance("12h")
    pings = len(box.events("pathPing"))
    switch_over(box)
    assert len(box.events("pathPing")) == pings + 1
    checks = len(box.events("certificateCheck"))
    box.advance("23h59m")
    assert len(box.events("certificateCheck")) == checks
    box.advance("1m")
    assert len(box.events("certificateCheck")) == checks + 1
    assert peer(box).state == "up"


def test_sessions_end(box):
    ended = []
    box.sbc.hang_up = lambda user: ended.append((user, box.sbc.servers.active.name))
    login = box.sbc.sessions.open("admin", box.now, context="cli", remote="192.0.2.7")
    switch_over(box)
    assert ended == [(None, "SBC1b")]
    assert login.over
    assert len(box.sbc.sessions) == 0


def test_a_reset_makes_the_first_server_active(box):
    switch_over(box)
    box.sbc.reset(box.now)
    box.pump()
    assert servers(box, *ROLES)[0] == ("SBC1a", "active", "syncCompleted", "systemRestart")
    assert switch_over(box) == SUCCESS


# the files of two servers


def test_a_pair_mirrors_its_files(box):
    first, second = box.sbc.servers
    assert box.sbc.files_of(first) is box.sbc.files_of(second)
    switch_over(box)
    assert tls_counters(box)["totalClientConnections"] == 1


def test_in_a_cloud_the_new_server_lacks_a_certificate_whose_file_it_has_not():
    box = pair(HaMode.CLOUD)
    switch_over(box)
    (line,) = [line for line in box.sbc.event_log.lines("system") if "not loaded" in line]
    assert "Major" in line
    assert "Certificate OLD not loaded: old.p12 not found in /opt/sonus/external of SBC1b" in line
    refused = box.connect(LISTENER, chain(testca.peer()))
    assert box.sbc.connection(refused) is None
    (handshake,) = [each for each in box.events("handshake") if each.connection == refused]
    assert HandshakeFailure.NO_LOCAL_CERTIFICATE.value in handshake.reason

    second = box.sbc.servers.active
    box.sbc.files_of(second).write("/opt/sonus/external/old.p12", testca.sbc().pkcs12("secret"), box.now)
    box.commit(f"{SET_PROFILE}serverCertName OLD")
    assert not accepted(box)  # the file alone is not enough
    box.advance("60s")
    assert switch_over(box) == SUCCESS
    assert accepted(box)  # the first server has it


def test_in_a_cloud_enabling_anew_loads_it():
    box = pair(HaMode.CLOUD)
    switch_over(box)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    box.commit(
        "delete profiles security tlsProfile TLS serverCertName",
        "delete profiles security tlsProfile TLS clientCertName",
    )
    box.commit("set system security pki certificate OLD state disabled")
    box.commit("set system security pki certificate OLD state enabled")
    box.commit(f"{SET_PROFILE}serverCertName OLD clientCertName OLD")
    assert accepted(box)


def test_in_a_cloud_files_on_both_servers_are_enough():
    box = pair(HaMode.CLOUD)
    _, second = box.sbc.servers
    box.sbc.files_of(second).write("/opt/sonus/external/old.p12", b"whatever: it has been read", box.now)
    switch_over(box)
    assert accepted(box)
    assert [name for name, _ in box.sbc.files.entries("/opt/sonus/external")] == ["old.p12"]


# restarting one server


@pytest.mark.parametrize(("action", "reason"), [("restart", "serverRestart"), ("softReset", "serverSoftReset")])
def test_the_standby_takes_over_from_a_server_that_restarts(box, action, reason):
    box.advance("5m")
    on_server(box, "SBC1a", action)
    assert servers(box, *ROLES) == [
        ("SBC1a", "standby", "syncInProgress", reason),
        ("SBC1b", "active", "syncInProgress", "switchover"),
    ]
    assert servers(box, "upTime")[0] == (("0 Days 00:00:00",) if action == "restart" else ("0 Days 00:05:00",))


def test_the_standby_restarts_without_anybody_noticing(box):
    box.advance("5m")
    before = names(box)
    on_server(box, "SBC1b", "restart")
    assert names(box) == before
    assert servers(box, "name", "mgmtRedundancyRole", "syncStatus", "lastRestartReason") == [
        ("SBC1a", "active", "syncInProgress", "systemRestart"),
        ("SBC1b", "standby", "syncInProgress", "serverRestart"),
    ]
    on_server(box, "SBC1a", "softReset")  # nobody can take over: the application restarts where it is
    assert servers(box, "name", "mgmtRedundancyRole", "lastRestartReason")[0] == ("SBC1a", "active", "serverSoftReset")
