"""What is asked of the control API in the body of a request: the types, and what their schemas say beyond those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sbcsim.clock import FASTEST
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.faults import LONGEST

from .models import ANSWER

_REQUEST = {**ANSWER, "extra": "forbid", "strict": True}
_DURATION = {"pattern": r"^([0-9]{1,6}(\.[0-9]{1,6})?(us|ms|s|m|h|d|w)){1,3}$"}
_NAME = {"minLength": 1, "maxLength": 64, "pattern": "^[^/]+$"}


def _request(properties: Mapping[str, Mapping[str, object]], **more: object) -> dict[str, object]:
    """Return how a request is read, with what its schema says beyond the types of its properties."""

    def tell(schema: dict[str, Any]) -> None:
        schema.update(more)
        for name, facts in properties.items():
            told = schema["properties"][name]
            told.update(facts)
            told.get("anyOf", [{}])[0].update(facts)
            if "anyOf" in told:
                for fact in facts:
                    del told[fact]

    return {**_REQUEST, "json_schema_extra": tell}


@dataclass(frozen=True, slots=True)
class AdvanceRequest:
    """How far to move the clock: exactly one of the two."""

    __pydantic_config__ = _request(
        {"by": _DURATION, "to": {"format": "date-time"}},
        oneOf=[
            {"required": [one], "properties": {one: {"type": "string"}, other: {"type": "null"}}}
            for one, other in (("by", "to"), ("to", "by"))
        ],
    )

    by: str | None = None
    """A duration such as 31d, 1h30m or 90s."""
    to: str | None = None
    """An RFC 3339 time such as 2026-03-01T00:00:00Z."""


@dataclass(frozen=True, slots=True)
class RateRequest:
    """How fast time flows from now on."""

    __pydantic_config__ = _request({"rate": {"minimum": 0, "maximum": FASTEST}})

    rate: float
    """Simulated seconds for each host second; 0 stands still."""


@dataclass(frozen=True, slots=True)
class FaultRequest:
    """What shall go wrong, where and when."""

    __pydantic_config__ = _request(
        {
            "point": {"enum": list(POINTS)},
            "match": {"maxLength": LONGEST},
            "nth": {"minimum": 1},
            "gap": {"minimum": 0},
            "times": {"minimum": 1},
            "probability": {"minimum": 0, "maximum": 1},
            "period": _DURATION,
            "value": {"maxLength": LONGEST},
        }
    )

    point: str
    match: str = "*"
    """Subjects that are hit; * and ? stand for any."""
    nth: int = 1
    """It fires from this meeting on."""
    times: int | None = None
    """How often it fires, without end where it is null."""
    probability: float = 1.0
    period: str = "0s"
    """It fires at most once in this duration of simulated time, e.g. 10m."""
    value: str = ""
    gap: int = 0
    """How many meetings it lets pass behind each firing."""


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """Under which name to keep what the node is now."""

    __pydantic_config__ = _request({"name": _NAME})

    name: str = "snapshot"
