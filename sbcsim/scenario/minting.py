"""The authorities and certificates of a scenario, made anew for each run, and the files that they lie in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

from sbcsim.errors import UserError
from sbcsim.pki.credential import Certificate
from sbcsim.pki.keys import SigningKey, key_of_pool, new_key
from sbcsim.pki.mint import Authority, Issued

from .given import AuthoritySpec, CertificateSpec, Given, PeerSpec
from .moments import moment

FIRST_SERIAL = 0x1000
"""Serial numbers of one scenario count from here, each used once whoever signs."""

_Made = TypeVar("_Made")


class Mint:
    """What a scenario says exists: authorities and certificates by their names in the file, and files by theirs."""

    def __init__(self, given: Given, start: int) -> None:
        """Make everything; raises UserError where something cannot be, or is needed before it is there."""
        self._given = given
        self._start = start
        self._serials = count(FIRST_SERIAL)
        self._turns = count()
        self._under_way: list[str] = []
        self.authorities: dict[str, Authority] = {}
        self.certificates: dict[str, Issued] = {}
        self.files: dict[str, bytes] = {}
        self.placed: dict[str, bytes] = {}
        """The files that lie on the box from the start."""
        for name, authority in given.authorities.items():
            self.authority(name)
            self._file(authority.file or f"{name.lower()}.pem", self._pem(name), placed=authority.placed)
        for name, certificate in given.certificates.items():
            content = self._pkcs12(name, certificate)
            self._file(self.file_of(name), content, placed=certificate.placed)
        self._names = {issued.certificate.der: name for name, issued in self.certificates.items()}

    def name(self, certificate: Certificate) -> str:
        """Return the name in the scenario of a certificate that was shown, its subject for a stranger's."""
        return self._names.get(certificate.der, certificate.subject)

    def authority(self, name: str) -> Authority:
        """Return an authority by its name in the scenario."""
        return self._once(self.authorities, name, self._new_authority)

    def certificate(self, name: str) -> Issued:
        """Return a certificate by its name in the scenario."""
        return self._once(self.certificates, name, self._new_certificate)

    def peer(self, name: str, spec: PeerSpec) -> Issued:
        """Return a certificate for a peer; raises UserError where there cannot be one."""
        signer = self.authority(spec.signed_by or next(iter(self._given.authorities)))
        with _making(name):
            return signer.issue(
                spec.subject or f"{name.lower()}.example.com",
                not_before=self._moment(spec.not_before),
                not_after=self._moment(spec.not_after),
                key=self._key(),
                serial=next(self._serials),
            )

    def file_of(self, name: str) -> str:
        """Return the name of the file that holds a certificate."""
        return self._given.certificates[name].file or f"{name.lower()}.p12"

    def _key(self) -> SigningKey:
        """Return the next RSA key: in every play the same at the same turn, so that its files are the same, too."""
        return key_of_pool(next(self._turns))

    def _once(self, made: dict[str, _Made], name: str, make: Callable[[str], _Made]) -> _Made:
        if name not in made:
            if name in self._under_way:
                raise UserError(f"{' needs '.join([*self._under_way, name])}: that is a circle")
            self._under_way.append(name)
            with _making(name):
                made[name] = make(name)
            self._under_way.pop()
        return made[name]

    def _new_authority(self, name: str) -> Authority:
        spec: AuthoritySpec = self._given.authorities[name]
        return Authority(
            spec.subject or name,
            not_before=self._moment(spec.not_before),
            not_after=self._moment(spec.not_after),
            issuer=None if spec.signed_by is None else self.authority(spec.signed_by),
            key_type="rsa",
            key=self._key(),
        )

    def _new_certificate(self, name: str) -> Issued:
        spec: CertificateSpec = self._given.certificates[name]
        signer = self.authority(spec.signed_by)
        not_before, not_after = self._moment(spec.not_before), self._moment(spec.not_after)
        serial = next(self._serials)
        key = new_key("ec") if spec.key_type == "ec" else self._key()
        if spec.renews is not None:
            old = self.certificate(spec.renews)
            return signer.renew(
                old, not_before=not_before, not_after=not_after, key=key if spec.new_key else None, serial=serial
            )
        return signer.issue(
            spec.subject, not_before=not_before, not_after=not_after, sans=spec.sans, key=key, serial=serial
        )

    def _pkcs12(self, name: str, spec: CertificateSpec) -> bytes:
        issued = self.certificate(name)
        if spec.key_of is not None:
            issued = dataclasses.replace(issued, key=self.certificate(spec.key_of).key)
        return issued.pkcs12(spec.pass_phrase)

    def _pem(self, name: str) -> bytes:
        return self.authorities[name].certificate.pem().encode()

    def _file(self, name: str, content: bytes, *, placed: bool) -> None:
        if name in self.files:
            raise UserError(f'two files are called "{name}"')
        self.files[name] = content
        if placed:
            self.placed[name] = content

    def _moment(self, text: str) -> int:
        return moment(text, self._start)


@contextmanager
def _making(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UserError(f"{name} cannot be made: {error}") from None
