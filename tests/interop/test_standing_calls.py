"""What happens in the middle of calls that stand: a rotation, a switchover, a bounce, a dry-up.

SIPp calls SIPp. On either side a Kamailio stands between SIPp and the box, over mutual TLS: it dials the box when it
has something to say, is dialled by it, and tells which certificate it was shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
from calledbox import (
    OUT,
    PORT_IN,
    PORT_OUT,
    call_counts,
    called_box,
    dated,
    ends,
    nothing_is_left,
    port_count,
    row,
    until,
    usage,
    ways,
)
from hostports import free_port
from kamailio import Kamailio, kamailio
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER
from sipp import Sipp
from sippcalls import REFUSED, STANDING_CALLEE, STANDING_CALLER
from sippstage import SippStage, Switch, switch
from sshlines import terminal
from stunnel import Tunnel, stunnel

from sbcsim.pki.mint import Issued
from sbcsim.schema.types import Value
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

RENEWAL = ("configure", IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")
COUNT = 50


@dataclass
class Stage:
    """The two proxies, and SIPp on their other sides."""

    near: Kamailio
    far: Kamailio
    sipp: SippStage

    async def parted(self) -> None:
        """Wait until the proxies know of no connection with the box."""
        await self.near.parted()
        await self.far.parted()

    @property
    def heard(self) -> tuple[int, int]:
        """How many requests of the box the proxies have had."""
        return len(self.near.requests), len(self.far.requests)

    def serials(self, after: tuple[int, int] = (0, 0)) -> set[int]:
        """Return those of the certificates that the box has shown with its requests to the proxies."""
        return {each.serial for each in (*self.near.requests[after[0] :], *self.far.requests[after[1] :])}


@dataclass
class Standing:
    """Calls that stand, and what lets them go on."""

    caller: Sipp
    callee: Sipp
    switches: tuple[Switch, Switch]

    async def end(self) -> None:
        """Have each side end its calls, and check that everything goes as it should."""
        for each in self.switches:
            each.release()
        await self.caller.succeeded()
        await self.callee.succeeded()


@asynccontextmanager
async def stage(directory: Path, *, ha: Literal["none", "1to1"] = "none") -> AsyncIterator[Stage]:
    certificates, where, caller, callee = dated(), ways("TLS", "TLS"), free_port(), free_port()
    async with AsyncExitStack() as stack:
        proxies = []
        for name, towards in (
            ("near", f"sip:127.0.0.1:{where.near.listens};transport=tls"),
            ("far", f"sip:127.0.0.1:{callee}"),
        ):
            (directory / name).mkdir()
            proxies.append(
                await stack.enter_async_context(kamailio(directory / name, certificates.peer, towards=towards))
            )
        near, far = proxies
        where = replace(where, caller=near.port, callee=far.port)
        box = await stack.enter_async_context(called_box(directory, where, certificates, ha=ha))
        sipp = SippStage(box, certificates, directory, "UDP", "UDP", caller, callee, near.datagrams)
        yield Stage(near, far, sipp)


@asynccontextmanager
async def standing(stage: Stage, *plan: str) -> AsyncIterator[Standing]:
    """Have calls stand."""
    sipp = stage.sipp
    async with (
        switch() as near,
        switch() as far,
        sipp.called(COUNT, "-3pcc", f"127.0.0.1:{far.port}", scenario=STANDING_CALLEE) as callee,
        sipp.calls(
            COUNT, plan, "-3pcc", f"127.0.0.1:{near.port}", rate=50, at_once=COUNT, scenario=STANDING_CALLER
        ) as caller,
    ):
        await near.held(COUNT * plan.count("talk") // len(plan))
        await far.held(COUNT * plan.count("called") // len(plan))
        yield Standing(caller, callee, (near, far))


def serial(issued: Issued) -> int:
    return int(issued.certificate.serial, 16)


def connections(stage: Stage) -> list[tuple[str, str]]:
    """Return the connections that stand, each with the box's certificate on it."""
    return sorted((each.direction, each.local_certificate.name) for each in stage.sipp.box.connections())


def shaken(stage: Stage, after: int) -> list[tuple[str, bool, str]]:
    """Return the handshakes since an entry of the journal."""
    told = [entry.event for entry in stage.sipp.box.journal("handshake", after=after)]
    return sorted((each.direction, each.ok, each.local_certificate.name) for each in told)


