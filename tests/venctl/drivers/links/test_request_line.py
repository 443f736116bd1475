"""What every link does with a request: who need not try, and what is kept of how it went."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit.devices.hand_clocks import HandClocks
from venctl.drivers.links.faults import LinkFault
from venctl.drivers.links.request_line import RequestLine


async def test_queries_that_wait_for_an_absent_host_do_not_each_try_for_themselves() -> None:
    line, tries = RequestLine("http nobody", 0, HandClocks()), list[str]()

    async def absent() -> None:
        tries.append("try")
        await asyncio.sleep(0)
        raise LinkFault("nobody there", away=True)

    faults = await asyncio.gather(
        *(line.carry_out("GET /", False, absent) for _ in range(12)), return_exceptions=True
    )
    assert [str(fault) for fault in faults] == ["nobody there"] * 12
    assert len(tries) == 1
    assert line.state().errors == 12


async def test_the_state_says_since_when_it_is_up_or_down_and_what_went_wrong_last() -> None:
    clock = HandClocks()
    line = RequestLine("http plug", 250, clock)
    assert (line.state().up, line.state().fault) == (None, None)

    async def works() -> int:
        return 7

    async def fails() -> int:
        raise LinkFault("gave no answer", up=False)

    async def refuses() -> int:
        raise LinkFault("answers 404", up=True)

    began_ms, _ = clock()
    for deed, up, since_ms, errors in (
        (works, True, began_ms, 0),
        (works, True, began_ms, 0),
        (refuses, True, began_ms, 1),
        (fails, False, began_ms + 3_000, 2),
        (fails, False, began_ms + 3_000, 3),
        (works, True, began_ms + 5_000, 3),
    ):
        if deed is works:
            assert await line.carry_out("x", False, deed) == 7
        else:
            with pytest.raises(LinkFault):
                await line.carry_out("x", False, deed)
        state = line.state()
        assert (state.up, state.since_ms, state.errors) == (up, since_ms, errors)
        clock.now_ms += 1_000
    assert (state.what, state.pace_ms, state.fault) == ("http plug", 250, "gave no answer")
    assert line.state(60_000).pace_ms == 60_000


async def test_what_was_refused_for_good_is_refused_to_those_who_wait_too() -> None:
    line, tries = RequestLine("http plug", 0, HandClocks()), list[str]()

    async def refuses() -> None:
        tries.append("try")
        await asyncio.sleep(0)
        raise LinkFault("wrong password", lasting=True, everywhere=True, up=True)

    deeds = (line.carry_out(str(number), True, refuses) for number in range(5))
    await asyncio.gather(*deeds, return_exceptions=True)
    assert len(tries) == 1
