"""One script, two servers: Kamailio reloads its TLS configuration, the box commits; connections show the same.

The far end is the same for both: it dials in and is pinged. It notes which certificate a connection was shown and
whether the connection still carries OPTIONS; the server says on which certificate of its own it takes it to stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
import testca
from kamailio import Kamailio, kamailio
from pingedbox import VERSIONS, pinged_box, tls_port
from sippeers import PATIENCE, Peer, Seen, peer
from sshlines import Terminal, terminal, upload

from sbcsim.pki.mint import Issued, new_key
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

LASTING = "2039-01-01T00:00:00Z"
"""Kamailio judges the far end's certificate by the host's clock, the box by its own."""

METHODS = {"TLSv1.2": "TLSv1.2", "TLSv1.3": "TLSv1.2+"}
"""What Kamailio calls them: the newest version that both sides know is the one that they take."""


class Server(Protocol):
    """Whose certificate is replaced."""

    port: int

    async def bring(self, issued: Issued) -> None:
        """Bring a certificate to where the server could read it."""

    async def use(self) -> bool:
        """Reload, or commit: use what was brought from now on; False where that is refused."""

    async def ping(self) -> None:
        """Have the server ping the far end."""

    async def parted(self, left: int) -> None:
        """Wait until the server knows that no more than so many connections are left."""

    async def own(self, far: Peer, seen: Seen) -> int:
        """Return the serial of the server's certificate on an inbound connection that carries OPTIONS, as it says."""


class Reloading:
    """Kamailio: files, and `tls.reload`."""

    def __init__(self, process: Kamailio, directory: Path, pinged: int) -> None:
        self._process = process
        self._directory = directory
        self._pinged = pinged
        self.port = process.port

    async def bring(self, issued: Issued) -> None:
        self._process.lay_out(testca.files(issued, self._directory))

    async def use(self) -> bool:
        return await self._process.reload()

    async def ping(self) -> None:
        await self._process.ping(self._pinged)

    async def parted(self, left: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self._process.connections() > left:
                pass  # it can only be asked again

    async def own(self, far: Peer, seen: Seen) -> int:
        before = len(self._process.requests)
        assert await far.ping(seen) == 200
        return (await self._process.next_request(before)).own


class Committing:
    """The box: a file by SFTP, and `commit`."""

    def __init__(self, box: Simulator, typed: Terminal) -> None:
        self._box = box
        self._typed = typed
        self._brought = ""
        self.port = tls_port(box)

    async def bring(self, issued: Issued) -> None:
        self._brought = f"C{issued.certificate.serial}"
        await upload(self._box, f"{self._brought}.p12", issued.pkcs12(testca.PASS_PHRASE))

    async def use(self) -> bool:
        name = self._brought
        await self._typed.type_all(
            f"set system security pki certificate {name} fileName {name}.p12 type local state enabled "
            f'passPhrase "{testca.PASS_PHRASE}"',
            f"set profiles security tlsProfile TLS-PEERS serverCertName {name} clientCertName {name}",
        )
        if await self._typed.type("commit") == "Commit complete.":
            return True
        await self._typed.type_all("revert no-confirm")
        return False

    async def ping(self) -> None:
        await self._box.advance(minutes=1)

    async def parted(self, left: int) -> None:
        changed = asyncio.Event()
        stop = self._box.events.subscribe(lambda entry: changed.set())
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self._box.connections()) > left:
                    changed.clear()
                    await changed.wait()
        finally:
            stop()

    async def own(self, far: Peer, seen: Seen) -> int:
        assert await far.ping(seen) == 200
        (found,) = [each for each in self._box.connections() if each.remote.port == seen.port]
        assert found.local_certificate is not None
        return int(found.local_certificate.serial, 16)


Start = Callable[[Path, Issued, str, int], AbstractAsyncContextManager[Server]]


@asynccontextmanager
async def reloading(directory: Path, issued: Issued, version: str, ping: int) -> AsyncIterator[Server]:
    async with kamailio(directory, issued, method=METHODS[version]) as process:
        yield Reloading(process, directory, ping)


@asynccontextmanager
async def committing(directory: Path, issued: Issued, version: str, ping: int) -> AsyncIterator[Server]:
    async with pinged_box(directory, ping, issued, version=version) as box, terminal(box) as typed:
        await typed.type_all("configure")
        yield Committing(box, typed)


class Held(NamedTuple):
    """A connection and who opened it."""

    name: str
    seen: Seen


