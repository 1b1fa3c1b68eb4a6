"""One channel of the CLI port: the way from a client's bytes to a session's lines, and back.

Input is read only while the session waits for a line, so that what comes early is neither lost nor echoed in the wrong
place; a client that sends faster than the session works, or reads slower than it answers, is held back by SSH's own
flow control.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncssh

from sbcsim.cli.editor import Completing, Entered, Event, Key, LineEditor, Pressed
from sbcsim.cli.linereader import LineReader
from sbcsim.cli.modes import Mode
from sbcsim.cli.session import Completion, Reply, Session, Terminal
from sbcsim.clock import Instant
from sbcsim.device import managementpoints
from sbcsim.device.users import Account
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .answering import Answering
from .clilogin import CliLogin
from .faultycli import FaultyCli, LostCommandError
from .outlet import Outlet
from .promptline import PromptLine
from .surroundings import Surroundings
from .suspension import Suspension
from .waiting import IdleWatch

TermSize = tuple[int, int, int, int]

_WAITING_HIGH = 65_536  # characters that may wait before the client is held back
_SLICE_SECONDS = 0.005  # how long one channel may keep the event loop
_SCRIPT_LIMIT = 1 << 20


class CliChannel(asyncssh.SSHServerSession[str]):
    """One channel of a CLI client, from the request for a shell or a command to the exit status."""

    def __init__(self, port: Surroundings, account: Account, remote: str, *, must_change: bool) -> None:
        self._port = port
        self._login = CliLogin(port, account, remote, must_change=must_change)
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHServerChannel[str] | None = None
        self._outlet = Outlet()
        self._terminal_type = ""
        self._command: str | None = None
        self._input: LineEditor | LineReader | None = None
        self._line: PromptLine | None = None  # on a terminal
        self._session: Session | None = None
        self._answering = Answering(self, self._outlet, FaultyCli(port.faults, port.now))
        self._suspension = Suspension(port.run, self._resume, self._guarded)
        self._held_back = False  # the client does not read what we write
        self._ended = False  # no more input will come
        self._over = False  # the exit status is sent, or the channel is gone
        self._scheduled: asyncio.Handle | None = None
        self._accepting = False  # the answer to the banner is awaited
        self._acting = False  # the session is at work right now: what it does is its own doing
        self._own_idle_seconds = 0
        self._idle = IdleWatch(self._idle_limit, lambda: self._suspension.lasts, self.time_out)

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self._login.user

    # what asyncssh tells

    def connection_made(self, chan: asyncssh.SSHServerChannel[str]) -> None:
        """Take the channel."""
        self._channel = self._outlet.channel = chan

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """End the session, once a command that works has come to its end: the channel is gone."""
        self._over = True
        self._outlet.close()
        # In a wait that can be left nothing has begun that would have to be done.
        if self._suspension.can_be_left or not self._suspension.lasts:
            self._end()
        else:
            self._login.vacate()

    def pty_requested(self, term_type: str, term_size: TermSize, term_modes: object) -> bool:  # noqa: ARG002
        """Grant a terminal of any type and size."""
        self._terminal_type = term_type if term_type.isascii() and term_type.isprintable() else ""
        self._outlet.on_terminal = True
        return True

    def shell_requested(self) -> bool:
        """Grant a shell."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Grant commands up to a generous length."""
        self._command = command
        return len(command) <= _SCRIPT_LIMIT

    def subsystem_requested(self, subsystem: str) -> bool:  # noqa: ARG002
        """Refuse: none is served here, SFTP least of all."""
        return False

    def session_started(self) -> None:
        """Open the session, or say that there are too many."""
        assert self._channel is not None
        on_terminal = self._command is None and self._outlet.on_terminal
        try:
            author = self._login.open(on_terminal=on_terminal)
        except UserError as refusal:
            self._outlet.print(refusal.text + "\n")
            self._leave(1)
            return
        self._port.channels.add(self)
        terminal = self._terminal(*self._channel.get_terminal_size()[:2]) if on_terminal else None
        session = self._session = self._port.factory(author, terminal)
        session.begun = self._begun
        command = self._command
        if command is not None:
            self._do(lambda: self._run(session, command))
        elif terminal is not None:
            self._line = PromptLine(self._outlet)
            self._input = self._line.editor
            self._accepting = self._port.accept_banner()
            if self._accepting:
                self._input.plain = True
                self._outlet.print(message("access.accept"))
            else:
                self._greet()
        else:
            self._input = LineReader()
            self._outlet.echo = self._input.take_echo
        if command is None:
            self._idle.look()
        self._read_on()

    def data_received(self, data: str, datatype: int | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Take input."""
        self._idle.note()
        if self._input is not None and not self._over:
            self._input.feed(data)
            self._read_on()

    def eof_received(self) -> bool:
        """Take the end of the input."""
        self._ended = True
        self._read_on()
        return True  # answers may still be on their way

    def break_received(self, msec: int) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Take a break for Ctrl-C."""
        self.signal_received("INT")
        return True

    def signal_received(self, signal: str) -> None:
        """Take the signal INT for Ctrl-C."""
        if signal == "INT" and self._line is not None:
            self.data_received("\x03", None)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:  # noqa: ARG002
        """Tell the session the new size."""
        if self._session is not None and self._line is not None:
            self._session.resize(self._terminal(width, height))

    def pause_writing(self) -> None:
        """Stop working for a client that does not read."""
        self._held_back = True

    def resume_writing(self) -> None:
        """Go on."""
        self._held_back = False
        self._read_on()

    # input

    def _read_on(self) -> None:
        """Go on until the input is used up, the session has to wait, or it has had its share of time."""
        source = self._input
        if self._scheduled is not None:
            return
        can_be_left = (self._answering.goes_on or self._suspension.can_be_left) and not self._over
        if can_be_left and source is not None and source.take_interrupt():
            self._act(Key.INTERRUPT)
            self._suspension.leave()
        until = self._loop.time() + _SLICE_SECONDS
        while not (self._over or self._suspension.lasts or self._held_back):
            if self._answering.goes_on:
                self._continue()
            else:
                event = None if source is None else source.next_event()
                if event is not None:
                    self._act(event)
                elif self._ended and source is not None:
                    self._finish()
                if event is None and not self._answering.goes_on:
                    break
            if self._loop.time() >= until:
                self._scheduled = self._loop.call_soon(self._read_on_later)
                break
        self._deliver()
        self._outlet.flush()
        if self._channel is None or self._over or source is None:
            return
        if source.waiting > _WAITING_HIGH:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def _continue(self) -> None:
        """Have the session go on with an answer; what it has made so far is sent, to see whether the client reads."""
        session, now = self._session, self._port.now()
        assert session is not None
        self._idle.note()
        self._do(lambda: session.more(now))
        self._outlet.flush()

    def _read_on_later(self) -> None:
        self._scheduled = None
        self._guarded(self._read_on)

    def _act(self, event: Event) -> None:
        session, now = self._session, self._port.now()
        assert session is not None
        if self._accepting:
            self._accept(event)
            return
        match event:
            case Entered(line):
                self._do(lambda: session.line(line, now))
            case Completing(line, space=True):
                self._complete(session.space(line, now))
            case Completing(line, listing):
                # The "?" has been echoed and is not in the line: show the line as it is.
                self._complete(session.complete(line, now, listing=listing), redraw=listing)
            case Pressed(key):
                self._do(lambda: session.key(key, now))
            case Key.INTERRUPT:
                self._do(lambda: session.interrupt(now))
            case Key.END_OF_INPUT:
                self._do(lambda: session.end_of_input(now))
            case Key.LEAVE if session.mode is Mode.CONFIGURE and session.at_prompt:
                self._leave_configure(session, now)
            case Key.REDRAW:
                assert self._line is not None
                self._line.redraw("\n")

    def _leave_configure(self, session: Session, now: Instant) -> None:
        """Act on Ctrl-Z: the line that was being typed is dropped."""
        assert self._line is not None
        self._line.abandon()
        self._do(lambda: session.line("exit configuration-mode", now))

    def _accept(self, event: Event) -> None:
        """Begin the session when the banner is accepted; any other answer ends it."""
        if isinstance(event, Entered) and event.line.strip() == "yes":
            self._accepting = False
            self._greet()
        else:
            self._leave(0)

    def _greet(self) -> None:
        """Begin the session on a terminal."""
        session, now = self._session, self._port.now()
        assert session is not None
        word = self._port.faults.fires(managementpoints.GREETING, self.user, now)
        if word is not None:
            self._outlet.print(f"{word}\n")
        self._do(lambda: session.start(now))

    def _run(self, session: Session, command: str) -> Reply:
        """Begin with the commands of an exec request."""
        self._begun(command)
        return session.run(command, self._port.now())

    def _do(self, step: Callable[[], Reply]) -> None:
        """Have the session take a step and show what it answers."""
        self._acting = True
        try:
            reply = step()
        except LostCommandError:
            return
        finally:
            self._acting = False
        self._show(reply)

    def _complete(self, completion: Completion, *, redraw: bool = False) -> None:
        assert self._line is not None
        self._line.complete(completion, redraw=redraw)

    def _finish(self) -> None:
        """Act on the end of the input: the line it broke off in counts, then the session ends."""
        assert self._session is not None
        if isinstance(self._input, LineReader):
            rest = self._input.last()
            if rest is not None:
                self._act(rest)
                if self._over or self._suspension.lasts or self._answering.goes_on:
                    return
        if self._session.reads_input:
            session = self._session
            self._do(lambda: session.end_of_input(self._port.now()))
            if self._over or self._suspension.lasts or self._answering.goes_on:
                return
        reply = self._session.end_of_input(self._port.now())
        self._outlet.print(reply.text)
        self._leave(reply.exit_status or int(not reply.ok))

    # output

    def _begun(self, command: str) -> None:
        """Note that a command begins; raises LostCommandError where a fault comes in its place."""
        assert self._session is not None
        self._answering.begin(command, self._session.without_secrets)

    def _show(self, reply: Reply) -> None:
        at_prompt = self._session is not None and self._session.at_prompt
        self._answering.show(reply, at_prompt=at_prompt, aside=self._suspension.can_be_left or self._over)

    def suspend(self, reply: Reply) -> None:
        """Have the work done, or the patience, that an answer needs before it goes on."""
        self._outlet.flush()
        if reply.patience is not None:
            self._suspension.wait(reply.patience)
        elif reply.work is not None:
            self._suspension.work(reply.work)

    def hold(self, seconds: float | None, then: Callable[[], None]) -> None:
        """Go on with an answer later, None for never; who presses Ctrl-C waits no longer."""

        def go_on() -> None:
            if not self._over:
                then()
                self._outlet.flush()
                self._read_on()

        self._outlet.flush()
        self._suspension.hold(seconds, go_on)

    def conclude(self, reply: Reply, prompt: str) -> None:
        """Take the next line, or leave; `prompt` is what has not been said yet of the one in the reply."""
        status = reply.exit_status
        if status is None and self._line is None:
            if not reply.ok:
                status = 1
            elif self._input is None:
                status = 0
        if status is not None:
            self._leave(status)
            return
        if self._line is not None:
            self._line.ask(reply, self._session)
        self._outlet.print(prompt)
        if self._session is not None and self._session.idle_seconds != self._own_idle_seconds:
            self._own_idle_seconds = self._session.idle_seconds
            self._idle.look()

    def break_off(self) -> None:
        """End the connection with nothing more said than what has been printed; no line behind is taken any more."""
        self._outlet.flush()
        if self._channel is not None:
            self._end()
            self._channel.get_connection().abort()

    def _leave(self, status: int) -> None:
        self._outlet.flush()
        if not self._over and self._channel is not None:
            self._end()
            self._channel.exit(status)

    def cut_off(self) -> None:
        """End the session, whatever it is at; whoever had it end is answered first, and ends with that."""
        if not self._acting:
            self._outlet.flush()
            self._end()
            if self._channel is not None:
                self._channel.close()

    def _end(self) -> None:
        """End the session before the client does its part: candidate, lock and place are free from now on."""
        self._over = True
        self._outlet.close()
        self._suspension.leave()
        self._port.channels.discard(self)
        self._idle.stop()
        if self._scheduled is not None:
            self._scheduled.cancel()
        session, self._session = self._session, None
        if session is not None:
            session.end(self._port.now())
        self._login.close()

    # what arrives by itself

    def announce(self, text: str) -> None:
        """Show a notice at the next prompt with an empty line; a session is not told of its own doing."""
        if self._line is not None and not self._acting and not self._over:
            self._line.keep(text)
            self._deliver()
            self._outlet.flush()

    def take_leave(self, text: str) -> None:
        """Show a notice at once, whatever is being typed, as the session is about to end; not to who had it end."""
        if self._line is not None and not self._acting and not self._over:
            self._outlet.print(f"\n{text}\n")
            self._outlet.flush()

    def _deliver(self) -> None:
        line, session = self._line, self._session
        if line is None or not line.has_notices or self._accepting or session is None:
            return
        busy = self._over or self._suspension.lasts or self._held_back
        if not busy and session.at_prompt:
            line.show_notices()

    def _idle_limit(self) -> float:
        """Return after how many seconds without input the session ends: as configured, or sooner if it wants that."""
        return min((each for each in (self._port.idle_seconds(), self._own_idle_seconds) if each), default=0)

    def time_out(self) -> None:
        """End the session as if nobody had been there for too long."""
        self._outlet.print(f"\n{message('access.idle')}\n")
        self._leave(0)

    # behind a wait

    def _resume(self, failure: BaseException | None) -> None:
        self._idle.note()  # nobody is idle who waits for an answer
        if failure is not None and not isinstance(failure, UserError):
            if self._over:
                self._end()
            raise failure
        # A refusal met early is met again when the session goes on, which then words it.
        session, now = self._session, self._port.now()
        if session is None:  # cut off meanwhile: what it had begun is not done
            return
        if self._over:
            self._session = None
            session.conclude(now)
            self._end()
            return
        self._do(lambda: session.resume(now))
        self._outlet.flush()
        self._read_on()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step outside of asyncssh's own care: a defect must not leave the client waiting for ever."""
        try:
            step()
        except BaseException:
            if self._channel is not None:
                self._channel.abort()
            raise

    def _terminal(self, width: int, height: int) -> Terminal:
        return Terminal(width, height, keys=True, kind=self._terminal_type or "generic")
