"""Writes down what a simulator does while it does it: the journal as a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .journal import Entry, Journal
from .recording.file import Header, entry_line


class Recorder:
    """Hands over a recording line by line, from the oldest entry that the journal still has, until it is stopped."""

    def __init__(self, journal: Journal, header: Header, write: Callable[[str], object]) -> None:
        self._write = write
        self.error: OSError | None = None
        """Why writing had to end early: the simulator goes on without."""
        write(complete(header, journal).line())
        for entry in journal:
            write(entry_line(entry.to_json()))
        self._stop: Callable[[], None] | None = journal.subscribe(self._record)

    def stop(self) -> None:
        """Write nothing more. Stopping twice does nothing."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _record(self, entry: Entry) -> None:
        try:
            self._write(entry_line(entry.to_json()))
        except OSError as error:
            self.error = error
            self.stop()


@contextmanager
def record(file: str | Path, journal: Journal, header: Header) -> Iterator[None]:
    """Write a recording to a file for as long as the context lasts; raises OSError, for a full disk at its end."""
    with Path(file).open("w", encoding="utf-8", buffering=1) as stream:
        recorder = Recorder(journal, header, stream.write)
        try:
            yield
        finally:
            recorder.stop()
        if recorder.error is not None:
            raise recorder.error


def complete(header: Header, journal: Journal) -> Header:
    """Return a header that tells how many entries the journal has no more."""
    first = next(iter(journal), None)
    return replace(header, missing=journal.last if first is None else first.number - 1)
