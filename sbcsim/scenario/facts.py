"""What was true on the wire after a tool had been at work, whatever it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .stage import Stage
from .tool import ToolRun
from .verdict import shown_by, time_down


@dataclass(frozen=True, slots=True)
class Facts:
    """What is found when a scenario about a tool is over.

    `served` is the certificate that a new connection to each port gets ("" for none), `live` counts those of the
    connections that stand, `interruption` is for how many simulated seconds peers were down, in all. `objects` are the
    certificate objects with a key that are configured, `files` those that were not there at the start.
    """

    runs: tuple[ToolRun, ...]
    served: Mapping[str, str]
    live: Mapping[str, int]
    interruption: float
    objects: tuple[str, ...]
    files: tuple[str, ...]


async def look(stage: Stage) -> Facts:
    """Look at the box, and dial each of its ports once as a stranger whom it trusts would."""
    ports = [f"{each.zone}/{each.sip_sig_port}" for each in stage.sbc.ports.sip if each.transport == "tls"]
    live = Counter(each.local_certificate.name for each in stage.sbc.connections() if each.local_certificate)
    return Facts(
        tuple(stage.tool_runs),
        {port: await shown_by(stage, port) for port in ports},
        dict(live),
        sum(time_down(stage, peer.name) for peer in stage.sbc.peers()) / 1_000_000,
        tuple(each.name for each in stage.sbc.certificates() if each.type != "remote"),
        tuple(name for name in stage.sbc.files() if name not in stage.mint.placed),
    )
