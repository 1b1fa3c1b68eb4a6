"""What the control interface shows of the node and no vendor table tells: values made on demand, one per object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sbcsim.clock import DAY, Instant
from sbcsim.config.tree import Tree
from sbcsim.pki.credential import Certificate

from .alarms import Alarm
from .certificates import CertificateStore
from .connections import ConnectionTable
from .objects import certificate_path
from .pathcheck import PathChecks


@dataclass(frozen=True, slots=True)
class PeerView:
    """One ipPeer: its path check and the box's own connection to it (0: none)."""

    address_context: str
    zone: str
    name: str
    address: str
    port: int
    path_check: bool
    state: str
    last_ping: Instant | None
    successes: int
    failures: int
    connection: int


@dataclass(frozen=True, slots=True)
class CertificateView:
    """One pki certificate object; `days` as the expiry warning counts.

    `certificate` is what it held when it was last enabled, None if it never was.
    """

    name: str
    type: str
    state: str
    certificate: Certificate | None
    days: int | None
    profiles: tuple[str, ...]
    connections: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AlarmsView:
    """The alarm tables."""

    current: Sequence[Alarm]
    history: Sequence[Alarm]


def peer_views(paths: PathChecks) -> list[PeerView]:
    """Return every ipPeer in path order."""
    return [
        PeerView(
            *check.peer.key,
            address=check.peer.address,
            port=check.peer.port,
            path_check=check.peer.path_check,
            state=check.state.value,
            last_ping=check.last_ping,
            successes=check.successes,
            failures=check.failures,
            connection=check.connection,
        )
        for check in sorted(paths, key=lambda each: each.peer.key)
    ]


def certificate_views(
    tree: Tree, store: CertificateStore, table: ConnectionTable, now: Instant
) -> list[CertificateView]:
    """Return every configured certificate object by name."""
    users = _profiles_by_certificate(tree)
    views = []
    for (name,) in tree.keys(("system", "security", "pki", "certificate")):
        path = certificate_path(name)
        certificate = store.content_of(name)
        views.append(
            CertificateView(
                name=name,
                type=str(tree.value((*path, "type")) or ""),
                state=str(tree.value((*path, "state")) or "disabled"),
                certificate=certificate,
                days=None if certificate is None else (certificate.not_after - now.calendar) // DAY,
                profiles=tuple(users.get(name, ())),
                connections=()
                if certificate is None
                else tuple(record.id for record in table.using(certificate.fingerprint)),
            )
        )
    return views


def _profiles_by_certificate(tree: Tree) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for (profile,) in tree.keys(("profiles", "security", "tlsProfile")):
        for leaf in ("clientCertName", "serverCertName"):
            name = tree.get(("profiles", "security", "tlsProfile", profile, leaf))
            if name is not None and profile not in users.setdefault(str(name), []):
                users[str(name)].append(profile)
    return users
