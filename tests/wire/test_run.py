"""`sbcsim run` and `sbcsim ctl` as a user runs them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pexpect
import pytest
from runningbox import PATIENCE, Running, command, environment, running


def finished(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment(**more)
    )


@pytest.fixture(scope="module")
def box() -> Iterator[Running]:
    """One simulator for every test that only asks; they may move the clock and reset."""
    with running("--clock", "virtual@2026-06-01T00:00:00Z", "--seed", "7") as started:
        yield started
        started.stop()


def test_the_ready_line_is_the_contracts(box: Running) -> None:
    contract = ["version", "pid", "cli", "sftp", "netconf", "rest", "control", "cert_dir", "now", "sip"]
    assert list(box.ready) == [*contract, "servers"]
    assert box.ready["pid"] == box.process.pid
    assert box.ready["now"] == "2026-06-01T00:00:00Z"
    assert box.ready["cert_dir"] == "/opt/sonus/external"
    assert (box.ready["netconf"], box.ready["rest"], box.ready["sip"]) == (None, None, [])
    for service in ("cli", "sftp"):
        host, port = box.ready[service]
        with socket.create_connection((host, port), timeout=PATIENCE) as connection:
            assert connection.recv(4) == b"SSH-"
    with urllib.request.urlopen(f"{box.ready['control']}/v1/ready", timeout=PATIENCE) as answer:
        assert json.load(answer)["pid"] == box.process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_loads_stops_it_at_once(number: int, tmp_path: Path) -> None:
    config = tmp_path / "endless.cli"
    os.mkfifo(config)
    process = subprocess.Popen(
        command("run", "--ports", "ephemeral", str(config)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with process:
        with suppress(BrokenPipeError), config.open("wb", buffering=0) as endless:
            process.send_signal(number)  # it is reading by now, and does not wait for lines in the kernel
            for _ in range(100_000):
                endless.write(b"# more\n" * 1000)
        assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_silence_with_status_0(number: int, tmp_path: Path) -> None:
    config, ready_file = tmp_path / "box.cli", tmp_path / "ready.json"
    config.write_text(
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 "
        "ipAddress 10.0.0.5 prefix 24 mode inService state enabled\n"
        "set addressContext default zone Z id 2 sipSigPort 3 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tcp mode inService state enabled\n"
    )
    ready_file.write_text("of an earlier run")
    with running(str(config), "--ready-file", str(ready_file)) as box:
        assert json.loads(ready_file.read_text()) == box.ready
        assert sorted(path.name for path in tmp_path.iterdir()) == ["box.cli", "ready.json"]
        (port,) = box.ready["sip"]
        assert {**port, "address": None} == {
            "addressContext": "default",
            "zone": "Z",
            "sipSigPort": 3,
            "transport": "tcp",
            "address": None,
        }
        with socket.create_connection(tuple(port["address"]), timeout=PATIENCE):
            assert box.stop(number) == ("", "")
    assert box.process.returncode == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--clock", "sundial"], "not a clock"),
        (["--clock", "virtual@noon"], "RFC 3339"),
        (["--ports", "some"], "some"),
        (["--bind", "nowhere"], "nowhere"),
        (["--bind", "0.0.0.0"], "default password"),
        (["--user", "admin"], "NAME:PASSWORD"),
        (["--user", "../x:pw"], "cannot be the name of a user"),
        (["--map", "10.0.0.1"], "10.0.0.1"),
        (["--allow-dial", "all"], "all"),
        (["--state", "/dev/null"], "/dev/null"),
        (["--ha", "2to1"], "2to1"),
        (["--log", "xml"], "xml"),
        (["--setting", "last-login=maybe"], "maybe"),
        (["--seed", "x"], "--seed"),
        (["--nothing"], "--nothing"),
        (["gone.cli"], "gone.cli"),
        (["--ready-file", "/nowhere/ready.json"], "/nowhere"),
        (["--ready-file", "/"], "not a plain file"),
    ],
)
def test_a_wrong_argument_is_status_2_with_a_reason(words: list[str], text: str) -> None:
    done = finished("run", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_is_status_2_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "wrong.cli"
    file.write_text("set system admin SBC1 location here\nset profiles security tlsProfyle TLS\n")
    done = finished("run", "--ports", "ephemeral", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}:2:23: " in done.stderr


def test_a_taken_port_is_status_1(box: Running) -> None:
    _, port = box.ready["cli"]
    # The usual port may be free or not on this host: the simulator is told that the taken one is the usual one.
    program = (
        f"from sbcsim import __main__; from sbcsim.net import management; management.CLI_PORT = {port}; __main__.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_loopback_a_token_is_needed_and_told() -> None:
    with running("--bind", "0.0.0.0", "--user", "me:mine") as box:
        port = box.ready["control"].rpartition(":")[2]
        url = f"http://127.0.0.1:{port}"
        refused = finished("ctl", "ready", "--url", url)
        assert (refused.returncode, "token" in refused.stderr) == (1, True)
        _, errors = box.stop()
        token = errors.rpartition("token of the control API: ")[2].strip()
        assert len(token) >= 32
    with running("--bind", "0.0.0.0", "--user", "me:mine", SBCSIM_CONTROL_TOKEN="given") as box:
        url = f"http://127.0.0.1:{box.ready['control'].rpartition(':')[2]}"
        assert finished("ctl", "ready", "--url", url, SBCSIM_CONTROL_TOKEN="given").returncode == 0
        assert box.stop() == ("", "")


def test_the_journal_goes_to_the_standard_error_output_when_asked() -> None:
    for log in ("json", "text"):
        with running("--clock", "virtual", "--log", log) as box:
            assert box.ctl("clock", "advance", "1d").exit_code == 0
            output, errors = box.stop()
            assert output == ""
            lines = errors.splitlines()
            if log == "json":
                assert [json.loads(line)["kind"] for line in lines][-1] == "clockMoved"
            else:
                assert "clockMoved by=86400000000" in lines[-1]


def test_ctl_shows_tables_and_json(box: Running) -> None:
    for name in ("ready", "status", "clock", "connections", "peers", "certificates", "alarms", "journal"):
        plain = box.ctl(name)
        assert (plain.exit_code, plain.stderr) == (0, ""), name
        data = box.ctl(name, "--json")
        assert (data.exit_code, data.stderr) == (0, ""), name
        json.loads(data.stdout)
    assert box.ready["control"] in box.ctl("ready").stdout
    assert json.loads(box.ctl("status", "--json").stdout)["seed"] == 7


def test_ctl_says_so_where_there_is_nothing(box: Running) -> None:
    assert box.ctl("alarms").stdout == "none\n"


def test_ctl_shows_a_row_upright_on_a_terminal_too_narrow_for_it(tmp_path: Path) -> None:
    config = tmp_path / "box.cli"
    config.write_text("set system security pki certificate SBC1-2026 type local fileName a.p12\n")
    with running(str(config)) as box:
        narrow = environment(SBCSIM_CONTROL_URL=box.ready["control"])
        del narrow["COLUMNS"]
        shown = [
            pexpect.run(
                shlex.join(command("ctl", "certificates")), env=narrow, dimensions=(24, columns), timeout=PATIENCE
            ).decode()
            for columns in (40, 100)
        ]
        box.stop()
    shown = [re.sub(r"\x1b\[[\d;]*m", "", text) for text in shown]
    assert shown[0].split() == ["name", "SBC1-2026", "type", "local", "state", "disabled"]
    assert shown[1].split()[:4] == ["name", "type", "state", "serial"]


def test_ctl_bounces_a_port_and_shows_metrics(tmp_path: Path) -> None:
    config = tmp_path / "box.cli"
    config.write_text(
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 "
        "ipAddress 10.0.0.5 prefix 24 mode inService state enabled\n"
        "set addressContext default zone Z id 2 sipSigPort 3 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tcp mode inService state enabled\n"
        "set addressContext default zone A/B%2F id 3 sipSigPort 4 ipInterfaceGroupName LIG portNumber 5070 "
        "transportProtocolsAllowed sip-tcp mode inService state enabled\n"
    )
    with running(str(config)) as box:
        sip = next(each for each in box.ready["sip"] if each["zone"] == "Z")
        assert json.loads(box.ctl("bounce", "default", "A/B%2F", "4", "--json").stdout)["closed"] == []
        with socket.create_connection(sip["address"], timeout=PATIENCE) as peer:
            # What it is told is asked for until the box has taken the connection.
            while json.loads(box.ctl("connections", "--json").stdout) == []:
                pass
            bounced = json.loads(box.ctl("bounce", "default", "Z", "3", "--json").stdout)
            assert (bounced["closed"], peer.recv(1)) == ([1], b"")
        assert 'sbcsim_events_total{kind="connectionClosed"} 1.0' in box.ctl("metrics").stdout
        refused = box.ctl("bounce", "default", "no zone", "3")
        assert (refused.exit_code, refused.stderr) == (1, 'sbcsim: no sipSigPort "default/no zone/3"\n')
        box.stop()


def test_ctl_asks_where_it_is_told_to_whatever_the_environment_says(box: Running) -> None:
    for words in (
        ("clock", "--url", "http://127.0.0.1:9", "advance", "1d"),
        ("clock", "advance", "1d", "--url", "http://127.0.0.1:9"),
    ):
        refused = box.ctl(*words)
        assert (refused.exit_code, "http://127.0.0.1:9" in refused.output) == (1, True)


def test_ctl_moves_the_clock_and_resets(box: Running) -> None:
    assert box.ctl("reset").exit_code == 0
    answer = json.loads(box.ctl("clock", "advance", "31d", "--json").stdout)
    assert (answer["now"], answer["by"]) == ("2026-07-02T00:00:00Z", "31d")
    assert "certificateCheck" in box.ctl("clock", "to", "2026-08-01T00:00:00Z").stdout
    assert json.loads(box.ctl("clock", "--json").stdout)["now"] == "2026-08-01T00:00:00Z"
    entries = json.loads(box.ctl("journal", "kind=clockMoved", "--json").stdout)
    assert [entry["kind"] for entry in entries] == ["clockMoved", "clockMoved"]
    assert json.loads(box.ctl("reset", "--json").stdout)["now"] == "2026-06-01T00:00:00Z"
    assert json.loads(box.ctl("clock", "rate", "0", "--json").stdout)["rate"] == 0


def test_ctl_has_things_go_wrong(box: Running) -> None:
    assert "sip.silence" in box.ctl("faults", "points").stdout
    words = ("add", "sip.status", "--match", "OPT*", "--times", "1", "--value", "500", "--period", "1m", "--json")
    made = json.loads(box.ctl("faults", *words).stdout)
    assert (made["value"], made["period"]) == ("500", "1m")
    assert json.loads(box.ctl("faults", "list", "--json").stdout) == [made]
    assert "OPT*" in box.ctl("faults", "list").stdout
    assert box.ctl("faults", "remove", str(made["id"])).exit_code == 0
    refused = box.ctl("faults", "remove", str(made["id"]))
    assert (refused.exit_code, f'no fault "{made["id"]}"' in refused.output) == (1, True)
    assert box.ctl("faults", "add", "sip.silence").exit_code == 0
    assert box.ctl("faults", "clear").exit_code == 0
    assert box.ctl("faults", "list").stdout == "none\n"
    refused = box.ctl("faults", "add", "sip.noise")
    assert (refused.exit_code, 'no fault point "sip.noise"' in refused.output) == (1, True)


def test_a_rude_box_shows_what_it_does() -> None:
    with running("--rude", "--seed", "7") as rude:
        assert "rude" not in rude.ready
        assert json.loads(rude.ctl("status", "--json").stdout)["rude"] is True
        assert "ssh.accept" in rude.ctl("faults", "list").stdout
        rude.stop()


def test_ctl_goes_back_to_a_snapshot(box: Running) -> None:
    assert box.ctl("clock", "advance", "1d").exit_code == 0
    taken = json.loads(box.ctl("snapshot", "take", "a day & more", "--json").stdout)
    assert box.ctl("clock", "advance", "1d").exit_code == 0
    assert "a day & more" in box.ctl("snapshot", "list").stdout
    assert json.loads(box.ctl("snapshot", "restore", "a day & more", "--json").stdout) == taken
    assert json.loads(box.ctl("clock", "--json").stdout)["now"] == taken["taken"]
    assert box.ctl("snapshot", "drop", "a day & more").exit_code == 0
    assert json.loads(box.ctl("snapshot", "list", "--json").stdout) == []
    refused = box.ctl("snapshot", "restore", "a day & more")
    assert (refused.exit_code, 'no snapshot "a day & more"; there are: none' in refused.output) == (1, True)
    refused = box.ctl("snapshot", "take", "a/b")
    assert (refused.exit_code, "is no name for a snapshot" in refused.output) == (1, True)


def test_ctl_follows_the_journal_until_interrupted(box: Running) -> None:
    follow = subprocess.Popen(
        command("ctl", "journal", "kind=clockMoved", "after=0", "--follow", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(SBCSIM_CONTROL_URL=box.ready["control"]),
        # A shell starts what it puts into the background with SIGINT ignored, and the tests hand that on.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    with follow:
        assert box.ctl("clock", "advance", "1s").exit_code == 0
        assert json.loads(follow.stdout.readline())["kind"] == "clockMoved"
        follow.send_signal(signal.SIGINT)
        _, errors = follow.communicate(timeout=PATIENCE)
    assert (follow.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["clock", "advance", "tomorrow"], 1, "tomorrow"),
        (["clock", "to", "2020-01-01T00:00:00Z"], 1, "backwards"),
        (["connections", "direction=up"], 1, "inbound"),
        (["connections", "colour=red"], 1, "colour"),
        (["connections", "inbound"], 2, "inbound"),
        (["connections", "--close", "4711"], 1, "4711"),
        (["journal", "kind=nothing"], 1, "nothing"),
        (["nothing"], 2, "nothing"),
    ],
)
def test_ctl_tells_what_is_wrong(box: Running, words: list[str], status: int, text: str) -> None:
    done = box.ctl(*words)
    assert done.exit_code == status
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_ctl_tells_when_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "gopher://127.0.0.1", "127.0.0.1:1"):
        done = finished("ctl", "status", "--url", url)
        assert done.returncode == 1
        assert url in done.stderr
        assert "Traceback" not in done.stderr


def test_the_version_is_told() -> None:
    assert finished("--version").stdout.startswith("sbcsim 0.")


def test_a_state_directory_outlives_a_killed_process(tmp_path: Path) -> None:
    config = tmp_path / "box.cli"
    config.write_text("set system admin SBC1 location Here\n")
    words = ("--state", str(tmp_path / "state"))
    with running(str(config), *words) as box:
        box.stop(signal.SIGKILL)
    with running(*words) as box:
        assert '"revision": 1' in box.ctl("status", "--json").stdout
        box.stop(signal.SIGKILL)
