"""How long it takes to show, compare and commit a great deal, and what others notice of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from immutables import Map

from .processes import Child
from .registry import AtMost, Figure, benchmark
from .sessions import Shell, connected
from .testbed import PEERS, peer_lines, plain_box
from .timing import MILLISECOND

DUMP = "show configuration | display set"
HELD = 3.0
"""Seconds for which a slow reader reads nothing."""

MOMENT = 0.5

_PRINTS = "asyncssh server that prints as many lines, a hundred in each turn of its loop"
_IDLE = "asyncssh server that has nothing to do but to echo"
_NO_WAIT = AtMost(50)
_MEBIBYTE = 1 << 20


@benchmark("show")
def show(quick: bool) -> Iterator[Figure]:
    """Show 100,000 leaves, also to a slow reader; compare and commit 10,000: how long, and how long others wait."""
    leaves, edits, rounds = (4_000, 400, 1) if quick else (100_000, 10_000, 5)
    with plain_box() as directory:
        file = directory / "box.cli"
        file.write_text(file.read_text() + "".join(f"{line}\n" for line in peer_lines(leaves)))
        with Child("servers", "cli", directory) as box, Child("servers", "echo", directory, leaves) as echo:
            ports = [child.hear()["cli"][1] for child in (box, echo)]
            with Child("clients", "probe", ports[0]) as probe, Child("clients", "probe", ports[1]) as other:
                ours, bare = _Side(box, ports[0], probe), _Side(echo, ports[1], other)
                probe.hear()
                other.hear()
                yield from _held(ours, bare)  # first: later on, memory that was given back would hide what is taken
                yield from _showing(ours, bare, leaves, rounds)
                yield from _changing(ours, bare, edits, rounds)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Seconds that a step took, milliseconds that another session waited meanwhile, bytes that the server grew by."""

    seconds: float
    longest: float
    grown: int = 0


@dataclass(frozen=True, slots=True)
class _Side:
    """A server, and a probe that types into it all the time."""

    server: Child
    port: int
    probe: Child

    async def watch(self, step: Callable[[], Awaitable[int]]) -> _Seen:
        """Take a step while the probe looks on; the step returns the memory of the server at its height."""
        before = self.server.memory()
        self.probe.go_on()
        start = time.perf_counter()
        height = await step()
        seconds = time.perf_counter() - start
        return _Seen(seconds, self.probe.go_on()["longest"], max(height - before, 0))

    async def show(self, command: str) -> _Seen:
        """Have a session of its own show something."""
        async with connected(self.port) as connection, Shell(connection, terminal=True) as shell:

            async def step() -> int:
                await shell.type(command)
                return 0

            return await self.watch(step)

    async def show_slowly(self, command: str) -> _Seen:
        """Have a session show something, but do not read it for a while."""
        async with connected(self.port) as connection, Shell(connection, terminal=True) as shell:

            async def step() -> int:
                shell.hold()
                shell.send(f"{command}\r".encode())
                await asyncio.sleep(HELD)
                height = self.server.memory()
                shell.go_on()
                await shell.prompt()
                return height

            return await self.watch(step)

    async def change(self, script: Sequence[str]) -> tuple[_Seen, _Seen]:
        """Have a session set leaves, compare and commit."""
        async with connected(self.port) as connection, Shell(connection, terminal=True) as shell:

            async def compare() -> int:
                await shell.type("show | compare")
                return 0

            async def commit() -> int:
                await shell.type("commit")
                return 0

            await shell.type("configure")
            await shell.paste(script)
            return await self.watch(compare), await self.watch(commit)

    async def rest(self) -> _Seen:
        """Do nothing for a moment."""

        async def step() -> int:
            await asyncio.sleep(MOMENT)
            return 0

        return await self.watch(step)


def _showing(ours: _Side, bare: _Side, leaves: int, rounds: int) -> Iterator[Figure]:
    commands = {
        f"`{DUMP}`, {leaves:,} leaves": DUMP,
        f"`... | match P77`, {leaves:,} leaves": f"{DUMP} | match P77",
        f"`... | count`, {leaves:,} leaves": f"{DUMP} | count",
        f"`show configuration`, {leaves:,} leaves": "show configuration",
        f"`show configuration | display xml`, {leaves:,} leaves": "show configuration | display xml",
        f"`show table`, {leaves // 2:,} rows": f"show table {PEERS}",
    }
    for name, command in commands.items():
        taken = [(asyncio.run(ours.show(command)), asyncio.run(bare.show("show"))) for _ in range(rounds)]
        yield from _figures(name, taken, _PRINTS)


