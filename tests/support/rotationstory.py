"""One rotation from start to finish, told so that any call outside the box may fail once.

The box keeps a state directory, pings a peer and is dialled by it. Its operator uploads a new PKCS#12, types the
procedure over SSH, looks at the control API, waits past the end of the old certificate, and starts the box again.
Where something fails he does what an operator does: he looks how far he got, and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncssh
import testca
from anomalies import SOCKET_KINDS, Outside
from heldstage import NEW
from killing import kept
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER, pinged_box, tls_port
from sippeers import Peer, Seen
from sshlines import CERTIFICATES, LOGIN, Terminal, sessions_left, terminal

from sbcsim.control.text import journal_line
from sbcsim.errors import UserError
from sbcsim.simulator import Simulator

SHOW = "show configuration | display set | nomore"
FIND = "run show configuration profiles security tlsProfile | display set | match OLD"
FILE = f"{CERTIFICATES}/new.p12"
PATIENCE = 20.0
ROUTINE = {"cli", "sip", "certificateCheck", "certificateWarning", "clockMoved", "commit"}
"""Kinds of the journal that tell of nothing that fails."""

_Result = TypeVar("_Result")


class Refused(Exception):  # noqa: N818 - the word of the box, not a mistake
    """The box said no, and why."""


class Lost(Exception):  # noqa: N818 - as above
    """A connection ended before what was asked for had come."""


FAILURES = (Refused, Lost, OSError, asyncssh.Error, asyncio.IncompleteReadError, UserError)


class Records(logging.Handler):
    """What libraries and the product log, from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.mistakes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.lines.append(text)
        kind = None if record.exc_info is None else record.exc_info[0]
        if kind is not None and not issubclass(kind, OSError):
            self.mistakes.append(text)


