"""`oam localAuth user` put to work: the accounts follow the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.config.change import Change
from sbcsim.config.tree import Tree
from sbcsim.schema.node import SchemaPath

from .users import Users

USER: SchemaPath = ("oam", "localAuth", "user")


def apply_changes(users: Users, tree: Tree, changes: Iterable[Change]) -> None:
    """Make, change and remove the accounts that a commit touches; a new one has no password until it is given one."""
    for name in sorted({change.path[3] for change in changes if change.path[:3] == USER}):
        path = (*USER, name)
        if tree.exists(path):
            users.configure(
                name,
                str(tree.value((*path, "group"))),
                interactive=tree.value((*path, "interactiveAccess")) == "enabled",
                by_password=tree.value((*path, "passwordLoginSupport")) == "enabled",
            )
        elif users.get(name) is not None:
            users.remove(name)
