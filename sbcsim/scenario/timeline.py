"""The connections of a scenario over simulated time, one bar each, coloured by the certificate that the box showed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import accumulate, pairwise

from .ladder import Entry, canvas

MOST = 200
"""Bars of one picture; the rest is left out, and that is said."""

COLOURS = ("#3b7dd8", "#e08a1e", "#3a9d5d", "#b5487a", "#7a62c9", "#8c7a3a")
"""Of the certificates, in the order in which they appear."""

_LEFT, _WIDTH, _STEP, _TOP = 200, 900, 22, 40
_ROW = 14
"""Height of a row of texts above the bars."""
_NARROWEST = 4
_LONGEST = 90
"""Characters of the text of a mark that are shown."""
_CHARACTER = 5.5
"""Width of one of them, about."""
_DATE = 115
"""Width of a date and time."""

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
    """Return what else stands on the time line.

    A check that closed nothing is left out, and the first time that a port comes into service: it is the start.
    """
    found: list[Mark] = []
    known: set[str] = set()
    for entry in journal:
        kind = entry["kind"]
        if kind not in _MARKS or (kind == "certificateCheck" and not entry["failed"]):
            continue
        if kind == "portState" and entry["object"] not in known:
            known.add(entry["object"])
            if entry["new"] == "inService":
                continue
        found.append(Mark(_seconds(entry["time"]), _MARKS[kind].format_map(entry)))
    return found


class Scale:
    """Where moments stand across the picture: a long time without an event takes little more room than a short one."""

    def __init__(self, moments: Iterable[float]) -> None:
        """Take every moment at which something happens, at least one, in seconds."""
        self.moments = sorted(set(moments))
        weights = [1 + math.log10(1 + later - earlier) for earlier, later in pairwise(self.moments)]
        total = sum(weights) or 1.0
        places = accumulate(weights, initial=0.0)
        self._at = {
            moment: round(_LEFT + _WIDTH * place / total, 1) for moment, place in zip(self.moments, places, strict=True)
        }

    def x(self, moment: float) -> float:
        """Return where one of its moments stands."""
        return self._at[moment]


def svg(drawn: list[Bar], marked: list[Mark], start: str, end: str) -> str:
    """Draw bars and marks between two RFC 3339 times as an SVG picture."""
    first, last = _seconds(start), _seconds(end)
    shown = drawn[:MOST]
    ends = [last if bar.ended is None else bar.ended for bar in shown]
    scale = Scale([first, last, *(bar.began for bar in shown), *ends, *(mark.at for mark in marked)])
    labels, rows = _labels(marked, scale)
    top = _TOP + _ROW * rows
    bottom = top + _STEP * len(shown) + 6
    parts = canvas(_LEFT + _WIDTH + 40, bottom + 50)
    colours = _colours(drawn)
    for index, (name, colour) in enumerate(colours.items()):
        parts.append(f'<rect x="{_LEFT + 150 * index}" y="8" width="14" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + 150 * index + 20}" y="19">{escape(name)}</text>')
    for label in labels:
        y = _TOP + _ROW * label.row - 4
        parts.append(
            f'<line x1="{label.at}" y1="{y + 3}" x2="{label.at}" y2="{bottom}" stroke="#888" stroke-dasharray="3 3"/>'
        )
        anchor = ' text-anchor="end"' if label.leftward else ""
        parts.append(
            f'<text x="{label.at + (-3 if label.leftward else 3)}" y="{y}" font-size="10" fill="#555"{anchor}>'
            f"{escape(label.text)}</text>"
        )
    for index, (bar, ended) in enumerate(zip(shown, ends, strict=True)):
        y = top + _STEP * index
        began, width = scale.x(bar.began), max(round(scale.x(ended) - scale.x(bar.began), 1), _NARROWEST)
        parts.append(f'<text x="8" y="{y + 13}">{escape(bar.label)}</text>')
        parts.append(
            f'<rect x="{min(began, _LEFT + _WIDTH - width)}" y="{y}" width="{width}" height="16" rx="2" '
            f'fill="{colours[bar.certificate]}"><title>{escape(bar.label)}: {escape(bar.certificate)}</title></rect>'
        )
    parts.append(f'<line x1="{_LEFT}" y1="{bottom}" x2="{_LEFT + _WIDTH}" y2="{bottom}" stroke="#333"/>')
    parts += _dates(scale, bottom)
    more = f"; {len(drawn) - MOST} more connections are left out" if len(drawn) > MOST else ""
    parts.append(f'<text x="8" y="{bottom + 40}" font-size="10" fill="#555">Time is not to scale{more}.</text>')
    return "\n".join([*parts, "</svg>", ""])


def _colours(drawn: Iterable[Bar]) -> dict[str, str]:
    certificates = dict.fromkeys(bar.certificate for bar in drawn)
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(certificates)}


@dataclass(frozen=True, slots=True)
class _Label:
    """The text of all marks at one moment; in which row it stands, and whether left of its line."""

    at: float
    text: str
    row: int
    leftward: bool


def _labels(marked: Iterable[Mark], scale: Scale) -> tuple[list[_Label], int]:
    """Place the marks so that no two texts overlap; returns them, and how many rows there are."""
    texts: dict[float, dict[str, None]] = {}
    for mark in marked:
        texts.setdefault(mark.at, {})[mark.text] = None
    found: list[_Label] = []
    taken: list[float] = []  # where each row is free again
    for moment in sorted(texts):
        at, text = scale.x(moment), ", ".join(texts[moment])
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
        width = _CHARACTER * len(text) + 6
        leftward = at + width > _LEFT + _WIDTH + 40
        begin = at - width if leftward else at
        row = next((number for number, free in enumerate(taken) if free <= begin), len(taken))
        taken[row : row + 1] = [begin + width]
        found.append(_Label(at, text, row, leftward))
    return found, len(taken)


def _dates(scale: Scale, bottom: int) -> Iterator[str]:
    """Yield the times under the picture: the first, the last, and of those in between what has room."""
    last = scale.moments[-1]
    room = _LEFT + _WIDTH - _DATE
    free = float(_LEFT)
    for moment in scale.moments:
        at = scale.x(moment)
        if moment == last and len(scale.moments) > 1:
            yield f'<text x="{_LEFT + _WIDTH}" y="{bottom + 18}" text-anchor="end">{_day(moment)}</text>'
        elif at >= free and (at + _DATE <= room or at == _LEFT):
            yield f'<line x1="{at}" y1="{bottom}" x2="{at}" y2="{bottom + 5}" stroke="#333"/>'
            yield f'<text x="{at}" y="{bottom + 18}">{_day(moment)}</text>'
            free = at + _DATE


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"
