"""TLS handshakes and OPTIONS a second: the box and a bare server under the same load, in turns."""

from __future__ import annotations

from collections.abc import Iterator

from .processes import Child
from .registry import Figure, ShareOfBare, benchmark
from .testbed import prepared
from .timing import in_turns

BARE_TLS = "asyncio TLS of the standard library: same key, suite, mutual authentication and load"


@benchmark("handshakes")
def handshakes(quick: bool) -> Iterator[Figure]:
    """Full TLS handshakes with mutual authentication, four at a time, each on a new connection."""
    yield from _compare("TLS handshakes", "handshakes", quick, number=40 if quick else 600, aim=ShareOfBare(0.7))


@benchmark("options")
def options(quick: bool) -> Iterator[Figure]:
    """OPTIONS answered over 16 kept TLS connections."""
    yield from _compare("OPTIONS on kept connections", "options", quick, number=320 if quick else 8000, aim=None)


def _compare(name: str, load: str, quick: bool, *, number: int, aim: ShareOfBare | None) -> Iterator[Figure]:
    with prepared() as directory, Child("servers", "box", directory) as box, Child("servers", "tls", directory) as bare:
        ports = [child.hear()["tls"][1] for child in (box, bare)]
        with (
            Child("load", load, directory, ports[0], number) as on_box,
            Child("load", load, directory, ports[1], number) as on_bare,
        ):
            ours, theirs = _Side(box, on_box, number), _Side(bare, on_bare, number)
            rates = in_turns(1 if quick else 9, ours.rate, theirs.rate)
            yield Figure(f"{name} a second", *rates, "/s", BARE_TLS, aim)
            # The load shares the processors with the server; what the server alone needs says what it could do.
            cpu = ours.cpu_rate(), theirs.cpu_rate()
            yield Figure(f"{name} per processor second of the server", *cpu, "/s", "the same runs", aim)


class _Side:
    """One server with its load."""

    def __init__(self, server: Child, load: Child, number: int) -> None:
        self._server, self._load, self._number = server, load, number
        self._spent: list[float] = []
        load.hear()
        load.go_on()  # the first run warms caches up

    def rate(self) -> float:
        before = self._server.cpu()
        rate = float(self._load.go_on()["rate"])
        self._spent.append(self._server.cpu() - before)
        return rate

    def cpu_rate(self) -> float:
        # Processor time counts in hundredths of a second: one sum over all runs.
        return self._number * len(self._spent) / max(sum(self._spent), 0.01)
