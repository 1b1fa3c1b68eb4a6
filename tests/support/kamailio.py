"""Kamailio over mutual TLS, a SIP stack of its own: its log tells which certificate it was shown, and shows itself.

It can also be the one whose certificate is replaced: `lay_out` writes what it is configured with, `reload` has it read
that, and `ping` has it send OPTIONS, on a connection of its own making. Or it is a proxy in front of a callee.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import peers
import testca
from hostports import free_port

from sbcsim.pki.mint import Issued

PATIENCE = 20.0
"""Host seconds until a line that must come is taken for missing."""

_CONFIGURATION = """\
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
disable_core_dump=yes
enable_tls=yes
listen=tls:127.0.0.1:{port}
{listen}
loadmodule "tm.so"
modparam("tm", "retr_timer1", 5000)
modparam("tm", "retr_timer2", 5000)
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
loadmodule "rr.so"
loadmodule "tls.so"
modparam("tls", "config", "{directory}/tls.cfg")
loadmodule "ctl.so"
modparam("ctl", "binrpc", "unix:{directory}/ctl")
event_route[core:worker-one-init] {{
  xlog("L_ALERT", "PEER serves\\n");
}}
request_route {{
  if (!sanity_check("17895", "7")) {{
    xlog("L_ALERT", "PEER finds $rm insane\\n");
    exit;
  }}
  xlog("L_ALERT", "PEER got $rm $conid $tls_peer_serial $tls_peer_verified $tls_my_serial $ci\\n");
  if (is_method("OPTIONS")) {{
    sl_send_reply("200", "OK");
    exit;
  }}
  {route}
}}
"""

_NOT_ALLOWED = 'sl_send_reply("405", "Method Not Allowed");'

# It stays in the way of every call, on both of its sides: two Record-Routes. Who does not follow them gets 404.
_RELAYS = """\
if (is_method("CANCEL")) {{
    if (t_check_trans()) {{ t_relay(); }}
    exit;
  }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{
      if (t_check_trans()) {{ t_relay(); }}
      exit;
    }}
    sl_send_reply("404", "Not by the route");
    exit;
  }}
  record_route();
  $du = "{towards}";
  t_relay();"""

_TLS = """\
[{role}:default]
method = {method}
verify_certificate = yes
require_certificate = yes
certificate = {files.certificate}
private_key = {files.key}
ca_list = {files.authority}
"""

_GOT = re.compile(r"PEER got (\w+) (\d+) (\d+) (\w+) (\d+) (\S+)")


class Got(NamedTuple):
    """One request as Kamailio logged it. `serial` is that of the certificate that the far end showed, `own` of ours."""

    method: str
    connection: int
    serial: int
    verified: bool
    own: int
    call_id: str


class Kamailio:
    """A running Kamailio; `requests` are all it logged, oldest first."""

    def __init__(self, port: int, directory: Path, method: str) -> None:
        self.port = port
        self.datagrams = 0
        """Where a proxy listens by UDP."""
        self._directory = directory
        self._method = method
        self.requests: list[Got] = []
        self.log: deque[str] = deque(maxlen=200)
        self._changed = asyncio.Condition()
        self._ended = False

    def lay_out(self, files: testca.Files) -> None:
        """Write the configuration of TLS with these files, which `reload` or the start reads."""
        parts = (_TLS.format(role=role, method=self._method, files=files) for role in ("server", "client"))
        (self._directory / "tls.cfg").write_text("".join(parts))

    async def reload(self) -> bool:
        """Have it read its configuration of TLS again; False where it refuses what it finds."""
        return not (await self._command("tls.reload")).startswith("error")

    async def ping(self, port: int) -> None:
        """Have it send OPTIONS to a port of the host, on a new connection where it has none to there."""
        uri = f"sip:127.0.0.1:{port};transport=tls"
        fields = f"From: <sip:127.0.0.1>;tag=ping\r\nTo: <{uri}>\r\nContent-Type: text/plain\r\n"
        assert not await self._command("tm.t_uac_start", "OPTIONS", uri, ".", ".", fields, "s:")

    async def connections(self) -> int:
        """Return how many connections it takes to stand."""
        answer = await self._command("tls.info")
        found = re.search(r"opened_connections: (\d+)", answer)
        assert found is not None, answer
        return int(found[1])

    async def parted(self) -> None:
        """Wait until it takes no connection to stand."""
        async with asyncio.timeout(PATIENCE):
            while await self.connections():
                pass  # it can only be asked again

    async def _command(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(peers.require_program("kamcmd"), "-s", f"unix:{self._directory / 'ctl'}", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        return output.decode().strip()

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Take the log, line by line, until it ends."""
        async for line in stream:
            async with self._changed:
                self._take(line.decode(errors="replace").rstrip())
                self._changed.notify_all()
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the log makes `condition` true."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(lambda: condition() or self._ended)
            met = condition()
        except TimeoutError:
            met = False
        assert met, "not in Kamailio's log:\n" + "\n".join(self.log)

    async def next_request(self, after: int) -> Got:
        """Return the request that Kamailio logged behind the first `after` ones, once it is there."""
        await self.until(lambda: len(self.requests) > after)
        return self.requests[after]

    def _take(self, line: str) -> None:
        self.log.append(line)
        found = _GOT.search(line)
        if found is not None:
            method, connection, serial, verified, own, call_id = found.groups()
            self.requests.append(Got(method, int(connection), int(serial), verified == "1", int(own), call_id))


@asynccontextmanager
async def kamailio(
    directory: Path, issued: Issued, *, method: str = "TLSv1.2+", towards: str = ""
) -> AsyncIterator[Kamailio]:
    """Run Kamailio on a free port of the host; skips where it is not installed.

    It relays calls from UDP and TLS `towards` a URI, and refuses them where that is not given.
    """
    program = peers.require_program("kamailio")
    peer = Kamailio(free_port(), directory, method)
    peer.datagrams = free_port() if towards else 0
    listen = f"listen=udp:127.0.0.1:{peer.datagrams}" if towards else ""
    route = _RELAYS.format(towards=towards) if towards else _NOT_ALLOWED
    configuration = _CONFIGURATION.format(port=peer.port, directory=directory, listen=listen, route=route)
    (directory / "kamailio.cfg").write_text(configuration)
    peer.lay_out(testca.files(issued, directory))
    process = await asyncio.create_subprocess_exec(
        *(program, "-f", directory / "kamailio.cfg", "-DD", "-E", "-m", "32", "-M", "4"),
        *("-w", directory, "-Y", directory, "-P", directory / "kamailio.pid"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reading = asyncio.create_task(peer.read(process.stderr))
    try:
        await peer.until(lambda: any("PEER serves" in line for line in peer.log))
        yield peer
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading
