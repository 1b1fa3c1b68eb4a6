"""Faults of handshakes and dials on the wire, as the far end meets them: a case for each point, in both directions."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import testca
from faultedbox import NEW
from sippeers import PATIENCE, Peer, peer
from sshlines import upload
from tlsbox import SET_PROFILE, commit, counters

from sbcsim import Simulator

PEER = "addressContext default zone Z ipPeer P"
VERSIONS = {"TLSv1.2": "v1_2 enabled v1_3 disabled", "TLSv1.3": "v1_2 disabled v1_3 enabled"}
OLD = testca.sbc().certificate.serial
RENEWED = testca.sbc_renewed().certificate.serial


@dataclass
class Meeting:
    """What a far end has seen of one connection: every octet, whether the handshake came to its end, and the end."""

    octets: bytes = b""
    plain: bytes = b""
    secured: bool = False
    end: str = ""


async def meet(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, *, server: bool
) -> Meeting:
    """Shake hands, and listen until the box ends the connection."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session, met = context.wrap_bio(incoming, outgoing, server_side=server), Meeting()
    try:
        while not met.end:
            try:
                if met.secured:
                    plain = session.read(65536)
                    met.plain += plain
                    met.end = "" if plain else "close_notify"
                else:
                    session.do_handshake()
                    met.secured = True
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                data = await reader.read(65536)
                met.octets += data
                incoming.write(data) if data else incoming.write_eof()
            except ssl.SSLEOFError:
                met.end = "FIN"
            except ssl.SSLError as error:
                met.end = error.reason
            else:
                writer.write(outgoing.read())
    except ConnectionResetError:
        met.end = "RST"
    finally:
        writer.write(outgoing.read())  # an alert, where it is we who refuse
        writer.close()
    return met


async def visit(box: Simulator, tmp_path: Path) -> Meeting:
    """Dial in, and return what came of it."""
    context = testca.client_context(testca.peer(), tmp_path)
    async with asyncio.timeout(PATIENCE):
        streams = await asyncio.open_connection(*box.ports.sip[0].address)
        return await meet(*streams, context, server=False)


@asynccontextmanager
async def visited(tmp_path: Path) -> AsyncIterator[tuple[int, asyncio.Queue[Meeting]]]:
    """Wait to be dialled on a port, and note what came of it."""
    met: asyncio.Queue[Meeting] = asyncio.Queue()
    context = testca.server_context(testca.peer(), tmp_path)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.put_nowait(await meet(reader, writer, context, server=True))

    server = await asyncio.start_server(accept, "127.0.0.1")
    async with asyncio.timeout(PATIENCE):
        try:
            yield server.sockets[0].getsockname()[1], met
        finally:
            server.close()


def ping(box: Simulator, port: int) -> None:
    """Have the box ping a peer on a port of the host, from now on every minute."""
    commit(
        box,
        "set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 1 recoveryCount 1",
        f"set {PEER} ipAddress 127.0.0.1 ipPort {port}",
        f"set {PEER} pathCheck profile PING state enabled",
    )


def ping_no_more(box: Simulator) -> None:
    commit(box, f"set {PEER} pathCheck state disabled", f"delete {PEER}")


@asynccontextmanager
async def pinged(box: Simulator, tmp_path: Path) -> AsyncIterator[Peer]:
    """Return a good peer that the box pings, once with its first answer; nothing is pinged afterwards."""
    async with peer(testca.peer(), tmp_path) as far:
        await far.listen()
        ping(box, far.port)
        await box.advance("1s")
        yield far
        ping_no_more(box)
        await box.advance("0s")


async def spoiled_both_ways(box: Simulator, tmp_path: Path, point: str, value: str = "") -> list[Meeting]:
    """Meet a fault in each version and direction; return what the far ends saw, each time inbound, outbound."""
    met = []
    for version, switches in VERSIONS.items():
        commit(box, SET_PROFILE + switches)
        before = counters(box).get("handshakeFailures", 0)
        box.faults.add(point, match="inbound TLS", times=1, value=value)
        met.append(await visit(box, tmp_path))
        async with visited(tmp_path) as (port, seen):
            box.faults.add(point, match="outbound TLS", times=1, value=value)
            ping(box, port)
            met.append(await seen.get())
            await box.advance("1s")
            assert [each.path_state for each in box.peers()] == ["down"]
            ping_no_more(box)
        failed = 0 if point == "tls.secured" else 2
        assert counters(box).get("handshakeFailures", 0) - before == failed, version
        subjects = [entry.event.subject for entry in box.journal("faultFired")][-2:]
        assert subjects == ["inbound TLS", "outbound TLS"]
    async with pinged(box, tmp_path) as far:
        assert len(far.live) == 1
        assert [each.path_state for each in box.peers()] == ["up"]
    return met


