"""What `sbcsim ctl` and `sbcsim run --log` print for people."""

from __future__ import annotations

import io
from typing import Any

import pytest
from fakebox import FakeBox
from pydantic import TypeAdapter
from rich.console import Console

from sbcsim.clock import VirtualClock
from sbcsim.control import tables
from sbcsim.control.text import journal_line
from sbcsim.events import CertificateSeen, Handshake, SipMessage
from sbcsim.journal import Journal


def data(value: object) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json", by_alias=True)


def shown(table: object) -> str:
    console = Console(file=io.StringIO(), width=240)
    console.print(table)
    return console.file.getvalue()


def test_connections_show_both_certificates() -> None:
    text = shown(tables.connections([data(each) for each in FakeBox().connections()]))
    assert "192.0.2.1:5061" in text
    assert "OLD (0A) until 2026-01-01" in text
    assert "CN=peer" in text
    assert len(text.splitlines()) == 3


def test_a_connection_without_certificates_shows_dashes() -> None:
    row = data(FakeBox().connections()[0]) | {"localCertificate": None, "peerCertificate": None, "remote": ["::1", 5]}
    text = shown(tables.connections([row]))
    assert " - " in text
    assert "[::1]:5" in text


def test_a_table_that_is_too_wide_stands_upright() -> None:
    rows = [data(each) | {"peer": None} for each in FakeBox().connections()]
    lines = shown(tables.upright(tables.connections(rows))).splitlines()
    blocks = "\n".join(line.rstrip() for line in lines).split("\n\n")
    assert len(blocks) == len(rows) == 2
    assert blocks[0].splitlines()[0].split() == ["id", "1"]
    assert ["certificate", "OLD (0A) until 2026-01-01"] in [line.split(maxsplit=1) for line in blocks[0].splitlines()]
    assert not any(line.startswith("peer  ") for line in lines)


def test_every_other_table() -> None:
    box = FakeBox()
    assert "203.0.113.5:5061" in shown(tables.peers([data(each) for each in box.peers()]))
    assert "TLS1" in shown(tables.certificates([data(each) for each in box.certificates()]))
    assert "sonusX" in shown(tables.alarms([data(each) for each in box.alarms().current]))


def test_facts_are_flat() -> None:
    lines = shown(tables.facts(data(FakeBox().status()))).splitlines()
    assert ["counts.connections", "2"] in [line.split() for line in lines]
    assert ["ports.sip.0.address", "127.0.0.1:5061"] in [line.split() for line in lines]


def test_a_journal_line_leaves_out_what_says_nothing() -> None:
    seen = CertificateSeen("CN=sbc", "0A", 0, "OLD")
    event = Handshake(1, "inbound", False, "", "", False, seen, None, 45, 0, "peer certificate expired")
    entry = Journal().add(VirtualClock().reading(), event)
    assert journal_line(entry.to_json()) == (
        "     1 2026-01-01T00:00:00Z handshake connection=1 direction=inbound ok=no resumed=no "
        "localCertificate={subject=CN=sbc serial=0A notAfter=1970-01-01T00:00:00Z name=OLD} alertSent=45 "
        'reason="peer certificate expired" times=1'
    )


@pytest.mark.parametrize("wild", ["\x1b[2J", "a\nb", "\u202e", "tab\t"])
def test_a_journal_line_never_hands_a_peers_control_characters_to_the_terminal(wild: str) -> None:
    entry = Journal().add(VirtualClock().reading(), SipMessage(1, "in", wild, "", 0))
    assert journal_line(entry.to_json()).isprintable()
