"""How long it takes until a box serves: a whole process, and a simulator inside one that runs already.

`python -m benchmarks.starting box|bare DIRECTORY` measures the first start in a fresh process.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

import asyncssh
import psutil

from sbcsim.simulator import Simulator

from . import bare
from .processes import PATIENCE, ROOT, Child, say
from .registry import AtMost, Figure, benchmark
from .testbed import HOST, box_files, prepared, server_context
from .timing import MILLISECOND, in_turns, medians

BARE_SERVERS = "two asyncssh servers and one asyncio TLS server"

LIST_MODULES = """
import asyncio, json, sys
import sbcsim.__main__
from sbcsim.simulator import Simulator
async def main():
    async with Simulator(control="serve"):
        pass
asyncio.run(main())
specs = [(name, getattr(module, "__spec__", None)) for name, module in list(sys.modules.items())]
print(json.dumps([n for n, s in specs if s and s.name == n and s.origin and "site-packages" in s.origin]))
"""
"""Prints the third-party modules that a run imports, in the order in which it does."""


@benchmark("process-start")
def process_start(quick: bool) -> Iterator[Figure]:
    """Start `sbcsim run` and wait for its ready line, with compiled modules at hand as after an installation."""
    listed = subprocess.check_output([sys.executable, "-c", LIST_MODULES], cwd=ROOT, timeout=PATIENCE, text=True)
    imports = (
        f"from importlib import import_module\nfor name in {listed.strip()}: import_module(name)\nprint(flush=True)"
    )
    with tempfile.TemporaryDirectory(prefix="sbcsim-benchmark-") as compiled:
        sides = (
            _Process(compiled, "-m", "sbcsim", "run", "--ports", "ephemeral"),
            _Process(compiled, "-c", imports + "\nimport time\ntime.sleep(60)"),
        )
        wall = in_turns(3 if quick else 9, sides[0].until_first_line, sides[1].until_first_line)
    baseline = f"python -c importing the same {listed.count(',') + 1} third-party modules"
    yield Figure("process start to ready", *wall, "s", baseline, AtMost(1.0))
    cpu = median(sides[0].cpu[1:]), median(sides[1].cpu[1:])
    yield Figure("processor time of the same", *cpu, "s", "the same runs")


class _Process:
    """A process that is started again and again; compiled modules are kept in a folder of the benchmark's own."""

    def __init__(self, compiled: str, *arguments: str) -> None:
        self._arguments = [sys.executable, *arguments]
        self._environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.cpu: list[float] = []
        self.until_first_line()

    def until_first_line(self) -> float:
        """Return the seconds until the process says something; note its processor time."""
        start = time.perf_counter()
        with subprocess.Popen(self._arguments, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            taken = time.perf_counter() - start
            times = psutil.Process(process.pid).cpu_times()
            process.terminate()
            process.wait(PATIENCE)
        if not line:
            raise RuntimeError(f"{self._arguments!r} said nothing")
        self.cpu.append(times.user + times.system)
        return taken


@benchmark("start")
def start(quick: bool) -> Iterator[Figure]:
    """Start a configured simulator inside a process: the first one, and later ones."""
    with prepared() as directory:
        first = in_turns(3 if quick else 9, lambda: _first("box", directory), lambda: _first("bare", directory))
        later = asyncio.run(_later(directory, 5 if quick else 50))
    yield Figure("in-process start, the first", *first, "ms", BARE_SERVERS, AtMost(100))
    yield Figure("in-process start, later ones", *later, "ms", BARE_SERVERS)


def _first(side: str, directory: Path) -> float:
    with Child("starting", side, directory) as child:
        return float(child.hear()["taken"])


async def _later(directory: Path, rounds: int) -> tuple[float, float]:
    taken = [(await start_box(directory), await start_bare(directory)) for _ in range(rounds + 1)][1:]
    return medians(taken)


async def start_box(directory: Path) -> float:
    """Return the milliseconds that a simulator takes to start."""
    files = box_files(directory)
    start = time.perf_counter()
    async with Simulator(directory / "box.cli", files=files):
        return (time.perf_counter() - start) / MILLISECOND


async def start_bare(directory: Path) -> float:
    """Return the milliseconds that bare servers take to start."""
    start = time.perf_counter()
    key = asyncssh.generate_private_key("ssh-ed25519")
    servers = [
        await asyncssh.listen(HOST, 0, server_factory=bare.PasswordServer, server_host_keys=[key]) for _ in range(2)
    ]
    context = server_context(directory, "box")
    tls = await asyncio.get_running_loop().create_server(bare.Canned, HOST, 0, ssl=context)
    taken = (time.perf_counter() - start) / MILLISECOND
    for server in servers:
        server.close()
    tls.close()
    await asyncio.gather(tls.wait_closed(), *(server.wait_closed() for server in servers))
    return taken


_STARTS: dict[str, Callable[[Path], Awaitable[float]]] = {"box": start_box, "bare": start_bare}


async def _measure(side: str, directory: Path) -> None:
    say(taken=await _STARTS[side](directory))


if __name__ == "__main__":
    asyncio.run(_measure(sys.argv[1], Path(sys.argv[2])))
