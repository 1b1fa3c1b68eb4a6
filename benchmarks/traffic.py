"""TLS handshakes and OPTIONS a second: the box and a bare server under the same load, in turns."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from .processes import Child, Program
from .registry import Figure, ShareOfBare, benchmark
from .testbed import HOST, SUITE, prepared

BARE_TLS = {
    "tls": "asyncio TLS of the standard library, canned answer",
    "pyopenssl": "pyOpenSSL on memory buffers, canned answer",
}
"""The bare servers: same key, version, suite, mutual authentication and load."""


@benchmark("handshakes")
def handshakes(quick: bool) -> Iterator[Figure]:
    """Full TLS handshakes with mutual authentication, four at a time, each on a new connection."""
    yield from _compare("TLS handshakes", "handshakes", quick, number=40 if quick else 600, aim=ShareOfBare(0.7))
    if (openssl := shutil.which("openssl")) is not None:
        yield _beside_s_server(openssl, 40 if quick else 600, 1 if quick else 9)


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


def _beside_s_server(openssl: str, number: int, rounds: int) -> Figure:
    with prepared() as directory, ExitStack() as stack:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        program = stack.enter_context(
            Program(
                *(openssl, "s_server", "-quiet", "-accept", f"{HOST}:{port}", "-tls1_2", "-cipher", SUITE),
                *("-cert", directory / "box.pem", "-key", directory / "box.key", "-CAfile", directory / "ca.pem"),
                *("-Verify", "1", "-verify_return_error", "-no_ticket", "-no_cache"),
            )
        )
        program.serves(HOST, port)
        sides = [
            _Side(stack, directory, "box", "handshakes", number),
            _Side(stack, directory, (program, port), "handshakes", number),
        ]
        for _ in range(rounds):
            for side in sides:
                side.measure()
        ours, bare = (side.cpu_rate for side in sides)
    name = "TLS handshakes per processor second of the server"
    return Figure(name, ours, bare, "/s", "`openssl s_server`, which answers nothing", ShareOfBare(0.9))


class _Side:
    """One server with its load."""

    def __init__(
        self, stack: ExitStack, directory: Path, server: str | tuple[Program, int], load: str, number: int
    ) -> None:
        self._number = number
        self._server: Child | Program
        if isinstance(server, str):
            child = self._server = stack.enter_context(Child("servers", server, directory))
            port = child.hear()["tls"][1]
        else:
            self._server, port = server
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
