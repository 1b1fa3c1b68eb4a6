"""ocspProfile: whom to ask about a certificate, and for how long to wait (sbc-model, TLS and OCSP profiles)."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.config.tree import Tree
from sbcsim.pki import ocsp
from sbcsim.pki.credential import Certificate

LIST = ("profiles", "security", "ocspProfile")


@dataclass(frozen=True, slots=True)
class OcspProfile:
    """An enabled ocspProfile as it stands at one moment."""

    name: str
    default_responder: str
    overrides: bool
    wait_seconds: int

    def responder(self, certificate: Certificate) -> str:
        """Return the URL to ask at, "" where nobody can be asked.

        That is the default responder where it overrides what certificates say themselves or they say nothing.
        """
        if self.overrides:
            return self.default_responder
        return ocsp.responder(certificate) or self.default_responder


def read_ocsp_profile(tree: Tree, name: str) -> OcspProfile | None:
    """Return an ocspProfile of the configuration, None for no name and for one that is disabled."""
    path = (*LIST, name)
    if not name or tree.value((*path, "state")) != "enabled":
        return None
    wait = tree.value((*path, "responseWaitTime"))
    assert isinstance(wait, int)
    return OcspProfile(
        name,
        str(tree.get((*path, "defaultResponder")) or ""),
        tree.value((*path, "aiaOverride")) == "enabled",
        wait,
    )
