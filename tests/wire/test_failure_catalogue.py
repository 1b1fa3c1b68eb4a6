"""Whatever can go wrong with TLS, on the wire: what the far end sees of it, and what the box counts, tells and logs.

Each row is one thing that a far end does, in one role of the box and over one version of TLS. After it the far end
comes back with good manners and is served.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import testca
from failurerow import NEW, OLD, Row, revoked
from failures import ASKING, ROWS, WHILE_A_RESPONDER_IS_ASKED
from farend import context
from meeting import CLIENT, SERVER, meeting
from misbehaviour import (
    reset_after_tcp,
    reset_after_the_first_flight,
    speak_slowly,
    stay_silent,
    stay_silent_after_the_first_flight,
    vanish,
)
from tlsbox import commit

from sbcsim.net.ocspresponder import OcspBehaviour, OcspResponder
from sbcsim.pki.ocsp import Answer

SECURED = {
    SERVER: Counter(
        ("totalServerConnections", "totalServerSessions", "currentServerConnections", "currentServerSessions")
    ),
    CLIENT: Counter(("totalClientConnections", "currentClientConnections")),
}


WAITING = {stay_silent, stay_silent_after_the_first_flight, speak_slowly, vanish}
"""What takes time, which passes for all connections."""

UNHEARD = {reset_after_tcp, reset_after_the_first_flight}
"""What nobody hears of where many come at once, if it is over before the box has taken the connection."""

UNMOVED = [row for row in ROWS if row.lines is not ASKING and row.name != "SSH, and a reset"]
"""Rows that have nothing to do with responders. With one, the reset of the other row is heard of first."""


@pytest.fixture
async def responder() -> AsyncIterator[OcspResponder]:
    made = OcspResponder(testca.authority())
    made.say(revoked(), Answer.REVOKED)
    async with made:
        yield made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_a_failure_is_seen_told_counted_and_over(tmp_path: Path, responder: OcspResponder, row: Row) -> None:
    await play(row, tmp_path, [line.format(responder=responder.url) for line in row.lines])


@pytest.mark.parametrize("row", UNMOVED, ids=lambda row: row.id)
async def test_a_failure_is_the_same_where_a_responder_is_asked_in_vain(tmp_path: Path, row: Row) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    await play(row, tmp_path, [*row.lines, *(line.format(responder=url) for line in ASKING)])


@pytest.mark.parametrize("row", WHILE_A_RESPONDER_IS_ASKED, ids=lambda row: row.id)
async def test_a_failure_while_a_responder_is_asked(tmp_path: Path, responder: OcspResponder, row: Row) -> None:
    responder.behave(OcspBehaviour.SILENT)
    await play(row, tmp_path, [line.format(responder=responder.url) for line in row.lines], responder)


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("asks", [False, True], ids=["nobody is asked", "a responder is asked"])
async def test_failures_side_by_side_are_told_apart(
    tmp_path: Path, responder: OcspResponder, version: str, asks: bool
) -> None:
    rows = [row for row in UNMOVED if (row.role, row.version) == (SERVER, version) and not row.lines]
    rows = [row for row in rows if row.does not in WAITING | UNHEARD for _ in range(3)]
    lines = [line.format(responder=responder.url) for line in ASKING] if asks else []
    async with meeting(tmp_path, SERVER, version, *lines) as met:
        fars = await asyncio.gather(*(met.meet(row.does, row.context()) for row in rows))
        told = Counter(told for row in rows for told in row.tells)
        await met.until(lambda: Counter(met.tells) == told)
        assert Counter(met.tells) == told
        assert [far.seen for far in fars] == [row.sees for row in rows]
        assert met.counters == dict(sum((Counter(row.counts) for row in rows), Counter()))
        assert len(met.box.connections()) == met.counters["currentServerConnections"]
        assert bool(met.box.journal("ocsp")) == asks


async def play(row: Row, directory: Path, lines: Iterable[str], responder: OcspResponder | None = None) -> None:
    """Have a far end do what it does, look at everything, and have it come back; the responder speaks again then."""
    async with meeting(directory, row.role, row.version, *lines) as met:
        if responder is not None:
            met.responder = responder
        far = await met.meet(row.does, row.context())
        await met.until(lambda: len(met.tells) >= len(row.tells))
        failed = [told.removeprefix("failed: ").partition(", sent ")[0] for told in row.tells if "failed: " in told]
        logs = [f"SEC minor *Tls: handshake with FAR failed: {each.partition(', received ')[0]}" for each in failed]
        assert (far.seen, met.tells, met.counters, sorted(met.logs), met.alarms) == (
            row.sees,
            [*row.tells],
            dict(row.counts),
            sorted([*logs, *row.logs]),
            [*row.alarms],
        )
        if row.stands:
            return
        met.forget()
        if responder is not None:
            responder.behave()
        for line in row.mends:
            commit(met.box, line)
        await met.meet(lambda _, again: again.establish(), context(row.version, row.good(), server=row.role == CLIENT))
        await met.until(lambda: bool(met.tells) and not met.alarms)
        assert met.tells == [f"secured {row.version}"]
        assert Counter(met.counters) == Counter(row.counts) + SECURED[row.role]
        assert met.alarms == []
        assert bool(met.box.journal("ocsp")) == any("ocspProfileName" in line for line in lines)
