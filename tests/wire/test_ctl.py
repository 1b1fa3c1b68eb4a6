"""`sbcsim ctl` beside the control API: it reaches all of it, goes on watching, and completes names in the shell."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pexpect
import pytest
import typer
from peers import missing
from typer.testing import CliRunner

import sbcsim
from sbcsim.__main__ import app
from sbcsim.control.openapi import document
from sbcsim.net.ctl import ControlClient
from sbcsim.recording.file import read

PATIENCE = 60
LINES = (
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 "
        "ipAddress 10.0.0.5 prefix 24 mode inService state enabled"
    ),
    (
        "set addressContext default zone Z id 2 sipSigPort 3 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tcp mode inService state enabled"
    ),
)
COMMANDS = (
    "ready",
    "status",
    "clock",
    "clock advance 1s",
    "clock rate 0",
    "connections",
    "connections --close 4711",
    "certificates",
    "peers",
    "calls",
    "alarms",
    "journal",
    "journal --save {file}",
    "faults list",
    "faults points",
    "faults add sip.silence",
    "faults remove {fault}",
    "faults clear",
    "snapshot list",
    "snapshot take one",
    "snapshot restore one",
    "snapshot drop one",
    "snapshot clear",
    "switchover",
    "bounce default Z 3",
    "reset",
    "metrics",
)
"""Each operation of the control API is reached by one of these; the stream of the journal by --follow and --watch."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sbcsim.SyncSimulator]:
    file = tmp_path_factory.mktemp("ctl") / "box.cli"
    file.write_text("\n".join(LINES) + "\n")
    with sbcsim.SyncSimulator(file, clock="virtual@2026-01-01T00:00:00Z", ha="1to1", control="serve") as box:
        yield box


@pytest.fixture
def url(box: sbcsim.SyncSimulator) -> str:
    box.reset()
    box.drop_snapshot()
    return str(box.ready().control)


def environment(url: str, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("_SBCSIM", "COLUMNS"))}
    return kept | {"SBCSIM_CONTROL_URL": url, "NO_COLOR": "1", "TERM": "xterm"} | more


# all of the control API


