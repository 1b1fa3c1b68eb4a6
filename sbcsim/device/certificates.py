"""The enabled certificates: read and judged in the commit that enables them, then kept until that is undone.

The store is a subscriber of the configuration. What it holds is replaced as a whole with the commit that changes
it; connections keep the credential they began with. While a confirmed commit is pending, the store remembers what it
held before: taking that commit back needs no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sbcsim.clock import Instant, to_datetime
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Proposal
from sbcsim.config.tree import Tree
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.pki.chain import issuer_path
from sbcsim.pki.credential import Certificate, Credential, TrustAnchors
from sbcsim.pki.keystore import KeystoreError, Problem, load_file
from sbcsim.schema.walk import format_path

from .documents import CERTIFICATE, KEY, under
from .files import CERTIFICATE_DIRECTORY, FileError, VirtualFiles
from .internalkeys import InternalKeys, Pair
from .loaded import Loaded, packed, unpacked
from .objects import certificate_path

__all__ = ["CertificateStore", "Loaded"]

LIST = ("system", "security", "pki", "certificate")
_CONTENT_LEAVES = frozenset({"state", "fileName", "passPhrase", "type"})

_REFUSALS = {
    Problem.NOT_A_CERTIFICATE_FILE: ("not_a_file", "fileName"),
    Problem.WRONG_PASS_PHRASE: ("wrong_pass_phrase", "passPhrase"),
    Problem.NO_PRIVATE_KEY: ("no_key", "fileName"),
    Problem.KEY_MISMATCH: ("other_key", "fileName"),
    Problem.MORE_THAN_ONE: ("several", "fileName"),
    Problem.UNSUPPORTED_KEY: ("unsupported_key", "fileName"),
}
"""What is said about a file, and of which leaf."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What stood before a confirmed commit."""

    loaded: Mapping[str, Loaded]
    read: Mapping[str, Certificate]
    pairs: Mapping[str, Pair]


@dataclass(frozen=True, slots=True)
class Enabled:
    """Every certificate that was enabled at one moment, and the keys that were made on the box."""

    loaded: Mapping[str, Loaded]
    read: Mapping[str, Certificate]
    anchors: TrustAnchors
    internal: Mapping[str, Pair]


