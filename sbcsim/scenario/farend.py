"""What the peers of a scenario do: dial, ping, hang up, answer otherwise."""

from __future__ import annotations

import ssl

from sbcsim.errors import PeerError
from sbcsim.net.peer import SipPeer

from .model import PeerStep
from .stage import Stage


class FarEndError(Exception):
    """A peer could not do what it was to, or could although it was not to."""


async def act(stage: Stage, step: PeerStep) -> None:
    """Have a peer do something; raises FarEndError."""
    peer = stage.peers[step.name]
    try:
        await _act(stage, peer, step)
    except (PeerError, ssl.SSLError, OSError, TimeoutError) as error:
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
        dialled = [each for each in peer.live if each.direction == "dialled"]
        if not dialled:
            raise FarEndError(f"{step.name} has no connection that it has dialled")
        await peer.ping(dialled[-1])
    else:
        raise FarEndError(f"{step.name} does not know how to {step.does}")
