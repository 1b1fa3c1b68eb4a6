"""Rules about ipInterfaces, sipSigPorts, ipPeers and trunk groups."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.census import ADDRESSES, PING_STATE, PINGED, PINGED_PEERS, keys_of
from sbcsim.config.objects import enabled
from sbcsim.config.ports import ADDRESSED, INTERFACE, LAST_PORT, PORT, uses
from sbcsim.errors import UserError
from sbcsim.schema.node import Path
from sbcsim.schema.walk import quote

from .registry import Stage, paths, rule
from .review import Review, came_first, changed_while_enabled, first, refuse, required, switched_off


@rule(Stage.REQUIRED, "not_configured", at=paths(("addressContext", "zone", "ipPeer", "pathCheck")))
def enabled_path_checks_have_a_profile(review: Review, path_check: Path) -> Iterator[UserError]:
    """While it is enabled it names a profile."""
    if enabled(review.new, path_check):
        yield from required(review, path_check, "profile")


@rule(Stage.STATE, "locked_leaf", at=paths((*INTERFACE, "altMediaIpAddresses")))
def media_addresses_stay_while_enabled(review: Review, leaf_list: Path) -> Iterator[UserError]:
    """While state is enabled, addresses may be added but not taken away."""
    old, new = review.old.get(leaf_list) or (), review.new.get(leaf_list) or ()
    assert isinstance(old, tuple)
    assert isinstance(new, tuple)
    if not set(old) <= set(new) and changed_while_enabled(review, leaf_list):
        yield refuse("locked_leaf", leaf_list)


@rule(Stage.STATE, "still_in_service", at=paths(INTERFACE, ("addressContext", "zone", "sipTrunkGroup")))
def objects_are_out_of_service_before_they_are_disabled(review: Review, entry: Path) -> Iterator[UserError]:
    """When it is disabled, its mode is outOfService, in the same commit or before."""
    by_hand = (*entry, "state") not in review.trail.rolled_back
    if by_hand and switched_off(review, entry) and review.new.value((*entry, "mode")) == "inService":
        yield refuse("still_in_service", (*entry, "state"), value="disabled")


@rule(Stage.STATE, "recorder_and_siprec", at=paths(PORT))
def ports_record_in_one_way(review: Review, port: Path) -> Iterator[UserError]:
    """Of recorder and siprec at most one is enabled."""
    if all(review.new.value((*port, leaf)) == "enabled" for leaf in ("recorder", "siprec")):
        yield refuse("recorder_and_siprec", (*port, "siprec"), value="enabled")


@rule(Stage.LENGTH, "too_many_pinged", at=paths(PING_STATE))
def not_too_many_peers_are_pinged(review: Review, state: Path) -> Iterator[UserError]:
    """At most 2,000 peers are pinged."""
    change = review.by_path.get(state)
    count = len(review.after.census.at(PINGED))
    if change is not None and change.new == "enabled" and count > PINGED_PEERS:
        yield refuse("too_many_pinged", state, value="enabled", count=count, most=PINGED_PEERS)


@rule(Stage.UNIQUE, "not_unique", at=paths(*ADDRESSES))
def interface_addresses_are_unique(review: Review, leaf: Path) -> Iterator[UserError]:
    """An address stands only once in an addressContext."""
    change = review.by_path.get(leaf)
    if change is None or change.new is None:
        return
    for key in keys_of(change.node, leaf, change.new):
        before = review.before.census.at(key)
        if any(came_first(review, before, other, leaf) for other in review.after.census.at(key)):
            yield refuse("not_unique", leaf, value=key[-1])
            return


@rule(Stage.PORTS, "port_in_use", "port_too_high", at=paths(PORT))
def ports_are_free(review: Review, port: Path) -> Iterator[UserError]:
    """No other sipSigPort takes the same port of the same address; TLS takes portNumber + 1."""
    for use in uses(review.new, port):
        number = use[1]
        if number > LAST_PORT:
            yield refuse("port_too_high", port, port=number)
            return
        before = review.before.uses.at(use)
        others = [other for other in review.after.uses.at(use) if came_first(review, before, other, port)]
        if others:
            other = first(review, others)
            yield refuse("port_in_use", port, port=number, zone=quote(other[3]), other=other[5])
            return


@rule(Stage.PORTS, "port_in_use", "port_too_high", at=paths(*ADDRESSED))
def ports_of_an_interface_are_free(review: Review, leaf: Path) -> Iterator[UserError]:
    """A sipSigPort that takes its address from the first enabled ipInterface of its group finds its port free."""
    for referrer in review.after.indexes.referrers.at(leaf[:4]):
        if referrer[4] == PORT[-1]:
            yield from ports_are_free(review, referrer[:-1])
