"""Where faults can be injected: every point by its name, with what it does."""

from __future__ import annotations

from typing import Final

from .boxpoints import BOX
from .managementpoints import MANAGEMENT
from .signallingpoints import SIGNALLING

POINTS: Final = {each.name: each for each in (*MANAGEMENT, *SIGNALLING, *BOX)}
"""Every point, by name."""
