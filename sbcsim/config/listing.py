"""The entries of a list by key, as an immutable map that keeps its keys in the order of `show`.

So a list of any length is walked without sorting it first, and what begins with a few letters is found where it stands
in the order instead of among all. The order is kept in blocks: an edit copies one of them and the list of blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import Any

from immutables import Map

Key = tuple[str, ...]
"""The key values of one list entry, in canonical text."""

Order = tuple[Any, ...]
"""What keys are compared by: for each part 0, the number, the text; for one that is no number 1, 0, the text."""

Blocks = tuple[tuple[Order, ...], ...]

BLOCK = 128
"""The most keys in a block; one that would get more is cut in two."""

_NUMBER, _NAME, _BEHIND = 0, 1, 2
_PART = 3  # items of an order for each part of a key
_LAST_CHARACTER = "\U0010ffff"
_LONGEST_NUMBER = 4000  # digits; Python refuses to read some hundred more

_last = itemgetter(-1)


def key_order(key: Key) -> Order:
    """Return a sort key for the keys of a list: numbers first and by size, then names."""
    order: list[Any] = []
    for part in key:
        order += (_NUMBER, int(part), part) if is_number(part) else (_NAME, 0, part)
    return tuple(order)


def shared_beginning(texts: Collection[str]) -> str:
    """Return the longest beginning that all of some texts share, "" where there are none."""
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same]


def is_number(part: str) -> bool:
    """Whether a part of a key counts as a number."""
    return part.isdecimal() and len(part) <= _LONGEST_NUMBER


class Listing:
    """Entries by key. Reads like a mapping whose keys come in order; `set` and `delete` return another listing."""

    __slots__ = ("_blocks", "_map")

    def __init__(self, entries: Iterable[tuple[Key, Any]] = ()) -> None:
        self._map: Map[Key, Any] = Map(entries)
        orders = sorted(map(key_order, self._map))
        half = BLOCK // 2
        self._blocks: Blocks = tuple(tuple(orders[at : at + half]) for at in range(0, len(orders), half))

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[Key]:
        return (order[2::_PART] for order in chain.from_iterable(self._blocks))

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __getitem__(self, key: Key) -> Any:  # noqa: ANN401 - the content of an entry
        return self._map[key]

    def __eq__(self, other: object) -> bool:
        return self._map == other._map if isinstance(other, Listing) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._map)

    def __repr__(self) -> str:
        return f"<Listing of {len(self)}>"

    def get(self, key: Key, default: Any = None) -> Any:  # noqa: ANN401 - the content of an entry
        """Return the content of an entry, `default` where it is not there."""
        return self._map.get(key, default)

    def set(self, key: Key, content: Any) -> Listing:  # noqa: ANN401 - the content of an entry
        """Return the listing with an entry."""
        blocks = self._blocks if key in self._map else _with(self._blocks, key_order(key))
        return _made(self._map.set(key, content), blocks)

    def delete(self, key: Key) -> Listing:
        """Return the listing without an entry that is there."""
        return _made(self._map.delete(key), _without(self._blocks, key_order(key)))

    def differing(self, other: Listing) -> list[Key]:
        """Return the keys, in order, whose contents are not the same object in both listings, or only in one of them.

        Made from one another by `set` and `delete`, two listings share what neither has touched.
        """
        if self is other:
            return []
        mine, others = self._map, other._map
        found = [key for key, content in mine.items() if others.get(key) is not content]
        shared = len(mine) - sum(key not in others for key in found)
        if len(others) > shared:
            found += [key for key in others if key not in mine]
        return sorted(found, key=key_order)

    def values(self, before: Key, text: str) -> Iterator[str]:
        """Yield the parts of keys that follow the parts `before` and begin with `text`: each once, in order.

        What is found costs, and what lies between; not what stands elsewhere in the list.
        """
        if text.isdecimal():
            yield from self._numbers(key_order(before), text)
            yield from self._names(key_order(before), text)
        elif text:
            yield from self._names(key_order(before), text)
        else:
            yield from self._between(key_order(before), (_NUMBER,), (_BEHIND,))

    def common_beginning(self, before: Key, text: str) -> str:
        """Return the longest beginning that all `values` have in common, "" where there are none."""
        start = key_order(before)
        high = (_NAME, 0, _behind(text)) if text else (_BEHIND,)
        found = [*self._ends(start, (_NAME, 0, text), high)]
        if not text or text.isdecimal():
            for number in self._numbers(start, text):
                found = [shared_beginning([*found, number])]
                if len(found[0]) <= len(text):
                    break
        return shared_beginning(found)

    def _names(self, start: Order, text: str) -> Iterator[str]:
        yield from self._between(start, (_NAME, 0, text), (_NAME, 0, _behind(text)))

    def _numbers(self, start: Order, text: str) -> Iterator[str]:
        """Yield the numbers that begin with digits: those of as many digits, of one more, and so on."""
        first = int(text) if is_number(text) else 0
        if not first:  # leading zeros alone say nothing of the size
            found: Iterable[str] = self._between(start, (_NUMBER,), (_NAME,))
        else:
            found = chain.from_iterable(
                self._between(start, (_NUMBER, low), (_NUMBER, low + width))
                for low, width in self._ranges(start, first)
            )
        yield from (number for number in found if number.startswith(text))

    def _ranges(self, start: Order, first: int) -> Iterator[tuple[int, int]]:
        """Yield the smallest number that begins with `first`, and how many follow it, for each number of digits."""
        last = self._before((*start, _NAME))
        largest = last[len(start) + 1] if last is not None and last[: len(start) + 1] == (*start, _NUMBER) else -1
        width = 1
        while first * width <= largest:
            yield first * width, width
            width *= 10

    def _between(self, start: Order, low: Order, high: Order) -> Iterator[str]:
        """Yield the parts behind `start` from `low` to before `high`, each once."""
        at = len(start)
        end = start + high
        block, place = self._find(start + low)
        while block < len(self._blocks):
            orders = self._blocks[block]
            while place < len(orders):
                order = orders[place]
                if order >= end:
                    return
                yield order[at + 2]
                if len(order) == at + _PART:
                    place += 1
                    continue
                # More parts follow: the next of this place stands behind all keys that share it.
                behind, place = self._find((*order[: at + _PART], _BEHIND))
                if behind != block:
                    block = behind - 1
                    break
            else:
                place = 0
            block += 1

    def _ends(self, start: Order, low: Order, high: Order) -> Iterator[str]:
        """Yield the first and the last part behind `start` from `low` to before `high`."""
        for first in self._between(start, low, high):
            yield first
            last = self._before(start + high)
            assert last is not None
            yield last[len(start) + 2]
            return

    def _find(self, bound: Order) -> tuple[int, int]:
        """Return the block and the place in it of the first key that is not before `bound`."""
        block = bisect_left(self._blocks, bound, key=_last)
        return block, bisect_left(self._blocks[block], bound) if block < len(self._blocks) else 0

    def _before(self, bound: Order) -> Order | None:
        """Return the last key before `bound`."""
        block, place = self._find(bound)
        if place:
            return self._blocks[block][place - 1]
        return self._blocks[block - 1][-1] if block else None


NOBODY = Listing()
"""A list without entries."""


def _made(entries: Map[Key, Any], blocks: Blocks) -> Listing:
    made = Listing.__new__(Listing)
    made._map, made._blocks = entries, blocks  # noqa: SLF001 - its own
    return made


def _with(blocks: Blocks, order: Order) -> Blocks:
    if not blocks:
        return ((order,),)
    at = min(bisect_left(blocks, order, key=_last), len(blocks) - 1)
    block = blocks[at]
    place = bisect_left(block, order)
    block = (*block[:place], order, *block[place:])
    if len(block) <= BLOCK:
        return (*blocks[:at], block, *blocks[at + 1 :])
    half = len(block) // 2
    return (*blocks[:at], block[:half], block[half:], *blocks[at + 1 :])


def _without(blocks: Blocks, order: Order) -> Blocks:
    at = bisect_left(blocks, order, key=_last)
    block = blocks[at]
    place = bisect_left(block, order)
    block = (*block[:place], *block[place + 1 :])
    return (*blocks[:at], block, *blocks[at + 1 :]) if block else (*blocks[:at], *blocks[at + 1 :])


def _behind(text: str) -> str:
    """Return the smallest text behind all that begin with `text`, which is not empty."""
    kept = text.rstrip(_LAST_CHARACTER)
    return f"{kept[:-1]}{chr(ord(kept[-1]) + 1)}" if kept else text + _LAST_CHARACTER
