"""The authority for tests and demonstrations."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates, load_pem_pkcs7_certificates

from sbcsim.clock import DAY, HOUR, SECOND, Instant, from_rfc3339
from sbcsim.errors import UserError
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


@pytest.mark.parametrize(
    ("key_type", "size"),
    [("rsa-1024", 1024), ("rsa-3072", 3072), ("ec-p256", 256), ("ec-p384", 384), ("ec-p521", 521)],
)
def test_kinds_and_sizes_of_keys(key_type, size):
    issued = CA.issue("x", key_type=key_type)
    assert issued.certificate.public_key.key_size == issued.key.key_size == size


@pytest.mark.parametrize("key_type", ["ed25519", "ed448"])
def test_keys_of_edwards_curves_sign_and_are_signed(key_type):
    ca = Authority("Edwards CA", key_type=key_type, **SPAN)
    assert issued_by(ca.issue("x").certificate, ca.certificate)


def test_a_kind_of_key_that_there_is_not():
    with pytest.raises(UserError, match="no kind of key dsa; there are ec, "):
        CA.issue("x", key_type="dsa")


@pytest.mark.parametrize("key_type", ["rsa", "ec"])
@pytest.mark.parametrize("name", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_every_hash_signs(key_type, name):
    ca = Authority("CA", key_type=key_type, signature_hash=name, **SPAN)
    issued = ca.issue("x", key_type="ec")
    assert {each.x509.signature_hash_algorithm.name for each in (ca.certificate, issued.certificate)} == {name}
    assert issued_by(issued.certificate, ca.certificate)
    assert ca.certificate.self_signed
    assert ca.issue("y", signature_hash="sha256").certificate.x509.signature_hash_algorithm.name == "sha256"


def test_md5_signs_with_rsa_only():
    ca = Authority("CA", key_type="rsa", **SPAN)
    assert ca.issue("x", signature_hash="md5").certificate.x509.signature_hash_algorithm.name == "md5"
    with pytest.raises(UserError, match="no signature with md5 by a key of this kind"):
        CA.issue("x", signature_hash="md5")
    with pytest.raises(UserError, match="no hash sha3; there are md5, "):
        CA.issue("x", signature_hash="sha3")


def test_dates_from_now_by_a_clock():
    now = from_rfc3339("2026-05-01T00:00:00Z")
    ca = Authority("CA", **SPAN, now=lambda: Instant(0, now))
    issued = ca.subordinate("Issuing").issue("x", not_before="-1h", not_after="+30d").certificate
    assert (issued.not_before, issued.not_after) == (now - HOUR, now + 30 * DAY)
    assert ca.issue("y", not_after=timedelta(days=-1)).certificate.not_after == now - DAY
    now += DAY
    assert ca.issue("z", not_after="+1d12h").certificate.not_after == now + DAY + 12 * HOUR


def test_dates_from_now_without_a_clock_are_refused_until_there_is_one():
    ca = Authority("CA", **SPAN)
    with pytest.raises(UserError, match=r'"\+30d" is counted from a clock: give the authority one'):
        ca.issue("x", not_after="+30d")
    ca.follow(lambda: Instant(0, 0))
    assert ca.issue("x", not_before=0, not_after="+30d").certificate.not_after == 30 * DAY


def test_a_chain_of_any_length_and_how_long_it_may_be():
    authority = CA
    for number in range(5):
        authority = authority.subordinate(f"Issuing {number}", path_length=4 - number)
    issued = authority.issue("deep")
    assert [each.common_name for each in issued.chain] == [
        *(f"Issuing {each}" for each in range(4, -1, -1)),
        "Example CA",
    ]
    lengths = [each.x509.extensions.get_extension_for_class(x509.BasicConstraints).value for each in issued.chain]
    assert [each.path_length for each in lengths] == [0, 1, 2, 3, 4, None]


def test_a_successor_with_a_key_of_its_own():
    old = CA.issue("sbc.example.com", key_type="rsa")
    new = CA.rekey(old, not_before="2026-01-01T00:00:00Z", not_after="2027-01-01T00:00:00Z", key_type="rsa")
    assert new.certificate.public_key != old.certificate.public_key
    assert new.certificate.subject == old.certificate.subject
    same = CA.renew(old, not_before="2026-01-01T00:00:00Z", not_after="2027-01-01T00:00:00Z")
    assert same.certificate.public_key == old.certificate.public_key


def test_extensions_in_place_of_the_usual_ones():
    stated = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CODE_SIGNING])
    issued = CA.issue("x", extensions=[x509.Extension(stated.oid, True, stated)]).certificate
    found = issued.x509.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert (found.value, found.critical) == (stated, True)
    assert issued.dns_names == ("x",)


def test_keys_in_every_form():
    own = CA.issue("x", key_type="rsa")
    for pem in (own.key_pem(), own.key_pem("secret"), own.key_pem(traditional=True)):
        password = b"secret" if "ENCRYPTED" in pem else None
        assert load_pem_private_key(pem.encode(), password).private_numbers() == own.key.private_numbers()
    assert "BEGIN RSA PRIVATE KEY" in own.key_pem(traditional=True)
    for data, password in ((own.key_der(), None), (own.key_der("secret"), b"secret")):
        assert load_der_private_key(data, password).private_numbers() == own.key.private_numbers()


@pytest.mark.parametrize(("form", "load"), [("der", load_der_pkcs7_certificates), ("pem", load_pem_pkcs7_certificates)])
def test_a_bundle(form, load):
    own = CA.subordinate("Issuing").issue("x")
    assert set(load(own.pkcs7(form=form))) == {own.certificate.x509, *(each.x509 for each in own.chain)}
