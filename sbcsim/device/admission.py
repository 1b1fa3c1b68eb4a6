"""Which calls are let in, and by which ways out they may leave (sbc-model, trunk groups and peers)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .callrouting import NextHop
from .chassis import Chassis
from .connections import PeerKey, PortKey
from .objects import peer_path
from .pathcheck import PathChecks
from .peerdirectory import PeerDirectory
from .peerstate import PingState
from .trunkgroup import TrunkGroupKey, read_trunk_group, trunk_group_at, zone_trunk_groups


@dataclass(frozen=True, slots=True)
class Ingress:
    """Whose call comes in: its trunk group, and the ipPeer, None where only a prefix of the trunk group is known."""

    trunk_group: TrunkGroupKey
    peer: PeerKey | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call cannot come in, or leave by a way: the status to answer with, and what the journal says."""

    status: int
    reason: str


class Admission:
    """Judges calls by the running configuration and by the calls that stand. `serves` says which trunk groups work.

    `takes_calls` says which sipSigPorts new calls may use.
    """

    def __init__(
        self,
        chassis: Chassis,
        directory: PeerDirectory,
        paths: PathChecks,
        serves: Callable[[TrunkGroupKey], bool],
        takes_calls: Callable[[PortKey], bool],
    ) -> None:
        self._chassis = chassis
        self._directory = directory
        self._paths = paths
        self.serves = serves
        self._takes_calls = takes_calls

    def ingress(self, port: PortKey, source: str) -> Ingress | Refusal:
        """Return whose call an INVITE is that came to a port from an address, or why it is turned away."""
        found = self.origin(port, source)
        return found if isinstance(found, Refusal) else self.port(port) or self._full(found.trunk_group) or found

    def origin(self, port: PortKey, source: str) -> Ingress | Refusal:
        """Return who sends to a port from an address, whether he may call or not; why nobody knows him otherwise.

        A peer of the port's zone has the trunk group whose ingressIpPrefix its address lies in, else the first of the
        zone by name.
        """
        context, zone = port[:2]
        peer = self._peer_at(context, zone, source)
        group = trunk_group_at(self._chassis.tree, context, zone, source)
        if group is None and peer is not None:
            group = next(zone_trunk_groups(self._chassis.tree, context, zone), None)
            if group is None:
                return Refusal(403, f"zone {zone} has no trunk group")
        if group is None:
            return Refusal(403, f"{source} is no peer of zone {zone}, and in no ingressIpPrefix")
        return Ingress(group, peer)

    def port(self, key: PortKey) -> Refusal | None:
        """Return why a new call cannot use a sipSigPort, None where it can."""
        if self._takes_calls(key):
            return None
        return Refusal(503, f"sipSigPort {'/'.join(map(str, key))} takes no new calls")

    def egress(self, hop: NextHop) -> Refusal | None:
        """Return why a new call cannot take a way out, None where it can."""
        return self._full(hop.trunk_group) or self._unavailable(hop.peer)

    def to_endpoint(self, group: TrunkGroupKey) -> Refusal | None:
        """Return why a new call cannot go to an endpoint that has registered by a trunk group, None where it can."""
        return self._full(group)

    def _peer_at(self, context: str, zone: str, source: str) -> PeerKey | None:
        """Return the peer with an address: of several the one with defaultForIp, else the first by name."""
        peers = self._directory.at(context, zone, source)
        if len(peers) > 1:
            tree = self._chassis.tree
            peers = [key for key in peers if tree.value((*peer_path(key), "defaultForIp")) is True] or peers
        return peers[0] if peers else None

    def _full(self, key: TrunkGroupKey) -> Refusal | None:
        """Return why a trunk group takes no more calls."""
        group = read_trunk_group(self._chassis.tree, key)
        if group is None or not self.serves(key):
            return Refusal(503, f"trunk group {key[2]} is not in service")
        if group.call_limit is not None and sum(self._chassis.calls.usage(*key)) >= group.call_limit:
            return Refusal(503, f"trunk group {key[2]} has reached its callLimit of {group.call_limit}")
        return None

    def _unavailable(self, key: PeerKey) -> Refusal | None:
        """Return why no new call goes to a peer; one whose pathCheck is disabled counts as available."""
        check = self._paths.get(key)
        if check is None:
            return Refusal(503, f"there is no peer {key[2]}")
        if check.local_admin != "up" or check.remote_admin != "up":
            return Refusal(503, f"peer {key[2]} is blocked")
        if check.state is PingState.DOWN:
            return Refusal(503, f"peer {key[2]} is down")
        return None
