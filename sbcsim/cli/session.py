"""One session at the command line: lines in, replies out. No I/O, no clock: `now` is passed in.

A command may ask questions or wait for slow work on the way. It is a generator then; the session keeps it and sends it
the next line, or goes on with it once the work is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from itertools import chain

from sbcsim.clock import Instant
from sbcsim.config.transaction import Author
from sbcsim.errors import BugError, UserError
from sbcsim.grammar import message
from sbcsim.schema.walk import HIDDEN

from .commands import execute
from .commands.accounts import change_at_login
from .commands.properties import screen_values, start_values
from .completion import Completion, completed, in_quotes, spaced
from .editor import Habits
from .greeting import greeting
from .hindrances import asked_first, refuse_unknown
from .lexer import continues, split_commands, uncommented
from .modes import Mode, level_line
from .output import Place, clock_face, failure, status_line
from .pager import Batches, Page, Pager, in_batches, wiped
from .parser import LineError, parse
from .performing import LONGEST_LINE, Running, nothing, perform, record
from .pipes import Pipeline, pipeline
from .redaction import redact
from .refusal import InterruptError, RefusalError
from .reply import Reply, joined, question
from .shell import Ask, Box, Pause, Shell, Terminal, Work

__all__ = ["LONGEST_LINE", "Box", "Completion", "Reply", "Session", "Terminal"]

_END_OF_INPUT = "\x04"

_COMMANDS_AT_ONCE = 25


class Session:
    """The command line of one user; without a terminal there are no prompts, questions or pages."""

    def __init__(self, box: Box, author: Author, terminal: Terminal | None, now: Instant) -> None:
        login = box.sessions.get(author.session)
        self._shell = Shell(box, author, terminal, now, start_values(terminal), login)
        self._running: Running | None = None
        self._entry: Generator[Ask | Work, str, str] | None = None
        self._continued = ""
        self._queue: deque[str] | None = None
        self._printed: list[str] = []
        self.begun: Callable[[str], None] | None = None
        """Called with each command that is typed, continued lines joined; not with those of an exec request."""
        self._shell.perform = partial(perform, self._shell)

    @property
    def mode(self) -> Mode:
        """Operational or configure mode."""
        return self._shell.mode

    @property
    def idle_seconds(self) -> int:
        """After how long without input the user wants the session closed, 0 for no wish."""
        return self._shell.idle_seconds

    @property
    def reads_input(self) -> bool:
        """What comes belongs to something that the end of the input ends: a line, or the answer to a command."""
        return bool(self._continued) or (self._running is not None and self._running.input is not None)

    @property
    def at_prompt(self) -> bool:
        """The next line is a new command: no question, no waiting output, no continued line."""
        return self._takes_command and not self._continued

    @property
    def _takes_command(self) -> bool:
        """The next line is a command, or goes on with one."""
        return self._running is None and self._entry is None

    def without_secrets(self, line: str) -> str:
        """Return a line with everything that may be a secret replaced."""
        return redact(line[:LONGEST_LINE], self._shell.box.schema)

    def start(self, now: Instant) -> Reply:
        """Return the greeting with the first prompt, or the question that comes before; all only on a terminal."""
        self._shell.now = now
        if self._shell.terminal is None:
            return Reply("", "")
        login = self._shell.login
        if login is not None and login.must_change:
            self._entry = change_at_login(self._shell)
            return self._enter(None)
        return self._greeted()

    def _greeted(self) -> Reply:
        return Reply(joined(greeting(self._shell)), self._shell.prompt)

    def line(self, text: str, now: Instant) -> Reply:
        """Take one line, without its end: a command, the rest of one, or the answer to a question."""
        self._shell.now = now
        text = text.rstrip("\r\n")
        if self._entry is not None:
            return self._enter(text)
        running = self._running
        if running is not None:
            if running.output is not None:
                return self.key(text[:1] or "\r", now)
            if running.working or running.paused:
                raise BugError("a line came while a command works: call resume or more first")
            return self._go_on(text) if running.input is None else self._read_in(running.input, text)
        begun = len(self._continued)
        text = self._continued + text
        if len(text) <= LONGEST_LINE and continues(text):
            self._continued = text[:-1]
            return Reply("", message("session.continued") if self._shell.terminal else "")
        self._continued = ""
        return self._command(text, begun)

    def resume(self, now: Instant) -> Reply:
        """Go on after the work of the last reply is done."""
        self._shell.now = now
        if self._running is None or not self._running.working:
            raise BugError("there is no work to resume from")
        running = self._running
        reply = self._go_on(InterruptError() if running.interrupted else None)
        return reply if self._queue is None else self._script(reply)

    def more(self, now: Instant) -> Reply:
        """Go on where the last reply said that there is more."""
        self._shell.now = now
        running = self._running
        reply: Reply | None = None
        if running is not None and running.output is not None and not running.output.full:
            reply = self._print(running)
        elif running is not None and running.paused:
            reply = self._go_on(None)
        elif running is not None or self._queue is None:
            raise BugError("there is no more to come")
        if self._queue is not None:
            return self._script(reply)
        assert reply is not None
        return reply

    def interrupt(self, now: Instant) -> Reply:
        """Take Ctrl-C: a typed line is forgotten, a command ends where it asks, waits or lets others act.

        Whoever waits on behalf of a command stops waiting then and calls `resume`. Work that has begun is not cut
        short.
        """
        self._shell.now = now
        self._continued = ""
        mark = message("session.interrupted")
        if self._entry is not None:
            return Reply(f"{mark}\n", "", ok=False, exit_status=1)
        if self._running is None:
            return Reply(f"{mark}\n", self._shell.prompt)
        running = self._running
        if running.working:
            running.interrupted = running.waiting
            return Reply("", "")
        if running.output is not None:
            running.output.cut()
            return self._print(running, above=f"{mark}\n")
        return self._go_on(InterruptError())

    def end_of_input(self, now: Instant) -> Reply:
        """Take Ctrl-D on an empty line, or the end of piped input: it ends what goes on, or the session."""
        self._shell.now = now
        if self._entry is not None:
            return Reply("", "", ok=False, exit_status=1)
        running = self._running
        if running is not None and running.output is not None:
            return Reply("", "", exit_status=0)
        if running is not None and not running.working:
            return self.interrupt(now) if running.input is None else self._take_in(running.input)
        if self._continued:
            return self._below_the_line(self.line("", now))
        if self._shell.terminal is not None and self._shell.mode is Mode.CONFIGURE:
            return self.line("exit", now)
        return Reply("", "", exit_status=0)

    def key(self, key: str, now: Instant) -> Reply:
        """Take one key while output waits: Space for a page, Enter for a line, q for the end of it."""
        self._shell.now = now
        running = self._running
        if running is None or running.output is None:
            raise BugError("no output waits for a key")
        if not running.output.take(key, self._page(running)):
            return Reply("", "", keys=True)
        return self._print(running, above=wiped())

    def complete(self, line: str, now: Instant, *, listing: bool) -> Completion:
        """Complete a line (TAB) or list what may follow (`?`); inside quotes both are ordinary characters."""
        self._shell.now = now
        whole = self._continued + line
        if not self._takes_command or len(whole) > LONGEST_LINE or in_quotes(whole):
            return Completion(line)
        return self._last_part(line, completed(self._shell, whole, listing=listing))

    def space(self, line: str, now: Instant) -> Completion:
        """Complete a line that a Space was typed behind, which is an ordinary character where there is no command."""
        self._shell.now = now
        whole = self._continued + line
        if not self._takes_command or len(whole) >= LONGEST_LINE or in_quotes(whole):
            return Completion(f"{line} ")
        return self._last_part(f"{line} ", spaced(self._shell, whole))

    def _last_part(self, line: str, found: Completion) -> Completion:
        """Return a completion without the lines that cannot change any more; `line` if it would change them."""
        if not found.line.startswith(self._continued):
            return Completion(line)
        return replace(found, line=found.line.removeprefix(self._continued))

    @property
    def habits(self) -> Habits:
        """How the user wants to type, as the CLI properties have it."""
        properties = self._shell.properties
        return Habits(
            completes_on_space=properties["complete-on-space"] == "true",
            ignores_leading_space=properties["ignore-leading-space"] == "true",
            history=self._shell.history.maxlen or 0,
        )

    def run(self, script: str, now: Instant) -> Reply:
        """Run the commands of an exec channel, cut at newlines and `;`; stops at the first that fails."""
        self._shell.now = now
        self._shell.screen = None
        self._shell.scripted = True
        self._queue = deque(split_commands(script.replace("\r\n", "\n").replace("\r", "\n")))
        return self._script(None)

    def resize(self, terminal: Terminal) -> None:
        """Take note of another screen size; a length or width that the user has set stays."""
        shell = self._shell
        if shell.screen is not None:
            shell.screen = terminal
            for name, value in screen_values(terminal).items():
                if name not in shell.chosen:
                    shell.properties[name] = value

    def conclude(self, now: Instant) -> None:
        """Go on after the work of the last reply though the channel is gone: do what began, then end."""
        if self._queue is not None:
            self._queue.clear()
        self.resume(now)
        self.end(now)

    def end(self, now: Instant) -> None:
        """Drop the candidate, whatever is not finished and what was not confirmed: the channel is gone."""
        self._shell.now = now
        if self._running is not None:
            self._abandon(self._running)
            self._running = None
        self._shell.leave_configure()
        self._shell.box.database.session_over(self._shell.author, now)

    def _abandon(self, running: Running) -> None:
        running.steps.close()
        if running.output is not None:
            running.output.close()
            if not running.recorded:
                record(self._shell, running.cleaned, running.mode, ok=running.ok, answers=running.answers)

    def _command(self, text: str, last: int = 0) -> Reply:
        """Run one line from its beginning; on the screen its last part, from `last` on, stands in a line of its own."""
        shell = self._shell
        line = uncommented(text)
        if not line.strip():
            return Reply("", shell.prompt)
        if self.begun is not None and self._queue is None:
            self.begun(text)
        cleaned = redact(text.strip()[:LONGEST_LINE], shell.box.schema)
        if len(text) > LONGEST_LINE:
            long = message("answer.aborted", reason=message("session.line_too_long"))
            return self._refused(cleaned, RefusalError(long), Place())
        place = Place(shell.prompt, last if shell.terminal is not None else 0)
        shell.history.append((shell.now, cleaned))
        try:
            call = parse(line, shell.mode.start)
            pipes = pipeline(call, shell.mode.start)
            refuse_unknown(shell, line, cleaned)
        except LineError as error:
            return self._refused(cleaned, error, place)
        steps = asked_first(shell, line, cleaned, pipes.batches(execute(shell, call), shell))
        self._running = Running(steps, cleaned, shell.mode, place, pipes, self._head())
        return self._go_on(None)

    def _go_on(self, answer: str | InterruptError | None) -> Reply:
        """Run the command up to its next question, its work or its end."""
        running = self._running
        assert running is not None
        running.working = running.waiting = running.interrupted = running.paused = False
        if isinstance(answer, str):
            running.answers.append(self._shown_answer(running.asked, answer))
        try:
            if isinstance(answer, InterruptError):
                running.head.append(message("session.interrupted"))
                step = running.steps.throw(answer)
            else:
                step = next(running.steps) if answer is None else running.steps.send(answer)
        except StopIteration as end:
            self._begin_printing(running, end.value, ok=True)
            return self._print(running)
        except (LineError, RefusalError, UserError) as error:
            return self._finish(running, failure(error, running.mode.start, running.place), ok=False)
        if isinstance(step, Work):
            self._shell.works += 1
            running.working, running.waiting = True, step.patience is not None
            return Reply(joined(running.take_head()), "", work=step.run, patience=step.patience)
        if isinstance(step, Pause):
            running.paused = True
            return Reply(joined(running.take_head()), "", more=True)
        running.asked = step
        running.input = [] if step.lines else None
        asked = question(step)
        return replace(asked, text=joined(running.take_head()) + asked.text)

    def _shown_answer(self, asked: Ask | None, answer: str) -> str:
        """Return the answer to a question as the journal may have it."""
        if asked is None or asked.hidden or asked.mask:
            return HIDDEN
        schema = self._shell.box.schema
        return "\n".join(redact(line[:LONGEST_LINE], schema) for line in answer.split("\n"))

    def _enter(self, answer: str | None) -> Reply:
        """Go on with what comes before the greeting; who fails at it is sent away."""
        assert self._entry is not None
        try:
            step = next(self._entry) if answer is None else self._entry.send(answer)
        except StopIteration as end:
            self._entry = None
            return Reply(f"{end.value}\n", "", ok=False, exit_status=1) if end.value else self._greeted()
        assert isinstance(step, Ask)
        return question(step)

    def _read_in(self, lines: list[str], text: str) -> Reply:
        """Take one more line of an answer that goes on; without a terminal a Ctrl-D in the text ends it, too."""
        text, end, _ = text.partition(_END_OF_INPUT)
        if text or not end:
            lines.append(text)
        if end:
            return self._take_in(lines)
        return Reply("", message("session.continued") if self._shell.terminal else "", plain=True)

    def _take_in(self, lines: list[str]) -> Reply:
        """End an answer that went on over several lines."""
        assert self._running is not None
        self._running.input = None
        return self._below_the_line(self._go_on("\n".join(lines)))

    def _below_the_line(self, reply: Reply) -> Reply:
        """Have a reply begin in a line of its own: Ctrl-D moves no cursor."""
        return replace(reply, text=f"\n{reply.text}") if self._shell.terminal is not None else reply

    def _head(self) -> list[str]:
        """Return the line that stands above a command's output where the user wants to see the time."""
        if self._shell.properties["timestamp"] != "enable":
            return []
        return [message("session.timestamp", time=clock_face(self._shell.now))]

    def _refused(self, cleaned: str, error: LineError | RefusalError, place: Place) -> Reply:
        """Answer a line that did not become a command."""
        self._running = Running(nothing(), cleaned, self._shell.mode, place, Pipeline(), self._head())
        return self._finish(self._running, failure(error, self._shell.mode.start, place), ok=False)

    def _finish(self, running: Running, lines: list[str], *, ok: bool) -> Reply:
        """End a command with these lines."""
        self._begin_printing(running, in_batches(lines), ok=ok)
        return self._print(running)

    def _begin_printing(self, running: Running, batches: Batches, *, ok: bool) -> None:
        """Have a command print its output and its status line."""
        shell = self._shell
        last = [] if shell.exit_status is not None else [status_line(shell.now, ok=ok)]
        head = running.take_head()
        running.ok = ok
        running.output = Pager(chain([head], batches) if head else batches, last, self._page(running))

    def _print(self, running: Running, above: str = "") -> Reply:
        """Print the next part of an output; with the last one comes the next prompt."""
        output, ok = running.output, running.ok
        assert output is not None
        try:
            lines = output.next()
        except RefusalError as error:  # it could not be written to its file: nothing has been shown
            return self._finish(running, list(error.lines), ok=False)
        if not running.recorded and (lines or output.over):
            running.recorded = True
            record(self._shell, running.cleaned, running.mode, ok=ok, answers=running.answers)
        text = above + joined(lines)
        if output.full:
            return Reply(text, message("session.more"), ok, keys=True)
        if not output.over:
            return Reply(text, "", ok, more=True)
        self._running = None
        status = self._exit_status(ok=ok)
        return Reply(text, "" if self._shell.over else self._next_prompt(), ok, status)

    def _exit_status(self, *, ok: bool) -> int | None:
        """Return what the session ends with behind a command, None if it goes on."""
        shell = self._shell
        if shell.exit_status is not None:
            return shell.exit_status
        return int(not ok) if shell.over or (not ok and shell.terminal is None) else None

    def _next_prompt(self) -> str:
        shell = self._shell
        if shell.terminal is None:
            return ""
        above = f"\n{level_line(shell.level)}\n" if shell.mode is Mode.CONFIGURE else ""
        return above + shell.prompt

    def _page(self, running: Running) -> Page | None:
        """Return the room above the marker, None if output is not paged."""
        shell, paged = self._shell, running.pipeline.paged
        paged = shell.properties["paginate"] == "true" if paged is None else paged
        rows = int(shell.properties["screen-length"]) - 1
        if shell.terminal is None or not shell.terminal.keys or shell.over or not paged or rows < 1:
            return None
        return Page(rows, int(shell.properties["screen-width"]))

    def _script(self, reply: Reply | None) -> Reply:
        """Go on with a script after the reply to a command, up to its end, an error, or a place to let others act."""
        assert self._queue is not None
        commands = 0
        while True:
            if reply is not None:
                self._printed.append(reply.text)
                if reply.exit_status is not None:
                    self._queue.clear()
                if reply.exit_status is not None or reply.work is not None or reply.more:
                    return replace(reply, text=self._take_printed())
            if not self._queue:
                return Reply(self._take_printed(), "", exit_status=0)
            if commands == _COMMANDS_AT_ONCE:
                return Reply(self._take_printed(), "", more=True)
            commands += 1
            reply = self._command(self._queue.popleft())

    def _take_printed(self) -> str:
        printed = "".join(self._printed)
        self._printed.clear()
        return printed
