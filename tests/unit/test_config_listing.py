"""Entries of a list: order, blocks, and what begins with a few letters, beside a plain dictionary."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.config.listing import BLOCK, NOBODY, Key, Listing, key_order, shared_beginning

PARTS = st.one_of(
    st.text(alphabet="ab1", max_size=4),
    st.integers(0, 3000).map(str),
    st.sampled_from(
        ["0", "00", "007", "07", "7", "70", "٣", "3", "\U0010ffff", "a\U0010ffffb", "10.0.0.1", "9" * 4001]
    ),
)
ENTRIES = st.integers(1, 3).flatmap(lambda size: st.lists(st.tuples(*[PARTS] * size), max_size=60))


def in_order(keys: list[Key]) -> list[Key]:
    """Sort as the box does: part by part, numbers first and by size."""

    def part(text: str) -> tuple[int, int, str]:
        return (0, int(text), text) if text.isdecimal() and len(text) <= 4000 else (1, 0, text)

    return sorted(set(keys), key=lambda key: [part(each) for each in key])


def listing(keys: list[Key]) -> Listing:
    made = NOBODY
    for number, key in enumerate(keys):
        made = made.set(key, number)
    return made


@given(ENTRIES, st.data())
def test_keys_come_in_order_whatever_was_set_and_deleted(keys: list[Key], data: st.DataObject) -> None:
    made = listing(keys)
    gone = data.draw(st.lists(st.sampled_from(keys), unique=True) if keys else st.just([]))
    after = made
    for key in gone:
        after = after.delete(key)
    assert list(made) == in_order(keys)
    assert list(after) == in_order([key for key in keys if key not in gone])
    assert len(after) == len(list(after))
    assert after == Listing((key, made[key]) for key in after)
    assert list(Listing((key, 0) for key in keys)) == in_order(keys)


@given(ENTRIES, st.data())
def test_values_are_those_that_begin_with_a_text(keys: list[Key], data: st.DataObject) -> None:
    made = listing(keys)
    size = len(keys[0]) if keys else 1
    at = data.draw(st.integers(0, size - 1))
    before = data.draw(st.sampled_from(keys))[:at] if keys else ("a",) * at
    text = data.draw(st.one_of(PARTS, st.just("")))
    wanted = [key[at] for key in in_order(keys) if key[:at] == before and key[at].startswith(text)]
    assert list(made.values(before, text)) == list(dict.fromkeys(wanted))
    if wanted:
        shared = made.common_beginning(before, text)
        assert len(shared) >= len(text)
        assert shared == shared_beginning(wanted)
    else:
        assert made.common_beginning(before, text) == ""


def test_an_entry_that_is_set_again_keeps_its_place() -> None:
    made = listing([("b",), ("a",)])
    assert dict(zip(made, map(made.get, made), strict=True)) == {("a",): 1, ("b",): 0}
    again = made.set(("b",), 7)
    assert list(again) == [("a",), ("b",)]
    assert again[("b",)] == 7
    assert made[("b",)] == 0


class Watched(tuple):  # noqa: SLOT001 - a tuple that counts
    """A block that counts what is read of it."""

    read = 0

    def __getitem__(self, index):
        Watched.read += 1
        return super().__getitem__(index)


@pytest.mark.parametrize("text", ["", "P", "P4", "P49", "PEER", "4", "49"])
@pytest.mark.parametrize("name", ["P{}", "{}", "PEER{:06}"])
def test_a_page_of_a_long_list_costs_no_more_than_a_page(name: str, text: str) -> None:
    made = Listing((((name.format(number)),), None) for number in range(20_000))
    made._blocks = tuple(map(Watched, made._blocks))
    Watched.read = 0
    list(islice(made.values((), text), 101))
    made.common_beginning((), text)
    assert Watched.read < 1500


def test_an_edit_copies_one_block() -> None:
    made = Listing(((f"P{number}",), None) for number in range(20_000))
    after = made.set(("P77x",), None).delete(("P5",))
    shared = set(map(id, made._blocks)) & set(map(id, after._blocks))
    assert len(made._blocks) - len(shared) <= 2
    assert max(map(len, listing([(str(number),) for number in range(1000)])._blocks)) <= BLOCK


def test_numbers_stand_before_names() -> None:
    assert sorted([("10",), ("9",), ("a",), ("007",)], key=key_order) == [("007",), ("9",), ("10",), ("a",)]
