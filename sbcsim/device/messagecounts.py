"""The SIP messages of trunk groups, counted for `sipCurrentStatistics` (sbc-model, status and statistics)."""

from __future__ import annotations

from collections.abc import Mapping

from sbcsim.sip.message import Message, Request

from .counters import Counters
from .trunkgroup import TrunkGroupKey

_KINDS = {
    "INVITE": "Invite",
    "ACK": "Ack",
    "PRACK": "Prack",
    "INFO": "Info",
    "REFER": "Refer",
    "BYE": "Bye",
    "CANCEL": "Cancel",
    "REGISTER": "Register",
    "UPDATE": "Update",
    "SUBSCRIBE": "Subscriber",
    "NOTIFY": "Notify",
    "OPTIONS": "Option",
    "MESSAGE": "Message",
    "PUBLISH": "Publish",
}
"""What the leaves call the requests that they count."""

_ANSWERS = ("18x", "1xx", "2xx", "NonInv2xx", "3xx", "4xx", "5xx", "6xx", "NonInvErr")

_AGAIN = {
    "INVITE": "invReTransmit",
    "REGISTER": "regReTransmit",
    "BYE": "byeRetransmit",
    "CANCEL": "cancelReTransmit",
}
_OTHERS_AGAIN = "otherReTransmit"
_UNKNOWN = "rcvUnknownMsg"

LEAVES = (
    *(way + kind for kind in (*_KINDS.values(), *_ANSWERS) for way in ("rcv", "snd")),
    _UNKNOWN,
    *_AGAIN.values(),
    _OTHERS_AGAIN,
)


class MessageCounts:
    """The counters of every trunk group that has had a message, by key.

    Whatever is on the wire counts, repetitions included, and once: an answer of 400 and above to anything but INVITE as
    NonInvErr and not by its hundred. What still comes for a trunk group that is gone counts for nobody.
    """

    def __init__(self) -> None:
        self._there: set[TrunkGroupKey] = set()
        self._counters: dict[TrunkGroupKey, Counters] = {}

    def expect(self, key: TrunkGroupKey) -> None:
        """Count for a trunk group, which is there from now on."""
        self._there.add(key)

    def received(self, key: TrunkGroupKey, message: Message) -> None:
        """Count a message that has come in; one that has been checked, as its CSeq is read."""
        self._count(key, "rcv", message)

    def sent(self, key: TrunkGroupKey, message: Message) -> None:
        """Count a message that goes out, for the first time or again."""
        self._count(key, "snd", message)

    def retransmitted(self, key: TrunkGroupKey, method: str) -> None:
        """Count that a request which has been `sent` went out again."""
        self._add(key, _AGAIN.get(method, _OTHERS_AGAIN))

    def row(self, key: TrunkGroupKey) -> Mapping[str, int]:
        """Return the counters of a trunk group by leaf."""
        counters = self._counters.get(key)
        return dict.fromkeys(LEAVES, 0) if counters is None else counters.as_row()

    def forget(self, key: TrunkGroupKey) -> None:
        """Forget a trunk group that is gone."""
        self._there.discard(key)
        self._counters.pop(key, None)

    def clear(self) -> None:
        """Begin anew with every counter at zero."""
        self._counters.clear()

    def _add(self, key: TrunkGroupKey, leaf: str) -> None:
        counters = self._counters.get(key)
        if counters is None:
            if key not in self._there:
                return
            counters = self._counters[key] = Counters(LEAVES)
        counters.add(leaf)

    def _count(self, key: TrunkGroupKey, way: str, message: Message) -> None:
        if not isinstance(message, Request):
            self._add(key, way + _answer(message.status, message.cseq.method))
            return
        kind = _KINDS.get(message.method)
        if kind is not None:
            self._add(key, way + kind)
        elif way == "rcv":  # no leaf counts requests of unknown kind that go out
            self._add(key, _UNKNOWN)


def _answer(status: int, method: str) -> str:
    hundred = status // 100
    if hundred == 1:
        return "18x" if status // 10 == 18 else "1xx"
    if method != "INVITE" and hundred != 3:
        return "NonInv2xx" if hundred == 2 else "NonInvErr"
    return f"{hundred}xx"
