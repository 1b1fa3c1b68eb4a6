"""Recordings as files and transcripts: what differs from run to run is gone, what happened is told and compared."""

from __future__ import annotations

import dataclasses
import json
import random  # noqa: TID251 - the seed is drawn by hypothesis
from dataclasses import replace
from typing import Any

import pytest
from eventsamples import sample
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.callevents import CallRefused, CallRouted, CallStarted
from sbcsim.clock import Instant, from_rfc3339
from sbcsim.errors import ScenarioError
from sbcsim.eventkinds import kinds
from sbcsim.events import (
    AlarmRaised,
    CertificateSeen,
    CertificateWarning,
    CliLine,
    CliSession,
    ClockMoved,
    Commit,
    ConnectionClosed,
    ConnectionOpened,
    Controlled,
    Event,
    Handshake,
    Login,
    Logout,
    Reset,
    SftpOperation,
    SipMessage,
)
from sbcsim.journal import Entry, camel
from sbcsim.recording.comparison import compared
from sbcsim.recording.file import Header, Recording, read, text_of
from sbcsim.recording.transcript import transcript

NOON = "2026-01-01T12:00:00Z"
START = from_rfc3339("2026-01-01T00:00:00Z")
HEADER = Header(sbcsim="0.1", seed=0, mode="virtual", rate=0.0, start=START)
OLD = CertificateSeen("CN=sbc", "0A", START, "OLD")
NEW = CertificateSeen("CN=sbc", "0B", START, "NEW")
FAR = CertificateSeen("CN=peer", "0C", START)


def recording(*events: Event, header: Header = HEADER, first: int = 1) -> Recording:
    """Return a recording in which a ClockMoved moves the time of what follows."""
    uptime, entries = 0, []
    for number, event in enumerate(events, start=first):
        uptime += event.by if isinstance(event, ClockMoved) else 0
        entries.append(Entry(number, Instant(uptime, header.start + uptime), event).to_json())
    return Recording(header, tuple(entries))


def handshake(connection: int, own: CertificateSeen = OLD, **more: Any) -> Handshake:
    return Handshake(connection, "inbound", True, "TLSv1.3", "AES", False, own, FAR, **more)


def dialled(connection: int, port: int, own: CertificateSeen = OLD) -> list[Event]:
    return [
        ConnectionOpened(connection, "inbound", "default/Z/1", "10.0.0.5:5061", f"127.0.0.1:{port}"),
        handshake(connection, own),
        SipMessage(connection, "in", "OPTIONS sip:sbc SIP/2.0", f"call-{port}", 300 + port),
    ]


def session(number: int, *lines: str, user: str = "admin") -> list[Event]:
    return [
        CliSession(user, number, True, False, "127.0.0.1", "ssh"),
        *(CliLine(user, number, "configure", line, True, "127.0.0.1") for line in lines),
        CliSession(user, number, True, True, "127.0.0.1", "ssh"),
    ]


# the file


def test_a_recording_is_read_as_it_was_written():
    made = recording(
        *dialled(1, 40000), header=replace(HEADER, settings=("last-login=on",), users=("admin",), went_on=True)
    )
    assert read(text_of(made.header, made.entries), "run.jsonl") == made


