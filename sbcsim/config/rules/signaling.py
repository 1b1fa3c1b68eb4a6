"""Rules about ipInterfaces, sipSigPorts, ipPeers and trunk groups."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.census import ADDRESSES, PING_STATE, PINGED, PINGED_PEERS, keys_of
from sbcsim.config.ports import INTERFACE, LAST_PORT, PORT, uses
from sbcsim.errors import UserError
from sbcsim.schema.node import Path
from sbcsim.schema.walk import quote

from .review import Review, Stage, came_first, enabled, first, guards, refuse, required, stays_enabled, switched_off


@guards(Stage.REQUIRED, ("addressContext", "zone", "ipPeer", "pathCheck"))
def _enabled_path_check_has_a_profile(review: Review, path_check: Path) -> Iterator[UserError]:
    if enabled(review.new, path_check):
        yield from required(review, path_check, "profile")


@guards(Stage.STATE, (*INTERFACE, "altMediaIpAddresses"))
def _media_addresses_stay_while_enabled(review: Review, leaf_list: Path) -> Iterator[UserError]:
    old, new = review.old.get(leaf_list) or (), review.new.get(leaf_list) or ()
    assert isinstance(old, tuple)
    assert isinstance(new, tuple)
    if not set(old) <= set(new) and stays_enabled(review, leaf_list):
        yield refuse("locked_leaf", leaf_list)


@guards(Stage.STATE, ("addressContext", "ipInterfaceGroup", "ipInterface"), ("addressContext", "zone", "sipTrunkGroup"))
def _out_of_service_before_disabling(review: Review, entry: Path) -> Iterator[UserError]:
    if switched_off(review, entry) and review.new.value((*entry, "mode")) == "inService":
        yield refuse("still_in_service", (*entry, "state"), value="disabled")


@guards(Stage.STATE, PORT)
def _one_kind_of_recording(review: Review, port: Path) -> Iterator[UserError]:
    if all(review.new.value((*port, leaf)) == "enabled" for leaf in ("recorder", "siprec")):
        yield refuse("recorder_and_siprec", (*port, "siprec"), value="enabled")


@guards(Stage.LENGTH, PING_STATE)
def _not_too_many_pinged(review: Review, state: Path) -> Iterator[UserError]:
    change = review.by_path.get(state)
    count = len(review.after.census.at(PINGED))
    if change is not None and change.new == "enabled" and count > PINGED_PEERS:
        yield refuse("too_many_pinged", state, value="enabled", count=count, most=PINGED_PEERS)


# Addresses and ports that clash.


@guards(Stage.UNIQUE, *ADDRESSES)
def _address_is_free(review: Review, leaf: Path) -> Iterator[UserError]:
    change = review.by_path.get(leaf)
    if change is None or change.new is None:
        return
    for key in keys_of(change.node, leaf, change.new):
        before = review.before.census.at(key)
        others = [other for other in review.after.census.at(key) if came_first(review, before, other, leaf)]
        if others:
            yield refuse("address_in_use", leaf, value=key[-1], other=first(review, others))
            return


@guards(Stage.PORTS, PORT)
def _port_is_free(review: Review, port: Path) -> Iterator[UserError]:
    for use in uses(review.new, port):
        if use[2] > LAST_PORT:
            yield refuse("port_too_high", port, port=use[2])
            return
        before = review.before.uses.at(use)
        others = [other for other in review.after.uses.at(use) if came_first(review, before, other, port)]
        if others:
            other = first(review, others)
            yield refuse("port_in_use", port, port=use[2], zone=quote(other[3]), other=other[5])
            return


@guards(Stage.PORTS, INTERFACE)
def _ports_of_the_interface_are_free(review: Review, interface: Path) -> Iterator[UserError]:
    for leaf in review.after.indexes.referrers.at(interface[:4]):
        if leaf[4] == PORT[-1]:
            yield from _port_is_free(review, leaf[:-1])
