"""Whose turn it is on a link: properties of the queue, without a clock, and the queue on a loop."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.drivers.links.faults import LinkFault
from venctl.drivers.links.turn import LinkTurn, RequestQueue

# What happens: an order or a query comes, the first that waits gives up, time passes, or the
# request under way ends.
STEPS = st.lists(
    st.sampled_from(["order", "query", "give up", "end"]) | st.integers(0, 300), max_size=60
)


@given(STEPS, st.sampled_from([0, 100]))
def test_one_at_a_time_orders_first_in_order_of_arrival_and_with_a_pause(
    steps: list[str | int], pause_ms: int
) -> None:
    queue: RequestQueue[tuple[str, int]] = RequestQueue(pause_ms)
    waiting: dict[str, list[tuple[str, int]]] = {"order": [], "query": []}
    now_ms, under_way, free_ms = 0, False, 0
    for number, step in enumerate(steps):
        if isinstance(step, int):
            now_ms += step
        elif step in waiting:
            one = (step, number)
            waiting[step].append(one)
            queue.enter(one, step == "order")
        elif step == "give up":
            for line in waiting.values():
                if line:
                    queue.leave(line.pop(0))
                    break
        elif under_way:
            queue.ended(now_ms)
            under_way, free_ms = False, now_ms + pause_ms
        begun = queue.next(now_ms)
        due = [*waiting["order"], *waiting["query"]]
        may = bool(due) and not under_way and now_ms >= free_ms
        assert begun == (due[0] if may else None)
        if begun is not None:
            waiting[begun[0]].remove(begun)
            under_way = True


@given(STEPS)
def test_the_wait_ends_when_the_pause_does(steps: list[str | int]) -> None:
    queue: RequestQueue[int] = RequestQueue(100)
    now_ms = 0
    for number, step in enumerate(steps):
        now_ms += step if isinstance(step, int) else 0
        queue.enter(number, urgent=False)
        wait_ms = queue.wait_ms(now_ms)
        if wait_ms:
            assert queue.next(now_ms + wait_ms - 1) is None
        if wait_ms is not None:
            now_ms += wait_ms
            assert queue.next(now_ms) is not None
            queue.ended(now_ms)


async def test_who_is_cancelled_as_its_turn_comes_hands_it_on() -> None:
    turn, done = LinkTurn(0), list[str]()

    async def work(name: str) -> None:
        async with turn.take(False):
            done.append(name)
            await asyncio.sleep(0)

    async with turn.take(False):
        first, second = (asyncio.create_task(work(name)) for name in ("first", "second"))
        await asyncio.sleep(0)
    first.cancel()  # its turn has come, and it did not run yet
    async with asyncio.timeout(1):
        await asyncio.gather(first, second, return_exceptions=True)
    assert done == ["second"]
    async with asyncio.timeout(1), turn.take(False):
        pass


@given(st.lists(st.sampled_from(["order", "query", "cancel", "yield", "fault"]), max_size=30))
def test_whatever_is_cancelled_or_fails_one_at_a_time_is_served_and_none_is_forgotten(
    steps: list[str],
) -> None:
    async def day() -> None:
        turn, tasks, at_once, most = LinkTurn(0), list[asyncio.Task[None]](), 0, 0

        async def work(urgent: bool) -> None:
            nonlocal at_once, most
            async with turn.take(urgent):
                at_once += 1
                most = max(most, at_once)
                try:
                    await asyncio.sleep(0)
                finally:
                    at_once -= 1

        def cancel() -> None:
            if tasks:
                tasks[len(tasks) // 2].cancel()

        for step in steps:
            if step in ("order", "query"):
                tasks.append(asyncio.create_task(work(step == "order")))
            elif step == "cancel":
                cancel()
            elif step == "fault":
                turn.fail_queries(LinkFault("away"))
            else:
                await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)
            async with turn.take(False):
                pass
        assert most <= 1
        assert all(task.done() for task in tasks)

    asyncio.run(day())


async def test_queries_that_wait_fail_together_and_orders_do_not() -> None:
    turn = LinkTurn(0)

    async def work(urgent: bool) -> str:
        async with turn.take(urgent):
            return "served"

    async with turn.take(False):
        waiting = [asyncio.create_task(work(urgent)) for urgent in (False, True, False)]
        await asyncio.sleep(0)
        turn.fail_queries(LinkFault("nobody there", away=True))
    first, order, last = await asyncio.gather(*waiting, return_exceptions=True)
    assert order == "served"
    assert [str(first), str(last)] == ["nobody there"] * 2
    assert first is not last


async def test_a_request_that_fails_gives_its_turn_back() -> None:
    turn = LinkTurn(0)
    with pytest.raises(LinkFault):
        async with turn.take(True):
            raise LinkFault("no")
    async with asyncio.timeout(1), turn.take(True):
        pass
