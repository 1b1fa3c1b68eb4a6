"""Many boxes on one host: none is taken for another, none takes another's port, and the end of one harms no other.

`SBCSIM_REPETITIONS=50 python -m pytest -n 0 tests/wire/test_many_boxes.py` has the crowd come and go 50 times.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
import testca
from boxes import CONFIG, certificate_files
from runningbox import Running, running
from sippeers import peer
from sshlines import terminal

pytest_plugins = ["pytester"]

REPETITIONS = int(os.environ.get("SBCSIM_REPETITIONS", "1"))
PATIENCE = 280.0
"""Host seconds for twenty processes, which a busy host may take to start."""
WORKERS, PROCESSES, INSIDE = 2, 10, 3
"""Workers of pytest, and how many boxes each of them has: processes, and boxes in its own process."""

PROJECT = f"""
import asyncio, json, os, socket, ssl, subprocess, sys
from contextlib import ExitStack
from urllib.request import urlopen

import asyncssh
import pytest
from cryptography import x509

LOGIN = {{"username": "admin", "password": "admin", "known_hosts": None, "client_keys": None, "config": None}}
LINES = '''{{config}}'''


class Meeting:
    # Everybody goes on when all have come: only then do all boxes serve at once.
    def __init__(self):
        self.line = socket.create_connection(("127.0.0.1", int(os.environ["MEETING_PORT"])))

    def all_here(self):
        self.line.sendall(b".")
        assert self.line.recv(1) == b"!"


class Box:
    def __init__(self, name, ready):
        self.name, self.ready = name, ready
        (self.sip,) = (each["address"][1] for each in ready["sip"])

    def shown(self, context):
        with socket.create_connection(("127.0.0.1", self.sip)) as plain:
            with context.wrap_socket(plain) as secured:
                certificate = x509.load_der_x509_certificate(secured.getpeercert(True))
        return certificate.subject.rfc4514_string()

    def revision(self):
        with urlopen(self.ready["control"] + "/v1/status") as answer:
            return json.load(answer)["counts"]["revision"]

    async def type(self, text):
        async with asyncssh.connect(*self.ready["cli"], **LOGIN) as connection:
            return (await connection.run(text, check=True)).stdout


def test_all_at_once(test_ca, sbc_factory, tmp_path):
    worker = os.environ["PYTEST_XDIST_WORKER"]
    names = [f"box{{worker}}-{{number}}.example.com" for number in range({PROCESSES + INSIDE})]
    issued = {{name: test_ca.issue(name).pkcs12("secret") for name in names}}
    (tmp_path / "ca.der").write_bytes(test_ca.certificate.der)
    far = test_ca.issue("peer.example.com")
    (tmp_path / "far.pem").write_text(far.certificate.pem() + far.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(tmp_path / "far.pem")
    boxes = []
    processes = []
    with ExitStack() as stack:
        meeting = Meeting()
        stack.enter_context(meeting.line)  # who fails leaves, and the other does not wait for him
        for name in names[:{PROCESSES}]:
            directory = tmp_path / name
            directory.mkdir()
            (directory / "box.cli").write_text(LINES)
            (directory / "ca.der").write_bytes(test_ca.certificate.der)
            (directory / "old.p12").write_bytes(issued[name])
            command = [sys.executable, "-m", "sbcsim", "run", "--ports", "ephemeral", "box.cli"]
            process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True)
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)
        for name, process in zip(names, processes):
            word, _, text = process.stdout.readline().partition(" ")
            assert word == "ready", name
            boxes.append(Box(name, json.loads(text)))
        for name in names[{PROCESSES}:]:
            files = {{"ca.der": test_ca.certificate.der, "old.p12": issued[name]}}
            box = sbc_factory(lines=LINES, files=files)
            boxes.append(Box(name, box.ready().to_json()))
        meeting.all_here()
        ports = [port for box in boxes for port in (box.ready["cli"][1], box.ready["sftp"][1], box.sip)]
        assert len(set(ports)) == len(ports)
        for box in boxes:
            assert box.shown(context) == f"CN={{box.name}}"
            assert box.revision() == 1
        meeting.all_here()

        async def commit_everywhere():
            typed = "configure\\nset system admin SBC1 location {{}}\\ncommit\\n"
            return await asyncio.gather(*(box.type(typed.format(box.name.split(".")[0])) for box in boxes))

        async def look_everywhere():
            return await asyncio.gather(*(box.type("show configuration system admin SBC1 location") for box in boxes))

        assert all("Commit complete." in answer for answer in asyncio.run(commit_everywhere()))
        meeting.all_here()
        for box, answer in zip(boxes, asyncio.run(look_everywhere())):
            assert box.name.split(".")[0] in answer
            assert box.revision() == 2
            assert box.shown(context) == f"CN={{box.name}}"
        meeting.all_here()
