"""Whom traps go to, as far as the rules and the device have to agree on it: which keys a trapTarget takes."""

from __future__ import annotations

from sbcsim.schema.node import Path

from .tree import Tree

SNMP: Path = ("oam", "snmp")
TARGETS: Path = (*SNMP, "trapTarget")
USERS: Path = (*SNMP, "users")

_KEYS = {"noAuthNoPriv": (), "authNoPriv": ("authKey",), "authPriv": ("authKey", "privKey")}


def wanted_keys(tree: Tree, target: Path) -> tuple[str, ...]:
    """Return which keys of its user a trapTarget needs: only version 3 signs and encrypts, and not at every level."""
    if tree.value((*target, "trapType")) != "v3":
        return ()
    return _KEYS[str(tree.value((*target, "targetSecurityLevel")))]
