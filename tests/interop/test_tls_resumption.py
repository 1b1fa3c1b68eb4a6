"""Resumption as OpenSSL's client meets it: by session id, by ticket and over TLS 1.3, at simulated time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import testca
from openssl_program import openssl
from tlsbox import SET_PROFILE, Caller, Visit, commit, counters, tls_box

from sbcsim.device.settings import Settings
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

WAYS = {
    "session id": ("TLSv1.2", ("-tls1_2", "-no_ticket")),
    "ticket": ("TLSv1.2", ("-tls1_2",)),
    "TLS 1.3": ("TLSv1.3", ("-tls1_3",)),
}
OLD, NEW = testca.sbc().certificate.serial, testca.sbc_renewed().certificate.serial
BOTH = f"{SET_PROFILE}v1_3 enabled"
RENEW = (
    "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
    f"{SET_PROFILE}serverCertName NEW clientCertName NEW",
)
PORT = "set addressContext default zone Z sipSigPort 1 "


class Stage(NamedTuple):
    """A box, and somebody who comes back."""

    box: Simulator
    caller: Caller
    version: str

    @property
    def last_handshake(self):
        return self.box.journal("handshake")[-1].event


SESSIONS = "show status addressContext default zone Z sipSigTlsSessionStatus"
Make = Callable[..., object]


@pytest.fixture(params=WAYS)
async def stage_of(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    version, arguments = WAYS[request.param]
    async with AsyncExitStack() as stack:

        async def make(*lines: str, settings: Settings | None = None, issued=None) -> Stage:
            box = await stack.enter_async_context(tls_box(tmp_path, BOTH, *lines, settings=settings))
            return Stage(box, Caller(box, tmp_path, issued or testca.peer(), *arguments), version)

        yield make


async def test_who_comes_back_in_time_takes_his_session_up(stage_of):
    box, caller, version = stage = await stage_of()
    first = await caller.call(keep=True)
    assert (first.reused, first.version) == (False, version)
    await box.advance(minutes=59)
    again = await caller.call(back=True)
    assert (again.reused, again.version) == (True, version)
    handshake = stage.last_handshake
    assert (handshake.resumed, handshake.declined) == (True, "")
    assert handshake.local_certificate.name == "OLD"
    assert handshake.peer_certificate.serial == testca.peer().certificate.serial
    assert counters(box) == {
        "totalServerConnections": 2,
        "totalServerSessions": 1,
        "sessionResumptions": 1,
    }


async def test_the_timer_runs_by_simulated_time_from_the_full_handshake(stage_of):
    box, caller, _ = stage = await stage_of(f"{SET_PROFILE}sessionResumpTimer 100")
    await caller.call(keep=True)
    await box.advance(seconds=99)
    assert (await caller.call(back=True, keep=True)).reused
    await box.advance(seconds=1)
    assert not (await caller.call(back=True)).reused
    assert stage.last_handshake.declined == "sessionResumpTimer ran out"


async def test_what_the_status_table_calls_the_session_is_what_the_client_calls_it(stage_of):
    box, caller, version = await stage_of()
    await caller.call(keep=True)
    async with caller.stay(back=True) as program:
        # OpenSSL's client shows a ticket by its SHA-256, as the box does.
        (name,) = re.findall(r"tlsSessionId +(\S+);", box.cli(SESSIONS))
        assert name == Visit(program.output).names[-1]
        assert re.findall(r"resumptions +(\d+);", box.cli(SESSIONS)) == ["1"]
        (connection,) = box.connections()
        assert (connection.resumed, connection.version) == (True, version)
        assert connection.local_certificate.serial == OLD
        assert connection.peer_certificate.serial == testca.peer().certificate.serial


@pytest.mark.parametrize("way", WAYS)
async def test_a_ticket_says_how_long_it_lasts(tmp_path, way):
    async with tls_box(tmp_path, BOTH, f"{SET_PROFILE}sessionResumpTimer 7200") as box:
        visit = await Caller(box, tmp_path, testca.peer(), *WAYS[way][1]).call()
    assert visit.lifetimes == (set() if way == "session id" else {7200})


async def test_timer_0_gives_nothing_to_come_back_with(stage_of):
    box, caller, _ = await stage_of(f"{SET_PROFILE}sessionResumpTimer 0")
    visit = await caller.call("-msg", keep=True)
    assert "NewSessionTicket" not in visit.output
    assert visit.names == []
    async with caller.stay():
        assert re.findall(r"tlsSessionId +(\S+);", box.cli(SESSIONS)) == ['""']


async def test_timer_0_refuses_what_was_given_before(stage_of):
    box, caller, _ = stage = await stage_of()
    await caller.call(keep=True)
    commit(box, f"{SET_PROFILE}sessionResumpTimer 0")
    assert not (await caller.call(back=True)).reused
    assert not stage.last_handshake.resumed


async def test_after_a_rotation_there_is_a_full_handshake_with_the_new_certificate(stage_of):
    box, caller, _ = stage = await stage_of()
    await caller.call(keep=True)
    commit(box, *RENEW)
    visit = await caller.call("-showcerts", back=True)
    assert not visit.reused
    assert testca.sbc_renewed().pem().strip() in visit.output
    assert (stage.last_handshake.local_certificate.serial, stage.last_handshake.declined) == (
        NEW,
        "certificate changed",
    )


async def test_across_a_renewal_sessions_of_tls_1_2_hide_the_new_certificate_until_the_timer_ends(stage_of):
    box, caller, version = stage = await stage_of(settings=Settings(resume_across_renewal=True))
    await caller.call(keep=True)
    commit(box, *RENEW, "set system security pki certificate OLD state disabled")
    hidden = version == "TLSv1.2"
    assert (await caller.call(back=True)).reused is hidden
    assert stage.last_handshake.local_certificate.serial == (OLD if hidden else NEW)
    commit(box, f"{PORT}mode outOfService state disabled")
    commit(box, f"{PORT}mode inService state enabled")
    assert (await caller.call(back=True)).reused is hidden
    assert stage.last_handshake.local_certificate.serial == (OLD if hidden else NEW)
    await box.advance(hours=1)
    assert not (await caller.call(back=True)).reused
    assert stage.last_handshake.local_certificate.serial == NEW


async def test_a_bounce_alone_ends_no_session(stage_of):
    box, caller, _ = await stage_of()
    await caller.call(keep=True)
    commit(box, f"{PORT}mode outOfService state disabled")
    commit(box, f"{PORT}mode inService state enabled")
    assert (await caller.call(back=True)).reused


async def test_who_has_expired_does_not_come_back_by_resuming(stage_of):
    short = testca.peer("short.example.com", "2026-01-01T00:30:00Z")
    box, caller, _ = stage = await stage_of(issued=short)
    await caller.call(keep=True)
    await box.advance(minutes=29)
    assert (await caller.call(back=True)).reused
    await box.advance(minutes=2)
    assert (await caller.call(back=True)).alert == 45
    assert (stage.last_handshake.ok, stage.last_handshake.declined) == (False, "peer certificate expired")
    assert counters(box)["clientAuthFailures"] == 1


async def test_who_is_trusted_no_more_does_not_come_back_by_resuming(stage_of):
    box, caller, _ = await stage_of()
    await caller.call(keep=True)
    commit(box, "set system security pki certificate CA state disabled")
    assert (await caller.call(back=True)).alert == 48
    commit(box, "set system security pki certificate CA state enabled")
    assert (await caller.call(back=True)).reused


async def test_whom_the_recheck_has_closed_cannot_take_the_session_up(stage_of):
    box, caller, _ = stage = await stage_of(f"{SET_PROFILE}sessionResumpTimer 86400")
    await box.advance(hours=23)
    async with caller.stay(keep=True) as program:
        commit(box, "set system security pki certificate CA state disabled")
        await box.advance(hours=1)
        await program.read_until("closed|DONE")
    assert box.journal("connectionClosed")[-1].event.reason == "certificate re-check: untrusted"
    commit(box, "set system security pki certificate CA state enabled")
    assert not (await caller.call(back=True)).reused
    assert stage.last_handshake.declined == "unknown session"


async def test_a_reset_ends_every_session(stage_of):
    box, caller, _ = stage = await stage_of()
    await caller.call(keep=True)
    await box.reset()
    assert not (await caller.call(back=True)).reused
    assert stage.last_handshake.declined == "unknown session"


@pytest.mark.parametrize("way", ["session id", "ticket"])
async def test_reconnecting_five_times_takes_the_session_up_five_times(tmp_path, way):
    async with tls_box(tmp_path) as box:
        visit = await Caller(box, tmp_path, testca.peer(), *WAYS[way][1]).call("-reconnect")
        assert visit.output.count("\nReused, TLSv1.2") == 5
        await box.advance("0s")
        assert counters(box)["sessionResumptions"] == 5


@pytest.mark.parametrize("arguments", [("-tls1_2",), ("-tls1_3",)])
async def test_as_client_the_box_takes_no_session_up(tmp_path, arguments):
    far = testca.files(testca.peer(), tmp_path)
    served = ["-accept", "127.0.0.1:0", "-naccept", "2", "-Verify", "5"]
    async with openssl("s_server", *served, *arguments, "-cert", str(far.certificate), "-key", str(far.key)) as program:
        port = int((await program.read_until(r"ACCEPT .*:(\d+)"))[1])
        async with tls_box(
            tmp_path,
            BOTH,
            "set profiles services pathCheckProfile PING sendInterval 60",
            f"set addressContext default zone Z ipPeer P ipAddress 127.0.0.1 ipPort {port}",
            "set addressContext default zone Z ipPeer P pathCheck profile PING state enabled",
        ) as box:
            await program.read_until(r"OPTIONS sip:")
            (connection,) = box.connections()
            await box.close_connection(connection.id)
            await box.advance(minutes=1)
            await program.read_until(r"(?s)OPTIONS sip:.*OPTIONS sip:")
        assert "Reused" not in program.output
