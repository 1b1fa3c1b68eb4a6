"""Rules about certificates and the profiles that name them."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.errors import UserError
from sbcsim.schema.node import Path, SchemaPath

from .review import Review, Stage, enabled, first, guards, refuse, required, switched_off

CERTIFICATE: SchemaPath = ("system", "security", "pki", "certificate")
TLS_PROFILE: SchemaPath = ("profiles", "security", "tlsProfile")
DEFAULT_TLS_PROFILE = "defaultTlsProfile"


@guards(Stage.REQUIRED, CERTIFICATE)
def _enabled_certificate_is_complete(review: Review, certificate: Path) -> Iterator[UserError]:
    if not enabled(review.new, certificate):
        return
    yield from required(review, certificate, "type")
    if review.new.value((*certificate, "type")) in {"local", "remote"}:
        yield from required(review, certificate, "fileName")


@guards(Stage.STATE, CERTIFICATE)
def _certificate_in_use_stays_enabled(review: Review, certificate: Path) -> Iterator[UserError]:
    referrers = review.after.indexes.referrers.at(certificate)
    if referrers and switched_off(review, certificate):
        referrer = first(review, referrers)
        yield refuse("certificate_in_use", (*certificate, "state"), value="disabled", referrer=referrer)


@guards(Stage.STATE, (*TLS_PROFILE, "clientCertName"), (*TLS_PROFILE, "serverCertName"))
def _profile_names_an_enabled_local_certificate(review: Review, leaf: Path) -> Iterator[UserError]:
    name = review.new.get(leaf)
    if name is None:
        return
    certificate = (*CERTIFICATE, str(name))
    if review.new.value((*certificate, "type")) not in {"local", "local-internal"}:
        yield refuse("certificate_not_local", leaf, value=name)
    elif not enabled(review.new, certificate):
        yield refuse("certificate_not_enabled", leaf, value=name)


@guards(Stage.STATE, TLS_PROFILE)
def _default_profile_stays(review: Review, profile: Path) -> Iterator[UserError]:
    if profile[-1] == DEFAULT_TLS_PROFILE and not review.new.exists(profile):
        yield refuse("default_profile", profile)
