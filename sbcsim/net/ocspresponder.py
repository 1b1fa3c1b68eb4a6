"""An OCSP responder over HTTP for one authority of a test: it says what is true, or is no good in every known way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from types import TracebackType
from typing import Any, Self

import h11

from sbcsim.clock import DAY, Instant
from sbcsim.errors import UserError
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Authority, Issued
from sbcsim.pki.ocsp import Answer, OcspError
from sbcsim.pki.ocspanswers import STATES, Question, answer, read_question, refusal

from .patience import Changes

RESPONSE_TYPE = "application/ocsp-response"
"""Media type of an answer over HTTP (RFC 6960, appendix A)."""

_READ = 1 << 14


@dataclass(frozen=True, slots=True)
class OcspConduct:
    """How a responder deals with questions; as it is made here it says what is true, and at once."""

    says: Answer | None = None
    """To every question, whatever the truth."""
    signer: Issued | None = None
    """Signs in place of the authority; its certificate goes along."""
    forged: bool = False
    """Whether a key signs that nobody knows."""
    stale: bool = False
    """Whether the answer held until yesterday."""
    repeats_nonce: bool = True
    nonce: bytes | None = None
    """Goes into the answer in place of that of the question."""
    silent: bool = False
    """Whether nothing is said at all, on connections that stay open."""
    held: bool = False
    """Whether nothing is said until the conduct changes."""
    status: int = 200
    """Of HTTP."""
    pieces: int = 1
    """Into how many the answer is cut on its way."""
    raw: bytes | None = None
    """Sent in place of any answer; b"" closes at once."""


class OcspBehaviour(Enum):
    """The conducts that people meet, by name."""

    ANSWERS = OcspConduct()
    SILENT = OcspConduct(silent=True)
    HELD = OcspConduct(held=True)
    GOOD = OcspConduct(says=Answer.GOOD)
    REVOKED = OcspConduct(says=Answer.REVOKED)
    UNKNOWN = OcspConduct(says=Answer.UNKNOWN)
    TRY_LATER = OcspConduct(says=Answer.TRY_LATER)
    INTERNAL_ERROR = OcspConduct(says=Answer.INTERNAL_ERROR)
    MALFORMED_REQUEST = OcspConduct(says=Answer.MALFORMED_REQUEST)
    SIGNATURE_REQUIRED = OcspConduct(says=Answer.SIGNATURE_REQUIRED)
    UNAUTHORIZED = OcspConduct(says=Answer.UNAUTHORIZED)
    FORGED = OcspConduct(forged=True)
    STALE = OcspConduct(stale=True)
    WITHOUT_NONCE = OcspConduct(repeats_nonce=False)
    OTHER_NONCE = OcspConduct(nonce=b"that of nobody")
    HTTP_ERROR = OcspConduct(status=503)
    NONSENSE = OcspConduct(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnonsense")
    CLOSES = OcspConduct(raw=b"")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question as it came in; `serial` is written as `Certificate.serial`, "" for what cannot be read."""

    at: Instant
    serial: str
    target: str
    headers: dict[str, str] = field(repr=False)


