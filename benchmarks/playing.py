"""What scenarios cost: the whole library, and one of them beside the same rotation by the bare Python API."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from sbcsim.clock import VirtualClock, from_rfc3339, parse_duration
from sbcsim.net.peer import SipPeer
from sbcsim.net.terminal import Terminal, upload
from sbcsim.pki.keys import key_of_pool
from sbcsim.pki.mint import Authority
from sbcsim.scenario.exam import library
from sbcsim.scenario.loader import Loaded, find, load
from sbcsim.scenario.runner import Job, Options, run_many, run_one
from sbcsim.simulator import Simulator

from .registry import AtMost, Figure, benchmark
from .timing import MILLISECOND, in_turns

PASS_PHRASE = "scenario-pass-phrase"
WORKERS = 2


@benchmark("scenarios")
def scenarios(quick: bool) -> Iterator[Figure]:
    """Play the whole library in two processes; one renewal as a scenario, and by the bare API."""
    files = [file for file in find([library()]) if file.parent.name != "exam"]
    if quick:
        files = [file for file in files if file.parent.name == "faults"]
    together, alone = _library(files)
    title = f"{len(files)} scenarios in {WORKERS} processes"
    yield Figure(title, together, alone, "s", "one by one in this process", AtMost(60))
    file = library() / "rotation" / "renewal.scenario.yaml"
    loaded = load(file)
    for side in (lambda: _scenario(file), lambda: _bare(loaded)):
        side()  # keys, grammar and model are made once a process
    ours, bare = in_turns(3 if quick else 30, lambda: _scenario(file), lambda: _bare(loaded))
    same = "the same rotation by the Python API"
    yield Figure("one renewal as a scenario", ours / MILLISECOND, bare / MILLISECOND, "ms", same)
    yield Figure("what that takes more", (ours - bare) / MILLISECOND, bare / MILLISECOND, "ms", same, AtMost(50))


def _library(files: Sequence[Path]) -> tuple[float, float]:
    jobs = [Job(file) for file in files]
    begun = time.perf_counter()
    results = [result for _, result in run_many(jobs, WORKERS)]
    together = time.perf_counter() - begun
    begun = time.perf_counter()
    results += [run_one(job.file, job.options) for job in jobs]
    alone = time.perf_counter() - begun
    assert all(each.ok for each in results)
    return together, alone


def _scenario(file: Path) -> float:
    begun = time.perf_counter()
    assert run_one(file, Options()).ok
    return time.perf_counter() - begun


def _bare(loaded: Loaded) -> float:
    begun = time.perf_counter()
    asyncio.run(_rotation(loaded))
    return time.perf_counter() - begun


async def _rotation(loaded: Loaded) -> None:
    """Do by hand what rotation/renewal.scenario.yaml says, and look at what it looks at."""
    clock = VirtualClock(from_rfc3339("2026-01-01T00:00:00Z"))
    ca = Authority(
        "Example Root CA",
        not_before=from_rfc3339("2025-01-01T00:00:00Z"),
        not_after=from_rfc3339("2036-01-01T00:00:00Z"),
        key=key_of_pool(0),
    )
    old = ca.issue("sbc.example.com", not_after=from_rfc3339("2026-03-02T12:00:00Z"), key=key_of_pool(1))
    new = ca.renew(old, not_before=from_rfc3339("2025-12-31T00:00:00Z"), not_after=from_rfc3339("2027-02-05T00:00:00Z"))
    files = {"ca.pem": ca.certificate.pem().encode(), "old.p12": old.pkcs12(PASS_PHRASE)}
    brought = new.pkcs12(PASS_PHRASE)
    async with AsyncExitStack() as exits:
        peers = [
            SipPeer(ca.issue(f"peer{number}.example.com", key=key_of_pool(number)), ca.certificate, clock.reading)
            for number in (2, 3, 4)
        ]
        for peer in peers:
            exits.push_async_callback(peer.close)
        pinged, dialling, stranger = peers
        port = await pinged.listen()
        directory = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="sbcsim-benchmark-")))
        (directory / "box.cli").write_text("".join(f"{line.text}\n" for line in loaded.configuration))
        maps = [f"192.0.2.10:5061=127.0.0.1:{port}"]
        box = await exits.enter_async_context(Simulator(directory / "box.cli", clock=clock, files=files, maps=maps))
        await box.settle()
        at = box.ports.sip[0].address
        await dialling.ping(await dialling.dial(*at))
        await box.move_clock(by=parse_duration("30d"))
        await upload(box.ports.sftp, "admin", "admin", "/opt/sonus/external/new.p12", brought)
        terminal = await exits.enter_async_context(Terminal(*box.ports.cli, "admin", "admin"))
        typed = next(step.cli for step in loaded.scenario.steps if step.cli)
        answers = [await terminal.type(line) for line in typed]
        assert "Commit complete." in answers[-1]
        await stranger.dial(*at)
        await stranger.close()
        for distance in ("30d11h", "2h", "11h2m"):
            await box.move_clock(by=parse_duration(distance))
        assert [each.certificate.serial for each in pinged.connections] == [
            old.certificate.serial,
            new.certificate.serial,
        ]
        assert [each.local_certificate.name for each in box.connections() if each.local_certificate] == ["NEW"]
        await dialling.ping(await dialling.dial(*at))
