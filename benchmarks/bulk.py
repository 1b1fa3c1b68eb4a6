"""Many lines of configuration: pasted, piped, loaded and sourced over SSH, and read by `sbcsim run`."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from .processes import PATIENCE, ROOT, Child
from .registry import AtLeast, AtMost, Figure, benchmark
from .sessions import Shell, connected, upload
from .testbed import peer_lines, plain_box
from .timing import MILLISECOND

TYPED = 1_000
"""Lines typed one by one, each after the prompt behind the one before."""

_FILE = "bulk.cli"
_ECHO = "asyncssh server that only echoes and answers the same text"
_SPLIT = "the same lines cut by shlex into nested dictionaries"


@benchmark("lines")
def lines(quick: bool) -> Iterator[Figure]:
    """`set` lines a second through SSH: pasted, piped, typed one by one."""
    number = 500 if quick else 10_000
    script = peer_lines(number)
    ways: dict[str, Callable[[int], Any]] = {
        f"`set` lines a second, {number:,} pasted into a terminal": lambda port: _at_once(port, script, terminal=True),
        "the same, piped in without a terminal": lambda port: _at_once(port, script, terminal=False),
        "the same, each typed after the prompt": lambda port: _one_by_one(port, script[: min(number, TYPED)]),
    }
    with (
        plain_box() as directory,
        Child("servers", "cli", directory) as box,
        Child("servers", "echo", directory) as echo,
    ):
        ports = [child.hear()["cli"][1] for child in (box, echo)]
        for name, way in ways.items():
            taken = [[asyncio.run(way(port)) for port in ports] for _ in range(1 if quick else 7)]
            ours, bare = (median(side) for side in zip(*taken, strict=True))
            aim = None if "typed" in name else AtLeast(5_000)
            yield Figure(name, ours, bare, "/s", _ECHO, aim)


async def _at_once(port: int, script: list[str], *, terminal: bool) -> float:
    """Send everything at once; return how many lines a second were answered."""
    async with connected(port) as connection, Shell(connection, terminal=terminal) as shell:
        await shell.type("configure")
        start = time.perf_counter()
        await shell.paste(script)
        return len(script) / (time.perf_counter() - start)


async def _one_by_one(port: int, script: list[str]) -> float:
    async with connected(port) as connection, Shell(connection, terminal=True) as shell:
        await shell.type("configure")
        start = time.perf_counter()
        for line in script:
            await shell.type(line)
        return len(script) / (time.perf_counter() - start)


@benchmark("load")
def load(quick: bool) -> Iterator[Figure]:
    """Load 10,000 lines and commit them: by `load merge`, by `source`, and at the start of `sbcsim run`."""
    number = 1_000 if quick else 10_000
    script = peer_lines(number)
    text = "".join(f"{line}\n" for line in script)
    rounds = 1 if quick else 5
    split = median(_split(script) for _ in range(rounds))
    with plain_box() as directory, Child("servers", "cli", directory) as box:
        heard = box.hear()
        asyncio.run(upload(heard["sftp"], _FILE, text))
        for command in ("load merge", "source"):
            taken = [asyncio.run(_loaded(heard["cli"][1], f"{command} {_FILE}")) for _ in range(rounds)]
            loading, committing = (median(step) for step in zip(*taken, strict=True))
            told = f"{number:,} lines by `{command}`"
            yield Figure(f"{told} and their commit", loading + committing, split, "s", _SPLIT, AtMost(3))
            yield Figure(f"{told}, a second", number / loading, number / split, "/s", _SPLIT, AtLeast(5_000))
            yield Figure(f"{told}: the commit alone", committing / MILLISECOND, split / MILLISECOND, "ms", _SPLIT)
        file = directory / _FILE
        file.write_text((directory / "box.cli").read_text() + text)
        ready, empty = (median(_ready(*each) for _ in range(rounds)) for each in ((file,), (directory / "box.cli",)))
        yield Figure(
            f"`sbcsim run` with {number:,} lines, to its ready line", ready, empty, "s", "without them", AtMost(3)
        )


async def _loaded(port: int, command: str) -> tuple[float, float]:
    """Return the seconds that loading and the commit took; what was committed is taken back."""
    async with connected(port) as connection, Shell(connection, terminal=True) as shell:
        await shell.type("configure")
        start = time.perf_counter()
        await shell.type(command)
        middle = time.perf_counter()
        if "Commit complete" not in await shell.type("commit"):
            raise RuntimeError(f"nothing was committed after {command}")
        end = time.perf_counter()
        await shell.type("rollback 0")
        await shell.type("commit")
    return middle - start, end - middle


def _ready(*files: Path) -> float:
    command = [sys.executable, "-m", "sbcsim", "run", "--ports", "ephemeral", *map(str, files)]
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        taken = time.perf_counter() - start
        process.terminate()
        process.wait(PATIENCE)
    if not line:
        raise RuntimeError(f"{command!r} said nothing")
    return taken


def _split(script: list[str]) -> float:
    start = time.perf_counter()
    root: dict[str, Any] = {}
    for line in script:
        *path, name, value = shlex.split(line)
        place = root
        for word in path:
            place = place.setdefault(word, {})
        place[name] = value
    return time.perf_counter() - start
