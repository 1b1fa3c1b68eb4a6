"""What an SSH client notices: connect, log in, one `show`, and away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import asyncssh

from . import bare
from .processes import Child
from .registry import Figure, ShareOfBare, benchmark
from .testbed import HOST, prepared
from .timing import medians

COMMAND = "show table system security pki certificate"
BARE_SSH = "asyncssh server: same kind of host key, password, prints a fixed text"


@benchmark("ssh")
def ssh(quick: bool) -> Iterator[Figure]:
    """Connect by SSH, log in by password, run one `show` and leave, one client after the other."""
    with (
        prepared() as directory,
        Child("servers", "box", directory) as box,
        Child("servers", "ssh", directory) as other,
    ):
        ports = [child.hear()["cli"][1] for child in (box, other)]
        number = 4 if quick else 150

        async def both() -> tuple[float, float]:
            for port in ports * 3:
                await one_show(port)
            taken = [(await one_show(ports[0]), await one_show(ports[1])) for _ in range(number)]
            return medians(taken)

        ours, bare_ = asyncio.run(both())
    yield Figure("SSH connect plus one show a second", 1 / ours, 1 / bare_, "/s", BARE_SSH, ShareOfBare(0.8))


async def one_show(port: int) -> float:
    """Return the seconds from the connect to the exit status."""
    start = time.perf_counter()
    async with asyncssh.connect(
        HOST,
        port,
        username=bare.USER,
        password=bare.PASSWORD,
        known_hosts=None,
        client_keys=None,
        agent_path=None,
        config=None,
    ) as connection:
        shown = await connection.run(COMMAND, check=True)
        taken = time.perf_counter() - start
    if not shown.stdout:
        raise RuntimeError(f"{COMMAND} shows nothing")
    return taken