async def test_a_rotation_loses_no_call(tmp_path: Path) -> None:
    async with stage(tmp_path) as here, standing(here, "talk", "called") as calls:
        box, certificates = here.sipp.box, here.sipp.certificates
        assert connections(here) == [("inbound", "OLD"), ("outbound", "OLD")]
        assert here.serials() == {serial(certificates.old)}
        async with terminal(box) as typed:
            assert await typed.type_all(*RENEWAL) == "Commit complete."
        assert connections(here) == [("inbound", "OLD"), ("outbound", "OLD")]

        await box.advance("25h")  # the old certificate has ended, and the re-check has seen it
        assert box.connections() == []
        assert [call.state for call in box.calls()] == ["stable"] * COUNT
        assert usage(box) == [(COUNT, 0), (0, COUNT)]
        await here.parted()
        before, heard = box.events.last, here.heard
        await calls.end()
        # The next message of each side dials: the box to both proxies, and both proxies to the box.
        assert shaken(here, before) == [("inbound", True, "NEW")] * 2 + [("outbound", True, "NEW")] * 2
        assert here.serials(heard) == {serial(certificates.new)}
        assert ends(box) == {("caller", "BYE", 0): COUNT // 2, ("callee", "BYE", 0): COUNT // 2}
        assert call_counts(box) == {"callAttempts": COUNT, "callCompletions": COUNT, "callUpdates": COUNT // 2}
        await nothing_is_left(box)


async def test_a_switchover_loses_no_call(tmp_path: Path) -> None:
    async with stage(tmp_path, ha="1to1") as here, standing(here, "talk", "called") as calls:
        box = here.sipp.box
        await box.switch_over()
        assert box.connections() == []
        assert [call.state for call in box.calls()] == ["stable"] * COUNT
        await here.parted()
        before = box.events.last
        await calls.end()
        assert shaken(here, before) == [("inbound", True, "OLD")] * 2 + [("outbound", True, "OLD")] * 2
        assert ends(box) == {("caller", "BYE", 0): COUNT // 2, ("callee", "BYE", 0): COUNT // 2}
        await nothing_is_left(box)


def acknowledged(box: Simulator) -> set[str]:
    """Return the calls whose ACK the callee has been sent, by Call-ID."""
    sent = (entry.event for entry in box.journal("sip") if entry.event.direction == "out")
    return {each.call_id for each in sent if each.summary.startswith("ACK ")}


@pytest.mark.parametrize("port", [PORT_IN, PORT_OUT])
async def test_a_forced_bounce_ends_every_call_on_both_sides(tmp_path: Path, port: str) -> None:
    async with stage(tmp_path) as here, standing(here, "cleared") as calls:
        box = here.sipp.box
        await until(box, lambda: len(acknowledged(box)) == COUNT)
        async with terminal(box) as typed:
            await typed.type_all("configure", f"set {port} action force mode outOfService state disabled", "commit")
            await calls.end()  # SIPp has had a BYE for each call, on both sides
            assert {(by, status) for by, _, status in ends(box)} == {("local", 0)}
            assert sum(ends(box).values()) == COUNT
            assert box.calls() == []
            await typed.type_all(f"set {port} state enabled mode inService", "commit")
        await nothing_is_left(box)


DRY_UPS = {
    "sipSigPort": f"set {PORT_IN} action dryup dryUpTimeout 5 mode outOfService",
    "trunk group": f"set {OUT} sipTrunkGroup TG-OUT action dryUp dryUpTimeout 5 mode outOfService",
}
NEWCOMERS = 5


@pytest.mark.parametrize(("kind", "out"), DRY_UPS.items(), ids=DRY_UPS)
async def test_a_dry_up_lets_calls_end_by_themselves_and_takes_no_new_ones(tmp_path: Path, kind: str, out: str) -> None:
    async with stage(tmp_path) as here, standing(here, "talk", "called") as calls:
        box, way = here.sipp.box, free_port()
        (door,) = (each.address.port for each in box.ports.sip if each.zone == "IN")
        # They come without the proxy, which makes 500 of a 503 (RFC 3261 16.7).
        newcomers = replace(here.sipp, near="TLS", caller=free_port(), target=way)
        async with (
            stunnel(tmp_path, here.sipp.certificates.peer, [Tunnel(way, door, inward=False)]),
            terminal(box) as typed,
        ):
            await typed.type_all("configure", out, "commit")
            async with newcomers.calls(NEWCOMERS, ["talk"], scenario=REFUSED, name="newcomers") as refused:
                await refused.succeeded()
        assert [call.state for call in box.calls()] == ["stable"] * COUNT
        assert port_count(box, "IN", "tx503s") == NEWCOMERS
        if kind == "sipSigPort":  # it turns them away; otherwise they find no route
            assert [entry.event.status for entry in box.journal("callRefused")] == [503] * NEWCOMERS
        else:
            assert trunk_group_state(box) == "oosPending"
            assert ends(box) == {("local", "no route left: Service Unavailable", 503): NEWCOMERS}
        await calls.end()
        assert ends(box)["caller", "BYE", 0] == ends(box)["callee", "BYE", 0] == COUNT // 2
        if kind == "sipSigPort":
            assert {each.zone for each in box.connections()} == {"IN", "OUT"}
            await box.advance("5m")  # its time runs to the end, whether calls are left or not
            assert {each.zone for each in box.connections()} == {"OUT"}
        else:
            assert trunk_group_state(box) == "outOfService"
        await nothing_is_left(box)


def trunk_group_state(box: Simulator) -> Value:
    """Return where TG-OUT stands."""
    return row(box, "addressContext", "default", "zone", "OUT", "trunkGroupStatus")["state"]
