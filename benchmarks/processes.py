"""Processes beside the benchmark: servers that are measured and clients that load them, each with its own interpreter.

A child says one line of JSON whenever it has got somewhere, goes on when it is told to, and ends with its standard
input, so that none outlives the benchmark. None is waited for longer than `PATIENCE`.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

PATIENCE = 120.0
ROOT = Path(__file__).parent.parent


class Child:
    """One process that runs a module of this package; as a context manager it is gone at the end."""

    def __init__(self, module: str, *arguments: object) -> None:
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        self._watched = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def hear(self) -> dict[str, Any]:
        """Return the next line that the child says."""
        output = self._process.stdout
        assert output is not None
        ready, _, _ = select.select([output], [], [], PATIENCE)
        line = output.readline() if ready else b""
        if not line:
            raise RuntimeError(f"{self._process.args!r} said nothing (exit status {self._process.poll()})")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def go_on(self, line: str = "") -> dict[str, Any]:
        """Tell the child to take its next step, and return what it says then."""
        commands = self._process.stdin
        assert commands is not None
        commands.write(line.encode() + b"\n")
        commands.flush()
        return self.hear()

    def cpu(self) -> float:
        """Return the processor seconds that the child has used so far."""
        times = self._watched.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Return the bytes of memory that are the child's own."""
        return int(self._watched.memory_full_info().uss)


class Program:
    """Somebody else's server, in a process of its own; as a context manager it is gone at the end."""

    def __init__(self, *command: object) -> None:
        quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([*map(str, command)], **quiet)  # type: ignore[call-overload]
        self._watched = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def serves(self, host: str, port: int) -> None:
        """Wait until it takes connections."""
        end = time.monotonic() + PATIENCE
        while True:
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self._process.args!r} does not serve")
            with suppress(ConnectionRefusedError), socket.create_connection((host, port)):
                return
            time.sleep(0.01)

    def cpu(self) -> float:
        """Return the processor seconds that it and the processes it has started have used so far."""
        all_times = [each.cpu_times() for each in (self._watched, *self._watched.children(recursive=True))]
        return float(sum(times.user + times.system for times in all_times))


def say(**values: object) -> None:
    """Say a line to the parent: for the children."""
    print(json.dumps(values), flush=True)


def take_line() -> str:
    """Wait for what the parent says next; "" when it wants no more: for the children."""
    return sys.stdin.buffer.readline().decode().strip()


def wait_to_go_on() -> bool:
    """Wait until the parent says so; False when it wants no more: for the children."""
    return bool(sys.stdin.buffer.readline())
