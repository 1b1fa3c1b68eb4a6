"""What a far end of the box's TLS can do, well-behaved or not; each takes it from TCP to where nothing more comes."""

from __future__ import annotations

from farend import FarEnd, request
from meeting import Meeting
from rawrecord import ALERT, APPLICATION, HANDSHAKE, plain_record

WARNING, FATAL = 1, 2
"""AlertLevels."""

USER_CANCELED = 90
"""An alert that is a warning over both versions."""

CLIENT_HELLO = bytes.fromhex("010000290303" + "11" * 32 + "000002c0300100")


async def shake(_: Meeting, far: FarEnd) -> None:
    """Go through the handshake as far as it goes."""
    await far.shake()
    await far.read_to_the_end()


async def say_in_clear(data: bytes, _: Meeting, far: FarEnd) -> None:
    """Say something that is no TLS."""
    await far.send(data)
    await far.read_to_the_end()


async def say_in_clear_and_reset(data: bytes, _: Meeting, far: FarEnd) -> None:
    """Say something that is no TLS, and be gone before anybody can say what he thinks of it."""
    await far.send(data)
    far.reset()


async def reset_after_tcp(_: Meeting, far: FarEnd) -> None:
    """Reset a connection that has only just been opened."""
    far.reset()


async def take_a_flight(far: FarEnd) -> None:
    """Send the first flight; as server that follows on the client's."""
    while not far.server or await far.hear():
        far.step()
        if first := far.flight():
            await far.send(first)
            return


async def reset_after_the_first_flight(_: Meeting, far: FarEnd) -> None:
    """Reset in the middle of the handshake, with bytes of ours on their way."""
    await take_a_flight(far)
    far.reset()


async def reset_after_the_answer(_: Meeting, far: FarEnd) -> None:
    """Reset in the middle of the handshake, when the box waits."""
    await take_a_flight(far)
    await far.hear()
    far.reset()


async def show_itself(met: Meeting, far: FarEnd) -> None:
    """Go on until the box has seen the certificate, and asks the responder about it."""
    await take_a_flight(far)
    while not far.server and not met.asked:
        assert await far.hear()
        far.step()
        await far.send(shown := far.flight())
        if shown:
            break
    await met.until_asked()


async def reset_while_the_responder_is_asked(met: Meeting, far: FarEnd) -> None:
    """Show a certificate, and reset before it is judged."""
    await show_itself(met, far)
    far.reset()


async def close_while_the_responder_is_asked(met: Meeting, far: FarEnd) -> None:
    """Show a certificate, and close before it is judged."""
    await show_itself(met, far)
    far.half_close()
    await far.read_to_the_end()


async def wait_while_the_responder_is_asked(met: Meeting, far: FarEnd) -> None:
    """Show a certificate, and let the handshakeTimer run out before it is judged."""
    await show_itself(met, far)
    await met.box.advance(seconds=5)
    await far.read_to_the_end()


async def reset_when_it_stands(_: Meeting, far: FarEnd) -> None:
    """Reset between two messages."""
    await far.establish()
    far.reset()


async def close_after_tcp(_: Meeting, far: FarEnd) -> None:
    """Close without a word."""
    far.half_close()
    await far.read_to_the_end()


async def close_after_the_first_flight(_: Meeting, far: FarEnd) -> None:
    """Close in the middle of the handshake."""
    await take_a_flight(far)
    far.half_close()
    await far.read_to_the_end()


async def cut(_: Meeting, far: FarEnd) -> None:
    """Close without close_notify."""
    await far.establish()
    far.half_close()
    await far.read_to_the_end()


async def close_one_half(_: Meeting, far: FarEnd) -> None:
    """Say close_notify, and go on listening."""
    await far.establish()
    await far.farewell()
    await far.read_to_the_end()


async def vanish(met: Meeting, far: FarEnd) -> None:
    """Neither say nor hear anything from now on."""
    await far.establish()
    await met.box.advance(minutes=2)


async def stay_silent(met: Meeting, far: FarEnd) -> None:
    """Let the handshakeTimer run out."""
    await met.box.advance(seconds=5)
    await far.read_to_the_end()


async def stay_silent_after_the_first_flight(met: Meeting, far: FarEnd) -> None:
    """Let the handshakeTimer run out in the middle of the handshake."""
    await take_a_flight(far)
    await stay_silent(met, far)


async def speak_slowly(met: Meeting, far: FarEnd) -> None:
    """Send one octet every half second."""
    if far.server:
        await far.hear()
    far.step()
    for octet in far.flight()[:12]:
        await far.send(bytes([octet]))
        await met.box.advance(seconds=0.5)
    await far.read_to_the_end()


async def say_record(kind: int, content: bytes, _: Meeting, far: FarEnd) -> None:
    """Send a record that has no place on a connection that stands, and wait for the end."""
    await far.establish()
    await far.say_raw(kind, content)
    await far.read_to_the_end()


async def say_record_and_go_on(kind: int, content: bytes, met: Meeting, far: FarEnd) -> None:
    """Send a record that has no place on a connection that stands, and go on as if nothing had been."""
    await far.establish()
    await far.say_raw(kind, content)
    await far.say(request("OPTIONS", f"{far.port}"))
    while b"SIP/2.0 200" not in far.said:
        assert await far.read()


async def warn_in_the_handshake(_: Meeting, far: FarEnd) -> None:
    """Send a warning behind the first flight."""
    await take_a_flight(far)
    await far.send(plain_record(ALERT, bytes([WARNING, USER_CANCELED]), b"\3\3"))
    await far.establish()


async def garble(_: Meeting, far: FarEnd) -> None:
    """Send a record that nobody can decrypt."""
    await far.establish()
    await far.send(plain_record(APPLICATION, b"\x55" * 64, b"\x03\x03"))
    await far.read_to_the_end()


async def renegotiate(_: Meeting, far: FarEnd) -> None:
    """Say hello once more: a ClientHello, as server a HelloRequest."""
    await far.establish()
    await far.say_raw(HANDSHAKE, b"\0\0\0\0" if far.server else CLIENT_HELLO)
    while not far.alerts and await far.read():
        pass
