"""Octets on a real SSH channel: what is no UTF-8 harms neither connection nor session, and what comes back is UTF-8."""

from __future__ import annotations

import asyncio
import re

import asyncssh
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from keystrokes import KEYS, LINES
from typedbox import TypedBox

from sbcsim.cli.session import Session
from sbcsim.net.ssh import start_cli_server

BROKEN = st.sampled_from(
    [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf", b"\x80"]
)
OCTETS = st.lists(
    st.one_of(
        BROKEN,
        st.binary(max_size=8),
        st.sampled_from(KEYS).map(str.encode),
        LINES.map(lambda line: f"{line}\r".encode()),
        st.sampled_from(["f\u00fcr\r", "\u20ac", "\U0001f600"]).map(str.encode),
    ),
    max_size=12,
)


@settings(max_examples=examples(12))
@given(OCTETS)
def test_the_session_survives(octets: list[bytes]) -> None:
    asyncio.run(asyncio.wait_for(send(octets), 60))


async def send(octets: list[bytes]) -> None:
    box = TypedBox()
    server = await start_cli_server(
        host="127.0.0.1",
        port=0,
        factory=lambda author, terminal: Session(box.sbc, author, terminal, box.now),
        users=box.sbc.users,
        sessions=box.sbc.sessions,
        journal=box.sbc.journal,
        now=lambda: box.now,
    )
    try:
        async with asyncssh.connect(
            "127.0.0.1",
            server.port,
            username="admin",
            password="Secret-1",
            known_hosts=None,
            client_keys=None,
            agent_path=None,
            config=None,
        ) as connection:
            async with connection.create_process(term_type="vt100", term_size=(80, 0), encoding=None) as process:
                for each in octets:
                    process.stdin.write(each)
                # Out of whatever state this has led to, also where it has led out of the session already.
                process.stdin.write(b"\x03\x03\r\x1ayes\r\x03show users | nomore\r")
                process.stdin.write_eof()
                seen = (await process.stdout.read()).decode()
            again = await connection.run("show users")
            assert " admin cli " in str(again.stdout)
    finally:
        await server.close()
    assert " admin cli " in seen or left(octets), seen
    box.check(seen)


def left(octets: list[bytes]) -> bool:
    """Tell whether the session was ended by what was sent."""
    return re.search(rb"\x04|ex|qu|\b[eq]\b|switchover", b"".join(octets)) is not None
