"""Certificates whose key is made on the box: request, signing, import, use."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import pytest
import testca
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from inmemory import AUTHOR, Box
from livebox import LISTENER, chain, live_box

from sbcsim.errors import UserError
from sbcsim.pki.mint import Issued

NAME = "INT"
PATH = ("system", "security", "pki", "certificate", NAME)
SET = f"set {' '.join(PATH)} "
SUBJECT = "/C=US/O=Example/CN=sbc.example.com"


@pytest.fixture
def box() -> Box:
    box = live_box()
    box.commit(f"{SET}type local-internal")
    return box


def run(box: Box, action: str, **inputs: str) -> tuple[object, str]:
    given = {"keySize": "keySize1K"} | inputs if action == "generateCSR" else inputs
    output = dict(box.sbc.request(PATH, action, given, AUTHOR, box.now))
    assert list(output) == ["result", "status"]
    return output["result"], str(output["status"])


def signed(box: Box, *, until: str = "2027-01-01T00:00:00Z") -> str:
    """Ask for a request and have the test CA sign its key."""
    result, request = run(box, "generateCSR", csrSub=SUBJECT)
    assert result == 0
    return sign(request, until)


def sign(request: str, until: str = "2027-01-01T00:00:00Z") -> str:
    asked = x509.load_pem_x509_csr(request.encode())
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(testca.authority().certificate.x509.subject)
        .public_key(asked.public_key())
        .serial_number(7)
        .not_valid_before(testca.authority().certificate.x509.not_valid_before_utc)
        .not_valid_after(datetime.fromisoformat(until))
    )
    return builder.sign(testca.authority().key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@cache
def other() -> Issued:
    return testca.authority().issue("x", not_before="2025-12-01T00:00:00Z", not_after="2027-01-01T00:00:00Z")


def refusal(box: Box, *lines: str) -> str:
    with pytest.raises(UserError) as caught:
        box.commit(*lines)
    return caught.value.text


def test_the_whole_way_to_new_connections(box):
    assert run(box, "importCert", certContent=signed(box)) == (0, "success")
    box.commit(f"{SET}state enabled", f"set profiles security tlsProfile TLS serverCertName {NAME}")
    number = box.connect(LISTENER, chain(testca.peer()))
    record = box.sbc.connection(number)
    assert (record.credential.name, record.credential.certificate.serial) == (NAME, "07")
    assert any("Certificate INT imported, serial 07" in line for line in box.sbc.event_log.lines("security"))


def test_the_request_says_what_was_asked_for(box):
    _, text = run(
        box, "generateCSR", keySize="keySize2K", csrSub=SUBJECT, subjectAlternativeDnsName="a.example.com,b.example.com"
    )
    asked = x509.load_pem_x509_csr(text.encode())
    assert asked.subject.rfc4514_string() == "CN=sbc.example.com,O=Example,C=US"
    assert asked.public_key().key_size == 2048


def test_nothing_imported_nothing_enabled(box):
    text = f"'{' '.join(PATH)} state' (value \"enabled\"): no certificate imported"
    assert refusal(box, f"{SET}state enabled") == text
    signed(box)
    assert refusal(box, f"{SET}state enabled") == text


def test_each_request_makes_a_new_key(box):
    first = signed(box)
    second = signed(box)
    assert run(box, "importCert", certContent=first) == (1, "public key does not match the generated key")
    assert run(box, "importCert", certContent=second) == (0, "success")
    signed(box)
    assert refusal(box, f"{SET}state enabled").endswith("no certificate imported")


def test_what_was_imported_can_be_retrieved_before_it_is_enabled(box):
    text = signed(box)
    failure = {"result": "certificate is not enabled", "status": 1}
    assert dict(box.sbc.request(PATH, "retrieveCertContent", {}, AUTHOR, box.now)) == failure
    run(box, "importCert", certContent=text)
    retrieved = {"result": text, "status": 0}
    assert dict(box.sbc.request(PATH, "retrieveCertContent", {}, AUTHOR, box.now)) == retrieved


def test_pem_text_may_come_with_blanks_for_line_ends(box):
    assert run(box, "importCert", certContent=signed(box).replace("\n", " "))[0] == 0


@pytest.mark.parametrize("text", ["", "hello", other().pem()[:200], other().pem() * 2, other().key_pem()])
def test_what_is_no_certificate(box, text):
    signed(box)
    assert run(box, "importCert", certContent=text) == (1, "not a certificate")


def test_refused_imports(box):
    assert run(box, "importCert", certContent=other().pem()) == (1, "public key does not match the generated key")
    assert run(box, "importCert", certContent=signed(box, until="2025-12-31T00:00:00+00:00")) == (
        1,
        "certificate expired",
    )


@pytest.mark.parametrize(("subject", "names"), [("CN=x", ""), ("/CN=x", "a,,b")])
def test_refused_requests_leave_the_key(box, subject, names):
    text = signed(box)
    assert run(box, "generateCSR", csrSub=subject, subjectAlternativeDnsName=names) == (1, "invalid subject")
    assert run(box, "importCert", certContent=text) == (0, "success")


def test_only_for_internal_ones_that_are_disabled(box):
    text = signed(box)
    assert run(box, "importCert", certContent=text)[0] == 0
    box.commit(f"{SET}state enabled")
    for action, inputs in (("generateCSR", {"csrSub": SUBJECT}), ("importCert", {"certContent": text})):
        assert run(box, action, **inputs) == (1, "certificate is enabled")
    box.commit(f"{SET}state disabled type local")
    for action, inputs in (("generateCSR", {"csrSub": SUBJECT}), ("importCert", {"certContent": text})):
        assert run(box, action, **inputs) == (1, "certificate type is not local-internal")


def test_a_certificate_that_ran_out_after_the_import_is_not_enabled(box):
    assert run(box, "importCert", certContent=signed(box, until="2026-01-02T00:00:00+00:00"))[0] == 0
    box.advance("3d")
    assert refusal(box, f"{SET}state enabled") == (
        f"'{' '.join(PATH)} state' (value \"enabled\"): certificate expired on 2026-01-02 00:00:00"
    )


def test_the_key_goes_with_its_object(box):
    text = signed(box)
    box.commit(f"delete {' '.join(PATH)}")
    box.commit(f"{SET}type local-internal")
    assert run(box, "importCert", certContent=text) == (1, "public key does not match the generated key")


def test_a_reset_returns_to_the_keys_of_the_start(box):
    text = signed(box)
    box.sbc.adopt_start()
    signed(box)
    box.sbc.reset(box.now)
    assert run(box, "importCert", certContent=text) == (0, "success")


def test_a_key_made_in_advance_is_taken(box):
    inputs = {"keySize": "keySize1K", "csrSub": SUBJECT}
    work = box.sbc.request_work(PATH, "generateCSR", inputs)
    assert work is not None
    work()
    internal = box.sbc._chassis.certificates.internal
    (key,) = internal._made[1024]
    _, text = run(box, "generateCSR", csrSub=SUBJECT)
    assert x509.load_pem_x509_csr(text.encode()).public_key() == key.public_key()
    assert box.sbc.request_work(PATH, "importCert", {"certContent": "x"}) is None


def test_a_fault_of_files_does_not_touch_a_certificate_that_has_none(box):
    assert run(box, "importCert", certContent=signed(box))[0] == 0
    box.sbc.faults.add("pki.unreadable")
    box.commit(f"{SET}state enabled")
    assert box.events("faultFired") == []
    with pytest.raises(UserError, match=r"new\.p12"):
        box.commit("set system security pki certificate NEW fileName new.p12 type local state enabled")
