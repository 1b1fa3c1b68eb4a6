"""The renewal procedure on the wire: typed into a real SSH session, uploaded by SFTP, judged by what the peers saw.

One peer is pinged by the box, and the same peer dials in: it holds a connection in each direction.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import testca
from heldstage import NEW, OLD, Stage, held_stage
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, PORT, SERVER, VERSIONS, ZONE, tls_port
from sshlines import Terminal, terminal, upload

FIND = "show configuration profiles security tlsProfile | display set | match OLD"
FOUND = (
    "set profiles security tlsProfile TLS-PEERS clientCertName OLD\n"
    "set profiles security tlsProfile TLS-PEERS serverCertName OLD"
)
OUT_OF_SERVICE = f"set {PORT} mode outOfService state disabled"
IN_SERVICE = f"set {PORT} state enabled mode inService"


async def bounce(stage: Stage, typed: Terminal) -> None:
    await typed.type_all(OUT_OF_SERVICE, "commit", IN_SERVICE, "commit")
    await stage.box.advance(minutes=1)


@pytest.fixture(params=["TLSv1.2"])
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with held_stage(tmp_path, version=request.param) as stage:
        yield stage


@pytest.fixture
async def typed(stage: Stage) -> AsyncIterator[Terminal]:
    """A CLI session in configure mode, with the renewed certificate uploaded."""
    await upload(stage.box, "new.p12", testca.sbc_renewed().pkcs12(testca.PASS_PHRASE))
    async with terminal(stage.box) as session:
        await session.type_all("configure")
        yield session


every_version = pytest.mark.parametrize("stage", VERSIONS, indirect=True)


# --- the procedure, and what follows from it


@every_version
async def test_the_documented_procedure_renews_new_connections_at_once_and_live_ones_at_the_recheck(stage, typed):
    # One candidate and one commit, as the document shows it.
    assert await typed.type_all(IMPORT, f"run {FIND}") == FOUND
    assert await typed.type_all(SERVER, CLIENT, DISABLE, DELETE, "commit") == "Commit complete."
    assert await typed.type(f"run {FIND}") == ""

    newcomer = await stage.dial()
    assert newcomer.serial == NEW
    await stage.box.advance(days=58)  # OLD ends with day 59
    assert stage.far.live == [OLD, OLD, NEW]
    assert await stage.far.ping(stage.dialled) == 200
    assert stage.pinged.requests > 1
    assert [(each.direction, each.local_certificate.name) for each in stage.box.connections()] == [
        ("outbound", "OLD"),
        ("inbound", "OLD"),
        ("inbound", "NEW"),
    ]

    await stage.box.advance(days=2)
    await stage.far.until(lambda: stage.far.live == [NEW, NEW])
    assert (stage.pinged.end, stage.dialled.end) == ("close_notify", "close_notify")
    assert await stage.far.ping(newcomer) == 200
    renewed = stage.far.connections[-1]
    assert renewed.requests > 0
    assert (await stage.dial()).serial == NEW
    assert [(each.local_certificate.name, each.local_certificate.serial) for each in stage.box.connections()] == [
        ("NEW", NEW)
    ] * 3


async def test_the_recheck_closes_exactly_what_expired_and_says_so(stage, typed):
    await typed.type_all(IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")
    await stage.dial()
    await stage.box.advance(days=70)
    (check,) = [entry for entry in stage.box.journal("certificateCheck") if entry.event.failed]
    assert (check.event.checked, check.event.failed) == (3, 2)
    assert check.at.rfc3339() == "2026-03-02T00:00:00Z"
    closed = [entry.event for entry in stage.box.journal("connectionClosed")]
    assert [(event.by, event.reason, event.local_certificate) for event in closed] == [
        ("local", "certificate re-check: expired", "OLD")
    ] * 2
    failed = await typed.type("run show table alarms currentStatus | match sonusSbxFailedCertificateReCheck | count")
    assert failed == "Count: 2 lines"
    assert (await typed.type(f"run show status {ZONE} peerPathchkStatus | match pingState")).endswith("up;")


async def test_importing_in_a_commit_of_its_own_works_as_well(stage, typed):
    await typed.type_all(IMPORT, "commit", "exit")
    assert await typed.type(FIND) == FOUND
    assert (await stage.dial()).serial == OLD
    await typed.type_all("configure", SERVER, CLIENT, DISABLE, DELETE, "commit")
    assert (await stage.dial()).serial == NEW
    assert (stage.pinged.live, stage.dialled.live) == (True, True)


async def test_a_bounce_of_the_port_brings_the_renewed_certificate_at_once(stage, typed):
    await typed.type_all(IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")
    listening = tls_port(stage.box)
    await typed.type_all(OUT_OF_SERVICE, "commit")
    await stage.far.until(lambda: stage.far.live == [])
    with pytest.raises(OSError, match="Connect"):
        await stage.far.dial(listening)
    await typed.type_all(IN_SERVICE, "commit")
    await stage.box.advance(minutes=1)
    assert stage.far.live == [NEW]
    assert (await stage.dial()).serial == NEW


RENEW = (IMPORT, SERVER, CLIENT)
LATER = "set system security pki certificate NEW state enabled"
ORDERS = {
    "as documented": (*RENEW, DISABLE, DELETE, "commit"),
    "a commit after each line": tuple(typed for line in (*RENEW, DISABLE, DELETE) for typed in (line, "commit")),
    "old one goes before the profiles are re-pointed, in the same commit": (DISABLE, DELETE, *RENEW, "commit"),
    "profiles are re-pointed before the new one is there, in the same commit": (
        *(SERVER, CLIENT, IMPORT, DISABLE, DELETE, "commit"),
    ),
    "enabled in a line of its own": (
        *(IMPORT.removesuffix(" state enabled"), "commit", LATER, SERVER, CLIENT, "commit"),
    ),
    "old one stays": (*RENEW, "commit"),
    "rolled back and done again": (*RENEW, "commit", "rollback", "commit", *RENEW, "commit"),
}


@pytest.mark.parametrize("lines", ORDERS.values(), ids=ORDERS)
async def test_other_orders_end_alike(stage, typed, lines):
    await typed.type_all(*lines)
    assert await stage.is_untouched()
    await bounce(stage, typed)
    assert stage.far.live == [NEW]
    assert (await stage.dial()).serial == NEW


@pytest.mark.parametrize(("line", "inbound", "outbound"), [(SERVER, NEW, OLD), (CLIENT, OLD, NEW)])
async def test_each_role_has_a_certificate_of_its_own(stage, typed, line, inbound, outbound):
    await typed.type_all(IMPORT, line, "commit")
    await bounce(stage, typed)
    assert stage.far.live == [outbound]
    assert (await stage.dial()).serial == inbound


# --- nobody renewed


@every_version
async def test_without_a_renewed_certificate_the_peer_refuses_with_alert_45_and_the_path_goes_down(stage):
    stage.far.judge_dates()
    await stage.box.advance(days=59)
    assert stage.box.peers()[0].path_state == "up"
    await stage.box.advance(days=1, minutes=5)
    assert stage.far.live == []
    assert stage.box.peers()[0].path_state == "down"
    # Over TLS 1.3 a client has finished its handshake when the server judges its certificate: the alert comes later.
    told = [entry.event for entry in stage.box.journal(["handshake", "alertReceived"])]
    refused = [event.alert_received for event in told if event.kind == "handshake" and not event.ok]
    assert {*refused, *(event.alert for event in told if event.kind == "alertReceived")} == {45}
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        await stage.dial()
    await stage.box.advance("0s")
    inbound = stage.box.journal("handshake")[-1].event
    assert (inbound.direction, inbound.ok, inbound.alert_received) == ("inbound", False, 45)

    async with terminal(stage.box) as session:
        assert (await session.type(f"show status {ZONE} peerPathchkStatus | match pingState")).endswith("down;")
        alerts = await session.type(f"show status {ZONE} sipSigPortTlsStatistics | match fatelAlertsReceived")
        assert int(alerts.strip(";").split()[-1]) == 6 + 1  # pings at 00:00 to 00:05, and the dial
        assert "does not answer path check" in await session.type("show table alarms currentStatus")


async def test_renewing_late_brings_the_path_back(stage, typed):
    stage.far.judge_dates()
    await stage.box.advance(days=60, minutes=5)
    assert stage.box.peers()[0].path_state == "down"
    # The box judges by its own time, in which NEW is valid; the far end's clock is the host's, so a later one is used.
    await upload(stage.box, "new.p12", testca.sbc_renewed("2040-01-01T00:00:00Z").pkcs12(testca.PASS_PHRASE))
    await typed.type_all(IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")
    await stage.box.advance(minutes=1)
    assert stage.far.live == [testca.sbc_renewed("2040-01-01T00:00:00Z").certificate.serial]
    assert stage.box.peers()[0].path_state == "up"


# --- the mistakes people make

IN_USE = "certificate is in use by 'profiles security tlsProfile TLS-PEERS clientCertName'"
ILLEGAL = "Aborted: illegal reference 'profiles security tlsProfile TLS-PEERS clientCertName'"
OBJECT = "system security pki certificate"
MISTAKES = {
    "deleted before re-pointing": ((IMPORT, DELETE), ILLEGAL),
    "disabled and deleted before re-pointing": ((IMPORT, DISABLE, DELETE), ILLEGAL),
    "disabled while in use": ((DISABLE,), f"Aborted: '{OBJECT} OLD state' (value \"disabled\"): {IN_USE}"),
    "one of the two profile leaves forgotten": ((IMPORT, SERVER, DISABLE, DELETE), ILLEGAL),
    "one of the two forgotten, nothing deleted": (
        (IMPORT, SERVER, DISABLE),
        f"Aborted: '{OBJECT} OLD state' (value \"disabled\"): {IN_USE}",
    ),
    "deleted without disabling": (
        (IMPORT, SERVER, CLIENT, DELETE),
        f"Aborted: '{OBJECT} OLD': state must be disabled before deletion",
    ),
    "state enabled forgotten": (
        (IMPORT.removesuffix(" state enabled"), SERVER, CLIENT, DISABLE, DELETE),
        "Aborted: 'profiles security tlsProfile TLS-PEERS clientCertName' (value \"NEW\"): certificate is not enabled",
    ),
    "import forgotten": ((SERVER, CLIENT, DISABLE, DELETE), ILLEGAL),
    "name mistyped": (
        (IMPORT, SERVER.replace("NEW", "NWE"), CLIENT),
        "Aborted: illegal reference 'profiles security tlsProfile TLS-PEERS serverCertName'",
    ),
    "type forgotten": (
        (IMPORT.replace(" type local", ""), SERVER, CLIENT, DISABLE, DELETE),
        f"Aborted: '{OBJECT} NEW type' is not configured",
    ),
    "imported as the peer's": (
        (IMPORT.replace("type local", "type remote").replace("new.p12", "ca.der"), SERVER, CLIENT, DISABLE, DELETE),
        "Aborted: 'profiles security tlsProfile TLS-PEERS clientCertName' (value \"NEW\"): certificate is not local",
    ),
    "upload forgotten": (
        (IMPORT.replace("new.p12", "newer.p12"), SERVER, CLIENT, DISABLE, DELETE),
        f"Aborted: '{OBJECT} NEW fileName' (value \"newer.p12\"): file not found in /opt/sonus/external",
    ),
    "wrong pass phrase": (
        (IMPORT.replace(testca.PASS_PHRASE, "wrong"), SERVER, CLIENT, DISABLE, DELETE),
        f"Aborted: '{OBJECT} NEW passPhrase': wrong pass phrase for file \"new.p12\"",
    ),
    "renewed in place": (
        (f"set {OBJECT} OLD fileName new.p12",),
        f"Aborted: '{OBJECT} OLD fileName': state must be disabled before this change",
    ),
}


@pytest.mark.parametrize(("lines", "refusal"), MISTAKES.values(), ids=MISTAKES)
async def test_a_mistake_is_refused_as_a_whole_and_service_goes_on(stage, typed, lines, refusal):
    revision = stage.box.status().counts.revision
    await typed.type_all(*lines)
    assert await typed.type("commit") == f"[error] {refusal}"
    assert await typed.type("commit check") == f"[error] {refusal.replace('Aborted', 'Failed', 1)}"
    assert stage.box.status().counts.revision == revision
    assert await typed.type(f"run {FIND}") == FOUND
    assert await stage.is_untouched()
    assert (await stage.dial()).serial == OLD


async def test_a_refused_candidate_is_kept_and_can_be_mended(stage, typed):
    await typed.type_all(IMPORT.removesuffix(" state enabled"), SERVER, CLIENT, DISABLE, DELETE)
    assert (await typed.type("commit")).startswith("[error]")
    assert await typed.type_all("set system security pki certificate NEW state enabled", "commit") == "Commit complete."
    assert (await stage.dial()).serial == NEW


async def test_a_forgotten_commit_changes_nothing(stage, typed):
    await typed.type_all(IMPORT, SERVER, CLIENT, DISABLE, DELETE)
    assert (await stage.dial()).serial == OLD
    assert await typed.type("exit") == "There are uncommitted changes.\nDiscard changes and continue?"
    assert await typed.type("yes") == ""
    assert await typed.type(FIND) == FOUND
    await stage.box.advance(days=1)
    assert stage.far.live == [OLD, OLD, OLD]


async def test_a_session_that_is_cut_leaves_nothing_behind(stage):
    await upload(stage.box, "new.p12", testca.sbc_renewed().pkcs12(testca.PASS_PHRASE))
    async with terminal(stage.box) as session:
        await session.type_all("configure", IMPORT, SERVER, CLIENT, DISABLE, DELETE)
    async with terminal(stage.box) as session:
        assert await session.type(FIND) == FOUND
        assert await session.type_all("configure", "commit") == "No modifications to commit."
    assert await stage.is_untouched()


async def test_a_handshake_under_way_at_the_commit_ends_with_what_it_began_with(stage, typed, tmp_path):
    _, writer = await asyncio.open_connection("127.0.0.1", tls_port(stage.box))
    await typed.type_all(IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")
    opened, committed = stage.box.journal("connectionOpened")[-1], stage.box.journal("commit")[-1]
    assert (opened.event.connection, opened.number < committed.number) == (3, True)
    await writer.start_tls(testca.client_context(testca.peer(), tmp_path))
    assert writer.get_extra_info("ssl_object").getpeercert()["serialNumber"] == OLD
    writer.close()
    await writer.wait_closed()
    assert (await stage.dial()).serial == NEW