"""


@pytest.fixture
def meeting() -> Iterator[int]:
    """Let the workers wait for one another; yields the port where they meet."""
    lines: list[socket.socket] = []

    def meet(listening: socket.socket) -> None:
        with suppress(OSError):  # closed by the end of the test
            for _ in range(WORKERS):
                lines.append(listening.accept()[0])  # noqa: PERF401 - seen by others at once
            while all(line.recv(1) for line in lines):
                for line in lines:
                    line.sendall(b"!")
        for line in lines:  # who has failed lets the others go
            line.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=meet, args=[listening])
        thread.start()
        yield listening.getsockname()[1]
        for each in (listening, *lines):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize("repetition", range(REPETITIONS))
def test_boxes_of_two_workers_serve_at_once_and_none_is_taken_for_another(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, meeting: int, repetition: int
) -> None:
    monkeypatch.setenv("MEETING_PORT", str(meeting))
    pytester.makepyfile(PROJECT.replace("{config}", CONFIG))
    done = pytester.runpytest_subprocess(
        "-p", "no:randomly", "-p", "no:cacheprovider", "-n", str(WORKERS), "--dist", "each", timeout=PATIENCE
    )
    done.assert_outcomes(passed=WORKERS)


def _box(directory: Path, *words: str) -> AbstractContextManager[Running]:
    directory.mkdir()
    (directory / "box.cli").write_text(CONFIG)
    for name, content in certificate_files().items():
        (directory / name).write_bytes(content)
    clock = f"virtual@{testca.START}"
    return running(str(directory / "box.cli"), "--state", str(directory / "state"), "--clock", clock, *words)


def _sip_port(box: Running) -> int:
    (listener,) = box.ready["sip"]
    return int(listener["address"][1])


async def _type(box: Running, *lines: str) -> str:
    async with terminal(None, address=tuple(box.ready["cli"])) as typed:
        return await typed.type_all(*lines)


async def _ctl(box: Running, *words: str) -> Any:
    done = await asyncio.to_thread(box.ctl, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def test_a_killed_box_harms_no_other_and_its_ports_and_its_state_are_free_at_once(tmp_path: Path) -> None:
    with _box(tmp_path / "killed") as killed, _box(tmp_path / "other") as other:
        async with peer(testca.peer(), tmp_path) as far:
            ended, held = [await far.dial(_sip_port(box)) for box in (killed, other)]
            for box, name in ((killed, "Killed"), (other, "Other")):
                await _type(box, "configure", f"set system admin SBC1 location {name}", "commit")
            killed.stop(signal.SIGKILL)
            await far.until(lambda: not ended.live)

            moved = await _ctl(other, "clock", "advance", "1d")
            assert moved["now"].startswith("2026-01-02")
            assert await far.ping(held) == 200
            assert (await far.dial(_sip_port(other))).serial == testca.sbc().certificate.serial
            assert "Other" in await _type(other, "show configuration system admin SBC1 location")
            assert (await _ctl(other, "status"))["counts"]["revision"] == 2

            for port in (killed.ready["cli"], killed.ready["sftp"]):
                socket.create_server(tuple(port)).close()
            place = f"10.0.0.5:5061=127.0.0.1:{_sip_port(killed)}"
            with running("--state", str(tmp_path / "killed" / "state"), "--map", place) as again:
                assert _sip_port(again) == _sip_port(killed)
                assert await far.ping(await far.dial(_sip_port(again))) == 200
                assert "Killed" in await _type(again, "show configuration system admin SBC1 location")
            assert held.live
