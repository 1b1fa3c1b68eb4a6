"""The page of the MIB: its notifications, and the module as it is."""

from __future__ import annotations

import re
from pathlib import Path

from .table import table

_HEAD = """\
# MIB

What a trap receiver needs in order to show names instead of numbers: the module as it is in
`grammar/mib/SBCSIM-MIB.txt`.

Made by `make docs` from it.
"""

_NOTIFICATION = re.compile(r"^(\w+) NOTIFICATION-TYPE.*?DESCRIPTION\s+\"(.*?)\"", re.MULTILINE | re.DOTALL)


def page(root: Path) -> str:
    """Return the page."""
    module = (root / "grammar" / "mib" / "SBCSIM-MIB.txt").read_text(encoding="utf-8")
    rows = ((f"`{name}`", " ".join(text.split())) for name, text in _NOTIFICATION.findall(module))
    lines = [_HEAD.rstrip("\n"), *table(("notification", "meaning"), rows), "", "```text", module.rstrip("\n"), "```"]
    return "\n".join(lines) + "\n"
