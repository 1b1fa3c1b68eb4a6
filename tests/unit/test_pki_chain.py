"""The chain sent after an own certificate."""

import itertools
from functools import cache

import pytest

from sbcsim.pki.chain import issuer_path
from sbcsim.pki.credential import issued_by
from sbcsim.pki.mint import Authority, new_key

SPAN = {"not_before": "2020-01-01T00:00:00Z", "not_after": "2040-01-01T00:00:00Z"}


@cache
def authorities() -> tuple[Authority, Authority, Authority]:
    root = Authority("Root", **SPAN)
    policy = root.subordinate("Policy")
    return root, policy, policy.subordinate("Issuing")


@cache
def leaf():
    return authorities()[2].issue("sbc.example.com").certificate


def test_every_issuer_but_the_root_in_order():
    root, policy, issuing = (each.certificate for each in authorities())
    for pool in itertools.permutations((root, policy, issuing)):
        assert issuer_path(leaf(), pool) == (issuing, policy)


def test_without_a_root_the_way_goes_as_far_as_it_can():
    _, policy, issuing = (each.certificate for each in authorities())
    assert issuer_path(leaf(), (policy, issuing)) == (issuing, policy)
    assert issuer_path(leaf(), (issuing,)) == (issuing,)


def test_a_missing_link_ends_the_way():
    root, policy, _ = (each.certificate for each in authorities())
    assert issuer_path(leaf(), (root, policy)) == ()
    assert issuer_path(leaf(), ()) == ()


def test_issued_by_the_root_itself_and_self_signed():
    root = authorities()[0]
    own = root.issue("sbc.example.com").certificate
    assert issuer_path(own, (root.certificate,)) == ()
    assert issuer_path(own, ()) == ()
    assert issuer_path(root.certificate, (root.certificate, own)) == ()


def test_an_authority_of_the_same_name_with_another_key_is_no_issuer():
    root, policy, issuing = authorities()
    imposter = policy.subordinate("Issuing").certificate
    pool = (imposter, policy.certificate, root.certificate)
    assert issuer_path(leaf(), pool) == ()
    assert issuer_path(leaf(), (*pool, issuing.certificate)) == (issuing.certificate, policy.certificate)


@pytest.mark.parametrize("turned", [False, True])
def test_of_a_renewed_issuer_the_one_that_lasts_longer(turned):
    root = Authority("Root", **SPAN)
    key = new_key()
    dates = ("2021-01-01T00:00:00Z", "2030-01-01T00:00:00Z")
    first, second = (
        Authority("Issuing", not_before=SPAN["not_before"], not_after=each, issuer=root, key=key) for each in dates
    )
    own = first.issue("sbc.example.com", not_after="2020-06-01T00:00:00Z").certificate
    pool = [first.certificate, second.certificate, root.certificate]
    assert issuer_path(own, reversed(pool) if turned else pool) == (second.certificate,)


def test_authorities_that_signed_each_other():
    first, second = Authority("First", **SPAN), Authority("Second", **SPAN)
    first_by_second = Authority("First", **SPAN, issuer=second, key=first.key).certificate
    second_by_first = Authority("Second", **SPAN, issuer=first, key=second.key).certificate
    own = first.issue("sbc.example.com").certificate
    ring = (first_by_second, second_by_first)
    assert issuer_path(own, ring) == (first_by_second, second_by_first)
    assert issuer_path(own, (*ring, first.certificate)) == ()
    assert issuer_path(own, (*ring, second.certificate)) == (first_by_second,)


def test_authorities_that_sign_with_sha_1_have_a_chain_too():
    root = Authority("Old root", signature_hash="sha1", **SPAN)
    issuing = root.subordinate("Old issuing")
    own = issuing.issue("sbc.example.com").certificate
    assert issuer_path(own, (root.certificate, issuing.certificate)) == (issuing.certificate,)
    twin = Authority("Old root", signature_hash="sha1", **SPAN)
    other = Authority("Other root", signature_hash="sha1", key=root.key, **SPAN)
    assert not issued_by(issuing.certificate, twin.certificate)
    assert not issued_by(issuing.certificate, other.certificate)
