"""Subjects and names of signing requests, and the requests themselves."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.pki.mint import new_key
from sbcsim.pki.request import RequestError, parse_names, parse_subject, signing_request


@pytest.mark.parametrize(
    ("text", "rfc4514"),
    [
        ("/C=US/O=Example/CN=host", "CN=host,O=Example,C=US"),
        ("/CN=a", "CN=a"),
        ("/O=R/D/CN=a b", "CN=a b,O=R/D"),
        ("/ST=Ohio/L=X/OU=Y/emailAddress=a@b/CN=z", "CN=z,1.2.840.113549.1.9.1=a@b,OU=Y,L=X,ST=Ohio"),
    ],
)
def test_subjects_in_slash_form(text, rfc4514):
    assert parse_subject(text).rfc4514_string() == rfc4514


@pytest.mark.parametrize("text", ["", "/", "CN=a", "x/CN=a", "/XX=a", "/CN=", "/C=USA/CN=a", "/CN"])
def test_what_is_no_subject(text):
    with pytest.raises(RequestError):
        parse_subject(text)


@given(st.text(max_size=40))
def test_any_text_is_a_subject_or_refused(text):
    for each in (text, f"/CN={text}"):
        try:
            parse_subject(each)
        except RequestError:
            continue


def test_names():
    assert parse_names("") == ()
    assert parse_names("a.example.com, b.example.com") == ("a.example.com", "b.example.com")
    for text in ("a,,b", "a b", "é.example.com", ","):
        with pytest.raises(RequestError):
            parse_names(text)


def test_the_request_is_signed_and_carries_the_names():
    key = new_key()
    asked = x509.load_pem_x509_csr(signing_request(parse_subject("/CN=a"), ["b.example.com"], key).encode())
    assert asked.is_signature_valid
    assert asked.public_key() == key.public_key()
    names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["b.example.com"]
    assert not list(x509.load_pem_x509_csr(signing_request(parse_subject("/CN=a"), [], key).encode()).extensions)
