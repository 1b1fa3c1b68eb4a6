"""Every finding that keeps a certificate from being enabled, in its own words, and what the commit leaves as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
import testca
from cryptography.hazmat.primitives.asymmetric import ed25519
from drafts import edit
from inmemory import AUTHOR
from livebox import live_box

from sbcsim import grammar
from sbcsim.errors import UserError
from sbcsim.pki.mint import Issued

OBJECT = "system security pki certificate NEW"
LOCAL = f"set {OBJECT} fileName new.p12 type local"
REMOTE = f"set {OBJECT} fileName new.p12 type remote"
ENABLE = f"set {OBJECT} state enabled"

Making = Callable[[], bytes]


@cache
def weak() -> bytes:
    """Return a file with a key that the box does not take."""
    key = ed25519.Ed25519PrivateKey.generate()
    issued = testca.authority().issue("edwards.example.com", key=key)  # type: ignore[arg-type]
    return issued.pkcs12("secret")


def renewed() -> Issued:
    return testca.sbc_renewed()


def joined(*texts: str) -> bytes:
    return "".join(texts).encode()


# Key of the text: what is set, what the file holds, the text, what mends it.
FINDINGS: list[tuple[str, tuple[str, ...], Making | None, str, str]] = [
    (
        "not_configured",
        (LOCAL,),
        lambda: renewed().pkcs12("secret"),
        "'... passPhrase' is not configured",
        f"set {OBJECT} passPhrase secret",
    ),
    (
        "not_configured",
        (LOCAL,),
        lambda: joined(renewed().pem(), renewed().key_pem("secret")),
        "'... passPhrase' is not configured",
        f"set {OBJECT} passPhrase secret",
    ),
    (
        "no_file",
        (f"set {OBJECT} fileName none.p12 type local passPhrase secret",),
        lambda: renewed().pkcs12("secret"),
        "'... fileName' (value \"none.p12\"): file not found in /opt/sonus/external",
        f"set {OBJECT} fileName new.p12",
    ),
    *(
        (
            "not_a_file",
            (line, f"set {OBJECT} passPhrase secret"),
            making,
            "'... fileName' (value \"new.p12\"): not a certificate file",
            f"set {OBJECT} fileName good.pem type local",
        )
        for line in (LOCAL, REMOTE)
        for making in (
            lambda: b"",
            lambda: b"nothing of the kind",
            lambda: renewed().pkcs12("secret")[:-20],
            lambda: renewed().der()[:200],
            lambda: joined(renewed().pem()[:300]),
        )
    ),
    *(
        (
            "wrong_pass_phrase",
            (LOCAL, f"set {OBJECT} passPhrase wrong"),
            making,
            "'... passPhrase': wrong pass phrase for file \"new.p12\"",
            f"set {OBJECT} passPhrase secret",
        )
        for making in (
            lambda: renewed().pkcs12("secret"),
            lambda: joined(renewed().pem(), renewed().key_pem("secret")),
        )
    ),
    *(
        (
            "no_key",
            (LOCAL, f"set {OBJECT} passPhrase secret"),
            making,
            "'... fileName' (value \"new.p12\"): no private key in file",
            f"set {OBJECT} type remote",
        )
        for making in (
            lambda: renewed().der(),
            lambda: joined(renewed().pem()),
            lambda: renewed().pkcs12("secret", with_key=False),
        )
    ),
    (
        "other_key",
        (LOCAL,),
        lambda: joined(renewed().pem(), testca.peer().key_pem()),
        "'... fileName' (value \"new.p12\"): private key does not match the certificate",
        f"set {OBJECT} type remote",
    ),
    (
        "several",
        (LOCAL, f"set {OBJECT} passPhrase secret"),
        lambda: renewed().pkcs12("secret", with_chain=True),
        "'... fileName' (value \"new.p12\"): more than one certificate in file",
        f"set {OBJECT} fileName good.pem",
    ),
    (
        "several",
        (REMOTE,),
        lambda: joined(testca.authority().certificate.pem(), testca.stranger().certificate.pem()),
        "'... fileName' (value \"new.p12\"): more than one certificate in file",
        f"set {OBJECT} fileName good.pem",
    ),
    (
        "unsupported_key",
        (LOCAL, f"set {OBJECT} passPhrase secret"),
        weak,
        "'... fileName' (value \"new.p12\"): unsupported key",
        f"set {OBJECT} fileName good.pem",
    ),
    (
        "expired",
        (LOCAL, f"set {OBJECT} passPhrase secret"),
        lambda: testca.sbc("2025-12-20T00:00:00Z").pkcs12("secret"),
        "'... state' (value \"enabled\"): certificate expired on 2025-12-20 00:00:00",
        f"set {OBJECT} fileName good.pem",
    ),
    (
        "expired",
        (REMOTE,),
        lambda: testca.sbc("2025-12-20T00:00:00Z").der(),
        "'... state' (value \"enabled\"): certificate expired on 2025-12-20 00:00:00",
        f"set {OBJECT} fileName good.pem",
    ),
    (
        "not_imported",
        (f"set {OBJECT} type local-internal",),
        None,
        "'... state' (value \"enabled\"): no certificate imported",
        f"set {OBJECT} type local fileName good.pem",
    ),
]


@pytest.mark.parametrize(("key", "lines", "making", "text", "mended"), FINDINGS)
def test_a_finding(key: str, lines: tuple[str, ...], making: Making | None, text: str, mended: str) -> None:
    box = live_box()
    box.put("good.pem", joined(renewed().pem(), renewed().key_pem()))
    if making is not None:
        box.put("new.p12", making())
    running, loaded = box.database.running, dict(box.sbc._chassis.certificates.loaded)
    candidate = edit(box.database.open(AUTHOR), *lines, ENABLE)
    wanted = candidate.tree
    for run in (candidate.check, candidate.commit):
        with pytest.raises(UserError) as refused:
            run(box.now)
        assert refused.value.text == text.replace("...", OBJECT)
    assert (box.database.running, candidate.tree) == (running, wanted)
    assert box.sbc._chassis.certificates.loaded == loaded
    edit(candidate, mended)
    assert candidate.commit(box.now) is not None
    assert "NEW" in box.sbc._chassis.certificates.loaded


def test_every_finding_is_tried() -> None:
    keys = {key.removeprefix("certificate.") for key in grammar._messages() if key.startswith("certificate.")}
    assert {key for key, _, _, _, _ in FINDINGS} == keys
    for key, _, _, text, _ in FINDINGS:
        template = re.escape(grammar.message(f"certificate.{key}"))
        assert re.fullmatch(re.sub(r"\\{[a-z]+\\}", ".+", template), text)


def test_files_are_judged_behind_every_rule() -> None:
    box = live_box()
    with pytest.raises(UserError, match="cannot use port 5060"):
        box.commit(
            LOCAL,
            ENABLE,
            "set addressContext default zone Z sipSigPort 2 ipInterfaceGroupName LIG portNumber 5060",
        )
