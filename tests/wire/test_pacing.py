"""Work spread over turns of the event loop."""

from __future__ import annotations

import asyncio

import pytest

from sbcsim.net.pacing import PacedQueue


async def turns_until(queue: PacedQueue[int]) -> int:
    turns = 0
    while queue:
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_items_are_done_in_order_and_in_batches() -> None:
    done: list[int] = []
    queue: PacedQueue[int] = PacedQueue(done.append, budget=60, batch=10)
    for number in range(35):
        queue.add(number)
    assert done == []
    assert await turns_until(queue) == 4
    assert done == list(range(35))


async def test_turn_without_budget_does_one_item() -> None:
    done: list[int] = []
    queue: PacedQueue[int] = PacedQueue(done.append, budget=0, batch=10)
    for number in range(3):
        queue.add(number)
    assert await turns_until(queue) == 3


async def test_work_may_add_more_work() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        done.append(number)
        if number < 5:
            queue.add(number + 1)

    queue: PacedQueue[int] = PacedQueue(work, budget=60, batch=2)
    queue.add(0)
    await turns_until(queue)
    assert done == [0, 1, 2, 3, 4, 5]


async def test_failing_work_does_not_stop_the_rest() -> None:
    done: list[int] = []
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))

    def work(number: int) -> None:
        if number == 1:
            raise ValueError(number)
        done.append(number)

    queue: PacedQueue[int] = PacedQueue(work, budget=60, batch=10)
    for number in range(3):
        queue.add(number)
    await turns_until(queue)
    assert done == [0, 2]
    assert isinstance(failures[0]["exception"], ValueError)


async def test_cleared_queue_does_nothing_more() -> None:
    queue: PacedQueue[int] = PacedQueue(lambda number: pytest.fail(f"{number} was done"), budget=60, batch=10)
    queue.add(1)
    queue.clear()
    await asyncio.sleep(0)
    assert len(queue) == 0
