"""A renewal recorded over SSH and SFTP, and repeated on a fresh box: the same comes of it, or it is told what not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import asyncssh
import paramiko
import pytest
import testca
from heldstage import Stage, held_stage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER, ZONE
from sshlines import LOGIN, terminal, upload

from sbcsim.clock import Instant
from sbcsim.control.models import Address
from sbcsim.events import Reset
from sbcsim.journal import Journal
from sbcsim.net.ctl import ControlClient
from sbcsim.recorder import Recorder
from sbcsim.recording.file import Header, Recording, read
from sbcsim.recording.transcript import transcript
from sbcsim.replay import Replayed, files_for, replay
from sbcsim.schema.walk import quote
from sbcsim.simulator import Simulator
from sbcsim.synchronous import SyncSimulator

PATIENCE = 60
NEW = testca.sbc_renewed().pkcs12(testca.PASS_PHRASE)
CONTENTS = {sha256(NEW).hexdigest(): NEW}
FILES = {
    "ca.der": testca.authority().certificate.der,
    "old.p12": testca.sbc().pkcs12(testca.PASS_PHRASE),
}
SECRETS = {"passPhrase": testca.PASS_PHRASE}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with held_stage(tmp_path) as stage:
        yield stage


async def renewed(stage: Stage, file: Path) -> Recording:
    """Renew as a tool does, with everything else that can be done from outside, and return the recording."""
    box = stage.box
    with box.record(file):
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(*box.ports.cli, **LOGIN | {"password": "wrong"})
        await upload(box, "new.p12", NEW)
        box.faults.add("sftp.open", match="*never*", times=1, value="")
        async with terminal(box) as typed:
            await typed.type_all("configure", IMPORT, SERVER, CLIENT)
            assert (await typed.type("set profiles nothing")).startswith("[error]")
            await typed.type_all(DISABLE, DELETE, "commit", "exit")
        await box.wait_for("cliSession", ended=True)
        box.cli("show configuration profiles security tlsProfile")
        await box.bounce_port("default", "ZONE1", 1)
        await box.advance(days=31)
        box.snapshot("kept")
        await box.advance(days=31)
        await box.restore("kept")
        await box.advance("1h")
    return read(file.read_text(), file.name)  # noqa: ASYNC240 - a small file


async def again(stage: Stage, recording: Recording, directory: Path, *lines: str, **options: object) -> Replayed:
    config = directory / "again" / "box.cli"
    config.parent.mkdir(exist_ok=True)
    config.write_text((directory / "box.cli").read_text() + "".join(f"{line}\n" for line in lines))
    return await replay(recording, config, files=FILES, **({"contents": CONTENTS, "secrets": SECRETS} | options))


async def test_a_whole_renewal_is_repeated_with_the_same_outcome(stage: Stage, tmp_path: Path):
    recording = await renewed(stage, tmp_path / "run.jsonl")
    text = transcript(recording)
    assert testca.PASS_PHRASE not in (tmp_path / "run.jsonl").read_text()
    assert "s1 admin% delete system security pki certificate OLD" in text
    assert "from outside: bounce addressContext=default zone=ZONE1 sipSigPort=1" in text
    done = await again(stage, recording, tmp_path)
    assert done.comparison.lines() == []
    assert [text for text in done.not_repeated if "far ends are not played: 1 connections" not in text] == []
    assert any(entry["kind"] == "handshake" for entry in done.recording.entries)


@pytest.mark.parametrize("back", ["reset", "restore"])
async def test_sessions_that_a_reset_ends_are_repeated_to_their_end(tmp_path: Path, back: str):
    async with Simulator(clock=f"virtual@{testca.START}") as box:
        with box.record(tmp_path / "run.jsonl"):
            box.snapshot()
            async with terminal(box) as typed, asyncssh.connect(*box.ports.sftp, **LOGIN) as ssh:
                await ssh.start_sftp_client()
                await typed.type_all("configure", "set system admin SBC1 location here")
                await getattr(box, back)()
            async with terminal(box) as typed:
                await typed.type_all("configure", "exit")
            await box.wait_for("logout", service="cli")
    recording = read((tmp_path / "run.jsonl").read_text(), "run.jsonl")
    done = await replay(recording)
    assert done.not_repeated == ()
    assert done.comparison.lines() == []


async def test_another_configuration_is_told_and_so_is_what_comes_of_it(stage: Stage, tmp_path: Path):
    recording = await renewed(stage, tmp_path / "run.jsonl")
    done = await again(stage, recording, tmp_path, f"set {ZONE} ipPeer PEER1 pathCheck state disabled")
    told = "\n".join(done.comparison.lines())
    assert not done.equal
    assert "only in the first:  +0s  path check ping" in told or "TLS handshake" in told
    assert any("was started with box.cli" in text for text in done.not_repeated)


async def test_what_is_missing_is_told_step_by_step(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sbcsim.replay.PATIENCE", 2.0)  # what was not uploaded is never there
    recording = await renewed(stage, tmp_path / "run.jsonl")
    done = await again(stage, recording, tmp_path, contents={}, secrets={})
    told = "\n".join(done.not_repeated)
    assert not done.equal
    assert "new.p12: the file with SHA-256" in told
    assert "the secret passPhrase is not known" in told


def test_uploaded_files_are_found_by_name_or_content(tmp_path: Path):
    from sbcsim.recording.script import Wanted

    wanted = Wanted("/opt/sonus/external/new.p12", len(NEW), sha256(NEW).hexdigest())
    assert "is not there" in files_for([wanted], tmp_path)[1][0]
    (tmp_path / "new.p12").write_bytes(b"another")
    assert "is another one: 7 bytes" in files_for([wanted], tmp_path)[1][0]
    (tmp_path / "renamed.p12").write_bytes(NEW)
    assert files_for([wanted], tmp_path) == (CONTENTS | {sha256(b"another").hexdigest(): b"another"}, [])


# secrets


@pytest.mark.timeout(300)  # each example starts a box
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=8, max_size=24)
    .filter(lambda text: len(set(text)) > 5 and text.strip() == text and text.isprintable())
    .map(lambda text: f"{text}~1")  # no word that a recording has anyway
)
def test_no_pass_phrase_is_ever_in_a_recording(tmp_path: Path, phrase: str):
    file = tmp_path / "run.jsonl"
    typed = quote(phrase)
    with SyncSimulator(clock=f"virtual@{testca.START}", control="serve") as box, box.record(file):
        upload_with_paramiko(box.ports.sftp, "new.p12", testca.sbc_renewed().pkcs12(phrase))
        upload_with_paramiko(box.ports.sftp, "lines.cli", f"set x passPhrase {phrase}\n".encode())
        for line in (
            "configure",
            f"set system security pki certificate NEW fileName new.p12 type local passPhrase {typed} state enabled",
            f"set system security pki certificate NEW passPhrase {typed} nonsense",
            f"set system security pki certificate NEW passPhr {typed}",
            "commit",
        ):
            box.cli(line)
        control = ControlClient(str(box.ready().control))
        for body in (
            {"point": "cli.drop", "match": f"set * passPhrase {typed}*"},
            {"point": "cli.noise", "value": f"passPhrase {typed}"},
        ):
            control.call("POST", "/v1/faults", body=body)
        box.cli(f"set system security pki certificate NEW passPhrase {typed}")
        box.look(lambda it: it.faults.fires("cli.noise", "show", it.clock.reading()))
        over_http = b"".join(control.pieces("/v1/journal/recording")).decode()
    for text in (file.read_text(encoding="utf-8"), over_http):
        plain = text + json.dumps([json.loads(line) for line in text.splitlines()], ensure_ascii=False)
        assert phrase not in plain
        assert typed not in plain
        assert '"action":"fault"' in text


def upload_with_paramiko(place: Address, name: str, content: bytes) -> None:
    with paramiko.Transport(tuple(place)) as transport:
        transport.connect(username="admin", password="admin")
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        with client.open(f"/opt/sonus/external/{name}", "wb") as file:
            file.write(content)


# the command line


def sbcsim(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sbcsim", *map(str, words)],
        env=os.environ | {"NO_COLOR": "1"} | more, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_a_run_is_recorded_read_compared_and_replayed_by_the_command_line(tmp_path: Path):
    run, again, shown = tmp_path / "run.jsonl", tmp_path / "again.jsonl", tmp_path / "files"
    config = tmp_path / "box.cli"
    config.write_text("set system admin SBC1 location here\n")
    shown.mkdir()
    (shown / "new.p12").write_bytes(NEW)
    words = ("run", "--ports", "ephemeral", "--clock", f"virtual@{testca.START}", "--record", run, config)
    with subprocess.Popen(
        [sys.executable, "-m", "sbcsim", *map(str, words)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline().removeprefix("ready "))
        upload_with_paramiko(Address(*ready["sftp"]), "new.p12", NEW)
        control = ControlClient(ready["control"])
        with paramiko.SSHClient() as ssh:
            ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            ssh.connect(*ready["cli"], username="admin", password="admin", look_for_keys=False, allow_agent=False)
            _, output, _ = ssh.exec_command(f"configure; {IMPORT}; commit")
            assert "Commit complete." in output.read().decode()
        control.call("POST", "/v1/clock/advance", body={"by": "1d"})
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    told = sbcsim("transcript", run)
    assert told.returncode == 0
    assert "admin put /opt/sonus/external/new.p12" in told.stdout
    assert sbcsim("transcript", run, run).stdout == "the same happened\n"

    lacking = sbcsim("replay", run, config)
    assert lacking.returncode == 2
    assert "file new.p12" in lacking.stderr
    assert "secret passPhrase is needed" in lacking.stderr
    given = ("--files", shown, "--secret", "passPhrase=PHRASE")
    done = sbcsim("replay", run, config, *given, "--save", again, PHRASE=testca.PASS_PHRASE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "the same happened\n", "")
    assert sbcsim("transcript", run, again).returncode == 0

    config.write_text("set system admin SBC1 location elsewhere\nset system admin SBC1 contact me\n")
    (tmp_path / "secrets").write_text("passPhrase=wrong\n")
    other = sbcsim("replay", run, config, "--files", shown, "--secrets", tmp_path / "secrets")
    assert other.returncode == 1
    assert "not repeated: the box was started with box.cli, which was not given, or was changed" in other.stdout
    assert "only in the first:  +0s  commit 2 by admin" in other.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("transcript", "gone.jsonl"), "gone.jsonl: No such file"),
        (("replay", "gone.jsonl"), "gone.jsonl: No such file"),
        (("transcript", __file__), "no JSON object"),
        (("transcript", __file__, "--leave-out", "nothing"), "no journal kind nothing"),
        (("replay", __file__, "--secret", "passPhrase"), "no JSON object"),
        (("run", "--record", "/nowhere/run.jsonl"), "/nowhere"),
    ],
)
def test_a_wrong_word_is_status_2_with_a_reason(words: tuple[str, ...], reason: str):
    done = sbcsim(*words)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_run_in_which_time_flowed_is_repeated_by_moving_it(tmp_path: Path):
    async with Simulator(clock="real") as box:
        with box.record(tmp_path / "run.jsonl"):
            await upload(box, "new.p12", NEW)
            box.set_rate(1000)
            box.cli("configure")
            box.cli("set system admin SBC1 location here")
            box.cli("commit")
            await box.advance("1d")
    recording = read((tmp_path / "run.jsonl").read_text(), "run.jsonl")
    done = await replay(recording, contents=CONTENTS)
    assert done.comparison.lines() == []
    assert ["time flowed from here on" in text for text in done.not_repeated] == [True]


async def test_a_run_that_went_on_from_a_state_is_told_to_have_done_so(tmp_path: Path):
    for went_on in (False, True):
        async with Simulator(clock=f"virtual@{testca.START}", state=tmp_path / "state") as box:
            assert box.header().went_on is went_on
            box.save_journal(tmp_path / "run.jsonl")
    done = await replay(read((tmp_path / "run.jsonl").read_text(), "run.jsonl"))
    assert "went on from its state directory" in done.not_repeated[0]


def test_a_disk_that_fills_up_ends_the_recording_and_nothing_else():
    journal, written = Journal(), []

    def write(text: str) -> None:
        written.append(text)
        if len(written) == 3:
            raise OSError(28, "No space left on device")

    recorder = Recorder(journal, Header("0.1", 0, "virtual", 0.0, 0), write)
    for _ in range(4):
        journal.add(Instant(0, 0), Reset())
    recorder.stop()
    assert (len(written), str(recorder.error)) == (3, "[Errno 28] No space left on device")