class CertificateStore:
    """All enabled certificates by name, and what follows from them: credentials and trust anchors."""

    def __init__(self, files: Callable[[], VirtualFiles], cipher: Cipher) -> None:
        self._files = files
        self.internal = InternalKeys()
        self._cipher = cipher
        self._loaded: dict[str, Loaded] = {}
        self._read: dict[str, Certificate] = {}  # what each object last held while enabled
        self._anchors = TrustAnchors()
        self._credentials: dict[str, Credential] = {}
        self._before: _Before | None = None
        self._absent: frozenset[str] = frozenset()

    @property
    def anchors(self) -> TrustAnchors:
        """Every enabled remote certificate."""
        return self._anchors

    @property
    def loaded(self) -> Mapping[str, Loaded]:
        """The enabled certificates by name."""
        return self._loaded

    def in_name_order(self) -> Iterator[Loaded]:
        """Yield the enabled certificates by name."""
        for name in sorted(self._loaded):
            yield self._loaded[name]

    def credential(self, name: str) -> Credential | None:
        """Return what a new connection shows under a certificate name, None if there is nothing to show."""
        loaded = self._loaded.get(name)
        if loaded is None or loaded.content.key is None or name in self._absent:
            return None
        credential = self._credentials.get(name)
        if credential is None:
            chain = issuer_path(loaded.certificate, self._anchors.certificates)
            credential = Credential(name, loaded.certificate, chain, loaded.content.key, loaded.revision)
            self._credentials[name] = credential
        return credential

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        """Return the decoding of the files that the proposal enables, which may be done in a thread beforehand."""
        jobs = [
            (data, kind, self._pass_phrase(proposal.new, name), file_name)
            for name in self.to_load(proposal)
            if (kind := _file_kind(_text(proposal.new, name, "type"))) is not None
            and (file_name := _text(proposal.new, name, "fileName"))
            and (data := self._files().certificate_file(file_name)) is not None
        ]
        if not jobs:
            return None

        def decode() -> None:
            for data, kind, pass_phrase, file_name in jobs:
                try:
                    load_file(data, kind, pass_phrase, file_name)
                except KeystoreError:
                    continue  # validate() meets it again and says it in the box's words

        return decode

    def to_load(self, proposal: Proposal) -> list[str]:
        """Return the names that a proposal turns to enabled, or whose content it changes while enabled."""
        names = []
        for name, leaves in _touched(proposal).items():
            if _enabled(proposal.new, name) and (not _enabled(proposal.old, name) or leaves & _CONTENT_LEAVES):
                names.append(name)
        return names

    def from_files(self, proposal: Proposal) -> list[str]:
        """Return those of them that are read from a file: not those whose key was made on the box."""
        return [name for name in self.to_load(proposal) if _file_kind(_text(proposal.new, name, "type")) is not None]

    def validate(self, proposal: Proposal) -> None:
        """Read what the proposal enables; raises UserError with the box's text for the first that fails."""
        for name in self.to_load(proposal):
            self._load(proposal.new, name, proposal.now, proposal.revision)

    def apply(self, proposal: Proposal) -> list[Loaded]:
        """Take over the enabled certificates of a commit; returns those that are newly loaded, by name."""
        fresh = self._fresh(proposal)
        touched = self._touched(proposal)
        remote_before = {item.certificate.fingerprint for item in self._remote()}
        for name in touched:
            if not _enabled(proposal.new, name) and self._loaded.pop(name, None) is not None:
                self._credentials.pop(name, None)
            if not proposal.new.exists(certificate_path(name)):
                self._read.pop(name, None)
                self.internal.drop(name)
        for item in fresh:
            self._loaded[item.name] = item
            self._read[item.name] = item.certificate
            self._credentials.pop(item.name, None)
        self._absent -= {item.name for item in fresh}
        if proposal.reverts is not None and self._before is not None:
            self._read = dict(self._before.read)
            for name, pair in self._pairs_brought_back(proposal).items():
                self.internal.bring_back(name, pair)
        if {item.certificate.fingerprint for item in self._remote()} != remote_before:
            self._anchors = TrustAnchors(tuple(item.certificate for item in self._remote()), proposal.revision)
            self._credentials.clear()  # a chain may have grown or shrunk
        return fresh

    def kept(self, proposal: Proposal) -> dict[str, bytes | None]:
        """Return the documents of the certificates and keys that a commit touches, as they are behind it."""
        fresh = {item.name: item for item in self._fresh(proposal)}
        read = self._before.read if proposal.reverts is not None and self._before is not None else self._read
        documents: dict[str, bytes | None] = {}
        for name in self._touched(proposal):
            there = proposal.new.exists(certificate_path(name))
            loaded = (fresh.get(name) or self._loaded[name]) if _enabled(proposal.new, name) else None
            certificate = read.get(name) if loaded is None else loaded.certificate
            documents[CERTIFICATE + name] = packed(certificate, loaded) if there and certificate is not None else None
            if not there:
                documents[KEY + name] = None
        pairs = self._pairs_brought_back(proposal)
        return documents | {KEY + name: pair.packed() for name, pair in pairs.items()}

    def documents(self) -> dict[str, bytes]:
        """Return the documents of all certificates and keys, for `restore`."""
        return {
            **{CERTIFICATE + name: packed(each, self._loaded.get(name)) for name, each in self._read.items()},
            **{KEY + name: pair.packed() for name, pair in self.internal.pairs().items()},
        }

    def restore(self, documents: Mapping[str, bytes]) -> None:
        """Go on with what the certificates held when an earlier process ended."""
        self.internal.restore(under(KEY, documents))
        for name, document in under(CERTIFICATE, documents).items():
            self._read[name], loaded = unpacked(name, document)
            if loaded is not None:
                self._loaded[name] = loaded
        remote = tuple(self._remote())
        if remote:
            revision = max(item.revision for item in remote)
            self._anchors = TrustAnchors(tuple(item.certificate for item in remote), revision)

    def has_pass_phrase(self, tree: Tree, name: str) -> bool:
        """Tell whether a certificate object has a pass phrase for its file."""
        return self._pass_phrase(tree, name) is not None

    def lose_file(self, tree: Tree, name: str, now: Instant) -> None:
        """Remove the file of a certificate object, if there is one; raises UserError where a disk keeps it."""
        file, files = _text(tree, name, "fileName"), self._files()
        if file and files.certificate_file(file) is not None:
            try:
                files.remove(f"{CERTIFICATE_DIRECTORY}/{file}", now)
            except FileError as error:
                raise UserError(error.text) from None

    def load_again(self, tree: Tree) -> dict[str, str]:
        """Have a server take over that reads the local certificates from files of its own.

        Returns the missing files by the name of the certificate. Those show nothing until they are enabled anew.
        """
        files = self._files()
        wanted = {
            item.name: _text(tree, item.name, "fileName") for item in self.in_name_order() if item.type == "local"
        }
        missing = {name: file for name, file in wanted.items() if files.certificate_file(file) is None}
        self._absent = frozenset(missing)
        return missing

    def remember(self) -> None:
        """Keep in mind what is there now, unless something is kept in mind already."""
        if self._before is None:
            self._before = _Before(dict(self._loaded), dict(self._read), self.internal.pairs())

    def forget(self) -> None:
        """Drop what was kept in mind."""
        self._before = None

    def content_of(self, name: str) -> Certificate | None:
        """Return the certificate that an object holds, disabled or not; None if it has never been enabled."""
        return self._read.get(name)

    def moment(self) -> Enabled:
        """Return what is enabled at this moment, for a later `reset`."""
        return Enabled(dict(self._loaded), dict(self._read), self._anchors, self.internal.pairs())

    def reset(self, to: Enabled) -> None:
        """Return to what was enabled at a moment, whatever has become of the files since."""
        self.internal.reset(to.internal)
        self._loaded, self._read, self._anchors = dict(to.loaded), dict(to.read), to.anchors
        self._credentials.clear()
        self._before = None
        self._absent = frozenset()

    def _remote(self) -> Iterator[Loaded]:
        return (item for item in self.in_name_order() if item.type == "remote")

    def _fresh(self, proposal: Proposal) -> list[Loaded]:
        """Return what a commit loads; one that takes a confirmed commit back has it from before that."""
        if proposal.reverts is not None and self._before is not None:
            before = self._before.loaded
            names = [name for name in sorted(before) if before[name] is not self._loaded.get(name)]
            return [replace(before[name], revision=proposal.revision) for name in names]
        return [self._load(proposal.new, name, proposal.now, proposal.revision) for name in self.to_load(proposal)]

    def _touched(self, proposal: Proposal) -> list[str]:
        """Names whose content a commit may change, by name."""
        names = set(_touched(proposal))
        if proposal.reverts is not None and self._before is not None:
            before = self._before.loaded
            names |= {name for name in before if before[name] is not self._loaded.get(name)}
        return sorted(names)

    def _pairs_brought_back(self, proposal: Proposal) -> dict[str, Pair]:
        """Return the keys of objects that a confirmed commit had deleted, when it is taken back."""
        if proposal.reverts is None or self._before is None:
            return {}
        pairs, present = self._before.pairs, self.internal.pairs()
        names = (name for name in pairs if name not in present)
        return {name: pairs[name] for name in names if proposal.new.exists(certificate_path(name))}

    def _load(self, tree: Tree, name: str, now: Instant, revision: int) -> Loaded:
        path = certificate_path(name)
        word = _text(tree, name, "type")
        if not word:
            raise _missing(path, "type")
        kind = _file_kind(word)
        if kind is None:
            imported = self.internal.content(name)
            if imported is None:
                raise _refusal("not_imported", path, "state")
            _refuse_expired(path, imported.certificate, now)
            return Loaded(name, word, imported, revision)
        file_name = _text(tree, name, "fileName")
        if not file_name:
            raise _missing(path, "fileName")
        data = self._files().certificate_file(file_name)
        if data is None:
            raise file_not_found(tree, name)
        try:
            content = load_file(data, kind, self._pass_phrase(tree, name), file_name)
        except KeystoreError as error:
            if error.problem is Problem.PASS_PHRASE_MISSING:
                raise _missing(path, "passPhrase") from error
            raise file_refused(tree, name, error.problem) from error
        _refuse_expired(path, content.certificate, now)
        return Loaded(name, kind, content, revision)

    def _pass_phrase(self, tree: Tree, name: str) -> str | None:
        stored = tree.get((*certificate_path(name), "passPhrase"))
        return None if stored is None else self._cipher.opened(str(stored))


