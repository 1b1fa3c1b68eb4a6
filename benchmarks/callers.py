"""A caller and a callee in a process of their own, which the measured server stands between.

`python -m benchmarks.callers DIRECTORY` says where the callee listens, is told where the server does, and then runs so
many calls whenever it is told how many: INVITE, 200, ACK, BYE, 200, so many of them at a time. `hold N` leaves N calls
standing, `end` says BYE in all of them.

Both are as simple as can be, so that the load costs little beside what it measures: one connection each, what comes is
taken apart by looking for a few words.
"""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .load import connect
from .processes import say, take_line
from .testbed import HOST, client_context, server_context

AT_ONCE = 32
"""Calls under way at a time."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\n(?:Content-Length|l) *: *(\d+)", re.IGNORECASE)
_COPIED = re.compile(rb"\r\n((?:Via|v|From|f|To|t|Call-ID|i|CSeq|Record-Route) *:[^\r]*)", re.IGNORECASE)
_CONTACT = re.compile(rb"\r\n(?:Contact|m) *: *<([^>]*)>", re.IGNORECASE)
_TO = re.compile(rb"\r\n(?:To|t) *: *([^\r]*)", re.IGNORECASE)
_CALL_ID = re.compile(rb"\r\n(?:Call-ID|i) *: *([^\r]*)", re.IGNORECASE)
_CSEQ = re.compile(rb"\r\nCSeq *: *\d+ (\w+)", re.IGNORECASE)
_RECORDED = re.compile(rb"\r\nRecord-Route *: *([^\r]*)", re.IGNORECASE)

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"


class Line:
    """One TLS connection, and the messages that have come on it."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.connection = connection
        connection.settimeout(0)
        self._data = b""
        self._out = b""

    def take(self) -> list[bytes]:
        """Return the messages that have come."""
        try:
            while True:
                piece = self.connection.recv(65536)
                if not piece:
                    raise ConnectionError("the server has closed the connection")
                self._data += piece
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        found = []
        while (end := self._data.find(_END)) >= 0:
            length = _LENGTH.search(self._data, 0, end + 2)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._data) < size:
                break
            found.append(self._data[:size])
            self._data = self._data[size:]
        return found

    def send(self, data: bytes) -> None:
        """Send a message, as far as there is room; `flush` sends the rest."""
        self._out += data
        self.flush()

    def flush(self) -> None:
        """Send what has not been sent."""
        while self._out:
            try:
                self._out = self._out[self.connection.send(self._out) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return


@dataclass(slots=True)
class Call:
    """What the caller knows of an answered call."""

    to: bytes
    target: bytes
    routes: bytes


class Ends:
    """Both ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0)
        self.port = int(self._listener.getsockname()[1])
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._caller: Line | None = None
        self._server = 0
        self._numbers = 0
        self._wanted: deque[int] = deque()
        self._standing: dict[bytes, Call] = {}
        self._open = 0
        self._holds = False

    def call_through(self, port: int) -> None:
        """Connect the caller to the server."""
        self._server = port
        self._caller = Line(connect(client_context(self._directory), port))
        caller = self._caller
        self._selector.register(caller.connection, selectors.EVENT_READ, lambda: self._hear(caller))

    def run(self, number: int, *, hold: bool) -> float:
        """Make so many calls, and return how many seconds that took."""
        self._holds = hold
        start = time.perf_counter()
        self._wanted.extend(range(number))
        for _ in range(min(AT_ONCE, number)):
            self._invite()
        self._turn(lambda: bool(self._open or self._wanted))
        return time.perf_counter() - start

    def end(self) -> int:
        """Say BYE in all calls that stand, and return how many there were."""
        number = len(self._standing)
        for call_id, call in self._standing.items():
            self._say("BYE", call_id, 2, call)
            self._open += 1
        self._standing.clear()
        self._turn(lambda: bool(self._open))
        return number

    def _turn(self, more: Callable[[], bool]) -> None:
        while more():
            events = self._selector.select(10)
            if not events:
                raise TimeoutError(f"{self._open} calls are under way, and nothing comes")
            for key, _ in events:
                key.data()

    def _accept(self) -> None:
        plain, _ = self._listener.accept()
        plain.settimeout(None)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(server_context(self._directory, "peer").wrap_socket(plain, server_side=True))
        self._selector.register(line.connection, selectors.EVENT_READ, lambda: self._answer(line))
        self._answer(line)

    def _invite(self) -> None:
        self._wanted.popleft()
        self._numbers += 1
        self._open += 1
        self._say("INVITE", b"%d@caller" % self._numbers, 1, None)

    def _say(self, method: str, call_id: bytes, cseq: int, call: Call | None) -> None:
        assert self._caller is not None
        to = b"<sip:200@127.0.0.1>" if call is None else call.to
        target = b"sip:200@127.0.0.1:%d" % self._server if call is None else call.target
        body = SDP if method == "INVITE" else b""
        head = (
            b"%s %s SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK%s%s\r\nMax-Forwards: 70\r\n"
            b"From: <sip:100@127.0.0.1>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
            b"Contact: <sip:100@127.0.0.1:5061;transport=tls>\r\n%sContent-Length: %d\r\n\r\n"
        )
        name = method.encode()
        routes = b"" if call is None else call.routes
        branch = call_id.partition(b"@")[0]
        whole = head % (name, target, branch, name, branch, to, call_id, cseq, name, routes, len(body))
        self._caller.send(whole + body)

    def _hear(self, line: Line) -> None:
        line.flush()
        for message in line.take():
            status, method = message[8:11], _CSEQ.search(message)
            if not message.startswith(b"SIP/2.0") or method is None:
                raise ConnectionError(f"the caller hears {message[:60]!r}")
            if status.startswith(b"1"):
                continue
            call_id = _CALL_ID.search(message)
            if status != b"200" or call_id is None:
                raise ConnectionError(f"the caller hears {message[:60]!r}")
            if method[1] == b"INVITE":
                to, target = _TO.search(message), _CONTACT.search(message)
                assert to is not None
                assert target is not None
                routes = b"".join(b"Route: %s\r\n" % each for each in reversed(_RECORDED.findall(message)))
                call = Call(to[1], target[1], routes)
                self._say("ACK", call_id[1], 1, call)
                if self._holds:
                    self._standing[call_id[1]] = call
                    self._over()
                else:
                    self._say("BYE", call_id[1], 2, call)
            else:
                self._over()

    def _over(self) -> None:
        self._open -= 1
        if self._wanted:
            self._invite()

    def _answer(self, line: Line) -> None:
        line.flush()
        try:
            messages = line.take()
        except ConnectionError:  # a proxy that has several takes one away when it likes
            self._selector.unregister(line.connection)
            line.connection.close()
            return
        for message in messages:
            if message.startswith(b"ACK "):
                continue
            copied = b"\r\n".join(_COPIED.findall(message))
            body = SDP if message.startswith(b"INVITE ") else b""
            if body:
                copied = re.sub(rb"\r\n((?:To|t) *:[^\r]*)", rb"\r\n\1;tag=callee", copied, count=1)
            contact = b"Contact: <sip:200@127.0.0.1:%d;transport=tls>" % self.port
            length = b"Content-Length: %d" % len(body)
            line.send(b"\r\n".join((b"SIP/2.0 200 OK", copied, contact, length, b"", body)))


def main(directory: Path) -> None:
    """Do as the parent says."""
    ends = Ends(directory)
    say(port=ends.port)
    ends.call_through(int(take_line()))
    say()
    while line := take_line():
        if line == "end":
            say(ended=ends.end())
            continue
        what, number = line.split()
        seconds = ends.run(int(number), hold=what == "hold")
        say(rate=int(number) / seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
