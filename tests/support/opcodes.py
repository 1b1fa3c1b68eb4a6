"""What a call costs, counted in instructions of Python: no clock is involved, so it is the same on every machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType


def instructions(run: Callable[[], object]) -> int:
    """Return how many instructions of Python a call takes."""
    counted = 0

    def trace(frame: FrameType, event: str, _argument: object) -> object:
        nonlocal counted
        frame.f_trace_opcodes = True
        counted += event == "opcode"
        return trace

    before = sys.gettrace()
    collects = gc.isenabled()
    gc.disable()  # what is called at a collection would be counted too, whenever it comes
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return counted
