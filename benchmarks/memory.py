"""Memory of a server for each TLS connection that is open and quiet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .processes import Child
from .registry import AtMost, Figure, benchmark
from .testbed import prepared
from .traffic import BARE_TLS

WARM = 50
"""Connections opened before the first look, so that what is paid once is not counted."""


@benchmark("memory")
def memory(quick: bool) -> Iterator[Figure]:
    """Memory of the server's process before and after 1,000 connections that each carried one OPTIONS."""
    number = 100 if quick else 1000
    with prepared() as directory:
        ours = _each(directory, "box", number)
        for kind, baseline in BARE_TLS.items():
            bare = _each(directory, kind, number)
            yield Figure(f"memory per idle TLS connection, {number:,} open", ours, bare, "KiB", baseline, AtMost(40))


def _each(directory: Path, kind: str, number: int) -> float:
    with Child("servers", kind, directory) as server:
        port = server.hear()["tls"][1]
        with Child("load", "idle", directory, port, WARM, number) as clients:
            clients.hear()
            clients.go_on()
            before = server.memory()
            clients.go_on()
            return (server.memory() - before) / number / 1024
