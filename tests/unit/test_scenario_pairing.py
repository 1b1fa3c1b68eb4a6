"""Things and wishes paired one to one: nothing is called missing that another pairing would have found."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from sbcsim.scenario.pairing import pair

WISHES = st.lists(st.tuples(st.integers(1, 2), st.sets(st.sampled_from("abc"))), max_size=3)


def test_a_thing_goes_where_no_other_would_do() -> None:
    wishes = [{"old"}, {"inbound"}]
    things = [{"old", "inbound"}, {"old", "outbound"}]
    assert pair([1, 1], things, lambda thing, number: wishes[number] <= thing) == ([0, 0], [])


def test_what_is_missing_and_what_is_left_are_told() -> None:
    assert pair([2, 1], ["a", "c"], lambda thing, number: thing == "ab"[number]) == ([1, 1], ["c"])


@given(WISHES, st.lists(st.sets(st.sampled_from("abc")), max_size=5))
def test_as_much_as_possible_is_there(wishes: list[tuple[int, set[str]]], things: list[set[str]]) -> None:
    slots = [wish for count, wish in wishes for _ in range(count)]
    padded = [*things, *[None] * (len(slots) - len(things))]
    most = max(
        sum(thing is not None and wish <= thing for wish, thing in zip(slots, order, strict=True))
        for order in permutations(padded, len(slots))
    )
    without, left = pair([count for count, _ in wishes], things, lambda thing, number: wishes[number][1] <= thing)
    assert len(slots) - sum(without) == most
    assert len(left) == len(things) - most
