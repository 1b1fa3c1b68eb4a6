"""Where faults can be injected: every point by its name, with what it does."""

from __future__ import annotations

from typing import Final

from .managementpoints import MANAGEMENT
from .signallingpoints import SIGNALLING

POINTS: Final = {each.name: each for each in (*MANAGEMENT, *SIGNALLING)}
"""Every point, by name."""
