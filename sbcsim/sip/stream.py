"""Octets of one connection to messages (RFC 3261 18.3): by Content-Length only, bounded, and in linear time.

How the octets are cut into reads never changes what comes out, only when. Every octet is looked at a fixed number of
times: the search for the end of a head goes on where the last one stopped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from .errors import SipError
from .message import LINE_END, Headers, Message, Request, Response, header_key

_CR, _LF = b"\r\n"
_TOKEN_OCTETS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
_SIP_LINE = re.compile(rb"(?i:SIP/[0-9]++\.[0-9]++ |.* SIP/[0-9]++\.[0-9]++[ \t\r]*+$)")
_METHOD = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]++")
_REQUEST_LINE = re.compile(
    r"([A-Za-z0-9\-.!%*_+`'~]++) ([A-Za-z][A-Za-z0-9+.\-]*+:[!#-;=?-~]++) (SIP/[0-9]++\.[0-9]++)", re.IGNORECASE
)
_STATUS_LINE = re.compile(r"(SIP/[0-9]++\.[0-9]++) ([1-6][0-9]{2})(?: (.*+))?", re.IGNORECASE)
_FOLD = re.compile(r"\r\n[ \t]++")
_ANY_LINE_END = re.compile(r"\r\n|\r|\n")
_DIGITS = re.compile(r"[0-9]++")


class KeepAlive(Enum):
    """What may stand between messages (RFC 5626 3.5.1)."""

    PING = "ping"
    """CRLF CRLF: answer with `PONG_OCTETS`."""
    PONG = "pong"
    """A single CRLF, the answer to a ping; known as such once something else follows it."""


PONG_OCTETS = b"\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one message is taken in before the stream is given up. `head` counts the empty line as well."""

    head: int = 64 * 1024
    body: int = 1024 * 1024
    headers: int = 256


Item = Message | KeepAlive | SipError


class Stream:
    """The receiving side of one connection.

    `feed` returns what became complete, in order. A SipError among it takes the place of a message that could not be
    read. One with `fatal` set is always the last item and ends the stream: message boundaries are lost, so whatever
    still arrives before the connection is closed is dropped.
    """

    __slots__ = ("_at", "_base", "_between", "_body", "_buffer", "_head", "_limits", "_line", "_lone", "_over", "_scan")

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._base = 0  # offset in the stream of the buffer's first octet
        self._at = 0  # where the message being read begins, in the buffer
        self._scan = 0  # nothing before this needs to be searched again
        self._between = True  # no octet of the next message has come yet
        self._lone = False  # one CRLF has come since the last message
        self._line = False  # the start line is complete and is SIP
        self._head: Message | SipError | None = None  # complete, its body is awaited
        self._body = 0  # length of that body
        self._over = False

    @property
    def incomplete(self) -> bool:
        """Whether a message has begun that is not complete yet: what an end of the connection would cut off."""
        return not self._between and not self._over

    @property
    def over(self) -> bool:
        """Whether a fatal error ended the stream."""
        return self._over

    def feed(self, data: bytes | bytearray | memoryview) -> list[Item]:
        """Take in the next octets and return everything that is now complete."""
        items: list[Item] = []
        if self._over:
            return items
        self._buffer += data
        while (item := self._next()) is not None:
            items.append(item)
            if isinstance(item, SipError) and item.fatal:
                self._over = True
                self._buffer.clear()
                return items
        if self._at:
            del self._buffer[: self._at]
            self._base += self._at
            self._scan -= self._at
            self._at = 0
        return items

    def _next(self) -> Item | None:
        if self._between:
            item = self._skip()
            if item is not None or self._between:
                return item
        if self._head is None:
            error = self._find_head()
            if error is not None or self._head is None:
                return error
        end = self._at + self._body
        if len(self._buffer) < end:
            return None
        complete = self._head
        if self._body and not isinstance(complete, SipError):
            complete = replace(complete, body=bytes(self._buffer[self._at : end]))
        self._at = self._scan = end
        self._head = None
        self._between, self._line = True, False
        return complete

    def _skip(self) -> Item | None:
        """Read what stands before a message: keep-alives."""
        buffer = self._buffer
        while self._at < len(buffer):
            first = buffer[self._at]
            if first == _CR:
                if self._at + 1 == len(buffer):
                    return None
                if buffer[self._at + 1] != _LF:
                    return self._not_sip()
                self._at += 2
                self._lone = not self._lone
                if not self._lone:
                    return KeepAlive.PING
            elif first not in _TOKEN_OCTETS:
                return self._not_sip()
            elif self._lone:
                self._lone = False
                return KeepAlive.PONG
            else:
                self._between = False
                self._scan = self._at
                return None
        return None

    def _find_head(self) -> SipError | None:
        """Look for the end of the head and read it; None without `_head` set means that more is needed."""
        buffer = self._buffer
        stop = self._at + self._limits.head
        if not self._line:
            end = buffer.find(b"\n", self._scan, stop)
            if end < 0:
                self._scan = len(buffer)
                return self._too_long() if len(buffer) >= stop else None
            if _SIP_LINE.match(buffer[self._at : end]) is None:
                return self._not_sip()
            self._line = True
            self._scan = end
        end = buffer.find(b"\n\r\n", self._scan, stop)
        # Line ends without CR are refused, but they end a head, so that the refusal does not wait for ever.
        bare = buffer.find(b"\n\n", self._scan, end + 1 if end >= 0 else stop)
        if bare >= 0:
            return self._read_head(bare, bare + 2)
        if end >= 0:
            return self._read_head(end, end + 3)
        self._scan = max(self._scan, len(buffer) - 2)
        return self._too_long() if len(buffer) >= stop else None

    def _read_head(self, end: int, next_at: int) -> SipError | None:
        """Read the head that ends with the line end at `end`; returns fatal errors only."""
        start, self._at = self._at, next_at
        offset = self._base + start
        text = self._buffer[start : end + 1].decode("utf-8", "surrogateescape")
        start_line, headers, flaw = read_lines(text)
        head = read_start_line(start_line, headers, offset)
        if flaw:
            return _fatal(flaw, 400, offset, head)
        if len(headers) > self._limits.headers:
            return _fatal("too many headers", 513, offset, head)
        length, flaw = content_length(headers, self._limits.body)
        if length is None:
            return _fatal(flaw or "missing header", 400, 0, head, "Content-Length")
        if length > self._limits.body:
            return _fatal("body too large", 413, 0, head, "Content-Length")
        self._head = head
        self._body = length
        return None

    def _not_sip(self) -> SipError:
        return SipError("not SIP", status=0, offset=self._base + self._at, fatal=True)

    def _too_long(self) -> SipError:
        """Refuse a head beyond the limit; the whole lines within it may suffice for an answer."""
        offset = self._base + self._at
        if not self._line:
            return SipError("start line too long", status=0, offset=offset, fatal=True)
        stop = self._at + self._limits.head
        end = self._buffer.rfind(b"\n", self._at, stop)
        text = self._buffer[self._at : end + 1].decode("utf-8", "surrogateescape")
        start_line, headers, _ = read_lines(text)
        return _fatal("head too large", 513, offset, read_start_line(start_line, headers, offset))


