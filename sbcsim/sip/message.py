"""Requests and responses: start line, headers in their order, body as octets (RFC 3261 7).

A header's value stays opaque until it is read, so an odd value that nobody needs harms nobody. Reading one raises
SipError. Unknown methods, headers and URI schemes go out as they came in. Folded lines are joined by one blank;
octets that are not UTF-8 survive the way through.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sbcsim.errors import BugError

from . import headers as values
from .errors import SipError
from .headers import Address, CSeq, Via
from .uri import SIP_SCHEMES, Uri, parse, scheme

VERSION = "SIP/2.0"
LINE_END = "\r\n"

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_TOKEN_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")


@lru_cache(maxsize=256)
def header_key(name: str) -> str:
    """Return what header names are compared by: the long form in lower case; "" where it is no name at all."""
    if not name or not _TOKEN_CHARACTERS.issuperset(name):
        return ""
    lower = name.lower()
    return _COMPACT.get(lower, lower)


def printable(text: str) -> str:
    """Return what a far end wrote as plain characters, for logs."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


@dataclass(frozen=True, slots=True, init=False)
class Headers:
    """The headers of a message, in order and under the names that they were written with."""

    fields: tuple[tuple[str, str], ...]
    _keys: tuple[str, ...]

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        kept = tuple(fields)
        object.__setattr__(self, "fields", kept)
        object.__setattr__(self, "_keys", tuple([header_key(name) for name, _ in kept]))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return header_key(name) in self._keys

    def get(self, name: str) -> str | None:
        """Return the first value of a header, None where there is none."""
        key = header_key(name)
        return self.fields[self._keys.index(key)][1] if key in self._keys else None

    def all(self, name: str) -> list[str]:
        """Return every value of a header, topmost first."""
        wanted = header_key(name)
        return [field[1] for field, key in zip(self.fields, self._keys, strict=True) if key == wanted]

    def one(self, name: str) -> str:
        """Return the value of a header that must be there exactly once; raises SipError otherwise."""
        key = header_key(name)
        times = self._keys.count(key)
        if times != 1:
            raise SipError("header given more than once" if times else "missing header", header=name)
        return self.fields[self._keys.index(key)][1]

    def on_top(self, name: str, value: str) -> Headers:
        """Return these headers with one more value above all others of its name."""
        key = header_key(name)
        at = self._keys.index(key) if key in self._keys else 0
        return Headers((*self.fields[:at], (name, value), *self.fields[at:]))

    def replaced(self, name: str, *new: str) -> Headers:
        """Return these headers with other values of a name, where the first one stood, else at the end."""
        wanted = header_key(name)
        at = self._keys.index(wanted) if wanted in self._keys else len(self.fields)
        kept = [field for field, key in zip(self.fields[at:], self._keys[at:], strict=True) if key != wanted]
        return Headers((*self.fields[:at], *((name, value) for value in new), *kept))


@dataclass(frozen=True, slots=True)
class _Message(ABC):
    """What requests and responses share: headers, body, and the readers of common headers."""

    headers: Headers = Headers()
    body: bytes = b""
    version: str = VERSION

    @property
    @abstractmethod
    def start_line(self) -> str:
        """The first line as it goes on the wire."""

    @property
    def summary(self) -> str:
        """The start line for logs: plain characters only."""
        return printable(self.start_line)

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return values.parse_call_id(self.headers.one("Call-ID"))

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        return values.parse_cseq(self.headers.one("CSeq"))

    @property
    def sender(self) -> Address:
        """The From header."""
        return values.parse_address(self.headers.one("From"), "From")

    @property
    def recipient(self) -> Address:
        """The To header."""
        return values.parse_address(self.headers.one("To"), "To")

    @property
    def via(self) -> Via:
        """The topmost Via."""
        value = self.headers.get("Via")
        if value is None:
            raise SipError("missing header", header="Via")
        return values.parse_vias(value)[0]

    @property
    def vias(self) -> tuple[Via, ...]:
        """Every Via, topmost first, also where several stand in one line."""
        return tuple(via for value in self.headers.all("Via") for via in values.parse_vias(value))

    @property
    def contacts(self) -> tuple[Address, ...]:
        """Every Contact."""
        return self.addresses("Contact")

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards, None where it is missing."""
        return self._number("Max-Forwards", values.LARGEST_FORWARDS)

    @property
    def expires(self) -> int | None:
        """Expires in seconds, None where it is missing."""
        return self._number("Expires", values.LARGEST_SECONDS)

    @property
    def date(self) -> int | None:
        """Date as calendar microseconds, None where it is missing."""
        value = self.headers.get("Date")
        return None if value is None else values.parse_date(value)

    def addresses(self, name: str) -> tuple[Address, ...]:
        """Return every address in a header such as Contact, Route or Record-Route."""
        return tuple(found for value in self.headers.all(name) for found in values.parse_addresses(value, name))

    def check(self) -> None:
        """Raise SipError unless the headers that every message needs are there once and make sense."""
        if self.version.upper() != VERSION:
            raise SipError("SIP version not supported", status=505)
        _ = self.via, self.sender, self.recipient, self.call_id, self.cseq

    def to_bytes(self) -> bytes:
        """Return the message as it goes on the wire, with a Content-Length that fits its body."""
        lines = [self.start_line]
        length = str(len(self.body))
        counted = False
        for name, value in self.headers:
            if header_key(name) == "content-length":
                if counted:
                    continue
                counted = True
                lines.append(f"{name}: {value if value.lstrip('0') == length.lstrip('0') and value else length}")
            else:
                lines.append(f"{name}: {value}")
        if not counted:
            lines.append(f"Content-Length: {length}")
        head = LINE_END.join(lines)
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
            raise BugError("a SIP header was built with a line break in it")
        return f"{head}{LINE_END}{LINE_END}".encode("utf-8", "surrogateescape") + self.body

    def _number(self, name: str, largest: int) -> int | None:
        value = self.headers.get(name)
        return None if value is None else values.parse_number(value, largest, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(_Message):
    """A SIP request. `uri` is the Request-URI as written, of whatever scheme."""

    method: str
    uri: str

    @property
    def start_line(self) -> str:
        """The request line."""
        return f"{self.method} {self.uri} {self.version}"

    @property
    def target(self) -> Uri:
        """The Request-URI taken apart; a SipError with status 416 where it is no SIP or SIPS URI."""
        return parse(self.uri)

    @property
    def require(self) -> tuple[str, ...]:
        """The extensions that the sender insists on."""
        return tuple(tag for value in self.headers.all("Require") for tag in values.parse_tokens(value, "Require"))

    def check(self) -> None:
        """Raise SipError unless this is a request that a server can take up (RFC 3261 8.2)."""
        _Message.check(self)
        if self.cseq.method != self.method:
            raise SipError("CSeq method differs from the request's", header="CSeq")
        if scheme(self.uri) in SIP_SCHEMES and self.target.headers:
            raise SipError("headers in the Request-URI")

    @property
    def answerable(self) -> bool:
        """Whether a response can find its way: not to an ACK, and not without a Via."""
        return self.method != "ACK" and "Via" in self.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(_Message):
    """A SIP response."""

    status: int
    reason: str = ""

    @property
    def start_line(self) -> str:
        """The status line."""
        return f"{self.version} {self.status} {self.reason}"

    @property
    def final(self) -> bool:
        """Whether the transaction ends with it."""
        return self.status >= 200

    def answers(self, request: Request) -> bool:
        """Say whether this belongs to the transaction of a request that we sent (RFC 3261 17.1.3)."""
        return self.via.branch == request.via.branch and self.cseq.method == request.cseq.method


Message = Request | Response
