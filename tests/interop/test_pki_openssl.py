"""Certificate files as the openssl program makes them, with today's encryptions and those of old programs."""

import shutil
import subprocess
from typing import get_args

import pytest

from sbcsim.pki.keystore import KeystoreError, Problem, load_file
from sbcsim.pki.mint import Authority, Encryption, MacHash

OPENSSL = shutil.which("openssl")

pytestmark = [pytest.mark.interop, pytest.mark.skipif(OPENSSL is None, reason="the openssl program is not installed")]


@pytest.fixture
def run(tmp_path):
    """Return a function that runs openssl in a directory of its own and gives its output."""

    def run(arguments: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(
            [OPENSSL, *arguments.split()], cwd=tmp_path, input=stdin, capture_output=True, check=True, timeout=30
        ).stdout

    return run


@pytest.fixture
def own(run, tmp_path):
    """Make key.pem and cert.pem and return the serial number that openssl prints."""
    run("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /C=US/CN=sbc.example.com")
    return run("x509 -in cert.pem -noout -serial").decode().strip().removeprefix("serial=")


def export(run, tmp_path, options: str = "", pass_phrase: str = "secret") -> bytes:
    run(f"pkcs12 -export -in cert.pem -inkey key.pem -passout pass:{pass_phrase} -out out.p12 {options}")
    return (tmp_path / "out.p12").read_bytes()


ENCRYPTIONS = {
    "default": "",
    "legacy": "-legacy",
    "RC2-40": "-legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-40",
    "RC2-128": "-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-128",
    "RC4-128": "-legacy -certpbe PBE-SHA1-RC4-128 -keypbe PBE-SHA1-RC4-128",
    "3DES": "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES",
    "AES-128": "-certpbe AES-128-CBC -keypbe AES-128-CBC",
    "SHA-512 MAC": "-macalg SHA512",
    "no MAC": "-nomac",
    "certificate in clear": "-certpbe NONE",
    "one round": "-noiter -nomaciter",
}


@pytest.mark.parametrize("options", ENCRYPTIONS.values(), ids=ENCRYPTIONS)
def test_pkcs12_of_every_encryption(run, own, tmp_path, options):
    data = export(run, tmp_path, options)
    content = load_file(data, "local", "secret")
    assert content.certificate.serial == own
    assert content.certificate.subject == "CN=sbc.example.com,C=US"
    assert content.key.public_key() == content.certificate.public_key
    for pass_phrase, problem in (("wrong", Problem.WRONG_PASS_PHRASE), (None, Problem.PASS_PHRASE_MISSING)):
        with pytest.raises(KeystoreError) as caught:
            load_file(data, "local", pass_phrase)
        assert caught.value.problem is problem


def test_pass_phrase_that_is_not_ascii(run, own, tmp_path):
    assert load_file(export(run, tmp_path, pass_phrase="Zoë"), "local", "Zoë").certificate.serial == own


def test_pkcs12_without_pass_phrase(run, own, tmp_path):
    data = export(run, tmp_path, "-certpbe NONE -keypbe NONE", pass_phrase="")
    assert load_file(data, "local", None).certificate.serial == own


def test_an_empty_pass_phrase_is_one_too(run, own, tmp_path):
    data = export(run, tmp_path, pass_phrase="")
    assert load_file(data, "local", None).certificate.serial == own
    with pytest.raises(KeystoreError) as caught:
        load_file(data, "local", "secret")
    assert caught.value.problem is Problem.WRONG_PASS_PHRASE


def test_pkcs12_without_key(run, own, tmp_path):
    with pytest.raises(KeystoreError) as caught:
        load_file(export(run, tmp_path, "-nokeys"), "local", "secret")
    assert caught.value.problem is Problem.NO_PRIVATE_KEY


@pytest.mark.parametrize("options", ["", "-traditional"], ids=["PKCS#8", "traditional"])
def test_pem_with_encrypted_key(run, own, tmp_path, options):
    run(f"rsa -in key.pem -out locked.pem -aes256 -passout pass:secret {options}")
    data = (tmp_path / "cert.pem").read_bytes() + (tmp_path / "locked.pem").read_bytes()
    assert load_file(data, "local", "secret").certificate.serial == own
    for pass_phrase, problem in (("wrong", Problem.WRONG_PASS_PHRASE), (None, Problem.PASS_PHRASE_MISSING)):
        with pytest.raises(KeystoreError) as caught:
            load_file(data, "local", pass_phrase)
        assert caught.value.problem is problem


def test_what_pkcs12_prints_is_a_pem_file(run, own, tmp_path):
    (tmp_path / "in.p12").write_bytes(export(run, tmp_path))
    text = run("pkcs12 -in in.p12 -noenc -passin pass:secret")
    assert b"Bag Attributes" in text
    assert load_file(text, "local", None).certificate.serial == own


def test_certificate_in_der_and_as_text(run, own):
    assert load_file(run("x509 -in cert.pem -outform der"), "remote", None).certificate.serial == own
    assert load_file(run("x509 -in cert.pem -text"), "remote", None).certificate.serial == own


@pytest.mark.parametrize(
    "make",
    ["genrsa -out key.pem 768", "genpkey -algorithm ed25519 -out key.pem", "genpkey -algorithm ed448 -out key.pem"],
)
def test_unsupported_keys(run, tmp_path, make):
    run(make)
    run("req -x509 -new -key key.pem -out cert.pem -days 1 -subj /CN=x")
    with pytest.raises(KeystoreError) as caught:
        load_file(export(run, tmp_path), "local", "secret")
    assert caught.value.problem is Problem.UNSUPPORTED_KEY


ROOT = {"not_before": "2020-01-01T00:00:00Z", "not_after": "2040-01-01T00:00:00Z"}


def test_openssl_verifies_what_the_authority_mints(run, tmp_path):
    root = Authority("Root", **ROOT)
    authority = root
    for number in range(4):
        authority = authority.subordinate(f"Issuing {number}", path_length=3 - number)
    own = authority.issue("sbc.example.com")
    (tmp_path / "root.pem").write_text(root.certificate.pem())
    (tmp_path / "own.pem").write_text(own.pem(with_chain=True))
    assert run("verify -x509_strict -CAfile root.pem -untrusted own.pem own.pem") == b"own.pem: OK\n"


# What `openssl pkcs12 -info` says of certificates, key and proof.
WRITTEN = {
    "aes256": ("PBES2, PBKDF2, AES-256-CBC", "PBES2, PBKDF2, AES-256-CBC", "sha256"),
    "aes128": ("PBES2, PBKDF2, AES-128-CBC", "PBES2, PBKDF2, AES-128-CBC", "sha256"),
    "3des": ("pbeWithSHA1And3-KeyTripleDES-CBC", "pbeWithSHA1And3-KeyTripleDES-CBC", "sha1"),
    "legacy": ("pbeWithSHA1And40BitRC2-CBC", "pbeWithSHA1And3-KeyTripleDES-CBC", "sha1"),
    "rc2-40": ("pbeWithSHA1And40BitRC2-CBC", "pbeWithSHA1And40BitRC2-CBC", "sha1"),
    "rc2-128": ("pbeWithSHA1And128BitRC2-CBC", "pbeWithSHA1And128BitRC2-CBC", "sha1"),
    "rc4-128": ("pbeWithSHA1And128BitRC4", "pbeWithSHA1And128BitRC4", "sha1"),
    "none": ("PKCS7 Data", "Key bag", "sha256"),
}


@pytest.mark.parametrize("encryption", get_args(Encryption))
def test_openssl_opens_every_file_that_is_written(run, tmp_path, encryption):
    own = Authority("Root", **ROOT).subordinate("Issuing").issue("sbc.example.com", key_type="rsa")
    data = own.pkcs12("secret", encryption=encryption, with_chain=True, friendly_name="sbc key")
    (tmp_path / "own.p12").write_bytes(data)
    run("pkcs12 -legacy -info -in own.p12 -noenc -passin pass:secret -out all.pem")
    text = (tmp_path / "all.pem").read_text()
    assert text.count("BEGIN CERTIFICATE") == 3
    assert own.pem() in text
    assert own.key_pem() in text
    assert text.count("friendlyName: sbc key") == 2
    assert run("pkey -in all.pem -pubout") == run("x509 -in all.pem -noout -pubkey")


@pytest.mark.parametrize("encryption", WRITTEN)
def test_openssl_names_each_encryption(tmp_path, encryption):
    own = Authority("Root", **ROOT).issue("sbc.example.com")
    (tmp_path / "own.p12").write_bytes(own.pkcs12("secret", encryption=encryption))
    told = subprocess.run(
        [OPENSSL, "pkcs12", "-legacy", "-info", "-in", "own.p12", "-noout", "-passin", "pass:secret"],
        cwd=tmp_path, capture_output=True, check=True, timeout=30, text=True,
    ).stderr  # fmt: skip
    certificates, key, proof = WRITTEN[encryption]
    first, _, second = told.partition("Certificate bag") if "Certificate bag" in told else told.partition("PKCS7 Data")
    assert certificates in first + second
    assert key in told
    assert f"MAC: {proof}" in told


@pytest.mark.parametrize("mac", [each for each in get_args(MacHash) if each != "none"])
def test_openssl_believes_every_proof(run, mac):
    own = Authority("Root", **ROOT).issue("sbc.example.com")
    assert b"BEGIN CERTIFICATE" in run("pkcs12 -passin pass:secret -noenc", stdin=own.pkcs12("secret", mac=mac))
    with pytest.raises(subprocess.CalledProcessError):
        run("pkcs12 -passin pass:other -noenc", stdin=own.pkcs12("secret", mac=mac))


@pytest.mark.parametrize("name", ["md5", "sha1", "sha224", "sha512"])
def test_openssl_verifies_every_hash(run, tmp_path, name):
    root = Authority("Root", key_type="rsa", **ROOT)
    (tmp_path / "root.pem").write_text(root.certificate.pem())
    (tmp_path / "own.pem").write_text(root.issue("sbc.example.com", signature_hash=name).pem())
    assert run("verify -auth_level 0 -CAfile root.pem own.pem") == b"own.pem: OK\n"
    assert f"{name}WithRSAEncryption".encode() in run("x509 -in own.pem -noout -text")


def test_openssl_goes_by_the_list_of_what_is_revoked(run, tmp_path):
    root = Authority("Root", **ROOT)
    (tmp_path / "root.pem").write_text(root.certificate.pem())
    good, gone = root.issue("good.example.com"), root.issue("gone.example.com")
    root.revoke(gone, reason="superseded")
    (tmp_path / "crl.pem").write_text(root.crl().pem())
    for name, issued in (("good.pem", good), ("gone.pem", gone)):
        (tmp_path / name).write_text(issued.pem())
    assert run("verify -crl_check -CAfile root.pem -CRLfile crl.pem good.pem") == b"good.pem: OK\n"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run("verify -crl_check -CAfile root.pem -CRLfile crl.pem gone.pem")
    assert b"certificate revoked" in caught.value.stderr
    assert b"Superseded" in run("crl -in crl.pem -noout -text")


def test_openssl_lists_a_bundle(run):
    own = Authority("Root", **ROOT).subordinate("Issuing").issue("sbc.example.com")
    assert run("pkcs7 -inform der -print_certs", stdin=own.pkcs7()).count(b"BEGIN CERTIFICATE") == 3
