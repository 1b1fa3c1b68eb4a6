"""Keys that users bring themselves."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from inmemory import Box

from sbcsim.device.authorizedkeys import LIMIT, authorized_keys
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings
from sbcsim.errors import UserError

HOME = "/home/Guest/jo"
KEY, OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC", "ecdsa-sha2-nistp256 AAAAE2VjZHNh"


@pytest.fixture
def box() -> Box:
    box = Box()
    box.sbc.users.add("jo", "secret", group="Guest")
    return box


def install(box: Box, text: str) -> None:
    account, files = box.sbc.users.get("jo"), box.sbc.files
    files.make_home(account, box.now)
    if not files.exists(f"{HOME}/.ssh"):
        files.mkdir(f"{HOME}/.ssh", box.now, account=account)
    files.write(f"{HOME}/.ssh/authorized_keys", text.encode(), box.now, account=account)


def test_a_key_opens_as_long_as_it_is_there(box):
    users = box.sbc.users
    assert not users.key_allowed("jo", KEY)
    install(box, f"# mine\n\n{KEY} jo@host\n{OTHER}\n")
    assert users.key_allowed("jo", f"{KEY} other comment")
    assert users.key_allowed("jo", OTHER)
    assert not users.key_allowed("jo", KEY + "x")
    assert not users.key_allowed("nobody", KEY)
    install(box, OTHER)
    assert not users.key_allowed("jo", KEY)


def test_the_keys_of_the_account_stay_beside_them(box):
    box.sbc.users.add("jo", "secret", group="Guest", keys=[KEY])
    install(box, OTHER)
    assert box.sbc.users.key_allowed("jo", KEY)
    assert box.sbc.users.key_allowed("jo", OTHER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        f'command="show users" {KEY}',
        f'from="192.0.2.1" {KEY}',
        f"#{KEY}",
        "x" * LIMIT + f"\n{KEY}",
        "\0\n" * 5,
    ],
)
def test_what_is_no_plain_key_opens_nothing(box, text):
    install(box, text)
    assert not box.sbc.users.key_allowed("jo", KEY)
    assert KEY not in authorized_keys(box.sbc.files, box.sbc.users.get("jo"))


@pytest.mark.parametrize("ha", [HaMode.NONE, HaMode.CLOUD])
def test_they_open_nothing_for_another_one_of_that_name(ha):
    box = Box(settings=Settings(ha=ha))
    box.commit("set oam localAuth group Guest", "set oam localAuth user jo group Guest")
    install(box, KEY)
    box.commit("delete oam localAuth user jo")
    box.commit("set oam localAuth user jo group Guest")
    assert not box.sbc.users.key_allowed("jo", KEY)


def test_a_disk_that_does_not_obey_is_told_of():
    box = Box()
    box.sbc.state.keep_with(Clinging())
    box.sbc.users.add("jo", "secret", group="Guest")
    install(box, KEY)
    box.sbc.users.remove("jo")
    assert [event.text for event in box.events("log")] == ["*Keys of jo not removed: broken"]


class Clinging:
    """A disk that takes everything and lets nothing go."""

    def put_files(self, rows: object, removed: Iterable[int] = ()) -> None:
        if list(removed):
            raise UserError("broken")

    def put(self, documents: object) -> None:
        """Nothing to keep."""


def test_a_new_group_has_a_new_home(box):
    install(box, KEY)
    box.commit("set oam localAuth group Operator", "set oam localAuth user jo group Operator")
    assert not box.sbc.users.key_allowed("jo", KEY)
