"""The simulator in process: what the Python API promises, on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import boxes
import httpx
import pytest
import testca

import sbcsim

RENEWAL = (
    "configure",
    "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
    "set profiles security tlsProfile TLS serverCertName NEW",
    "set profiles security tlsProfile TLS clientCertName NEW",
    "set system security pki certificate OLD state disable",
    "delete system security pki certificate OLD",
    "commit",
    "exit",
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "box.cli"
    file.write_text(boxes.CONFIG)
    return file


@pytest.fixture
async def sbc(config: Path) -> AsyncIterator[sbcsim.Simulator]:
    async with sbcsim.Simulator(config=config, files=boxes.certificate_files()) as simulator:
        yield simulator


@asynccontextmanager
async def dialled_in(sbc: sbcsim.Simulator, directory: Path) -> AsyncIterator[asyncio.StreamReader]:
    """Hold a TLS connection of a peer to the box's port."""
    up = asyncio.Event()
    unsubscribe = sbc.events.subscribe(lambda entry: up.set() if entry.kind == "handshake" else None)
    context = testca.client_context(testca.peer(), directory)
    reader, writer = await asyncio.open_connection(*sbc.ports.sip[0].address, ssl=context)
    await up.wait()
    unsubscribe()
    yield reader
    writer.close()
    with suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()


async def test_a_new_connection_gets_the_new_certificate_and_a_live_one_keeps_the_old(
    sbc: sbcsim.Simulator, tmp_path: Path
) -> None:
    async with dialled_in(sbc, tmp_path):
        answers = [sbc.cli(line) for line in RENEWAL]
        assert "Commit complete." in answers[-2]
        async with dialled_in(sbc, tmp_path) as second:
            assert [each.local_certificate.name for each in sbc.connections()] == ["OLD", "NEW"]
            assert {each.peer_certificate.subject for each in sbc.connections()} == {"CN=peer.example.com"}
            certificates = {each.name: each for each in sbc.certificates()}
            assert certificates["NEW"].used_by == ("TLS",)
            assert certificates["NEW"].connections == (2,)
            assert "OLD" not in certificates
            done = await sbc.advance(days=60)  # past the end of OLD
            assert [each.local_certificate.name for each in sbc.connections()] == ["NEW"]
            assert done.counts["connectionClosed"] == 1
            assert any(entry["kind"] == "certificateCheck" and entry["failed"] == 1 for entry in done.fired)
            assert not second.at_eof()
    assert sbc.journal("alarmRaised")[0].event.name == "sonusSbxFailedCertificateReCheck"


async def test_reset_is_the_state_just_after_start_on_the_same_ports(sbc: sbcsim.Simulator, tmp_path: Path) -> None:
    ports, before = sbc.ports, sbc.status()
    async with dialled_in(sbc, tmp_path):
        for line in RENEWAL:
            sbc.cli(line)
        sbc.cli("configure")
        sbc.cli("set profiles security tlsProfile LEFT")
        await sbc.advance(days=100)
        sbc.set_rate(5)
        await sbc.reset()
    after = sbc.status()
    assert sbc.ports == ports
    assert sbc.connections() == []
    assert after.clock == before.clock
    assert (after.counts.alarms, after.counts.sessions, after.counts.revision) == (0, 0, before.counts.revision)
    assert {each.name for each in sbc.certificates()} == {"CA", "OLD"}
    assert sbc.journal()[0].kind == "reset"
    assert "LEFT" not in sbc.cli("show configuration profiles security")
    async with dialled_in(sbc, tmp_path):
        assert [each.local_certificate.name for each in sbc.connections()] == ["OLD"]


async def test_reset_waits_for_a_move_of_the_clock(sbc: sbcsim.Simulator) -> None:
    move = asyncio.ensure_future(sbc.advance(days=10))
    await asyncio.sleep(0)
    await sbc.reset()
    assert (await move).by == "10d"
    assert sbc.clock.now().isoformat() == "2026-01-01T00:00:00+00:00"


async def test_a_long_move_lets_others_have_their_turn_and_can_be_given_up(sbc: sbcsim.Simulator) -> None:
    move = asyncio.ensure_future(sbc.advance(days=365 * 1000))
    host, port = sbc.ports.control
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        assert (await client.get("/v1/ready")).status_code == 200
    assert not move.done()
    move.cancel()
    with pytest.raises(asyncio.CancelledError):
        await move
    await sbc.reset()
    assert sbc.status().clock.uptime == 0


