"""Waiting for an entry of the journal that is still to come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from .expectation import Expectation, ExpectationError
from .journal import Entry, Journal


async def wait_for(journal: Journal, kind: str, after: int, patience: float, fields: Mapping[str, object]) -> Entry:
    """Return the first entry of a kind with these fields, now or as soon as there is one.

    Raises ExpectationError after `patience` host seconds.
    """
    wanted = Expectation.of(kind, fields)
    found = wanted.first(journal.after(after, wanted.kinds))
    if found is not None:
        return found
    coming: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()

    def read(entry: Entry) -> None:
        if coming.done():
            return
        try:
            if not wanted.misses(entry.event):
                coming.set_result(entry)
        except Exception as error:  # noqa: BLE001 - a mistake of who waits is his, never that of who told
            coming.set_exception(error)

    unsubscribe = journal.subscribe(read)
    try:
        async with asyncio.timeout(patience):
            return await coming
    except TimeoutError:
        raise ExpectationError(wanted.explain(journal.after(after))) from None
    finally:
        unsubscribe()
