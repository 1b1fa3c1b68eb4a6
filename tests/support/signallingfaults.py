"""Faults of the signalling side on the wire, as the far end meets them: a case for each point."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import testca
from faultedbox import NEW, dialled, options, run, shown, until
from handshakefaults import pinged

from sbcsim import Simulator
from sbcsim.sip.stream import Stream

# --- TLS


async def tls_accept(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tls.accept", match="Z", times=1)
    with pytest.raises(OSError):  # noqa: PT011 - a reset, or the end of a stream within the handshake
        await shown(box, tmp_path)
    assert await shown(box, tmp_path) == testca.sbc().certificate.serial


async def tls_stale(box: Simulator, tmp_path: Path) -> None:
    await run(box, f"configure; {NEW}; set profiles security tlsProfile TLS serverCertName NEW; commit")
    old, new = testca.sbc().certificate.serial, testca.sbc_renewed().certificate.serial
    assert await shown(box, tmp_path) == new
    box.faults.add("tls.stale", value="OLD", times=1)
    assert await shown(box, tmp_path) == old
    assert await shown(box, tmp_path) == new
    await run(box, "configure; set profiles security tlsProfile TLS clientCertName NEW; commit")
    box.faults.add("tls.stale", value="OLD", times=1)
    async with pinged(box, tmp_path) as far:  # a box that dials shows it as well
        (connection,) = box.connections()
        await box.close_connection(connection.id)
        await box.advance("1m")
        assert [each.serial for each in far.connections] == [old, new]


async def tls_abrupt(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tls.abrupt", times=1)
    for end in ("reset", "close_notify"):
        async with dialled(box, tmp_path) as stream:
            await until(stream, "a")
            (connection,) = box.connections()
            assert await box.close_connection(connection.id)
            if end == "reset":
                with pytest.raises(ConnectionResetError):
                    await stream.read()
            else:
                assert await stream.read() == b""


# --- SIP


async def sip_silence(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.silence", times=1)
    async with dialled(box, tmp_path) as stream:
        stream.write(options("first"))
        assert b"first" not in b"".join(await until(stream, "second"))


async def sip_status(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.status", times=1)
    async with dialled(box, tmp_path) as stream:
        assert (await until(stream, "a"))[0].startswith(b"SIP/2.0 503 ")
        assert (await until(stream, "b"))[0].startswith(b"SIP/2.0 200 ")


async def sip_duplicate(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.duplicate", times=1)
    async with dialled(box, tmp_path) as stream:
        came = await until(stream, "a") + await until(stream, "b")
    assert b"".join(came).count(b"Call-ID: a\r\n") == 2


async def sip_split(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.split", times=1)
    async with dialled(box, tmp_path) as stream:
        assert len(await until(stream, "a")) == 2
        assert len(await until(stream, "b")) == 1


async def sip_delay(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.delay", value="2s", times=1)
    async with dialled(box, tmp_path) as stream:
        stream.write(options("late"))
        assert b"late" not in b"".join(await until(stream, "at once"))
        await box.advance("1999ms")
        assert b"late" not in b"".join(await until(stream, "too soon"))
        await box.advance("1ms")
        assert b"Call-ID: late\r\n" in await stream.read()


async def sip_close(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.close", times=1)
    async with dialled(box, tmp_path) as stream:
        stream.write(options("a"))
        assert await stream.read() == b""


async def sip_garble(box: Simulator, tmp_path: Path) -> None:
    async with dialled(box, tmp_path) as stream:
        (good,) = await until(stream, "word")
        for value, broken in (
            ("startLine", good.replace(b"SIP/2.0 200", b"SIP-2.0 200")),
            ("header", good.replace(b"OK\r\n", b"OK\r\nThis header has no colon\r\n")),
            ("cseq", good.replace(b"CSeq: 1 OPTIONS\r\n", b"")),
        ):
            box.faults.add("sip.garble", value=value, times=1)
            (bad,) = await until(stream, "word")
            assert _without_tag(bad) == _without_tag(broken) != _without_tag(good)


def _without_tag(answer: bytes) -> bytes:
    return re.sub(rb";tag=[0-9a-f]{8}\r\n", b"\r\n", answer)


async def sip_length(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.length", value="7", times=1)
    async with dialled(box, tmp_path) as stream:
        first, second = await until(stream, "a") + await until(stream, "b")
    far_end = Stream()
    assert far_end.feed(first) == []  # it waits for the rest
    (answer, *_) = far_end.feed(second)
    assert (answer.call_id, answer.body) == ("a", b"SIP/2.0")


async def sip_merge(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.merge", times=1)
    async with dialled(box, tmp_path) as stream:
        stream.write(options("a"))
        (record,) = await until(stream, "b")
        assert [answer.call_id for answer in Stream().feed(record)] == ["a", "b"]
        assert len(await until(stream, "c")) == 1
        (connection,) = box.connections()
        assert connection.messages_out == 3
    sent = [entry.event.call_id for entry in box.journal("sip") if entry.event.direction == "out"]
    assert sent == ["a", "b", "c"]


SIGNALLING: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "tls.accept": tls_accept,
    "tls.stale": tls_stale,
    "tls.abrupt": tls_abrupt,
    "sip.silence": sip_silence,
    "sip.status": sip_status,
    "sip.duplicate": sip_duplicate,
    "sip.split": sip_split,
    "sip.merge": sip_merge,
    "sip.delay": sip_delay,
    "sip.close": sip_close,
    "sip.garble": sip_garble,
    "sip.length": sip_length,
}
