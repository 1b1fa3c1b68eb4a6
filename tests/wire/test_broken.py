"""Everything that people meet and that is wrong: what the box says when it is imported, and when it is shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import testca
from boxes import LINES, certificate_files
from pingedbox import VERSIONS, tls_port
from sftpfiles import upload
from tlsbox import SET_PROFILE

from sbcsim.clock import VirtualClock
from sbcsim.errors import PeerError
from sbcsim.pki import broken
from sbcsim.simulator import Simulator
from sbcsim.testing import Authority, SipPeer

HERE = "set addressContext default zone Z ipPeer HERE ipAddress 127.0.0.1 ipPort 5061"
IMPORT = f"set system security pki certificate NEW fileName new.p12 type local passPhrase {broken.PASS_PHRASE}"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(testca.START)


@pytest.fixture
def authority(clock: VirtualClock) -> Authority:
    own = testca.authority().certificate
    return Authority(
        "Test CA", not_before=own.not_before, not_after=own.not_after, key_type="rsa", key=testca.authority().key,
        now=clock.reading,
    )  # fmt: skip


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def box(tmp_path: Path, clock: VirtualClock, version: str) -> AsyncIterator[Simulator]:
    file = tmp_path / "box.cli"
    file.write_text("\n".join((*LINES, HERE, f"{SET_PROFILE}{VERSIONS[version]}")) + "\n")
    files = certificate_files() | {"ca.der": testca.authority().certificate.der}
    async with Simulator(file, clock=clock, files=files) as box:
        yield box


@pytest.mark.parametrize("version", ["TLSv1.2"], indirect=True)
@pytest.mark.parametrize("wrong", broken.FILES.values(), ids=broken.FILES)
async def test_a_file_that_is_imported(box: Simulator, authority: Authority, wrong: broken.BrokenFile) -> None:
    await upload(box, {"new.p12": wrong.make(authority)})
    said = [box.cli(line) for line in ("configure", IMPORT, f"{IMPORT} state enabled", "commit")][-1]
    if not wrong.says:
        assert "Commit complete." in said
        assert "NEW" in {each.name for each in box.certificates() if each.serial}
        return
    assert re.search(rf"Aborted: 'system security pki certificate NEW \w+'.*: {re.escape(wrong.says)}", said), said


@pytest.mark.parametrize("wrong", broken.CERTIFICATES.values(), ids=broken.CERTIFICATES)
async def test_a_certificate_that_is_shown(
    box: Simulator, authority: Authority, clock: VirtualClock, version: str, wrong: broken.BrokenCertificate
) -> None:
    if wrong.named:
        for line in ("configure", f"{SET_PROFILE}peerNameVerify enabled", "commit"):
            assert "error" not in box.cli(line)
    peer = SipPeer(wrong.make(authority), authority.certificate, clock.reading)
    try:
        if wrong.alert is None:
            assert await peer.ping(await peer.dial("127.0.0.1", tls_port(box))) == 200
            return
        with pytest.raises(PeerError):
            await peer.ping(await peer.dial("127.0.0.1", tls_port(box)))
        await peer.wait_for(lambda: bool(peer.attempts[0].alert_received))
        failed = await box.wait_for("handshake", ok=False)
        assert (peer.attempts[0].alert_received, failed.event.alert_sent, failed.event.reason) == (
            wrong.alert,
            wrong.alert,
            wrong.reason,
        )
    finally:
        await peer.close()


@pytest.mark.parametrize("table", [broken.CERTIFICATES, broken.FILES])
def test_each_says_what_people_see(table: dict[str, object]) -> None:
    assert len(table) >= 17
    for name in table:
        assert getattr(broken, name).__doc__.startswith("Return ")
