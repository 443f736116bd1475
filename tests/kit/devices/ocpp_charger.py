"""A charger with one outlet and a car that speaks OCPP 1.6J by the library's own charge point.

The library validates every message of both sides against the schemas of the standard.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, encode_basic_auth
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result

from statemachine.kit.localtime import utc_text

CAR_A, VOLTS = 16, 230


class _Socket:
    """An aiohttp websocket, as the library wants it."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    async def recv(self) -> str:
        return str(await self._socket.receive_str())

    async def send(self, message: str) -> None:
        await self._socket.send_str(message)


class FakeCharger:
    """Draws what its profile allows, up to 16 A on one phase; `utc_ms` is its clock.

    `obeys`: it does as it was told. `answers`: it says anything at all. `composite`, `triggers`:
    it knows those requests. `unit`: what it takes limits in. `refuses`: the status of an answer to
    a profile.
    """

    def __init__(self, utc_ms: Callable[[], int], id: str = "CP001") -> None:
        self.id, self.utc_ms = id, utc_ms
        self.obeys = self.answers = self.composite = self.triggers = True
        self.unit, self.power_unit = "Current", "W"
        self.refuses: str | None = None
        self.profile: dict[str, Any] | None = None
        self.status = "Charging"
        self.told: list[tuple[str, Any]] = []
        self.boot_answer: Any = None
        self._point: _Point | None = None
        self._running: asyncio.Task[None] | None = None
        self._session: ClientSession | None = None

    async def connect(self, url: str, boot: bool = True, word: str | None = None) -> None:
        """Raises aiohttp's WSServerHandshakeError if it is refused."""
        proof = {} if word is None else {"Authorization": encode_basic_auth(self.id, word)}
        self._session = ClientSession(headers=proof)
        try:
            socket = await self._session.ws_connect(f"{url}/{self.id}", protocols=["ocpp1.6"])
        except BaseException:
            await self._session.close()
            raise
        self._point = _Point(self, _Socket(socket))
        self._running = asyncio.create_task(self._point.run())
        if boot:
            said = call.BootNotification("Model 7", "Maker", firmware_version="1.2.3")
            self.boot_answer = await self._point.call(said)
        await self.says(self.status)

    async def leave(self) -> None:
        """The connection dies."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        if self._session is not None:
            await self._session.close()

    async def says(self, status: str) -> None:
        assert self._point is not None
        self.status = status
        now = utc_text(self.utc_ms())
        await self._point.call(call.StatusNotification(1, "NoError", status, timestamp=now))

    async def reports(self, *powers: tuple[str | None, float]) -> None:
        """MeterValues, of phases and powers in W; without any, what it really draws."""
        assert self._point is not None
        if not self.answers:
            return
        scale = 1 if self.power_unit == "W" else 1000
        values = [
            {
                "value": f"{watts / scale:.3f}",
                "measurand": "Power.Active.Import",
                "unit": self.power_unit,
                **({} if phase is None else {"phase": phase}),
            }
            for phase, watts in powers or [(None, self.draws())]
        ]
        sample = {"timestamp": utc_text(self.utc_ms()), "sampled_value": values}
        await self._point.call(call.MeterValues(1, [sample]))

    def limit_a(self) -> float | None:
        """What its profile allows now; None: there is none, or it has ended."""
        if self.profile is None or self.utc_ms() >= _ms(self.profile["valid_to"]):
            return None
        schedule = self.profile["charging_schedule"]
        start_ms = _ms(schedule["start_schedule"])
        if not start_ms <= self.utc_ms() < start_ms + schedule["duration"] * 1000:
            return None
        limit = float(schedule["charging_schedule_period"][0]["limit"])
        return limit / VOLTS if schedule["charging_rate_unit"] == "W" else limit

    def draws(self) -> int:
        """Its power in watts."""
        limit = self.limit_a() if self.obeys else None
        if self.status != "Charging":
            return 0
        amps = CAR_A if limit is None else min(CAR_A, limit)
        return round(amps * VOLTS) if amps >= 6 else 0

    def count(self, action: str) -> int:
        return sum(name == action for name, _ in self.told)


class _Point(ChargePoint):  # type: ignore[misc]
    def __init__(self, fake: FakeCharger, socket: _Socket) -> None:
        super().__init__(fake.id, socket, response_timeout=5)
        self._fake = fake

    async def run(self) -> None:
        with contextlib.suppress(TypeError, ConnectionError, RuntimeError):
            await self.start()

    async def _heard(self, action: str, said: Any) -> None:
        self._fake.told.append((action, said))
        if not self._fake.answers:
            await asyncio.sleep(3600)

    async def route_message(self, raw_msg: str) -> None:
        """Requests are answered beside each other: one that is not answered holds up no other."""
        asyncio.create_task(super().route_message(raw_msg))  # noqa: RUF006

    @on("SetChargingProfile")
    async def _set(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        await self._heard("SetChargingProfile", cs_charging_profiles)
        if self._fake.refuses is None:
            self._fake.profile = cs_charging_profiles
        return call_result.SetChargingProfile(self._fake.refuses or "Accepted")

    @on("ClearChargingProfile")
    async def _clear(self, id: int | None = None, **said: Any) -> Any:
        await self._heard("ClearChargingProfile", id)
        profile = self._fake.profile
        if profile is None or profile["charging_profile_id"] != id:
            return call_result.ClearChargingProfile("Unknown")
        self._fake.profile = None
        return call_result.ClearChargingProfile("Accepted")

    @on("GetConfiguration")
    async def _settings(self, key: list[str] | None = None) -> Any:
        await self._heard("GetConfiguration", key)
        entries = {
            "ChargingScheduleAllowedChargingRateUnit": self._fake.unit,
            "ChargeProfileMaxStackLevel": "8",
            "MeterValueSampleInterval": "10",
        }
        wanted = {name: text for name, text in entries.items() if key is None or name in key}
        return call_result.GetConfiguration(
            [{"key": name, "readonly": True, "value": text} for name, text in wanted.items()]
        )

    @on("GetCompositeSchedule")
    async def _composite(self, connector_id: int, duration: int, charging_rate_unit: str) -> Any:
        await self._heard("GetCompositeSchedule", duration)
        limit = self._fake.limit_a()
        if not self._fake.composite or limit is None:
            return call_result.GetCompositeSchedule("Accepted" if limit is None else "Rejected")
        watts = charging_rate_unit == "W"
        period = {"start_period": 0, "limit": round(limit * VOLTS if watts else limit, 1)}
        return call_result.GetCompositeSchedule(
            "Accepted",
            connector_id,
            utc_text(self._fake.utc_ms()),
            {
                "duration": duration,
                "charging_rate_unit": charging_rate_unit,
                "charging_schedule_period": [period],
            },
        )

    @on("TriggerMessage")
    async def _trigger(self, requested_message: str, connector_id: int | None = None) -> Any:
        await self._heard("TriggerMessage", requested_message)
        if not self._fake.triggers:
            return call_result.TriggerMessage("NotImplemented")
        asyncio.create_task(self._fake.reports())  # noqa: RUF006
        return call_result.TriggerMessage("Accepted")


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
