"""Encryption of secrets in the configuration."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.config.secret import Cipher
from sbcsim.errors import UserError

CIPHER = Cipher(7)


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=63))
def test_round_trip(plain: str) -> None:
    word = CIPHER.encrypt(plain)
    assert word.startswith("$8$")
    assert word == CIPHER.encrypt(plain)
    assert CIPHER.decrypt(word) == plain
    assert CIPHER.is_encrypted(word)
    assert CIPHER.sealed(word) == word
    assert CIPHER.decrypt(CIPHER.sealed(plain)) == plain


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_foreign_words_are_refused(text: str) -> None:
    assert not CIPHER.is_encrypted("$8$" + text)
    with pytest.raises(UserError):
        CIPHER.decrypt("$8$" + text)


def test_seeds_have_keys_of_their_own() -> None:
    word = CIPHER.encrypt("geheim")
    assert Cipher(8).encrypt("geheim") != word
    assert not Cipher(8).is_encrypted(word)
    assert Cipher(8).sealed(word) == word  # so that a dump of one box is a dump of the other
    assert Cipher(8).opened(word) == word
    assert Cipher(8).opened(Cipher(8).encrypt("geheim")) == "geheim"


@pytest.mark.parametrize("text", ["", "geheim", "$8", "$8$"])
def test_plain_words(text: str) -> None:
    assert not CIPHER.is_encrypted(text)
