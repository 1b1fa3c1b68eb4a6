"""Every parameter of the tlsProfile and what it changes on the wire, as the programs of others see it.

A row sets a parameter, lets `sslscan`, `openssl s_client` or `openssl s_server` look, and says what they find. A leaf
of the model that no two rows tell apart fails here, except where it is stored only, or proved with what it names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import testca
from failurerow import of_a_stranger, only_for
from meeting import SOMEBODY_HERE
from profileviews import (
    ANY_VERSION,
    Looks,
    answered,
    called,
    called_twice,
    nobody,
    scan,
    scanned,
    stalled,
    unknown,
)
from tlsbox import SET_PROFILE

from sbcsim.pki.mint import Purpose
from sbcsim.schema import load

pytestmark = pytest.mark.interop

SUITE = "ECDHE-RSA-AES256-GCM-SHA384"
VERSIONS = ("v1_0", "v1_1", "v1_2", "v1_3")
EVERY_VERSION = "v1_0 enabled v1_1 enabled v1_2 enabled v1_3 enabled"
ONLY = "v1_0 disabled v1_1 disabled v1_2 disabled v1_3 disabled"

SUITES = {
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
"""What each suite of the box is to OpenSSL."""

NEVER_OFFERED = ("nosuite", "rsa-with-null-sha", "rsa-with-3des-ede-cbc-sha")

STORED_ONLY = {"hashType": ("md5", "sha512"), "suppressEmptyFragments": ("disabled", "enabled")}
"""Leaves that change nothing, with two of their values."""

PROVED_ELSEWHERE = {"ocspProfileName"}


@dataclass(frozen=True)
class Row:
    """A parameter, the lines that set it, who looks, and what he says."""

    leaf: str
    lines: tuple[str, ...]
    looks: Looks
    finds: str

    @property
    def id(self) -> str:
        """What is set, and who looks."""
        looks = getattr(self.looks, "func", self.looks)
        words = [re.sub(rf"^{re.escape(SET_PROFILE)}", "", line) for line in self.lines]
        return f"{self.leaf}: {', '.join(words) or 'default'}, {looks.__name__}"


def row(leaf: str, settings: str, looks: Looks, finds: str, *lines: str) -> Row:
    """Return a row whose settings are those of the profile."""
    return Row(leaf, (*lines, f"{SET_PROFILE}{settings}") if settings else lines, looks, finds)


OLDER = "cipherSuite2 tls_ecdhe_rsa_with_aes_128_cbc_sha"
RENEWED = "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled"
ALL_1_3 = "TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256"
THREE = "cipherSuite1 {} cipherSuite2 {} cipherSuite3 {}"
A, B, C = "tls_rsa_with_aes_128_gcm_sha256", "tls_ecdhe_rsa_with_aes_256_cbc_sha384", "rsa-with-aes-256-cbc-sha-256"
IN_ORDER = {name: SUITES[name] for name in (A, B, C)}
SERVED = f"TLSv1.2 {SUITE}, shown OLD"

ROWS = [
    # Versions: what the box speaks as server, and which one it comes to as client where every one is spoken.
    *(
        row(leaf, f"{ONLY} {leaf} enabled {OLDER}", looks, finds)
        for leaf, version, scan_says, suites in (
            ("v1_0", "TLSv1", "TLSv1.0 ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"),
            ("v1_1", "TLSv1.1", "TLSv1.1 ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"),
            ("v1_2", "TLSv1.2", f"TLSv1.2 {SUITE} ECDHE-RSA-AES128-SHA", f"{SUITE}:ECDHE-RSA-AES128-SHA"),
            (
                "v1_3",
                "TLSv1.3",
                "TLSv1.3 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256",
                "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
            ),
        )
        for looks, finds in ((scanned, scan_says), (answered, f"{version} {suites}, shown OLD"))
    ),
    *(
        row(
            leaf,
            f"{EVERY_VERSION} cipherSuite1 tls_ecdhe_rsa_with_aes_128_cbc_sha {leaf} disabled",
            scanned,
            "; ".join(
                f"{version} {'ECDHE-RSA-AES128-SHA' if version != 'TLSv1.3' else ALL_1_3}"
                for other, version in (
                    ("v1_0", "TLSv1.0"),
                    ("v1_1", "TLSv1.1"),
                    ("v1_2", "TLSv1.2"),
                    ("v1_3", "TLSv1.3"),
                )
                if other != leaf
            ),
        )
        for leaf in VERSIONS
    ),
    row("v1_2", ONLY, partial(called, arguments=ANY_VERSION), "alert 70"),
    # Suites: each one, the order of three in both roles, and what is never spoken.
    *(
        row(
            f"cipherSuite{number}",
            THREE.format(*names),
            looks,
            f"TLSv1.2 {' '.join(SUITES[name] for name in names)}"
            if looks is scanned
            else f"TLSv1.2 {':'.join(SUITES[name] for name in names)}, shown OLD",
        )
        for number, names in enumerate(((A, B, C), (B, C, A), (C, A, B)), start=1)
        for looks in (scanned, answered)
    ),
    *(
        row(
            f"cipherSuite{number}",
            THREE.format(*("nosuite" if each != number else A for each in (1, 2, 3))),
            scanned,
            f"TLSv1.2 {SUITES[A]}",
        )
        for number in (1, 2, 3)
    ),
    row(
        "cipherSuite1",
        f"{ONLY} v1_3 enabled {THREE.format('tls_chacha20_poly1305_sha256', 'tls_aes_128_gcm_sha256', 'nosuite')}",
        scanned,
        "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256",
    ),
    # Who is who.
    row("authClient", "authClient true", called, SERVED),
    row("authClient", "authClient true", partial(called, issued=nobody), "alert 40"),
    row(
        "authClient",
        "authClient false",
        partial(called, issued=nobody),
        f"{SERVED}, not asked",
        SOMEBODY_HERE,
    ),
    row("allowedRoles", "allowedRoles clientandserver", answered, f"TLSv1.2 {SUITE}, shown OLD"),
    row("allowedRoles", "allowedRoles server", answered, "tlsProfile TLS allows the server role only"),
    row("allowedRoles", "allowedRoles server", called, SERVED),
    row("serverCertName", "serverCertName OLD", called, SERVED, RENEWED),
    row("serverCertName", "serverCertName NEW", called, f"TLSv1.2 {SUITE}, shown NEW", RENEWED),
    row("serverCertName", "", called, "alert 40", "delete profiles security tlsProfile TLS serverCertName"),
    row("clientCertName", "clientCertName OLD", answered, f"TLSv1.2 {SUITE}, shown OLD", RENEWED),
    row("clientCertName", "clientCertName NEW", answered, f"TLSv1.2 {SUITE}, shown NEW", RENEWED),
    # Timers.
    row("handshakeTimer", "", stalled, "5 s"),
    row("handshakeTimer", "handshakeTimer 1", stalled, "1 s"),
    row("handshakeTimer", "handshakeTimer 60", stalled, "60 s"),
    row("appAuthTimer", "authClient false", unknown, "5 s"),
    row("appAuthTimer", "authClient false appAuthTimer 60", unknown, "60 s"),
    row("sessionResumpTimer", "", called_twice, "resumed"),
    row("sessionResumpTimer", "sessionResumpTimer 101", called_twice, "resumed"),
    row("sessionResumpTimer", "sessionResumpTimer 100", called_twice, "new"),
    row("sessionResumpTimer", "sessionResumpTimer 0", called_twice, "nothing to come back with"),
    # How certificates are judged.
    *(
        row(leaf, f"{leaf} {value}", partial(looks, issued=issued), finds, *lines)
        for looks, lines, mine, others, address in (
            (called, (SOMEBODY_HERE,), Purpose.CLIENT, Purpose.SERVER, "127.0.0.1"),
            (answered, (), Purpose.SERVER, Purpose.CLIENT, "192.0.2.10"),
        )
        for leaf, strict, lax, good, bad, alert in (
            (
                "acceptableCertValidationErrors",
                "none",
                "invalidPurpose",
                partial(only_for, mine),
                partial(only_for, others),
                43,
            ),
            ("peerCertValidate", "true", "false", testca.peer, of_a_stranger, 48),
            ("peerNameVerify", "enabled", "disabled", partial(testca.peer, address), testca.peer, 42),
        )
        for value, issued, finds in ((strict, good, SERVED), (strict, bad, f"alert {alert}"), (lax, bad, SERVED))
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_a_parameter_of_the_profile_on_the_wire(tmp_path: Path, row: Row) -> None:
    assert await row.looks(tmp_path, row.lines) == row.finds


@pytest.mark.parametrize("suite", SUITES)
async def test_every_suite(tmp_path: Path, suite: str) -> None:
    name = SUITES[suite]
    version, newest = ("TLSv1.3", "enabled") if name.startswith("TLS_") else ("TLSv1.2", "disabled")
    shown = "EC" if "ECDSA" in name else "OLD"
    lines = (
        "set system security pki certificate EC fileName ec.p12 type local passPhrase secret state enabled",
        f"{SET_PROFILE}{THREE.format(suite, 'nosuite', 'nosuite')} v1_3 {newest} serverCertName {shown}",
    )
    assert await called(tmp_path, lines, arguments=ANY_VERSION) == f"{version} {name}, shown {shown}"


@pytest.mark.parametrize("suite", NEVER_OFFERED)
async def test_suites_that_are_never_offered(tmp_path: Path, suite: str) -> None:
    lines = (f"{SET_PROFILE}{THREE.format(suite, suite, suite)}",)
    assert await called(tmp_path, lines, arguments=ANY_VERSION) == "alert 40"


@pytest.mark.parametrize("leaf", STORED_ONLY)
async def test_what_is_stored_only_changes_nothing(tmp_path: Path, leaf: str) -> None:
    found = []
    for value in STORED_ONLY[leaf]:
        everything = f"{SET_PROFILE}{EVERY_VERSION} {OLDER} {leaf} {value}"
        seen = await scan(tmp_path, everything, arguments=("--show-sigs",))
        found.append(sorted(tuple(sorted({**each.attrib, "of": each.tag}.items())) for each in seen))
    assert found[0] == found[1]
    assert len(found[0]) > 10


def test_every_leaf_of_the_model_is_proved() -> None:
    profile = load.load().descend(("profiles", "security", "tlsProfile"))
    found = defaultdict(set)
    for each in ROWS:
        found[each.leaf].add(each.finds)
    proved = {leaf for leaf, finds in found.items() if len(finds) > 1}
    assert proved | STORED_ONLY.keys() | PROVED_ELSEWHERE == profile.children.keys() - {"name"}
    assert {*SUITES, *NEVER_OFFERED} == set(profile.children["cipherSuite1"].type.choices())
