"""The TLS engine behind a fake device on real sockets, and certificates for both sides."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from fakedevice import FakeDevice

from sbcsim.clock import DAY, VirtualClock, from_rfc3339
from sbcsim.journal import Journal
from sbcsim.net.driver import Driver
from sbcsim.net.wiring import AddressMap, Wiring
from sbcsim.pki.mint import Authority, Issued

NOW = from_rfc3339("2026-01-01T00:00:00Z")
BEGIN, END = NOW - 30 * DAY, NOW + 60 * DAY

CA = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
ISSUING = CA.subordinate("Issuing CA")
OTHER_CA = Authority("Other CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
OWN = CA.issue("sbc.example.com", not_before=BEGIN, not_after=END)
OWN_BY_ISSUING = ISSUING.issue("sbc.example.com", not_before=BEGIN, not_after=END)
RENEWED = CA.renew(OWN, not_before=NOW, not_after=NOW + 400 * DAY)
PEER = CA.issue("peer.example.com", not_before=BEGIN, not_after=END)
STRANGER = OTHER_CA.issue("peer.example.com", not_before=BEGIN, not_after=END)

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
NO_CHECK_TIME = 0x200000


@contextlib.asynccontextmanager
async def running(device: FakeDevice, *, patience: float = 1.0) -> AsyncIterator[Driver]:
    """Run a driver for a device."""
    wiring = Wiring(AddressMap(ports="ephemeral"), lambda proposal: frozenset(), lambda tree: frozenset())
    clock = VirtualClock()
    driver = Driver(device, clock, wiring, Journal(), patience=patience)
    await driver.start()
    try:
        yield driver
    finally:
        await driver.stop()


def port_of(driver: Driver) -> int:
    """Return where the one listener is."""
    return next(iter(driver.listeners.values()))[1]


def context(
    tmp_path: Path, issued: Issued | None, *, server: bool = False, version: str | None = None, ca: Authority = CA
) -> ssl.SSLContext:
    """Return the context of a far end that does not judge dates."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if server:
        made.verify_mode = ssl.CERT_REQUIRED
    made.check_hostname = False
    made.load_verify_locations(cadata=ca.certificate.der)
    made.verify_flags |= NO_CHECK_TIME
    if version is not None:
        made.minimum_version = made.maximum_version = VERSIONS[version]
    if issued is not None:
        pem = tmp_path / f"{issued.certificate.serial}.pem"
        pem.write_text(issued.pem(with_chain=len(issued.chain) > 1) + issued.key_pem())
        made.load_cert_chain(pem)
    return made


def serial_of(writer: asyncio.StreamWriter) -> str:
    """Return the serial number of the certificate that was shown."""
    found = writer.get_extra_info("ssl_object").getpeercert()
    return str(found["serialNumber"])


async def leave(writer: asyncio.StreamWriter) -> None:
    """Close a connection in peace, whatever has become of it."""
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


async def read_to_the_end(driver: Driver, tls: ssl.SSLContext) -> str:
    """Dial in with blocking sockets, which report the alert that asyncio's TLS swallows: return that, or what came."""

    def read() -> str:
        with socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10) as plain:
            try:
                with tls.wrap_socket(plain) as secured:
                    return secured.recv(1).decode() or "closed"
            except ssl.SSLError as error:
                return str(error.reason)
            except ConnectionResetError:
                return "closed"

    return await asyncio.to_thread(read)