@pytest.mark.allow_leak  # the box of all tests, bounced and switched over, listens on a new socket
def test_every_operation_is_reached(box, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[tuple[str, str]] = set()
    open_ = ControlClient._open

    def noting(self, method, path, *rest, **named):
        asked.add((method, path))
        return open_(self, method, path, *rest, **named)

    monkeypatch.setattr(ControlClient, "_open", noting)
    for command in COMMANDS:
        fault = max((each.fault.id for each in box.look(lambda it: [*it.faults])), default=0)
        words = command.format(file=tmp_path / "run.jsonl", fault=fault).split()
        done = CliRunner().invoke(app, ["ctl", *words], env={"SBCSIM_CONTROL_URL": url}, prog_name="sbcsim")
        assert done.exit_code == ("4711" in command), (command, done.output)
    asked.add(("GET", "/v1/journal/stream"))
    asked.add(("PUT", "/v1/clock/rate"))  # the same as PUT /v1/clock
    for path, methods in document("0", token=False)["paths"].items():
        pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
        for method in methods:
            assert any(verb == method.upper() and pattern.fullmatch(place) for verb, place in asked), (method, path)


def test_every_reading_goes_on_when_it_is_watched() -> None:
    tables = {"ready", "status", "connections", "peers", "certificates", "calls", "alarms"}
    group = typer.main.get_command(app).commands["ctl"].commands
    watched = {name for name, command in group.items() if any("--watch" in each.opts for each in command.params)}
    assert watched == tables | {"clock"}
    for name in ("faults", "snapshot"):
        assert any("--watch" in each.opts for each in group[name].commands["list"].params)


def test_the_journal_is_saved_as_a_recording(box: sbcsim.SyncSimulator, url: str, tmp_path: Path) -> None:
    box.advance("1d")
    file = tmp_path / "run.jsonl"
    done = CliRunner().invoke(app, ["ctl", "journal", "--save", str(file)], env={"SBCSIM_CONTROL_URL": url})
    assert (done.exit_code, done.output) == (0, "")
    recording = read(file.read_text(), file.name)
    assert [entry["number"] for entry in recording.entries] == [entry.number for entry in box.journal()]
    refused = CliRunner().invoke(app, ["ctl", "journal", "--save", str(tmp_path)], env={"SBCSIM_CONTROL_URL": url})
    assert refused.exit_code == 2


# --watch


def test_a_watched_table_is_drawn_again_on_a_terminal_and_left_there_by_ctrl_c(box, url: str) -> None:
    words = ["-m", "sbcsim", "ctl", "snapshot", "list", "--watch"]
    child = pexpect.spawn(
        sys.executable, words, env=environment(url), dimensions=(24, 100), timeout=PATIENCE, encoding="utf-8",
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    child.expect("none")
    box.snapshot("first-one")
    child.expect("first-one")
    box.snapshot("second-one")
    child.expect("second-one")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert "second-one" in child.before
    child.close()
    assert (child.exitstatus, child.signalstatus) == (0, None)


def test_a_watched_table_is_printed_again_into_a_pipe_and_only_when_it_has_changed(box, url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sbcsim", "ctl", "faults", "list", "--watch", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(url),
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - see test_run
    ) as watching:  # fmt: skip
        assert watching.stdout.readline() == "[]\n"
        box.advance("1s")  # an event that changes nothing here
        box.faults.add("sip.silence")
        assert '"point": "sip.silence"' in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        rest, errors = watching.communicate(timeout=PATIENCE)
    assert (watching.returncode, rest, errors) == (0, "", "")


def test_who_watches_is_told_when_the_simulator_is_gone(tmp_path: Path) -> None:
    with sbcsim.SyncSimulator(control="serve") as gone:
        watching = subprocess.Popen(
            [sys.executable, "-m", "sbcsim", "ctl", "alarms", "-w"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(str(gone.ready().control)),
        )  # fmt: skip
        assert watching.stdout.readline() == "none\n"
    with watching:
        _, errors = watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 1
    assert errors.startswith("sbcsim: ")
    assert "Traceback" not in errors


# completion


def offered(url: str, *words: str) -> list[str]:
    """Return what the shell would offer, asked as zsh and fish ask: the last word is the incomplete one."""
    more = {"_SBCSIM_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    more["_TYPER_COMPLETE_ARGS"] = " ".join(("sbcsim", *words))
    done = subprocess.run(
        [sys.executable, "-m", "sbcsim"],
        env=environment(url, **more), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return [line.split("\t")[0] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("ctl", "snap"), ["snapshot"]),
        (("ctl", "snapshot", "restore", "be"), ["before"]),
        (("ctl", "faults", "add", "sip.sil"), ["sip.silence"]),
        (("ctl", "faults", "remove", ""), ["1"]),
        (("ctl", "journal", "kind=handsh"), ["kind=handshake"]),
        (("ctl", "journal", "ki"), ["kind="]),
        (("ctl", "connections", "direction=in"), ["direction=inbound"]),
        (("ctl", "bounce", ""), ["default"]),
        (("ctl", "bounce", "default", ""), ["Z"]),
        (("ctl", "bounce", "default", "Z", ""), ["3"]),
        (("ctl", "connections", "colour=r"), []),
    ],
)
def test_the_shell_completes_names_of_the_running_simulator(box, url: str, words: tuple[str, ...], some) -> None:
    box.snapshot("before")
    box.faults.add("sip.silence")
    number = str(box.look(lambda it: next(iter(it.faults)).fault.id))
    assert [each if each != number else "1" for each in offered(url, *words)] == some


def test_the_shell_completes_nothing_and_says_nothing_where_no_simulator_runs() -> None:
    assert offered("http://127.0.0.1:9", "ctl", "snapshot", "restore", "") == []
    assert offered("http://127.0.0.1:9", "ctl", "connections", "--close", "") == []


def test_bash_completes_through_the_script_that_it_is_given(box, url: str, tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        missing("no bash here")
    box.snapshot("a-long-name")
    program = tmp_path / "sbcsim"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sbcsim "$@"\n')
    program.chmod(0o755)
    env = environment(url, PATH=f"{tmp_path}:{os.environ['PATH']}", _SBCSIM_COMPLETE="source_bash")
    script = subprocess.run([program], env=env, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    (tmp_path / "complete.sh").write_text(script)
    del env["_SBCSIM_COMPLETE"]
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile"], env=env | {"PS1": "ready> "}, encoding="utf-8", timeout=PATIENCE
    )
    shell.sendline(f"bind 'set enable-bracketed-paste off'; . {tmp_path}/complete.sh; echo do''ne")
    shell.expect("done")
    shell.send("sbcsim ctl snapshot drop a-l\t")
    shell.expect("a-long-name")
    shell.send("\x15sbcsim ctl journal kind=handsh\t")
    shell.expect("kind=handshake")
    shell.sendline("\x15exit")
    shell.expect(pexpect.EOF)
    shell.close()
