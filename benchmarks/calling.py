"""Calls through the box over TLS, beside Kamailio as a stateful proxy in its place; and what a standing one weighs."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from .processes import Child, Program
from .registry import Figure, benchmark
from .testbed import HOST, prepared

KAMAILIO = "Kamailio, a stateful proxy that records its route"

_ROUTES = """\
set addressContext default zone Z ipPeer CALLER ipAddress 127.0.0.1 ipPort 5061
set addressContext default zone Z sipTrunkGroup TG-IN mode inService state enabled
set addressContext default zone OUT id 3 sipSigPort 2 ipInterfaceGroupName LIG portNumber 5070 tlsProfileName TLS
set addressContext default zone OUT sipSigPort 2 transportProtocolsAllowed sip-tls-tcp mode inService state enabled
set addressContext default zone OUT ipPeer CALLEE ipAddress 127.0.0.1 ipPort {port}
set addressContext default zone OUT sipTrunkGroup TG-OUT mode inService state enabled
set global callRouting routingLabel OUT routingLabelRoute 1 trunkGroup TG-OUT ipPeer CALLEE
set global callRouting route trunkGroup TG-IN SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL routingLabel OUT
"""

_PROXY = """\
#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
disable_core_dump=yes
enable_tls=yes
listen=tls:127.0.0.1:{listen}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "tls.so"
modparam("tls", "config", "{directory}/tls.cfg")
request_route {{
  if (has_totag()) {{
    if (loose_route()) {{
      t_relay();
      exit;
    }}
    if (is_method("ACK")) {{
      t_relay();
      exit;
    }}
    sl_send_reply("404", "Not Here");
    exit;
  }}
  record_route();
  $du = "sip:127.0.0.1:{port};transport=tls";
  t_relay();
}}
"""

_TLS = """\
[{role}:default]
method = TLSv1.2
verify_certificate = yes
require_certificate = yes
certificate = {directory}/box.pem
private_key = {directory}/box.key
ca_list = {directory}/ca.pem
"""


@benchmark("calls")
def calls(quick: bool) -> Iterator[Figure]:
    """INVITE, 200, ACK, BYE, 200 over one TLS connection each way, 32 calls at a time."""
    number, rounds = (64, 1) if quick else (1500, 5)
    with prepared() as directory, ExitStack() as stack:
        ours = _Side(stack, directory, "box", number)
        proxy = shutil.which("kamailio")
        bare = None if proxy is None else _Side(stack, directory, proxy, number)
        for _ in range(rounds):
            ours.measure()
            if bare is not None:
                bare.measure()
        yield Figure("calls a second", ours.rate, bare.rate if bare else 0, "/s", KAMAILIO)
        yield Figure(
            "calls per processor second of the server", ours.cpu_rate, bare.cpu_rate if bare else 0, "/s", KAMAILIO
        )
    standing = 100 if quick else 2000
    with prepared() as directory, ExitStack() as stack:
        yield Figure(
            f"memory per standing call, {standing:,} of them",
            _Side(stack, directory, "box", number).weight(standing),
            0,
            "KiB",
            "none: a proxy remembers no calls",
        )


class _Side:
    """One server between a caller and a callee."""

    def __init__(self, stack: ExitStack, directory: Path, server: str, number: int) -> None:
        self._number = number
        self._ends = stack.enter_context(Child("callers", directory))
        port = self._ends.hear()["port"]
        self._server: Child | Program
        if server == "box":
            configuration = (directory / "box.cli").read_text() + _ROUTES.format(port=port)
            (directory / "calls.cli").write_text(configuration)
            child = self._server = stack.enter_context(Child("servers", "calls", directory))
            listens = child.hear()["tls"][1]
        else:
            listens = _proxy(directory, port)
            program = stack.enter_context(
                Program(
                    *(server, "-f", directory / "proxy.cfg", "-DD", "-E", "-m", "512", "-M", "32"),
                    *("-w", directory, "-P", directory / "proxy.pid"),
                )
            )
            program.serves(HOST, listens)
            self._server = program
        self._ends.go_on(str(listens))
        self._ends.go_on(f"run {max(32, number // 10)}")  # the first run warms caches up
        self._rates: list[float] = []
        self._spent = 0.0

    def measure(self) -> None:
        before = self._server.cpu()
        self._rates.append(self._ends.go_on(f"run {self._number}")["rate"])
        self._spent += self._server.cpu() - before

    def weight(self, standing: int) -> float:
        """Return the KiB that a standing call adds to the server."""
        assert isinstance(self._server, Child)
        before = self._server.memory()
        self._ends.go_on(f"hold {standing}")
        weight = (self._server.memory() - before) / standing / 1024
        if self._ends.go_on("end")["ended"] != standing:
            raise RuntimeError("calls are missing")
        return weight

    @property
    def rate(self) -> float:
        return median(self._rates)

    @property
    def cpu_rate(self) -> float:
        return self._number * len(self._rates) / max(self._spent, 0.01)


def _proxy(directory: Path, port: int) -> int:
    """Write the configuration of Kamailio in front of a callee, and return where it listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        listens = int(probe.getsockname()[1])
    (directory / "proxy.cfg").write_text(_PROXY.format(listen=listens, directory=directory, port=port))
    roles = (_TLS.format(role=role, directory=directory) for role in ("server", "client"))
    (directory / "tls.cfg").write_text("".join(roles))
    return listens
