"""SIPp over UDP: as the peer that the box pings, and as one that pings the box."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hostports import free_port
from sipp import PATIENCE, Sipp

from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

CONFIGURATION = """\
set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 3 recoveryCount 2
set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0
set addressContext default ipInterfaceGroup LIG ipInterface LIF ipAddress 198.51.100.5 prefix 24
set addressContext default ipInterfaceGroup LIG ipInterface LIF mode inService state enabled
set addressContext default zone Z id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060
set addressContext default zone Z sipSigPort 1 transportProtocolsAllowed sip-udp mode inService state enabled
"""
PINGED = """\
set addressContext default zone Z ipPeer P ipAddress 192.0.2.10 ipPort 5060
set addressContext default zone Z ipPeer P pathCheck profile PING state enabled
"""

ANSWERS = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="is pinged">
  <recv request="OPTIONS"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
Content-Length: 0

  ]]></send>
</scenario>
"""

ASKS = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="pings">
  <send retrans="500"><![CDATA[
OPTIONS sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]{rport}
Max-Forwards: 70
To: <sip:[remote_ip]:[remote_port]>
From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
Call-ID: [call_id]
CSeq: 1 OPTIONS
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Length: 0

  ]]></send>
  <recv response="200" timeout="20000"/>
</scenario>
"""


@pytest.mark.parametrize("rport", ["", ";rport"])
async def test_sipp_gets_an_answer_to_every_options(tmp_path: Path, rport: str) -> None:
    config = tmp_path / "box.cli"
    config.write_text(CONFIGURATION)
    async with Simulator(config) as box:
        (sip,) = box.ports.sip
        target = f"{sip.address.host}:{sip.address.port}"
        async with Sipp(tmp_path, ASKS.replace("{rport}", rport), target, "-m", "50", "-r", "200") as asking:
            await asking.succeeded()  # every one of them was answered
        asked = [entry.event for entry in box.journal("sip") if entry.event.direction == "in"]
    assert len({event.call_id for event in asked}) == 50


async def test_sipp_is_pinged_over_udp_and_the_peer_comes_up(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "box.cli"
    config.write_text(CONFIGURATION + PINGED)
    async with (
        Sipp(tmp_path, ANSWERS, "-p", str(port)) as answering,
        Simulator(config, maps=[f"192.0.2.10:5060=127.0.0.1:{port}"]) as box,
    ):
        # SIPp may not listen yet: then the first pings are repeated, or fail.
        async with asyncio.timeout(PATIENCE):
            while sum(entry.event.ok for entry in box.journal("pathPing")) < 4:
                await box.advance(minutes=1)
        await answering.leave()  # not in the middle of a call
        (peer,) = box.peers()
        assert (peer.path_state, peer.connection) == ("up", None)
        calls = [entry.event.call_id for entry in box.journal("sip") if entry.event.direction == "in"]
    seen = answering.messages
    assert all(f"Call-ID: {call}" in seen for call in calls)
    assert ";transport=" not in seen.split("SIP/2.0 200 OK")[0]  # that is for TLS and TCP
