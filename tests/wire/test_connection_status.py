"""The tables about connections, leaf by leaf: each is provoked by somebody on the wire, and says what was there.

Failures move most of the TLS counters; those are in the failure catalogue. Here is what else moves them, and every leaf
of the other tables. A leaf of the model that neither provokes fails here.
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import testca
from failurerow import OLD, count
from failures import ROWS
from farend import FarEnd, context, request
from meeting import CLIENT, SERVER, SOMEBODY_HERE, ZONE, Meeting, meeting
from misbehaviour import take_a_flight
from rawrecord import HANDSHAKE, records
from tlsbox import SET_PROFILE, commit

from sbcsim.schema import load

TLS_COUNTERS, CONNECTIONS = "sipSigPortTlsStatistics", "sipSigConnStatus"
CONNECTION_COUNTERS, SESSIONS = "sipSigConnStatistics", "sipSigTlsSessionStatus"
TABLES = (TLS_COUNTERS, CONNECTIONS, CONNECTION_COUNTERS, SESSIONS)
RESTING = {"0", '""', "no", "none"}

SET_PORT = f"set {ZONE} sipSigPort 1 "
NOBODY_KNOWN = f"{SET_PROFILE}authClient false"


def rows(met: Meeting, table: str) -> list[dict[str, str]]:
    """Return what a table shows, with the key of each row among its leaves."""
    key = load.load().descend(("addressContext", "zone", table)).keys[0]
    shown = met.box.cli(f"show status {ZONE} {table}")
    blocks = re.findall(rf"{table} (\S+) \{{\n(.*?)\n\}}", shown, re.DOTALL)
    return [{key: name, **dict(re.findall(r"(\w+) +(.+);", body))} for name, body in blocks]


@dataclass(frozen=True)
class Scene:
    """What somebody does, and what the last row of the tables shows then: all that a counter table has beside 0.

    Words in `{ }` are filled in from what the far end knows.
    """

    name: str
    role: str
    plays: Callable[[Meeting], Awaitable[FarEnd]]
    shows: Mapping[str, Mapping[str, object]]
    lines: tuple[str, ...] = ()


async def meet(met: Meeting, does: Callable[[Meeting, FarEnd], Awaitable[None]]) -> FarEnd:
    return await met.meet(does, context(OLD, testca.peer(), server=met.role == CLIENT))


async def begin(met: Meeting) -> FarEnd:
    return await meet(met, lambda _, far: far.hear() if far.server else take_a_flight(far))


async def come_up(met: Meeting) -> FarEnd:
    return await meet(met, lambda _, far: far.establish())


async def come_up_and_rest(met: Meeting) -> FarEnd:
    far = await come_up(met)
    await met.box.advance(seconds=50)
    return far


async def come_back(met: Meeting) -> FarEnd:
    settings = context(OLD, testca.peer(), server=False)
    first = await met.meet(lambda _, far: far.establish(), settings)
    await first.farewell()
    await first.read_to_the_end()
    session = first.tls.get_session()
    assert session is not None

    async def take_up(_: Meeting, far: FarEnd) -> None:
        far.tls.set_session(session)
        await far.establish()

    return await met.meet(take_up, settings)


async def come_up_while_the_port_drains(met: Meeting) -> FarEnd:
    far = await come_up(met)
    commit(met.box, f"{SET_PORT}action dryup mode outOfService")
    return far


async def send_half(met: Meeting) -> FarEnd:
    far = await come_up(met)
    await far.say(b"\r\n\r\n" + request("OPTIONS", "x")[:-10])  # behind a keep-alive, which is answered
    while far.said != b"\r\n":
        assert await far.read()
    return far


async def ask_as_a_stranger(met: Meeting) -> FarEnd:
    async def ask(_: Meeting, far: FarEnd) -> None:
        assert await far.shake()
        for method in ("OPTIONS", "MESSAGE", "INVITE"):
            await far.say(request(method, method))
        while b"SIP/2.0 488" not in far.said:
            assert await far.read()

    return await meet(met, ask)


async def say_nothing_as_a_stranger(met: Meeting) -> FarEnd:
    async def wait(_: Meeting, far: FarEnd) -> None:
        assert await far.shake()
        await met.until(lambda: bool(met.tells))
        await met.box.advance(seconds=5)
        await far.read_to_the_end()

    return await meet(met, wait)


async def ask_and_never_listen(met: Meeting) -> FarEnd:
    async def ask(_: Meeting, far: FarEnd) -> None:
        assert await far.shake()
        with suppress(ConnectionError):
            while not any("peer does not read" in told for told in met.tells):
                await far.say(request("OPTIONS", "x", filling=8000))

    return await meet(met, ask)


async def come_over_tcp(met: Meeting) -> FarEnd:
    (port,) = [each.address.port for each in met.box.ports.sip if each.transport == "tcp"]
    far = await FarEnd.dial(port, context(OLD, None, server=False))
    met.fars.append(far)
    await far.send(request("OPTIONS", f"{far.port}"))
    while b"SIP/2.0 200" not in far.received:
        assert await far.hear()
    return far


SERVED = {TLS_COUNTERS: count("totalServerConnections", "totalServerSessions")}
SERVING = {
    TLS_COUNTERS: SERVED[TLS_COUNTERS] | count("currentServerConnections", "currentServerSessions"),
    CONNECTION_COUNTERS: count("activeTlsTcpConnection", "totalTlsTcpConnection"),
}

SCENES = [
    Scene(
        "a handshake as server",
        SERVER,
        begin,
        {
            TLS_COUNTERS: count("currentServerHandshakes"),
            CONNECTION_COUNTERS: {},
            CONNECTIONS: {"state": "negotiating", "role": "server", "bytesSent": 0, "bytesRcvd": 0},
        },
    ),
    Scene(
        "a handshake as client",
        CLIENT,
        begin,
        {
            TLS_COUNTERS: count("currentClientHandshakes"),
            CONNECTION_COUNTERS: {},
            CONNECTIONS: {
                "peerIpAddress": "192.0.2.10",
                "peerPortNum": 5061,
                "state": "negotiating",
                "role": "client",
                "pduSendQueued": 1,
                "pduRecvQueued": 0,
            },
        },
    ),
    Scene(
        "a client that is served",
        SERVER,
        come_up_and_rest,
        {
            **SERVING,
            CONNECTIONS: {
                "connectionId": 1,
                "index": 1,
                "peerIpAddress": "127.0.0.1",
                "peerPortNum": "{port}",
                "socket": 1,
                "transport": "tls-tcp",
                "state": "up",
                "role": "server",
                "aging": "no",
                "idleTime": 50,
                "bytesSent": "{heard}",
                "bytesRcvd": "{told}",
                "pduSendQueued": 0,
                "pduRecvQueued": 0,
            },
            SESSIONS: {
                "socket": 1,
                "index": 1,
                "peerIpAddress": "127.0.0.1",
                "state": "up",
                "role": "server",
                "resumptions": 0,
                "tlsSessionId": "{session}",
            },
        },
    ),
    Scene(
        "a peer that is pinged",
        CLIENT,
        come_up_and_rest,
        {
            TLS_COUNTERS: count("totalClientConnections", "currentClientConnections"),
            CONNECTION_COUNTERS: SERVING[CONNECTION_COUNTERS],
            CONNECTIONS: {
                "connectionId": 1,
                "peerIpAddress": "192.0.2.10",
                "peerPortNum": 5061,
                "state": "up",
                "role": "client",
                "idleTime": 50,
                "bytesSent": "{heard}",
                "bytesRcvd": "{told}",
                "pduSendQueued": 0,
            },
            SESSIONS: {"role": "client", "resumptions": 0, "tlsSessionId": '""'},
        },
    ),
    Scene(
        "a client that comes back",
        SERVER,
        come_back,
        {
            TLS_COUNTERS: {
                "totalServerSessions": 1,
                "totalServerConnections": 2,
                "currentServerConnections": 1,
                "sessionResumptions": 1,
            },
            CONNECTION_COUNTERS: {"activeTlsTcpConnection": 1, "totalTlsTcpConnection": 2},
            CONNECTIONS: {"connectionId": 2, "socket": 2},
            SESSIONS: {"socket": 2, "resumptions": 1},
        },
    ),
    Scene("a port that drains", SERVER, come_up_while_the_port_drains, SERVING | {CONNECTIONS: {"aging": "yes"}}),
    Scene("half a message", SERVER, send_half, SERVING | {CONNECTIONS: {"pduRecvQueued": 1, "bytesRcvd": "{told}"}}),
    Scene(
        "a stranger's requests",
        SERVER,
        ask_as_a_stranger,
        {
            TLS_COUNTERS: {**SERVING[TLS_COUNTERS], "noAuthDrops": 2, "noAuth488": 1},
            CONNECTIONS: {"state": "waitingSipAuth"},
            SESSIONS: {"state": "waitingSipAuth"},
        },
        lines=(NOBODY_KNOWN,),
    ),
    Scene(
        "a peer's requests",
        SERVER,
        come_up,
        {**SERVING, CONNECTIONS: {"state": "up"}, SESSIONS: {"state": "up"}},
        lines=(NOBODY_KNOWN, SOMEBODY_HERE),
    ),
    Scene(
        "a stranger's silence",
        SERVER,
        say_nothing_as_a_stranger,
        {
            TLS_COUNTERS: SERVED[TLS_COUNTERS] | count("higherAuthTimeout"),
            CONNECTION_COUNTERS: count("totalTlsTcpConnection"),
        },
        lines=(NOBODY_KNOWN,),
    ),
    Scene(
        "a client that never listens",
        SERVER,
        ask_and_never_listen,
        {
            TLS_COUNTERS: SERVED[TLS_COUNTERS] | count("sendFailures"),
            CONNECTION_COUNTERS: count("totalTlsTcpConnection"),
        },
    ),
    Scene(
        "a client without TLS",
        SERVER,
        come_over_tcp,
        {
            TLS_COUNTERS: {},
            CONNECTION_COUNTERS: count("tcpConnection", "totalTcpConnection"),
            CONNECTIONS: {"transport": "tcp", "state": "up", "bytesSent": "{received}"},
        },
        lines=(f"{SET_PORT}transportProtocolsAllowed sip-tcp,sip-tls-tcp",),
    ),
]


def ticket_name(far: FarEnd) -> str:
    """Return the name of the ticket that the far end was given over TLS 1.2, "" for none."""
    tickets = [body for kind, body in records(far.received) if kind == HANDSHAKE and body[:1] == b"\x04"]
    return hashlib.sha256(tickets[0][10:]).hexdigest().upper() if tickets else ""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_every_leaf_says_what_was_on_the_wire(tmp_path: Path, scene: Scene) -> None:
    async with meeting(tmp_path, scene.role, OLD, *scene.lines) as met:
        far = await scene.plays(met)
        await met.box.advance(seconds=0)
        known = {
            "port": far.port,
            "told": far.told,
            "heard": far.heard,
            "received": len(far.received),
            "session": ticket_name(far),
        }
        for table, leaves in scene.shows.items():
            shown = rows(met, table)[-1]
            if table in {TLS_COUNTERS, CONNECTION_COUNTERS}:
                shown = {leaf: value for leaf, value in shown.items() if value != "0" and leaf != "index"}
            else:
                shown = {leaf: value for leaf, value in shown.items() if leaf in leaves}
            assert shown == {leaf: str(value).format_map(known) for leaf, value in leaves.items()}, table


async def test_a_connection_that_is_being_opened(tmp_path: Path) -> None:
    with socket.socket() as deaf, socket.socket() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting.connect(deaf.getsockname())  # the one that a backlog of none holds: the next one gets no answer
        async with meeting(tmp_path, CLIENT, OLD, port=deaf.getsockname()[1]) as met:
            commit(met.box, f"set {ZONE} ipPeer P pathCheck profile PCP state enabled")
            (row,) = rows(met, CONNECTIONS)
            assert (row["state"], row["role"], row["pduSendQueued"]) == ("connecting", "client", "1")
            await met.box.advance(seconds=5)
            assert rows(met, CONNECTIONS) == []
            assert met.tells == ["not dialled: tcpConnectTimeout ran out"]
            assert met.counters == {}


def test_every_leaf_of_the_model_is_provoked() -> None:
    provoked = {
        (table, leaf)
        for scene in SCENES
        for table, leaves in scene.shows.items()
        for leaf, value in leaves.items()
        if str(value) not in RESTING
    }
    provoked |= {(TLS_COUNTERS, leaf) for row in ROWS for leaf, value in row.counts.items() if value}
    zone = load.load().descend(("addressContext", "zone"))
    model = {
        (table, leaf.name)
        for table in TABLES
        for leaf in zone.children[table].children.values()
        if leaf.is_leaf and not (table in {TLS_COUNTERS, CONNECTION_COUNTERS} and leaf.name == "index")
    }
    assert provoked == model
