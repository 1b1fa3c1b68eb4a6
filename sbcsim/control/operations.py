"""The operations of the control API: one table that the HTTP server serves and the OpenAPI document describes.

Each operation is a plain function of the simulator and the request's arguments. Nothing here knows HTTP beyond the
method, the path and the status of a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable

from .doings import DOINGS
from .operation import Operation
from .readings import READINGS

OPERATIONS = (*READINGS, *DOINGS)

METRICS_PATH = "/metrics"
STREAM_PATH = "/v1/journal/stream"
RECORDING_PATH = "/v1/journal/recording"
OPENAPI_PATH = "/v1/openapi.json"


def paths(operations: Iterable[Operation] = OPERATIONS) -> dict[str, dict[str, Operation]]:
    """Return the operations by path, then by method."""
    found: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        found.setdefault(operation.path, {})[operation.method] = operation
    return found
