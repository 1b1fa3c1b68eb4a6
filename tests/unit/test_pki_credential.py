"""Certificates, credentials and trust anchors as values."""

import dataclasses
import gc
import weakref

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.clock import SECOND, from_rfc3339, to_datetime
from sbcsim.pki.credential import RECENT, Certificate, CertificateError, Credential, TrustAnchors, issued_by
from sbcsim.pki.mint import Authority, new_key

NOT_BEFORE = "2026-01-01T00:00:00Z"
NOT_AFTER = "2026-03-01T00:00:00Z"
CA = Authority("Example CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
OWN = CA.issue(
    "CN=sbc.example.com,O=Example",
    not_before=NOT_BEFORE,
    not_after=NOT_AFTER,
    sans=("sbc.example.com", "192.0.2.1", "alias.example.com"),
    serial=0xABC,
)


def test_what_a_certificate_says():
    own = OWN.certificate
    assert own.subject == "CN=sbc.example.com,O=Example"
    assert own.issuer == "CN=Example CA"
    assert own.serial == "0ABC"
    assert own.common_name == "sbc.example.com"
    assert own.dns_names == ("sbc.example.com", "alias.example.com")
    assert own.not_before == from_rfc3339(NOT_BEFORE)
    assert own.not_after == from_rfc3339(NOT_AFTER)
    assert own.public_key == OWN.key.public_key()
    assert not own.self_signed
    assert CA.certificate.self_signed


def test_not_after_is_inclusive():
    own = OWN.certificate
    assert not own.expired(own.not_after)
    assert own.expired(own.not_after + 1)
    assert own.not_yet_valid(own.not_before - 1)
    assert not own.not_yet_valid(own.not_before)


def test_certificates_are_equal_by_their_bytes():
    again = Certificate.from_der(bytearray(OWN.der()))
    assert again == OWN.certificate
    assert hash(again) == hash(OWN.certificate)
    assert OWN.certificate != CA.certificate
    assert OWN.certificate != OWN.certificate.fingerprint
    assert Certificate.from_x509(OWN.certificate.x509) == again


def test_pem_reads_back():
    assert x509.load_pem_x509_certificate(OWN.certificate.pem().encode()) == OWN.certificate.x509
    assert OWN.certificate.pem().endswith("-----END CERTIFICATE-----\n")


def test_same_name_is_not_enough_to_be_the_issuer():
    namesake = Authority("Example CA", not_before=0, not_after=SECOND)
    assert issued_by(OWN.certificate, CA.certificate)
    assert not issued_by(OWN.certificate, namesake.certificate)
    assert not issued_by(CA.certificate, OWN.certificate)


def test_a_certificate_without_common_name_and_with_unreadable_names():
    key = new_key()
    name = x509.Name.from_rfc4514_string("O=Example")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0x7F, to_datetime(0), to_datetime(SECOND))
    broken = x509.UnrecognizedExtension(x509.OID_SUBJECT_ALTERNATIVE_NAME, b"\x30\x05")
    certificate = Certificate.from_x509(builder.add_extension(broken, critical=False).sign(key, hashes.SHA256()))
    assert (certificate.common_name, certificate.dns_names, certificate.serial) == ("", (), "7F")


def test_a_credential_is_its_own_generation_and_shows_no_key():
    first = Credential("OLD", OWN.certificate, (), OWN.key, 1)
    second = dataclasses.replace(first)
    assert first != second
    assert len({first, second, first}) == 2
    assert "PrivateKey" not in repr(first)


def test_trust_anchors_are_equal_by_their_certificates():
    other = Authority("Other", not_before=0, not_after=SECOND).certificate
    anchors = TrustAnchors((CA.certificate, other), 1)
    same = TrustAnchors((other, CA.certificate), 2)
    assert anchors == same
    assert hash(anchors) == hash(same)
    assert anchors != TrustAnchors((other,), 1)
    assert anchors != (other,)
    assert CA.certificate in anchors
    assert OWN.certificate not in anchors
    assert "x" not in anchors
    assert TrustAnchors() == TrustAnchors(revision=5)


def test_name_in_an_unknown_kind_of_string_is_a_certificate_error():
    name = CA.certificate.common_name.encode()
    der = CA.certificate.der.replace(bytes([0x0C, len(name)]) + name, bytes([0x0D, len(name)]) + name)
    assert der != CA.certificate.der
    with pytest.raises(CertificateError):
        Certificate.from_der(der)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_other_bytes_raise_certificate_error(data):
    der = bytearray(OWN.der())
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] ^= data.draw(st.integers(1, 255))
    for candidate in (bytes(der), bytes(der[: data.draw(st.integers(0, len(der) - 1))]), data.draw(st.binary())):
        try:
            certificate = Certificate.from_der(candidate)
        except CertificateError:
            continue
        assert certificate.der == candidate
        issued_by(certificate, CA.certificate)
        try:
            assert certificate.public_key is not None
        except CertificateError:
            continue


def test_a_certificate_is_one_object_for_all_who_hold_it_and_is_gone_some_time_after_they_let_it_go():
    def others(first: int) -> list[weakref.ref[Certificate]]:
        kept = (CA.issue("other.example.com", key=OWN.key, serial=first + each) for each in range(RECENT))
        return [weakref.ref(Certificate.from_der(each.der())) for each in kept]

    held = Certificate.from_der(OWN.der())
    before = others(0x10000)
    others(0x20000)
    gc.collect()
    assert Certificate.from_der(bytes(bytearray(OWN.der()))) is held
    assert {each() for each in before} == {None}
