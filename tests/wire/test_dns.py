"""hostName by a DNS server and a peer on real sockets; and the resolver alone, with servers of every kind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dnsserver import DnsServer, dns_server
from udppeer import UdpPeer, udp_peer

from sbcsim.device.settings import Settings
from sbcsim.net.resolver import Resolver
from sbcsim.simulator import Simulator
from sbcsim.sip.locating import Answer, Question, Service

NAME = "peer.example.com"
ZONE = "addressContext default zone Z"
CONFIGURATION = f"""\
set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 3 recoveryCount 2
set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0
set addressContext default ipInterfaceGroup LIG ipInterface LIF ipAddress 198.51.100.5 prefix 24
set addressContext default ipInterfaceGroup LIG ipInterface LIF mode inService state enabled
set {ZONE} id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060
set {ZONE} sipSigPort 1 transportProtocolsAllowed sip-udp mode inService state enabled
"""


@asynccontextmanager
async def pinging_box(
    directory: Path, server: DnsServer, peer: UdpPeer, *, host_port: int = 5060, peers: int = 1
) -> AsyncIterator[Simulator]:
    file = directory / "box.cli"
    lines = [f"set {ZONE} ipPeer P{n} pathCheck profile PING hostName {NAME}\n" for n in range(peers)]
    lines += [f"set {ZONE} ipPeer P{n} pathCheck hostPort {host_port} state enabled\n" for n in range(peers)]
    file.write_text(CONFIGURATION + "".join(lines))
    maps = [f"192.0.2.10:{port}=127.0.0.1:{peer.port}" for port in (5060, 5099)]
    async with Simulator(file, maps=maps, settings=Settings(resolver=server.place)) as box:
        yield box


def outcomes(box: Simulator) -> list[tuple[bool, str]]:
    return [(entry.event.ok, entry.event.reason) for entry in box.journal("pathPing")]


async def test_a_name_is_asked_of_the_server_and_its_address_pinged(tmp_path: Path) -> None:
    async with dns_server() as server, udp_peer() as peer:
        server.put(NAME, "A", "192.0.2.10")
        async with pinging_box(tmp_path, server, peer) as box:
            await box.advance(minutes=1)
            assert box.peers()[0].path_state == "up"
            assert outcomes(box) == [(True, "200")] * 2
            assert server.asked == [f"{NAME} A"]
            await box.advance(minutes=10)  # kept for five minutes of the simulated time
            assert len(server.asked) > 1
    assert peer.heard[0].startswith("OPTIONS sip:192.0.2.10:5060 SIP/2.0\r\n")


async def test_services_aliases_and_long_answers(tmp_path: Path) -> None:
    async with dns_server() as server, udp_peer() as peer:
        server.put(f"_sip._udp.{NAME}", "SRV", "20 0 5060 other.example.com.", "10 0 5099 alias.example.com.")
        server.put("alias.example.com", "CNAME", "real.example.com.")
        server.put("real.example.com", "A", "192.0.2.10")
        server.mode = "truncate"
        async with pinging_box(tmp_path, server, peer, host_port=0) as box:
            await box.advance(minutes=1)
            assert outcomes(box) == [(True, "200")] * 2
        assert server.asked == [f"_sip._udp.{NAME} SRV", "alias.example.com A"]
        assert server.by_tcp == 2
    assert peer.heard[0].startswith("OPTIONS sip:192.0.2.10:5099 SIP/2.0\r\n")


async def test_what_goes_wrong_stands_in_the_journal_and_the_clock_waits_for_it(tmp_path: Path) -> None:
    async with dns_server() as server, udp_peer() as peer:
        async with pinging_box(tmp_path, server, peer) as box:
            await box.advance(minutes=1)
            server.mode = "SERVFAIL"
            await box.advance(minutes=1)
            server.mode = "silent"
            await box.advance(minutes=1)
            server.mode = "answer"
            server.put(NAME, "A", "203.0.113.7")
            await box.advance(minutes=1)
            said = outcomes(box)
        assert said[0] == (False, f"{NAME} has no address")
        assert (False, f"{NAME} does not resolve: the DNS server says SERVFAIL") in said
        assert (False, f"{NAME} does not resolve: the DNS server does not answer") in said
        assert said[-1] == (False, "dialling 203.0.113.7 is not allowed: it is outside loopback")
        assert not peer.heard


async def test_a_name_that_comes_back_brings_its_peer_up(tmp_path: Path) -> None:
    async with dns_server() as server, udp_peer() as peer:
        server.mode = "silent"
        async with pinging_box(tmp_path, server, peer) as box:
            await box.advance(minutes=10)
            assert box.peers()[0].path_state == "down"
            server.mode = "answer"
            server.put(NAME, "A", "192.0.2.10")
            await box.advance(minutes=10)
            assert box.peers()[0].path_state == "up"


async def test_many_peers_of_one_name_ask_once(tmp_path: Path) -> None:
    async with dns_server() as server, udp_peer() as peer:
        server.put(NAME, "A", "192.0.2.10")
        async with pinging_box(tmp_path, server, peer, peers=20) as box:
            await box.advance(minutes=1)
            assert {each.path_state for each in box.peers()} == {"up"}
        assert len(server.asked) == 1


# The resolver alone.


async def asked(place: tuple[str, int], *questions: Question) -> dict[Question, Answer]:
    """Ask all at once and return what came back."""
    answers: dict[Question, Answer] = {}
    done = asyncio.Event()

    def take(question: Question, answer: Answer) -> None:
        answers[question] = answer
        if len(answers) == len(questions):
            done.set()

    resolver = Resolver(place, take)
    try:
        for question in questions:
            resolver.ask(question)
        async with asyncio.timeout(20):
            await done.wait()
    finally:
        await resolver.close()
    return answers


async def test_every_kind_of_record() -> None:
    async with dns_server() as server:
        server.put("a.example.com", "A", "192.0.2.1", "192.0.2.2", seconds=77)
        server.put("a.example.com", "AAAA", "2001:db8::1")
        server.put("s.example.com", "SRV", "1 2 3 t.example.com.", "0 0 0 .")
        questions = [
            Question("a.example.com", "A"),
            Question("a.example.com", "AAAA"),
            Question("s.example.com", "SRV"),
        ]
        found = await asked(server.place, *questions, Question("none.example.com", "A"))
        assert sorted(found[questions[0]].addresses) == ["192.0.2.1", "192.0.2.2"]
        assert found[questions[0]].seconds == 77
        assert found[questions[1]].addresses == ("2001:db8::1",)
        assert set(found[questions[2]].services) == {Service(1, 2, 3, "t.example.com"), Service(0, 0, 0, "")}
        none = found[Question("none.example.com", "A")]
        assert (none.addresses, none.failure) == ((), "")


@pytest.mark.parametrize("negative", [0, 90])
async def test_how_long_it_holds_that_there_is_nothing(negative: int) -> None:
    async with dns_server() as server:
        server.negative = negative
        question = Question("none.example.com", "A")
        assert await asked(server.place, question) == {question: Answer(seconds=negative)}


async def test_a_thousand_questions_at_once_are_all_answered() -> None:
    async with dns_server() as server:
        questions = [Question(f"h{number}.example.com", "A") for number in range(1000)]
        for number, question in enumerate(questions):
            server.put(question.name, "A", f"192.0.{number // 250}.{number % 250 + 1}")
        found = await asked(server.place, *questions)
        assert not [answer for answer in found.values() if answer.failure]
        assert len({answer.addresses for answer in found.values()}) == 1000


async def test_a_lost_question_is_asked_again() -> None:
    async with dns_server() as server:
        server.put("a.example.com", "A", "192.0.2.1")
        server.deaf = 2
        question = Question("a.example.com", "A")
        assert (await asked(server.place, question))[question].addresses == ("192.0.2.1",)
        assert len(server.asked) == 3


async def test_names_that_are_none_and_places_where_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()
    question = Question("a.example.com", "A")
    failure = (await asked(nobody, question))[question].failure
    assert failure == "the DNS server cannot be reached: connection refused"
    wrong = Question("a..example.com", "A")
    async with dns_server() as server:
        assert (await asked(server.place, wrong))[wrong].failure
        assert server.asked == []


@pytest.mark.parametrize("mode", ["silent", "answer"])
async def test_closing_gives_up_what_is_under_way(mode: str) -> None:
    async with dns_server() as server:
        server.mode = mode
        answers: list[Question] = []
        resolver = Resolver(server.place, lambda question, _answer: answers.append(question))
        for number in range(100):
            resolver.ask(Question(f"h{number}.example.com", "A"))
        await asyncio.sleep(0)
        await resolver.close()
        assert len(asyncio.all_tasks()) == 1
        assert not answers