async def tls_hello(box: Simulator, tmp_path: Path) -> None:
    for number, met in enumerate(await spoiled_both_ways(box, tmp_path, "tls.hello")):
        assert (met.secured, met.end) == (False, "RST")
        assert met.octets[5:6] == (b"" if number % 2 == 0 else b"\x01")  # nothing, or the ClientHello of the box
    assert box.connections() == []


async def tls_flight(box: Simulator, tmp_path: Path) -> None:
    for number, met in enumerate(await spoiled_both_ways(box, tmp_path, "tls.flight")):
        assert (met.secured, met.end) == (False, "RST") if number != 2 else met.end == "RST"
        assert met.octets[5:6] == (b"\x02" if number % 2 == 0 else b"\x01")  # ServerHello, or ClientHello
        if number == 0:  # TLS 1.2 in the clear
            assert testca.sbc().certificate.der in met.octets


async def tls_secured(box: Simulator, tmp_path: Path) -> None:
    before = counters(box)
    for met in await spoiled_both_ways(box, tmp_path, "tls.secured"):
        assert (met.secured, met.end, met.plain) == (True, "RST", b"")
    after = counters(box)
    assert after["totalServerConnections"] - before.get("totalServerConnections", 0) == 2
    assert after.get("currentServerConnections", 0) == after.get("currentServerSessions", 0) == 0
    assert after.get("currentClientConnections", 0) == 0


async def tls_alert(box: Simulator, tmp_path: Path) -> None:
    for value, reason in (("45", "ALERT_CERTIFICATE_EXPIRED"), ("80", "ALERT_INTERNAL_ERROR")):
        for met in await spoiled_both_ways(box, tmp_path, "tls.alert", value):
            assert not met.secured
            assert met.end.endswith(reason), met.end
    assert {entry.event.alert_sent for entry in box.journal("handshake") if not entry.event.ok} == {45, 80}
    assert counters(box)["validationFailures"] == 4


