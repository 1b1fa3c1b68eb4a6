"""`sbcsim ctl`: asks a running simulator, or does something to it, through its control API."""

from . import doings, readings
from .asking import fail
from .options import ctl

__all__ = ["ctl", "doings", "fail", "readings"]
