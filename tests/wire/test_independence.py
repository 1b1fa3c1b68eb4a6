"""Boxes in one process share nothing that one could notice of another, and one that has stopped leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import tempfile
import threading
from pathlib import Path

import asyncssh
import pytest
import testca
from boxes import CONFIG, certificate_files
from sippeers import Peer, peer
from sshlines import LOGIN, terminal

from sbcsim.net.login import HOST_KEYS
from sbcsim.simulator import Simulator

ROUNDS = 50
SHOW = "show configuration | display set | nomore"


def _box(directory: Path, name: str, **options: object) -> Simulator:
    config = directory / f"{name}.cli"
    config.write_text(CONFIG)
    return Simulator(config, files=certificate_files(), **options)


async def _dial(far: Peer, box: Simulator):
    (listener,) = box.ports.sip
    seen = await far.dial(listener.address.port)
    assert await far.ping(seen) == 200
    return seen


async def test_what_happens_to_one_box_does_not_happen_to_another(tmp_path: Path) -> None:
    one = _box(tmp_path, "one", seed=1, clock=f"virtual@{testca.START}", users={"admin": "admin", "jo": "secret"})
    other = _box(tmp_path, "other", seed=2, clock="virtual@2026-02-01T00:00:00Z")
    async with one, other, peer(testca.peer(), tmp_path) as far:
        untouched = (other.cli(SHOW), other.status().clock.now, len(other.journal()))
        await _dial(far, one)
        async with terminal(one) as typed:
            await typed.type_all("configure exclusive", "set system admin SBC1 location One", "commit")
            assert one._database.lock_holder is not None
            assert other._database.lock_holder is None
            assert (len(one.connections()), len(other.connections())) == (1, 0)
        one.snapshot("mine")
        one.faults.add("sip.status", match="OPTIONS")
        await one.advance(days=3)

        assert (other.cli(SHOW), other.status().clock.now) == untouched[:2]
        assert len(other.journal()) == untouched[2] + 1  # the line that was typed here
        assert other.snapshots() == []
        assert [*other.faults] == []
        assert other.connections() == []
        assert {tuple(each.counters.values()) for each in other.port_counters()} == {
            tuple(0 for _ in each.counters) for each in other.port_counters()
        }
        assert await far.ping(await _dial(far, other)) == 200  # the fault is the first one's
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(*other.ports.cli, **{**LOGIN, "username": "jo", "password": "secret"})
        secrets = [[line for line in box.cli(SHOW).splitlines() if "passPhrase" in line] for box in (one, other)]
        assert secrets[0] != secrets[1]  # of another seed


async def test_a_session_of_one_box_is_not_taken_up_by_another(tmp_path: Path) -> None:
    async with _box(tmp_path, "one") as one, _box(tmp_path, "other") as other:
        context = testca.client_context(testca.peer(), tmp_path)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the session is complete with the handshake

        def come(box: Simulator, session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool | None]:
            (listener,) = box.ports.sip
            with (
                socket.create_connection(listener.address) as plain,
                context.wrap_socket(plain, session=session) as secured,
            ):
                return secured.session, secured.session_reused

        session, _ = await asyncio.to_thread(come, one, None)
        assert (await asyncio.to_thread(come, one, session))[1]
        assert not (await asyncio.to_thread(come, other, session))[1]


async def test_a_state_directory_has_host_keys_of_its_own(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "other"):
        async with _box(tmp_path, name, state=tmp_path / f"{name}.state") as box:
            key = await asyncssh.get_server_host_key(*box.ports.cli, server_host_key_algs=["ssh-ed25519"])
            keys.append(key.public_data)
    assert keys[0] != keys[1]
    assert {each.public_data for each in HOST_KEYS.ready()}.isdisjoint(keys)


async def test_fifty_boxes_one_after_the_other_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)

    async def live() -> None:
        async with _box(tmp_path, "one") as box, terminal(box) as typed:
            await _dial(far, box)
            await typed.type_all("configure", "set system admin SBC1 location Here", "commit")
            await box.advance(days=1)

    async with peer(testca.peer(), tmp_path) as far:
        await live()  # what is kept for the process is there now
        await far.until(lambda: not far.live)
        before = _present(temporary)
        for _ in range(ROUNDS):
            await live()
        await far.until(lambda: not far.live)
        assert _present(temporary) == before


def _present(temporary: Path) -> dict[str, int]:
    gc.collect()
    loggers = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    return {
        "descriptors": len([*Path("/proc/self/fd").iterdir()]),
        # The event loop's own threads come one by one, and go with it.
        "threads": sum(not each.name.startswith("asyncio_") for each in threading.enumerate()),
        "tasks": len(asyncio.all_tasks()),
        "log handlers": sum(len(each.handlers) for each in loggers),
        "temporary files": len([*temporary.iterdir()]),
    }