class Story:
    """One rotation, in a directory of its own. `new` is what the configuration looks like at its end, once known."""

    def __init__(self, world: Outside, far: Peer, directory: Path, new: str = "") -> None:
        self.world = world
        self.far = far
        self.directory = directory
        self.old = ""
        self.new = new
        self.box: Simulator | None = None
        self.told: list[str] = []
        """What the box said of what failed: to its clients, in its journal, in the log."""
        self.acknowledged = False
        """The box has answered that the commit is complete."""
        self.uploaded = False
        self.failed: list[str] = []
        """The acts that did not come off at once."""
        self._content = testca.sbc_renewed().pkcs12(testca.PASS_PHRASE)
        world.dialled.add(far.port)

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.directory / "state"

    async def play(self) -> None:
        """Play it to its end."""
        await self._begin()
        self.old = self._shown()
        if "start" in self.failed:  # what follows is a rotation like any other
            await self._ends_and_begins(self.old)
            return
        await self._act("dial in", self._dial_in)
        await self._act("look", self._look)
        await self._act("upload", self._upload)
        await self._act("type", self._type)
        assert self._shown() == self.new or not self.new
        self.new = self._shown()
        assert (await self._act("dial in", self._dial_in)).serial == NEW
        await self._act("wait", self._wait)
        await self._is_quiet()
        self._reads_as_a_kill_would_leave_it()
        await self._ends_and_begins(self.new)
        held = kept(self.state)
        assert held["files"]["new.p12"] == self._content.hex()

    async def _ends_and_begins(self, expected: str) -> None:
        """Stop the box and start it again: everything is there, and the next commit works."""
        await self._end()
        self.world.watching = self.world.kind not in SOCKET_KINDS  # they have been through all that they can meet
        await self._begin()
        assert self._shown() == expected
        await self._act("dial in", self._dial_in)
        self._commit_more()
        shown = self._shown()
        await self._end()
        self.world.watching = False
        assert "\n".join(kept(self.state)["lines"]) == shown
        assert [each.name for each in self.state.iterdir()] == ["state.db"]

    @property
    def disturbed(self) -> bool:
        """Whether anybody noticed whom the box owes a word: who asks the control API has seen it himself."""
        return self.world.kind in {"accept", "dial", "handshake"} or bool({*self.failed} - {"look"})

    async def stop(self) -> None:
        """Close whatever a failed test left open."""
        if self.box is not None:
            await self.box.stop()

    # the box

    async def _begin(self) -> None:
        """Start the box; one that says why it cannot is started once more."""
        for _attempt in range(2):
            struck = self.world.struck
            try:
                self.box = pinged_box(self.directory, self.far.port, testca.sbc(), state=self.state)
                await self.box.start()
            except UserError as error:
                if struck or not self.world.struck:
                    raise
                self.told.append(error.text)
                self.failed.append("start")
                self.box = None
                continue
            ports = self.box.ports
            self.world.listening = {ports.cli.port, ports.sftp.port, ports.control.port, tls_port(self.box)}
            await self.box.advance("0s")
            return
        raise AssertionError("the box did not start")

    async def _end(self) -> None:
        box, self.box = self.box, None
        self._listen_to(box)
        await box.stop()
        self._listen_to(box)
        self.world.listening = set()
        await self.far.until(lambda: not self.far.live)

    def _listen_to(self, box: Simulator) -> None:
        self.told += [journal_line(entry.to_json()) for entry in box.events if entry.kind not in ROUTINE]

    def _shown(self) -> str:
        """Return the running configuration, as the box prints it."""
        assert self.box is not None
        return "\n".join(line for line in self.box.cli(SHOW).splitlines() if line.startswith("set "))

    def _is_old_or_new(self) -> None:
        shown = self._shown()
        assert not self.new or shown in {self.old, self.new}
        if self.acknowledged:
            assert shown != self.old

    # what the operator and the far end do

    async def _act(self, name: str, act: Callable[[], Awaitable[_Result]]) -> _Result:
        """Do something; where a call outside fails meanwhile, make sure that nothing is broken, and do it again."""
        struck = self.world.struck
        try:
            async with asyncio.timeout(PATIENCE):
                return await act()
        except FAILURES as error:
            if struck or not self.world.struck:
                raise
            if not isinstance(error, Lost | OSError | asyncssh.ConnectionLost | asyncio.IncompleteReadError):
                self.told.append(str(error))  # the box's own words
            self.failed.append(name)
        self._is_old_or_new()
        async with asyncio.timeout(PATIENCE):
            return await act()

    async def _dial_in(self) -> Seen:
        try:
            seen = await self.far.dial(tls_port(self.box))
        except ssl.SSLError as error:
            raise Lost(str(error)) from None
        if await self.far.ping(seen) != 200:
            raise Lost("no answer")
        return seen

    async def _look(self) -> None:
        reader, writer = await asyncio.open_connection(*self.box.ports.control)
        try:
            writer.write(b"GET /v1/certificates HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        if not answer.startswith(b"HTTP/1.1 200") or b"OLD" not in answer:
            raise Lost(repr(answer))

    async def _upload(self) -> None:
        async with (
            asyncssh.connect(*self.box.ports.sftp, **LOGIN) as connection,
            connection.start_sftp_client() as sftp,
        ):
            async with sftp.open(f"{FILE}.part", "wb") as file:
                await file.write(self._content)
            await sftp.posix_rename(f"{FILE}.part", FILE)
            self.uploaded = True

    async def _type(self) -> None:
        async with terminal(self.box) as typed:
            await self._say(typed, "configure")
            if "OLD" in await self._say(typed, FIND):
                for line in (IMPORT, SERVER, CLIENT, DISABLE, DELETE):
                    await self._say(typed, line)
                answer = await self._say(typed, "commit")
                if answer != "Commit complete.":
                    raise Lost(answer)
                self.acknowledged = True

    def _commit_more(self) -> None:
        for _attempt in range(2):
            struck = self.world.struck
            for line in ("configure", "set system admin SBC1 location Here"):
                self.box.cli(line)
            answer = self.box.cli("commit")
            self.box.cli("exit")
            if "Commit complete." in answer:
                assert "location Here" in self._shown()
                return
            assert not struck, answer
            assert self.world.struck, answer
            self.box.cli("no")
            self.told.append(answer)
            self.failed.append("commit")
            assert "location Here" not in self._shown()
        raise AssertionError("no commit after the one that failed")

    async def _say(self, typed: Terminal, line: str) -> str:
        answer = await typed.type(line)
        if answer.startswith("[error]"):
            raise Refused(answer)
        return answer

    async def _wait(self) -> None:
        """Have the old certificate end, and everything on it with it."""
        box = self.box
        await box.advance(days=62)
        await box.advance(minutes=10)
        assert [each.path_state for each in box.peers()] == ["up"]
        await self.far.until(lambda: set(self.far.live) == {NEW})
        assert {each.local_certificate.name for each in box.connections()} == {"NEW"}

    # what must hold when it is quiet

    async def _is_quiet(self) -> None:
        """Nobody is logged in, nothing is locked, no candidate waits, and only live connections are held."""
        box = self.box
        await sessions_left(box, 1)  # the console's own, by which the configuration is shown
        database = box._database
        assert database.candidates == ()
        assert database.lock_holder is None
        await self.far.until(lambda: len(self.far.live) == len(box.connections()))

    def _reads_as_a_kill_would_leave_it(self) -> None:
        """Read a copy of the state directory, made while the box has it open."""
        copy = self.directory / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(
            ["cp", "-r", self.state, copy], check=True
        )  # a process of its own: closing a file ends its locks
        self.world.watching = False
        held = kept(copy)
        self.world.watching = True
        assert "\n".join(held["lines"]) == self.new
        assert held["files"]["new.p12"] == self._content.hex()
