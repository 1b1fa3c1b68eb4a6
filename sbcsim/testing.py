"""Everything that tests are made with beside the box: certificates, a SIP peer, an OCSP responder.

    from sbcsim.testing import Authority, Behaviour, SyncSipPeer, broken

`Authority` and `Issued` make certificates and files, `broken` those that are wrong; `SipPeer` and `OcspResponder` live
on an event loop, `SyncSipPeer` and `SyncOcspResponder` in threads of their own.
"""

from __future__ import annotations

from .farends import SyncOcspResponder, SyncPeerCall, SyncSipPeer
from .net.ocspresponder import Inquiry, OcspBehaviour, OcspConduct, OcspResponder
from .net.peer import PeerConnection, SipPeer
from .net.peercall import CallMessage, CallState, PeerCall
from .net.peerconduct import Behaviour, Callee, Conduct, End, Opening
from .net.peerevents import (
    CallSeen,
    EndSeen,
    HandshakeSeen,
    KeepAliveSeen,
    NonsenseSeen,
    PeerEvent,
    RequestSeen,
    ResponseSeen,
    peer_kinds,
)
from .net.peertls import Refusal, TlsTerms
from .pki import broken
from .pki.credential import Certificate
from .pki.mint import (
    Authority,
    Encryption,
    Issued,
    KeyType,
    MacHash,
    Moment,
    Purpose,
    Reason,
    Revocation,
    RevocationList,
    SignatureHash,
    new_key,
    pooled_key,
)
from .pki.ocsp import Answer

__all__ = [
    "Answer",
    "Authority",
    "Behaviour",
    "CallMessage",
    "CallSeen",
    "CallState",
    "Callee",
    "Certificate",
    "Conduct",
    "Encryption",
    "End",
    "EndSeen",
    "HandshakeSeen",
    "Inquiry",
    "Issued",
    "KeepAliveSeen",
    "KeyType",
    "MacHash",
    "Moment",
    "NonsenseSeen",
    "OcspBehaviour",
    "OcspConduct",
    "OcspResponder",
    "Opening",
    "PeerCall",
    "PeerConnection",
    "PeerEvent",
    "Purpose",
    "Reason",
    "Refusal",
    "RequestSeen",
    "ResponseSeen",
    "Revocation",
    "RevocationList",
    "SignatureHash",
    "SipPeer",
    "SyncOcspResponder",
    "SyncPeerCall",
    "SyncSipPeer",
    "TlsTerms",
    "broken",
    "new_key",
    "peer_kinds",
    "pooled_key",
]
