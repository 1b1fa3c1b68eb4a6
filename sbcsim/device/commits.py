"""The device as a subscriber of the configuration: what it refuses, and what a commit does, in which order.

Certificates come first, so that what else a commit starts uses the new ones; then interfaces and their ports; then
trunk groups; then peers, whose pings leave from ports that stand by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sbcsim.clock import Instant, Order
from sbcsim.config.history import CommitRecord
from sbcsim.config.proposal import Kept
from sbcsim.config.render import change_lines
from sbcsim.config.transaction import Author, Change, Pending, Proposal
from sbcsim.events import CertificateLoaded, Commit, CommitRefused, ConfirmedCommit

from . import localauth, logadmin
from .certcheck import RATE, CertificateChecks
from .chassis import Chassis
from .connectionevents import seen
from .connections import PeerKey
from .documents import USER, named
from .faultycommits import refuse_certificates, refuse_commit
from .faultyhandshakes import Originals
from .pathcheck import PathChecks
from .ports import Ports
from .replacement import Replacements
from .trunkgroups import TrunkGroups
from .users import Account, Users
from .validity import Validity

UNCONFIRMED = ("confirmed commit",)
"""The timer of a confirmed commit."""


class Commits:
    """Acts on every commit, all at the commit's own instant."""

    def __init__(
        self,
        chassis: Chassis,
        ports: Ports,
        trunk_groups: TrunkGroups,
        paths: PathChecks,
        checks: CertificateChecks,
        validity: Validity,
        users: Users,
        replacements: Replacements,
        originals: Originals,
    ) -> None:
        self._chassis = chassis
        self._ports = ports
        self._trunk_groups = trunk_groups
        self._paths = paths
        self._checks = checks
        self._validity = validity
        self._users = users
        self._replacements = replacements
        self._originals = originals
        self._pending: Pending | None = None

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        """Return the decoding of certificate files."""
        return self._chassis.certificates.prework(proposal)

    def validate(self, proposal: Proposal) -> None:
        """Refuse certificates that cannot be read; raises UserError."""
        certificates = self._chassis.certificates
        refuse_certificates(self._chassis.faults, certificates, proposal)
        certificates.validate(proposal)

    def prepare(self, proposal: Proposal) -> None:
        """Take nothing: what can fail on the device's side has been tried by `validate`. A fault may refuse."""
        refuse_commit(self._chassis.faults, proposal)

    def abandon(self, proposal: Proposal) -> None:
        """Give nothing back, as `prepare` took nothing."""

    def kept(self, proposal: Proposal) -> Kept:
        """Return the certificates, keys and accounts that a commit touches."""
        accounts = self._accounts(proposal).items()
        users = {name: None if account is None else account.packed() for name, account in accounts}
        return self._chassis.certificates.kept(proposal) | named(USER, users)

    def awaits(self, pending: Pending | None, now: Instant) -> None:
        """Watch the time of a confirmed commit, and remember what it may have to bring back."""
        chassis = self._chassis
        before, self._pending = self._pending, pending
        if pending is None:
            if before is not None:
                chassis.emit(now, _told(before, "permanent"))
            chassis.timetable.acting.cancel(UNCONFIRMED)
            chassis.certificates.forget()
            self._users.forget()
        else:
            chassis.emit(now, _told(pending, "pending"))
            chassis.timetable.acting.set(UNCONFIRMED, pending.due.uptime, Order.TIMEOUT)
            chassis.certificates.remember()
            self._users.remember()
        if chassis.wake is not None:
            chassis.wake()

    def apply(self, proposal: Proposal, record: CommitRecord) -> None:
        """Put a commit to work."""
        chassis, now = self._chassis, proposal.now
        chassis.tree, chassis.revision = proposal.new, record.revision
        if proposal.changes:  # taking a confirmed commit back may find nothing to change
            lines = tuple(change_lines(proposal.changes))
            chassis.emit(now, Commit(record.revision, record.author.user, record.author.context, lines))
        if proposal.reverts is not None:
            state = "rolled back" if record.author.context == "system" else "aborted"
            chassis.emit(now, _told(proposal.reverts, state))
            self._pending = None
        shown = self._originals.before(proposal)
        self._apply_certificates(proposal)
        self._originals.after(proposal, shown)
        self._replacements.committed(proposal)
        if proposal.old.value(RATE) != proposal.new.value(RATE):
            self._checks.schedule_recheck(now)
        for interface in self._ports.interfaces.affected(proposal.changes):
            self._ports.interfaces.configure(interface, now)
        for port in self._ports.affected(proposal.changes):
            self._ports.configure(port, now)
        for group in self._trunk_groups.affected(proposal.changes):
            self._trunk_groups.configure(group, now)
        for peer in _touched_peers(proposal.changes):
            self._paths.configure(peer, now)
        self._paths.reconsider()
        for name, account in self._accounts(proposal).items():
            self._users.put(name, account)
        logadmin.apply_changes(chassis.event_log, proposal.new, proposal.changes, now)
        if chassis.wake is not None:
            chassis.wake()

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Note a refused commit in the journal."""
        self._chassis.emit(now, CommitRefused(author.user, author.context, reason))

    def _accounts(self, proposal: Proposal) -> dict[str, Account | None]:
        return localauth.accounts_after(self._users, proposal.new, proposal.changes, again=proposal.reverts is not None)

    def _apply_certificates(self, proposal: Proposal) -> None:
        store = self._chassis.certificates
        before = store.anchors
        for loaded in store.apply(proposal):
            self._chassis.emit(proposal.now, CertificateLoaded(seen(loaded.certificate, loaded.name), loaded.type))
            self._validity.watch(loaded.certificate, proposal.now)
        if store.anchors != before:
            self._checks.anchors_changed(before, store.anchors)


def _touched_peers(changes: Sequence[Change]) -> list[PeerKey]:
    keys = {
        (change.path[1], change.path[3], change.path[5])
        for change in changes
        if change.path[0] == "addressContext"
        and len(change.path) > 5
        and (change.path[2], change.path[4]) == ("zone", "ipPeer")
    }
    return sorted(keys)


def _told(pending: Pending, state: str) -> ConfirmedCommit:
    return ConfirmedCommit(pending.author.user, pending.author.context, state, pending.minutes)
