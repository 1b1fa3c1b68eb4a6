"""A scenario as it travels: the texts of its file and of all that it includes, under the names that they have here.

Wherever it is opened, the same scenario comes out, and mistakes are told with the places that the sender knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sbcsim.errors import ScenarioError

from .loader import from_disk, load


@dataclass(frozen=True, slots=True)
class Parcel:
    """The file of a scenario, and the texts of all files that belong to it by their paths at the sender."""

    file: Path
    texts: Mapping[str, str] = field(repr=False)

    def read(self, file: Path) -> str:
        """Return the text of a file of the sender; raises ScenarioError where it was not packed."""
        if str(file) not in self.texts:
            raise ScenarioError("no such file", file=str(file))
        return self.texts[str(file)]


def packed(file: Path) -> Parcel:
    """Pack the scenario of a file; raises ScenarioError for the first mistake in it."""
    texts: dict[str, str] = {}

    def read(each: Path) -> str:
        texts[str(each)] = from_disk(each)
        return texts[str(each)]

    load(file, read)
    return Parcel(file, texts)
