"""baresip: a telephone over TLS, whose buttons a test presses by its control port and whose events it reads there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import testca
from hostports import free_port, listening
from peers import missing, require_program

from sbcsim.pki.mint import Issued

PATIENCE = 20.0
"""Host seconds until an event that must come is taken for missing."""

_MODULES = Path("/usr/lib/baresip/modules")

# No sound is made or heard: `aubridge` joins microphone and loudspeaker.
_CONFIGURATION = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
sip_certificate {directory}/identity.pem
sip_cafile {files.authority}
call_local_timeout 120
call_max_calls 4
audio_player aubridge,{user}
audio_source aubridge,{user}
audio_alert aubridge,{user}
module_path {modules}
module g711.so
module aubridge.so
module ctrl_tcp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip:
    """A running baresip that is reached at `port` by TLS; `events` are what it has told, oldest first."""

    def __init__(self, port: int, writer: asyncio.StreamWriter) -> None:
        self.port = port
        self.events: list[str] = []
        self._writer = writer
        self._changed = asyncio.Condition()

    def press(self, command: str, parameters: str = "") -> None:
        """Have it dial, accept, hold, resume or hangup."""
        words = json.dumps({"command": command, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(words), words))

    async def told(self, kind: str, times: int = 1) -> None:
        """Wait until it has told of something, as often as that."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(lambda: self.events.count(kind) >= times)
        except TimeoutError:
            raise AssertionError(f"no {kind}, only {self.events}") from None

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Take what it tells, until it ends."""
        while length := await reader.read(1):
            length += (await reader.readuntil(b":"))[:-1]
            told = json.loads((await reader.readexactly(int(length) + 1))[:-1])
            assert told.get("ok", True), told
            if told.get("event"):
                async with self._changed:
                    self.events.append(told["type"])
                    self._changed.notify_all()


@asynccontextmanager
async def baresip(directory: Path, user: str, issued: Issued) -> AsyncIterator[Baresip]:
    """Run baresip as a user who is called at its port and answers when told to; skips where it is not installed."""
    program = _program()
    home = directory / user
    home.mkdir()
    paths = testca.files(issued, home)
    (home / "identity.pem").write_text(paths.certificate.read_text() + paths.key.read_text())
    port, control = free_port(), free_port()
    configuration = _CONFIGURATION.format(
        port=port, directory=home, files=paths, user=user, modules=_MODULES, control=control
    )
    (home / "config").write_text(configuration)
    (home / "accounts").write_text(f"<sip:{user}@127.0.0.1;transport=tls>;regint=0;answermode=manual\n")
    process = await asyncio.create_subprocess_exec(
        *(program, "-f", home),
        stdin=asyncio.subprocess.PIPE,  # it ends where nobody can type
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=home,
    )
    try:
        await listening(control)
        reader, writer = await asyncio.open_connection("127.0.0.1", control)
        telephone = Baresip(port + 1, writer)
        reading = asyncio.create_task(telephone.read(reader))
        try:
            yield telephone
            telephone.press("quit")
            await asyncio.wait_for(process.wait(), PATIENCE)
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            writer.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _program() -> str:
    if not _MODULES.is_dir():
        missing(f"the modules of baresip are not in {_MODULES}")
    return require_program("baresip")