async def tls_hang(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tls.hang", match="inbound *", times=1)
    visiting = asyncio.create_task(visit(box, tmp_path))
    await box.wait_for("faultFired", subject="inbound TLS")
    await box.advance("4s")
    assert [each.direction for each in box.connections()] == ["inbound"]
    await box.advance("2s")
    met = await visiting
    assert (met.octets, met.end) == (b"", "FIN")
    box.faults.add("tls.hang", match="outbound *", times=1)
    async with visited(tmp_path) as (port, seen):
        ping(box, port)
        await box.wait_for("faultFired", subject="outbound TLS")
        await box.advance("6s")
        met = await seen.get()
        assert (met.octets, met.end) == (b"", "FIN")
        assert [each.path_state for each in box.peers()] == ["down"]
        ping_no_more(box)
    assert counters(box)["handshakeTimeouts"] == 2
    assert "currentServerHandshakes" not in counters(box)


async def tls_chain(box: Simulator, tmp_path: Path) -> None:
    issued = testca.intermediate().issue(
        "sbc.example.com", not_before="2025-12-01T00:00:00Z", not_after="2027-01-01T00:00:00Z"
    )
    await upload(box, "below.p12", issued.pkcs12("secret"))
    await upload(box, "issuing.der", testca.intermediate().certificate.der)
    commit(
        box,
        "set system security pki certificate ISSUING fileName issuing.der type remote state enabled",
        "set system security pki certificate BELOW fileName below.p12 type local passPhrase secret state enabled",
        SET_PROFILE + "serverCertName BELOW clientCertName BELOW",
    )
    box.faults.add("tls.chain", match="inbound TLS", times=1)
    assert (await visit(box, tmp_path)).end == "CERTIFICATE_VERIFY_FAILED"
    await box.wait_for("handshake", alert_received=48)
    assert counters(box)["fatelAlertsReceived"] == 1
    async with peer(testca.peer(), tmp_path) as far:
        await far.dial(box.ports.sip[0].address[1])  # the root alone is known, and leads to what is shown
        await far.listen()
        box.faults.add("tls.chain", match="outbound TLS", times=1)
        ping(box, far.port)
        await box.advance("1s")
        assert [each.path_state for each in box.peers()] == ["down"]
        await box.advance("1m")
        assert [each.path_state for each in box.peers()] == ["up"]
        ping_no_more(box)
    commit(box, SET_PROFILE + "serverCertName OLD clientCertName OLD")


async def tls_outdated(box: Simulator, tmp_path: Path) -> None:
    fault = box.faults.add("tls.outdated")
    async with pinged(box, tmp_path) as far:
        commit(box, NEW, SET_PROFILE + "serverCertName NEW clientCertName NEW")
        (first,) = box.connections()
        await box.close_connection(first.id)
        await box.advance("1m")
        assert [each.serial for each in far.connections] == [OLD, OLD]
        assert (await far.dial(box.ports.sip[0].address[1])).serial == RENEWED  # only those that the box opens are old
        assert len(box.journal("faultFired")) == 1  # nothing was outdated before the renewal
        (last, _) = box.connections()
        assert (last.direction, last.local_certificate.name) == ("outbound", "OLD")
        box.faults.remove(fault.id)
        await box.close_connection(last.id)
        await box.advance("1m")
        assert far.connections[-1].serial == RENEWED


async def tls_resume(box: Simulator, tmp_path: Path) -> None:
    context = testca.client_context(testca.peer(), tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def come(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession, bool]:
        reader, writer = await asyncio.open_connection(*box.ports.sip[0].address)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, session=session)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        writer.write(outgoing.read())
        writer.close()
        return tls.session, bool(tls.session_reused)

    commit(box, SET_PROFILE + "v1_2 enabled sessionResumpTimer 3600")
    session, _ = await come(None)
    commit(box, NEW, SET_PROFILE + "serverCertName NEW")
    assert not (await come(session))[1]
    session, _ = await come(None)
    commit(box, SET_PROFILE + "serverCertName OLD")
    box.faults.add("tls.resume", match="TLS", times=1)
    assert (await come(session))[1]
    done = await box.wait_for("handshake", resumed=True)
    assert done.event.local_certificate.name == "NEW"
    assert not (await come(session))[1]


async def tls_cut(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tls.cut", match="Z", times=1)
    for end in ("FIN", "close_notify"):
        visiting = asyncio.create_task(visit(box, tmp_path))
        entry = await box.wait_for("handshake", after=box.events.last)
        await box.close_connection(entry.event.connection)
        assert (await visiting).end == end


async def sip_unsent(box: Simulator, tmp_path: Path) -> None:
    async with pinged(box, tmp_path) as far:
        await box.advance("1m")
        (seen,) = far.connections
        assert seen.requests == 2
        box.faults.add("sip.unsent", match="P", times=2)
        await box.advance("2m")
        assert seen.requests == 2
        await box.advance("33s")
        assert [each.path_state for each in box.peers()] == ["down"]
        await box.advance("1m")
        assert (seen.requests, seen.live) == (3, True)
        reasons = [entry.event.reason for entry in box.journal("pathPing")]
        assert reasons == ["200", "200", "no answer", "no answer", "200"]
        assert [alarm.name for alarm in box.alarms().current if "StateDown" in alarm.name] == []


async def sip_ignored(box: Simulator, tmp_path: Path) -> None:
    async with pinged(box, tmp_path) as far:
        box.faults.add("sip.ignored", match="P", times=2)
        await box.advance("2m")
        (seen,) = far.connections
        assert seen.requests == 3
        assert [alarm.name for alarm in box.alarms().current if "StateDown" in alarm.name] != []
        await box.advance("1m")
        assert (seen.requests, seen.live) == (4, True)
        reasons = [entry.event.reason for entry in box.journal("pathPing")]
        assert reasons == ["200", "no answer", "no answer", "200"]


async def tcp_refused(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tcp.refused", match="P", times=2)
    async with pinged(box, tmp_path) as far:
        assert far.connections == []
        await box.advance("2m")
        reasons = [entry.event.reason for entry in box.journal("dialFailed")]
        assert reasons == ["connection refused"] * 2
        assert len(far.live) == 1
        assert [entry.event.ok for entry in box.journal("pathPing")] == [False, False, True]


async def tcp_timeout(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tcp.timeout", match="P", times=1)
    async with pinged(box, tmp_path) as far:
        assert far.connections == []
        assert [each.state for each in box.connections()] == ["connecting"]
        await box.advance("59s")
        (failed,) = [entry.event for entry in box.journal("dialFailed")]
        assert failed.reason == "tcpConnectTimeout ran out"
        await box.advance("1m")
        assert len(far.live) == 1


HANDSHAKES: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "tls.cut": tls_cut,
    "tls.hello": tls_hello,
    "tls.flight": tls_flight,
    "tls.secured": tls_secured,
    "tls.hang": tls_hang,
    "tls.alert": tls_alert,
    "tls.chain": tls_chain,
    "tls.outdated": tls_outdated,
    "tls.resume": tls_resume,
    "sip.unsent": sip_unsent,
    "sip.ignored": sip_ignored,
    "tcp.refused": tcp_refused,
    "tcp.timeout": tcp_timeout,
}
