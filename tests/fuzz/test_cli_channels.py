"""Whatever arrives on a channel, in whatever pieces: the same answers, no defect, and a session that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from keystrokes import TYPING
from typedbox import TypedBox

from sbcsim.cli.modes import Mode
from sbcsim.cli.session import Session
from sbcsim.device.users import Account
from sbcsim.net.channel import CliChannel
from sbcsim.net.surroundings import Surroundings


class Wire:
    """The client's end: what it was sent, and how the channel ended."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.read: list[str] = []
        self.exit_status: int | None = None

    def write(self, text: str) -> None:
        assert self.exit_status is None
        self.read.append(text)

    def exit(self, status: int) -> None:
        self.exit_status = status

    def abort(self) -> None:
        raise AssertionError("the channel was broken off")

    def close(self) -> None:
        self.exit_status = self.exit_status or 0

    def is_closing(self) -> bool:
        return self.exit_status is not None

    def pause_reading(self) -> None:
        """There is nothing to hold back."""

    def resume_reading(self) -> None:
        """There is nothing to hold back."""

    def get_terminal_size(self) -> tuple[int, int, int, int]:
        return (*self.size, 0, 0)

    @property
    def text(self) -> str:
        return "".join(self.read)


class Client:
    """A channel without the protocol around it, on a box of its own."""

    def __init__(self, *, size: tuple[int, int] | None) -> None:
        self.box = TypedBox()
        self.wire = Wire(size or (0, 0))
        self.problems: list[dict[str, Any]] = []
        self.session: Session | None = None
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.problems.append(context))
        port = Surroundings(
            factory=self.open,
            sessions=self.box.sbc.sessions,
            journal=self.box.sbc.journal,
            now=lambda: self.box.now,
            run=self.work,
            idle_seconds=float,
            accept_banner=bool,
            standby=bool,
            channels=set(),
            faults=self.box.sbc.faults,
        )
        self.channel = CliChannel(port, Account("admin"), "192.0.2.7", must_change=False)
        if size is not None:
            self.channel.pty_requested("vt100", (*size, 0, 0), {})
        self.channel.connection_made(self.wire)  # type: ignore[arg-type]
        self.channel.session_started()

    def open(self, author: Any, terminal: Any) -> Session:
        self.session = Session(self.box.sbc, author, terminal, self.box.now)
        return self.session

    def work(self, job: Callable[[], None]) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - as an executor does
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    async def send(self, text: str) -> None:
        if self.wire.exit_status is None:
            self.channel.data_received(text, None)
        await self.settle()

    async def settle(self) -> None:
        """Let the channel come to rest."""
        while True:
            await asyncio.sleep(0)
            self.box.pump()
            if self.channel._scheduled is None and not self.channel._suspension.lasts:
                return

    async def survive(self) -> None:
        """Ask who is there, in whatever state the session is; then go."""
        self.channel.resume_writing()
        await self.send("\x03\x03")
        before = len(self.wire.text)
        if self.wire.exit_status is None and self.session is not None:
            line = "run show users | nomore" if self.session.mode is Mode.CONFIGURE else "show users | nomore"
            await self.send(f"{line}\r")
            assert " admin cli " in self.wire.text[before:], self.wire.text
        self.leave()

    def leave(self) -> None:
        self.channel.connection_lost(None)
        self.box.check(self.wire.text)
        assert not self.problems
        assert not len(self.box.sbc.sessions)
        assert not self.box.database.candidates


SIZES = st.sampled_from([(80, 24), (0, 0), (80, 5), (511, 1000), (1, 1)])
CUTS = st.lists(st.integers(0, 400), max_size=8)


def pieces(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@settings(max_examples=examples(80))
@given(SIZES, TYPING, CUTS)
def test_pieces_do_not_matter(size: tuple[int, int], text: str, cuts: list[int]) -> None:
    async def typed(parts: list[str]) -> tuple[str, int | None]:
        client = Client(size=size)
        # Space completes only where it is the last thing that has come.
        await client.send("set complete-on-space false\r")
        for part in parts:
            await client.send(part)
        seen = client.wire.text, client.wire.exit_status
        await client.survive()
        return seen

    assert asyncio.run(typed(pieces(text, cuts))) == asyncio.run(typed([text]))


HAPPENINGS = st.lists(
    st.one_of(
        TYPING,
        st.sampled_from(["pause", "resume", "break", "wait"]),
        st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
    ),
    max_size=8,
)


@settings(max_examples=examples(80))
@given(SIZES, HAPPENINGS, st.booleans())
def test_a_channel_with_a_terminal(size: tuple[int, int], happenings: list[Any], ends: bool) -> None:
    async def happen() -> None:
        client = Client(size=size)
        channel = client.channel
        for each in happenings:
            if isinstance(each, tuple):
                channel.terminal_size_changed(*each, 0, 0)
            elif each == "pause":
                channel.pause_writing()
            elif each == "resume":
                channel.resume_writing()
            elif each == "break":
                channel.signal_received("INT")
            elif each == "wait":
                await client.settle()
            elif client.wire.exit_status is None:
                channel.data_received(each, None)
        if ends:
            channel.resume_writing()
            channel.eof_received()
            await client.settle()
            assert client.wire.exit_status is not None
            client.leave()
        else:
            await client.survive()

    asyncio.run(happen())


@settings(max_examples=examples(40))
@given(TYPING, CUTS)
def test_a_channel_without_a_terminal(text: str, cuts: list[int]) -> None:
    async def piped() -> None:
        client = Client(size=None)
        for part in pieces(text, cuts):
            await client.send(part)
        if client.wire.exit_status is None:
            client.channel.eof_received()
        await client.settle()
        assert client.wire.exit_status is not None
        client.leave()

    asyncio.run(piped())


@settings(max_examples=examples(40))
@given(SIZES, TYPING)
def test_a_client_that_is_gone_in_the_middle(size: tuple[int, int], text: str) -> None:
    async def gone() -> None:
        client = Client(size=size)
        client.channel.data_received(text, None)
        client.channel.connection_lost(ConnectionResetError())
        for _ in range(50):
            await asyncio.sleep(0)
        assert not client.problems
        assert not client.box.database.candidates
        assert not len(client.box.sbc.sessions)

    asyncio.run(gone())
