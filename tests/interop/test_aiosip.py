"""aiosip as an independent OPTIONS peer over mutual TLS, in both roles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import testca
from aiosip_support import Peer, aiosip_peer
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER, VERSIONS, pinged_box, tls_port
from sshlines import terminal, upload

from sbcsim.simulator import Simulator

pytestmark = [pytest.mark.interop, pytest.mark.parametrize("box", VERSIONS, indirect=True)]

OPTIONS = 20


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with aiosip_peer() as peer:
        yield peer


@pytest.fixture
async def box(peer: Peer, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    port = await peer.listen(testca.server_context(testca.peer(), tmp_path))
    async with pinged_box(tmp_path, port, testca.sbc(), version=request.param) as box:
        await box.advance("0s")
        yield box


async def renew(box: Simulator) -> None:
    await upload(box, "new.p12", testca.sbc_renewed().pkcs12(testca.PASS_PHRASE))
    async with terminal(box) as typed:
        await typed.type_all("configure", IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")


async def test_it_answers_every_ping_on_one_connection(box, peer):
    for _ in range(OPTIONS - 1):
        await box.advance(minutes=1)
    assert peer.received == OPTIONS
    (connection,) = peer.connections
    assert connection.serial == testca.sbc().certificate.serial
    (view,) = box.peers()
    assert (view.path_state, view.successes, view.failures) == ("up", OPTIONS, 0)
    assert [each.messages_in for each in box.connections()] == [OPTIONS]


async def test_every_options_of_its_own_is_answered_on_one_connection(box, peer, tmp_path):
    dialog = await peer.dial(tls_port(box), testca.client_context(testca.peer(), tmp_path))
    async with asyncio.timeout(10):
        answers = [(await dialog.send_message("OPTIONS")).status_code for _ in range(OPTIONS)]
    assert answers == [200] * OPTIONS
    inbound = box.connections()[-1]
    assert (inbound.direction, inbound.messages_in, inbound.messages_out) == ("inbound", OPTIONS, OPTIONS)
    assert inbound.peer_certificate.serial == testca.peer().certificate.serial


async def test_requests_sent_at_once_are_all_answered(box, peer, tmp_path):
    dialog = await peer.dial(tls_port(box), testca.client_context(testca.peer(), tmp_path))
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(dialog.send_message("OPTIONS") for _ in range(OPTIONS)))
    assert [answer.cseq for answer in answers] == list(range(1, OPTIONS + 1))
    assert {answer.status_code for answer in answers} == {200}


async def test_both_connections_keep_the_old_certificate_until_the_tear_down(box, peer, tmp_path):
    context = testca.client_context(testca.peer(), tmp_path)
    dialog = await peer.dial(tls_port(box), context)
    await renew(box)
    await box.advance(days=58)
    assert (await dialog.send_message("OPTIONS")).status_code == 200
    pinged, dialled = peer.connections
    assert {pinged.serial, dialled.serial} == {testca.sbc().certificate.serial}

    await box.advance(days=2)
    async with asyncio.timeout(10):
        assert await asyncio.gather(pinged.lost, dialled.lost) == [None, None]
    again = await peer.dial(tls_port(box), context)
    assert (await again.send_message("OPTIONS")).status_code == 200
    assert [each.serial for each in peer.connections[2:]] == [testca.sbc_renewed().certificate.serial] * 2
    (view,) = box.peers()
    assert view.path_state == "up"
