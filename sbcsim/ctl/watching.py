"""Reads something again whenever the journal says that something has happened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sbcsim.errors import SbcsimError

if TYPE_CHECKING:
    from sbcsim.net.ctl import ControlClient

BREATH = 0.1
"""Host seconds between two readings at least: a storm of events is read once."""


def changes(client: ControlClient, read: Callable[[ControlClient], Any]) -> Iterator[Any]:
    """Yield what is read, and again each time that it is another; raises SbcsimError when the simulator is gone."""
    news, over = threading.Event(), threading.Event()
    newest = client.call("GET", "/v1/status")["counts"]["journal"]

    def follow() -> None:
        try:
            for _ in client.follow("/v1/journal/stream", [("after", str(newest))]):
                news.set()
        except SbcsimError:
            pass  # the next reading says the same, in the thread that can tell it
        finally:
            over.set()
            news.set()

    last = read(client)
    yield last
    threading.Thread(target=follow, name="journal", daemon=True).start()
    while True:
        news.wait()
        gone = over.wait(BREATH)
        news.clear()
        answer = read(client)
        if answer != last:
            yield answer
            last = answer
        if gone:
            raise SbcsimError("the simulator ended the stream of its journal")
