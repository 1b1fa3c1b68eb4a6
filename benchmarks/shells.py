"""Memory of a server for each shell that is open and quiet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .processes import Child
from .registry import AtMost, Figure, benchmark
from .testbed import plain_box

WARM = 20
"""Shells opened before the first look, so that what is paid once is not counted."""


@benchmark("shells")
def shells(quick: bool) -> Iterator[Figure]:
    """Memory of the server's process before and after 500 shells at a terminal, each in configure mode."""
    number = 50 if quick else 480
    with plain_box() as directory:
        ours, bare = (_each(directory, kind, number) for kind in ("cli", "echo"))
    told = f"memory per open shell, {number + WARM:,} open"
    yield Figure(told, ours, bare, "KiB", "asyncssh server with as many sessions that only echo")
    yield Figure(f"{told}: what is not asyncssh's", ours - bare, bare, "KiB", "the same", AtMost(60))


def _each(directory: Path, kind: str, number: int) -> float:
    with Child("servers", kind, directory) as server:
        port = server.hear()["cli"][1]
        with Child("clients", "shells", port, WARM, number) as clients:
            clients.hear()
            clients.go_on()
            before = server.memory()
            clients.go_on()
            return (server.memory() - before) / number / 1024
