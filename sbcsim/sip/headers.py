"""Header values, read only when somebody asks (RFC 3261 7.3 and 25.1). Everything here raises SipError only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sbcsim.clock import from_datetime

from . import uri
from .errors import SipError

LARGEST_CSEQ = 2**31 - 1  # RFC 3261 8.1.1.5
LARGEST_SECONDS = 2**32 - 1  # RFC 3261 20.19
LARGEST_FORWARDS = 255  # RFC 3261 20.22

# Possessive quantifiers (`*+`, `++`) keep every match linear in the length of the value.
_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"  # noqa: S105 (a token of the grammar)
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_WORD = r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]++"
_BLANK = r"[ \t]*+"
_IPV6 = r"\[[0-9A-Fa-f:.]++\]|[0-9A-Fa-f]*+:[0-9A-Fa-f:.]++"
_DISPLAY = re.compile(rf"{_BLANK}((?:{_QUOTED}|{_TOKEN}(?:[ \t]++{_TOKEN})*+)?){_BLANK}(?=<)", re.DOTALL)
_BRACKETED = re.compile(rf"<([^<>]*+)>{_BLANK}")
_BARE = re.compile(rf"{_BLANK}([^ \t;,?<>\"]++){_BLANK}")
_PARAMETER = re.compile(rf";{_BLANK}({_TOKEN}){_BLANK}(?:={_BLANK}({_IPV6}|{_TOKEN}|{_QUOTED}){_BLANK})?", re.DOTALL)
_VIA = re.compile(
    rf"{_BLANK}({_TOKEN}){_BLANK}/{_BLANK}({_TOKEN}){_BLANK}/{_BLANK}({_TOKEN})[ \t]++"
    rf"(\[[^\]]*+\]|[^ \t:;,\[\]]++){_BLANK}(?::{_BLANK}([0-9]++){_BLANK})?"
)
_CSEQ = re.compile(rf"([0-9]++)[ \t]++({_TOKEN})")
_CALL_ID = re.compile(rf"{_WORD}(?:@{_WORD})?")
_TOKEN_ONLY = re.compile(_TOKEN)
_DIGITS = re.compile(r"[0-9]++")
_PIECE = re.compile(rf"{_QUOTED}|<[^<>]*+>|[^,\"<]++", re.DOTALL)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"({'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT",
    re.IGNORECASE,
)

_REMEMBERED = 64
"""So many values of each kind are remembered: one message is asked for them by everybody on its way."""

Parameters = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A name-addr or addr-spec with its parameters. `display` is as written, quotes and all."""

    display: str
    uri: str
    parameters: Parameters = ()

    @property
    def tag(self) -> str:
        """The tag parameter, "" where there is none."""
        return parameter(self.parameters, "tag") or ""


@dataclass(frozen=True, slots=True)
class Via:
    """One hop. `sent_by` is the host as written (IPv6 in brackets), port 0 means that none is given."""

    transport: str
    sent_by: str
    port: int = 0
    parameters: Parameters = ()
    protocol: str = "SIP/2.0"

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.protocol}/{self.transport} {self.sent_by}{port}{format_parameters(self.parameters)}"

    @property
    def branch(self) -> str:
        """The branch parameter, "" where there is none."""
        return parameter(self.parameters, "branch") or ""

    def seen_from(self, address: str, port: int) -> Via:
        """Return this hop with `received` and `rport` filled in (RFC 3261 18.2.1, RFC 3581 4)."""
        wants_port = any(name.lower() == "rport" for name, _ in self.parameters)
        if not wants_port and uri.same_host(self.sent_by, address):
            return self
        kept: list[tuple[str, str | None]] = []
        for name, value in self.parameters:
            if name.lower() == "rport":
                kept.append((name, str(port)))
            elif name.lower() != "received":
                kept.append((name, value))
        kept.append(("received", address))
        return Via(self.transport, self.sent_by, self.port, tuple(kept), self.protocol)


@dataclass(frozen=True, slots=True)
class CSeq:
    """Sequence number and method of a transaction."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parameter(parameters: Parameters, name: str) -> str | None:
    """Return a parameter's value, "" for one without, None where it is missing; names ignore case."""
    for key, value in parameters:
        if key.lower() == name:
            return value or ""
    return None


