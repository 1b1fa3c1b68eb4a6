"""Test a tool that renews certificates: `renew` stands for the tool, the rest is the test."""

import asyncio
from pathlib import Path

import asyncssh

import sbcsim
from sbcsim.net.peer import SipPeer
from sbcsim.pki.mint import Authority

HERE = Path(__file__).parent
LOGIN = {"username": "admin", "password": "admin", "known_hosts": None}


async def renew(ports, pkcs12):
    """Upload by SFTP, type by SSH."""
    async with (
        asyncssh.connect(*ports.sftp, **LOGIN) as ssh,
        ssh.start_sftp_client() as sftp,
        sftp.open("/opt/sonus/external/new.p12", "wb") as file,
    ):
        await file.write(pkcs12)
    async with asyncssh.connect(*ports.cli, **LOGIN) as ssh:
        typed = "configure\n" + (HERE / "renewal.cli").read_text() + "commit\n"
        print((await ssh.run(typed, check=True)).stdout)


async def main():
    ca = Authority("Example CA", not_before="2025-01-01T00:00:00Z", not_after="2035-01-01T00:00:00Z", key_type="rsa")
    old = ca.issue("sbc.example.com", not_after="2026-03-02T12:00:00Z")
    new = ca.issue("sbc.example.com", not_after="2027-01-15T00:00:00Z")
    files = {"ca.pem": ca.certificate.pem().encode(), "old.p12": old.pkcs12("secret")}
    async with sbcsim.Simulator(HERE / "box.cli", files=files, clock="virtual@2026-01-01T00:00:00Z") as sbc:
        peer = SipPeer(ca.issue("peer.example.com"), ca.certificate, sbc.clock.reading)
        await peer.dial(*sbc.ports.sip[0].address)
        await renew(sbc.ports, new.pkcs12("secret"))
        await peer.dial(*sbc.ports.sip[0].address)
        for step in ("30d", "30d13h", "1d"):
            await sbc.advance(step)
            used = {each.id: each.local_certificate.name for each in sbc.connections()}
            print(f"{sbc.clock.now():%Y-%m-%d %H:%M}", used)
        await peer.close()


asyncio.run(main())
