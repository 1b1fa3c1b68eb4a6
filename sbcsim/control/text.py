"""The journal as short lines for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_COMMON = frozenset({"number", "time", "uptime", "kind"})


def journal_line(entry: Mapping[str, Any]) -> str:
    """Return one journal entry on one line: number, time, kind, then what is not empty."""
    details = (f"{name}={_short(value)}" for name, value in entry.items() if name not in _COMMON and _says(value))
    return " ".join((f"{entry['number']:>6}", str(entry["time"]), str(entry["kind"]), *details))


def _says(value: object) -> bool:
    return value is False or bool(value)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + " ".join(f"{name}={_short(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)
