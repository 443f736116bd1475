"""Reads back where a device stands, by its template: each query is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from statemachine.device.control import Seen
from statemachine.device.extract import Reading, reading
from statemachine.device.fill import queries
from statemachine.device.form import Reads, Template
from statemachine.device.requests import Answer, Query

from .links import Link, LinkFault
from .measured import Measured

POSITION: tuple[Reads, ...] = ("alive", "on", "limit", "power", "by", "uptime")
OFFLINE = "the device is reported offline"


class ReadBack:
    """What one device says about itself."""

    def __init__(self, template: Template, params: Mapping[str, str], link: Link) -> None:
        self._template, self._params, self._link = template, params, link
        self._queries = queries(template, params)

    async def read(self, now_ms: int, newer_than_ms: int | None = None) -> Seen:
        """Where it stands now. Raises LinkFault if it does not answer.

        What is older than `newer_than_ms` says nothing about a write since. `now_ms` is monotonic.
        """
        newest_ms = None if newer_than_ms is None else max(0, now_ms - newer_than_ms)
        values, ages_ms = await self._ask(POSITION, newest_ms)
        if values.get("alive") == "off":
            raise LinkFault(OFFLINE)
        on, by = values.get("on"), values.get("by")
        return Seen(
            at_ms=now_ms,
            on=None if on not in ("on", "off") else on == "on",
            limit=_number(values.get("limit")),
            power_w=_whole(values.get("power")),
            power_age_ms=ages_ms.get("power"),
            by=by if isinstance(by, str) else None,
            uptime_s=_whole(values.get("uptime")),
        )

    async def power(self) -> Measured | None:
        """Its power alone; None: no reading, or one of unknown age. Raises LinkFault."""
        still = self._template.still_when_off
        values, ages_ms = await self._ask(("power", "on") if still else ("power",), None)
        watts, age_ms = _whole(values.get("power")), ages_ms.get("power")
        if watts is None or age_ms is None or values.get("on") == "off":
            return None
        return Measured(watts, age_ms)

    async def values(self, names: Iterable[Reads]) -> dict[str, Reading]:
        """The values of these names that the template can read; None: no reading."""
        return (await self._ask(names, None))[0]

    async def _ask(
        self, names: Iterable[Reads], newest_ms: int | None
    ) -> tuple[dict[str, Reading], dict[str, int | None]]:
        """The values, and how old each is."""
        answers: dict[Query, Answer] = {}
        values: dict[str, Reading] = {}
        ages_ms: dict[str, int | None] = {}
        for name in names:
            if (query := self._queries.get(name)) is None:
                continue
            if query not in answers:
                answers[query] = await self._link.ask(query)
            answer, value = answers[query], self._template.read[name]
            old = newest_ms is not None and (answer.age_ms is None or answer.age_ms > newest_ms)
            values[name] = None if old else reading(value, self._params, answer.raw)
            ages_ms[name] = answer.age_ms
        return values, ages_ms


def _number(value: Reading) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _whole(value: Reading) -> int | None:
    return round(value) if isinstance(value, Decimal) else None
