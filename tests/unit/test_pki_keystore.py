"""Certificate files: what loads, and which problem is found in what does not."""

import contextlib
import dataclasses
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.clock import to_datetime
from sbcsim.pki import der
from sbcsim.pki.keystore import MAX_FILE_SIZE, KeystoreError, Problem, load_file
from sbcsim.pki.mint import Authority, Issued

PASS_PHRASE = "geheim"


@cache
def issued(name="sbc.example.com", key_type="ec") -> Issued:
    ca = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z", key_type=key_type)
    return ca.subordinate("Issuing CA").issue(name)


def mismatched() -> Issued:
    return dataclasses.replace(issued(), key=issued("other").key)


def problem(data, file_type="local", pass_phrase=PASS_PHRASE) -> Problem:
    with pytest.raises(KeystoreError) as caught:
        load_file(data, file_type, pass_phrase, "sbc.p12")
    assert caught.value.file_name == "sbc.p12"
    return caught.value.problem


def self_signed(key, signer) -> x509.Certificate:
    name = x509.Name.from_rfc4514_string("CN=x")
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(getattr(key, "public_key", lambda: key)())
    )
    builder = builder.serial_number(1).not_valid_before(to_datetime(0)).not_valid_after(to_datetime(10**12))
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@pytest.mark.parametrize("key_type", ["ec", "rsa"])
@pytest.mark.parametrize("encryption", ["aes256", "3des"])
def test_pkcs12_gives_certificate_and_key(key_type, encryption):
    own = issued(key_type=key_type)
    content = load_file(own.pkcs12(PASS_PHRASE, encryption=encryption), "local", PASS_PHRASE, "sbc.p12")
    assert content.certificate == own.certificate
    assert content.key.private_numbers() == own.key.private_numbers()


@pytest.mark.parametrize("given", [None, "", "not needed"])
def test_a_pass_phrase_that_is_not_needed_is_ignored(given):
    own = issued()
    for data in (own.pkcs12("", encryption="none"), (own.pem() + own.key_pem()).encode()):
        assert load_file(data, "local", given).certificate == own.certificate


def test_pem_with_encrypted_key():
    own = issued()
    data = (own.key_pem(PASS_PHRASE) + own.pem()).encode()
    assert load_file(data, "local", PASS_PHRASE).certificate == own.certificate
    assert problem(data, pass_phrase=None) is Problem.PASS_PHRASE_MISSING
    assert problem(data, pass_phrase="wrong") is Problem.WRONG_PASS_PHRASE


def test_pem_lines_may_end_and_be_surrounded_in_any_way():
    own = issued()
    text = "0 preface Zoë\n" + own.pem() + "\nBag Attributes\n" + own.key_pem()
    for variant in (text, text.replace("\n", "\r\n"), text.replace("\n", "\r"), text.replace("ë", "e")):
        assert load_file(variant.encode(), "local", None).certificate == own.certificate


def test_remote_certificate_in_der_pem_and_pkcs12():
    own = issued()
    assert load_file(own.der(), "remote", None).certificate == own.certificate
    assert load_file(own.der() + b"\r\n", "remote", "unused").certificate == own.certificate
    assert load_file(own.pem().encode(), "remote", None).certificate == own.certificate
    # A key in the file is left alone, even when it could not be opened.
    content = load_file((own.pem() + own.key_pem("unknown")).encode(), "remote", None)
    assert (content.certificate, content.key) == (own.certificate, None)
    assert load_file(own.pkcs12(PASS_PHRASE), "remote", PASS_PHRASE).key is None


@pytest.mark.parametrize("file_type", ["local", "remote"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0",
        b"\x30\x80",
        b"GIF89a",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA",
        b"\xff" * 100,
        b"\x30" * (MAX_FILE_SIZE + 1),
        b"-----BEGIN A-----\n" * 10_000,
        b"\x30\x80" * 1_000,
        pytest.param(issued().der()[:-1], id="truncated DER"),
        pytest.param(issued().pkcs12(PASS_PHRASE)[:-1], id="truncated PKCS#12"),
        pytest.param(issued().pem()[:-40].encode(), id="truncated PEM"),
        pytest.param(issued().der() + b"more", id="DER and garbage"),
        pytest.param(issued().key_pem().encode(), id="key alone"),
    ],
)
def test_not_a_certificate_file(data, file_type):
    assert problem(data, file_type) is Problem.NOT_A_CERTIFICATE_FILE


def test_pass_phrase_missing_and_wrong():
    data = issued().pkcs12(PASS_PHRASE)
    assert problem(data, pass_phrase=None) is Problem.PASS_PHRASE_MISSING
    assert problem(data, pass_phrase="") is Problem.PASS_PHRASE_MISSING
    assert problem(data, pass_phrase="wrong") is Problem.WRONG_PASS_PHRASE
    assert problem(data, "remote", pass_phrase="wrong") is Problem.WRONG_PASS_PHRASE


def test_no_private_key():
    own = issued()
    for data in (own.pkcs12(PASS_PHRASE, with_key=False), own.der(), own.pem(with_chain=True).encode()):
        assert problem(data) is Problem.NO_PRIVATE_KEY


def test_key_of_another_certificate():
    other = mismatched()
    assert problem(other.pkcs12(PASS_PHRASE)) is Problem.KEY_MISMATCH
    assert problem((other.pem() + other.key_pem()).encode()) is Problem.KEY_MISMATCH
    assert problem(other.pkcs12(PASS_PHRASE, with_chain=True)) is Problem.KEY_MISMATCH