def test_a_last_line_that_was_cut_short_is_left_out():
    made = recording(*dialled(1, 40000))
    text = text_of(made.header, made.entries)
    assert read(text[:-10], "run.jsonl").entries == made.entries[:-1]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 0, "empty"),
        ("{}\n", 0, "first line"),
        ("[1]\n", 1, "no JSON object"),
        ('{"format":"sbcsim-recording","version":2}\n', 1, "version 2"),
        ('{"format":"sbcsim-recording","version":1}\n', 1, "first line"),
        (HEADER.line() + "nothing\n", 2, "no JSON object"),
        (HEADER.line() + '{"kind": "cli"}\n', 2, "no journal entry"),
        (
            HEADER.line() + '{"number": 1, "time": "noon", "uptime": 0, "kind": "x"}\n',
            2,
            '"noon" is not an RFC 3339 time',
        ),
        (HEADER.line() + f'{{"number": [], "time": "{NOON}", "uptime": 0, "kind": "x"}}\n', 2, "no journal entry"),
        (HEADER.line() + f'{{"number": 1, "time": "{NOON}", "uptime": 0, "kind": "cli"}}\n', 2, "a cli without user"),
    ],
)
def test_what_is_no_recording_is_told_with_its_place(text: str, line: int, reason: str):
    with pytest.raises(ScenarioError, match=reason) as caught:
        read(text, "run.jsonl")
    assert (caught.value.file, caught.value.line) == ("run.jsonl", line)


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    for whole in (text, HEADER.line() + text):
        try:
            read(whole, "run.jsonl")
        except ScenarioError:
            continue


@pytest.mark.parametrize("kind", kinds())
def test_an_entry_that_lacks_something_is_completed_or_refused(kind: str):
    """An older simulator has written what it knew; an entry that was damaged is no reason to fail in its middle."""
    event = kinds()[kind]
    entry = Entry(1, Instant(0, START), sample(event)).to_json()
    for field in dataclasses.fields(event):
        name = camel(field.name)
        text = text_of(HEADER, [{each: value for each, value in entry.items() if each != name}])
        if field.default is dataclasses.MISSING:
            with pytest.raises(ScenarioError, match=f"a {kind} without {name}"):
                read(text, "run.jsonl")
        else:
            completed = read(text, "run.jsonl")
            assert completed.entries[0].keys() == entry.keys()
            assert transcript(completed)


def test_an_entry_of_a_kind_that_is_not_known_here_is_kept():
    line = f'{{"number":1,"time":"{NOON}","uptime":0,"kind":"newsFromTomorrow","mood":"good"}}\n'
    assert "news from tomorrow: mood=good" in transcript(read(HEADER.line() + line, "run.jsonl"))


# what differs from run to run


def test_ports_numbers_and_ids_of_a_run_are_not_told():
    one = recording(*dialled(4, 40000), *session(9, "commit"), first=17)
    other = recording(*dialled(11, 51234), *session(2, "commit"), first=400)
    assert transcript(one) == transcript(other)
    assert "c1 inbound on sipSigPort default/Z/1, far end 127.0.0.1:port" in transcript(one)
    assert "40000" not in transcript(one)


def test_the_start_of_a_run_makes_no_difference_to_what_it_does():
    events = [*session(1, "commit"), ClockMoved(86_400_000_000, 1, 0), Logout("admin", "127.0.0.1", "cli")]
    later = replace(HEADER, start=from_rfc3339("2027-06-01T12:00:00Z"))
    assert compared(recording(*events), recording(*events, header=later)).equal


def test_call_ids_that_far_ends_and_boxes_draw_make_no_difference():
    def run(word: str, called: str = "200") -> Recording:
        return recording(
            CallStarted(1, "100", called, "TG-IN", f"in-{word}"),
            CallRouted(1, "TG-OUT", "BOB", f"out-{word}"),
            CallRefused(503, "no", f"second-{word}", "127.0.0.1:5061"),
        )

    assert compared(run("one"), run("other")).equal
    assert not compared(run("one"), run("one", "201")).equal


def test_a_host_port_in_a_command_is_one_too():
    def run(port: int) -> Recording:
        peer = ConnectionOpened(1, "outbound", "default/Z/1", "10.0.0.5:5061", f"127.0.0.1:{port}")
        return recording(*session(1, f"set ... ipPort {port}"), Commit(1, "admin", "cli", (f"ipPort {port}",)), peer)

    assert transcript(run(15061)) == transcript(run(25061))
    assert transcript(run(15061)) != transcript(recording(*session(1, "set ... ipPort 5061")))


