"""Where simulated addresses lie on the host, and what the simulator refuses to open."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fakedevice import listener

from sbcsim.addresses import format_endpoint
from sbcsim.device.effects import ListenerKey
from sbcsim.errors import UserError
from sbcsim.net.wiring import (
    AddressMap,
    AddressPair,
    RefusedDialError,
    Wiring,
    parse_network,
    parse_pair,
)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("10.1.2.3=127.0.0.2", AddressPair("10.1.2.3", "127.0.0.2")),
        ("10.1.2.3:5061=127.0.0.1:15061", AddressPair("10.1.2.3", "127.0.0.1", 5061, 15061)),
        ("10.1.2.3:5061=127.0.0.2", AddressPair("10.1.2.3", "127.0.0.2", 5061, 5061)),
        ("2001:db8::1=::1", AddressPair("2001:db8::1", "::1")),
        ("[2001:DB8::1]:5061=[::1]:15061", AddressPair("2001:db8::1", "::1", 5061, 15061)),
    ],
)
def test_mapping_is_read(text: str, pair: AddressPair) -> None:
    assert parse_pair(text) == pair


@pytest.mark.parametrize(
    "text",
    [
        "", "10.1.2.3", "10.1.2.3=", "=127.0.0.1", "host=127.0.0.1", "10.1.2.3=127.0.0.1:15061",
        "10.1.2.3:0=127.0.0.1", "10.1.2.3:x=127.0.0.1", "10.1.2.3:65536=127.0.0.1", "[::1]x=127.0.0.1",
    ],
)  # fmt: skip
def test_bad_mapping_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse_pair(text)


def test_bad_network_is_refused() -> None:
    with pytest.raises(UserError, match="not a network"):
        parse_network("10.0.0.0/64")


def test_endpoint_is_written_as_in_a_url() -> None:
    assert format_endpoint(("10.1.2.3", 5061)) == "10.1.2.3:5061"
    assert format_endpoint(("::1", 5061)) == "[::1]:5061"


@pytest.mark.parametrize(
    ("bind", "ports", "simulated", "places"),
    [
        ("127.0.0.1", "default", ("10.1.2.3", 5061), (("127.0.0.1", 5061),)),
        ("127.0.0.1", "ephemeral", ("10.1.2.3", 5061), (("127.0.0.1", 0),)),
        ("127.0.0.1", "default", ("127.0.0.5", 5061), (("127.0.0.5", 5061), ("127.0.0.1", 5061))),
        ("127.0.0.1", "default", ("127.0.0.1", 5061), (("127.0.0.1", 5061),)),
        ("127.0.0.1", "default", ("0.0.0.0", 5061), (("127.0.0.1", 5061),)),
        ("0.0.0.0", "default", ("10.1.2.3", 5061), (("10.1.2.3", 5061), ("0.0.0.0", 5061))),
        ("192.0.2.1", "default", ("10.1.2.3", 5061), (("192.0.2.1", 5061),)),
        ("127.0.0.1", "ephemeral", ("2001:db8::1", 5061), (("127.0.0.1", 0),)),
    ],
)
def test_listener_takes_its_own_address_or_the_bind_address(
    bind: str, ports: Any, simulated: tuple[str, int], places: tuple[tuple[str, int], ...]
) -> None:
    assert AddressMap(bind, ports).to_listen(simulated) == places


def test_mapping_decides_where_a_listener_goes() -> None:
    maps = [parse_pair("10.1.2.3=127.0.0.2"), parse_pair("10.1.2.3:5071=127.0.0.1:15071")]
    addresses = AddressMap(ports="ephemeral", maps=maps)
    assert addresses.to_listen(("10.1.2.3", 5061)) == (("127.0.0.2", 0),)
    assert addresses.to_listen(("10.1.2.3", 5071)) == (("127.0.0.1", 15071),)


def test_dial_outside_loopback_is_refused_unless_allowed() -> None:
    assert AddressMap().to_dial(("127.9.9.9", 5061)) == ("127.9.9.9", 5061)
    assert AddressMap().to_dial(("::1", 5061)) == ("::1", 5061)
    with pytest.raises(RefusedDialError, match=r"dialling 10\.1\.2\.3 is not allowed"):
        AddressMap().to_dial(("10.1.2.3", 5061))
    allowed = AddressMap(allow_dial=[parse_network("10.1.0.0/16")])
    assert allowed.to_dial(("10.1.2.3", 5061)) == ("10.1.2.3", 5061)
    with pytest.raises(RefusedDialError):
        allowed.to_dial(("10.2.2.3", 5061))


def test_mapped_peer_is_dialled_at_its_host_address_which_must_be_allowed_too() -> None:
    maps = [
        parse_pair("10.1.2.3=127.0.0.2"),
        parse_pair("10.9.9.9:5061=127.0.0.1:15061"),
        parse_pair("127.0.0.9=192.0.2.1"),
    ]
    addresses = AddressMap(maps=maps)
    assert addresses.to_dial(("10.1.2.3", 5061)) == ("127.0.0.2", 5061)
    assert addresses.to_dial(("10.9.9.9", 5061)) == ("127.0.0.1", 15061)
    with pytest.raises(RefusedDialError):
        addresses.to_dial(("10.9.9.9", 5060))
    with pytest.raises(RefusedDialError):
        addresses.to_dial(("127.0.0.9", 5061))


def test_dial_comes_from_a_loopback_address_of_the_port() -> None:
    addresses = AddressMap(maps=[parse_pair("10.1.2.3=127.0.0.2")])
    assert addresses.to_dial_from("127.0.0.5", ("127.0.0.1", 5061)) == ("127.0.0.5", 0)
    assert addresses.to_dial_from("10.1.2.3", ("127.0.0.1", 5061)) == ("127.0.0.2", 0)
    assert addresses.to_dial_from("10.4.5.6", ("127.0.0.1", 5061)) is None
    assert addresses.to_dial_from("127.0.0.5", ("10.4.5.6", 5061)) is None
    assert addresses.to_dial_from("127.0.0.5", ("::1", 5061)) is None
    assert addresses.to_dial_from("", ("127.0.0.1", 5061)) is None


def test_peer_that_dials_in_gets_its_simulated_address_where_it_is_sure() -> None:
    addresses = AddressMap(maps=[parse_pair("10.1.2.3=127.0.0.2"), parse_pair("10.1.2.4=127.0.0.3"),
                                 parse_pair("10.1.2.5=127.0.0.3")])  # fmt: skip
    assert addresses.from_host(("127.0.0.2", 40000)) == ("10.1.2.3", 40000)
    assert addresses.from_host(("127.0.0.3", 40000)) == ("127.0.0.3", 40000)
    assert addresses.from_host(("127.0.0.1", 40000)) == ("127.0.0.1", 40000)


# --- the sockets


class Ports:
    """What the configuration wants, told by the test."""

    def __init__(self) -> None:
        self.running: set[ListenerKey] = set()
        self.proposed: set[ListenerKey] = set()

    def proposal(self) -> Any:
        return SimpleNamespace(new=None)

    def opening(self, _proposal: object) -> frozenset[ListenerKey]:
        return frozenset(self.proposed - self.running)

    def wanted(self, _tree: object) -> frozenset[ListenerKey]:
        return frozenset(self.proposed)


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def wiring(ports: Ports, numbers: Any = "default") -> Wiring:
    return Wiring(AddressMap(ports=numbers), ports.opening, ports.wanted)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_taken_port_refuses_the_commit_and_leaves_nothing_bound(ports: Ports, taken: int) -> None:
    wires = wiring(ports)
    free = free_port()
    ports.proposed = {listener(free), listener(taken)}
    with pytest.raises(UserError) as refusal:
        wires.prepare(ports.proposal())
    assert refusal.value.text == (
        f"'addressContext default zone ZONE sipSigPort 1': SIP Signaling port cannot use 127.0.0.1:{taken}:"
        f" 127.0.0.1:{taken} of the host: address already in use"
    )
    socket.create_server(("127.0.0.1", free)).close()
    wires.close()


def test_prepared_socket_is_handed_over(ports: Ports) -> None:
    wires = wiring(ports)
    key = listener(free_port())
    ports.proposed = {key}
    wires.prepare(ports.proposal())
    with pytest.raises(OSError, match="in use"):
        socket.create_server(key.address, reuse_port=False).close()
    wires.apply(ports.proposal(), None)  # type: ignore[arg-type]
    sock = wires.open(key)
    assert sock.getsockname() == key.address
    assert wires.listeners() == {key: key.address}
    wires.close()


def test_abandoned_commit_gives_back_what_it_bound(ports: Ports) -> None:
    wires = wiring(ports)
    key = listener(free_port())
    ports.proposed = {key}
    wires.prepare(ports.proposal())
    wires.abandon(ports.proposal())
    socket.create_server(key.address).close()
    wires.close()


def test_place_that_the_same_commit_leaves_is_no_conflict(ports: Ports) -> None:
    wires = wiring(ports)
    port = free_port()
    old, new = listener(port, "10.1.1.1"), listener(port, "10.1.1.2")
    wires.open(old)
    ports.running = {old}
    ports.proposed = {new}
    wires.prepare(ports.proposal())
    wires.apply(ports.proposal(), None)  # type: ignore[arg-type]
    wires.close_listener(old)
    assert wires.open(new).getsockname() == ("127.0.0.1", port)
    wires.close()


def test_two_simulated_addresses_cannot_share_one_place(ports: Ports) -> None:
    wires = wiring(ports)
    port = free_port()
    old, new = listener(port, "10.1.1.1"), listener(port, "10.1.1.2")
    wires.open(old)
    ports.running = {old}
    ports.proposed = {old, new}
    with pytest.raises(UserError, match="already in use"):
        wires.prepare(ports.proposal())
    wires.close()


def test_ephemeral_port_is_kept_while_its_listener_is_closed(ports: Ports) -> None:
    wires = wiring(ports, "ephemeral")
    first, second = listener(5061, "10.1.1.1"), listener(5061, "10.1.1.2")
    one, other = wires.open(first), wires.open(second)
    where = one.getsockname()
    assert where != other.getsockname()
    wires.close_listener(first)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)
    ports.running, ports.proposed = {second}, {first, second}
    wires.prepare(ports.proposal())
    assert wires.open(first).getsockname() == where
    wires.close()


def test_listener_falls_back_to_the_bind_address(ports: Ports) -> None:
    wires = wiring(ports, "ephemeral")
    assert wires.open(listener(5061, "10.1.1.1")).getsockname()[0] == "127.0.0.1"
    assert wires.open(listener(5061, "127.0.0.7")).getsockname()[0] == "127.0.0.7"
    wires.close()


def test_ipv6_loopback_listens(ports: Ports) -> None:
    wires = wiring(ports, "ephemeral")
    try:
        place = wires.open(listener(5061, "::1")).getsockname()[0]
    finally:
        wires.close()
    assert place in {"::1", "127.0.0.1"}  # the latter on a host without IPv6
