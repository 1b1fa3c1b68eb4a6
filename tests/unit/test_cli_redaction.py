"""Secrets in lines: whatever follows the name of a secret leaf, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.cli.redaction import _redacted, redact, secret_names
from sbcsim.schema.load import load

ROOT = load()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("set a passPhrase s3cret state enabled", "set a passPhrase ******** state enabled"),
        ('set a passPhrase "two words" state', "set a passPhrase ******** state"),
        ('set a passPhrase "never closed', "set a passPhrase ********"),
        (r"set a passPhrase two\ words ty local", "set a passPhrase ******** ty local"),
        ("set a passPhrase two words state enabled", "set a passPhrase ******** ******** state enabled"),
        ("set a passPhrase 'two words' type local", "set a passPhrase ******** ******** type local"),
        ("set a passPhrase [ two words ] | count", "set a passPhrase ******** ******** ******** ******** | count"),
        ('set a passPhrase "" s3cret', "set a passPhrase ******** ********"),
        ("set a passPhrase two|words", "set a passPhrase ********|********"),
        ("set a passPhrase | s3cret", "set a passPhrase | ********"),
        ('set a "passPhrase" s3cret', 'set a "passPhrase" ********'),
        (r"set a p\assPhrase s3cret", r"set a p\assPhrase ********"),
        ("set a passPhrase=s3cret state enabled", "set a passPhrase=******** state enabled"),
        ("set a Password: two words", "set a Password: ******** ********"),
        ("set a password:two words", "set a password:******** ********"),
        ("set a pasPhrase s3cret", "set a pasPhrase ********"),
        ("set p security tlsProfile T1 state enabled", "set p ******** tlsProfile T1 state enabled"),
        ("set system admin SBC1 passwordRules minimumLength 9", "set system admin SBC1 passwordRules minimumLength 9"),
        ("set a passP s3cret", "set a passP ********"),
        ("set a passFrase s3cret", "set a passFrase ********"),
        ("set a passphrase s3cret", "set a passphrase ********"),
        ('set a passPhrase"s3cret words" state enabled', "set a passPhrase******** state enabled"),
        ('set a passP"s3cret" state enabled', "set a passP******** state enabled"),
        ("set a passPhrases3cret words state enabled", "set a passPhrase******** ******** state enabled"),
        ('set a "passPhrase=two words" state enabled', 'set a "passPhrase=******** state enabled'),
        ("set a pa [ two words ] state enabled", "set a pa ******** ******** ******** ******** state enabled"),
        ("set a pa [two words] state enabled", "set a pa ******** ******** state enabled"),
        ("set a pa [two] state enabled", "set a pa ******** state enabled"),
        ("show | match passPhrase | count", "show | match passPhrase | count"),
        ("show | match passPhrase", "show | match passPhrase"),
        ("set profiles security tlsProfile T1", "set profiles security tlsProfile T1"),
    ],
)
def test_redact(line: str, wanted: str) -> None:
    assert redact(line, ROOT) == wanted


def test_pass_phrase_is_a_secret() -> None:
    assert "passPhrase" in secret_names(ROOT)


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=20), st.sampled_from(["passPhrase", "passP", "passphrse", "Passphrase"]))
def test_no_secret_survives(secret: str, name: str) -> None:
    quoted = '"' + secret.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert redact(f"set x {name} {quoted} state", ROOT) == f"set x {name} ******** state"


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["set", "p", "pa", "pass", "passPhrase", "state", "enabled", "x=1", "|", "|count", "10.0.0.1"]
            ),
            st.text(alphabet='abp|"\\\t\x1c\u00a0 =:', max_size=6),
        )
    ).map(" ".join)
)
def test_a_line_that_is_harmless_at_a_glance_is_so_word_by_word(line: str) -> None:
    assert redact(line, ROOT) == _redacted(line, ROOT)
