"""The start of a scenario: clock, authorities, certificates, peers, configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from .part import Lines, Name, Part, Text, Texts


class AuthoritySpec(Part):
    """A certificate authority; its certificate is the file `file`, in PEM."""

    subject: str = ""
    """Common name or RFC 4514 subject; the name in the file unless given."""
    signed_by: Name | None = None
    """The authority above it, for one in the middle."""
    not_before: Text = "-365d"
    not_after: Text = "+3650d"
    file: Name | None = None
    """The file that holds it; the name in lower case with .pem unless given."""
    placed: bool = True
    """Whether the file lies on the box from the start."""


class CertificateSpec(Part):
    """An end certificate with its key, in a PKCS#12 file."""

    signed_by: Name
    subject: str = "sbc.example.com"
    sans: Texts | None = None
    """Host names, addresses and SIP URIs; the common name unless given."""
    not_before: Text = "-30d"
    not_after: Text = "+365d"
    renews: Name | None = None
    """The certificate whose subject, names and key it takes over."""
    new_key: bool = False
    """Whether a renewal has a key of its own."""
    key_of: Name | None = None
    """Put the key of another certificate into the file: the mistake of a mixed-up key."""
    key_type: Literal["rsa", "ec"] = "rsa"
    file: Name | None = None
    """The file that holds it; the name in lower case with .p12 unless given."""
    pass_phrase: Text = "scenario-pass-phrase"  # noqa: S105 - protects nothing but a play
    placed: bool = False
    """Whether the file lies on the box from the start; otherwise a step brings it."""


class PeerSpec(Part):
    """A SIP peer at a simulated address, with a certificate of its own."""

    address: str = "192.0.2.10"
    port: int = Field(default=5061, ge=1, le=65535)
    listens: bool = True
    """Whether the box can dial it."""
    signed_by: Name | None = None
    """The authority of its certificate; the first of the scenario unless given."""
    subject: str = ""
    """The name in the file, with .example.com, unless given."""
    not_before: Text = "-30d"
    not_after: Text = "+3600d"
    trusts: Texts | None = None
    """The authorities that it trusts; all of the scenario unless given."""
    names: Texts = ()
    """Host names, addresses or SIP URIs of which the certificate of the box has to carry one."""
    resumes: bool = False
    """Whether it takes up its last TLS session again where it dials, as the box lets it."""


class Given(Part):
    """The start: clock, authorities, certificates, peers, configuration."""

    clock: Text = "2026-01-01T00:00:00Z"
    seed: int | None = None
    """The seed of the box, unless the one who runs the scenario gives one."""
    ha: Literal["none", "1to1", "cloud"] = "none"
    settings: Mapping[str, Text] = Field(default_factory=dict)
    """Choices as `sbcsim run --setting` takes them."""
    users: Mapping[str, Text] = Field(default_factory=dict)
    """Users with their passwords, instead of admin with password admin."""
    authorities: Mapping[Name, AuthoritySpec] = Field(default_factory=dict)
    certificates: Mapping[Name, CertificateSpec] = Field(default_factory=dict)
    peers: Mapping[Name, PeerSpec] = Field(default_factory=dict)
    configuration: Lines = ()
    """Lines as `show configuration | display set` prints them."""
