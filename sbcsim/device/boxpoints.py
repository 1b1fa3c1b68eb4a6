"""Where faults can be injected for the box as a whole: its servers, ports, clock and checks."""

from __future__ import annotations

from typing import Final

from . import faultvalues
from .faultpoint import Point
from .redundancy import HaMode

SWITCHOVER: Final = "box.switchover"
RESTART: Final = "box.restart"
PORT: Final = "box.port"
INTERFACE: Final = "box.interface"
CLOCK: Final = "box.clock"
BEHIND: Final = "standby.behind"
FILE: Final = "standby.file"
LATE: Final = "recheck.late"
MISS: Final = "recheck.miss"

_EVENT = "kind of an event in the journal, as in `commit`"
_HOW_LONG = "how long, and behind a space which, as in `10m default/ZONE1/1`"
_PAIR = frozenset({HaMode.PAIR, HaMode.CLOUD})

TOLD: Final = (
    Point(SWITCHOVER, _EVENT, "The standby server of a pair takes over; where it cannot, the log says why.", on=_PAIR),
    Point(RESTART, _EVENT, "The application restarts, as by `softReset`."),
    Point(
        PORT,
        _EVENT,
        "Every sipSigPort in service is out of order for a while, or until the fault is taken away.",
        _HOW_LONG,
        "60s",
        faultvalues.outage,
    ),
    Point(
        INTERFACE,
        _EVENT,
        "Every ipInterface that a sipSigPort stands on is out of order for a while, or until the fault is taken away.",
        _HOW_LONG,
        "60s",
        faultvalues.outage,
    ),
    Point(
        CLOCK,
        _EVENT,
        "The calendar jumps forward; uptime, and what waits for that, goes on as before.",
        "by how much",
        "1h",
        faultvalues.duration,
    ),
    Point(
        BEHIND,
        _EVENT,
        "The standby server of a pair has to catch up before it can take over.",
        "simulated time that it takes",
        "60s",
        faultvalues.duration,
        _PAIR,
    ),
    Point(
        FILE,
        _EVENT,
        "Certificate files of the standby server go missing, where servers have files of their own (`--ha cloud`).",
        "names of the files, where `*` and `?` stand for any characters",
        "*",
        on=frozenset({HaMode.CLOUD}),
    ),
)
"""Every point that is met by the kind of an event in the journal."""

BY_EVENT: Final = frozenset(point.name for point in TOLD)
"""Their names."""

BOX: Final = (
    *TOLD,
    Point(LATE, "active server", "A re-check of certExpiryCheck runs late.", "by how much", "1h", faultvalues.duration),
    Point(
        MISS,
        "far end, as in `192.0.2.10:5061`",
        "A re-check passes over a connection that it should close; the next one finds it again.",
    ),
)
"""Every point of this side."""

LOOKED: Final = BY_EVENT | {LATE}
"""Points that may be met whenever a timer fires, also one that only looks."""
