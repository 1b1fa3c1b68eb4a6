"""Whether two plays of a scenario are one: their whole journals, but for what the host alone decides.

That is its ports, and the order of what happened at once; see `sbcsim.recording.facts`.
"""

from __future__ import annotations

from sbcsim.clock import from_rfc3339
from sbcsim.recording.comparison import compared_facts
from sbcsim.recording.facts import Fact
from sbcsim.recording.file import Header, Recording
from sbcsim.recording.transcript import told
from sbcsim.scenario.runner import Result
from sbcsim.version import __version__


def difference(one: Result, other: Result) -> list[str]:
    """Return the first differences in words, nothing where the same happened."""
    assert one.journal
    assert other.journal
    return compared_facts(_facts(one), _facts(other)).lines()


def _facts(result: Result) -> list[Fact]:
    start = from_rfc3339(str(result.journal[0]["time"]))
    return told(Recording(Header(__version__, result.seed, "virtual", 0.0, start), result.journal))