class Script:
    """What is done to a server, and which certificate every live connection shows after each step."""

    def __init__(self, server: Server, far: Peer, certificates: dict[str, Issued], version: str) -> None:
        self.server = server
        self.version = version
        self.far = far
        self.names = {int(each.certificate.serial, 16): name for name, each in certificates.items()}
        self.answers: dict[str, str] = {}
        self._held: list[Held] = []

    async def open(self, name: str) -> None:
        """Dial in."""
        self._hold(name, await self.far.dial(self.server.port))

    async def be_pinged(self, name: str) -> None:
        """Wait until the server, which has no connection to the far end, has opened one."""
        known = [each.seen for each in self._held]
        await self.server.ping()
        await self.far.until(lambda: any(each not in known for each in self.far.connections))
        (new,) = [each for each in self.far.connections if each not in known]
        self._hold(name, new)

    async def close(self, name: str) -> None:
        """Close a connection from the far end."""
        (held,) = [each for each in self._held if each.name == name]
        self._held.remove(held)
        self.far.connections.remove(held.seen)
        held.seen.stream.close()
        await self.server.parted(len(self._held))

    async def note(self, step: str) -> None:
        """Ask of each connection which certificate it shows; each has to carry OPTIONS for that."""
        before = {each.name: each.seen.requests for each in self._held}
        await self.server.ping()
        shown: list[str] = []
        for name, seen in self._held:
            serial = int(seen.serial, 16)
            if name.startswith("out"):
                await self.far.until(lambda seen=seen, name=name: seen.requests > before[name])
            else:
                assert await self.server.own(self.far, seen) == serial
            assert seen.live
            shown.append(f"{name} {self.names[serial]}")
        self.answers[step] = ", ".join(sorted(shown))

    def _hold(self, name: str, seen: Seen) -> None:
        assert seen.version == self.version
        self._held.append(Held(name, seen))


EXPECTED = {
    "at the start": "in 1 first, out 1 first",
    "a file was brought": "in 1 first, in 2 first, out 1 first",
    "it is in use": "in 1 first, in 2 first, in 3 second, out 1 first",
    "two were closed": "in 2 first, in 3 second, in 4 second, out 2 second",
    "another key": "in 2 first, in 3 second, in 4 second, in 5 third, out 2 second",
    "back to the first": "in 2 first, in 3 second, in 4 second, in 5 third, in 6 first, out 3 first",
    "one that is refused": "in 2 first, in 3 second, in 4 second, in 5 third, in 6 first, in 7 first, out 3 first",
}


async def play(start: Start, directory: Path, version: str) -> dict[str, str]:
    """Play the script with one server."""
    authority = testca.authority()
    first = testca.sbc()
    keyless = replace(authority.issue("sbc.example.com", key=new_key("ec")), key=first.key)
    certificates = {
        "first": first,
        "second": testca.sbc_renewed(),
        "third": authority.issue("sbc.example.com", not_before="2025-12-01T00:00:00Z", not_after=LASTING),
    }
    async with peer(testca.peer("far.example.com", LASTING), directory) as far:
        await far.listen()
        async with start(directory, first, version, far.port) as server:
            script = Script(server, far, certificates, version)
            await script.be_pinged("out 1")
            await script.open("in 1")
            await script.note("at the start")

            await server.bring(certificates["second"])
            await script.open("in 2")
            await script.note("a file was brought")

            assert await server.use()
            await script.open("in 3")
            await script.note("it is in use")

            await script.close("in 1")
            await script.close("out 1")
            await script.be_pinged("out 2")
            await script.open("in 4")
            await script.note("two were closed")

            await server.bring(certificates["third"])
            assert await server.use()
            await script.open("in 5")
            await script.note("another key")

            await server.bring(first)
            assert await server.use()
            await script.close("out 2")
            await script.be_pinged("out 3")
            await script.open("in 6")
            await script.note("back to the first")

            # At the end, because after a reload that failed Kamailio finds duplicates in the next one, now and then.
            await server.bring(keyless)
            assert not await server.use()
            await script.open("in 7")
            await script.note("one that is refused")
            return script.answers


@pytest.mark.parametrize("version", VERSIONS)
async def test_at_each_step_every_connection_shows_the_same_certificate_with_kamailio_and_with_the_box(
    version: str, tmp_path: Path
) -> None:
    ours = await play(committing, tmp_path, version)
    assert ours == EXPECTED
    assert await play(reloading, tmp_path, version) == ours
