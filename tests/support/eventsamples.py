"""An event of any kind, with every field set."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

from sbcsim.events import CertificateSeen, Event

SEEN = CertificateSeen("CN=sbc", "0A", 1_767_225_600_000_000, "OLD")
OBJECTS = tuple[tuple[str, str | int], ...]
SAMPLES = {
    str: "text",
    int: 7,
    bool: True,
    tuple[str, ...]: ("one", "two"),
    OBJECTS: (("name", 1),),
    CertificateSeen: SEEN,
}


def sample(kind: type[Event]) -> Event:
    """Return an event with every field set."""
    hints = get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        wanted = hints[field.name]
        values[field.name] = SEEN if "CertificateSeen" in str(wanted) else SAMPLES[wanted]
    return kind(**values)
