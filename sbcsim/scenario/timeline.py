"""The connections of a scenario over simulated time, one bar each, coloured by the certificate that the box showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from .ladder import Entry, canvas

MOST = 200
"""Bars of one picture; the rest is left out, and that is said."""

COLOURS = ("#3b7dd8", "#e08a1e", "#3a9d5d", "#b5487a", "#7a62c9", "#8c7a3a")
"""Of the certificates, in the order in which they appear."""

_LEFT, _WIDTH, _STEP, _TOP = 200, 900, 22, 56

_MARKS: Mapping[str, str] = {
    "certificateCheck": "check",
    "certificateReplaced": "{old} to {new}",
    "switchover": "switchover",
    "portState": "{object} {new}",
    "reset": "reset",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One connection: whose, on which certificate, from when to when (None: it still stands)."""

    connection: int
    label: str
    certificate: str
    began: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that can change which certificate is shown."""

    at: float
    text: str


def bars(journal: Iterable[Entry], names: Mapping[str, str]) -> list[Bar]:
    """Return the TLS connections of a journal; `names` are those of far ends, see `ladder.rungs`."""
    found: dict[int, Bar] = {}
    remote: dict[int, str] = {}
    for entry in journal:
        number = entry.get("connection", 0)
        if entry["kind"] == "connectionOpened":
            remote[number] = entry["remote"]
        elif entry["kind"] == "handshake" and entry["ok"]:
            local, peer = entry["localCertificate"], entry["peerCertificate"]
            address = remote.get(number, "")
            label = names.get(peer["serial"] if peer else "") or names.get(address) or address
            shown = local["name"] if local else "none"
            found[number] = Bar(number, f"{label} #{number}", shown, _seconds(entry["time"]), None)
        elif entry["kind"] == "connectionClosed" and number in found:
            bar = found[number]
            found[number] = Bar(number, bar.label, bar.certificate, bar.began, _seconds(entry["time"]))
    return list(found.values())


def marks(journal: Iterable[Entry]) -> list[Mark]:
    """Return what else stands on the time line; a check that closed nothing is left out."""
    return [
        Mark(_seconds(entry["time"]), _MARKS[entry["kind"]].format_map(entry))
        for entry in journal
        if entry["kind"] in _MARKS and not (entry["kind"] == "certificateCheck" and not entry["failed"])
    ]


def svg(drawn: list[Bar], marked: list[Mark], start: str, end: str) -> str:
    """Draw bars and marks between two RFC 3339 times as an SVG picture."""
    first, last = _seconds(start), _seconds(end)
    span = max(last - first, 1.0)
    shown = drawn[:MOST]
    height = _TOP + _STEP * (len(shown) + 2) + 30
    certificates = list(dict.fromkeys(bar.certificate for bar in drawn))
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(certificates)}

    def x(moment: float) -> float:
        return round(_LEFT + _WIDTH * (moment - first) / span, 1)

    parts = canvas(_LEFT + _WIDTH + 40, height)
    for index, (name, colour) in enumerate(colours.items()):
        parts.append(f'<rect x="{_LEFT + 150 * index}" y="8" width="14" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + 150 * index + 20}" y="19">{escape(name)}</text>')
    bottom = _TOP + _STEP * len(shown) + 6
    for mark in marked:
        at = x(mark.at)
        parts.append(f'<line x1="{at}" y1="{_TOP - 12}" x2="{at}" y2="{bottom}" stroke="#888" stroke-dasharray="3 3"/>')
        parts.append(f'<text x="{at + 3}" y="{_TOP - 14}" font-size="10" fill="#555">{escape(mark.text)}</text>')
    for index, bar in enumerate(shown):
        y = _TOP + _STEP * index
        began, ended = x(bar.began), x(last if bar.ended is None else bar.ended)
        parts.append(f'<text x="8" y="{y + 13}">{escape(bar.label)}</text>')
        parts.append(
            f'<rect x="{began}" y="{y}" width="{max(round(ended - began, 1), 2)}" height="16" rx="2" '
            f'fill="{colours[bar.certificate]}"><title>{escape(bar.label)}: {escape(bar.certificate)}</title></rect>'
        )
    parts.append(f'<line x1="{_LEFT}" y1="{bottom}" x2="{_LEFT + _WIDTH}" y2="{bottom}" stroke="#333"/>')
    parts.append(f'<text x="{_LEFT}" y="{bottom + 18}">{_day(start)}</text>')
    parts.append(f'<text x="{_LEFT + _WIDTH}" y="{bottom + 18}" text-anchor="end">{_day(end)}</text>')
    if len(drawn) > MOST:
        parts.append(f'<text x="8" y="{bottom + 18}">... and {len(drawn) - MOST} more</text>')
    return "\n".join([*parts, "</svg>", ""])


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _day(time: str) -> str:
    return time[:16].replace("T", " ")
