"""The ipPeers by key and by address: who may be at the far end of a connection, and by which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sbcsim.addresses import usual_address

from .connections import ConnectionRecord, PeerKey
from .objects import IpPeer

_Place = tuple[str, str, str]
"""addressContext, zone, address."""


class PeerDirectory:
    """Every ipPeer in force. `hosts` is the host table by which names are resolved."""

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._hosts = hosts
        self._peers: dict[PeerKey, IpPeer] = {}
        self._at: dict[_Place, dict[PeerKey, None]] = {}
        self._found: dict[PeerKey, str] = {}

    def get(self, key: PeerKey) -> IpPeer | None:
        """Return a peer, None for one that is not in force."""
        return self._peers.get(key)

    def address(self, peer: IpPeer) -> str:
        """Return where a peer is, as configured or by what its name means; "" where nobody knows."""
        return (
            peer.address
            or self._hosts.get(peer.host_name)
            or usual_address(peer.host_name)
            or self._found.get(peer.key, "")
        )

    def put(self, peer: IpPeer) -> None:
        """Take a peer in, in place of an earlier one of the same key."""
        before = self._peers.get(peer.key)
        found = self._found.get(peer.key, "")
        self.drop(peer.key)
        if found and before is not None and before.host_name == peer.host_name:
            self._found[peer.key] = found
        self._peers[peer.key] = peer
        for place in self._places(peer):
            self._at.setdefault(place, {})[peer.key] = None

    def drop(self, key: PeerKey) -> None:
        """Forget a peer."""
        peer = self._peers.pop(key, None)
        if peer is None:
            return
        places = self._places(peer)
        self._found.pop(key, None)
        for place in places:
            keys = self._at[place]
            del keys[key]
            if not keys:
                del self._at[place]

    def found(self, key: PeerKey, address: str) -> None:
        """Take in where the DNS says that a peer is now."""
        peer = self._peers.get(key)
        if peer is not None and self._found.get(key) != address:
            self.drop(key)
            self._found[key] = address
            self.put(peer)

    def forget_addresses(self) -> None:
        """Forget where the DNS has said that peers are."""
        for key in tuple(self._found):
            peer = self._peers[key]
            self.drop(key)
            self.put(peer)

    def behind(self, record: ConnectionRecord) -> Sequence[IpPeer]:
        """Return who a connection leads to: whom the box dialled, or who has the address it came from."""
        if record.peer is not None:
            peer = self._peers.get(record.peer)
            return [] if peer is None else [peer]
        return [self._peers[key] for key in self.at(record.address_context, record.zone, record.remote[0])]

    def at(self, address_context: str, zone: str, address: str) -> Sequence[PeerKey]:
        """Return the peers of a zone that have an address."""
        return sorted(self._at.get((address_context, zone, address), {}))

    def names(self, record: ConnectionRecord) -> tuple[str, ...]:
        """Return the names of which the far end's certificate must carry one; none where nobody is known there."""
        return tuple(dict.fromkeys(peer.certified_name for peer in self.behind(record) if peer.certified_name))

    def _places(self, peer: IpPeer) -> frozenset[_Place]:
        addresses = {peer.address, self._hosts.get(peer.host_name, ""), self._found.get(peer.key, "")} - {""}
        return frozenset((*peer.key[:2], address) for address in addresses)
