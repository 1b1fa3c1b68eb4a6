"""Faults in handshakes: what is shown in place of the right certificate, and what ends a handshake before its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sbcsim.clock import Instant
from sbcsim.config.proposal import Proposal
from sbcsim.config.tree import Tree
from sbcsim.pki.credential import Credential

from . import signallingpoints
from .certificates import LIST as CERTIFICATES
from .certificates import CertificateStore
from .effects import Direction, Spoiled, Spoiling
from .faults import Faults
from .tlsprofile import LIST as PROFILES
from .tlsprofile import TlsProfile, read_tls_profile

_SPOILING = {
    signallingpoints.HELLO: Spoiling.HELLO,
    signallingpoints.FLIGHT: Spoiling.FLIGHT,
    signallingpoints.ALERT: Spoiling.ALERT,
    signallingpoints.SECURED: Spoiling.SECURED,
}


class Originals:
    """What each tlsProfile showed to peers before its first renewal since the application started."""

    def __init__(self, certificates: CertificateStore) -> None:
        self._certificates = certificates
        self._shown: dict[str, Credential] = {}

    def get(self, profile: str) -> Credential | None:
        """Return what a profile showed at first, None where it has not been renewed since."""
        return self._shown.get(profile)

    def before(self, proposal: Proposal) -> Mapping[str, Credential]:
        """Return, before a commit is applied, what each tlsProfile that it may renew shows to peers."""
        touched = {change.path[len(PROFILES)] for change in proposal.changes if _within(change.path, PROFILES)}
        renewed = {change.path[len(CERTIFICATES)] for change in proposal.changes if _within(change.path, CERTIFICATES)}
        if renewed:
            touched |= {name for (name,) in proposal.old.keys(PROFILES) if _client(proposal.old, name) in renewed}
        found = {}
        for name in touched - self._shown.keys():
            credential = self._credential(proposal.old, name)
            if credential is not None:
                found[name] = credential
        return found

    def after(self, proposal: Proposal, before: Mapping[str, Credential]) -> None:
        """Keep, when the commit has been applied, what is shown no longer."""
        for name, credential in before.items():
            now = self._credential(proposal.new, name)
            if now is None or now.certificate != credential.certificate:
                self._shown[name] = credential

    def clear(self) -> None:
        """The application starts anew, with what is configured."""
        self._shown.clear()

    def _credential(self, tree: Tree, profile: str) -> Credential | None:
        name = _client(tree, profile)
        return self._certificates.credential(name) if name else None


def shown(
    faults: Faults,
    originals: Originals,
    certificates: CertificateStore,
    profile: TlsProfile,
    direction: Direction,
    right: Credential | None,
    now: Instant,
) -> Credential | None:
    """Return what is shown in a handshake in place of the `right` certificate."""
    stale = faults.fires(signallingpoints.STALE, profile.name, now)
    if stale is not None:
        right = certificates.credential(stale)
    original = originals.get(profile.name) if direction is Direction.OUTBOUND else None
    if original is not None and (right is None or right.certificate != original.certificate):
        outdated = faults.fires(signallingpoints.OUTDATED, profile.name, now)
        right = right if outdated is None else original
    if right is not None and right.chain:
        bare = faults.fires(signallingpoints.CHAIN, _subject(profile, direction), now)
        right = right if bare is None else replace(right, chain=())
    return right


def hangs(faults: Faults, profile: TlsProfile, direction: Direction, now: Instant) -> bool:
    """Whether the box says nothing in a handshake."""
    return faults.fires(signallingpoints.HANG, _subject(profile, direction), now) is not None


def spoiled(faults: Faults, profile: TlsProfile, direction: Direction, now: Instant) -> Spoiled | None:
    """Return what goes wrong in a handshake, None where nothing does."""
    for point, how in _SPOILING.items():
        value = faults.fires(point, _subject(profile, direction), now)
        if value is not None:
            return Spoiled(how, int(value or 0))
    return None


def _subject(profile: TlsProfile, direction: Direction) -> str:
    return f"{direction.value} {profile.name}"


def _client(tree: Tree, profile: str) -> str:
    return read_tls_profile(tree, profile).client_certificate


def _within(path: tuple[str, ...], above: tuple[str, ...]) -> bool:
    return path[: len(above)] == above and len(path) > len(above)
