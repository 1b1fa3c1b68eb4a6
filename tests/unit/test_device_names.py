"""pathCheck hostName by DNS, in memory: what is asked when, how long it is kept, and what a failure does."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box, FarEnd
from livebox import BASE, PINGING, SET_PEER, SET_PORT, ZONE, chain, live_box, peer

from sbcsim.clock import DAY, MINUTE
from sbcsim.device.settings import Settings
from sbcsim.sip.locating import Answer, Question, Service

NAME = "p.example.com"
A = Question(NAME, "A")
SRV = Question(f"_sips._tcp.{NAME}", "SRV")
ASKING = Settings(resolver=("127.0.0.1", 53))
UDP = tuple(line.replace("sip-tls-tcp", "sip-udp") for line in BASE)
FOUND = Answer(addresses=("192.0.2.77",), seconds=300)


def named_box(*lines: str, dns=(), settings=ASKING, base=BASE, host_port: int = 5061, slow: bool = False) -> Box:
    box = live_box(settings=settings, base=base[:-1])
    for place in (("192.0.2.77", 5061), ("192.0.2.78", 5061), ("192.0.2.79", 5099)):
        box.far_ends[place] = FarEnd(chain=chain(testca.peer()))
    box.dns.update(dns)
    box.slow_dns = slow
    box.commit(f"{SET_PEER}pathCheck hostName {NAME} hostPort {host_port}", *lines, PINGING)
    return box


def pings(box):
    return [(event.ok, event.reason) for event in box.events("pathPing")]


def answer(box, question, given):
    box.sbc.looked_up(question, given, box.now)
    box.pump()


def test_a_name_is_looked_up_and_its_peer_pinged():
    box = named_box(dns={A: FOUND})
    assert box.asked == [A]
    assert box.far_ends["192.0.2.77", 5061].requests == 1
    assert pings(box) == [(True, "200")]
    (record,) = box.sbc.connections()
    assert record.remote == ("192.0.2.77", 5061)


def test_port_0_asks_for_the_service():
    services = Answer(services=(Service(10, 0, 5099, "t.example.com"),), seconds=60)
    box = named_box(dns={SRV: services, Question("t.example.com", "A"): Answer(("192.0.2.79",))}, host_port=0)
    assert box.asked == [SRV, Question("t.example.com", "A")]
    assert box.far_ends["192.0.2.79", 5099].requests == 1


def test_without_a_service_port_0_is_the_usual_one():
    box = named_box(dns={A: FOUND}, host_port=0)
    assert box.asked == [SRV, A]
    assert box.far_ends["192.0.2.77", 5061].requests == 1


def test_the_host_table_goes_first_and_nobody_is_asked_without_a_resolver():
    box = named_box(settings=Settings(hosts={NAME: "192.0.2.78"}, resolver=("127.0.0.1", 53)))
    assert (box.asked, box.far_ends["192.0.2.78", 5061].requests) == ([], 1)
    box = named_box(dns={A: FOUND}, settings=Settings())
    assert box.asked == []
    assert pings(box) == [(False, f"hostName {NAME} is not in the host table")]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Answer(), f"{NAME} has no address"),
        (Answer(failure="the DNS server says SERVFAIL"), f"{NAME} does not resolve: the DNS server says SERVFAIL"),
    ],
)
def test_a_name_that_does_not_resolve_fails_the_ping(given, reason):
    box = named_box(dns={A: given})
    box.advance("1d")
    assert set(pings(box)) == {(False, reason)}
    assert peer(box).state == "down"
    assert sum(event.times for event in box.events("pathPing")) == 1 + DAY // MINUTE
    assert not box.sbc.connections()


def test_a_name_that_resolves_later_brings_the_peer_up():
    box = named_box(dns={A: Answer(failure="the DNS server does not answer")})
    box.advance("10m")
    box.dns[A] = FOUND
    box.advance("10m")
    assert peer(box).state == "up"


def test_a_standing_connection_asks_nobody_and_the_next_one_asks_again():
    box = named_box(dns={A: FOUND})
    box.advance("1d")
    assert len(box.asked) == 1
    box.dns[A] = Answer(("192.0.2.78",), seconds=300)
    box.sbc.closed(box.sbc.connections()[0].id, "reset by peer", box.now)
    box.advance("1m")
    assert len(box.asked) == 2
    assert [record.remote[0] for record in box.sbc.connections()] == ["192.0.2.78"]


def test_an_answer_is_kept_for_its_time_to_live_in_uptime():
    box = named_box(dns={A: Answer(("192.0.2.77",), seconds=150)}, base=UDP)
    for _ in range(6):
        box.advance("1m")
    assert len(box.asked) == 3  # at 0, 180 and 360 s
    box = named_box(dns={A: Answer(("192.0.2.77",))}, base=UDP)
    for _ in range(6):
        box.advance("1m")
    assert len(box.asked) == 7
    box = named_box(dns={A: Answer(seconds=90)}, base=UDP)  # that there is none is kept as well
    for _ in range(6):
        box.advance("1m")
    assert len(box.asked) == 4


def test_over_udp_a_changed_address_is_pinged_once_the_old_one_is_not_kept_any_more():
    box = named_box(dns={A: Answer(("192.0.2.77",), seconds=90)}, base=UDP)
    box.dns[A] = Answer(("192.0.2.78",), seconds=90)
    box.advance("1m")
    assert box.far_ends["192.0.2.78", 5061].requests == 0
    box.advance("1m")
    assert box.far_ends["192.0.2.78", 5061].requests == 1


def test_one_question_serves_all_who_wait_for_it():
    extra = (
        f"set {ZONE} ipPeer Q ipAddress 192.0.2.1",
        f"set {ZONE} ipPeer Q pathCheck profile PCP hostName {NAME} hostPort 5061 state enabled",
    )
    box = named_box(*extra, slow=True)
    assert box.asked == [A]
    assert box.sbc.outstanding() == 1
    assert box.sbc.hopeful()
    answer(box, A, FOUND)
    assert len(pings(box)) == 2
    assert box.sbc.outstanding() == 0


def test_a_slow_answer_is_waited_for_and_silences_nobody():
    box = named_box(slow=True)
    box.sbc.give_up(box.now)
    assert box.sbc.outstanding() == 1
    answer(box, A, FOUND)
    assert pings(box) == [(True, "200")]


def test_an_answer_that_comes_too_late_is_kept_for_the_next_ping():
    box = named_box(slow=True)
    box.sbc.fire(box.clock.move_to(40_000_000))
    assert pings(box) == [(False, "no answer")]
    answer(box, A, FOUND)
    assert not box.sbc.connections()
    box.advance("20s")
    assert pings(box)[-1] == (True, "200")
    assert len(box.asked) == 1


@pytest.mark.parametrize("line", [f"{SET_PEER}pathCheck state disabled", f"{SET_PORT}mode outOfService"])
def test_an_answer_nobody_waits_for_any_more_dials_nobody(line):
    box = named_box(slow=True)
    box.commit(line)
    answer(box, A, FOUND)
    assert not box.sbc.connections()
    assert not box.far_ends["192.0.2.77", 5061].connections


def test_a_restart_forgets_names_and_questions():
    box = named_box(slow=True)
    box.sbc.halt("switchover", box.now)
    assert box.sbc.outstanding() == 0
    answer(box, A, FOUND)
    box.slow_dns = False
    box.dns[A] = FOUND
    box.sbc.go_on((), box.now)
    box.pump()
    assert box.asked == [A, A]


def test_an_ipv6_port_asks_for_ipv6_addresses():
    base = [
        line.replace("ipAddress 10.0.0.5 ", "ipAddress 10.0.0.5 altIpAddress 2001:db8::5 altPrefix 64 ")
        for line in BASE
    ]
    box = live_box(settings=ASKING, base=tuple(base[:-1]))
    box.commit(f"{SET_PORT}state disabled")
    box.commit(f"{SET_PORT}ipAddressV6 2001:db8::5 state enabled")
    box.dns[Question(NAME, "AAAA")] = Answer(("2001:db8::a",), seconds=60)
    box.far_ends["2001:db8::a", 5061] = FarEnd(chain=chain(testca.peer()))
    box.commit(f"{SET_PEER}pathCheck hostName {NAME} hostPort 5061", PINGING)
    assert box.asked == [Question(NAME, "AAAA")]
    assert pings(box) == [(True, "200")]


def test_who_dials_in_from_an_address_of_the_dns_is_the_peer():
    box = named_box(dns={A: FOUND})
    names = box.sbc._paths._directory.at("default", "Z", "192.0.2.77")
    assert names == [("default", "Z", "P")]
    box.commit(f"{SET_PEER}pathCheck hostName q.example.com")
    assert not box.sbc._paths._directory.at("default", "Z", "192.0.2.77")


@pytest.mark.parametrize("seconds", [0, 30, 90, 100_000])
@pytest.mark.parametrize("base", [BASE, UDP], ids=["tls", "udp"])
def test_pieces_of_a_jump_end_like_the_whole(base, seconds):
    services = tuple(Service(1, 1, 5061, f"t{number}") for number in range(7))
    transport = "_sips._tcp" if base is BASE else "_sip._udp"
    dns = {Question(f"{transport}.{NAME}", "SRV"): Answer(services=services, seconds=seconds)}
    dns |= {Question(f"t{n}", "A"): Answer((f"192.0.2.{10 + n}",), seconds=seconds) for n in range(6)}
    dns[Question("t6", "A")] = Answer(failure="the DNS server says REFUSED")

    def run(*pieces: str):
        box = live_box(settings=ASKING, base=base[:-1])
        for n in range(4):
            box.far_ends[f"192.0.2.{10 + n}", 5061] = FarEnd(chain=chain(testca.peer()))
        box.dns.update(dns)
        peers = [f"P{number}" for number in range(12)]
        lines = [
            f"set {ZONE} ipPeer {name} pathCheck profile PCP hostName {NAME} hostPort 0 state enabled" for name in peers
        ]
        box.commit(*lines)
        for piece in pieces:
            box.advance(piece)
        states = {view.name: (view.state, view.successes, view.failures) for view in box.sbc.peers()}
        return states, dict(box.sbc.rows(("addressContext", "default", "zone", "Z", "sipSigPortStatistics"))[0])

    whole = run("2h")
    assert whole == run("30s", "29m30s", "20m", "40m", "30m")
    assert len({state for state, *_ in whole[0].values()}) > 1
