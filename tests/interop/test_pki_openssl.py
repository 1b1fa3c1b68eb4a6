"""Certificate files as the openssl program makes them, with today's encryptions and those of old programs."""

import shutil
import subprocess

import pytest

from sbcsim.pki.keystore import KeystoreError, Problem, load_file
from sbcsim.pki.mint import Authority

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


def test_openssl_opens_and_verifies_what_the_authority_mints(run, tmp_path):
    root = Authority("Root", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
    own = root.subordinate("Issuing").issue("sbc.example.com")
    (tmp_path / "root.pem").write_text(root.certificate.pem())
    (tmp_path / "own.pem").write_text(own.pem(with_chain=True))
    assert run("verify -x509_strict -CAfile root.pem -untrusted own.pem own.pem") == b"own.pem: OK\n"
    for encryption in ("aes256", "3des"):
        data = own.pkcs12("secret", encryption=encryption, with_chain=True)
        text = run("pkcs12 -noenc -passin pass:secret", stdin=data).decode()
        assert text.count("BEGIN CERTIFICATE") == 3
        assert own.pem() in text
