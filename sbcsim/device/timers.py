"""Which part of the node each kind of timer belongs to. A timer's key says what is due, and mostly whose it is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from sbcsim.clock import Instant
from sbcsim.config.transaction import Database

from .boxfaults import BoxFaults
from .callcontrol import TIMER as CALLS
from .certcheck import RECHECK, WARNING, CertificateChecks
from .commits import UNCONFIRMED
from .connectionplane import ConnectionPlane
from .connections import PeerKey, PortKey
from .effects import ConnectionId
from .faultyanswers import LATE, LateAnswers
from .firing import Handlers
from .interfaces import DRYUP as INTERFACE_DRYUP
from .objects import InterfaceKey
from .ocsp import TIMER as OCSP
from .outages import OUTAGE, Broken
from .pathcheck import PathChecks
from .ports import DRYUP, Ports
from .redundancy import SYNCHRONISED
from .replacement import TIMER as REPLACEMENT
from .sipstack import TIMER as TRANSACTIONS
from .telephony import Telephony
from .trunkgroup import TrunkGroupKey
from .trunkgroups import DRYUP as TRUNK_GROUP_DRYUP
from .trunkgroups import TrunkGroups
from .udpping import RESEND
from .validity import VALIDITY, Validity


def handlers(
    database: Database,
    plane: ConnectionPlane,
    ports: Ports,
    trunk_groups: TrunkGroups,
    paths: PathChecks,
    checks: CertificateChecks,
    validity: Validity,
    late: LateAnswers,
    telephony: Telephony,
    box_faults: BoxFaults,
) -> Handlers:
    """Return what every kind of timer does when it is due."""

    def date_came(edge: Hashable, _now: Instant) -> None:
        validity.come(cast(tuple[str, str], edge))
        paths.reconsider()

    return {
        RECHECK[0]: lambda _key, now: checks.recheck(now),
        WARNING[0]: lambda _key, now: checks.warn(now),
        "connect": lambda key, now: plane.connect_timed_out(_number(key), now),
        "handshake": lambda key, now: plane.handshake_timed_out(_number(key), now),
        "auth": lambda key, now: plane.authentication_timed_out(_number(key), now),
        REPLACEMENT: lambda key, now: plane.replacements.ended(cast(str, key), now),
        OCSP: lambda key, now: plane.ocsp.timed_out(_number(key), now),
        DRYUP: lambda key, now: ports.dryup_ended(cast(PortKey, key), now),
        INTERFACE_DRYUP: lambda key, now: ports.interfaces.dryup_ended(cast(InterfaceKey, key), now),
        TRUNK_GROUP_DRYUP: lambda key, now: trunk_groups.dryup_ended(cast(TrunkGroupKey, key), now),
        "ping": lambda key, now: paths.send_ping(_peer(key), 1, now),
        "reply": lambda key, now: paths.reply_timed_out(_peer(key), now),
        LATE: lambda key, now: late.due(_number(key), now),
        TRANSACTIONS[0]: lambda _key, now: telephony.stack.fire(now),
        CALLS[0]: lambda _key, now: telephony.calls.fire(now),
        RESEND: lambda key, now: paths.resend(_peer(key), now),
        UNCONFIRMED[0]: lambda _key, now: database.time_out(now),
        VALIDITY: date_came,
        OUTAGE: lambda key, now: box_faults.mend(cast(Broken, key), now),
        SYNCHRONISED[0]: lambda _key, now: box_faults.synchronised(now),
    }


def _number(key: Hashable) -> ConnectionId:
    return cast(ConnectionId, key)


def _peer(key: Hashable) -> PeerKey:
    return cast(PeerKey, key)
