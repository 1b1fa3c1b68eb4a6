"""Things and what is wanted of them, paired one to one so that as much as possible of what is wanted is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

_Thing = TypeVar("_Thing")


def pair(
    wanted: Sequence[int], things: Iterable[_Thing], fits: Callable[[_Thing, int], bool]
) -> tuple[list[int], list[_Thing]]:
    """Pair things with wishes, of which wish number n wants `wanted[n]` things that fit it.

    Returns how many things each wish goes without, and the things that nobody has. A thing that fits several wishes
    goes where no other would do: whoever takes the first that fits calls missing what is there.
    """
    alike: dict[tuple[int, ...], list[_Thing]] = {}
    for thing in things:
        alike.setdefault(tuple(wish for wish in range(len(wanted)) if fits(thing, wish)), []).append(thing)
    taken: Counter[tuple[int, tuple[int, ...]]] = Counter()
    free = {kind: len(here) for kind, here in alike.items()}

    def take(wish: int, asked: set[int]) -> bool:
        """Take one thing for a wish, from another wish that finds a thing elsewhere if need be."""
        asked.add(wish)
        kinds = [kind for kind in alike if wish in kind]
        for kind in kinds:
            if free[kind]:
                free[kind] -= 1
                taken[wish, kind] += 1
                return True
        for kind in kinds:
            for other in kind:
                if other not in asked and taken[other, kind] and take(other, asked):
                    taken[other, kind] -= 1
                    taken[wish, kind] += 1
                    return True
        return False

    without = [sum(not take(wish, set()) for _ in range(count)) for wish, count in enumerate(wanted)]
    return without, [thing for kind, here in alike.items() for thing in here[len(here) - free[kind] :]]
