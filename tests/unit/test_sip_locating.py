"""From a host name to an address and port, as RFC 3263 and RFC 2782 draw it."""

from __future__ import annotations

from collections import Counter

import pytest

from sbcsim import rng
from sbcsim.sip.locating import Answer, Question, Service, Unlocated, in_order, locate

NAME = "peer.example.com"
SRV = Question(f"_sips._tcp.{NAME}", "SRV")
A, AAAA = Question(NAME, "A"), Question(NAME, "AAAA")


def draw(seed):
    return rng.stream(seed, "test")


def found(answers, port=0, transport="TLS", types=("A",), seed=1):
    return locate(NAME, port, transport, types, answers, draw(seed))


def address(*texts):
    return Answer(addresses=texts)


@pytest.mark.parametrize(
    ("transport", "service", "port"),
    [("TLS", "_sips._tcp", 5061), ("TCP", "_sip._tcp", 5060), ("UDP", "_sip._udp", 5060)],
)
def test_port_0_asks_for_the_service_of_the_transport_and_takes_the_usual_port_where_there_is_none(
    transport, service, port
):
    question = Question(f"{service}.{NAME}", "SRV")
    assert found({}, transport=transport) == question
    answers = {question: Answer()}
    assert found(answers, transport=transport) == A
    answers[A] = address("192.0.2.1")
    assert found(answers, transport=transport) == ("192.0.2.1", port)


def test_a_port_asks_for_addresses_only():
    assert found({}, port=5099) == A
    assert found({A: address("192.0.2.1")}, port=5099) == ("192.0.2.1", 5099)


def test_kinds_of_addresses_are_tried_in_order():
    types = ("A", "AAAA")
    assert found({A: Answer()}, 5061, types=types) == AAAA
    assert found({A: Answer(), AAAA: address("2001:db8::1")}, 5061, types=types) == ("2001:db8::1", 5061)
    assert found({A: address("192.0.2.1")}, 5061, types=types) == ("192.0.2.1", 5061)
    assert found({A: Answer(), AAAA: Answer()}, 5061, types=types) == Unlocated(f"{NAME} has no address")


def test_the_lowest_priority_comes_first_and_what_has_no_address_is_passed_over():
    services = (Service(20, 0, 5, "c"), Service(10, 0, 3, "a"), Service(10, 0, 4, "b"))
    order = in_order(services, draw(0))
    assert [each.priority for each in order] == [10, 10, 20]
    answers = {SRV: Answer(services=services), Question("a", "A"): Answer(), Question("b", "A"): Answer()}
    assert found(answers) == Question("c", "A")
    answers[Question("c", "A")] = address("192.0.2.3")
    assert found(answers) == ("192.0.2.3", 5)
    answers[Question("c", "A")] = Answer()
    assert found(answers) == Unlocated("c has no address")


def test_weights_share_out():
    services = [Service(1, 90, 1, "much"), Service(1, 10, 1, "little"), Service(1, 0, 1, "hardly")]
    first = Counter(in_order(services, draw(seed))[0].target for seed in range(2000))
    assert first["much"] > 1600
    assert 100 < first["little"] < 300
    assert 0 < first["hardly"] < 100


def test_a_seed_decides():
    services = Answer(services=tuple(Service(1, 1, number, f"t{number}") for number in range(8)))
    assert len({found({SRV: services}, seed=seed) for seed in range(50)}) > 3
    assert len({found({SRV: services}, seed=7) for _ in range(5)}) == 1
    addresses = {A: address("192.0.2.1", "192.0.2.2"), AAAA: Answer()}
    turned = {A: address("192.0.2.2", "192.0.2.1")}
    assert all(found(addresses, 5, seed=seed) == found(turned, 5, seed=seed) for seed in range(20))
    assert len({found(addresses, 5, seed=seed) for seed in range(20)}) == 2


def test_a_service_that_is_not_offered():
    answers = {SRV: Answer(services=(Service(0, 0, 0, ""),))}
    assert found(answers) == Unlocated(f"_sips._tcp.{NAME} is not offered")


@pytest.mark.parametrize("question", [SRV, A])
def test_a_failure_of_the_dns_ends_it(question):
    answers = {SRV: Answer(), question: Answer(failure="because")}
    assert found(answers) == Unlocated(f"{question.name} does not resolve: because")
