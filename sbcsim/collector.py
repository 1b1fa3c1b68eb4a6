"""How Python looks for garbage in a process that does nothing but simulate."""

from __future__ import annotations

import gc

_FULL = 500
"""Collections of the middle generation, some 7,000 new objects each, before a full one."""


def collect_rarely() -> None:
    """Have everybody wait for full collections more rarely; what is there now is never looked at again.

    A full collection looks at every object: with 10,000 connections all else waits a quarter of a second. Nearly
    everything that a box drops is freed at once, and only what refers to itself in a circle waits to be found.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL)
    gc.enable()
