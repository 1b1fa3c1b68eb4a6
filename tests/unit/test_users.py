"""Accounts: passwords, keys, groups, and the way back to the start."""

import pytest

from sbcsim.device.users import Users
from sbcsim.errors import UserError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC"


def test_password_is_checked_and_not_kept():
    users = Users()
    account = users.add("admin", "s3cret")
    assert users.check("admin", "s3cret")
    assert not users.check("admin", "S3cret")
    assert not users.check("admin", "")
    assert not users.check("nobody", "s3cret")
    assert b"s3cret" not in account.digest
    assert "s3cret" not in repr(account)


def test_empty_password_never_logs_in():
    users = Users()
    users.add("robot", "", keys=[KEY])
    assert not users.check("robot", "")
    assert not users.check("nobody", "")


def test_same_password_of_two_users_differs_in_store():
    users = Users()
    assert users.add("a", "x").digest != users.add("b", "x").digest


def test_key_comment_does_not_matter():
    users = Users()
    users.add("admin", "x", keys=[f"{KEY} somebody@host"])
    assert users.key_allowed("admin", f"{KEY} other\n")
    assert not users.key_allowed("admin", KEY[:-1])
    assert not users.key_allowed("nobody", KEY)


@pytest.mark.parametrize(
    ("group", "writes"), [("Administrator", True), ("Operator", False), ("Guest", False), ("FieldService", False)]
)
def test_only_administrators_write(group, writes):
    account = Users().add("u", "x", group=group)
    assert account.may_write is writes
    assert account.home == f"/home/{group}/u"


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../x", "a\n"])
def test_a_name_that_no_directory_can_have_is_refused(name):
    users = Users()
    with pytest.raises(UserError, match="cannot be the name of a user"):
        users.begin(name, "Secret-1")
    assert users.get(name) is None


def test_default_credentials_are_recognised():
    users = Users()
    users.add("admin", "admin")
    assert users.has_default_credentials
    users.add("admin", "other")
    assert not users.has_default_credentials


def test_reset_returns_to_a_moment():
    users = Users()
    users.add("admin", "x")
    start = users.moment()
    users.add("late", "x")
    users.add("admin", "changed")
    users.reset(start)
    assert [account.name for account in users] == ["admin"]
    assert users.check("admin", "x")
    users.remove("admin")
    assert len(users) == 0
    assert users.get("admin") is None
