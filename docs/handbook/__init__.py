"""The pages that are made from the sources: what the box knows, and how sure that is.

`make docs` writes them; a test fails where one of them is not what would be written now.
"""

from __future__ import annotations

from pathlib import Path

from . import faultpage, fidelity, reference

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    made = {DOCS / "fidelity.md": fidelity.page(ROOT), DOCS / "faults.md": faultpage.page()}
    for name, text in reference.pages().items():
        made[DOCS / "reference" / name] = text
    return made