def read_lines(text: str) -> tuple[str, Headers, str]:
    """Return start line, headers, and what is wrong with the lines as such ("" if nothing).

    A line that cannot be split safely casts doubt on Content-Length too, so each such flaw costs the connection.
    """
    flaw = ""
    lines = text.split(LINE_END)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or lines[-1]:
        flaw = "line end other than CRLF"
        lines = _ANY_LINE_END.split(text)
    elif "\r\n " in text or "\r\n\t" in text:
        if lines[1][:1] in {" ", "\t"}:
            flaw = "folded start line"
        lines = [lines[0], *_FOLD.sub(" ", LINE_END.join(lines[1:])).split(LINE_END)]
    fields: list[tuple[str, str]] = []
    for line in lines[1:-1]:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if colon and header_key(name):
            fields.append((name, value.strip(" \t")))
        else:
            flaw = flaw or "malformed header line"
    return lines[0], Headers(fields), flaw


def content_length(headers: Headers, most: int) -> tuple[int | None, str]:
    """Return what Content-Length counts, `most + 1` for all beyond, and what is wrong where it counts nothing."""
    lengths = headers.all("Content-Length")
    if len(lengths) > 1:
        return None, "header given more than once"
    if not lengths:
        return None, ""
    if _DIGITS.fullmatch(lengths[0]) is None:
        return None, "not a number"
    digits = lengths[0].lstrip("0") or "0"
    # The length of the number goes first: Python refuses to convert thousands of digits.
    return most + 1 if len(digits) > len(str(most)) else min(int(digits), most + 1), ""


def read_start_line(line: str, headers: Headers, offset: int) -> Message | SipError:
    """Return the message without its body; a SipError that is not fatal where the start line is malformed."""
    if line[:4].upper() == "SIP/":
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            return SipError("malformed status line", status=0, offset=offset)
        return Response(status=int(match[2]), reason=match[3] or "", headers=headers, version=match[1])
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        method = _METHOD.match(line)
        partial = Request(method=method[0] if method is not None else "", uri="", headers=headers)
        return SipError("malformed request line", offset=offset, request=partial)
    return Request(method=match[1], uri=match[2], headers=headers, version=match[3])


def _fatal(reason: str, status: int, offset: int, head: Message | SipError, header: str = "") -> SipError:
    request = head if isinstance(head, Request) else head.request if isinstance(head, SipError) else None
    return SipError(
        reason,
        status=status if request is not None else 0,
        header=header,
        offset=offset,
        fatal=True,
        request=request,
    )