def _held(ours: _Side, bare: _Side) -> Iterator[Figure]:
    taken = asyncio.run(ours.show_slowly(DUMP)), asyncio.run(bare.show_slowly("show"))
    name = f"`{DUMP}`, not read for {HELD:.0f} s"
    grown = (each.grown / _MEBIBYTE for each in taken)
    yield Figure(f"{name}: memory of the server", *grown, "MiB", _PRINTS)
    yield from list(_figures(name, [taken], _PRINTS))[1:]


def _changing(ours: _Side, bare: _Side, edits: int, rounds: int) -> Iterator[Figure]:
    compared, committed = [], []
    for port in range(5062, 5062 + rounds):
        script = [f"set {PEERS} P{each} ipPort {port}" for each in range(edits)]
        compare, commit = asyncio.run(ours.change(script))
        compared.append((compare, asyncio.run(bare.rest())))
        committed.append((commit, asyncio.run(bare.rest())))
    for name, taken in (
        (f"`show | compare`, {edits:,} changes", compared),
        (f"`commit`, {edits:,} changes", committed),
    ):
        seconds, wait = _figures(name, taken, _IDLE)
        yield Figure(name, seconds.ours, _of_a_map(edits), "s", f"{edits:,} keys of an immutables.Map set one by one")
        yield wait


def _figures(name: str, taken: Sequence[tuple[_Seen, _Seen]], baseline: str) -> Iterator[Figure]:
    ours, bare = zip(*taken, strict=True)
    yield Figure(name, *(median(each.seconds for each in side) for side in (ours, bare)), "s", baseline)
    waits = (median(each.longest for each in side) for side in (ours, bare))
    yield Figure(f"{name}: longest wait of another session", *waits, "ms", baseline, _NO_WAIT)


def _of_a_map(number: int) -> float:
    start = time.perf_counter()
    keys: Map[str, int] = Map()
    for each in range(number):
        keys = keys.set(f"P{each}", each)
    return time.perf_counter() - start


@benchmark("completion")
def completion(quick: bool) -> Iterator[Figure]:
    """Complete the key of a list with 10,000 entries by TAB and by `?`, through SSH, in a candidate that just grew."""
    entries, rounds = (500, 5) if quick else (10_000, 50)
    with (
        plain_box() as directory,
        Child("servers", "cli", directory) as box,
        Child("servers", "echo", directory) as echo,
    ):
        ports = [child.hear()["cli"][1] for child in (box, echo)]
        script = peer_lines(2 * entries)
        for line, key in ((f"set {PEERS} P4", "\t"), (f"set {PEERS} P4", "?"), (f"set {PEERS} ", "?")):
            ours, bare = asyncio.run(_completed(ports, script, line, key, rounds))
            told = (
                f"{'TAB' if key == chr(9) else key} behind `{line.removeprefix('set addressContext default zone Z ')}`"
            )
            yield Figure(f"{told}, {entries:,} entries", ours, bare, "ms", "echo of one key", AtMost(5))


async def _completed(
    ports: Sequence[int], script: Sequence[str], line: str, key: str, rounds: int
) -> tuple[float, float]:
    async with (
        connected(ports[0]) as first,
        connected(ports[1]) as second,
        Shell(first, terminal=True) as ours,
        Shell(second, terminal=True) as bare,
    ):
        await ours.type("configure")
        await ours.paste(script)
        await ours.prompt()
        taken = []
        for number in range(rounds):
            await ours.type(f"set {PEERS} NEW{number} ipPort 5061")  # nothing worked out before may serve
            taken.append((await _answered(ours, line, key), await _echoed(bare)))
        return tuple(median(side) / MILLISECOND for side in zip(*taken, strict=True))


async def _answered(shell: Shell, line: str, key: str) -> float:
    shell.send(line.encode())
    await shell.expect(line.encode())
    start = time.perf_counter()
    shell.send(key.encode())
    await shell.expect(f"% {line}".encode())
    taken = time.perf_counter() - start
    shell.send(b"\x15")
    await shell.expect(b"\b")
    return taken


async def _echoed(shell: Shell) -> float:
    start = time.perf_counter()
    shell.send(b"x")
    await shell.expect(b"x")
    return time.perf_counter() - start
