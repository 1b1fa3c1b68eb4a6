"""The CLI over SSH: a shell with or without a terminal, single commands, and nothing else.

`CliServer` owns the port, one channel class serves every way in. Input is read only while the session waits for a
line, so that what comes early is neither lost nor echoed in the wrong place; a client that sends faster than the
session works, or reads slower than it answers, is held back by SSH's own flow control.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncssh

from sbcsim.cli.editor import Completing, Entered, Event, Key, LineEditor, LineReader, Pressed
from sbcsim.cli.modes import Mode
from sbcsim.cli.session import Reply, Session, Terminal
from sbcsim.clock import Instant
from sbcsim.config.transaction import Author
from sbcsim.device.sessions import LoginSession, Sessions
from sbcsim.device.users import Account, Users
from sbcsim.errors import UserError
from sbcsim.events import Journal

from .login import SshPort

SessionFactory = Callable[[Author, Terminal | None], Session]

TermSize = tuple[int, int, int, int]

_WAITING_HIGH = 65_536  # characters that may wait before the client is held back
_PIECE = 8_192  # a prompt behind more than this goes into a packet of its own
_SLICE_SECONDS = 0.01  # how long one channel may keep the event loop
_SCRIPT_LIMIT = 1 << 20


async def start_cli_server(
    *,
    host: str,
    port: int,
    factory: SessionFactory,
    users: Users,
    sessions: Sessions,
    journal: Journal,
    now: Callable[[], Instant],
    banner: str = "",
) -> CliServer:
    """Listen for the CLI; port 0 takes a free one. Raises UserError where the address cannot be bound."""
    server = CliServer(factory=factory, users=users, sessions=sessions, journal=journal, now=now, banner=banner)
    await server.listen(host, port)
    return server


class CliServer(SshPort):
    """The CLI port."""

    service = "cli"

    def __init__(
        self,
        *,
        factory: SessionFactory,
        users: Users,
        sessions: Sessions,
        journal: Journal,
        now: Callable[[], Instant],
        banner: str = "",
    ) -> None:
        super().__init__(users=users, journal=journal, now=now, banner=banner)
        self.factory = factory
        self.sessions = sessions

    def open_channel(self, account: Account, remote: str) -> asyncssh.SSHServerSession[Any]:
        """Return the session of one CLI channel."""
        return _Channel(self, account, remote)


class _Channel(asyncssh.SSHServerSession[str]):
    """One channel of a CLI client, from the request for a shell or a command to the exit status."""

    def __init__(self, server: CliServer, account: Account, remote: str) -> None:
        self._server = server
        self._account = account
        self._remote = remote
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHServerChannel[str] | None = None
        self._line_end = "\n"
        self._command: str | None = None
        self._input: LineEditor | LineReader | None = None
        self._login: LoginSession | None = None
        self._session: Session | None = None
        self._prompt = ""
        self._output: list[str] = []
        self._working = False
        self._held_back = False  # the client does not read what we write
        self._ended = False  # no more input will come
        self._over = False  # the exit status is sent, or the channel is gone
        self._scheduled: asyncio.Handle | None = None

    # what asyncssh tells

    def connection_made(self, chan: asyncssh.SSHServerChannel[str]) -> None:
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        self._over = True
        if self._scheduled is not None:
            self._scheduled.cancel()
        if self._session is not None:
            self._session.end(self._server.now())
        if self._login is not None:
            self._server.sessions.close(self._login.id)

    def pty_requested(self, term_type: str, term_size: TermSize, term_modes: object) -> bool:  # noqa: ARG002
        self._line_end = "\r\n"
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return len(command) <= _SCRIPT_LIMIT

    def subsystem_requested(self, subsystem: str) -> bool:  # noqa: ARG002 - none is served here, SFTP least of all
        return False

    def session_started(self) -> None:
        assert self._channel is not None
        now = self._server.now()
        try:
            self._login = self._server.sessions.open(
                self._account.name, now, context="cli", remote=self._remote, protocol="ssh"
            )
        except UserError as refusal:
            self._print(refusal.text + "\n")
            self._leave(1)
            return
        author = self._login.author
        if self._command is not None:
            self._session = self._server.factory(author, None)
            self._show(self._session.run(self._command, now))
        elif self._line_end == "\r\n":
            self._session = self._server.factory(author, self._terminal())
            self._input = LineEditor()
            self._show(self._session.start(now))
        else:
            self._session = self._server.factory(author, None)
            self._input = LineReader()
        self._flush()

    def data_received(self, data: str, datatype: int | None) -> None:  # noqa: ARG002 - asyncssh's signature
        if self._input is not None and not self._over:
            self._input.feed(data)
            self._read_on()

    def eof_received(self) -> bool:
        self._ended = True
        self._read_on()
        return True  # answers may still be on their way

    def break_received(self, msec: int) -> bool:  # noqa: ARG002 - asyncssh's signature
        self.signal_received("INT")
        return True

    def signal_received(self, signal: str) -> None:
        if signal == "INT" and isinstance(self._input, LineEditor):
            self.data_received("\x03", None)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:  # noqa: ARG002
        if self._session is not None and isinstance(self._input, LineEditor):
            self._session.resize(Terminal(width, height, keys=True))

    def pause_writing(self) -> None:
        self._held_back = True

    def resume_writing(self) -> None:
        self._held_back = False
        self._read_on()

    # input

    def _read_on(self) -> None:
        """Hand waiting input to the session until it is used up, has to wait, or has had its share of time."""
        source = self._input
        if source is None or self._scheduled is not None:
            return
        until = self._loop.time() + _SLICE_SECONDS
        while not (self._over or self._working or self._held_back):
            event = source.next_event()
            if event is None:
                if self._ended:
                    self._finish()
                break
            self._act(event)
            if self._loop.time() >= until:
                self._scheduled = self._loop.call_soon(self._read_on_later)
                break
        self._flush()
        if self._channel is None or self._over:
            return
        if source.waiting > _WAITING_HIGH:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def _read_on_later(self) -> None:
        self._scheduled = None
        self._guarded(self._read_on)

    def _act(self, event: Event) -> None:
        assert self._session is not None
        now = self._server.now()
        match event:
            case Entered(line):
                self._show(self._session.line(line, now))
            case Completing(line, listing):
                self._complete(line, listing=listing)
            case Pressed(key):
                self._show(self._session.key(key, now))
            case Key.INTERRUPT:
                self._show(self._session.interrupt(now))
            case Key.END_OF_INPUT:
                self._show(self._session.end_of_input(now))
            case Key.LEAVE if self._session.mode is Mode.CONFIGURE:
                self._print("\n")
                self._show(self._session.line("exit configuration-mode", now))
            case Key.REDRAW:
                self._redraw("\n")

    def _complete(self, line: str, *, listing: bool) -> None:
        assert self._session is not None
        assert isinstance(self._input, LineEditor)
        completion = self._session.complete(line, self._server.now(), listing=listing)
        if completion.text:
            self._redraw("\n" + completion.text)
        self._input.complete(completion.line)

    def _redraw(self, text: str) -> None:
        """Print `text` below the line that is being typed, then the prompt and that line again."""
        assert isinstance(self._input, LineEditor)
        self._print(text)
        self._print(self._prompt.rpartition("\n")[2])
        self._print(self._input.shown())

    def _finish(self) -> None:
        """Act on the end of the input: the line it broke off in counts, then the session ends."""
        assert self._session is not None
        if isinstance(self._input, LineReader):
            rest = self._input.last()
            if rest is not None:
                self._act(rest)
                if self._over or self._working:
                    return
        reply = self._session.end_of_input(self._server.now())
        self._print(reply.text)
        self._leave(reply.exit_status or int(not reply.ok))

    # output

    def _show(self, reply: Reply) -> None:
        self._print(reply.text)
        if reply.work is not None:
            self._work(reply.work)
            return
        self._prompt = reply.prompt
        status = reply.exit_status
        if status is None and not isinstance(self._input, LineEditor):
            if not reply.ok:
                status = 1
            elif self._input is None:
                status = 0
        if status is not None:
            self._leave(status)
            return
        if isinstance(self._input, LineEditor):
            self._input.hidden = reply.hidden
            self._input.single_keys = reply.keys
        self._print(reply.prompt)

    def _print(self, text: str) -> None:
        """Show text behind the echo of the input read so far; `_flush` sends it."""
        if self._input is not None:
            self._output.append(self._input.take_echo())
        self._output.append(text if self._line_end == "\n" else text.replace("\n", "\r\n"))

    def _flush(self) -> None:
        """Send what is to be shown, a prompt at its end in one piece: programs wait for it."""
        self._print("")
        text = "".join(self._output)
        self._output.clear()
        if not text or self._channel is None or self._over or self._channel.is_closing():
            return
        body = text.rfind("\n") + 1 if len(text) > _PIECE else 0
        for piece in (text[:body], text[body:]):
            if piece:
                self._channel.write(piece)

    def _leave(self, status: int) -> None:
        self._flush()
        if not self._over and self._channel is not None:
            self._over = True
            self._channel.exit(status)

    # slow work

    def _work(self, work: Callable[[], None]) -> None:
        self._flush()
        self._working = True
        self._server.run(work).add_done_callback(self._worked)

    def _worked(self, future: asyncio.Future[None]) -> None:
        self._working = False
        failure = future.exception()
        self._guarded(lambda: self._resume(failure))

    def _resume(self, failure: BaseException | None) -> None:
        if failure is not None and not isinstance(failure, UserError):
            raise failure
        # A refusal met early is met again when the session goes on, which then words it.
        if self._over or self._session is None:
            return
        self._show(self._session.resume(self._server.now()))
        self._flush()
        self._read_on()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step outside of asyncssh's own care: a defect must not leave the client waiting for ever."""
        try:
            step()
        except BaseException:
            if self._channel is not None:
                self._channel.abort()
            raise

    def _terminal(self) -> Terminal:
        assert self._channel is not None
        width, height, _, _ = self._channel.get_terminal_size()
        return Terminal(width, height, keys=True)
