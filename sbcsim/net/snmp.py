"""Sends SNMP traps and informs by UDP, of versions 1, 2c and 3, through pysnmp: the extra `snmp`.

A target that cannot be served costs nothing but its traps: some wait, the oldest go, and the journal says so once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from sbcsim.clock import SECOND, from_rfc3339
from sbcsim.device.effects import Endpoint, SendTrap, SnmpUser, TrapTarget
from sbcsim.errors import SbcsimError, UserError

from .hostclock import host_calendar
from .reasons import reason_of

WAITING = 1000
"""Traps that wait for a target that is slow to answer."""

_UPTIME, _NOTIFICATION = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
"""sysUpTime.0 and snmpTrapOID.0, which come first in every notification (RFC 3416, section 4.2.6)."""

_BOOTS_SINCE = from_rfc3339("2020-01-01T00:00:00Z")
_MODELS = {"v1": 0, "v2": 1, "inform": 1}

Resolve = Callable[[TrapTarget], Endpoint]
"""Returns where on the host a target is; raises UserError."""

Lost = Callable[[TrapTarget, str], None]
"""Hears why traps to a target are lost, once each time that begins."""


class UnsentError(SbcsimError):
    """A trap could not be sent; the text says why."""


class TrapSender:
    """All targets of one simulated system."""

    def __init__(self, resolve: Resolve, lost: Lost) -> None:
        self._resolve = resolve
        self._lost = lost
        self._engines: dict[bytes, _Engine] = {}
        self._lines: dict[str, _Line] = {}

    def send(self, effect: SendTrap) -> None:
        """Send a trap, behind those to the same target that still wait."""
        name = effect.target.name
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(self._deliver, self._lost)
        line.send(effect)

    async def close(self) -> None:
        """Stop sending; what waits is lost."""
        for line in self._lines.values():
            await line.close()
        self._lines.clear()
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    async def _deliver(self, effect: SendTrap) -> None:
        where = self._resolve(effect.target)
        identity = effect.target.engine_id
        engine = self._engines.get(identity)
        if engine is None:
            engine = self._engines[identity] = _Engine(identity)
        await engine.send(effect, where)


class _Line:
    """The way to one target: one trap after the other."""

    def __init__(self, deliver: Callable[[SendTrap], Any], lost: Lost) -> None:
        self._deliver = deliver
        self._lost = lost
        self._waiting: deque[SendTrap] = deque(maxlen=WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._failed = False

    def send(self, effect: SendTrap) -> None:
        self._waiting.append(effect)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def _work(self) -> None:
        try:
            while self._waiting:
                effect = self._waiting.popleft()
                try:
                    await self._deliver(effect)
                except (UserError, UnsentError, OSError) as error:
                    self._fail(effect.target, error)
                else:
                    self._failed = False
        finally:
            self._sending = None

    def _fail(self, target: TrapTarget, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            self._lost(target, reason_of(error))


class _Engine:
    """One SNMP engine of pysnmp, which keeps nothing on the disk.

    A receiver of version 3 takes nothing from an engine that seems to have gone back in time, so the count of its boots
    is the time of the host.
    """

    def __init__(self, identity: bytes) -> None:
        self._snmp, self._error = _pysnmp()
        self._engine = engine = self._snmp.SnmpEngine()
        find = engine.get_mib_builder().import_symbols
        (shown,), (boots,) = (find("__SNMP-FRAMEWORK-MIB", name) for name in ("snmpEngineID", "snmpEngineBoots"))
        shown.syntax = engine.snmpEngineID = shown.syntax.clone(identity)
        boots.syntax = boots.syntax.clone((host_calendar() - _BOOTS_SINCE) // SECOND)

    async def send(self, effect: SendTrap, where: Endpoint) -> None:
        """Send one notification; an inform waits for its answer."""
        snmp, target, trap = self._snmp, effect.target, effect.trap
        objects = [
            (_UPTIME, snmp.TimeTicks(trap.uptime % (1 << 32))),
            (_NOTIFICATION, snmp.ObjectIdentifier(trap.oid)),
            *((oid, _value(snmp, value)) for oid, value in trap.objects),
        ]
        transport = snmp.Udp6TransportTarget if ":" in where[0] else snmp.UdpTransportTarget
        try:
            failure, *_ = await snmp.send_notification(
                self._engine,
                self._credentials(target),
                await transport.create(where),
                snmp.ContextData(),
                "inform" if target.kind == "inform" else "trap",
                *objects,
                lookupMib=False,
            )
        except self._error as error:
            raise UnsentError(str(error)) from error
        if failure is not None:
            raise UnsentError(str(failure))

    def close(self) -> None:
        """Close the sockets."""
        self._engine.close_dispatcher()

    def _credentials(self, target: TrapTarget) -> Any:  # noqa: ANN401 - of a library that may be missing
        if target.user is None:
            return self._snmp.CommunityData(target.community, mpModel=_MODELS[target.kind])
        return _user(self._snmp, target.user)


def _user(snmp: Any, user: SnmpUser) -> Any:  # noqa: ANN401 - of a library that may be missing
    auth = {"HMACMD5": snmp.USM_AUTH_HMAC96_MD5, "HMACSHA": snmp.USM_AUTH_HMAC96_SHA}
    privacy = {"DES": snmp.USM_PRIV_CBC56_DES, "AES128": snmp.USM_PRIV_CFB128_AES}
    return snmp.UsmUserData(
        user.name,
        authKey=snmp.OctetString(user.auth_key) if user.auth_key else None,
        privKey=snmp.OctetString(user.priv_key) if user.priv_key else None,
        authProtocol=auth[user.auth_protocol] if user.auth_key else snmp.USM_AUTH_NONE,
        privProtocol=privacy[user.priv_protocol] if user.priv_key else snmp.USM_PRIV_NONE,
        authKeyType=snmp.USM_KEY_TYPE_LOCALIZED,
        privKeyType=snmp.USM_KEY_TYPE_LOCALIZED,
    )


def _value(snmp: Any, value: str | int) -> Any:  # noqa: ANN401 - of a library that may be missing
    return snmp.Integer32(value) if isinstance(value, int) else snmp.OctetString(value.encode())


def _pysnmp() -> tuple[Any, type[Exception]]:
    """Return what is used of pysnmp, and what it raises; raises UnsentError where it is not installed."""
    try:
        from pysnmp.error import PySnmpError  # noqa: PLC0415 - optional
        from pysnmp.hlapi.v3arch import asyncio as snmp  # noqa: PLC0415 - optional
    except ImportError:
        raise UnsentError("the extra \"snmp\" is not installed: pip install 'sbcsim[snmp]'") from None
    return snmp, PySnmpError
