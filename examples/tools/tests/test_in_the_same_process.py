"""The asyncssh tool as a module, on the event loop of the test, beside a box on the same loop."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("rotate_asyncssh", Path(__file__).parents[1] / "rotate_asyncssh.py")
rotate_asyncssh = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rotate_asyncssh)


@pytest.mark.asyncio
@pytest.mark.sbc(lines="set profiles security tlsProfile TLS cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384")
async def test_without_a_port_there_is_nothing_to_look_at(async_sbc, test_ca, tmp_path, capsys):
    (tmp_path / "new.p12").write_bytes(test_ca.issue("sbc.example.com").pkcs12("secret"))
    status = await rotate_asyncssh.rotate(
        {
            "SBC_HOST": async_sbc.ports.cli.host,
            "SBC_CLI_PORT": str(async_sbc.ports.cli.port),
            "SBC_SFTP_PORT": str(async_sbc.ports.sftp.port),
            "SBC_USER": "admin",
            "SBC_PASSWORD": "admin",
            "SBC_KNOWN_HOSTS": "none",
            "SBC_TLS_PROFILE": "TLS",
            "SBC_OLD_CERT": "OLD",
            "SBC_NEW_CERT": "NEW",
            "SBC_NEW_P12": str(tmp_path / "new.p12"),
            "SBC_NEW_P12_PASSPHRASE": "secret",
        }
    )
    assert status == rotate_asyncssh.NOT_SERVED
    assert "nothing to look at" in capsys.readouterr().out
    async_sbc.expect("certificateLoaded", certificate__name="NEW")
