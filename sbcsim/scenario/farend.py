"""What the peers of a scenario do: dial, ping, hang up, answer otherwise."""

from __future__ import annotations

from sbcsim.errors import PeerError
from sbcsim.net.peer import Behaviour, PeerConnection, SipPeer

from .model import PeerStep
from .stage import Stage


class FarEndError(Exception):
    """A peer could not do what it was to, or could although it was not to."""


async def act(stage: Stage, step: PeerStep) -> None:
    """Have a peer do something; raises FarEndError."""
    peer = stage.peers[step.name]
    try:
        await _act(stage, peer, step)
    except (PeerError, OSError, TimeoutError) as error:
        if not step.fails:
            raise FarEndError(f"{step.name} could not {step.does}: {error}") from None
    else:
        if step.fails:
            raise FarEndError(f"{step.name} could {step.does}, and was not to")


async def _act(stage: Stage, peer: SipPeer, step: PeerStep) -> None:
    if step.does == "dial":
        connection = await peer.dial(*stage.port(step.to))
        await peer.ping(connection)  # over TLS 1.3 a client stands before its certificate has been judged
    elif step.does == "ping":
        await peer.ping(_dialled(peer, step.name))
    elif step.does == "hang up":
        await peer.hang_up(_dialled(peer, step.name))
    elif step.does == "answer":
        peer.behave(status=step.status)
    else:
        peer.behave(_BEHAVIOURS[step.does])
        if step.does == "go away":
            for connection in peer.live:
                await peer.hang_up(connection)


def _dialled(peer: SipPeer, name: str) -> PeerConnection:
    dialled = [each for each in peer.live if each.direction == "dialled"]
    if not dialled:
        raise FarEndError(f"{name} has no connection that it has dialled")
    return dialled[-1]


_BEHAVIOURS = {
    "fall silent": Behaviour.SILENT,
    "refuse the certificate": Behaviour.REFUSES_CERTIFICATE,
    "reset": Behaviour.RESETS_AT_ONCE,
    "stall": Behaviour.STALLS,
    "go away": Behaviour.NOT_LISTENING,
    "behave": Behaviour.ANSWERS,
    "let calls ring": Behaviour.RINGS,
    "refuse calls": Behaviour.TAKES_NO_CALL,
    "ignore calls": Behaviour.HEARS_NO_CALL,
    "answer and hang up": Behaviour.HANGS_UP,
}
"""What a peer does from now on, by the word for it."""