def file_not_found(tree: Tree, name: str) -> UserError:
    """Return the refusal of a certificate object whose file is not there."""
    return _refusal("no_file", certificate_path(name), "fileName", file=_text(tree, name, "fileName"))


def file_refused(tree: Tree, name: str, problem: Problem) -> UserError:
    """Return the refusal of a certificate object whose file has a problem."""
    key, leaf = _REFUSALS[problem]
    return _refusal(key, certificate_path(name), leaf, file=_text(tree, name, "fileName"))


def _file_kind(word: str) -> Literal["local", "remote"] | None:
    """Return the type of a certificate that comes from a file, None for one whose key was made on the box."""
    return "local" if word == "local" else "remote" if word == "remote" else None


def _missing(path: tuple[str, ...], leaf: str) -> UserError:
    text = message("certificate.not_configured", path=format_path(path), leaf=leaf)
    return UserError(text, path=(*path, leaf), tag="missing-element")


def _refusal(key: str, path: tuple[str, ...], leaf: str, **fields: str) -> UserError:
    return UserError(message(f"certificate.{key}", path=format_path(path), **fields), path=(*path, leaf))


def _refuse_expired(path: tuple[str, ...], certificate: Certificate, now: Instant) -> None:
    if certificate.expired(now.calendar):
        ended = to_datetime(certificate.not_after).strftime("%Y-%m-%d %H:%M:%S")
        raise _refusal("expired", path, "state", time=ended)


def _touched(proposal: Proposal) -> dict[str, frozenset[str]]:
    """Certificate names that a proposal touches, with the leaves it changes, in path order."""
    names: dict[str, set[str]] = {}
    for change in proposal.changes:
        if change.path[:4] == LIST and len(change.path) > 4:
            names.setdefault(change.path[4], set()).update(change.path[5:6])
    return {name: frozenset(names[name]) for name in sorted(names)}


def _text(tree: Tree, name: str, leaf: str) -> str:
    value = tree.value((*certificate_path(name), leaf))
    return "" if value is None else str(value)


def _enabled(tree: Tree, name: str) -> bool:
    return tree.value((*certificate_path(name), "state")) == "enabled"
