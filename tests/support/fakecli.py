"""A tiny CLI session with the interface of the real one, and the ports of a box that has nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sbcsim.cli.editor import Habits
from sbcsim.cli.modes import Mode
from sbcsim.cli.session import Completion, Reply
from sbcsim.clock import SECOND, Instant
from sbcsim.device.files import VirtualFiles
from sbcsim.device.sessions import Sessions
from sbcsim.device.users import Users
from sbcsim.events import Commit
from sbcsim.journal import Journal
from sbcsim.net.sftp import SftpServer, start_sftp_server
from sbcsim.net.ssh import CliServer, start_cli_server

NOW = Instant(0, 1_767_225_600 * SECOND)
PROMPT = "admin@SBC1> "
WORDS = ("configure", "commit", "exit", "show")


class FakeSession:
    """Answers `<line>` to every line, and knows the few commands that the tests need."""

    def __init__(self, box, author, terminal):
        self.author = author
        self.terminal = terminal
        self.box = box
        self.lines = []
        self.asked = ""
        self.ended = 0
        self.sizes = []
        self.rest = []
        self.left = 0  # pieces of a long answer
        self.made = 0
        self.mode = Mode.OPERATIONAL
        box.opened.append(self)

    @property
    def habits(self):
        return Habits()

    idle_seconds = 0

    def without_secrets(self, line):
        return line

    @property
    def reads_input(self):
        return False

    @property
    def at_prompt(self):
        return not self.asked and not self.left

    def _reply(self, text="", **more):
        return Reply(text, PROMPT if self.terminal else "", **more)

    def start(self, now):
        assert self.terminal is not None
        return self._reply(f"\n{self.author.user} connected from {self.author.remote} using ssh on SBC1\n")

    def line(self, text, now):
        self.lines.append(text)
        if self.asked:
            self.asked = ""
            return self._reply("thanks\n")
        if text in ("exit", "quit"):
            return self._reply(exit_status=0)
        if text == "secret":
            self.asked = text
            return Reply("", "Password: ", hidden=True)
        if text.startswith("flood "):
            self.left = int(text.split()[1])
            return Reply("flood\n", "", more=True)
        if text == "work":
            return Reply("working\n", "", work=self.box.work)
        if text == "edit":
            self.mode = Mode.CONFIGURE
            return Reply("[ok]\n", "\n[edit]\nadmin@SBC1% ")
        if text == "exit configuration-mode":
            self.mode = Mode.OPERATIONAL
            return self._reply("[ok]\n")
        if text == "commit":
            self.box.journal.add(NOW, Commit(1, "admin", "cli", ()))
            return self._reply("Commit complete.\n")
        if text == "hurry":
            self.idle_seconds = 0.1
            return self._reply()
        if text == "long":
            return Reply("1\n", "--More--", keys=True)
        if text.startswith("bad"):
            return self._reply("syntax error\n[error]\n", ok=False)
        return self._reply(f"<{text}>\n" if text else "")

    def more(self, now):
        self.left -= 1
        self.made += 1
        if self.left:
            return Reply("x" * 1023 + "\n", "", more=True)
        done = self._reply("over\n")
        return self._run(done) if self.rest else done

    def resume(self, now):
        done = self._reply("done\n")
        return self._run(done) if self.rest else done

    def interrupt(self, now):
        self.left = 0
        return self._reply("^C\n")

    def key(self, key, now):
        self.lines.append(key)
        if key == "q":
            return self._reply("\r        \r")
        return Reply(f"\r        \r{key.strip() or 'next'}\n", "--More--", keys=True)

    def end_of_input(self, now):
        return self._reply(exit_status=0)

    def complete(self, line, now, *, listing):
        found = [word for word in WORDS if word.startswith(line)]
        if len(found) == 1 and not listing:
            return Completion(found[0] + " ", "")
        return Completion(line, "Possible completions:\n" + "".join(f"  {word}\n" for word in found))

    def run(self, script, now):
        self.rest = script.split(";")
        return self._run(Reply("", ""))

    def _run(self, reply):
        while self.rest and reply.ok:
            step = self.line(self.rest.pop(0).strip(), NOW)
            reply = Reply(reply.text + step.text, "", step.ok, step.exit_status, work=step.work, more=step.more)
            if step.work or step.more:
                break
        return reply

    def resize(self, terminal):
        self.sizes.append((terminal.width, terminal.height))

    def conclude(self, now):
        self.rest = []
        self.lines.append("concluded")
        self.end(now)

    def end(self, now):
        self.ended += 1


@dataclass
class FakeBox:
    """What the ports are given, and the sessions that were opened."""

    users: Users = field(default_factory=Users)
    journal: Journal = field(default_factory=Journal)
    files: VirtualFiles = field(default_factory=lambda: VirtualFiles(NOW))
    sessions: Sessions = field(default_factory=lambda: Sessions(limit=lambda user: 2))
    opened: list[FakeSession] = field(default_factory=list)
    work: Callable[[], None] = lambda: None

    def __post_init__(self):
        self.users.add("admin", "admin")
        self.users.add("guest", "guest", group="Guest")

    def events(self, kind):
        return [entry.event for entry in self.journal if entry.kind == kind]


@asynccontextmanager
async def cli_port(box: FakeBox, **options) -> AsyncIterator[CliServer]:
    """Serve the CLI of `box` on a free port."""
    server = await start_cli_server(
        host="127.0.0.1",
        port=0,
        factory=lambda author, terminal: FakeSession(box, author, terminal),
        users=box.users,
        sessions=box.sessions,
        journal=box.journal,
        now=lambda: NOW,
        **options,
    )
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def sftp_port(box: FakeBox) -> AsyncIterator[SftpServer]:
    """Serve the files of `box` on a free port."""
    server = await start_sftp_server(
        host="127.0.0.1", port=0, files=box.files, users=box.users, journal=box.journal, now=lambda: NOW
    )
    try:
        yield server
    finally:
        await server.close()
