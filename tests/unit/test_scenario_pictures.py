"""The ladder and the time line that are drawn of a journal."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

from sbcsim.scenario import ladder, timeline
from sbcsim.scenario.timeline import Mark

NAMES = {"192.0.2.20:5061": "PEER2", "0A": "PEER1", "192.0.2.10:5061": "PEER1"}
DAY = 86_400


def entry(kind: str, time: str = "2026-01-01T00:00:00Z", **fields: object) -> dict[str, object]:
    return {"kind": kind, "time": time, **fields}


def opened(connection: int, direction: str, remote: str) -> dict[str, object]:
    return entry("connectionOpened", connection=connection, direction=direction, remote=remote)


def sip(direction: str, summary: str, times: int = 1) -> dict[str, object]:
    return entry("sip", connection=1, direction=direction, summary=summary, times=times, remote="")


JOURNAL = (
    opened(1, "outbound", "192.0.2.10:5061"),
    sip("out", "OPTIONS sip:192.0.2.10:5061;transport=tls SIP/2.0", 60),
    sip("in", "SIP/2.0 200 OK", 60),
    opened(2, "inbound", "203.0.113.9:40000"),
    opened(3, "outbound", "192.0.2.20:5061"),
)


def test_a_message_goes_from_who_sends_it() -> None:
    _, request, answer, *_ = ladder.rungs(JOURNAL, NAMES)
    assert isinstance(request, ladder.Arrow)
    assert (request.outward, request.far_end, request.text) == (True, "PEER1", "OPTIONS sip:192.0.2.10:5061 (x60)")
    assert isinstance(answer, ladder.Arrow)
    assert (answer.outward, answer.far_end, answer.text) == (False, "PEER1", "200 OK (x60)")


def test_what_becomes_of_calls_stands_between_their_messages() -> None:
    journal = (
        *JOURNAL[:1],
        sip("in", "INVITE sip:200@198.51.100.5:5061;transport=tls SIP/2.0"),
        entry("callAnswered", call=1),
        entry("callEnded", call=1, by="local", why="sipSigPort outOfService", status=0, seconds=3),
        sip("out", "BYE sip:100@192.0.2.10:5061;transport=tls SIP/2.0"),
        entry("callRefused", status=503, why="certificate is being replaced", callId="x", remote="192.0.2.10:5061"),
    )
    drawn = [*ladder.rungs(journal, NAMES)]
    assert [each.text for each in drawn[1:]] == [
        "INVITE sip:200@198.51.100.5:5061",
        "call 1 stands",
        "call 1 ended by local: sipSigPort outOfService",
        "BYE sip:100@192.0.2.10:5061",
        "call refused with 503: certificate is being replaced",
    ]
    assert [each.outward for each in drawn if isinstance(each, ladder.Arrow)] == [True, False, True]


def test_far_ends_stand_in_the_order_of_the_file() -> None:
    drawn = [*ladder.rungs(JOURNAL, NAMES)]
    ends = ladder.far_ends(drawn, NAMES)
    assert ends == ["PEER2", "PEER1", "others"]
    assert ladder.text(drawn, ends).split()[:4] == ["SBC", "PEER2", "PEER1", "others"]
    columns = [float(each.get("x", "")) for each in texts(ladder.svg(drawn, ends)) if each.text in {"SBC", *ends}]
    assert columns == sorted(columns)


def test_the_first_service_of_a_port_is_no_mark() -> None:
    states = [
        entry("portState", object="sipSigPort default/ZONE1/1", old="outOfService", new="inService"),
        entry("portState", object="sipSigPort default/ZONE1/1", old="inService", new="outOfService"),
        entry("portState", object="ipInterface default/LIG/LIF", old="inService", new="outOfService"),
        entry("portState", object="ipInterface default/LIG/LIF", old="outOfService", new="inService"),
        entry("certificateCheck", failed=0),
        entry("certificateCheck", failed=2),
    ]
    told = [mark.text for mark in timeline.marks(states)]
    assert told == [
        "sipSigPort default/ZONE1/1 outOfService",
        "ipInterface default/LIG/LIF outOfService",  # which says nothing when the box starts
        "ipInterface default/LIG/LIF inService",
        "check",
    ]


def test_a_long_time_takes_more_room_than_a_short_one_but_not_all() -> None:
    scale = timeline.Scale([0, 60, 60 * DAY, 60 * DAY + 120])
    places = [scale.x(moment) for moment in scale.moments]
    widths = [later - earlier for earlier, later in pairwise(places)]
    assert places == sorted(places)
    assert widths[1] > widths[2] > widths[0] > widths[1] / 4


def test_marks_do_not_stand_upon_each_other() -> None:
    drawn = timeline.svg(
        [],
        [
            *(Mark(float(second), f"sipSigPort default/ZONE1/1 state {second}") for second in range(0, 2000, 200)),
            Mark(2000.0, "the same"), Mark(2000.0, "the same"), Mark(2000.0, "and another"),
        ],
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:33:20Z",
    )  # fmt: skip
    spans: dict[str, list[tuple[float, float]]] = {}
    for each in texts(drawn):
        if re.match("sipSigPort|the same", each.text or ""):
            x, width = float(each.get("x", "")), 5.5 * len(each.text or "")
            span = (x - width, x) if each.get("text-anchor") == "end" else (x, x + width)
            spans.setdefault(each.get("y", ""), []).append(span)
    assert sum(map(len, spans.values())) == 11
    for row in spans.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(row)))
        assert all(begin >= 0 and end <= 1140 for begin, end in row)
    assert "the same, and another" in drawn


def test_a_play_of_one_instant_is_drawn() -> None:
    bar = timeline.Bar(1, "PEER1 #1", "OLD", 0.0, None)
    drawn = timeline.svg([bar], [], "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z")
    assert [each.text for each in texts(drawn)] == ["OLD", "PEER1 #1", "1970-01-01 00:00", "Time is not to scale."]


def texts(picture: str) -> list[ET.Element]:
    return ET.fromstring(picture).findall("{http://www.w3.org/2000/svg}text")
