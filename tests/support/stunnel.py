"""stunnel: mutual TLS for a program that speaks only TCP. It judges chains, and dates by the host's clock."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import peers
import testca

from sbcsim.pki.mint import Issued

PATIENCE = 20.0
"""Host seconds until stunnel is taken to hang."""


@dataclass(frozen=True)
class Tunnel:
    """From a port of the host to another. One end speaks TLS: the near one of an `inward` tunnel, else the far one."""

    near: int
    far: int
    inward: bool


@asynccontextmanager
async def stunnel(directory: Path, issued: Issued, tunnels: Iterable[Tunnel]) -> AsyncIterator[None]:
    """Run tunnels that show a certificate; skips where stunnel is not installed."""
    program = peers.require_program("stunnel4")
    paths = testca.files(issued, directory)
    lines = [
        "foreground = yes",
        "pid =",
        "syslog = no",
        "debug = notice",
        f"cert = {paths.certificate}",
        f"key = {paths.key}",
        f"CAfile = {paths.authority}",
        "verifyChain = yes",
        "requireCert = yes",
        "sslVersionMin = TLSv1.2",
        "TIMEOUTclose = 0",
    ]
    for number, tunnel in enumerate(tunnels):
        client = "no" if tunnel.inward else "yes"
        lines += [f"[{number}]", f"client = {client}"]
        lines += [f"accept = 127.0.0.1:{tunnel.near}", f"connect = 127.0.0.1:{tunnel.far}"]
    configuration = directory / "stunnel.conf"
    configuration.write_text("\n".join((*lines, "")))
    process = await asyncio.create_subprocess_exec(
        *(program, configuration), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    reading: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            await process.stderr.readuntil(b"Configuration successful")
        reading = asyncio.create_task(process.stderr.read())
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
        if reading is not None:
            await reading
