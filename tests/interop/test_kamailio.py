"""Kamailio as the pinged peer: what it logged of connection and certificate, before and after a renewal.

Kamailio judges dates by the host's clock, so the simulated time starts at the host's, and every certificate is valid
on the host as well: only in the box's own time does the old one end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
import testca
from kamailio import Kamailio, kamailio
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, PORT, SERVER, VERSIONS, pinged_box
from sshlines import terminal, upload

from sbcsim.pki.mint import Issued
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

RENEWAL = ("configure", IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")


class Stage(NamedTuple):
    """The box that starts now, and its peer."""

    box: Simulator
    peer: Kamailio
    old: Issued
    new: Issued

    async def pings(self, count: int) -> list[tuple[int, int]]:
        """Let the box send pings; return connection and serial of each as Kamailio logged them."""
        # Kamailio answers before its log is read: without this an earlier ping would count as one of these.
        answered = sum(entry.event.ok for entry in self.box.journal(kind="pathPing"))
        await self.peer.until(lambda: len(self.peer.requests) >= answered)
        first = len(self.peer.requests)
        for number in range(count):
            await self.box.advance(minutes=1)
            await self.peer.next_request(first + number)
        return [(each.connection, each.serial) for each in self.peer.requests[first:]]


def serial(issued: Issued) -> int:
    return int(issued.certificate.serial, 16)


@pytest.fixture(params=VERSIONS)
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - Kamailio lives in the host's time
    authority = testca.authority()
    begin = now - timedelta(days=30)
    old = authority.issue("sbc.example.com", not_before=begin, not_after=now + timedelta(days=30))
    new = authority.renew(old, not_before=now - timedelta(days=1), not_after=now + timedelta(days=400))
    own = authority.issue("kamailio.example.com", not_before=begin, not_after=now + timedelta(days=400))
    async with kamailio(tmp_path, own) as peer:
        clock = f"virtual@{now.isoformat()}"
        async with pinged_box(tmp_path, peer.port, old, clock=clock, version=request.param) as box:
            await upload(box, "new.p12", new.pkcs12(testca.PASS_PHRASE))
            yield Stage(box, peer, old, new)


async def test_connection_and_certificate_stay_over_the_renewal_and_both_change_after_the_expiry_tear_down(stage):
    first = await stage.peer.next_request(0)
    assert (first.method, first.verified) == ("OPTIONS", True)
    before = (first.connection, serial(stage.old))
    assert await stage.pings(3) == [before] * 3

    async with terminal(stage.box) as typed:
        assert await typed.type_all(*RENEWAL) == "Commit complete."
    assert await stage.pings(3) == [before] * 3

    await stage.box.advance(days=29)
    assert await stage.pings(1) == [before]  # one day left
    (peer,) = stage.box.peers()
    assert peer.path_state == "up"

    await stage.box.advance(days=2)  # past the end and one re-check
    await stage.peer.until(lambda: stage.peer.requests[-1].connection != first.connection)
    await stage.pings(3)
    shown = [each for each, _ in groupby((request.connection, request.serial) for request in stage.peer.requests)]
    assert shown == [before, (shown[-1][0], serial(stage.new))]
    assert all(request.verified for request in stage.peer.requests)
    assert len({request.call_id for request in stage.peer.requests}) == len(stage.peer.requests)
    (peer,) = stage.box.peers()
    assert (peer.path_state, peer.failures) == ("up", 0)


async def test_a_bounce_of_the_port_brings_a_new_connection_with_the_renewed_certificate_at_once(stage):
    first = await stage.peer.next_request(0)
    async with terminal(stage.box) as typed:
        await typed.type_all(*RENEWAL)
        assert await stage.pings(1) == [(first.connection, serial(stage.old))]
        await typed.type_all(f"set {PORT} mode outOfService state disabled", "commit")
        await typed.type_all(f"set {PORT} state enabled mode inService", "commit")
    ((connection, shown),) = await stage.pings(1)
    assert connection != first.connection
    assert shown == serial(stage.new)


async def test_a_foreign_certificate_is_refused_and_the_path_goes_down(stage):
    await stage.peer.next_request(0)
    strange = testca.stranger().renew(
        stage.old, not_before=stage.old.certificate.not_before, not_after=stage.old.certificate.not_after
    )
    await upload(stage.box, "new.p12", strange.pkcs12(testca.PASS_PHRASE))
    async with terminal(stage.box) as typed:
        await typed.type_all(*RENEWAL)
        await typed.type_all(f"set {PORT} mode outOfService state disabled", "commit")
        await typed.type_all(f"set {PORT} state enabled mode inService", "commit")
    seen = len(stage.peer.requests)
    await stage.box.advance(minutes=3)
    (peer,) = stage.box.peers()
    assert (peer.path_state, peer.failures) == ("down", 3)
    assert len(stage.peer.requests) == seen
    told = [entry.event for entry in stage.box.journal(["handshake", "alertReceived"])]
    alerts = {getattr(event, "alert", 0) or getattr(event, "alert_received", 0) for event in told} - {0}
    assert alerts == {48}
