"""How long random tests go on: as long as every run can afford, or longer with a profile.

`pytest --hypothesis-profile=long --timeout=0 tests/fuzz` looks deeper.
"""

from __future__ import annotations

from hypothesis import settings

_LONGER = 30


def examples(count: int) -> int:
    """Return how many examples to draw where `count` are usual."""
    return count * _LONGER if settings.get_current_profile_name() == "long" else count