class OcspResponder:
    """A responder at `url`, from `start` to `close` or as an asynchronous context manager.

    What the authority has revoked is revoked, what it never signed is unknown, everything else is good; `states` says
    otherwise of single certificates. `asked` are all questions, oldest first.
    """

    patience = 10.0
    """Host seconds that `wait_for` waits at most."""

    def __init__(self, authority: Authority, now: Callable[[], Instant] | None = None) -> None:
        """`now` tells the time of the answers, e.g. `box.clock.reading`; they begin with the authority without it."""
        self.states: dict[Certificate, Answer] = {}
        self.asked: list[Inquiry] = []
        self.conduct = OcspConduct()
        self.url = ""
        self._authority = authority
        self._now = now
        own = authority.certificate
        forger = Authority(own.subject, not_before=own.not_before, not_after=own.not_after)
        self._forger = Issued(forger.certificate, forger.key)
        self._changes = Changes()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, on a free port unless one is given; returns the URL."""
        self._server = await asyncio.start_server(self._accepted, host, port)
        self.url = f"http://{host}:{self._server.sockets[0].getsockname()[1]}/ca/ocsp"
        return self.url

    async def close(self) -> None:
        """Close everything; no task or socket is left."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            await self._server.wait_closed()

    def behave(self, what: OcspBehaviour | OcspConduct = OcspBehaviour.ANSWERS, **changes: Any) -> None:  # noqa: ANN401 - fields of OcspConduct
        """Behave so from now on, `changes` to the conduct included; without arguments it is a good responder again.

        Raises UserError for a change that there is not.
        """
        try:
            self.conduct = replace(what.value if isinstance(what, OcspBehaviour) else what, **changes)
        except TypeError:
            known = ", ".join(OcspConduct.__slots__)
            raise UserError(f"no such conduct: {', '.join(changes)}; there are {known}") from None
        self._changes.tell()

    def say(self, about: Issued | Certificate, state: Answer | None) -> None:
        """Say this of one certificate from now on; None is the truth again."""
        certificate = about.certificate if isinstance(about, Issued) else about
        self.states.pop(certificate, None)
        if state is not None:
            self.states[certificate] = state

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something happened here that makes `condition` true; raises TimeoutError after `patience`."""
        await self._changes.until(condition, self.patience, self._told)

    def _told(self) -> str:
        asked = "; ".join(f"{each.serial} at {each.at.rfc3339()}" for each in self.asked)
        return f"asked so far: {asked or 'nothing'}"

    def answer(self, data: bytes) -> bytes:
        """Return the answer to a question, both in DER form."""
        try:
            question = read_question(data)
        except OcspError:
            return refusal(Answer.MALFORMED_REQUEST)
        conduct, now = self.conduct, self._time()
        state = self._state(question) if conduct.says is None else conduct.says
        if state not in STATES:
            return refusal(state)
        begins = now.calendar - 2 * DAY if conduct.stale else now.calendar
        signer = self._forger if conduct.forged else conduct.signer
        return answer(
            question,
            self._authority,
            state,
            begins=begins,
            ends=begins + DAY,
            revocation=self._authority.revoked.get(question.serial),
            nonce=(conduct.nonce or question.nonce) if conduct.repeats_nonce else None,
            signer=signer,
            sends=() if signer is None else (signer.certificate,),
        )

    def _state(self, question: Question) -> Answer:
        for certificate, state in self.states.items():
            if certificate.x509.serial_number == question.serial:
                return state
        if question.serial in self._authority.revoked:
            return Answer.REVOKED
        ours = question.concerns(self._authority.certificate) and question.serial in self._authority.serials
        return Answer.GOOD if ours else Answer.UNKNOWN

    def _time(self) -> Instant:
        return Instant(0, self._authority.certificate.not_before) if self._now is None else self._now()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # whoever asked has gone, or we go; asyncio's own callback would log it as a mistake
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            question = await self._question(reader, connection)
        except h11.RemoteProtocolError:
            return
        if question is None:
            return
        await self._changes.until(lambda: not self.conduct.held)
        conduct = self.conduct
        if conduct.silent:
            await reader.read()
            return
        if conduct.raw is not None:
            writer.write(conduct.raw)
            return
        data = self.answer(question)
        headers = [("Content-Type", RESPONSE_TYPE), ("Transfer-Encoding", "chunked")]
        writer.write(connection.send(h11.Response(status_code=conduct.status, headers=headers)) or b"")
        size = -(-len(data) // conduct.pieces)
        for at in range(0, len(data), size):
            writer.write(connection.send(h11.Data(data[at : at + size])) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")

    async def _question(self, reader: asyncio.StreamReader, connection: h11.Connection) -> bytes | None:
        """Return the question, None where somebody hangs up before it is whole."""
        body = bytearray()
        request: h11.Request | None = None
        while True:
            match connection.next_event():
                case h11.NEED_DATA:
                    connection.receive_data(await reader.read(_READ))
                case h11.Request() as came:
                    request = came
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    break
                case _:
                    return None
        assert request is not None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        self.asked.append(Inquiry(self._time(), _serial(bytes(body)), request.target.decode("latin-1"), headers))
        self._changes.tell()
        return bytes(body)


def _serial(question: bytes) -> str:
    try:
        digits = f"{read_question(question).serial:X}"
    except OcspError:
        return ""
    return digits.zfill(len(digits) + len(digits) % 2)
