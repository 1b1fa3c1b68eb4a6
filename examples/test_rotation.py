"""Test a tool that renews certificates with pytest: `paramiko` stands for the tool, the fixtures are sbcsim's."""

from pathlib import Path

import paramiko
import pytest

HERE = Path(__file__).parent
LOGIN = {"username": "admin", "password": "admin", "look_for_keys": False, "allow_agent": False}


def renew(ports, pkcs12):
    """Upload by SFTP, type by SSH."""
    with paramiko.SSHClient() as ssh:
        ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        ssh.connect(*ports.sftp, **LOGIN)
        with ssh.open_sftp().open("/opt/sonus/external/new.p12", "wb") as file:
            file.write(pkcs12)
    with paramiko.SSHClient() as ssh:
        ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        ssh.connect(*ports.cli, **LOGIN)
        _, out, _ = ssh.exec_command("configure\n" + (HERE / "renewal.cli").read_text() + "commit\n")
        assert out.channel.recv_exit_status() == 0, out.read()


@pytest.fixture
def box(sbc_factory, test_ca):
    old = test_ca.issue("sbc.example.com", not_after="2026-03-02T12:00:00Z")
    files = {"ca.pem": test_ca.certificate.pem().encode(), "old.p12": old.pkcs12("secret")}
    return sbc_factory("box.cli", files=files, clock="virtual@2026-01-01T00:00:00Z")


def test_the_renewed_certificate_is_used_when_the_old_one_has_expired(box, test_ca, sip_peer):
    sip_port = box.ports.sip[0].address.port
    kept = sip_peer.dial(sip_port)
    renew(box.ports, test_ca.issue("sbc.example.com", not_after="2027-01-15T00:00:00Z").pkcs12("secret"))
    sip_peer.dial(sip_port)
    assert [each.local_certificate.name for each in box.connections()] == ["OLD", "NEW"]

    box.advance("61d13h")
    sip_peer.wait_for(lambda: not kept.live)
    assert [each.local_certificate.name for each in box.connections()] == ["NEW"]
    box.expect("connectionClosed", connection=1, reason="certificate re-check: expired")
