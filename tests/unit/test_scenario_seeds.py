"""Seeds as a command line names them."""

from __future__ import annotations

import pytest

from sbcsim.errors import UserError
from sbcsim.scenario.seeds import seeds


@pytest.mark.parametrize(
    ("text", "named"),
    [("7", (7,)), ("1..4", (1, 2, 3, 4)), ("5, 1..3,2", (5, 1, 2, 3)), ("0..0", (0,)), ("9,9", (9,))],
)
def test_seeds_are_numbers_and_ranges(text: str, named: tuple[int, ...]) -> None:
    assert seeds(text) == named


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' names no seeds"), ("a", "'a' names no seeds"), ("1,,2", "'1,,2' names no seeds"),
        ("1-4", "'1-4' names no seeds"), ("-1", "'-1' names no seeds"), ("4..1", "4..1 is empty: 1 is less than 4"),
        ("1..1000000", "1..1000000 names more than 100000 seeds"), ("1..50000,100000..170000", "names more than"),
    ],
)  # fmt: skip
def test_what_names_no_seeds_is_told(text: str, told: str) -> None:
    with pytest.raises(UserError) as raised:
        seeds(text)
    assert told in raised.value.text
