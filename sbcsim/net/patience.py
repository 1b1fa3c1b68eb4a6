"""Waiting until something that is noted makes a condition true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changes:
    """Whoever notes something tells it here; whoever waits looks again each time."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Have everybody who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(
        self, condition: Callable[[], bool], patience: float | None = None, seen: Callable[[], str] = str
    ) -> None:
        """Wait until `condition` holds; raises TimeoutError after `patience` host seconds, with what was `seen`."""
        try:
            async with asyncio.timeout(patience):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"nothing of the kind within {patience} s; {seen()}") from None
