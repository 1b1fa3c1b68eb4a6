"""Rules about certificates and the profiles that name them."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.objects import enabled
from sbcsim.errors import UserError
from sbcsim.schema.node import Path, SchemaPath

from .registry import Stage, paths, rule
from .review import Review, first, refuse, required, switched_off

CERTIFICATE: SchemaPath = ("system", "security", "pki", "certificate")
TLS_PROFILE: SchemaPath = ("profiles", "security", "tlsProfile")
DEFAULT_TLS_PROFILE = "defaultTlsProfile"


@rule(Stage.REQUIRED, "not_configured", at=paths(CERTIFICATE))
def enabled_certificates_are_complete(review: Review, certificate: Path) -> Iterator[UserError]:
    """While it is enabled it has a type, and a fileName unless its key was made on the box."""
    if not enabled(review.new, certificate):
        return
    yield from required(review, certificate, "type")
    if review.new.value((*certificate, "type")) in {"local", "remote"}:
        yield from required(review, certificate, "fileName")


@rule(Stage.STATE, "certificate_in_use", at=paths(CERTIFICATE))
def certificates_in_use_stay_enabled(review: Review, certificate: Path) -> Iterator[UserError]:
    """While a profile names it, it is not disabled."""
    referrers = review.after.indexes.referrers.at(certificate)
    if referrers and switched_off(review, certificate):
        referrer = first(review, referrers)
        yield refuse("certificate_in_use", (*certificate, "state"), value="disabled", referrer=referrer)


@rule(
    Stage.STATE,
    "certificate_not_local",
    "certificate_not_enabled",
    at=paths((*TLS_PROFILE, "clientCertName"), (*TLS_PROFILE, "serverCertName")),
)
def profiles_name_enabled_local_certificates(review: Review, leaf: Path) -> Iterator[UserError]:
    """The certificate is of type local or local-internal, and enabled."""
    name = review.new.get(leaf)
    if name is None:
        return
    certificate = (*CERTIFICATE, str(name))
    if review.new.value((*certificate, "type")) not in {"local", "local-internal"}:
        yield refuse("certificate_not_local", leaf, value=name)
    elif not enabled(review.new, certificate):
        yield refuse("certificate_not_enabled", leaf, value=name)


@rule(Stage.STATE, "default_profile", at=paths(TLS_PROFILE))
def the_default_profile_stays(review: Review, profile: Path) -> Iterator[UserError]:
    """The profile `defaultTlsProfile`, of ports that name no other, is not deleted."""
    if profile[-1] == DEFAULT_TLS_PROFILE and not review.new.exists(profile):
        yield refuse("default_profile", profile)