def format_parameters(parameters: Parameters) -> str:
    """Return parameters as `;name=value` text."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def split_list(text: str, header: str) -> list[tuple[int, str]]:
    """Return the elements of a comma separated value with their offsets; commas in quotes and <> do not count."""
    if "," not in text:
        return [(0, text)]
    parts: list[tuple[int, str]] = []
    start = at = 0
    while at < len(text):
        if text[at] == ",":
            parts.append((start, text[start:at]))
            at = start = at + 1
            continue
        piece = _PIECE.match(text, at)
        if piece is None:
            raise SipError("unbalanced quote or angle bracket", header=header, offset=at)
        at = piece.end()
    parts.append((start, text[start:]))
    return parts


@lru_cache(maxsize=_REMEMBERED)
def parse_address(text: str, header: str, offset: int = 0) -> Address:
    """Return one address; `offset` is where `text` begins within the header's value."""
    display = _DISPLAY.match(text)
    # Outside angle brackets a comma, semicolon or question mark ends the URI (RFC 3261 20).
    target = _BRACKETED.match(text, display.end()) if display is not None else _BARE.match(text)
    if target is None:
        raise SipError("malformed address", header=header, offset=offset)
    try:
        uri.scheme(target[1])
    except SipError as error:
        raise SipError(error.reason, header=header, offset=offset + target.start(1)) from None
    parameters = _parse_parameters(text, target.end(), header, offset)
    return Address(display[1] if display is not None else "", target[1], parameters)


def parse_addresses(text: str, header: str) -> list[Address]:
    """Return every address of a list such as Contact or Route."""
    return [parse_address(part, header, offset) for offset, part in split_list(text, header)]


def parse_vias(text: str, header: str = "Via") -> list[Via]:
    """Return every hop in one Via value, topmost first."""
    return [_parse_via(part, header, offset) for offset, part in split_list(text, header)]


@lru_cache(maxsize=_REMEMBERED)
def parse_cseq(text: str, header: str = "CSeq") -> CSeq:
    """Return sequence number and method; a number of 2**31 or more is refused."""
    match = _CSEQ.fullmatch(text)
    if match is None:
        raise SipError("malformed CSeq", header=header)
    return CSeq(_bounded(match[1], LARGEST_CSEQ, header), match[2])


def parse_call_id(text: str, header: str = "Call-ID") -> str:
    """Return a Call-ID after a look at its characters."""
    if _CALL_ID.fullmatch(text) is None:
        raise SipError("malformed Call-ID", header=header)
    return text


def parse_number(text: str, largest: int, header: str) -> int:
    """Return a decimal number of at most `largest`."""
    if _DIGITS.fullmatch(text) is None:
        raise SipError("not a number", header=header)
    return _bounded(text, largest, header)


def parse_tokens(text: str, header: str) -> list[str]:
    """Return a list of tokens such as Require; an empty value is an empty list."""
    if not text:
        return []
    tokens = [part.strip(" \t") for part in text.split(",")]
    if any(_TOKEN_ONLY.fullmatch(token) is None for token in tokens):
        raise SipError("malformed token", header=header)
    return tokens


def parse_date(text: str, header: str = "Date") -> int:
    """Return a Date as calendar microseconds; only GMT is allowed (RFC 3261 20.17)."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise SipError("malformed date", header=header)
    month = [name.lower() for name in _MONTHS].index(match[3].lower()) + 1
    try:
        moment = datetime(int(match[4]), month, int(match[2]), int(match[5]), int(match[6]), int(match[7]), tzinfo=UTC)
    except ValueError:
        raise SipError("no such date", header=header) from None
    return from_datetime(moment)


@lru_cache(maxsize=_REMEMBERED)
def _parse_via(text: str, header: str, offset: int) -> Via:
    match = _VIA.match(text)
    if match is None:
        raise SipError("malformed Via", header=header, offset=offset)
    name, version, transport, host, port = match.groups()
    try:
        uri.split_host_port(host)
    except SipError as error:
        raise SipError(error.reason, header=header, offset=offset + match.start(4)) from None
    number = _bounded(port, 65535, header) if port else 0
    parameters = _parse_parameters(text, match.end(), header, offset)
    return Via(transport, host, number, parameters, f"{name}/{version}")


def _parse_parameters(text: str, at: int, header: str, offset: int) -> Parameters:
    parameters: list[tuple[str, str | None]] = []
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise SipError("malformed parameter", header=header, offset=offset + at)
        parameters.append((match[1], match[2]))
        at = match.end()
    return tuple(parameters)


def _bounded(digits: str, largest: int, header: str) -> int:
    significant = digits.lstrip("0") or "0"
    # The length goes first: Python refuses to convert thousands of digits.
    if len(significant) > len(str(largest)) or int(significant) > largest:
        raise SipError("number out of range", header=header)
    return int(significant)
