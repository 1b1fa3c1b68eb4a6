"""Settings by name, as the command line gives them."""

from __future__ import annotations

import pytest
from inmemory import Box

from sbcsim.device.passwords import PasswordChange
from sbcsim.device.settings import NAMED, Settings, chosen
from sbcsim.errors import UserError


def test_by_name() -> None:
    assert chosen([]) == Settings()
    assert chosen(["last-login=on", "dial-tls-port-plus-one=on", "password-change=never"]) == Settings(
        last_login=True, dial_tls_port_plus_one=True, password_change=PasswordChange.NEVER
    )
    assert chosen(["last-login=on", "last-login=off"]) == Settings()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "seed=1",
            (
                '"seed" is no setting: dial-tls-port-plus-one, last-login, lock-wait, password-change, '
                "resume-across-renewal, sessions-survive-switchover"
            ),
        ),
        ("last-login", 'setting last-login: "" is none of on, off'),
        ("last-login=yes", 'setting last-login: "yes" is none of on, off'),
        ("password-change=on", 'setting password-change: "on" is none of never, reset, first'),
    ],
)
def test_what_is_no_setting(text: str, reason: str) -> None:
    with pytest.raises(UserError) as refusal:
        chosen([text])
    assert refusal.value.text == reason


def test_every_name_is_one_of_a_field() -> None:
    assert set(NAMED.values()) <= set(Settings.__slots__)


def test_they_reach_the_box() -> None:
    box = Box(settings=chosen(["last-login=on", "password-change=never"]))
    assert box.sbc.users.password_change is PasswordChange.NEVER
    for before in (None, "192.0.2.7"):
        login = box.sbc.sessions.open("admin", box.now, context="cli", remote="192.0.2.7")
        assert (login.before and login.before.remote) == before
    box.sbc.sessions.end()
    box.sbc.reset(box.now)
    assert box.sbc.sessions.open("admin", box.now, context="cli", remote="192.0.2.7").before is None
