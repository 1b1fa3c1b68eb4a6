"""The exchange between the box and its far ends as a ladder: who opened, showed, sent and closed what, in order.

The ladder is made from the journal alone; `text` and `svg` are two drawings of the same arrows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

Entry = Mapping[str, Any]
"""A journal entry as JSON data."""

MOST = 2_000
"""Arrows of one ladder; of more, the last are left out, and that is said."""

_WIDTH = 34
"""Columns between two life lines."""
_TIME = 20


@dataclass(frozen=True, slots=True)
class Arrow:
    """Something that went between the box and a far end; `outward` from the box, `strong` for TLS."""

    time: str
    far_end: str
    outward: bool
    text: str
    strong: bool = False
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that happened at the box alone."""

    time: str
    text: str


Rung = Arrow | Remark


def rungs(journal: Iterable[Entry], names: Mapping[str, str]) -> Iterator[Rung]:
    """Yield what stands on the ladder; `names` are those of far ends by address, and by serial of a certificate."""
    ends: dict[int, str] = {}
    outward: dict[int, bool] = {}
    entries = [*journal]
    for entry in entries:  # who dialled in is known by the certificate that the handshake brings
        number = entry.get("connection", 0)
        if entry["kind"] == "connectionOpened":
            outward[number] = entry["direction"] == "outbound"
            ends[number] = names.get(entry["remote"], "others")
        if entry["kind"] == "handshake" and entry["peerCertificate"]:
            ends[number] = names.get(entry["peerCertificate"]["serial"], ends.get(number, "others"))
    for entry in entries:
        time, kind, number = entry["time"], entry["kind"], entry.get("connection", 0)
        end, out = ends.get(number, "others"), outward.get(number, False)
        if kind == "connectionOpened":
            yield Arrow(time, end, out, f"TCP #{number}")
        elif kind == "handshake":
            yield Arrow(time, end, out, _handshake(entry), strong=True, bad=not entry["ok"])
        elif kind == "dialFailed":
            yield Arrow(
                time,
                names.get(entry["remote"], "others"),
                outward=True,
                text=f"no connection: {entry['reason']}",
                bad=True,
            )
        elif kind == "sip":
            end = ends.get(number) or names.get(entry["remote"], "others")
            yield Arrow(time, end, entry["direction"] == "out", f"{_message(entry['summary'])}{_times(entry)}")
        elif kind == "alertReceived":
            yield Arrow(time, end, outward=False, text=f"alert {entry['alert']}", strong=True, bad=True)
        elif kind == "connectionClosed":
            yield Arrow(time, end, entry["by"] == "local", f"close #{number}: {entry['reason']}")
        elif kind in _REMARKS and not (kind == "certificateCheck" and not entry["failed"]):
            yield Remark(time, _REMARKS[kind].format_map(entry))


_REMARKS: Mapping[str, str] = {
    "alarmRaised": "alarm: {description}",
    "callAnswered": "call {call} stands",
    "callEnded": "call {call} ended by {by}: {why}",
    "callRefused": "call refused with {status}: {why}",
    "certificateCheck": "certExpiryCheck: {checked} live, {failed} closed",
    "commit": "commit {revision} by {user}",
    "commitRefused": "commit refused: {reason}",
    "faultFired": "fault {point}: {subject}",
    "portState": "{object}: {old} to {new}",
    "switchover": "{active} takes over from {standby}",
    "pathState": "{peer}: {old} to {new}",
}


def _handshake(entry: Entry) -> str:
    local = entry["localCertificate"]
    shown = f"TLS {local['name']}" if local else "TLS"
    if entry["ok"]:
        return f"{shown}, resumed" if entry["resumed"] else shown
    alert = entry["alertSent"] or entry["alertReceived"]
    return f"{shown} fails: {entry['reason'] or f'alert {alert}'}{_times(entry)}"


def _message(summary: str) -> str:
    """Return a start line without what every one has."""
    return summary.removeprefix("SIP/2.0 ").removesuffix(" SIP/2.0").partition(";")[0]


def _times(entry: Entry) -> str:
    return f" (x{entry['times']})" if entry.get("times", 1) > 1 else ""


