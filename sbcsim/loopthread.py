"""An event loop in a thread of its own, for those who have none."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from .errors import BugError

_Result = TypeVar("_Result")


class LoopThread:
    """Runs what it is given on its own event loop, and waits for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether there is a loop to run anything on."""
        return self._loop is not None

    def start(self) -> None:
        """Start the thread; returns when its loop runs."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name=self._name, daemon=True)
        self._thread.start()
        ready.wait()

    def call(self, function: Callable[[], _Result]) -> _Result:
        """Call a function on the loop and return what it returns; raises what it raises."""

        async def run() -> _Result:
            return function()

        return self.wait(run)

    def wait(self, function: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """Run a coroutine on the loop to its end and return what it returns; raises what it raises."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            raise BugError(f"{self._name} does not run")
        if threading.current_thread() is thread:
            raise BugError(f"{self._name} cannot wait for itself")
        return asyncio.run_coroutine_threadsafe(function(), loop).result()

    def stop(self) -> None:
        """Stop the loop, and return when the thread is gone."""
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner() as runner:
            loop = self._loop = runner.get_loop()
            loop.call_soon(ready.set)
            loop.run_forever()


class Threaded(ABC):
    """Something on an event loop in a thread of its own, between `start` and `stop` or as a context manager."""

    def __init__(self, name: str) -> None:
        self._thread = LoopThread(name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Open every port; the thread is gone again where that fails."""
        self._thread.start()
        try:
            self._thread.wait(self._open)
        except BaseException:
            self._thread.stop()
            raise

    def stop(self) -> None:
        """Close everything; no thread or socket is left. Stopping twice does nothing."""
        if self._thread.running:
            try:
                self._thread.wait(self._close)
            finally:
                self._thread.stop()

    @abstractmethod
    async def _open(self) -> None:
        """Begin, on the loop."""

    @abstractmethod
    async def _close(self) -> None:
        """End what `_open` began."""
