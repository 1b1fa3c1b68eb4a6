"""sbcsim: a simulator of a Ribbon (Sonus) SBC Core to test certificate rotation against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import VirtualClock
from .errors import BugError, PeerError, SbcsimError, ScenarioError, UserError
from .version import __version__

if TYPE_CHECKING:
    from .simulator import Simulator

__all__ = [
    "BugError",
    "PeerError",
    "SbcsimError",
    "ScenarioError",
    "Simulator",
    "UserError",
    "VirtualClock",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Import the simulator when it is first asked for: it brings SSH, TLS and the CLI with it."""
    if name == "Simulator":
        from .simulator import Simulator  # noqa: PLC0415

        return Simulator
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