def far_ends(ladder: Iterable[Rung], names: Mapping[str, str]) -> list[str]:
    """Return the far ends of a ladder in the order of `names`, see `rungs`; others behind them as they appear."""
    there = dict.fromkeys(each.far_end for each in ladder if isinstance(each, Arrow))
    known = [name for name in dict.fromkeys(names.values()) if name in there]
    return [*known, *(end for end in there if end not in known)]


def text(ladder: list[Rung], ends: list[str]) -> str:
    """Draw a ladder in characters: one line for each rung, the box at the left, its far ends in their order."""
    head = " " * _TIME + "SBC".ljust(_WIDTH) + "".join(end.ljust(_WIDTH) for end in ends)
    lines = [head.rstrip()]
    previous = ""
    for rung in ladder[:MOST]:
        stamp = rung.time[:19].replace("T", " ")
        lines.append((stamp if stamp != previous else "").ljust(_TIME) + _drawn(rung, ends))
        previous = stamp
    if len(ladder) > MOST:
        lines.append(f"... and {len(ladder) - MOST} more")
    return "\n".join(lines) + "\n"


def _drawn(rung: Rung, ends: list[str]) -> str:
    if isinstance(rung, Remark):
        return f"* {rung.text}"
    length = _WIDTH * (ends.index(rung.far_end) + 1) - 1
    line = "=" if rung.strong else "-"
    label = f" {rung.text} "
    if len(label) > length - 4:
        label = f"{label[: length - 8]}... "
    body = label.center(length - 2, line)
    arrow = f"|{body}>" if rung.outward else f"|<{body}"
    rest = "".join("|".rjust(_WIDTH) for _ in ends[ends.index(rung.far_end) + 1 :])
    return f"{arrow}|{rest}"


def svg(ladder: list[Rung], ends: list[str]) -> str:
    """Draw a ladder as an SVG picture, the far ends in their order."""
    step, gap, left = 22, 300, 190
    shown = ladder[:MOST]
    width, height = left + gap * len(ends) + 120, 60 + step * (len(shown) + 1)
    columns = {end: left + gap * (index + 1) for index, end in enumerate(ends)}
    parts = [*canvas(width, height), _TIP]
    for name, x in (("SBC", left), *columns.items()):
        parts.append(f'<text x="{x}" y="24" text-anchor="middle" font-weight="bold">{escape(name)}</text>')
        parts.append(f'<line x1="{x}" y1="32" x2="{x}" y2="{height - 12}" stroke="#999"/>')
    previous = ""
    for index, rung in enumerate(shown):
        y = 54 + step * index
        stamp = rung.time[:19].replace("T", " ")
        if stamp != previous:
            parts.append(f'<text x="8" y="{y - 4}" fill="#555">{stamp}</text>')
            previous = stamp
        if isinstance(rung, Remark):
            parts.append(f'<text x="{left + 8}" y="{y - 4}" fill="#06c" {HALO}>{escape(rung.text)}</text>')
            continue
        here, there = (left, columns[rung.far_end]) if rung.outward else (columns[rung.far_end], left)
        colour = "#c00" if rung.bad else "#080" if rung.strong else "#333"
        weight = 2 if rung.strong else 1
        parts.append(
            f'<line x1="{here}" y1="{y}" x2="{there}" y2="{y}" stroke="{colour}" stroke-width="{weight}" '
            'marker-end="url(#tip)"/>'
        )
        middle = columns[rung.far_end] - gap // 2
        parts.append(
            f'<text x="{middle}" y="{y - 5}" text-anchor="middle" fill="{colour}">{escape(_cut(rung.text))}</text>'
        )
    if len(ladder) > MOST:
        parts.append(f'<text x="8" y="{height - 6}">... and {len(ladder) - MOST} more</text>')
    return "\n".join([*parts, "</svg>", ""])


_TIP = """<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" \
markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" fill="context-stroke"/></marker>\
</defs>"""
"""The tip of an arrow."""


HALO = 'paint-order="stroke" stroke="white" stroke-width="4"'
"""What keeps a text readable where a line crosses it."""


def canvas(width: int, height: int) -> list[str]:
    """Return the beginning of an SVG picture of that size, on white."""
    size = f'width="{width}" height="{height}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect {size} fill="white"/>',
    ]


def _cut(label: str, most: int = 48) -> str:
    return label if len(label) <= most else f"{label[: most - 3]}..."
