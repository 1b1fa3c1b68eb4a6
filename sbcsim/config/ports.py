"""Which addresses and ports the sipSigPorts of a configuration take, and where two of them clash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sbcsim.schema.node import Path, SchemaPath

from .change import Change
from .index import Index
from .tree import Tree

PORT: SchemaPath = ("addressContext", "zone", "sipSigPort")
INTERFACE: SchemaPath = ("addressContext", "ipInterfaceGroup", "ipInterface")
GROUP: SchemaPath = INTERFACE[:-1]
ADDRESSED: tuple[SchemaPath, ...] = ((*INTERFACE, "ipAddress"), (*INTERFACE, "state"))
"""What decides which address the ports of a group take that have none of their own."""

LAST_PORT = 65535

Use = tuple[str, int]
"""Address and port number; the address contexts share them, as one node listens for all."""


def signaling_addresses(tree: Tree, port: Path) -> tuple[str, ...]:
    """Return the addresses of a sipSigPort: its own, else that of the first enabled interface of its group."""
    own = tuple(str(tree.get((*port, leaf))) for leaf in ("ipAddressV4", "ipAddressV6") if tree.get((*port, leaf)))
    if own:
        return own
    group = tree.get((*port, "ipInterfaceGroupName"))
    if group is None:
        return ()
    interfaces: Path = (*port[:2], "ipInterfaceGroup", str(group), "ipInterface")
    for key in tree.keys(interfaces):
        interface = interfaces + key
        address = tree.get((*interface, "ipAddress"))
        if address is not None and tree.value((*interface, "state")) == "enabled":
            return (str(address),)
    return ()


def uses(tree: Tree, port: Path) -> tuple[Use, ...]:
    """Return what a sipSigPort takes, by port number: TLS takes the one above `portNumber` too."""
    number = tree.value((*port, "portNumber"))
    transports = tree.value((*port, "transportProtocolsAllowed"))
    if not tree.exists(port) or not isinstance(number, int):
        return ()
    numbers = [number]
    if isinstance(transports, tuple) and "sip-tls-tcp" in transports:
        numbers.append(number + 1)
    return tuple((address, each) for each in numbers for address in signaling_addresses(tree, port))


def affected(changes: Iterable[Change], *referrers: Index) -> Iterator[Path]:
    """Yield the sipSigPorts whose use may differ after `changes`, each once; pass the referrers before and after."""
    seen: set[Path] = set()
    for change in changes:
        schema = change.node.path
        found: Iterable[Path] = ()
        if schema[: len(PORT)] == PORT:
            found = (change.path[:6],)
        elif schema in ADDRESSED:
            users = (leaf[:6] for index in referrers for leaf in index.at(change.path[:4]))
            found = (user for user in users if user[4] == PORT[-1])
        for port in found:
            if port not in seen and len(port) == 6:
                seen.add(port)
                yield port


def uses_after(index: Index, old: Tree, new: Tree, ports: Iterable[Path]) -> Index:
    """Return the index from use to sipSigPorts for the tree `new`."""
    for port in ports:
        for use in uses(old, port):
            index = index.without_path(use, port)
        for use in uses(new, port):
            index = index.with_path(use, port)
    return index
