"""Query parameters of the control API: declared once, read and documented from the same declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .problems import ControlError

NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
"""The JSON schema of numbers in queries and paths: as many digits as are read."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter. `choices` limits its values; `repeatable` lets it stand several times (any of them)."""

    name: str
    description: str
    integer: bool = False
    choices: tuple[str, ...] = ()
    repeatable: bool = True

    def schema(self) -> dict[str, object]:
        """Return the JSON schema of the value."""
        item: dict[str, object] = {**NUMBER} if self.integer else {"type": "string"}
        if self.choices:
            item["enum"] = list(self.choices)
        return {"type": "array", "items": item} if self.repeatable else item

    def read(self, text: str) -> str | int:
        """Return the value of one occurrence; raises ControlError with status 400."""
        if self.integer:
            if not (text.isascii() and text.isdecimal() and len(text) <= 18):
                raise ControlError(400, f'{self.name}: "{text}" is not a whole number')
            return int(text)
        if self.choices and text not in self.choices:
            raise ControlError(400, f'{self.name}: "{text}" is not one of {", ".join(self.choices)}')
        return text


class Query:
    """The query of one request, checked against the parameters that its operation declares."""

    def __init__(self, parameters: Iterable[Parameter], pairs: Iterable[tuple[str, str]]) -> None:
        """Read the pairs of a query string; raises ControlError with status 400 for anything not declared."""
        declared: Mapping[str, Parameter] = {parameter.name: parameter for parameter in parameters}
        self._values: dict[str, list[str | int]] = {}
        for name, text in pairs:
            parameter = declared.get(name)
            if parameter is None:
                known = f"; known: {', '.join(declared)}" if declared else ""
                raise ControlError(400, f'unknown query parameter "{name}"{known}')
            values = self._values.setdefault(name, [])
            if values and not parameter.repeatable:
                raise ControlError(400, f"{name} stands twice")
            texts = text.split(",") if parameter.repeatable else [text]
            values.extend(parameter.read(each) for each in texts)

    def all(self, name: str) -> frozenset[str | int]:
        """Return every value of a parameter, empty if it does not stand."""
        return frozenset(self._values.get(name, ()))

    def number(self, name: str) -> int | None:
        """Return the value of an integer parameter, None if it does not stand."""
        values = self._values.get(name)
        return int(values[0]) if values else None

    def texts(self, name: str) -> frozenset[str]:
        """Return every value of a parameter as text."""
        return frozenset(str(value) for value in self._values.get(name, ()))
