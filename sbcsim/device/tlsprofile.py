"""tlsProfile: from its leaves to the settings of a handshake (sbc-model, TLS profiles and cipher suites)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from sbcsim.config.tree import EMPTY, Branch, Place, Tree, locate
from sbcsim.schema.node import Node
from sbcsim.schema.types import Value

from .effects import Direction, TlsSettings

OPENSSL_NAMES = {
    "rsa-with-aes-128-cbc-sha": "AES128-SHA",
    "rsa-with-aes-128-cbc-sha-256": "AES128-SHA256",
    "rsa-with-aes-256-cbc-sha": "AES256-SHA",
    "rsa-with-aes-256-cbc-sha-256": "AES256-SHA256",
    "tls_ecdhe_rsa_with_aes_256_cbc_sha384": "ECDHE-RSA-AES256-SHA384",
    "tls_ecdhe_rsa_with_aes_128_cbc_sha": "ECDHE-RSA-AES128-SHA",
    "tls_ecdh_ecdsa_with_aes_256_gcm_sha384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "tls_ecdh_ecdsa_with_aes_256_cbc_sha384": "ECDHE-ECDSA-AES256-SHA384",
    "tls_rsa_with_aes_128_gcm_sha256": "AES128-GCM-SHA256",
    "tls_rsa_with_aes_256_gcm_sha384": "AES256-GCM-SHA384",
    "tls_ecdhe_rsa_with_aes_128_gcm_sha256": "ECDHE-RSA-AES128-GCM-SHA256",
    "tls_ecdhe_rsa_with_aes_256_gcm_sha384": "ECDHE-RSA-AES256-GCM-SHA384",
    "tls_aes_128_gcm_sha256": "TLS_AES_128_GCM_SHA256",
    "tls_aes_256_gcm_sha384": "TLS_AES_256_GCM_SHA384",
    "tls_chacha20_poly1305_sha256": "TLS_CHACHA20_POLY1305_SHA256",
}
"""Suites that can be negotiated; `nosuite`, `rsa-with-null-sha` and 3DES are never offered."""

TLS13_NAMES = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")

LIST = ("profiles", "security", "tlsProfile")

_VERSIONS = (("v1_0", "TLSv1"), ("v1_1", "TLSv1.1"), ("v1_2", "TLSv1.2"), ("v1_3", "TLSv1.3"))


@dataclass(frozen=True, slots=True)
class TlsProfile:
    """A tlsProfile as it stands at the start of one handshake."""

    name: str
    server_certificate: str
    client_certificate: str
    client_role: bool
    auth_client: bool
    validate_peer: bool
    tolerate_purpose: bool
    verify_name: bool
    ocsp_profile: str
    versions: frozenset[str]
    ciphers: tuple[str, ...]
    handshake_seconds: int
    resumption_seconds: int
    app_auth_seconds: int
    inbound: TlsSettings = field(init=False, repr=False)
    outbound: TlsSettings = field(init=False, repr=False)
    """What shapes the handshake in each direction; as client the box always wants a server certificate."""

    def __post_init__(self) -> None:
        # Made once, since every handshake asks, and what shares a TLS context is found fastest where it is the same.
        object.__setattr__(self, "inbound", self._settings(require_certificate=self.auth_client))
        object.__setattr__(self, "outbound", self._settings(require_certificate=True))

    def certificate(self, direction: Direction) -> str:
        """Return the name of the certificate shown in a direction, "" where none is configured."""
        return self.client_certificate if direction is Direction.OUTBOUND else self.server_certificate

    def settings(self, direction: Direction) -> TlsSettings:
        """Return what shapes the handshake in a direction."""
        return self.outbound if direction is Direction.OUTBOUND else self.inbound

    def _settings(self, *, require_certificate: bool) -> TlsSettings:
        return TlsSettings(
            versions=self.versions,
            ciphers=self.ciphers,
            require_certificate=require_certificate,
            validate_peer=self.validate_peer,
            tolerate_purpose=self.tolerate_purpose,
        )


def read_tls_profile(tree: Tree, name: str) -> TlsProfile:
    """Return a tlsProfile of the configuration."""
    place = _place(tree.schema, name)
    return _read(place.node, name, tree.at(place) or EMPTY)


@lru_cache(maxsize=256)
def _place(schema: Node, name: str) -> Place:
    return locate(schema, (*LIST, name))


# Every handshake asks. The content of an entry is one immutable map: what was read of it stays true.
@lru_cache(maxsize=256)
def _read(node: Node, name: str, entry: Branch) -> TlsProfile:
    def value(leaf: str) -> Value | None:
        found: Value | None = entry.get(leaf, node.children[leaf].default)
        return found

    def text(leaf: str) -> str:
        found = value(leaf)
        return "" if found is None else str(found)

    def number(leaf: str) -> int:
        found = value(leaf)
        return found if isinstance(found, int) else 0

    versions = frozenset(version for leaf, version in _VERSIONS if text(leaf) == "enabled")
    ciphers = tuple(
        dict.fromkeys(
            OPENSSL_NAMES[suite]
            for leaf in ("cipherSuite1", "cipherSuite2", "cipherSuite3")
            if (suite := text(leaf)) in OPENSSL_NAMES
        )
    )
    if "TLSv1.3" in versions and not any(cipher.startswith("TLS_") for cipher in ciphers):
        ciphers += TLS13_NAMES
    return TlsProfile(
        name=name,
        server_certificate=text("serverCertName"),
        client_certificate=text("clientCertName"),
        client_role=text("allowedRoles") != "server",
        auth_client=value("authClient") in {True, "true"},
        validate_peer=value("peerCertValidate") in {True, "true"},
        tolerate_purpose=text("acceptableCertValidationErrors") == "invalidPurpose",
        verify_name=text("peerNameVerify") == "enabled",
        ocsp_profile=text("ocspProfileName"),
        versions=versions,
        ciphers=ciphers,
        handshake_seconds=number("handshakeTimer"),
        resumption_seconds=number("sessionResumpTimer"),
        app_auth_seconds=number("appAuthTimer"),
    )