def test_addresses_of_the_simulated_network_stay():
    peer = ConnectionOpened(1, "outbound", "default/Z/1", "10.0.0.5:5061", "192.0.2.10:5061")
    assert "far end 192.0.2.10:5061" in transcript(recording(peer))


def test_times_that_flow_are_not_told():
    flowing = replace(HEADER, mode="real", rate=1.0)
    one, other = (recording(ClockMoved(by, 0, 0), *session(1, "commit"), header=flowing) for by in (1_000, 2_345))
    assert transcript(one) == transcript(other)
    assert "clock moved" not in transcript(one)


def test_times_that_begin_to_flow_are_not_told_either():
    rate = Controlled("rate", (("rate", "2.0"),))
    one, other = (recording(rate, ClockMoved(by, 0, 0), *session(1, "commit")) for by in (1_000, 2_345))
    assert transcript(one) == transcript(other)


# order

STRANDS = (
    dialled(1, 40001),
    dialled(2, 40002, NEW),
    dialled(3, 40003),
    session(1, "set a", "set b"),
    session(2, "show c"),
    [
        Login("tool", "127.0.0.1", "sftp", True),
        SftpOperation("tool", "put", "/a", 3, True),
        Logout("tool", "::1", "sftp"),
    ],
    [AlarmRaised(1, "sonusA", "Major", "connection 1 failed", 1)],
    [AlarmRaised(2, "sonusA", "Major", "connection 2 failed", 1)],
)


def mixed(strands: tuple[list[Event], ...], seed: int) -> list[Event]:
    """Return strands mixed at random, each in its own order; all sessions begin before the first ends."""
    rest = [list(strand) for strand in strands]
    found = [strand.pop(0) for strand in rest if not isinstance(strand[0], AlarmRaised)]
    chance = random.Random(seed)
    while any(rest):
        strand = chance.choice([each for each in rest if each])
        found.append(strand.pop(0))
    return found


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_how_the_host_mixed_what_was_concurrent_makes_no_difference(one: int, other: int):
    commit = Commit(1, "admin", "cli", ("set a",))
    first = recording(*mixed(STRANDS, one), commit, *dialled(4, 40004))
    second = recording(*mixed(STRANDS, other), commit, *dialled(4, 40014))
    assert transcript(first) == transcript(second)
    assert compared(first, second).equal


def test_what_came_one_behind_the_other_stays_so():
    text = transcript(recording(*session(1, "first"), *session(2, "second", user="aaa"), *session(3, "third")))
    assert [line.split()[-1] for line in text.splitlines() if "%" in line] == ["first", "second", "third"]


def test_a_commit_and_the_clock_keep_their_places():
    events = [*session(1, "z"), Commit(1, "admin", "cli", ("x",)), *session(2, "a"), ClockMoved(1_000_000, 0, 0)]
    text = transcript(recording(*events, *session(3, "a")))
    assert [line.strip() for line in text.splitlines() if line.strip().startswith(("s", "commit", "clock", "+"))][
        2:
    ] == [
        "+0s",
        "s1 begins: admin by ssh from 127.0.0.1, on a terminal",
        "s1 admin% z",
        "s1 ends",
        "commit 1 by admin",
        "s2 begins: admin by ssh from 127.0.0.1, on a terminal",
        "s2 admin% a",
        "s2 ends",
        "+1s",
        "clock moved by 1s: 0 due, 0 coalesced",
        "s3 begins: admin by ssh from 127.0.0.1, on a terminal",
        "s3 admin% a",
        "s3 ends",
    ]


def test_a_logout_that_the_network_told_late_is_where_the_session_ended():
    early = [Login("tool", "::1", "sftp", True), Logout("tool", "::1", "sftp"), Commit(1, "a", "cli", ("x",))]
    late = [early[0], early[2], early[1]]
    assert transcript(recording(*early)) == transcript(recording(*late))


