"""Which lines of the event logs go to a syslog server, and in which form."""

from __future__ import annotations

import pytest
from inmemory import Box
from livebox import live_box

from sbcsim.clock import Instant, from_rfc3339
from sbcsim.device.effects import SendSyslog, SyslogServer
from sbcsim.device.settings import Settings
from sbcsim.device.syslog import syslog_message

SET = "set oam eventLog typeAdmin system "
HOST = f"{SET}syslogState enabled syslogRemoteHost 192.0.2.30"


@pytest.fixture
def box() -> Box:
    box = live_box(settings=Settings(hosts={"loghost": "192.0.2.31"}))
    box.syslog = []
    return box


def sent(box: Box) -> list[SendSyslog]:
    taken, box.syslog = box.syslog, []
    return taken


@pytest.mark.parametrize(("level", "priority"), [("Critical", 130), ("Major", 131), ("Minor", 132), ("Info", 134)])
def test_the_form(level, priority):
    at = Instant(0, from_rfc3339("2026-01-30T10:00:00Z"))
    message = syslog_message(level, "CFG", "*Commit\n7", "SBC1", at)
    assert message == f"<{priority}>1 2026-01-30T10:00:00Z SBC1 sbc - CFG - *Commit 7".encode()


def test_lines_go_there_from_the_commit_that_says_so(box):
    box.commit("set system admin SBC1 location here")
    assert sent(box) == []
    box.commit(f"{HOST} filterLevel info")
    box.commit("set system admin SBC1 location there")
    (effect,) = sent(box)
    assert effect.server == SyslogServer("tcp", "192.0.2.30", 514)
    assert b"*Commit" in effect.message
    box.commit(f"{SET}syslogState disabled")
    sent(box)
    box.commit("set system admin SBC1 location nowhere")
    assert sent(box) == []


def test_the_filter_holds_and_the_disk_does_not(box):
    box.commit(f"{HOST} syslogRemoteProtocol udp syslogRemotePort 5514 filterLevel info saveTo none")
    before = box.sbc.event_log.lines("system")
    box.commit("set system admin SBC1 location here")
    (effect,) = sent(box)
    assert effect.server == SyslogServer("udp", "192.0.2.30", 5514)
    assert box.sbc.event_log.lines("system") == before
    box.commit(f"{SET}filterLevel critical")
    sent(box)
    box.commit("set system admin SBC1 location there")
    assert sent(box) == []


def test_a_name_is_looked_up_in_the_host_table_and_relp_is_stored_only(box):
    box.commit(f"{SET}syslogState enabled syslogRemoteHost loghost filterLevel info")
    box.commit("set system admin SBC1 location here")
    assert [effect.server.host for effect in sent(box)] == ["192.0.2.31"]
    box.commit(f"{SET}syslogRemoteProtocol relp")
    sent(box)
    box.commit("set system admin SBC1 location there")
    assert sent(box) == []


def test_the_destination_is_shown(box):
    def shown() -> object:
        rows = box.sbc.rows(("oam", "eventLog", "typeStatus"))
        return next(row["logDestination"] for row in rows if row["type"] == "system")

    assert shown() == "localDisk"
    box.commit(HOST)
    assert shown() == "localDisk,syslog"
    box.commit(f"{SET}saveTo none")
    assert shown() == "syslog"
    box.commit(f"{SET}syslogState disabled")
    assert shown() == "none"
