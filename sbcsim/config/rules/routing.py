"""Rules about call routing."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.errors import UserError
from sbcsim.schema.node import Path

from .review import Review, Stage, guards, required


@guards(Stage.REQUIRED, ("global", "callRouting", "routingLabel", "routingLabelRoute"))
def _route_leads_where_its_type_says(review: Review, route: Path) -> Iterator[UserError]:
    if not review.new.exists(route):
        return
    kind = review.new.value((*route, "routeType"))
    if kind is not None:
        # The types are named like the leaves that say which trunk group or peer.
        yield from required(review, route, str(kind))
