"""PKCS#12 files that tests are made with: what is in them, and that the box reads every kind."""

from dataclasses import replace
from typing import get_args

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from sbcsim.errors import UserError
from sbcsim.pki.keystore import KeystoreError, Problem, load_file
from sbcsim.pki.mint import Authority, Encryption, MacHash, new_key

CA = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
OWN = CA.subordinate("Issuing").issue("sbc.example.com")
OTHER = CA.issue("other.example.com")


@pytest.mark.parametrize("encryption", get_args(Encryption))
@pytest.mark.parametrize("pass_phrase", ["secret", "Zoë", "x" * 70])
def test_the_box_reads_every_encryption(encryption, pass_phrase):
    data = OWN.pkcs12(pass_phrase, encryption=encryption)
    content = load_file(data, "local", pass_phrase)
    assert content.certificate == OWN.certificate
    assert content.key.private_numbers() == OWN.key.private_numbers()
    if encryption != "none":
        with pytest.raises(KeystoreError) as caught:
            load_file(data, "local", f"{pass_phrase}!")
        assert caught.value.problem is Problem.WRONG_PASS_PHRASE


@pytest.mark.parametrize("mac", get_args(MacHash))
def test_every_proof(mac):
    data = OWN.pkcs12("secret", mac=mac)
    assert pkcs12.load_pkcs12(data, b"secret").cert.certificate == OWN.certificate.x509
    assert load_file(data, "local", "secret").certificate == OWN.certificate


@pytest.mark.parametrize("encryption", get_args(Encryption))
def test_chain_further_certificates_and_names(encryption):
    data = OWN.pkcs12(
        "secret", encryption=encryption, friendly_name="sbc ü", with_chain=True, extra=(OTHER.certificate,)
    )
    bundle = pkcs12.load_pkcs12(data, b"secret")
    assert (bundle.cert.certificate, bundle.cert.friendly_name) == (OWN.certificate.x509, "sbc ü".encode())
    further = [each.certificate for each in bundle.additional_certs]
    assert sorted(further, key=hash) == sorted((each.x509 for each in (*OWN.chain, OTHER.certificate)), key=hash)


def test_the_name_is_the_common_name_or_none():
    assert pkcs12.load_pkcs12(OWN.pkcs12("x"), b"x").cert.friendly_name == b"sbc.example.com"
    assert pkcs12.load_pkcs12(OWN.pkcs12("x", friendly_name=""), b"x").cert.friendly_name is None


def test_a_key_that_is_not_the_certificates_goes_in_unbound():
    bundle = pkcs12.load_pkcs12(replace(OWN, key=OTHER.key).pkcs12("x"), b"x")
    assert bundle.cert is None
    assert [each.certificate for each in bundle.additional_certs] == [OWN.certificate.x509]
    assert bundle.key.private_numbers() == OTHER.key.private_numbers()


def test_without_key():
    bundle = pkcs12.load_pkcs12(OWN.pkcs12("x", with_key=False), b"x")
    assert (bundle.key, len(bundle.additional_certs)) == (None, 1)


def test_the_same_content_gives_the_same_file():
    assert OWN.pkcs12("x", encryption="legacy") == OWN.pkcs12("x", encryption="legacy")
    assert OWN.pkcs12("x", rounds=1) != OWN.pkcs12("x")
    assert load_file(OWN.pkcs12("x", rounds=1), "local", "x").certificate == OWN.certificate


@pytest.mark.parametrize("key_type", ["ed25519", "ed448", "ec-p521"])
def test_other_keys(key_type):
    issued = CA.issue("x", key=new_key(key_type))
    assert pkcs12.load_pkcs12(issued.pkcs12("x"), b"x").cert.certificate == issued.certificate.x509


def test_what_there_is_not_is_refused():
    with pytest.raises(UserError, match="no encryption des; there are aes256, aes128, 3des"):
        OWN.pkcs12("x", encryption="des")
    with pytest.raises(UserError, match="no hash md5; there are sha1, sha256"):
        OWN.pkcs12("x", mac="md5")