async def test_the_clock_is_moved_in_every_form(sbc: sbcsim.Simulator) -> None:
    assert (await sbc.advance("1h30m")).by == "1h30m"
    assert (await sbc.advance(hours=1, minutes=30)).by == "1h30m"
    assert (await sbc.advance(to="2026-01-02T00:00:00Z")).now.isoformat() == "2026-01-02T00:00:00+00:00"
    assert (await sbc.advance(to=sbc.clock.now())).by == "0s"
    for wrong in ({}, {"by": "1d", "days": 1}, {"by": "tomorrow"}, {"to": "2025-01-01T00:00:00Z"}, {"days": -1}):
        with pytest.raises(sbcsim.UserError):
            await sbc.advance(**wrong)
    with pytest.raises(sbcsim.UserError, match="9999"):
        await sbc.advance(to="9999-06-01T00:00:00Z")


async def test_two_moves_are_one(config: Path) -> None:
    seen = []
    for steps in ((30, 40), (70,)):
        async with sbcsim.Simulator(config=config, files=boxes.certificate_files()) as sbc:
            for days in steps:
                await sbc.advance(days=days)
            entries = [entry.to_json() for entry in sbc.journal() if entry.kind not in {"clockMoved", "listenerOpened"}]
            seen.append([{**entry, "number": 0} for entry in entries])
    assert seen[0] == seen[1]


async def test_the_journal_is_filtered_and_unknown_kinds_are_refused(sbc: sbcsim.Simulator) -> None:
    sbc.cli("show status system serverStatus")
    assert [entry.event.line for entry in sbc.journal(kind="cli")] == ["show status system serverStatus"]
    assert {entry.kind for entry in sbc.journal(kind=["cli", "commit"])} == {"cli", "commit"}
    assert sbc.journal(after=sbc.events.last) == []
    with pytest.raises(sbcsim.UserError, match="handshakes"):
        sbc.journal(kind="handshakes")


async def test_the_control_api_serves_on_demand(sbc: sbcsim.Simulator) -> None:
    host, port = sbc.ports.control
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        assert (await client.get("/v1/ready")).json() == sbc.ready().to_json()
        answer = await client.post("/v1/clock/advance", json={"by": "31d"})
        assert answer.json()["now"] == "2026-02-01T00:00:00Z"
        assert answer.json()["counts"]["certificateCheck"] == 31
        assert (await client.get("/v1/certificates?name=OLD")).json()[0]["usedBy"] == ["TLS"]
        assert (await client.post("/v1/reset")).json()["now"] == "2026-01-01T00:00:00Z"


async def test_a_connection_is_closed_from_outside(sbc: sbcsim.Simulator, tmp_path: Path) -> None:
    async with dialled_in(sbc, tmp_path) as reader:
        number = sbc.connections()[0].id
        assert await sbc.close_connection(number)
        assert await reader.read() == b""
        assert not await sbc.close_connection(number)


async def test_secrets_stay_out_of_journal_and_errors(sbc: sbcsim.Simulator) -> None:
    for line in RENEWAL:
        sbc.cli(line)
    assert "secret" not in str([entry.to_json() for entry in sbc.journal()])


async def test_a_mistake_does_not_end_the_command_line_of_the_simulator(sbc: sbcsim.Simulator) -> None:
    sbc.cli("configure")
    sbc.cli("set profiles security tlsProfile KEPT")
    assert "[error]" in sbc.cli("set profiles security tlsProfle TYPO")
    assert "KEPT" in sbc.cli("show profiles security")
    assert "Commit complete." in sbc.cli("commit")
    assert len({entry.event.session for entry in sbc.journal("cli")}) == 1
    sbc.cli("exit")
    sbc.cli("exit")
    assert sbc.status().counts.sessions == 0


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("set system admn SBC1", ":1:12: ", "unknown element"),
        ("\n! fine\nset profiles security tlsProfile TLS handshakeTimer 99", ":3:53: ", "out of range"),
        ("show configuration", ":1:1: ", "only set and delete"),
        ("delete profiles security tlsProfile NONE", ":1:1: ", "does not exist"),
        ('set system admin SBC1 location "never closed', ":1:32: ", "unterminated"),
        ("set system admin SBC1 \\", ":1:23: ", "backslash"),
        ("set profiles security tlsProfile TLS \\\n  handshakeTimer 99", ":2:18: ", "out of range"),
        (
            "set profiles security tlsProfile A\n  set profiles security tlsProfile B serverCertName GONE",
            ":2:3: ",
            "illegal",
        ),
        (
            "set system security pki certificate OLD fileName old.p12 type local passPhrase wrong state enabled",
            ":1:1: ",
            "wrong pass phrase",
        ),
        ('set system security pki certificate OLD passPhrase ""', ":1:52: ", '"" has a bad length/size'),
    ],
)
async def test_a_mistake_in_a_configuration_is_told_with_its_place(
    tmp_path: Path, text: str, place: str, reason: str
) -> None:
    file = tmp_path / "wrong.cli"
    file.write_text(text)
    with pytest.raises(sbcsim.ScenarioError) as caught:
        await sbcsim.Simulator(config=file, files=boxes.certificate_files()).start()
    assert f"wrong.cli{place}" in str(caught.value)
    assert reason in str(caught.value)


