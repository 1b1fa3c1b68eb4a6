"""The pages that are made from the sources: what the box knows, and how sure that is.

`make docs` writes them; a test fails where one of them is not what would be written now.
"""

from __future__ import annotations

from pathlib import Path

from . import commandpage, controlpage, faultpage, fidelity, journalpage, mibpage, pythonpage, reference

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    made = {DOCS / "fidelity.md": fidelity.page(ROOT), DOCS / "faults.md": faultpage.page()}
    inside = {
        "command-line.md": commandpage.page(),
        "control-api.md": controlpage.page(),
        "journal.md": journalpage.page(),
        "mib.md": mibpage.page(ROOT),
        "python.md": pythonpage.page(),
    }
    for name, text in (reference.pages() | inside).items():
        made[DOCS / "reference" / name] = text
    return made
