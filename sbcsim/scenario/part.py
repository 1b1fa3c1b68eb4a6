"""What every part of a scenario file is made of.

Every model refuses names that it does not know. The names are those of the control API and of the box itself; times
are RFC 3339 or distances from the start such as +60d, durations such as 31d or 1h30m.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sbcsim.journal import camel


def _as_lines(value: object) -> object:
    """A text is as good as the list of its lines; blank lines and those that begin with # say nothing."""
    if not isinstance(value, str):
        return value
    return [line.strip() for line in value.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# `json_schema_input_type` is what a file may hold there, for editors.
Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]
Lines = Annotated[tuple[Text, ...], BeforeValidator(_as_lines, json_schema_input_type=str | list[str | int])]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list, json_schema_input_type=str | int | list[str | int])]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Fields = Mapping[str, Any]
"""What the fields of an event are to be: `localCertificate.name: NEW`, `alertSent: {above: 0}`."""


class Part(BaseModel):
    """A part of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=camel, validate_by_name=True)
