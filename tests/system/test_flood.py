"""A short flood at real processes and brokers; `make flood` plays a whole minute and prints it."""

from __future__ import annotations

import pytest

from bench.deltas import settled, wish
from bench.flood import BROKERS, MOST_MB, place, play
from tests.kit.tools import tool

SECONDS, A_SECOND = 4, 500


@pytest.mark.parametrize("broker", BROKERS)
def test_of_a_flood_every_command_is_answered_once_and_nothing_sheds_after_a_restore(
    broker: str,
) -> None:
    if broker != "stand-in":
        tool("mosquitto")
    with place(broker) as at:
        seen = play(at, SECONDS, A_SECOND)
        told = at.log.read_text().splitlines()
    assert not seen.unanswered()
    assert {len(said) for said in seen.answers.values()} == {1}
    assert not seen.answers.keys() & seen.refused.keys(), "what is refused is not done"
    assert not seen.shed_afterwards()
    assert seen.restore_ms() < float("inf") and seen.page_ms, "load was given back each time"
    assert seen.most_kb < MOST_MB * 1024 and len(told) < 20


def test_ten_thousand_wishes_in_a_row_come_to_rest() -> None:
    with place("stand-in") as at:
        client = at.client()
        wish(client, 10_000)
        assert settled(client) > 1
