"""Whatever can go wrong with TLS, on the wire: what the far end sees of it, and what the box counts, tells and logs.

Each row is one thing that a far end does, in one role of the box and over one version of TLS. After it the far end
comes back with good manners and is served.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from failures import ROWS, Row
from farend import context
from meeting import CLIENT, SERVER, meeting
from tlsbox import commit

SECURED = {
    SERVER: Counter(
        ("totalServerConnections", "totalServerSessions", "currentServerConnections", "currentServerSessions")
    ),
    CLIENT: Counter(("totalClientConnections", "currentClientConnections")),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_a_failure_is_seen_told_counted_and_over(tmp_path: Path, row: Row) -> None:
    async with meeting(tmp_path, row.role, row.version, *row.lines) as met:
        far = await met.meet(row.does, row.context())
        await met.until(lambda: len(met.tells) >= len(row.tells))
        failed = [told.removeprefix("failed: ").partition(", sent ")[0] for told in row.tells if "failed: " in told]
        logs = [f"*Tls: handshake with FAR failed: {each.partition(', received ')[0]}" for each in failed]
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
        for line in row.mends:
            commit(met.box, line)
        await met.meet(lambda _, again: again.establish(), context(row.version, row.good(), server=row.role == CLIENT))
        await met.until(lambda: bool(met.tells) and not met.alarms)
        assert met.tells == [f"secured {row.version}"]
        assert Counter(met.counters) == Counter(row.counts) + SECURED[row.role]
        assert met.alarms == []
