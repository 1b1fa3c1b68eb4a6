"""The status and statistics tables, each made on demand from what really happened (sbc-model, section 9).

`TABLES` maps the schema path of a table to the function that makes its rows; a new table is one function and one
line there. Every row holds every leaf it has a value for, by leaf name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sbcsim.clock import DAY, HOUR, MINUTE, SECOND, Instant, to_datetime
from sbcsim.schema.node import Path, SchemaPath
from sbcsim.schema.types import Value

from . import callstatus, logadmin
from .alarms import Alarm
from .callcontrol import CallControl
from .certificates import CertificateStore
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord
from .effects import Transport
from .listeners import Port, PortState
from .objects import IpInterface, interfaces_of
from .ocspprofile import LIST as OCSP_PROFILES
from .pathcheck import PathChecks
from .ports import Ports
from .trunkgroups import TrunkGroups

Row = Mapping[str, Value]


class Status:
    """Makes the rows of every table."""

    def __init__(
        self,
        chassis: Chassis,
        ports: Ports,
        plane: ConnectionPlane,
        paths: PathChecks,
        trunk_groups: TrunkGroups,
        calls: CallControl,
    ) -> None:
        self.chassis = chassis
        self.ports = ports
        self.table = plane.table
        self.ocsp = plane.ocsp
        self.paths = paths
        self.trunk_groups = trunk_groups
        self.calls = calls

    def rows(self, schema_path: SchemaPath, path: Path, now: Instant) -> Sequence[Row]:
        """Return the rows of a table; none for a path that is no table."""
        make = TABLES.get(schema_path)
        return [] if make is None else list(make(self, path, now))


def timestamp(calendar: int) -> str:
    """Return a time as the status tables show it: `2026-01-01T00:00:00+00:00`."""
    return to_datetime(calendar // SECOND * SECOND).isoformat()


def _zone(path: Path) -> tuple[str, str]:
    return path[1], path[3]


def _port_status(status: Status, path: Path, _now: Instant) -> Iterable[Row]:
    for port in status.ports.in_zone(*_zone(path)):
        config = port.config
        v4 = next((each for each in config.addresses if ":" not in each), "")
        v6 = next((each for each in config.addresses if ":" in each), "")
        yield {
            "index": config.key[2],
            # The table keeps saying inService until a dry-up has ended.
            "state": "outOfService" if port.state is PortState.DOWN else "inService",
            "localIpType": "fixed",
            "fixedIpV4": v4,
            "fixedIpV6": v6,
            "floatingIpV4": "",
            "floatingIpV6": "",
            "portNumber": config.number,
            "vnfId": "",
        }


def _counters(group: Callable[[Port], Row]) -> Callable[[Status, Path, Instant], Iterable[Row]]:
    def rows(status: Status, path: Path, now: Instant) -> Iterable[Row]:
        for port in status.ports.in_zone(*_zone(path)):
            port.counters.look(now.uptime)
            yield {"index": port.config.key[2], **group(port)}

    return rows


def _zone_connections(status: Status, path: Path) -> Iterable[ConnectionRecord]:
    for port in status.ports.in_zone(*_zone(path)):
        yield from status.table.on_port(port.config.key)


def _connection_status(status: Status, path: Path, now: Instant) -> Iterable[Row]:
    for record in sorted(_zone_connections(status, path), key=lambda each: each.id):
        yield {
            "connectionId": record.id,
            "index": record.sip_sig_port,
            "peerIpAddress": record.remote[0],
            "peerPortNum": record.remote[1],
            "socket": record.id,
            "transport": record.transport.value,
            "state": record.state.value,
            "role": record.role,
            "aging": "yes" if status.ports.drains(record.port) else "no",
            "idleTime": (now.uptime - record.last_used.uptime) // SECOND,
            "bytesSent": record.bytes_out,
            "bytesRcvd": record.bytes_in,
            "pduSendQueued": status.paths.queued(record) + status.calls.queued(record),
            "pduRecvQueued": int(record.stream.incomplete),
        }


def _path_checks(status: Status, path: Path, _now: Instant) -> Iterable[Row]:
    for check in status.paths.in_zone(*_zone(path)):
        yield {
            "peerName": check.peer.key[2],
            "pingState": check.state.value,
            "localAdminState": check.local_admin,
            "remoteAdminState": check.remote_admin,
        }


def _zone_status(status: Status, path: Path, now: Instant) -> Iterable[Row]:
    for (name,) in status.chassis.tree.keys((*path[:2], "zone")):
        inbound, outbound = status.chassis.calls.usage(path[1], name)
        yield {
            "name": name,
            "totalCallsAvailable": -1,
            "inboundCallsUsage": inbound,
            "outboundCallsUsage": outbound,
            "totalCallsConfigured": -1,
            "priorityCallUsage": 0,
            "bwCurrentLimit": -1,
            "bwAvailable": -1,
            "bwInboundUsage": 0,
            "bwOutboundUsage": 0,
            "emergencyCallsBwUsage": 0,
            "activeSipRegCount": status.calls.registered(path[1], name, now),
        }


def _trunk_groups(status: Status, path: Path, _now: Instant) -> Iterable[Row]:
    return callstatus.trunk_groups(status.chassis.tree, status.chassis.calls, status.trunk_groups, *_zone(path))


def _all_trunk_groups(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    return callstatus.all_trunk_groups(status.chassis.tree, status.chassis.calls, status.trunk_groups)


def _message_counters(status: Status, path: Path, _now: Instant) -> Iterable[Row]:
    tree = status.chassis.tree
    table = tree.schema.descend((*_ZONE, "sipCurrentStatistics"))
    return callstatus.message_counters(tree, status.chassis.message_counts, *_zone(path), table)


def _call_counts(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    table = status.chassis.tree.schema.descend(("global", "callCountStatus"))
    return callstatus.call_counts(table, status.chassis.calls, status.chassis.call_counts)


def _call_summaries(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    return callstatus.call_summaries(status.chassis.calls)


def _tls_sessions(status: Status, path: Path, _now: Instant) -> Iterable[Row]:
    for record in sorted(_zone_connections(status, path), key=lambda each: each.id):
        if record.transport is Transport.TLS and record.established:
            yield {
                "socket": record.id,
                "index": record.sip_sig_port,
                "peerIpAddress": record.remote[0],
                "state": record.state.value,
                "role": record.role,
                "resumptions": 0 if record.session is None else record.session.resumptions,
                "tlsSessionId": record.session_name.hex().upper(),
            }


def _interface_status(status: Status, path: Path, _now: Instant) -> Iterable[Row]:
    group = (path[1], path[3])
    for number, interface in enumerate(interfaces_of(status.chassis.tree, group), start=1):
        v4, v6 = (interface.address, interface.prefix), (interface.alternative, interface.alternative_prefix)
        if ":" in interface.address:
            v4, v6 = v6, v4
        yield {
            "name": interface.key[2],
            "ifindex": number,
            "operState": _oper_state(status, interface),
            "oosReason": "notApplicable" if interface.up else "admin",
            "rxPackets": 0,
            "txPackets": 0,
            "allocatedBandwidth": 0,
            "bwDeviation": 0,
            "numMediaStreams": 0,
            "rxActualBandwidth": 0,
            "txActualBandwidth": 0,
            "localIpType": "fixed",
            "fixedIpV4": v4[0],
            "fixedIpPrefixV4": v4[1],
            "fixedIpV6": v6[0],
            "fixedIpPrefixV6": v6[1],
            "floatingIpV4": "",
            "floatingIpV6": "",
        }


def _oper_state(status: Status, interface: IpInterface) -> str:
    if interface.up:
        return "resAllocated"
    return "deallocDryup" if status.ports.interfaces.drains(interface.key) else "admnDisabled"


def _certificates(status: Status, _path: Path, now: Instant) -> Iterable[Row]:
    tree = status.chassis.tree
    for (name,) in tree.keys(("system", "security", "pki", "certificate")):
        path = ("system", "security", "pki", "certificate", name)
        row: dict[str, Value] = {"name": name, "state": tree.value((*path, "state")) or "disabled"}
        kind = tree.value((*path, "type"))
        if kind is not None:
            row["type"] = kind
        certificate = status.chassis.certificates.content_of(name)
        if certificate is not None:
            row |= {
                "subject": certificate.subject,
                "issuer": certificate.issuer,
                "serialNumber": certificate.serial,
                "validFrom": timestamp(certificate.not_before),
                "validTo": timestamp(certificate.not_after),
                "daysToExpiry": (certificate.not_after - now.calendar) // DAY,
            }
        yield row


def _certificate_statistics(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    store: CertificateStore = status.chassis.certificates
    remote = sum(item.type == "remote" for item in store.loaded.values())
    yield {
        "systemName": status.chassis.settings.system_name,
        "localCerts": len(store.loaded) - remote,
        "caCerts": remote,
    }


def _ocsp_statistics(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    for (name,) in status.chassis.tree.keys(OCSP_PROFILES):
        yield {"profileName": name, **status.ocsp.counters(name)}


def _alarm(alarm: Alarm, **special: Value) -> dict[str, Value]:
    return {
        "alarmId": alarm.id,
        "timestamp": timestamp(alarm.last.calendar),
        "initialTimestamp": timestamp(alarm.first.calendar),
        "count": alarm.count,
        "desc": alarm.description,
        "reporter": alarm.name.event,
        "severity": alarm.name.severity,
        "acknowledgeState": "acknowledge" if alarm.acknowledged else "unAcknowledge",
        "comment": alarm.comment,
        **special,
    }


def _current_alarms(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    for alarm in status.chassis.alarms.current:
        yield _alarm(alarm, clearType="automatic" if alarm.name.automatic else "manual")


def _alarm_history(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    for alarm in status.chassis.alarms.history:
        yield _alarm(alarm, state=alarm.state)


def _servers(status: Status, _path: Path, now: Instant) -> Iterable[Row]:
    servers, settings = status.chassis.servers, status.chassis.settings
    for server in servers:
        yield {
            "name": server.name,
            "hwType": settings.hardware_type,
            "serialNum": "",
            "partNum": "",
            "platformVersion": settings.application_version,
            "applicationVersion": settings.application_version,
            "mgmtRedundancyRole": "active" if server is servers.active else "standby",
            "upTime": _up_time(now.uptime - server.system_started),
            "applicationUpTime": _up_time(now.uptime - server.application_started),
            "lastRestartReason": server.cause.value,
            "syncStatus": servers.sync.value,
            "daughterBoardPresent": False,
            "currentTime": to_datetime(now.calendar).strftime("%Y/%m/%d %H:%M:%S "),
            "pktPortSpeed": "speed1Gbps",
            "actualCeName": server.name,
            "hwSubType": "",
            "fingerprint": "",
        }


def _server_names(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    for server in status.chassis.servers:
        yield {"name": server.name}


def _synchronisation(status: Status, _path: Path, _now: Instant) -> Iterable[Row]:
    for module in ("Policy Data", "Call Data", "Config Data", "Disk Data"):
        yield {"syncModule": module, "status": status.chassis.servers.sync.value}


def _event_logs(status: Status, _path: Path, now: Instant) -> Iterable[Row]:
    return logadmin.status_rows(status.chassis.event_log, now)


def _up_time(uptime: int) -> str:
    days, rest = divmod(uptime, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    return f"{days} Days {hours:02d}:{minutes:02d}:{rest // SECOND:02d}"


_ZONE = ("addressContext", "zone")

TABLES: dict[SchemaPath, Callable[[Status, Path, Instant], Iterable[Row]]] = {
    (*_ZONE, "sipSigPortStatus"): _port_status,
    (*_ZONE, "sipSigPortStatistics"): _counters(lambda port: port.counters.port.as_row()),
    (*_ZONE, "sipSigConnStatus"): _connection_status,
    (*_ZONE, "sipSigConnStatistics"): _counters(lambda port: port.counters.connections.as_row()),
    (*_ZONE, "sipSigPortTlsStatistics"): _counters(lambda port: port.counters.tls.as_row()),
    (*_ZONE, "sipSigTlsSessionStatus"): _tls_sessions,
    (*_ZONE, "peerPathchkStatus"): _path_checks,
    (*_ZONE, "trunkGroupStatus"): _trunk_groups,
    (*_ZONE, "sipCurrentStatistics"): _message_counters,
    ("addressContext", "zoneStatus"): _zone_status,
    ("addressContext", "ipInterfaceGroup", "ipInterfaceStatus"): _interface_status,
    ("system", "security", "pki", "certificate"): _certificates,
    ("system", "security", "pki", "certStatistics"): _certificate_statistics,
    ("system", "security", "ocspStatistics"): _ocsp_statistics,
    ("global", "globalTrunkGroupStatus"): _all_trunk_groups,
    ("global", "callCountStatus"): _call_counts,
    ("global", "callSummaryStatus"): _call_summaries,
    ("oam", "eventLog", "typeStatus"): _event_logs,
    ("system", "serverAdmin"): _server_names,
    ("system", "serverStatus"): _servers,
    ("system", "syncStatus"): _synchronisation,
    ("alarms", "currentStatus"): _current_alarms,
    ("alarms", "historyStatus"): _alarm_history,
}
