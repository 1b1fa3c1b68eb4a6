"""OCSP with a responder of ours over HTTP: handshakes, the re-check, and every way in which there is no answer."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sippeers
import testca
from pingedbox import tls_port
from tlsbox import SET_PROFILE, commit, counters, tls_box

from sbcsim.device import certcheck
from sbcsim.device.effects import AskOcsp
from sbcsim.net.ocsp import OcspClient
from sbcsim.net.ocspresponder import OcspBehaviour, OcspResponder
from sbcsim.pki.ocsp import REQUEST_TYPE, Answer
from sbcsim.simulator import Simulator

SET_OCSP = "set profiles security ocspProfile O "
PEER = testca.peer().certificate


@pytest.fixture
async def responder() -> AsyncIterator[OcspResponder]:
    async with OcspResponder(testca.authority()) as running:
        yield running


@pytest.fixture
async def box(tmp_path: Path, responder: OcspResponder) -> AsyncIterator[Simulator]:
    lines = (f"{SET_OCSP}state enabled defaultResponder {responder.url}", f"{SET_PROFILE}ocspProfileName O")
    async with tls_box(tmp_path, *lines) as box:
        yield box


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[sippeers.Peer]:
    async with sippeers.peer(testca.peer(), tmp_path) as peer:
        yield peer


def statistics(box: Simulator) -> dict[str, int]:
    shown = box.cli("show status system security ocspStatistics")
    return {name: int(value) for name, value in re.findall(r"(ocsp\w+) +(\d+);", shown) if int(value)}


def reasons(box: Simulator) -> list[str]:
    return [entry.event.reason for entry in box.journal("ocsp")]


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_good_peer_is_let_in(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer, pieces: int
) -> None:
    responder.behave(pieces=pieces)
    seen = await peer.dial(tls_port(box))
    assert await peer.ping(seen) == 200
    assert [each.serial for each in responder.asked] == [PEER.serial]
    assert statistics(box) == {"ocspRequestAttempts": 1, "ocspResponsesGood": 1}
    (asked,) = responder.asked
    assert (asked.target, asked.headers["content-type"]) == ("/ca/ocsp", REQUEST_TYPE)
    assert asked.headers["host"] == responder.url.split("/")[2]


# What the box counts, and what its journal says where the answer cannot be used.
MADE_OF_IT: dict[OcspBehaviour, tuple[str, str]] = {
    OcspBehaviour.ANSWERS: ("ocspResponsesGood", ""),
    OcspBehaviour.GOOD: ("ocspResponsesGood", ""),
    OcspBehaviour.STALE: ("ocspResponsesGood", ""),
    OcspBehaviour.WITHOUT_NONCE: ("ocspResponsesGood", ""),
    OcspBehaviour.UNKNOWN: ("ocspResponsesUnknown", ""),
    OcspBehaviour.FORGED: ("ocspResponsesUnknown", "answer is not signed by an authorized responder"),
    OcspBehaviour.OTHER_NONCE: ("ocspResponsesUnknown", "answer is to another question"),
    OcspBehaviour.NONSENSE: ("ocspResponsesUnknown", "answer cannot be read"),
    OcspBehaviour.TRY_LATER: ("ocspTryLaters", ""),
    OcspBehaviour.INTERNAL_ERROR: ("ocspInternalErrors", ""),
    OcspBehaviour.MALFORMED_REQUEST: ("ocspMalformedRequests", ""),
    OcspBehaviour.SIGNATURE_REQUIRED: ("ocspSigRequired", ""),
    OcspBehaviour.UNAUTHORIZED: ("ocspUnauthorized", ""),
    OcspBehaviour.HTTP_ERROR: ("ocspRepondersUnreachable", "HTTP status 503"),
    OcspBehaviour.CLOSES: ("ocspRepondersUnreachable", "closed without an answer"),
}


def test_every_behaviour_is_tried() -> None:
    elsewhere = {OcspBehaviour.SILENT, OcspBehaviour.HELD, OcspBehaviour.REVOKED}
    assert {*MADE_OF_IT} | elsewhere == {*OcspBehaviour}


@pytest.mark.parametrize("behaviour", MADE_OF_IT)
async def test_what_the_box_makes_of_each_behaviour(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer, behaviour: OcspBehaviour
) -> None:
    responder.behave(behaviour)
    assert await peer.ping(await peer.dial(tls_port(box))) == 200
    counter, reason = MADE_OF_IT[behaviour]
    assert statistics(box) == {"ocspRequestAttempts": 1, counter: 1}
    assert reasons(box) == [reason]


async def test_what_the_authority_has_revoked_is_revoked(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer
) -> None:
    testca.authority().revoke(PEER)
    try:
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
            await peer.dial(tls_port(box))
    finally:
        testca.authority().reinstate(PEER)
    responder.behave(OcspBehaviour.REVOKED)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
        await peer.dial(tls_port(box))
    responder.behave()
    assert await peer.ping(await peer.dial(tls_port(box))) == 200


async def test_a_revoked_peer_is_told_so(box: Simulator, responder: OcspResponder, peer: sippeers.Peer) -> None:
    responder.say(PEER, Answer.REVOKED)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
        await peer.dial(tls_port(box))
    (entry,) = box.journal("handshake")
    assert (entry.event.ok, entry.event.alert_sent, entry.event.reason) == (False, 44, "certificate revoked")
    assert counters(box) == {"clientAuthFailures": 1, "validationFailures": 1, "handshakeFailures": 1}
    responder.say(PEER, None)
    await peer.dial(tls_port(box))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "closed without an answer"),
        (b"SIP/2.0 200 OK\r\n\r\n", "no HTTP answer: "),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP status 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "no HTTP answer: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000, "answer is too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "answer cannot be read"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", "HTTP status 503"),
    ],
    ids=["nothing", "no HTTP", "not found", "short", "long", "nonsense", "busy"],
)
async def test_what_is_no_answer_lets_the_peer_in(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer, raw: bytes, reason: str
) -> None:
    responder.behave(raw=raw)
    seen = await peer.dial(tls_port(box))
    assert await peer.ping(seen) == 200
    (said,) = reasons(box)
    assert said.startswith(reason)
    counter = "ocspResponsesUnknown" if reason == "answer cannot be read" else "ocspRepondersUnreachable"
    assert statistics(box) == {"ocspRequestAttempts": 1, counter: 1}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.7/", "dialling 192.0.2.7 is not allowed: it is outside loopback"),
        ("http://ocsp.example.com/", "ocsp.example.com is not in the host table"),
        ("http://127.0.0.1:{}/", "connection refused"),
    ],
)
async def test_a_responder_out_of_reach(box: Simulator, peer: sippeers.Peer, url: str, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    commit(box, f"{SET_OCSP}defaultResponder {url.format(port)}")
    await peer.dial(tls_port(box))
    assert reasons(box) == [reason]


async def test_a_silent_responder_is_waited_for_in_simulated_time(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer
) -> None:
    responder.behave(OcspBehaviour.SILENT)
    dialling = asyncio.create_task(peer.dial(tls_port(box)))
    await responder.wait_for(lambda: bool(responder.asked))
    await box.advance(seconds=1)
    assert box.journal("handshake") == []
    await box.advance(seconds=1)
    seen = await dialling
    assert await peer.ping(seen) == 200
    assert statistics(box) == {"ocspRequestAttempts": 1, "ocspResponseTimeouts": 1}


async def test_a_storm_of_handshakes_waits_side_by_side(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer
) -> None:
    dialled = await asyncio.gather(*(peer.dial(tls_port(box)) for _ in range(100)))
    assert statistics(box) == {"ocspRequestAttempts": 100, "ocspResponsesGood": 100}
    assert [await peer.ping(seen) for seen in dialled] == [200] * 100


async def test_a_stop_in_the_middle_leaves_nothing(
    tmp_path: Path, responder: OcspResponder, peer: sippeers.Peer
) -> None:
    lines = (f"{SET_OCSP}state enabled defaultResponder {responder.url}", f"{SET_PROFILE}ocspProfileName O")
    responder.behave(OcspBehaviour.SILENT)
    async with tls_box(tmp_path, *lines) as box:
        dialling = asyncio.create_task(peer.dial(tls_port(box)))
        await responder.wait_for(lambda: bool(responder.asked))
    with pytest.raises((ssl.SSLError, OSError)):
        await dialling


async def test_the_recheck_closes_whoever_has_been_revoked_meanwhile(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer
) -> None:
    seen = await peer.dial(tls_port(box))
    await box.advance(hours=25)
    assert seen.live
    responder.say(PEER, Answer.REVOKED)
    await box.advance(hours=24)
    await peer.until(lambda: not seen.live)
    assert seen.end == "close_notify"
    (closed,) = box.journal("connectionClosed")
    assert (closed.event.reason, closed.at.rfc3339()) == ("certificate re-check: revoked", "2026-01-03T00:00:00Z")
    assert "CN=" not in box.cli("show status alarms currentStatus | match desc")
    assert ": revoked" in box.cli("show status alarms currentStatus | match desc")


async def test_whom_an_answer_that_comes_late_calls_revoked_is_closed_though_the_clock_stands(
    box: Simulator, responder: OcspResponder, peer: sippeers.Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certcheck, "CLOSED_AT_ONCE", 1)
    seen = [await peer.dial(tls_port(box)) for _ in range(3)]
    responder.say(PEER, Answer.REVOKED)
    responder.behave(OcspBehaviour.HELD)
    await box.advance(hours=24)
    assert all(each.live for each in seen)
    responder.behave()
    await peer.until(lambda: not any(each.live for each in seen))
    (check,) = box.journal("certificateCheck")
    assert (check.event.failed, check.at.rfc3339()) == (3, "2026-01-02T00:00:00Z")


async def test_a_reset_in_the_middle_begins_anew(box: Simulator, responder: OcspResponder, peer: sippeers.Peer) -> None:
    responder.behave(OcspBehaviour.SILENT)
    dialling = asyncio.create_task(peer.dial(tls_port(box)))
    await responder.wait_for(lambda: bool(responder.asked))
    await box.reset()
    with pytest.raises((ssl.SSLError, OSError)):
        await dialling
    assert statistics(box) == {}
    await box.advance(minutes=1)


@pytest.mark.parametrize("path", ["a b", "ü"])
async def test_an_address_that_nobody_can_ask_is_told_at_once(
    tmp_path: Path, responder: OcspResponder, path: str
) -> None:
    answers: asyncio.Queue[tuple[int, bytes | None, str]] = asyncio.Queue()
    server = "127.0.0.1", urlsplit(responder.url).port or 0
    asker = OcspClient(lambda _server: server, lambda *answer: answers.put_nowait(answer))
    asker.ask(AskOcsp(1, server, f"{responder.url}{path}", b"question"))
    assert await asyncio.wait_for(answers.get(), 10) == (1, None, "no HTTP request can be made of the address")
    await asker.close()