def test_more_than_one_certificate():
    own, other = issued(), issued("other").certificate
    assert problem(own.pkcs12(PASS_PHRASE, with_chain=True)) is Problem.MORE_THAN_ONE
    assert problem(own.pkcs12(PASS_PHRASE, extra=(other,))) is Problem.MORE_THAN_ONE
    assert problem((own.pem(with_chain=True) + own.key_pem()).encode()) is Problem.MORE_THAN_ONE
    assert problem(own.pem(with_chain=True).encode(), "remote") is Problem.MORE_THAN_ONE
    assert problem(own.der() + other.der, "remote") is Problem.MORE_THAN_ONE
    assert problem(own.der() + b"\r\n" + other.der + own.der() + b"\n", "remote") is Problem.MORE_THAN_ONE


@pytest.mark.parametrize("octet", b"\0\t\n\r\x1a ")
def test_a_certificate_may_end_in_an_octet_that_looks_like_filling(octet):
    """The last octet of a signature is random: one certificate in some forty ends so."""
    own = issued()
    other = own.certificate.der[:-1] + bytes([octet])
    assert problem(own.der() + other, "remote") is Problem.MORE_THAN_ONE
    assert load_file(other + b"\r\n", "remote", None).certificate.der == other


def test_unsupported_keys():
    edwards = ed25519.Ed25519PrivateKey.generate()
    of_edwards = dataclasses.replace(
        issued(), certificate=issued().certificate.from_x509(self_signed(edwards, edwards)), key=edwards
    )
    assert problem(of_edwards.pkcs12(PASS_PHRASE)) is Problem.UNSUPPORTED_KEY
    assert load_file(of_edwards.der(), "remote", None).certificate == of_edwards.certificate


@pytest.mark.parametrize(("bits", "good"), [(1023, False), (1024, True)])
def test_rsa_keys_below_1024_bits_are_unsupported(bits, good):
    key = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()
    certificate = self_signed(key, ec.generate_private_key(ec.SECP256R1()))
    data = certificate.public_bytes(Encoding.DER)
    if good:
        assert load_file(data, "remote", None).certificate.der == data
    else:
        assert problem(data, "remote") is Problem.UNSUPPORTED_KEY


@pytest.mark.filterwarnings("ignore:PKCS#12 bundle could not be parsed as DER")
def test_pkcs12_of_indefinite_length():
    data = issued().pkcs12(PASS_PHRASE)
    assert data[1] == 0x82
    assert load_file(b"\x30\x80" + data[4:] + b"\0\0", "local", PASS_PHRASE).certificate == issued().certificate
    assert problem(b"\x30\x80" + data[4:] + b"\0") is Problem.NOT_A_CERTIFICATE_FILE


def test_a_result_is_found_again():
    data = issued().pkcs12(PASS_PHRASE)
    assert load_file(data, "local", PASS_PHRASE) is load_file(bytearray(data), "local", PASS_PHRASE)
    assert problem(data, pass_phrase="wrong") is problem(data, pass_phrase="wrong")


def test_nothing_secret_is_printed():
    content = load_file(issued().pkcs12(PASS_PHRASE), "local", PASS_PHRASE)
    assert "PrivateKey" not in repr(content)
    assert "PrivateKey" not in repr(issued())


def sequence(*parts: bytes) -> bytes:
    content = b"".join(parts)
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


def test_a_file_that_asks_for_hours_of_work_is_refused_at_once():
    data = issued().pkcs12(PASS_PHRASE)
    rounds = b"\x02\x02\x08\x00"  # 2048
    assert data.count(rounds) >= 2
    assert [each[0] for each in der.costs(der.read(data))] == [2048] * data.count(rounds)
    scrypt = sequence(b"\x04\x01s", b"\x02\x03\x10\x00\x00", b"\x02\x01\x08", b"\x02\x01\x01")
    assert list(der.costs(der.read(scrypt))) == [(1 << 20, 8, 1)]
    costly = sequence(b"\x02\x01\x03", sequence(b"\x06\x01\x2a"), sequence(b"\x04\x01s", b"\x02\x04\x7f\xff\xff\xff"))
    assert problem(costly) is Problem.NOT_A_CERTIFICATE_FILE


@pytest.mark.parametrize("salt", [b"\x30\x06abcdef", b"\x30\x02\x30\x80", b"", b"\x30"])
def test_random_octets_are_not_taken_for_structure(salt):
    packed = b"\x04" + bytes([len(salt)]) + salt
    assert list(der.costs(der.read(sequence(packed, b"\x02\x01\x05")))) == [(5,)]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["local", "remote"]), st.none() | st.text(max_size=5))
def test_arbitrary_bytes_raise_nothing_else(data, file_type, pass_phrase):
    for variant in (data, b"\x30" + data, b"-----BEGIN CERTIFICATE-----\n" + data):
        with pytest.raises(KeystoreError):
            load_file(variant, file_type, pass_phrase)


FILES = {
    "aes256": lambda own: own.pkcs12(PASS_PHRASE),
    "3des": lambda own: own.pkcs12(PASS_PHRASE, encryption="3des"),
    "none": lambda own: own.pkcs12("", encryption="none"),
    "der": lambda own: own.der(),
    "pem": lambda own: (own.pem() + own.key_pem()).encode(),
    "encrypted pem": lambda own: (own.pem() + own.key_pem(PASS_PHRASE)).encode(),
}


@cache
def file(kind) -> bytes:
    return FILES[kind](issued())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.sampled_from(["local", "remote"]), st.data())
def test_damaged_files_load_or_raise_keystore_error(kind, file_type, data):
    content = bytearray(file(kind))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    content = content[: data.draw(st.sampled_from([len(content)]) | st.integers(0, len(content)))]
    with contextlib.suppress(KeystoreError):
        load_file(bytes(content), file_type, PASS_PHRASE)
