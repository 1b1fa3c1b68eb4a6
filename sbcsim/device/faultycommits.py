"""Faults in commits: who else has the configuration, and what refuses it."""

from __future__ import annotations

from sbcsim.clock import MINUTE, Instant
from sbcsim.config.conflict import ConflictError
from sbcsim.config.transaction import Author, Proposal
from sbcsim.errors import UserError
from sbcsim.pki.keystore import Problem

from .certificates import CertificateStore, file_not_found, file_refused
from .faults import Faults
from .managementpoints import CONFLICT, DAMAGED, LOCKED, PHRASE, UNREADABLE, VANISHED, VETO

_SESSION = 9_999  # a number that no session of a test ever has
_REMOTE = "192.0.2.8"
_CERTIFICATES = (UNREADABLE, VANISHED, DAMAGED, PHRASE)


def holder_of_the_lock(faults: Faults, author: Author, now: Instant) -> Author | None:
    """Return who has the lock that somebody wants, None where nobody has."""
    user = faults.fires(LOCKED, author.user, now)
    if user is None:
        return None
    return Author(user, "cli", _SESSION, _REMOTE, "ssh", now.calendar - 10 * MINUTE)


def refuse_certificates(faults: Faults, store: CertificateStore, proposal: Proposal) -> None:
    """Have the files go wrong that a commit reads; raises UserError."""
    if not any(map(faults.at, _CERTIFICATES)):
        return
    for name in store.from_files(proposal):
        if faults.fires(UNREADABLE, name, proposal.now) is not None:
            raise file_not_found(proposal.new, name)
        if faults.fires(VANISHED, name, proposal.now) is not None:
            store.lose_file(proposal.new, name, proposal.now)
        if faults.fires(DAMAGED, name, proposal.now) is not None:
            raise file_refused(proposal.new, name, Problem.NOT_A_CERTIFICATE_FILE)
        if store.has_pass_phrase(proposal.new, name) and faults.fires(PHRASE, name, proposal.now) is not None:
            raise file_refused(proposal.new, name, Problem.WRONG_PASS_PHRASE)


def refuse_commit(faults: Faults, proposal: Proposal) -> None:
    """Refuse a commit that everybody else would accept; raises UserError."""
    if proposal.reverts is not None:
        return
    user = faults.fires(CONFLICT, proposal.author.user, proposal.now)
    if user is not None:
        raise ConflictError(tuple(change.path for change in proposal.changes), (user,))
    reason = faults.fires(VETO, proposal.author.user, proposal.now)
    if reason is not None:
        raise UserError(reason)
