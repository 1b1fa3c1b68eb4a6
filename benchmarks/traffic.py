"""TLS handshakes and OPTIONS a second: the box and a bare server under the same load, in turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from .processes import Child
from .registry import Figure, ShareOfBare, benchmark
from .testbed import prepared

BARE_TLS = {
    "tls": "asyncio TLS of the standard library, canned answer",
    "pyopenssl": "pyOpenSSL on memory buffers, canned answer",
}
"""The bare servers: same key, version, suite, mutual authentication and load."""


@benchmark("handshakes")
def handshakes(quick: bool) -> Iterator[Figure]:
    """Full TLS handshakes with mutual authentication, four at a time, each on a new connection."""
    yield from _compare("TLS handshakes", "handshakes", quick, number=40 if quick else 600, aim=ShareOfBare(0.7))


@benchmark("options")
def options(quick: bool) -> Iterator[Figure]:
    """OPTIONS answered over 16 kept TLS connections."""
    yield from _compare("OPTIONS on kept connections", "options", quick, number=320 if quick else 8000, aim=None)


def _compare(name: str, load: str, quick: bool, *, number: int, aim: ShareOfBare | None) -> Iterator[Figure]:
    with prepared() as directory, ExitStack() as stack:
        sides = [_Side(stack, directory, server, load, number) for server in ("box", *BARE_TLS)]
        for _ in range(1 if quick else 9):
            for side in sides:
                side.measure()
        box, *others = sides
        for bare, baseline in zip(others, BARE_TLS.values(), strict=True):
            yield Figure(f"{name} a second", box.rate, bare.rate, "/s", baseline, aim)
        # The load shares the processors with the server; what the server alone needs says what it could do.
        for bare, baseline in zip(others, BARE_TLS.values(), strict=True):
            yield Figure(f"{name} per processor second of the server", box.cpu_rate, bare.cpu_rate, "/s", baseline, aim)


class _Side:
    """One server with its load."""

    def __init__(self, stack: ExitStack, directory: Path, server: str, load: str, number: int) -> None:
        self._number = number
        self._server = stack.enter_context(Child("servers", server, directory))
        port = self._server.hear()["tls"][1]
        self._load = stack.enter_context(Child("load", load, directory, port, number))
        self._load.hear()
        self._load.go_on()  # the first run warms caches up
        self._rates: list[float] = []
        self._spent = 0.0

    def measure(self) -> None:
        before = self._server.cpu()
        self._rates.append(self._load.go_on()["rate"])
        self._spent += self._server.cpu() - before

    @property
    def rate(self) -> float:
        return median(self._rates)

    @property
    def cpu_rate(self) -> float:
        # Processor time counts in hundredths of a second: one sum over all runs.
        return self._number * len(self._rates) / max(self._spent, 0.01)
