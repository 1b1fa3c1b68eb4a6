"""`oam localAuth user` put to work: the accounts follow the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.config.change import Change
from sbcsim.config.tree import Tree
from sbcsim.schema.node import SchemaPath

from .users import Account, Users

USER: SchemaPath = ("oam", "localAuth", "user")


def accounts_after(
    users: Users, tree: Tree, changes: Iterable[Change], *, again: bool = False
) -> dict[str, Account | None]:
    """Return the accounts that a commit touches as they are behind it, None for one that is gone.

    A new one has no password until it is given one; with `again` one that comes back has the password it had.
    """
    names = sorted({change.path[3] for change in changes if change.path[:3] == USER})
    return {name: _account(users, tree, name, again=again) for name in names}


def apply_all(users: Users, tree: Tree) -> None:
    """Have every account that is configured follow the configuration."""
    for (name,) in tree.keys(USER):
        users.put(name, _account(users, tree, name))


def _account(users: Users, tree: Tree, name: str, *, again: bool = False) -> Account | None:
    path = (*USER, name)
    if not tree.exists(path):
        return None
    return users.configured(
        name,
        str(tree.value((*path, "group"))),
        interactive=tree.value((*path, "interactiveAccess")) == "enabled",
        by_password=tree.value((*path, "passwordLoginSupport")) == "enabled",
        again=again,
    )
