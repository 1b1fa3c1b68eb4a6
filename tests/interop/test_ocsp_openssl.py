"""OCSP with OpenSSL's responder, and OpenSSL's client and server as the peers that it knows about."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import testca
from openssl_program import openssl
from tlsbox import SET_PROFILE, Caller, commit, tls_box

from sbcsim.net.hostclock import make_clock
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Authority, Issued, Purpose
from sbcsim.simulator import Simulator
from sbcsim.testing import OcspBehaviour, OcspResponder

pytestmark = pytest.mark.interop

SET_OCSP = "set profiles security ocspProfile O "
BOTH = f"{SET_PROFILE}v1_3 enabled"
VERSIONS = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
PEER, OWN = testca.peer().certificate, testca.sbc().certificate


@contextlib.asynccontextmanager
async def responder(directory: Path, states: dict[Certificate, str], *, delegated: bool = False) -> AsyncIterator[str]:
    """Run `openssl ocsp` as a responder that knows certificates as V (valid) or R (revoked); yields its URL."""
    index = directory / "index.txt"
    index.write_text("".join(_line(certificate, state) for certificate, state in states.items()))
    authority = testca.authority()
    signer, key = authority.certificate.pem(), directory / "responder.key"
    if delegated:
        issued = authority.issue("responder.example.com", purpose=Purpose.OCSP)
        signer = issued.pem()
        key.write_text(issued.key_pem())
    else:
        key.write_text(Issued(authority.certificate, authority.key).key_pem())
    (directory / "responder.pem").write_text(signer)
    (directory / "issuer.pem").write_text(authority.certificate.pem())
    async with openssl(
        "ocsp", "-port", "0", "-index", str(index), "-CA", str(directory / "issuer.pem"),
        "-rsigner", str(directory / "responder.pem"), "-rkey", str(key),
    ) as program:  # fmt: skip
        port = (await program.read_until(r"ACCEPT \S*:(\d+)"))[1]
        yield f"http://127.0.0.1:{port}/"


def _line(certificate: Certificate, state: str) -> str:
    revoked = "260101000000Z" if state == "R" else ""
    return f"{state}\t400101000000Z\t{revoked}\t{certificate.serial}\tunknown\t/CN={certificate.common_name}\n"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with tls_box(tmp_path, BOTH, f"{SET_OCSP}state enabled", f"{SET_PROFILE}ocspProfileName O") as box:
        yield box


def said(box: Simulator) -> list[tuple[str, str]]:
    return [(entry.event.answer, entry.event.reason) for entry in box.journal("ocsp")]


@VERSIONS
@pytest.mark.parametrize("delegated", [False, True], ids=["the issuer signs", "a delegate signs"])
async def test_a_peer_that_the_responder_calls_good(
    box: Simulator, tmp_path: Path, version: str, *, delegated: bool
) -> None:
    async with responder(tmp_path, {PEER: "V"}, delegated=delegated) as url:
        commit(box, f"{SET_OCSP}defaultResponder {url}")
        visit = await Caller(box, tmp_path, testca.peer(), version).call()
    assert "SIP/2.0 200 OK" in visit.output
    assert said(box) == [("good", "")]


@VERSIONS
async def test_a_peer_that_the_responder_calls_revoked(box: Simulator, tmp_path: Path, version: str) -> None:
    async with responder(tmp_path, {PEER: "R"}) as url:
        commit(box, f"{SET_OCSP}defaultResponder {url}")
        visit = await Caller(box, tmp_path, testca.peer(), version).call()
    assert visit.alert == 44
    assert "SIP/2.0" not in visit.output
    assert said(box) == [("revoked", "")]


async def test_a_peer_that_the_responder_has_never_heard_of(box: Simulator, tmp_path: Path) -> None:
    async with responder(tmp_path, {OWN: "V"}) as url:
        commit(box, f"{SET_OCSP}defaultResponder {url}")
        visit = await Caller(box, tmp_path, testca.peer()).call()
    assert "SIP/2.0 200 OK" in visit.output
    assert said(box) == [("unknown", "")]


async def test_the_certificate_names_its_responder(box: Simulator, tmp_path: Path) -> None:
    async with responder(tmp_path, {PEER: "V"}) as default:
        commit(box, f"{SET_OCSP}defaultResponder {default}")
        own = tmp_path / "own"
        own.mkdir()
        async with contextlib.AsyncExitStack() as stack:
            # Its serial number must be known before its responder is.
            issued = testca.authority().issue("named.example.com", serial=0x7777, ocsp="http://127.0.0.1:9/")
            url = await stack.enter_async_context(responder(own, {issued.certificate: "R"}))
            named = testca.authority().issue("named.example.com", serial=0x7777, ocsp=url)
            assert (await Caller(box, tmp_path, named).call()).alert == 44
            commit(box, f"{SET_OCSP}aiaOverride enabled")
            assert (await Caller(box, tmp_path, named).call()).alert == 0
    assert [answer for answer, _ in said(box)] == ["revoked", "unknown"]


async def test_the_recheck_hears_of_it(box: Simulator, tmp_path: Path) -> None:
    async with responder(tmp_path, {PEER: "V", OWN: "V"}) as url:
        commit(box, f"{SET_OCSP}defaultResponder {url}")
        caller = Caller(box, tmp_path, testca.peer())
        async with caller.stay() as program:
            await box.advance(hours=24)
            assert len(box.connections()) == 1
            revoking = tmp_path / "revoking"
            revoking.mkdir()
            async with responder(revoking, {PEER: "R", OWN: "V"}) as other:
                commit(box, f"{SET_OCSP}defaultResponder {other}")
                await box.advance(hours=24)
            assert box.connections() == []
            assert "closed" in await program.read_all()
    assert said(box)[-2:] == [("good", ""), ("revoked", "")]


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (OcspBehaviour.ANSWERS, "peer.pem: good"),
        (OcspBehaviour.REVOKED, "peer.pem: revoked"),
        (OcspBehaviour.UNKNOWN, "peer.pem: unknown"),
        (OcspBehaviour.TRY_LATER, "Responder Error: trylater (3)"),
        (OcspBehaviour.FORGED, "Response Verify Failure"),
        (OcspBehaviour.OTHER_NONCE, "Nonce Verify error"),
        (OcspBehaviour.STALE, "WARNING: Status times invalid."),
    ],
)
async def test_what_openssl_makes_of_the_responder_of_tests(
    tmp_path: Path, behaviour: OcspBehaviour, said: str
) -> None:
    # OpenSSL goes by the clock of the host.
    authority = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2090-01-01T00:00:00Z")
    peer = authority.issue("peer.example.com")
    (tmp_path / "ca.pem").write_text(authority.certificate.pem())
    (tmp_path / "peer.pem").write_text(peer.pem())
    async with OcspResponder(authority, make_clock("real").reading) as responder:
        responder.behave(behaviour)
        process = await asyncio.create_subprocess_exec(
            *("openssl", "ocsp", "-issuer", "ca.pem", "-cert", "peer.pem", "-url", responder.url, "-CAfile", "ca.pem"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert said in output.decode()
    if behaviour is OcspBehaviour.ANSWERS:
        assert "Response verify OK" in output.decode()
