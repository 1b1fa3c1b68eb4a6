"""Rules about call routing."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.errors import UserError
from sbcsim.schema.node import Path

from .registry import Stage, paths, rule
from .review import Review, required


@rule(Stage.REQUIRED, "not_configured", at=paths(("global", "callRouting", "routingLabel", "routingLabelRoute")))
def routes_lead_where_their_type_says(review: Review, route: Path) -> Iterator[UserError]:
    """It names what its routeType says, a trunkGroup or an ipPeer."""
    if not review.new.exists(route):
        return
    kind = review.new.value((*route, "routeType"))
    if kind is not None:
        # The types are named like the leaves that say which trunk group or peer.
        yield from required(review, route, str(kind))
