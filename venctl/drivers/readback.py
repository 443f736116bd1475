"""What a device is told by its template, and where it stands: each query is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from statemachine.device.control import (
    Position,
    SeenState,
    WiredLoad,
    ordered_numbers,
    writes_for,
)
from statemachine.device.extract import Reading, reading
from statemachine.device.fill import orders, queries
from statemachine.device.form import Reads, Template
from statemachine.device.requests import LinkAnswer, Order, Query
from statemachine.kit.localtime import utc_text

from .links import DeviceLink, LinkFault
from .measured import Measured

POSITION: tuple[Reads, ...] = ("alive", "on", "limit", "power", "by", "uptime", "last_seen")
LOOK_S = 0.2
OFFLINE = "the device is reported offline"


def orders_for(
    template: Template, params: Mapping[str, str], load: WiredLoad, position: Position, now_ms: int
) -> Iterator[Order]:
    """What is sent to bring a device to a position, in order. `now_ms` is UTC."""
    longest_ms = template.lease.longest if template.lease else None
    numbers = ordered_numbers(load, position, now_ms, longest_ms)
    until_iso = utc_text(now_ms + int(numbers["lease_ms"]))
    ordered = {**numbers, "now_iso": utc_text(now_ms), "until_iso": until_iso}
    for write in writes_for(template, position):
        yield from orders(template, params, write, ordered)


class ReadBack:
    """What one device says about itself."""

    def __init__(self, template: Template, params: Mapping[str, str], link: DeviceLink) -> None:
        self._template, self._params, self._link = template, params, link
        self._queries = queries(template, params)
        self._last_seen: tuple[Reading, int] = None, 0
        """When the device was last heard, in its own words, and when that changed."""

    async def read(self, now_ms: int, since_ms: int = 0) -> SeenState:
        """Where it stands now. Raises LinkFault if it does not answer.

        It is `live` if what tells its position is younger than `since_ms`, the time of the last
        write. Both times are monotonic.
        """
        values, ages_ms = await self._ask(POSITION)
        if values.get("alive") == "off":
            raise LinkFault(OFFLINE)
        ages_ms = self._aged(values.get("last_seen"), ages_ms, now_ms)
        age_ms = self._age_ms(ages_ms)
        on, by = values.get("on"), values.get("by")
        return SeenState(
            at_ms=now_ms,
            on=None if on not in ("on", "off") else on == "on",
            limit=_number(values.get("limit")),
            power_w=_whole(values.get("power")),
            power_age_ms=ages_ms.get("power"),
            by=by if isinstance(by, str) else None,
            uptime_s=_whole(values.get("uptime")),
            age_ms=age_ms,
            live=age_ms is not None and age_ms <= now_ms - since_ms,
        )

    async def power(self) -> Measured | None:
        """Its power alone; None: no reading, or one of unknown age. Raises LinkFault."""
        still = self._template.still_when_off
        values, ages_ms = await self._ask(("power", "on") if still else ("power",))
        watts, age_ms = _whole(values.get("power")), ages_ms.get("power")
        if watts is None or age_ms is None or values.get("on") == "off":
            return None
        return Measured(watts, age_ms)

    async def until(
        self,
        right: Callable[[SeenState], bool | None],
        since_ms: int,
        clocks: Callable[[], tuple[int, int]],
        most_s: float,
    ) -> tuple[SeenState, bool | None]:
        """Read until what is read is `right` and live, at most `most_s`. Raises LinkFault."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + most_s
        while True:
            seen = await self.read(clocks()[1], since_ms)
            stood = right(seen) if seen.live else None
            if stood or loop.time() >= ends_s:
                return seen, stood
            await asyncio.sleep(LOOK_S)

    async def values(self, names: Iterable[Reads]) -> dict[str, Reading]:
        """The values of these names that the template can read; None: no reading."""
        return (await self._ask(names))[0]

    def _age_ms(self, ages_ms: Mapping[str, int | None]) -> int | None:
        """The age of what tells its position."""
        names = [name for name in ("on", "limit") if name in ages_ms] or ["power"]
        ages = [ages_ms.get(name) for name in names]
        return None if None in ages else max(age for age in ages if age is not None)

    def _aged(
        self, last_seen: Reading, ages_ms: dict[str, int | None], now_ms: int
    ) -> dict[str, int | None]:
        """Messages on behalf of a device that is gone are as old as the last one of its own.

        Only that `last_seen` changes is believed: it is by another clock.
        """
        if last_seen is None:
            return ages_ms
        if last_seen != self._last_seen[0]:
            self._last_seen = last_seen, now_ms
        silent_ms = now_ms - self._last_seen[1]
        return {name: None if age is None else max(age, silent_ms) for name, age in ages_ms.items()}

    async def _ask(
        self, names: Iterable[Reads]
    ) -> tuple[dict[str, Reading], dict[str, int | None]]:
        """The values, and how old each is."""
        answers: dict[Query, LinkAnswer] = {}
        values: dict[str, Reading] = {}
        ages_ms: dict[str, int | None] = {}
        for name in names:
            if (query := self._queries.get(name)) is None:
                continue
            if query not in answers:
                answers[query] = await self._link.ask(query)
            answer, value = answers[query], self._template.read[name]
            values[name] = reading(value, self._params, answer.raw)
            ages_ms[name] = answer.age_ms
        return values, ages_ms


def _number(value: Reading) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _whole(value: Reading) -> int | None:
    return round(value) if isinstance(value, Decimal) else None
