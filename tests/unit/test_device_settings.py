"""Settings by name, as the command line gives them."""

from __future__ import annotations

import pytest
from inmemory import Box

from sbcsim.clock import SECOND
from sbcsim.device.passwords import PasswordChange
from sbcsim.device.settings import NAMED, Settings, chosen
from sbcsim.errors import UserError


def test_by_name() -> None:
    assert chosen([]) == Settings()
    assert chosen(["last-login=on", "dial-tls-port-plus-one=on", "password-change=never"]) == Settings(
        last_login=True, dial_tls_port_plus_one=True, password_change=PasswordChange.NEVER
    )
    assert chosen(["last-login=on", "last-login=off"]) == Settings()
    assert chosen(["replacement-window=1m30s"]) == Settings(replacement_window=90 * SECOND)
    assert chosen(["host=a.example.com:192.0.2.1", "host=b:2001:DB8::1", "host=c:[::1]"]) == Settings(
        hosts={"a.example.com": "192.0.2.1", "b": "2001:db8::1", "c": "::1"}
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("127.0.0.1", ("127.0.0.1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("::1", ("::1", 53)),
    ],
)
def test_where_the_dns_server_is(text: str, place: tuple[str, int]) -> None:
    assert chosen([f"resolver={text}"]) == Settings(resolver=place)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "seed=1",
            (
                '"seed" is no setting: dial-tls-port-plus-one, host, last-login, lock-wait, password-change, '
                "replacement-window, resolver, resume-across-renewal, sessions-survive-switchover"
            ),
        ),
        ("last-login", 'setting last-login: "" is none of on, off'),
        ("last-login=yes", 'setting last-login: "yes" is none of on, off'),
        (
            "host=peer.example.com",
            'setting host: "peer.example.com" is not a name with an address such as peer.example.com:192.0.2.10',
        ),
        (
            "resolver=ns.example.com:53",
            'setting resolver: "ns.example.com:53" is not the place of a DNS server such as 127.0.0.1:5353',
        ),
        (
            "resolver=127.0.0.1:0",
            'setting resolver: "127.0.0.1:0" is not the place of a DNS server such as 127.0.0.1:5353',
        ),
        ("replacement-window=soon", 'setting replacement-window: "soon" is not a duration such as 31d, 1h30m or 90s'),
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
