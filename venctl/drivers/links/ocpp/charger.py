"""One charger: what it said, what it was told, and the same told again when it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from statemachine.device.requests import FreeCharger, LimitCharger

from ..faults import LinkFault, device_words
from ..state import Clocks
from ..turn import LinkTurn
from .meter_values import power_of
from .outlet import Outlet
from .profile import (
    LEASE_S,
    TERMS,
    Limit,
    ProfileTerms,
    profile_id,
    profile_of,
    scheduled,
    settings_of,
    terms_of,
    utc_ms_of,
)

log = logging.getLogger(__name__)
QUERY_S, ORDER_S = 3.0, 4.0
EVERY_MS, REST_MS = 5_000, 60_000
OLD_MS = 10_000
BOOT_S = 1.0
MOST_OUTLETS = 32


class ConnectedCharger(Protocol):
    """The connection of a charger."""

    async def ask(self, action: str, seconds: float, **payload: Any) -> Mapping[str, Any]:
        """What it answers. Raises LinkFault."""

    async def close(self) -> None:
        """Close the connection."""


class Charger:
    """A charger with its outlets. It survives its connections."""

    def __init__(self, id: str, clock: Clocks) -> None:
        self.id, self._clock = id, clock
        self.session: ConnectedCharger | None = None
        self.model = self.firmware = ""
        self.clock_off_ms: int | None = None
        """How far its clock is behind ours, at most."""
        self.heard_ms = self.started_ms = clock()[1]
        self._outlets: dict[int, Outlet] = {}
        self._terms: ProfileTerms | None = None
        self._turn = LinkTurn(0)
        self._rests_until: dict[str, int] = {}
        self._again: asyncio.Task[None] | None = None

    def outlet(self, connector: int) -> Outlet:
        return self._outlets.setdefault(connector, Outlet())

    def utc_ms(self) -> int:
        return self._clock()[0]

    def connected(self, session: ConnectedCharger) -> ConnectedCharger | None:
        """It connected; returns the connection that this one replaces."""
        old, self.session = self.session, session
        self.heard()
        if old is None and not self._outlets:
            self.started_ms = self.heard_ms
        self._come_back(BOOT_S)
        return old

    def left(self, session: ConnectedCharger) -> None:
        if self.session is session:
            self.session = None

    def heard(self) -> None:
        self.heard_ms = self._clock()[1]

    def booted(self, model: str, firmware: str) -> None:
        self.model, self.firmware = device_words(model), device_words(firmware)
        self.started_ms = self._clock()[1]
        self.clock_off_ms = self._terms = None
        self._come_back(0.0)

    def metered(self, connector: Any, meter_value: Any) -> None:
        found = power_of(meter_value)
        if found is None or not self._is_outlet(connector):
            return
        watts, said_ms = found
        self.outlet(connector).measured(watts, self._clock()[1] - self._late_ms(said_ms))

    def status(self, connector: Any, status: Any, error: Any, timestamp: Any) -> None:
        self._late_ms(utc_ms_of(timestamp))
        if self._is_outlet(connector):
            words = "" if error in (None, "NoError") else device_words(str(error))
            self.outlet(connector).is_now(device_words(str(status)), words, self._clock()[1])

    async def power(self, connector: int) -> tuple[int, int] | None:
        """The power in watts and its age in ms; None: it never said. Raises LinkFault."""
        outlet = self.outlet(connector)
        found = outlet.drawn(self._clock()[1], self.heard_ms)
        if found is None or found[1] > OLD_MS:
            await self._query(
                "TriggerMessage",
                EVERY_MS,
                requested_message="MeterValues",
                connector_id=connector,
            )
        return outlet.drawn(self._clock()[1], self.heard_ms)

    async def limit(self, connector: int) -> float | None:
        """The amperes that it keeps to; None: nothing tells. Raises LinkFault."""
        outlet, now_ms = self.outlet(connector), self._clock()[1]
        await self._learn_terms()
        if self._terms is None:
            return outlet.limit(self.utc_ms())  # it answers nothing
        if outlet.schedule_ms is None or now_ms - outlet.schedule_ms >= EVERY_MS:
            answer = await self._query(
                "GetCompositeSchedule",
                0,
                connector_id=connector,
                duration=LEASE_S,
                charging_rate_unit=self._terms.unit,
            )
            outlet.said(scheduled((answer or {}).get("charging_schedule")), self._clock()[1])
        return outlet.limit(self.utc_ms())

    async def settings(self) -> dict[str, str]:
        """All its settings. Raises LinkFault."""
        async with self._turn.take(False):
            return settings_of(await self._ask("GetConfiguration", QUERY_S))

    async def limit_to(self, order: LimitCharger) -> None:
        """Set a limit. Raises LinkFault, with the charger's own words if it refuses."""
        ends_ms = self.utc_ms() + min(order.lease_ms, LEASE_S * 1000)
        limit = Limit(order.amps, order.watts, ends_ms).rounded()
        await self._learn_terms()
        async with self._turn.take(True):
            await self._set(order.connector.number, limit)

    async def free(self, order: FreeCharger) -> None:
        """Take the limit away. Raises LinkFault."""
        connector = order.connector.number
        async with self._turn.take(True):
            await self._clear(connector)
        self.outlet(connector).accepted(Limit(order.amps, order.watts, None), self._clock()[1])

    def stop(self) -> None:
        if self._again is not None:
            self._again.cancel()

    async def _set(self, connector: int, limit: Limit) -> None:
        outlet = self.outlet(connector)
        if outlet.strays(self.utc_ms()) and not outlet.reset:
            log.warning("%s accepted a limit and does not keep to it; set again", self.id)
            await self._clear(connector)
            outlet.begin_again(self._clock()[1])
        answer = await self._ask(
            "SetChargingProfile",
            ORDER_S,
            connector_id=connector,
            cs_charging_profiles=profile_of(
                connector, limit, self._terms or ProfileTerms(), self.utc_ms()
            ),
        )
        self._must("SetChargingProfile", answer, ("Accepted",))
        outlet.accepted(limit, self._clock()[1])

    async def _clear(self, connector: int) -> None:
        answer = await self._ask("ClearChargingProfile", ORDER_S, id=profile_id(connector))
        self._must("ClearChargingProfile", answer, ("Accepted", "Unknown"))  # it has none

    async def _learn_terms(self) -> None:
        """How it takes limits; asked until it answers."""
        if self._terms is None:
            answer = await self._query("GetConfiguration", 0, urgent=True, key=TERMS)
            self._terms = None if answer is None else terms_of(settings_of(answer))

    async def _query(
        self, action: str, every_ms: int, urgent: bool = False, **payload: Any
    ) -> Mapping[str, Any] | None:
        """What many chargers cannot do; one that refuses, or does not answer, is not asked again
        within a minute. None: there was no answer; empty: it refuses.
        """
        place, now_ms = f"{action} {payload.get('connector_id')}", self._clock()[1]
        if now_ms < self._rests_until.get(place, 0):
            self._connection()
            return None
        self._rests_until[place] = now_ms + every_ms
        try:
            async with self._turn.take(urgent):
                return await self._ask(action, QUERY_S, **payload)
        except LinkFault as fault:
            if fault.away or self.session is None:
                raise
            self._rests_until[place] = self._clock()[1] + REST_MS
            return {} if fault.up else None

    async def _ask(self, action: str, seconds: float, **payload: Any) -> Mapping[str, Any]:
        return await self._connection().ask(action, seconds, **payload)

    def _connection(self) -> ConnectedCharger:
        if self.session is None:
            raise LinkFault(f"{self.id} is not connected", away=True)
        return self.session

    def _must(self, action: str, answer: Mapping[str, Any], good: tuple[str, ...]) -> None:
        status = answer.get("status")
        if status not in good:
            said = f"{self.id} refuses {action}: {device_words(str(status))}"
            raise LinkFault(said, up=True, lasting=status == "NotSupported")

    def _come_back(self, after_s: float) -> None:
        """It may have forgotten its limits: tell them again, in a moment."""
        self._rests_until.clear()
        for outlet in self._outlets.values():
            outlet.forgotten()
        self.stop()
        self._again = asyncio.create_task(self._restate(after_s))

    async def _restate(self, after_s: float) -> None:
        await asyncio.sleep(after_s)  # until a charger that starts anew has said so
        for connector, outlet in list(self._outlets.items()):
            limit = outlet.told(self.utc_ms())
            if limit is None or limit.ends_ms is None:
                continue
            with contextlib.suppress(LinkFault):
                await self._learn_terms()
                async with self._turn.take(True):
                    if outlet.told(self.utc_ms()) is limit:
                        await self._set(connector, limit)

    def _is_outlet(self, connector: Any) -> bool:
        return type(connector) is int and 0 < connector <= MOST_OUTLETS

    def _late_ms(self, said_ms: int | None) -> int:
        """How old a message is: later than the one that came with the least delay."""
        if said_ms is None:
            return 0
        behind_ms = self.utc_ms() - said_ms
        if self.clock_off_ms is None or behind_ms < self.clock_off_ms:
            self.clock_off_ms = behind_ms
        return behind_ms - self.clock_off_ms
