"""Asks a DNS server what the device wants to know. Nobody is asked unless a server was named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from dns.message import QueryMessage
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV

from sbcsim.device.effects import Endpoint
from sbcsim.sip.locating import Answer, Question, Service

from .reasons import reason_of

ATTEMPTS = 3
"""How often a question is asked that is not answered."""

PATIENCE = 0.25
"""Real seconds that an answer may take; all attempts together take less than the driver waits for anybody."""

DOUBT = 0.05
"""Real seconds that a server gets that has left the last question unanswered, and then it is asked only once."""

AT_ONCE = 32
"""Questions under way at the same time: more would only overflow the server's socket."""


class Resolver:
    """One DNS server. `answered` is called once for every question."""

    def __init__(self, server: Endpoint, answered: Callable[[Question, Answer], None]) -> None:
        self._server = server
        self._answered = answered
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent = False

    def ask(self, question: Question) -> None:
        """Ask; the answer is reported later, never at once."""
        task = asyncio.get_running_loop().create_task(self._ask(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up whatever is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _ask(self, question: Question) -> None:
        async with self._turns:
            answer = await self._look_up(question)
        self._answered(question, answer)

    async def _look_up(self, question: Question) -> Answer:
        try:
            query = dns.message.make_query(question.name, question.type)
            response = await self._exchange(query)
            if response.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                return Answer(failure=f"the DNS server says {dns.rcode.to_text(response.rcode())}")
            return _read(response)
        except dns.exception.Timeout:
            return Answer(failure="the DNS server does not answer")
        except dns.exception.DNSException as error:
            return Answer(failure=str(error).rstrip("."))
        except OSError as error:
            return Answer(failure=f"the DNS server cannot be reached: {reason_of(error)}")

    async def _exchange(self, query: QueryMessage) -> QueryMessage:
        attempts, patience = (1, DOUBT) if self._silent else (ATTEMPTS, PATIENCE)
        while True:
            attempts -= 1
            try:
                response = await self._once(query, patience)
            except dns.exception.Timeout:
                if attempts:
                    continue
                self._silent = True
                raise
            self._silent = False
            return response

    async def _once(self, query: QueryMessage, patience: float) -> QueryMessage:
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[dns.message.Message] = loop.create_future()
        # Connected, so that a host where nobody listens says so at once.
        transport, _ = await loop.create_datagram_endpoint(lambda: _Reply(query, reply), remote_addr=self._server)
        try:
            async with asyncio.timeout(patience):
                transport.sendto(query.to_wire())
                response = await reply
            if response.flags & dns.flags.TC:
                host, port = self._server
                response = await dns.asyncquery.tcp(query, host, patience, port)
        except TimeoutError:
            raise dns.exception.Timeout from None
        finally:
            transport.close()
        assert isinstance(response, QueryMessage)
        return response


class _Reply(asyncio.DatagramProtocol):
    """Waits for the answer to one question; what else comes in is not for us."""

    def __init__(self, query: QueryMessage, reply: asyncio.Future[dns.message.Message]) -> None:
        self._query = query
        self._reply = reply

    def datagram_received(self, data: bytes, address: object) -> None:  # noqa: ARG002 - asyncio's signature
        """Take the answer."""
        try:
            response = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return  # no answer that anybody could use: a better one may follow, else time runs out
        if self._query.is_response(response) and not self._reply.done():
            self._reply.set_result(response)

    def error_received(self, error: Exception) -> None:
        """Nobody listens there."""
        if not self._reply.done():
            self._reply.set_exception(error)


def _read(response: QueryMessage) -> Answer:
    chain = response.resolve_chaining()
    addresses: list[str] = []
    services: list[Service] = []
    for record in chain.answer or ():
        if isinstance(record, A | AAAA):
            addresses.append(record.address)
        elif isinstance(record, SRV):
            target = record.target.to_text(omit_final_dot=True)
            services.append(Service(record.priority, record.weight, record.port, "" if target == "." else target))
    # Without an SOA record nobody says how long it holds that there is nothing (RFC 2308 5).
    kept = chain.answer is not None or any(each.rdtype == dns.rdatatype.SOA for each in response.authority)
    return Answer(tuple(addresses), tuple(services), chain.minimum_ttl if kept else 0)
