"""The synchronous faces: a box and a peer in threads of their own, for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import paramiko
import pytest
import testca
from boxes import LINES, certificate_files

import sbcsim
from sbcsim.errors import BugError, PeerError, ScenarioError, UserError
from sbcsim.loopthread import LoopThread
from sbcsim.net.ocspresponder import OcspResponder
from sbcsim.testing import Answer, SipPeer, SyncOcspResponder

RENEWAL = (
    "configure",
    "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
    "set profiles security tlsProfile TLS serverCertName NEW",
    "commit",
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "box.cli"
    file.write_text("\n".join(LINES) + "\n")
    return file


def test_a_rotation_without_an_event_loop(config: Path) -> None:
    peer = sbcsim.SyncSipPeer(testca.peer(), testca.authority().certificate)
    peer.start()
    try:
        with sbcsim.SyncSimulator(config, clock=f"virtual@{testca.START}", files=certificate_files()) as box:
            peer.follow(box.clock)
            (listener,) = box.ports.sip
            first = peer.dial(listener.address.port)
            peer.ping(first)
            for line in RENEWAL:
                assert "error" not in box.cli(line)
            second = peer.dial(listener.address.port)
            assert [each.certificate.serial for each in (first, second)] == [
                testca.sbc().certificate.serial,
                testca.sbc_renewed().certificate.serial,
            ]
            assert [each.local_certificate.name for each in box.connections()] == ["OLD", "NEW"]
            begun = box.clock.now()
            assert box.advance(days=61).now - begun == timedelta(days=61)
            peer.wait_for(lambda: not first.live)
            assert [each.number for each in peer.live] == [2]
            with pytest.raises(PeerError, match="the connection is closed"):
                peer.ping(first)
            entry = box.expect("connectionClosed", reason="certificate re-check: expired")
            assert box.journal("connectionClosed") == [entry]
            box.reset()
            assert (box.connections(), box.journal("connectionClosed")) == ([], [])
            assert box.missing() == []
    finally:
        peer.stop()
    assert not peer.live


def test_a_blocking_client_in_the_same_thread(config: Path) -> None:
    with sbcsim.SyncSimulator(config, files=certificate_files()) as box:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(*box.ports.cli, username="admin", password="admin", look_for_keys=False, allow_agent=False)
        _, out, _ = client.exec_command("show configuration system | display set")
        assert "certificate OLD" in out.read().decode()
        client.close()
        assert box.wait_for("logout").event.user == "admin"


def test_waiting_for_what_comes_later(config: Path) -> None:
    with sbcsim.SyncSimulator(config, files=certificate_files()) as box:
        found: list[object] = []
        waiting = threading.Thread(target=lambda: found.append(box.wait_for("cli", line="show alarms currentStatus")))
        waiting.start()
        while not found:
            box.cli("show status alarms currentStatus")
            box.cli("show alarms currentStatus")
            waiting.join(0.01)
        assert found[0].event.mode == "operational"
        with pytest.raises(sbcsim.ExpectationError, match="expected switchover; there is none"):
            box.wait_for("switchover", patience=0.01)


def test_mistakes_come_out_where_they_are_made(tmp_path: Path, config: Path) -> None:
    bad = tmp_path / "bad.cli"
    bad.write_text("set nonsense\n")
    threads = threading.active_count()
    with pytest.raises(ScenarioError, match=r"bad\.cli:1"):
        sbcsim.SyncSimulator(bad).start()
    with pytest.raises(UserError):
        sbcsim.SyncSimulator(clock="sometimes").start()
    assert threading.active_count() == threads
    with sbcsim.SyncSimulator(config, files=certificate_files()) as box:
        with pytest.raises(UserError, match="cannot go backwards"):
            box.advance(to="2000-01-01T00:00:00Z")
        with pytest.raises(UserError):
            box.switch_over()
        assert not box.close_connection(77)
        assert box.status().counts.connections == 0
        assert [each.name for each in box.certificates()] == ["CA", "OLD"]
        assert (box.peers(), list(box.alarms().current)) == ([], [])
    box.stop()


def test_a_port_is_bounced_as_an_operator_would(config: Path) -> None:
    peer = sbcsim.SyncSipPeer(testca.peer(), testca.authority().certificate)
    peer.start()
    try:
        with sbcsim.SyncSimulator(config, clock=f"virtual@{testca.START}", files=certificate_files()) as box:
            port = box.ports.sip[0].address.port
            kept = peer.dial(port)
            assert box.bounce_port("default", "Z", 1).closed == (1,)
            peer.wait_for(lambda: not kept.live)
            assert box.ports.sip[0].address.port == port
            peer.dial(port)
            counted = box.port_counters()[0].counters
            assert (counted["totalServerConnections"], counted["currentServerConnections"]) == (2, 1)
            assert [entry.event.context for entry in box.journal("commit")][-2:] == ["control", "control"]
            with pytest.raises(UserError, match="not in service"):
                box.bounce_port("default", "Z", 2)

            async def hurried() -> None:
                bouncing = asyncio.ensure_future(box.box.bounce_port("default", "Z", 1))
                await asyncio.sleep(0)
                box.box.cli("configure exclusive")
                await bouncing
                box.box.cli("exit")

            box._thread.wait(hurried)
            assert len(box.ports.sip) == 1
            box.cli("configure exclusive")
            with pytest.raises(UserError, match="locked"):
                box.bounce_port("default", "Z", 1)
            assert box.missing() == []
    finally:
        peer.stop()


def test_a_rotation_is_tried_again_from_a_snapshot(config: Path, tmp_path: Path) -> None:
    peer = sbcsim.SyncSipPeer(testca.peer(), testca.authority().certificate)
    peer.start()
    state = tmp_path / "state"
    try:
        with sbcsim.SyncSimulator(
            config, clock=f"virtual@{testca.START}", files=certificate_files(), state=state
        ) as box:
            peer.follow(box.clock)
            port = box.ports.sip[0].address.port
            box.advance(days=10)
            taken = box.snapshot("before")
            for _ in range(2):
                kept = peer.dial(port)
                assert kept.certificate.serial == testca.sbc().certificate.serial
                for line in RENEWAL:
                    assert "error" not in box.cli(line)
                assert peer.dial(port).certificate.serial == testca.sbc_renewed().certificate.serial
                box.advance(days=61)
                assert [each.name for each in box.certificates()] == ["CA", "NEW", "OLD"]
                assert box.restore("before") == taken
                peer.wait_for(lambda: not peer.live)
                assert [each.name for each in box.certificates()] == ["CA", "OLD"]
                assert box.clock.now() == taken.taken
                assert box.ports.sip[0].address.port == port
                assert box.status().counts.revision == taken.revision
            assert box.snapshots() == [taken]
            with pytest.raises(UserError, match='no snapshot "after"; there are: before'):
                box.restore("after")
            box.drop_snapshot("before")
            with pytest.raises(UserError, match="there are: none"):
                box.drop_snapshot("before")
            assert box.missing() == []
        with sbcsim.SyncSimulator(clock=f"virtual@{testca.START}", state=state) as box:
            assert [each.name for each in box.certificates()] == ["CA", "OLD"]
    finally:
        peer.stop()


def test_faults_are_met_and_end_with_a_reset(config: Path) -> None:
    peer = sbcsim.SyncSipPeer(testca.peer(), testca.authority().certificate)
    peer.start()
    try:
        with sbcsim.SyncSimulator(config, clock=f"virtual@{testca.START}", files=certificate_files()) as box:
            peer.follow(box.clock)
            fault = box.faults.add("tls.accept", times=1)
            with pytest.raises((OSError, PeerError)):
                peer.dial(box.ports.sip[0].address.port)
            peer.dial(box.ports.sip[0].address.port)
            assert box.faults.fired(fault.id) == 1
            assert box.expect("faultFired", point="tls.accept", subject="Z")
            assert box.faults.remove(fault.id)
            assert not box.faults.remove(fault.id)
            with pytest.raises(UserError, match="no fault point"):
                box.faults.add("tls.nothing")
            box.faults.add("tls.accept")
            box.reset()
            peer.dial(box.ports.sip[0].address.port)
            box.faults.add("tls.accept")
            box.faults.clear()
            peer.dial(box.ports.sip[0].address.port)
    finally:
        peer.stop()


def test_who_waits_by_mistake_bothers_nobody_else(config: Path) -> None:
    with sbcsim.SyncSimulator(config, clock=f"virtual@{testca.START}", files=certificate_files()) as box:

        async def wait() -> None:
            waiting = asyncio.ensure_future(box.box.wait_for("cli", user__nme="admin"))
            await asyncio.sleep(0)
            assert box.box.cli("show cli")
            assert box.box.cli("show cli")
            with pytest.raises(UserError, match="str has no nme"):
                await waiting

        box._thread.wait(wait)


def test_a_box_in_real_time_is_not_set_back_by_a_snapshot() -> None:
    with sbcsim.SyncSimulator(clock="real") as box:
        box.advance(days=31)
        taken = box.snapshot()
        assert box.restore() == taken
        assert box.clock.now() >= taken.taken
        begun = box.clock.now()
        box.reset()
        assert box.clock.now() < begun


def test_time_may_flow(config: Path) -> None:
    with sbcsim.SyncSimulator(config, files=certificate_files()) as box:
        box.set_rate(1000)
        begun = box.clock.now()
        while box.clock.now() == begun:
            time.sleep(0)
        box.set_rate(0)


def test_boxes_side_by_side_know_nothing_of_each_other(config: Path) -> None:
    boxes = [sbcsim.SyncSimulator(config, files=certificate_files(), seed=seed) for seed in range(5)]
    try:
        for box in boxes:
            box.start()
        assert len({box.ports.cli.port for box in boxes}) == 5
        boxes[0].advance(days=3)
        boxes[1].cli("show alarms currentStatus")
        assert [box.clock.reading().uptime > 0 for box in boxes] == [True, False, False, False, False]
        assert [len(box.journal("cli")) for box in boxes] == [0, 1, 0, 0, 0]
    finally:
        for box in boxes:
            box.stop()


def test_a_loop_cannot_wait_for_itself() -> None:
    thread = LoopThread("test")
    with pytest.raises(BugError, match="test does not run"):
        thread.call(int)
    thread.start()
    try:
        with pytest.raises(BugError, match="test cannot wait for itself"):
            thread.call(lambda: thread.call(int))
        assert thread.call(lambda: 7) == 7
    finally:
        thread.stop()
    thread.stop()


def test_a_responder_is_told_how_to_behave_before_it_starts() -> None:
    responder = SyncOcspResponder(testca.authority())
    with pytest.raises(UserError, match="no such conduct: mood; there are says, "):
        responder.behave(mood="bad")
    responder.behave(status=500)
    responder.say(testca.peer(), Answer.REVOKED)
    responder.start()
    try:
        with pytest.raises(HTTPError, match="500"):
            urlopen(responder.url, data=b"no question", timeout=10)
        assert len(responder.asked) == 1
    finally:
        responder.stop()


@pytest.mark.parametrize(
    ("make", "server"),
    [
        (lambda: SyncOcspResponder(testca.authority()), (OcspResponder, "start")),
        (lambda: sbcsim.SyncSipPeer(testca.peer(), testca.authority().certificate), (SipPeer, "listen")),
    ],
)
def test_a_far_end_that_cannot_listen_leaves_no_thread(
    make: Callable[[], SyncOcspResponder | sbcsim.SyncSipPeer],
    server: tuple[type, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(*_: object) -> None:
        raise OSError("no socket left")

    monkeypatch.setattr(*server, refuse)
    threads = set(threading.enumerate())
    with pytest.raises(OSError, match="no socket left"):
        make().start()
    assert set(threading.enumerate()) == threads
