"""OCSP: questions that a responder understands, and which answers are believed."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st
from ocspanswers import answer

from sbcsim.pki.mint import Authority, Purpose
from sbcsim.pki.ocsp import Answer, OcspError, read, request, responder
from sbcsim.pki.ocspanswers import STATES, read_question, refusal

DATES = {"not_before": "2020-01-01T00:00:00Z", "not_after": "2040-01-01T00:00:00Z"}
CA = Authority("CA", **DATES)
OTHER = Authority("Other CA", **DATES)
LEAF = CA.issue("peer.example.com", ocsp="http://127.0.0.1:8888/ocsp")
DELEGATE = CA.issue("responder", purpose=Purpose.OCSP)
NONCE = b"0123456789abcdef"


def said(data: bytes, *trusted) -> Answer | str:
    try:
        return read(data, LEAF.certificate, CA.certificate, NONCE, trusted)
    except OcspError as error:
        return str(error)


def test_a_question_names_certificate_issuer_and_nonce():
    asked = request(LEAF.certificate, CA.certificate, NONCE)
    read_back = ocsp.load_der_ocsp_request(asked)
    question = read_question(asked)
    assert (question.serial, question.nonce) == (LEAF.certificate.x509.serial_number, NONCE)
    assert question.concerns(CA.certificate)
    assert not question.concerns(OTHER.certificate)
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(CA.key.public_key()).digest
    assert read_back.issuer_key_hash == key_identifier


def test_where_a_certificate_says_its_status_is_known():
    assert responder(LEAF.certificate) == "http://127.0.0.1:8888/ocsp"
    assert responder(CA.issue("plain").certificate) == ""
    assert responder(CA.subordinate("Issuing CA", ocsp="http://ca/").certificate) == "http://ca/"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("nonce", [NONCE, None])
@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_what_the_issuer_says_is_believed(state, nonce, key_type):
    authority = Authority("CA", key_type=key_type, **DATES)
    leaf = authority.issue("leaf").certificate
    data = answer(leaf, authority, state, nonce=nonce)
    assert read(data, leaf, authority.certificate, NONCE, ()) is state


def test_so_is_a_delegate_of_the_issuer_that_shows_so():
    data = answer(LEAF.certificate, CA, Answer.REVOKED, delegate=DELEGATE, sends=(DELEGATE.certificate,))
    assert said(data) is Answer.REVOKED


def test_and_a_responder_that_is_trusted_by_itself():
    stranger = OTHER.issue("responder", purpose=Purpose.OCSP)
    data = answer(LEAF.certificate, CA, Answer.REVOKED, delegate=stranger)
    assert said(data) == "answer is not signed by an authorized responder"
    assert said(data, stranger.certificate) is Answer.REVOKED


@pytest.mark.parametrize(
    "delegate",
    [CA.issue("no responder"), CA.issue("unstated", purpose=Purpose.UNSTATED), OTHER.issue("x", purpose=Purpose.OCSP)],
    ids=["other purpose", "no purpose", "other issuer"],
)
def test_nobody_else_is(delegate):
    data = answer(
        LEAF.certificate, CA, Answer.REVOKED, delegate=delegate, sends=(delegate.certificate, OTHER.certificate)
    )
    assert said(data, OTHER.certificate) == "answer is not signed by an authorized responder"


def test_an_answer_about_another_certificate_says_nothing():
    assert said(answer(CA.issue("other").certificate, CA)) == "answer is about another certificate"
    twin = OTHER.issue("peer.example.com", serial=LEAF.certificate.x509.serial_number)
    assert said(answer(twin.certificate, OTHER), OTHER.certificate) == "answer is about another certificate"


def test_an_answer_to_another_question_says_nothing():
    assert said(answer(LEAF.certificate, CA, nonce=b"fedcba9876543210")) == "answer is to another question"


@pytest.mark.parametrize("refused", [each for each in Answer if each not in STATES])
def test_a_responder_may_refuse_to_say_anything(refused):
    assert said(refusal(refused)) is refused


TRUE = answer(LEAF.certificate, CA, Answer.GOOD, nonce=NONCE, sends=(DELEGATE.certificate,))


@given(st.integers(0, len(TRUE) - 1), st.integers(1, 255))
def test_no_damage_makes_an_answer_say_anything_else(place, bits):
    """What is not signed may change; what is said may not."""
    damaged = bytearray(TRUE)
    damaged[place] ^= bits
    assert said(bytes(damaged)) in {Answer.GOOD} | NOT_BELIEVED | REFUSALS


NOT_BELIEVED = {
    "answer cannot be read",
    "answer is about another certificate",
    "answer is to another question",
    "answer is not signed by an authorized responder",
}
REFUSALS = set(Answer) - {Answer.GOOD, Answer.REVOKED, Answer.UNKNOWN}


def test_an_answer_with_the_same_extension_twice_says_nothing():
    nonce, other = x509.OCSPNonce.oid, x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.99")
    data = answer(LEAF.certificate, CA, nonce=NONCE, extension=x509.UnrecognizedExtension(other, b"\x05\x00"))
    assert said(data) is Answer.GOOD
    twice = data.replace(encode_der(other), encode_der(nonce))
    assert said(twice) == "answer cannot be read"


def encode_der(oid: x509.ObjectIdentifier) -> bytes:
    """Return the octets of an OID whose numbers are small."""
    first, second, *rest = map(int, oid.dotted_string.split("."))
    return bytes((6, len(rest) + 1, 40 * first + second, *rest))


@given(st.binary(max_size=300) | st.integers(0, len(TRUE) - 1).map(lambda end: TRUE[:end]))
def test_bytes_that_are_no_answer(data):
    assert said(data) in {"answer cannot be read"} | REFUSALS
