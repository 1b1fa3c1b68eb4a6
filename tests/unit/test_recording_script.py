"""What a replay takes out of a recording: the steps, and the secrets that lines are without."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.cli.redaction import redact
from sbcsim.clock import Instant
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings, chosen, told
from sbcsim.events import (
    CertificateCheck,
    CliLine,
    ClockMoved,
    ConnectionOpened,
    Controlled,
    Event,
    Login,
    Reset,
    SftpOperation,
    SipMessage,
)
from sbcsim.journal import Entry
from sbcsim.recording.file import Header, Recording
from sbcsim.recording.script import revealed, script, secrets_in, without_far_ends
from sbcsim.schema.load import load

HEADER = Header(sbcsim="0.1", seed=0, mode="virtual", rate=0.0, start=0)
IMPORT = "set system security pki certificate NEW fileName new.p12 type local passPhrase {secret} state enabled"


def recording(*events: Event, missing: int = 0) -> Recording:
    entries = (Entry(missing + number, Instant(0, 0), event).to_json() for number, event in enumerate(events, start=1))
    return Recording(replace(HEADER, missing=missing), tuple(entries))


def line(text: str, *answers: str) -> CliLine:
    return CliLine("admin", 1, "configure", text, True, "127.0.0.1", answers)


def test_steps_are_what_was_done_and_nothing_that_followed():
    made = script(
        recording(
            Login("admin", "::1", "cli", accepted=False, reason="wrong password"),
            Login("admin", "::1", "cli", accepted=True),
            Login("admin", "::1", "sftp", accepted=True),
            SftpOperation("admin", "put", "/opt/sonus/external/new.p12", 3, True, "", "ab"),
            SftpOperation("admin", "put", "/full", 3, False, "no room"),
            CertificateCheck(1, 0),
            ClockMoved(5, 0, 0),
            Controlled("switchover", (("reason", "x"),)),
            line("commit"),
        )
    )
    assert [step.action for step in made.steps] == ["refused", "login", "file", "file", "move", "control", "type"]
    assert [(each.name, each.size, each.sha256) for each in made.files] == [("new.p12", 3, "ab")]
    assert (made.secrets, made.left_out) == ((), ())


def test_secrets_are_asked_by_the_word_in_front_of_them():
    hidden = redact(IMPORT.format(secret='"two words"'), load())
    assert "two words" not in hidden
    assert script(recording(line(hidden, "********"))).secrets == ("passPhrase", "answer")
    assert secrets_in("set passPhrase=******** ********") == ["passPhrase"]


@pytest.mark.parametrize(
    ("secrets", "found"),
    [
        ({"passPhrase": "plain"}, "plain"),
        ({"passPhrase": "plain", "NEW.passPhrase": "of NEW"}, '"of NEW"'),
        ({"passPhrase": "plain", "OLD.passPhrase": "of OLD"}, "plain"),
    ],
)
def test_a_secret_of_one_object_goes_before_that_of_all(secrets: dict[str, str], found: str):
    assert revealed(IMPORT.format(secret="********"), secrets) == IMPORT.format(secret=found)


def test_a_secret_that_is_not_known_is_named():
    with pytest.raises(KeyError, match="passPhrase"):
        revealed(IMPORT.format(secret="********"), {"password": "x"})


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1).filter(str.strip))
def test_what_was_hidden_is_typed_again_as_one_word(secret: str):
    text = revealed(IMPORT.format(secret="********"), {"passPhrase": secret})
    assert redact(text, load()) == IMPORT.format(secret="********")


def test_what_is_missing_at_the_beginning_is_told_unless_a_reset_made_it_a_beginning():
    assert "begins late: 7 entries" in script(recording(line("commit"), missing=7)).left_out[0]
    assert "begins late" in script(recording(Reset("kept"), missing=7)).left_out[0]
    assert script(recording(Reset(), missing=7)).left_out == ()


def test_a_state_from_before_is_told():
    assert script(recording(Reset())).left_out == ()
    went_on = Recording(replace(HEADER, went_on=True), recording(Reset()).entries)
    assert "went on from its state directory" in script(went_on).left_out[0]


def test_far_ends_are_told_and_left_out_with_what_counts_them():
    made = recording(
        ConnectionOpened(1, "inbound", "default/Z/1", "10.0.0.5:5061", "127.0.0.1:40000"),
        SipMessage(1, "in", "OPTIONS", "x", 3),
        SipMessage(0, "in", "OPTIONS", "x", 3, remote="127.0.0.1:5060"),
        SipMessage(0, "out", "OPTIONS", "x", 3, remote="127.0.0.1:5060"),
        ConnectionOpened(2, "outbound", "default/Z/1", "10.0.0.5:40000", "192.0.2.1:5061"),
        CertificateCheck(2, 1),
    )
    assert "1 connections from outside, 3 entries" in script(made).left_out[0]
    left = without_far_ends(made).entries
    assert [entry["kind"] for entry in left] == ["sip", "connectionOpened", "certificateCheck"]
    assert "checked" not in left[-1]


def test_settings_are_told_as_they_are_chosen():
    texts = ("last-login=on", "password-change=never", "replacement-window=30s", "resolver=127.0.0.1:5353")
    settings = chosen([*texts, "host=peer.example.com:192.0.2.10"])
    assert chosen(told(settings)) == settings
    assert set(texts) < set(told(settings))
    assert told(Settings(seed=5, ha=HaMode.CLOUD)) == ()
