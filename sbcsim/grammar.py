"""The data folder `grammar/`: the YANG modules, the CLI grammar, the start configuration and the box's texts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .errors import BugError


@cache
def directory() -> Path:
    """Return the data folder: `sbcsim/_grammar` in an installed wheel, `grammar/` beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_grammar", package.parent / "grammar"):
        if folder.is_dir():
            return folder
    raise BugError(f"no grammar folder beside {package}")


def read_text(name: str) -> str:
    """Return the text of one file of the data folder, such as `factory.cli`."""
    return (directory() / name).read_text(encoding="utf-8")


def message(key: str, **fields: object) -> str:
    """Return a text that the box prints, by its key in `messages.toml` ("value.range"), with its fields filled in."""
    try:
        template = _messages()[key]
    except KeyError:
        raise BugError(f"messages.toml has no text {key!r}") from None
    return template.format(**fields) if fields else template


@cache
def _messages() -> dict[str, str]:
    catalogue = tomllib.loads(read_text("messages.toml"))
    del catalogue["certainty"]  # what is known of the texts, not one of them
    return dict(_flatten("", catalogue))


def _flatten(prefix: str, table: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(f"{prefix}{name}.", value)
        else:
            yield prefix + name, str(value)