def test_a_logout_is_told_where_the_session_ended_even_if_the_clock_has_moved_since():
    login = [Login("tool", "::1", "sftp", True), SftpOperation("tool", "put", "/a", 3, True)]
    logout, moved = Logout("tool", "::1", "sftp"), ClockMoved(1_000_000, 0, 0)
    assert transcript(recording(*login, logout, moved)) == transcript(recording(*login, moved, logout))


def test_a_logout_from_the_cli_is_told_by_the_end_of_its_session():
    assert transcript(recording(*session(1, "a"), Logout("admin", "::1", "cli"))) == transcript(
        recording(*session(1, "a"))
    )


def test_ids_are_counted_on_behind_a_reset():
    text = transcript(recording(*dialled(1, 40000), Reset(), *dialled(1, 40000)))
    assert "c2 inbound" in text


def test_whether_a_warning_is_an_alarm_is_no_number_of_one():
    warnings = [CertificateWarning("OLD", "local", 90, alarm=False), CertificateWarning("OLD", "local", 29, alarm=True)]
    text = transcript(recording(*warnings, AlarmRaised(7, "expiry", "major", "OLD ends", 1)))
    assert "days=90 alarm=no" in text
    assert "days=29 alarm=yes" in text
    assert "alarm=a1" in text
    assert "alarm=a2" not in text


def test_kinds_can_be_left_out():
    assert "OPTIONS" not in transcript(recording(*dialled(1, 40000)), frozenset({"sip"}))


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_a_sentence_without_control_characters(kind: str):
    text = transcript(recording(sample(kinds()[kind])))
    assert len(text.splitlines()) > 3
    assert all(line.isprintable() for line in text.splitlines())


# comparison


def test_the_same_is_equal():
    assert compared(recording(*dialled(1, 40000)), recording(*dialled(7, 50000))).lines() == []


def test_another_certificate_is_told_in_the_words_of_the_field():
    old, new = recording(*session(1, "commit"), handshake(1)), recording(*session(1, "commit"), handshake(1, NEW))
    lines = compared(old, new).lines()
    assert lines[0] == "1. behind: s1 ends"
    assert "     own certificate: OLD in the first, NEW in the second" in lines
    assert "     local certificate serial: 0A in the first, 0B in the second" in lines


def test_what_is_missing_and_what_is_new_is_told():
    closed = ConnectionClosed(1, "inbound", "local", "certificate re-check: expired", "OLD")
    shorter, longer = recording(handshake(1)), recording(handshake(1), closed)
    (gone,) = compared(longer, shorter).differences
    assert gone.text == "only in the first:  +0s  c1 closed by local: certificate re-check: expired, was on OLD"
    (come,) = compared(shorter, longer).differences
    assert come.text.startswith("only in the second: ")


def test_another_time_is_told():
    one, other = (recording(ClockMoved(by, 1, 0), Reset()) for by in (1_000_000, 2_000_000))
    text = "\n".join(compared(one, other).lines())
    assert "it happens at +1s in the first, at +2s in the second" in text


def test_another_commit_is_told_by_its_changes():
    one, other = (recording(Commit(1, "admin", "cli", ("set a", change))) for change in ("set b", "set c"))
    text = "\n".join(compared(one, other).lines())
    assert "changes: only in the first:  set b" in text
    assert "changes: only in the second: set c" in text
    assert "set a" not in text


def test_another_box_is_told_first_and_only_so_many_are_shown():
    other = recording(*(Reset() for _ in range(9)), header=replace(HEADER, seed=5, ha="1to1"))
    lines = compared(recording(), other).lines()
    assert "seed 0 in the first, 5 in the second" in lines[1]
    assert lines[-1] == "6 more differences follow, some perhaps from these"


def test_entries_are_told_with_the_fields_that_say_something():
    entry = json.loads(json.dumps(recording(handshake(1, alert_sent=45, reason="expired")).entries[0]))
    failed = Recording(HEADER, (entry | {"ok": False},))
    assert "c1 TLS handshake fails: expired; shown OLD (0A), got CN=peer; TLSv1.3, TLS alert sent 45" in transcript(
        failed
    )
