"""The authority for tests and demonstrations."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from sbcsim.clock import SECOND, from_rfc3339
from sbcsim.pki.credential import issued_by
from sbcsim.pki.mint import POOL_SIZE, Authority, Purpose, pooled_key

SPAN = {"not_before": "2020-01-01T00:00:00Z", "not_after": "2040-01-01T00:00:00Z"}
CA = Authority("Example CA", **SPAN)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-01T00:00:00Z",
        "2026-03-01T00:00:00.9Z",
        1_772_323_200 * SECOND,
        1_772_323_200 * SECOND + 999_999,
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_date_in_every_form_is_rounded_down_to_the_second(moment):
    issued = CA.issue("sbc", not_before=moment, not_after=moment)
    assert issued.certificate.not_before == issued.certificate.not_after == from_rfc3339("2026-03-01T00:00:00Z")


def test_dates_are_not_judged():
    past = CA.issue("past", not_before="1999-01-01T00:00:00Z", not_after="1999-01-02T00:00:00Z").certificate
    assert past.expired(CA.certificate.not_before)
    future = CA.issue("future", not_before="2999-01-01T00:00:00Z", not_after="2999-01-02T00:00:00Z").certificate
    assert future.not_yet_valid(CA.certificate.not_after)


def test_serial_numbers_count_up_unless_given():
    ca = Authority("CA", **SPAN, first_serial=0x500)
    assert [ca.certificate.serial, ca.issue("a").certificate.serial] == ["0500", "0501"]
    assert ca.issue("b", serial=0xFF).certificate.serial == "FF"
    assert ca.issue("c").certificate.serial == "0502"


def test_chain_of_a_subordinate():
    issuing = CA.subordinate("Issuing", not_after="2030-01-01T00:00:00Z")
    issued = issuing.issue("sbc")
    assert issued.chain == (issuing.certificate, CA.certificate)
    assert issued_by(issued.certificate, issuing.certificate)
    assert issued_by(issuing.certificate, CA.certificate)
    assert issued.certificate.not_after == from_rfc3339("2030-01-01T00:00:00Z")
    assert issued.pem(with_chain=True).count("BEGIN CERTIFICATE") == 3


def test_names_and_purposes():
    issued = CA.issue("CN=sbc.example.com,O=Example", purpose=Purpose.CLIENT).certificate
    assert issued.subject == "CN=sbc.example.com,O=Example"
    assert issued.dns_names == ("sbc.example.com",)
    usage = issued.x509.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    bare = CA.issue("sbc", sans=(), purpose=Purpose.UNSTATED).certificate.x509.extensions
    assert {type(each.value) for each in bare}.isdisjoint({x509.ExtendedKeyUsage, x509.SubjectAlternativeName})


def test_a_renewal_keeps_subject_names_and_key():
    old = CA.issue("CN=sbc,O=Example", sans=("a.example.com", "192.0.2.1"), not_after="2026-03-01T00:00:00Z")
    new = CA.renew(old, not_before="2026-02-01T00:00:00Z", not_after="2027-02-01T00:00:00Z")
    assert new.key is old.key
    assert new.certificate.public_key == old.certificate.public_key
    assert new.certificate.subject == old.certificate.subject
    assert new.certificate.serial != old.certificate.serial
    assert new.certificate.not_after == from_rfc3339("2027-02-01T00:00:00Z")
    names = [
        each.certificate.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName) for each in (old, new)
    ]
    assert names[0] == names[1]
    other = CA.renew(old, not_before=0, not_after=SECOND, key=CA.issue("x").key)
    assert other.certificate.public_key != old.certificate.public_key


def test_kinds_of_key():
    assert isinstance(CA.issue("x").key, ec.EllipticCurvePrivateKey)
    of_rsa = CA.issue("x", key_type="rsa").key
    assert isinstance(of_rsa, rsa.RSAPrivateKey)
    assert of_rsa.key_size == 2048
    assert CA.issue("x", key=of_rsa).key is of_rsa


def test_the_pool_of_rsa_keys_is_bounded_and_neighbours_differ():
    keys = [pooled_key() for _ in range(2 * POOL_SIZE)]
    assert len({id(each) for each in keys}) == POOL_SIZE
    assert keys[:POOL_SIZE] == keys[POOL_SIZE:]


def test_files():
    issued = CA.issue("sbc")
    assert x509.load_der_x509_certificate(issued.der()) == issued.certificate.x509
    for pass_phrase in (None, "secret"):
        key = load_pem_private_key(issued.key_pem(pass_phrase).encode(), pass_phrase and pass_phrase.encode())
        assert key.public_key() == issued.key.public_key()
    bundle = pkcs12.load_pkcs12(issued.pkcs12("secret", with_chain=True, extra=(CA.issue("y").certificate,)), b"secret")
    assert bundle.cert.certificate == issued.certificate.x509
    assert bundle.cert.friendly_name == b"sbc"
    assert len(bundle.additional_certs) == 2
    assert "PrivateKey" not in repr(issued)
