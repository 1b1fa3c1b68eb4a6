"""Whose certificate it is: the common name and the alternative names against the name of a peer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.pki.mint import Authority
from sbcsim.pki.names import carries

CA = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
NAMED = CA.issue(
    "common.example.com",
    sans=("Alt.Example.com", "*.wild.example.com", "192.0.2.7", "2001:db8::7", "sip:domain.example.com:5061;lr"),
).certificate
ADDRESS_AS_COMMON_NAME = CA.issue("192.0.2.9", sans=()).certificate


@pytest.mark.parametrize(
    "name",
    [
        "common.example.com", "COMMON.example.com.", "alt.example.com", "a.wild.example.com", "domain.example.com",
        "192.0.2.7", "2001:DB8:0::7",
    ],
)  # fmt: skip
def test_names_that_a_certificate_carries(name):
    assert carries(NAMED, name)


@pytest.mark.parametrize(
    "name",
    [
        "", "example.com", "other.example.com", "wild.example.com", "a.b.wild.example.com", ".wild.example.com",
        "192.0.2.8", "2001:db8::8", "*",
    ],
)  # fmt: skip
def test_names_that_it_does_not_carry(name):
    assert not carries(NAMED, name)


def test_a_common_name_can_be_an_address():
    assert carries(ADDRESS_AS_COMMON_NAME, "192.0.2.9")
    assert not carries(ADDRESS_AS_COMMON_NAME, "192.0.2.10")


def test_a_user_in_a_sip_uri_is_no_domain():
    assert not carries(CA.issue("x", sans=("sip:user@domain.example.com",)).certificate, "domain.example.com")


def test_a_star_over_a_whole_top_level_covers_nothing():
    assert not carries(CA.issue("x", sans=("*.com",)).certificate, "example.com")


@given(st.text(alphabet="abc*.", max_size=8))
def test_whatever_is_asked_gets_an_answer(name):
    assert carries(NAMED, name) in {True, False}
