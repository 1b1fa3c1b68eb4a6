"""Kamailio as the next hop over mutual TLS: a stateful proxy that stays in the way of calls, SIPp behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from calledbox import call_counts, called_box, dated, ends, messages, nothing_is_left, until, ways
from hostports import free_port
from kamailio import Kamailio, kamailio
from sippstage import SippStage

pytestmark = pytest.mark.interop


@dataclass
class Stage:
    """SIPp calls by UDP through the box, and is called by UDP through Kamailio."""

    proxy: Kamailio
    sipp: SippStage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    certificates, where, callee = dated(), ways("UDP", "TLS"), free_port()
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(
            kamailio(tmp_path, certificates.peer, towards=f"sip:127.0.0.1:{callee}")
        )
        where = replace(where, callee=proxy.port)
        box = await stack.enter_async_context(called_box(tmp_path, where, certificates))
        sipp = SippStage(box, certificates, tmp_path, "UDP", "UDP", where.caller, callee, where.near.listens)
        yield Stage(proxy, sipp)


async def test_whole_calls_go_by_the_proxy(stage: Stage) -> None:
    box, proxy = stage.sipp.box, stage.proxy
    async with (
        stage.sipp.called(50) as callee,
        stage.sipp.calls(50, ["talk", "talk", "called", "cancel", "called"], rate=50) as caller,
    ):
        await caller.succeeded()
        await callee.succeeded()
    assert ends(box) == {("caller", "BYE", 0): 20, ("callee", "BYE", 0): 20, ("caller", "cancelled", 487): 10}
    assert call_counts(box) == {"callAttempts": 50, "callCompletions": 40, "callUpdates": 80}
    await until(box, lambda: messages(box, "OUT").get("rcv4xx") == 10)
    assert messages(box, "OUT")["sndAck"] >= 90
    # The proxy refuses with 404 who does not go by its routes, and answers for no call where it is told nonsense.
    assert not [line for line in proxy.log if "insane" in line]
    said = Counter(each.method for each in proxy.requests if each.method != "ACK")
    assert said == {"INVITE": 90, "UPDATE": 40, "BYE": 20, "CANCEL": 10}
    assert {each.verified for each in proxy.requests} == {True}
    assert {each.serial for each in proxy.requests} == {int(stage.sipp.certificates.old.certificate.serial, 16)}
    assert len({each.connection for each in proxy.requests}) == 1
    # For what the callee says the proxy dials the box.
    shaken = [entry.event for entry in box.journal("handshake")]
    assert [(each.direction, each.ok) for each in shaken] == [("outbound", True), ("inbound", True)]
    await nothing_is_left(box)
