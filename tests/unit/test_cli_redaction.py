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
        ("set x passPhrase s3cret state enabled", "set x passPhrase ******** state enabled"),
        ('set x passPhrase "two words" state', "set x passPhrase ******** state"),
        ('set x passPhrase "never closed', "set x passPhrase ********"),
        (r"set x passPhrase two\ words ty local", "set x passPhrase ******** ty local"),
        ("set x passPhrase two words state enabled", "set x passPhrase ******** ******** state enabled"),
        ("set x passPhrase 'two words' type local", "set x passPhrase ******** ******** type local"),
        ("set x passPhrase [ two words ] | count", "set x passPhrase ******** ******** ******** ******** | count"),
        ('set x passPhrase "" s3cret', "set x passPhrase ******** ********"),
        ("set x passPhrase two|words", "set x passPhrase ********|********"),
        ("set x passPhrase | s3cret", "set x passPhrase | ********"),
        ('set x "passPhrase" s3cret', 'set x "passPhrase" ********'),
        (
            "set oam snmp users jo authKey 0a:0b privKey 0c:0d",
            "set oam snmp users jo authKey ******** privKey ********",
        ),
        ("set oam snmp users a authKey 0a:0b", "set oam snmp users a ******** ********"),
        ("set oam snmp users p au 0a:0b group admin", "set oam snmp users p ******** ******** group admin"),
        (r"set x p\assPhrase s3cret", r"set x p\assPhrase ********"),
        ("set x passPhrase=s3cret state enabled", "set x passPhrase=******** state enabled"),
        ("set x Password: two words", "set x Password: ******** ********"),
        ("set x password:two words", "set x password:******** ********"),
        ("set x pasPhrase s3cret", "set x pasPhrase ********"),
        ("set p security tlsProfile T1 state enabled", "set p ******** tlsProfile T1 state enabled"),
        ("set system admin SBC1 passwordRules minimumLength 9", "set system admin SBC1 passwordRules minimumLength 9"),
        ("set x passP s3cret", "set x passP ********"),
        ("set x passFrase s3cret", "set x passFrase ********"),
        ("set x passphrase s3cret", "set x passphrase ********"),
        ('set x passPhrase"s3cret words" state enabled', "set x passPhrase******** state enabled"),
        ('set x passP"s3cret" state enabled', "set x passP******** state enabled"),
        ("set x passPhrases3cret words state enabled", "set x passPhrase******** ******** state enabled"),
        ('set x "passPhrase=two words" state enabled', 'set x "passPhrase=******** state enabled'),
        ("set x pa [ two words ] state enabled", "set x pa ******** ******** ******** ******** state enabled"),
        ("set x pa [two words] state enabled", "set x pa ******** ******** state enabled"),
        ("set x pa [two] state enabled", "set x pa ******** state enabled"),
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
