"""Repeats on a fresh box what a recording says was done to one, over SSH and SFTP, and compares what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import asyncssh

from .clock import to_rfc3339
from .device.settings import chosen
from .errors import UserError
from .expectation import ExpectationError
from .recorder import Recorder
from .recording.comparison import Comparison, compared
from .recording.file import Recording, read
from .recording.script import Script, Step, Wanted, arguments, revealed, script, without_far_ends
from .simulator import Files, Simulator

PASSWORD = "replayed"  # noqa: S105 - of every user of a box that lives for one replay
PATIENCE = 20.0
"""Host seconds until a step that does not show in the journal is given up."""

_TERMINAL = (200, 0)
"""Columns and lines: without a height nothing waits for a key."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: its own recording, how that compares, and what was not repeated, in words."""

    recording: Recording
    comparison: Comparison
    not_repeated: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the same happened, as far as it was repeated."""
        return self.comparison.equal


def files_for(wanted: Iterable[Wanted], directory: Path | None) -> tuple[dict[str, bytes], list[str]]:
    """Return uploaded files by SHA-256, as they lie in a directory by name or by content; and which are not there."""
    lying = (
        {} if directory is None else {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}
    )
    by_content = {sha256(content).hexdigest(): content for content in lying.values()}
    missing = []
    for each in wanted:
        if each.sha256 in by_content:
            continue
        there = lying.get(each.name)
        what = "is not there" if there is None else f"is another one: {len(there)} bytes, {each.size} in the recording"
        missing.append(f"file {each.name} ({each.size} bytes, SHA-256 {each.sha256[:16]}) {what}")
    return by_content, missing


async def replay(
    recording: Recording,
    config: Files = (),
    *,
    contents: Mapping[str, bytes] | None = None,
    secrets: Mapping[str, str] | None = None,
    maps: Iterable[str] | None = None,
    files: Mapping[str, bytes] | None = None,
    leave_out: frozenset[str] = frozenset(),
) -> Replayed:
    """Start a box as the recorded one was, repeat what was done to it, and compare.

    `contents` are uploaded files by their SHA-256 (`files_for`), `secrets` those that the recording is without, by
    name; `maps` go in place of the recorded ones, `files` lie in the certificate directory from the start. Kinds to
    `leave_out` are not compared. Raises UserError and ScenarioError as a start does.
    """
    header = recording.header
    box = Simulator(
        config,
        clock=f"virtual@{to_rfc3339(header.start)}",
        seed=header.seed,
        ha=cast(Any, header.ha),  # checked there
        users=dict.fromkeys(header.users, PASSWORD),
        maps=header.maps if maps is None else maps,
        settings=chosen(header.settings),
        rude=header.rude,
        files=files,
        control="off",
    )
    lines: list[str] = []
    recorder = Recorder(box.events, box.header(), lines.append)
    player = _Player(box, script(recording), contents or {}, secrets or {})
    player.note_configuration(recording)
    async with box, AsyncExitStack() as stack:
        await player.play(stack, flows=recording.flows)
        recorder.stop()  # what is still open was so in the recording
    new = read("".join(lines), "the replay")
    if recording.flows:
        new = Recording(header, new.entries)
    comparison = _compared(recording, new, leave_out)
    return Replayed(new, comparison, tuple(player.not_repeated))


def _compared(recording: Recording, new: Recording, leave_out: frozenset[str]) -> Comparison:
    """Compare what was repeated; where time flowed it was moved instead, and no rate was set."""
    if recording.flows:
        recording, new = (
            replace(each, entries=tuple(entry for entry in each.entries if entry.get("action") != "rate"))
            for each in (recording, new)
        )
        rate = replace(recording.header, rate=1.0)
        recording, new = replace(recording, header=rate), replace(new, header=rate)
    return compared(without_far_ends(recording), without_far_ends(new), leave_out)


@dataclass(slots=True)
class _Session:
    """One CLI session or file transfer that is repeated."""

    connection: asyncssh.SSHClientConnection
    after: int
    process: asyncssh.SSHClientProcess[str] | None = None
    sftp: asyncssh.SFTPClient | None = None
    number: int = 0
    user: str = ""
    terminal: bool = False


@dataclass(slots=True)
class _Player:
    box: Simulator
    script: Script
    contents: Mapping[str, bytes]
    secrets: Mapping[str, str]
    not_repeated: list[str] = field(default_factory=list)
    sessions: dict[int, _Session] = field(default_factory=dict)
    transfers: dict[str, list[_Session]] = field(default_factory=dict)
    consoles: set[int] = field(default_factory=set)
    faults: dict[int, int] = field(default_factory=dict)
    dialled: dict[int, str] = field(default_factory=dict)

    def note_configuration(self, recording: Recording) -> None:
        """Say where the box starts from something else; and where outbound connections led, by their numbers."""
        self.not_repeated += self.script.left_out
        theirs = {each.sha256: each.name for each in recording.header.configurations}
        ours = {each.sha256: each.name for each in self.box.header().configurations}
        for content in theirs.keys() - ours.keys():
            self.not_repeated.append(f"the box was started with {theirs[content]}, which was not given, or was changed")
        for content in ours.keys() - theirs.keys():
            self.not_repeated.append(f"the box was not started with {ours[content]} as it is now")
        for entry in recording.entries:
            if entry["kind"] == "connectionOpened" and entry["direction"] == "outbound":
                self.dialled[int(entry["connection"])] = str(entry["remote"])

    async def play(self, stack: AsyncExitStack, *, flows: bool) -> None:
        """Do every step; one that fails is told, and the next ones are done all the same."""
        for step in self.script.steps:
            due = step.uptime - self.box.clock.reading().uptime
            if flows and due > 0:
                await self.box.move_clock(by=due)
            try:
                await self._do(stack, step, flows=flows)
            except KeyError as error:
                self._tell(step, f"the secret {error.args[0]} is not known")
            except (ExpectationError, UserError, OSError, TimeoutError, asyncssh.Error) as error:
                self._tell(step, f"{str(error) or type(error).__name__}")

    def _tell(self, step: Step, reason: str) -> None:
        entry = step.entry
        what = entry.get("line") or entry.get("action") or entry.get("path") or entry.get("user") or ""
        self.not_repeated.append(f"#{step.number} {step.action} {what}: {reason}")

    async def _do(self, stack: AsyncExitStack, step: Step, *, flows: bool) -> None:
        entry = step.entry
        match step.action:
            case "begin":
                await self._begin(stack, entry)
            case "type":
                await self._type(entry)
            case "end":
                await self._end(entry)
            case "refused":
                await self._be_refused(entry)
            case "login":
                await self._log_in(stack, entry)
            case "logout":
                await self._log_out(entry)
            case "file":
                await self._transfer(entry)
            case "move" if not flows:
                await self.box.move_clock(by=int(entry["by"]))
            case "control":
                await self._control(entry)

    # the CLI

    async def _connect(
        self, port: tuple[str, int], user: str, password: str = PASSWORD
    ) -> asyncssh.SSHClientConnection:
        host, number = port
        return await asyncssh.connect(
            host, number, username=user, password=password, known_hosts=None, client_keys=None, config=None,
            agent_path=None, preferred_auth="password", connect_timeout=PATIENCE,
        )  # fmt: skip

    async def _begin(self, stack: AsyncExitStack, entry: Mapping[str, Any]) -> None:
        recorded = int(entry["session"])
        if entry["protocol"] == "console":
            self.consoles.add(recorded)
            return
        after = self.box.events.last
        connection = await self._connect(self.box.ports.cli, entry["user"])
        stack.push_async_callback(_close, connection)
        terminal: dict[str, Any] = {"term_type": "xterm", "term_size": _TERMINAL} if entry["terminal"] else {}
        process = await connection.create_process(
            stdout=asyncssh.DEVNULL, stderr=asyncssh.DEVNULL, encoding="utf-8", **terminal
        )
        begun = await self._shows("cliSession", after, ended=False)
        self.sessions[recorded] = _Session(
            connection, after, process, number=begun.session, user=entry["user"], terminal=bool(entry["terminal"])
        )

    async def _type(self, entry: Mapping[str, Any]) -> None:
        line = revealed(entry["line"], self.secrets)
        answers = [revealed(answer, self.secrets) for answer in entry["answers"]]
        if int(entry["session"]) in self.consoles:
            self.box.cli(line)
            return
        session = self.sessions.get(int(entry["session"]))
        if session is None or session.process is None:
            raise UserError("its session was not repeated")
        after = self.box.events.last
        end = "\r" if session.terminal else "\n"
        typed = [f"{line}{end}"]
        for answer in answers:
            typed += [f"{each}{end}" for each in answer.split("\n")] + (["\x04"] if "\n" in answer else [])
        session.process.stdin.write("".join(typed))
        await self._shows("cli", after, session=session.number)

    async def _end(self, entry: Mapping[str, Any]) -> None:
        recorded = int(entry["session"])
        if recorded in self.consoles:
            self.consoles.discard(recorded)
            return
        session = self.sessions.pop(recorded, None)
        if session is None:
            return
        await _close(session.connection)
        await self._shows("cliSession", session.after, session=session.number, ended=True)
        await self._shows("logout", session.after, service="cli", user=session.user)

    async def _be_refused(self, entry: Mapping[str, Any]) -> None:
        after = self.box.events.last
        port = self.box.ports.cli if entry["service"] == "cli" else self.box.ports.sftp
        known = entry["reason"] in {"locked", "no interactive access"}
        with suppress(asyncssh.Error):
            connection = await self._connect(port, entry["user"], PASSWORD if known else f"not {PASSWORD}")
            await _close(connection)
        await self._shows("login", after, accepted=False, user=entry["user"])

    # files

    async def _log_in(self, stack: AsyncExitStack, entry: Mapping[str, Any]) -> None:
        after = self.box.events.last
        connection = await self._connect(self.box.ports.sftp, entry["user"])
        stack.push_async_callback(_close, connection)
        sftp = await connection.start_sftp_client()
        self.transfers.setdefault(entry["user"], []).append(_Session(connection, after, sftp=sftp, user=entry["user"]))

    async def _log_out(self, entry: Mapping[str, Any]) -> None:
        open_ = self.transfers.get(entry["user"])
        if open_:
            session = open_.pop(0)
            await _close(session.connection)
            await self._shows("logout", session.after, service="sftp", user=session.user)

    async def _transfer(self, entry: Mapping[str, Any]) -> None:
        open_ = self.transfers.get(entry["user"])
        if not open_ or open_[-1].sftp is None:
            raise UserError("its login was not repeated")
        sftp, after, path = open_[-1].sftp, self.box.events.last, entry["path"]
        if entry["operation"] == "put" and entry["ok"] and entry["sha256"] not in self.contents:
            raise UserError(f"the file with SHA-256 {entry['sha256'][:16]} is not known")
        try:
            match entry["operation"]:
                case "put":
                    async with sftp.open(path, "wb") as file:
                        await file.write(self.contents.get(entry["sha256"], bytes(int(entry["size"]))))
                case "get":
                    async with sftp.open(path, "rb") as file:
                        await file.read()
                case "rename":
                    await sftp.posix_rename(path, entry["target"])
                case "remove" | "mkdir" | "rmdir" as name:
                    await getattr(sftp, name)(path)
        except asyncssh.SFTPError:
            if entry["ok"]:
                raise
        await self._shows("sftp", after, operation=entry["operation"], path=path)

    # what was done by whoever ran the box

    async def _control(self, entry: Mapping[str, Any]) -> None:
        box, said = self.box, arguments(entry)
        match entry["action"]:
            case "rate":
                if float(said["rate"]):
                    raise UserError("time flowed from here on; it is moved instead")
            case "reset":
                await box.reset()
                self._begin_anew()
            case "switchover":
                await box.switch_over(said["reason"])
            case "bounce":
                await box.bounce_port(said["addressContext"], said["zone"], int(said["sipSigPort"]))
            case "closeConnection":
                await self._close_connection(int(said["connection"]))
            case "fault" | "noFault" as action:
                self._fault(action, said)
            case "snapshot" | "restore" | "dropSnapshot" as action:
                await self._snapshot(action, said)
            case action:
                raise UserError(f"it is not known here how to do {action}")

    async def _snapshot(self, action: str, said: Mapping[str, Any]) -> None:
        if action == "snapshot":
            self.box.snapshot(said["name"])
        elif action == "restore":
            await self.box.restore(said["name"])
            self._begin_anew()
        else:
            self.box.drop_snapshot(said.get("name"))

    def _begin_anew(self) -> None:
        """The box has ended all sessions, and has told of it in a journal that it has cleared since."""
        self.sessions.clear()
        self.transfers.clear()
        self.consoles.clear()
        self.faults.clear()

    async def _close_connection(self, recorded: int) -> None:
        remote = self.dialled.get(recorded)
        live = [each for each in self.box.connections() if f"{each.remote.host}:{each.remote.port}" == remote]
        if not live:
            raise UserError("no such connection stands here")
        await self.box.close_connection(live[0].id)

    def _fault(self, action: str, said: Mapping[str, Any]) -> None:
        if action == "noFault":
            if "id" in said:
                self.box.faults.remove(self.faults.get(int(said["id"]), 0))
            else:
                self.box.faults.clear()
            return
        given: dict[str, Any] = {
            name: said[name] for name in ("match", "nth", "times", "period", "value", "gap") if name in said
        }
        if "probability" in said:
            given["probability"] = float(said["probability"])
        for name in ("match", "value"):
            if name in given:
                given[name] = revealed(given[name], self.secrets)
        self.faults[int(said["id"])] = self.box.faults.add(said["point"], **given).id

    async def _shows(self, kind: str, after: int, **fields: Any) -> Any:  # noqa: ANN401 - the event
        return (await self.box.wait_for(kind, after=after, patience=PATIENCE, **fields)).event


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    with suppress(asyncssh.Error, OSError):
        async with asyncio.timeout(PATIENCE):
            await connection.wait_closed()
