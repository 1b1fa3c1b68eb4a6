"""sbcsim: a simulator of a Ribbon (Sonus) SBC Core to test certificate rotation against."""

from __future__ import annotations

from .clock import VirtualClock
from .errors import BugError, PeerError, SbcsimError, ScenarioError, UserError

__version__ = "0.1.0"

__all__ = ["BugError", "PeerError", "SbcsimError", "ScenarioError", "UserError", "VirtualClock", "__version__"]
