"""The load, in a process of its own: `python -m benchmarks.load handshakes|steady|options|idle|peers DIRECTORY ...`.

Plain blocking sockets of the standard library, so that the load costs as little as it can beside what it measures.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from . import bare
from .processes import say, wait_to_go_on
from .testbed import HOST, client_context, server_context

LANES = 4
"""Threads that shake hands side by side."""

KEPT = 16
"""Connections that OPTIONS go over."""

TIMEOUT = 30.0

_numbers = count(1)


def connect(context: ssl.SSLContext, port: int) -> ssl.SSLSocket:
    """Return a connection after its handshake."""
    plain = socket.create_connection((HOST, port), TIMEOUT)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain)


def options(port: int) -> bytes:
    """Return a request as a peer's path check sends it."""
    number = next(_numbers)
    lines = (
        f"OPTIONS sip:{HOST}:{port} SIP/2.0",
        f"Via: SIP/2.0/TLS {HOST}:5061;branch=z9hG4bK{number}",
        f"From: <sip:ping@{HOST}>;tag={number}",
        f"To: <sip:{HOST}:{port}>",
        f"Call-ID: {number}@{HOST}",
        f"CSeq: {number} OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def take_answer(connection: ssl.SSLSocket) -> None:
    """Read one response."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionError("the server has closed the connection")
        answer += piece
    if not answer.startswith(b"SIP/2.0 200"):
        raise ConnectionError(f"the server answers {answer[:40]!r}")


def load_handshakes(directory: Path, port: int, number: int) -> None:
    """Connect, shake hands and leave, `number` times; once for each line of the parent."""
    context = client_context(directory)

    def lane(times: int) -> None:
        for _ in range(times):
            connect(context, port).close()

    with ThreadPoolExecutor(LANES) as lanes:
        say()
        while wait_to_go_on():
            start = time.perf_counter()
            list(lanes.map(lane, [number // LANES] * LANES))
            say(rate=number // LANES * LANES / (time.perf_counter() - start))


def load_steady(directory: Path, port: int) -> None:
    """Connect, shake hands and leave, without a break between two lines of the parent; say what was seen meanwhile.

    `failed` are the reasons, `went_back` how often a connection was shown an older certificate than one before it.
    """
    context = client_context(directory)
    told = threading.Event()

    def lane(_: int) -> _Seen:
        seen = _Seen()
        last = False
        while not last:
            last = told.is_set()  # and one more: it meets what was committed before
            try:
                with connect(context, port) as connection:
                    seen.take(connection)
            except OSError as error:
                seen.failed.append(str(error))
        return seen

    with ThreadPoolExecutor(LANES) as lanes:
        say()
        while wait_to_go_on():
            told.clear()
            running = lanes.map(lane, range(LANES))
            say()
            wait_to_go_on()
            told.set()
            seen = list(running)
            say(
                handshakes=sum(each.handshakes for each in seen),
                went_back=sum(each.went_back for each in seen),
                newest=max(each.newest for each in seen),
                failed=[reason for each in seen for reason in each.failed],
            )


class _Seen:
    """What one lane has seen."""

    def __init__(self) -> None:
        self.handshakes = self.went_back = self.newest = 0
        self.failed: list[str] = []

    def take(self, connection: ssl.SSLSocket) -> None:
        certificate = connection.getpeercert() or {}
        serial = int(str(certificate["serialNumber"]), 16)
        self.handshakes += 1
        self.went_back += serial < self.newest
        self.newest = max(self.newest, serial)


def load_options(directory: Path, port: int, number: int) -> None:
    """Send `number` OPTIONS over kept connections; once for each line of the parent."""
    context = client_context(directory)
    kept = [connect(context, port) for _ in range(KEPT)]
    say()
    while wait_to_go_on():
        start = time.perf_counter()
        for _ in range(number // KEPT):
            for connection in kept:
                connection.sendall(options(port))
            for connection in kept:
                take_answer(connection)
        say(rate=number // KEPT * KEPT / (time.perf_counter() - start))


def load_idle(directory: Path, port: int, *stages: int) -> None:
    """Open further connections in stages, each used for one OPTIONS and then left alone."""
    context = client_context(directory)
    kept: list[ssl.SSLSocket] = []
    say()
    for stage in stages:
        if not wait_to_go_on():
            return
        for _ in range(stage):
            connection = connect(context, port)
            connection.sendall(options(port))
            take_answer(connection)
            kept.append(connection)
        say(connections=len(kept))
    wait_to_go_on()


def serve_peers(directory: Path, number: int) -> None:
    """Be `number` TLS peers that answer pings, each on a port of its own; say how many when asked."""

    async def serve() -> None:
        loop, context = asyncio.get_running_loop(), server_context(directory, "peer")
        answered: Counter[str] = Counter()
        servers = [await loop.create_server(lambda: bare.Echo(answered), HOST, 0, ssl=context) for _ in range(number)]
        say(ports=[server.sockets[0].getsockname()[1] for server in servers])
        while await asyncio.to_thread(wait_to_go_on):
            say(answered=answered.total())
        for server in servers:
            server.close()

    asyncio.run(serve())


if __name__ == "__main__":
    _load: dict[str, Callable[..., None]] = {
        "handshakes": load_handshakes,
        "steady": load_steady,
        "options": load_options,
        "idle": load_idle,
        "peers": serve_peers,
    }
    _load[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))
