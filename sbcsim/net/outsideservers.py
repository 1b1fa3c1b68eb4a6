"""The servers outside that the box asks or tells: OCSP responders, the DNS, syslog servers, trap targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbcsim.addresses import format_endpoint
from sbcsim.clock import Clock
from sbcsim.device.effects import (
    AskOcsp,
    DropOcsp,
    Endpoint,
    Lookup,
    SendSyslog,
    SendTrap,
    SyslogServer,
    TrapTarget,
)
from sbcsim.events import LogEvent
from sbcsim.journal import Journal
from sbcsim.sip.locating import Answer, Question

from .device import Device
from .ocsp import OcspClient
from .pump import Pump
from .snmp import TrapSender
from .syslog import SyslogSender
from .wiring import AddressMap

if TYPE_CHECKING:
    from .resolver import Resolver


class OutsideServers:
    """A client for each kind of server; what they say goes to the device."""

    def __init__(
        self,
        device: Device,
        clock: Clock,
        journal: Journal,
        addresses: AddressMap,
        pump: Pump,
        resolver: Endpoint | None,
    ) -> None:
        self._device = device
        self._clock = clock
        self._journal = journal
        self._pump = pump
        self._ocsp = OcspClient(addresses.to_dial, self._ocsp_answered)
        self._resolver: Resolver | None = None
        if resolver is not None:
            from .resolver import Resolver  # noqa: PLC0415 - slow, and seldom wanted

            self._resolver = Resolver(resolver, self._looked_up)
        self._traps = TrapSender(lambda target: addresses.to_dial((target.host, target.port)), self._untrapped)
        self._syslog = SyslogSender(lambda server: addresses.to_dial((server.host, server.port)), self._unlogged)

    async def stop(self) -> None:
        """Close everything."""
        await self._ocsp.close()
        await self._syslog.close()
        await self._traps.close()
        if self._resolver is not None:
            await self._resolver.close()

    def carry_out(self, effect: AskOcsp | DropOcsp | SendSyslog | SendTrap | Lookup) -> None:
        """Ask or tell."""
        match effect:
            case AskOcsp():
                self._ocsp.ask(effect)
            case DropOcsp(number):
                self._ocsp.drop(number)
            case SendSyslog():
                self._syslog.send(effect)
            case SendTrap():
                self._traps.send(effect)
            case Lookup(question):
                assert self._resolver is not None  # the device does not ask where there is nobody to ask
                self._resolver.ask(question)

    def _ocsp_answered(self, number: int, data: bytes | None, reason: str) -> None:
        self._device.ocsp_answered(number, data, reason, self._pump.now())
        self._pump.pump()

    def _looked_up(self, question: Question, answer: Answer) -> None:
        self._device.looked_up(question, answer, self._pump.now())
        self._pump.pump()

    def _untrapped(self, target: TrapTarget, reason: str) -> None:
        text = f"trap target {target.name} at {format_endpoint((target.host, target.port))} gets no traps: {reason}"
        self._journal.add(self._clock.reading(), LogEvent("LOG", "minor", text))
        self._pump.pump()

    def _unlogged(self, server: SyslogServer, reason: str) -> None:
        text = f"syslog server {format_endpoint((server.host, server.port))} cannot be reached: {reason}"
        self._journal.add(self._clock.reading(), LogEvent("LOG", "minor", text))
        self._pump.pump()
