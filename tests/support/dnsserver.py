"""A DNS server on a free port of the host, by UDP and TCP, whose records a test sets as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer(asyncio.DatagramProtocol):
    """`asked` is all it was asked, as "name type". `mode` is answer, silent, truncate or a code such as SERVFAIL.

    The next `deaf` questions get lost. That there is nothing holds for `negative` seconds.
    """

    def __init__(self) -> None:
        self.records: dict[str, list[dns.rrset.RRset]] = {}
        self.asked: list[str] = []
        self.by_tcp = 0
        self.mode = "answer"
        self.deaf = 0
        self.negative = 0
        self.place = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    def put(self, name: str, kind: str, *texts: str, seconds: int = 300) -> None:
        """Set the records of a name and type; none deletes them."""
        kept = [each for each in self.records.get(name, []) if each.rdtype != dns.rdatatype.from_text(kind)]
        new = [dns.rrset.from_text(f"{name}.", seconds, "IN", kind, *texts)] if texts else []
        self.records[name] = [*kept, *new]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.place = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self._note(query)
        if self.mode == "silent" or self.deaf:
            self.deaf -= self.mode != "silent"
            return
        response = self._answer(query)
        if self.mode == "truncate":
            response.answer.clear()
            response.flags |= dns.flags.TC
        assert self._transport is not None
        self._transport.sendto(b"nonsense", source)  # whoever asks has to look at what comes
        stranger = dns.message.make_query("elsewhere.example.com", "A")
        self._transport.sendto(dns.message.make_response(stranger).to_wire(), source)
        self._transport.sendto(response.to_wire(), source)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question."""
        self.by_tcp += 1
        length = int.from_bytes(await reader.readexactly(2))
        wire = self._answer(dns.message.from_wire(await reader.readexactly(length))).to_wire()
        writer.write(len(wire).to_bytes(2) + wire)
        await writer.drain()
        writer.close()

    def _note(self, query: dns.message.Message) -> None:
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(f"{name} {dns.rdatatype.to_text(question.rdtype)}")

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        (question,) = query.question
        response = dns.message.make_response(query)
        if self.mode not in {"answer", "truncate"}:
            response.set_rcode(dns.rcode.from_text(self.mode))
            return response
        name = question.name.to_text(omit_final_dot=True).lower()
        for _ in range(8):
            found = self.records.get(name, [])
            alias = next((each for each in found if each.rdtype == dns.rdatatype.CNAME), None)
            response.answer += [each for each in found if each.rdtype == question.rdtype]
            if alias is None:
                break
            response.answer.append(alias)
            name = alias[0].target.to_text(omit_final_dot=True)
        if not response.answer and name not in self.records:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if not response.answer and self.negative:
            soa = f"ns.example.com. admin.example.com. 1 3600 600 86400 {self.negative}"
            response.authority.append(dns.rrset.from_text("example.com.", 3600, "IN", "SOA", soa))
        return response


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    """Return a server that is closed again."""
    loop = asyncio.get_running_loop()
    for _ in range(20):
        transport, server = await loop.create_datagram_endpoint(DnsServer, ("127.0.0.1", 0))
        try:
            listener = await asyncio.start_server(server.serve_tcp, *server.place)
        except OSError:  # that number is taken for TCP
            transport.close()
            continue
        break
    try:
        yield server
    finally:
        transport.close()
        listener.close()
        await listener.wait_closed()
