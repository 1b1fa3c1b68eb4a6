"""A node that is killed at random moments of its work, by a timer whose signal ends a process between two instructions.

As a program it prints one JSON object: what the node held behind each step when nobody killed it, and for each kill how
many steps a client had seen answered and what the state directory held afterwards. Each node is a child of its own;
the program itself never starts a thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boxes
from sshlines import CERTIFICATES, terminal, upload

from sbcsim.clock import VirtualClock
from sbcsim.config.render import set_lines
from sbcsim.config.tree import Tree
from sbcsim.device.state import State
from sbcsim.rng import stream
from sbcsim.schema.load import load
from sbcsim.simulator import Simulator

ROUNDS = 6
NEW = boxes.certificate_files()["new.p12"]
"""The same bytes in every child: encryption is salted."""

COMMITS = (
    (
        "set system admin SBC1 location L{n} contact C{n}",
        "set profiles services pathCheckProfile P{n} sendInterval {n}1",
    ),
    ("set system security pki certificate NEW fileName new{n}.p12 type local passPhrase secret state enabled",),
    ("delete profiles services pathCheckProfile P{n}", "set system admin SBC1 location gone"),
    ("set system security pki certificate NEW state disabled", "delete system security pki certificate NEW"),
)
"""Each is typed in configure mode and committed; the lines of one belong together."""


async def work(directory: Path, done: Callable[[Simulator], None]) -> None:
    """Work as two clients do; `done` is told of each step that was answered."""
    async with (
        Simulator(state=directory, control="off") as box,
        terminal(box) as cli,
    ):
        done(box)
        await cli.type("configure")
        for n in range(1, ROUNDS + 1):
            await upload(box, f"new{n}.p12", NEW)
            done(box)
            for lines in COMMITS:
                for line in lines:
                    await cli.type_all(line.format(n=n))
                assert await cli.type(f"commit label R{n}") == "Commit complete."
                done(box)


def held(box: Simulator) -> dict[str, Any]:
    """Return what a running node holds."""
    files = box._sbc.files
    names = [name for name, _ in files.entries(CERTIFICATES)]
    return _state(
        box._database.running,
        [record.label for record in box._database.history],
        {name: files.read(f"{CERTIFICATES}/{name}") for name in names},
    )


def kept(directory: Path) -> dict[str, Any]:
    """Return what a state directory holds, as the next process would find it."""
    state = State(directory, None, load(), VirtualClock().reading())
    try:
        assert state.saved is not None
        rows = [row for row in state.saved.files if not row.directory]
        return _state(
            state.saved.tree,
            [record.label for record in state.saved.history],
            {row.name: row.content or b"" for row in rows},
        )
    finally:
        state.close()


def _state(tree: Tree, labels: list[str], files: dict[str, bytes]) -> dict[str, Any]:
    contents = {name: content.hex() for name, content in sorted(files.items())}
    return {"lines": [*set_lines(tree)], "labels": labels, "files": contents}


def _in_child(task: Callable[[int], None]) -> tuple[bytes, int]:
    """Run a task that writes to a pipe in a child; return what it wrote, and the signal that ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            task(writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("the node failed by itself")
    return told, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _undisturbed(directory: Path) -> Callable[[int], None]:
    def task(pipe: int) -> None:
        states: list[dict[str, Any]] = []

        async def timed() -> float:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await work(directory, lambda box: states.append(held(box)))
            return loop.time() - began

        told = json.dumps([asyncio.run(timed()), states]).encode()
        with os.fdopen(pipe, "wb") as file:
            file.write(told)

    return task


def _killed(directory: Path, after: float) -> Callable[[int], None]:
    def task(pipe: int) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, after)
        asyncio.run(work(directory, lambda _box: os.write(pipe, b".") and None))

    return task


def main(seed: int, count: int) -> None:
    """Print what came of `count` kills."""
    load()
    random = stream(seed, "kills")
    with tempfile.TemporaryDirectory() as base:
        text, _ = _in_child(_undisturbed(Path(base, "whole")))
        seconds, states = json.loads(text)
        kills = []
        while len(kills) < count:
            directory = Path(base, str(len(kills)))
            after = random.uniform(0, seconds)
            told, number = _in_child(_killed(directory, after))
            answered = len(told)
            if not answered and number:  # before the node was ready: there may be nothing to find
                continue
            kills.append({"answered": answered, "signal": number, "kept": kept(directory)})
    json.dump({"states": states, "kills": kills}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
