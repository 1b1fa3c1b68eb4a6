"""What was true on the wire after a tool had been at work, whatever it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from . import callverdict
from .stage import Stage
from .tool import ToolRun
from .verdict import shown_by, time_down


@dataclass(frozen=True, slots=True)
class Facts:
    """What is found when a scenario about a tool is over.

    `served` is the certificate that a new connection to each port gets ("" for none), `live` counts those of the
    connections that stand. `calls` had been answered, and `lost` of them are gone though neither of their ends has hung
    up. `interruption` is for how many simulated seconds peers were down, in all. `objects` are the
    certificate objects with a key that are configured. `left` tells what lies about: certificates that were to go, and
    files which no certificate object names, of those that a tool has brought or has made useless.
    """

    runs: tuple[ToolRun, ...]
    served: Mapping[str, str]
    live: Mapping[str, int]
    calls: int
    lost: int
    interruption: float
    objects: tuple[str, ...]
    left: tuple[str, ...]


async def look(stage: Stage) -> Facts:
    """Look at the box, and dial each of its ports once as a stranger whom it trusts would."""
    ports = [f"{each.zone}/{each.sip_sig_port}" for each in stage.sbc.ports.sip if each.transport == "tls"]
    objects = [each.name for each in stage.sbc.certificates() if each.type != "remote"]
    live = Counter(each.local_certificate.name for each in stage.sbc.connections() if each.local_certificate)
    return Facts(
        tuple(stage.tool_runs),
        {port: await shown_by(stage, port) for port in ports},
        dict(live),
        len(stage.sbc.journal("callAnswered")),
        callverdict.lost(stage),
        sum(time_down(stage, peer.name) for peer in stage.sbc.peers()) / 1_000_000,
        tuple(objects),
        tuple(_left(stage, objects)),
    )


def _left(stage: Stage, objects: Iterable[str]) -> Iterator[str]:
    old = {step.tool.old: None for step in stage.loaded.scenario.steps if step.tool is not None and step.tool.old}
    yield from (f"certificate {name}" for name in old if name in objects)
    words = [line.split() for line in stage.sbc.configuration() if line.startswith(_CERTIFICATE)]
    named = {line[line.index("fileName") + 1].strip('"') for line in words if "fileName" in line}
    useless = {stage.mint.file_of(name) for name in old}
    for name in stage.sbc.files():
        if name not in named and (name in useless or name not in stage.mint.placed):
            yield f"file {name}"


_CERTIFICATE = "set system security pki certificate "
