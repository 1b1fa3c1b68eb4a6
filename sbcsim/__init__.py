"""sbcsim: a simulator of a Ribbon (Sonus) SBC Core to test certificate rotation against."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .clock import VirtualClock
from .errors import BugError, PeerError, SbcsimError, ScenarioError, UserError
from .version import __version__

if TYPE_CHECKING:
    from .expectation import ExpectationError
    from .farends import SyncOcspResponder, SyncSipPeer
    from .net.ocspresponder import OcspResponder
    from .net.peer import SipPeer
    from .simulator import Simulator
    from .synchronous import SyncSimulator

__all__ = [
    "BugError",
    "ExpectationError",
    "OcspResponder",
    "PeerError",
    "SbcsimError",
    "ScenarioError",
    "Simulator",
    "SipPeer",
    "SyncOcspResponder",
    "SyncSimulator",
    "SyncSipPeer",
    "UserError",
    "VirtualClock",
    "__version__",
]


_LAZY = {
    "ExpectationError": "expectation",
    "OcspResponder": "net.ocspresponder",
    "Simulator": "simulator",
    "SipPeer": "net.peer",
    "SyncOcspResponder": "farends",
    "SyncSimulator": "synchronous",
    "SyncSipPeer": "farends",
}


def __getattr__(name: str) -> object:
    """Import the simulator when it is first asked for: it brings SSH, TLS and the CLI with it."""
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
