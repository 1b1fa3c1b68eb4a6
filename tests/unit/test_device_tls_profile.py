"""tlsProfile: from its leaves to the settings of a handshake."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box
from livebox import LISTENER, SET_PROFILE, chain, live_box
from OpenSSL import SSL

from sbcsim.device.effects import Direction
from sbcsim.device.objects import DEFAULT_TLS_PROFILE
from sbcsim.device.tlsprofile import OPENSSL_NAMES, TLS13_NAMES, TlsProfile, read_tls_profile
from sbcsim.schema import load

PATH = ("profiles", "security", "tlsProfile")


def profile(*leaves: str) -> TlsProfile:
    box = Box()
    if leaves:
        box.commit(*(f"{SET_PROFILE}{leaf}" for leaf in leaves))
    return read_tls_profile(box.database.running, "TLS")


def test_the_defaults():
    found = profile("handshakeTimer 5")
    assert found == TlsProfile(
        name="TLS",
        server_certificate="",
        client_certificate="",
        client_role=True,
        auth_client=True,
        validate_peer=True,
        tolerate_purpose=False,
        verify_name=False,
        ocsp_profile="",
        versions=frozenset({"TLSv1.2"}),
        ciphers=("AES128-SHA",),
        handshake_seconds=5,
        resumption_seconds=3600,
        app_auth_seconds=5,
    )


def test_the_default_profile_can_be_read_without_being_configured():
    assert read_tls_profile(Box().database.running, DEFAULT_TLS_PROFILE).versions == {"TLSv1.2"}


@pytest.mark.parametrize(
    ("leaves", "versions"),
    [
        (["v1_2 disabled"], set()),
        (["v1_0 enabled v1_1 enabled"], {"TLSv1", "TLSv1.1", "TLSv1.2"}),
        (["v1_2 disabled v1_3 enabled"], {"TLSv1.3"}),
        (["v1_3 enabled"], {"TLSv1.2", "TLSv1.3"}),
    ],
)
def test_versions(leaves, versions):
    assert profile(*leaves).versions == versions


@pytest.mark.parametrize(
    ("leaves", "ciphers"),
    [
        (["cipherSuite1 nosuite"], ()),
        (["cipherSuite1 rsa-with-null-sha"], ()),
        (["cipherSuite1 rsa-with-3des-ede-cbc-sha cipherSuite2 rsa-with-aes-256-cbc-sha"], ("AES256-SHA",)),
        (
            [
                "cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384 cipherSuite2 rsa-with-aes-128-cbc-sha",
                "cipherSuite3 tls_ecdhe_rsa_with_aes_256_gcm_sha384",
            ],
            ("ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA"),
        ),
        (["v1_3 enabled"], ("AES128-SHA", *TLS13_NAMES)),
        (
            ["v1_3 enabled cipherSuite2 tls_chacha20_poly1305_sha256"],
            ("AES128-SHA", "TLS_CHACHA20_POLY1305_SHA256"),
        ),
    ],
)
def test_suites_in_order_of_preference_each_once(leaves, ciphers):
    assert profile(*leaves).ciphers == ciphers


def test_every_suite_of_the_model_is_known_or_never_offered():
    leaf = load.load().children["profiles"].children["security"].children["tlsProfile"].children["cipherSuite1"]
    never = {"nosuite", "rsa-with-null-sha", "rsa-with-3des-ede-cbc-sha"}
    assert set(leaf.type.choices()) == set(OPENSSL_NAMES) | never


@pytest.mark.parametrize("name", OPENSSL_NAMES.values())
def test_openssl_knows_every_suite_by_its_name(name):
    connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    if not name.startswith("TLS_"):
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_cipher_list(f"{name}:@SECLEVEL=0".encode())
        connection = SSL.Connection(context)
    assert name in connection.get_cipher_list()


@pytest.mark.parametrize(
    ("leaves", "inbound", "outbound"),
    [([], True, True), (["authClient false"], False, True), (["authClient true"], True, True)],
)
def test_as_client_the_box_always_wants_a_certificate(leaves, inbound, outbound):
    found = profile("handshakeTimer 5", *leaves)
    assert found.settings(Direction.INBOUND).require_certificate is inbound
    assert found.settings(Direction.OUTBOUND).require_certificate is outbound


def test_the_remaining_leaves():
    found = profile(
        "allowedRoles server peerCertValidate false acceptableCertValidationErrors invalidPurpose",
        "peerNameVerify enabled handshakeTimer 9 appAuthTimer 11",
    )
    assert not found.client_role
    assert found.verify_name
    assert (found.handshake_seconds, found.app_auth_seconds) == (9, 11)
    settings = found.settings(Direction.OUTBOUND)
    assert (settings.validate_peer, settings.tolerate_purpose) == (False, True)


def test_equal_leaves_give_equal_settings_whatever_the_certificates():
    box = live_box()
    before = read_tls_profile(box.database.running, "TLS")
    box.commit(f"delete {' '.join(PATH)} TLS serverCertName")
    after = read_tls_profile(box.database.running, "TLS")
    assert (before.certificate(Direction.INBOUND), before.certificate(Direction.OUTBOUND)) == ("OLD", "OLD")
    assert (after.certificate(Direction.INBOUND), after.certificate(Direction.OUTBOUND)) == ("", "OLD")
    assert before.settings(Direction.INBOUND) == after.settings(Direction.INBOUND)


@pytest.mark.parametrize("leaf", ["v1_2 disabled v1_3 enabled", "cipherSuite1 nosuite", "peerCertValidate false"])
def test_a_change_holds_for_new_connections_only(leaf):
    box = live_box()
    old = box.connect(LISTENER, chain(testca.peer()))
    box.slow_handshakes = True
    begun = box.connect(LISTENER, chain(testca.peer()))
    box.commit(f"{SET_PROFILE}{leaf}")
    new = box.connect(LISTENER, chain(testca.peer()))
    assert box.sbc.connection(old) is not None
    assert box.handshaking[begun].settings != box.handshaking[new].settings
    assert box.sbc.connection(begun).validate_peer
