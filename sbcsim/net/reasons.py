"""Why the host did not do something, in few words."""

from __future__ import annotations

import os


def reason_of(error: Exception) -> str:
    """Return what an error of the operating system says, without the many words in which asyncio wraps it."""
    code = error.errno if isinstance(error, OSError) else None
    return os.strerror(code).lower() if code and code > 0 else str(error)