async def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    binary = tmp_path / "binary.cli"
    binary.write_bytes(b"!\n\xff\xfe")
    for file, reason in ((tmp_path / "gone.cli", "No such file"), (binary, "binary.cli:2: not UTF-8")):
        with pytest.raises(sbcsim.ScenarioError, match=reason):
            await sbcsim.Simulator(config=[file]).start()


@pytest.mark.parametrize(
    "options",
    [
        {"clock": "sundial"},
        {"clock": "virtual@noon"},
        {"clock": "real@2026-01-01T00:00:00Z"},
        {"bind": "nowhere"},
        {"bind": "0.0.0.0"},
        {"bind": "0.0.0.0", "users": {"admin": "admin"}},
        {"maps": ["10.0.0.1"]},
        {"allow_dial": ["everything"]},
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_opened(options: dict[str, object]) -> None:
    with pytest.raises(sbcsim.UserError):
        sbcsim.Simulator(**options)


def test_outside_loopback_the_control_api_has_a_token() -> None:
    simulator = sbcsim.Simulator(bind="0.0.0.0", users={"operator": "of one's own"})
    assert len(simulator.control_token) >= 32


async def test_a_taken_port_is_told(sbc: sbcsim.Simulator) -> None:
    with pytest.raises(sbcsim.UserError, match="cannot listen"):
        await Other(sbc.ports.cli.port).start()


class Other(sbcsim.Simulator):
    """A simulator whose CLI wants a certain port."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._wanted = port

    def _port(self, usual: int) -> int:
        return self._wanted


async def test_the_clock_given_is_the_clock_used() -> None:
    async with sbcsim.Simulator(clock=sbcsim.VirtualClock("2030-05-05T00:00:00Z"), control="off") as sbc:
        await sbc.advance(days=1)
        assert sbc.ready().to_json()["now"] == "2030-05-06T00:00:00Z"
        assert sbc.ready().control is None


async def test_a_clock_of_ones_own_flows_at_its_rate() -> None:
    clock = sbcsim.VirtualClock("2030-05-05T00:00:00Z", rate=1e6)
    begin = clock.now()
    async with sbcsim.Simulator(clock=clock, control="off") as sbc, asyncio.timeout(10):
        while clock.now() == begin:  # noqa: ASYNC110 - it is the clock that is waited for
            await asyncio.sleep(0)
        sbc.set_rate(0)
        assert sbc.clock.now() == sbc.clock.now() > begin


def test_importing_the_package_imports_none_of_the_heavy_parts() -> None:
    assert "Simulator" in sbcsim.__all__
    with pytest.raises(AttributeError):
        _ = sbcsim.Simulators


async def test_certificate_files_beside_the_configuration_are_put_on_the_box_and_a_dump_loads_again(
    config: Path, tmp_path: Path
) -> None:
    for name, content in boxes.certificate_files().items():
        (tmp_path / name).write_bytes(content)
    show = "show configuration | display set"
    async with sbcsim.Simulator(config=config) as first:
        dump = first.cli(show)
    lines = [line for line in dump.splitlines() if line.startswith("set ")]
    (tmp_path / "dump.cli").write_text("\n".join(lines))
    async with sbcsim.Simulator(config=tmp_path / "dump.cli") as second:
        again = second.cli(show)
        assert {each.state for each in second.certificates()} == {"enabled"}
    assert [line for line in again.splitlines() if line.startswith("set ")] == lines
