"""Users of the configuration become accounts."""

from __future__ import annotations

import pytest
from inmemory import Box

from sbcsim.schema.walk import WalkError

JO = "set oam localAuth user jo "


@pytest.fixture
def box() -> Box:
    box = Box()
    box.commit("set oam localAuth group Operator", "set oam localAuth group Guest", f"{JO}group Operator")
    return box


def test_a_new_user_has_the_group_but_no_password(box):
    account = box.sbc.users.get("jo")
    assert (account.group, account.interactive, account.by_password) == ("Operator", True, True)
    assert not box.sbc.users.check("jo", "")


def test_what_changes_leaves_password_and_keys_alone(box):
    box.sbc.users.add("jo", "secret", group="Operator", keys=["ssh-ed25519 AAAA comment"])
    box.commit(f"{JO}group Guest interactiveAccess disabled")
    account = box.sbc.users.get("jo")
    assert (account.group, account.interactive) == ("Guest", False)
    assert box.sbc.users.check("jo", "secret")
    assert box.sbc.users.key_allowed("jo", "ssh-ed25519 AAAA")


def test_a_new_password_leaves_access_alone(box):
    box.commit(f"{JO}interactiveAccess disabled")
    box.sbc.users.add("jo", "secret", group="Operator")
    assert not box.sbc.users.get("jo").interactive


def test_without_password_login_no_password_fits(box):
    box.sbc.users.add("jo", "secret", group="Operator", keys=["ssh-ed25519 AAAA"])
    box.commit(f"{JO}passwordLoginSupport disabled")
    assert not box.sbc.users.check("jo", "secret")
    assert box.sbc.users.key_allowed("jo", "ssh-ed25519 AAAA")
    box.commit(f"{JO}passwordLoginSupport enabled")
    assert box.sbc.users.check("jo", "secret")


def test_a_deleted_user_is_gone_and_others_stay(box):
    box.sbc.users.add("other", "secret")
    box.commit("delete oam localAuth user jo")
    assert [account.name for account in box.sbc.users] == ["other"]
    box.commit(f"{JO}group Guest")
    box.sbc.users.remove("jo")
    box.commit("delete oam localAuth user jo")
    assert [account.name for account in box.sbc.users] == ["other"]


@pytest.mark.parametrize("name", ["jo.doe", "a-b_c", "7of9", "_"])
def test_names_that_can_be_directories(box, name):
    box.commit(f"set oam localAuth user {name} group Guest")
    assert box.sbc.users.get(name).home == f"/home/Guest/{name}"


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "../Administrator/admin", "a\N{NO-BREAK SPACE}b", "-x"])
def test_names_that_cannot(box, name):
    with pytest.raises(WalkError):
        box.commit(f"set oam localAuth user {name} group Guest")
