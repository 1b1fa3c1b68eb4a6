"""What the tables about trunk groups, calls and TLS sessions say."""

from __future__ import annotations

import pytest
import testca
from boxes import LINES, certificate_files
from inmemory import Box
from livebox import LISTENER, chain

from sbcsim.control import views
from sbcsim.device.calls import Call, CallState, Leg
from sbcsim.device.redundancy import RestartCause
from sbcsim.schema.node import Path

ZONE: Path = ("addressContext", "default", "zone", "Z")
TRUNK_GROUP = "set addressContext default zone Z sipTrunkGroup TG1"


@pytest.fixture
def box() -> Box:
    box = Box(start=testca.START)
    for name, data in certificate_files().items():
        box.put(name, data)
    box.commit(*LINES)
    return box


def rows(box: Box, path: Path):
    return list(box.sbc.rows(path))


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ("state disabled", "outOfService"),
        ("state enabled", "outOfService"),
        ("state disabled mode inService", "outOfService"),
        ("state enabled mode inService", "inService"),
    ],
)
def test_a_trunk_group_serves_when_it_is_enabled_and_in_service(box, settings, state):
    box.commit(f"{TRUNK_GROUP} {settings}")
    assert [(row["name"], row["state"]) for row in rows(box, (*ZONE, "trunkGroupStatus"))] == [("TG1", state)]


def test_the_call_limit_is_what_is_available(box):
    box.commit(f"{TRUNK_GROUP} state enabled", f"{TRUNK_GROUP}X cac callLimit 30")
    limits = [
        (row["totalCallsAvailable"], row["totalCallsConfigured"]) for row in rows(box, (*ZONE, "trunkGroupStatus"))
    ]
    assert limits == [(-1, -1), (30, 30)]


def test_the_global_table_has_the_trunk_groups_of_every_zone(box):
    box.commit(f"{TRUNK_GROUP} state enabled", "set addressContext other zone A id 9 sipTrunkGroup TG0 state enabled")
    found = rows(box, ("global", "globalTrunkGroupStatus"))
    assert [(row["name"], row["addressContext"], row["zone"]) for row in found] == [
        ("TG0", "other", "A"),
        ("TG1", "default", "Z"),
    ]
    assert rows(box, (*ZONE, "trunkGroupStatus")) == [
        {key: value for key, value in found[1].items() if key not in {"addressContext", "zone", "priorityBwUsage"}}
    ]


def test_counters_stand_at_zero(box):
    box.commit(f"{TRUNK_GROUP} state enabled")
    (counts,) = rows(box, ("global", "callCountStatus"))
    assert {key for key, value in counts.items() if value != 0} == {"key"}
    (messages,) = rows(box, (*ZONE, "sipCurrentStatistics"))
    assert {key for key, value in messages.items() if value != 0} == {"name"}
    assert rows(box, ("global", "callSummaryStatus")) == []


def test_standing_calls_are_counted_shown_and_taken_off_what_is_available(box):
    box.commit(f"{TRUNK_GROUP} cac callLimit 3", f"{TRUNK_GROUP}X cac callLimit 30")
    now = box.sbc.clock.reading()
    inward = Leg("default", "Z", "TG1", "", "a@far", connection=4)
    calls = box.sbc._chassis.calls
    calls.put(Call(1, CallState.ESTABLISHING, inward, None, "100", "200", now))
    calls.put(Call(2, CallState.STABLE, inward, Leg("default", "Z", "TG1X", "P", "b@far"), "101", "201", now))
    usage = ("inboundCallsUsage", "outboundCallsUsage", "totalCallsAvailable")
    assert [[row[leaf] for leaf in usage] for row in rows(box, (*ZONE, "trunkGroupStatus"))] == [[2, 0, 1], [0, 1, 29]]
    (zone,) = rows(box, ("addressContext", "default", "zoneStatus"))
    assert [zone[leaf] for leaf in usage] == [2, 1, -1]
    (counts,) = rows(box, ("global", "callCountStatus"))
    assert {leaf: value for leaf, value in counts.items() if value} == {
        "key": "all",
        "activeCalls": 2,
        "stableCalls": 1,
        "totalCalls": 2,
    }
    shown = rows(box, ("global", "callSummaryStatus"))
    assert list(shown[0].values()) == [1, "establishing", "100", "200", 1]
    assert list(shown[0]) == ["GCID", "state", "callingNumber", "calledNumber", "callIndex"]
    assert [each.id for each in box.sbc.calls()] == [1, 2]
    assert views.call(next(iter(calls))).ingress.connection == 4
    assert views.call(box.sbc.calls()[0]).ingress.connection is None  # no such connection stands
    assert views.call(box.sbc.calls()[1]).egress.connection is None
    calls.end(1)
    calls.end(1)
    assert [each.id for each in box.sbc.calls()] == [2]
    calls.end(2)
    assert box.sbc.calls() == ()


def test_counts_of_calls_and_messages_are_shown_and_begin_anew_with_the_server(box):
    box.commit(f"{TRUNK_GROUP} state enabled", f"{TRUNK_GROUP}X state enabled")
    chassis = box.sbc._chassis
    for _ in range(3):
        chassis.call_counts.attempted()
    for _ in range(2):
        chassis.call_counts.completed()
    chassis.call_counts.updated()
    chassis.message_counts.retransmitted(("default", "Z", "TG1X"), "BYE")
    shown = ("callAttempts", "callCompletions", "callUpdates")
    assert [rows(box, ("global", "callCountStatus"))[0][leaf] for leaf in shown] == [3, 2, 1]
    assert [row["byeRetransmit"] for row in rows(box, (*ZONE, "sipCurrentStatistics"))] == [0, 1]
    box.sbc.restart(RestartCause.SYSTEM, box.now)
    assert [rows(box, ("global", "callCountStatus"))[0][leaf] for leaf in shown] == [0, 0, 0]
    assert [row["byeRetransmit"] for row in rows(box, (*ZONE, "sipCurrentStatistics"))] == [0, 0]


@pytest.mark.parametrize(
    "table",
    [
        (*ZONE, "trunkGroupStatus"),
        (*ZONE, "sipCurrentStatistics"),
        ("global", "globalTrunkGroupStatus"),
        ("global", "callCountStatus"),
    ],
)
def test_rows_have_every_leaf_of_the_table(box, table):
    box.commit(f"{TRUNK_GROUP} state enabled")
    schema = tuple(name for name in table if name not in {"default", "Z"})
    for row in rows(box, table):
        assert list(row) == list(box.sbc.schema.descend(schema).children)


def test_a_tls_session_for_each_established_tls_connection(box):
    assert rows(box, (*ZONE, "sipSigTlsSessionStatus")) == []
    connection = box.connect(LISTENER, chain(testca.peer()), ("10.0.0.9", 40000))
    assert rows(box, (*ZONE, "sipSigTlsSessionStatus")) == [
        {
            "socket": connection,
            "index": 1,
            "peerIpAddress": "10.0.0.9",
            "state": "up",
            "role": "server",
            "resumptions": 0,
            "tlsSessionId": box.given[connection].hex().upper(),
        }
    ]
