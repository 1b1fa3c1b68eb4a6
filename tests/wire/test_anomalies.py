"""Every call by which a box touches the world outside fails once, each in a rotation of its own.

SQLite is tested so: the N-th call fails, for every N, until a whole rotation has no N-th call any more. After each the
configuration is the old one or the new one, what was acknowledged stands, also for the next process, and everything
works the next time it is tried. `rotationstory` is the rotation, `anomalies` the calls.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import failingdisk
import peers
import pytest
import testca
from anomalies import KINDS, outside
from rotationstory import Records, Story
from sippeers import peer

PARTS = {"send": 10, "disk write": 10, "disk sync": 3, "handshake": 3, "accept": 2, "receive": 2}
"""Into how many tests the calls of a kind are divided, so that workers share them."""

EVERY = {"receive": 6}
"""Of these only every so many-th: they are what sending is, seen from the other end."""

AT_LEAST = {
    "accept": 7, "dial": 2, "handshake": 10, "receive": 40, "send": 70, "directory": 6, "disk open": 4,
    "disk write": 80, "disk sync": 14, "disk truncate": 2, "disk unlink": 2,
}  # fmt: skip
"""Calls of a rotation: fewer of them would mean that the seam is not where it should be."""

TOLD = {
    "accept": "connections to .* wait: ",
    "dial": "pathPing .*ok=no reason=",
    "handshake": 'handshake .*ok=no .*reason="malloc failure"',
    "receive": "reset by peer|connection from .* lost: ",
    "send": "reset by peer|nothing can be sent|connection from .* lost: ",
    "directory": "state directory .*: (input/output error|read-only file system|no space left on device)",
    "disk open": "state directory .*: unable to open database file",
    "disk write": "(state directory .*:|cannot be written:) (database or disk is full|disk I/O error)",
    "disk sync": "(state directory .*:|cannot be written:) disk I/O error",
    "disk truncate": "(state directory .*:|cannot be written:) disk I/O error",
    "disk unlink": "(state directory .*:|cannot be written:) disk I/O error",
}
"""What the box says of it, where anybody was disturbed."""

_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files cost no time, as here none has to survive the host."""


@functools.cache
def _host_key(algorithm: str, **_options: object) -> asyncssh.SSHKey:
    bits = {"key_size": 1024} if algorithm == "ssh-rsa" else {}
    return _generate(algorithm, **bits)


_generate = asyncssh.generate_private_key


@pytest.fixture(autouse=True)
def _quick_host_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes with a state directory make keys of their own, which is not what is tested here."""
    monkeypatch.setattr(asyncssh, "generate_private_key", _host_key)


@pytest.fixture
def records() -> Iterator[Records]:
    handler = Records()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


async def _played(kind: str, nth: int, new: str = "") -> Story:
    with (
        tempfile.TemporaryDirectory(dir=_MEMORY) as name,
        outside(kind, nth) as world,
    ):
        async with peer(testca.peer(), Path(name)) as far:
            await far.listen()
            story = Story(world, far, Path(name), new)
            try:
                await story.play()
            except BaseException as error:
                error.add_note(f"{kind} number {nth} failed")
                raise
            finally:
                await story.stop()
    return story


_PLAYED: list[Story] = []


async def _undisturbed() -> Story:
    """Return a rotation in which nothing failed, one for each process."""
    if not _PLAYED:
        _PLAYED.append(await _played("", 0))
        assert _PLAYED[0].failed == []
    return _PLAYED[0]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "part"), [(kind, part) for kind in KINDS for part in range(1, PARTS.get(kind, 1) + 1)]
)
async def test_after_any_call_that_fails_the_configuration_is_old_or_new_and_everything_works(
    kind: str, part: int, records: Records
) -> None:
    if kind in failingdisk.KINDS and not failingdisk.can_fail():
        peers.missing("the SQLite of this Python cannot be reached")
    mistakes: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: mistakes.append(context))
    undisturbed = await _undisturbed()
    assert undisturbed.world.counts[kind] >= AT_LEAST[kind]
    nth = part
    while True:
        story = await _played(kind, nth, undisturbed.new)
        if not story.world.struck:
            break
        told = "\n".join((*story.told, *records.lines))
        if story.disturbed:
            assert re.search(TOLD[kind], told), f"{kind} number {nth}: {told}"
        records.lines.clear()
        nth += PARTS.get(kind, 1) * EVERY.get(kind, 1)
    assert nth > AT_LEAST[kind]
    gc.collect()  # a task whose error nobody took says so when it is gone
    assert mistakes == []
    assert records.mistakes == []
