"""`sbcsim demo`: the documented renewal procedure, typed into a simulated SBC between two real TLS peers."""

from .story import main

__all__ = ["main"]
