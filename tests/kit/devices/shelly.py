"""A Shelly of generation 2 and later: JSON-RPC over HTTP and WebSocket, and a true lease.

Sources: shelly-api-docs.shelly.cloud/gen2; dumps in home-assistant-libs/aioshelly ea7a88f.
aioshelly itself judges it. Not known of the real one: whether a flip-back outlives a reboot;
here it does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.kit.devices.clock import Clock, pause
from tests.kit.devices.digest import Digest
from tests.kit.devices.faults import Dead, Late, Slow
from tests.kit.devices.http_device import HttpDevice, reply
from tests.kit.devices.shelly_parts import Relay, RpcError, Triphase
from tests.kit.devices.wiring import Meter, Outlet, Wiring

OPEN_TO_ALL = "Shelly.GetDeviceInfo"
NAMES = {"switch": "Switch", "em": "EM"}


class Shelly(HttpDevice):
    """`Shelly.plug(wiring, outlet)`, `Shelly.panel(wiring, outlets)`, `Shelly.meter3(wiring,
    meter)`. `relay` is the first of `parts`. With `password` it wants digest authentication.
    """

    def __init__(self, clock: Clock, kind: str, model: str, mac: str, password: str | None) -> None:
        super().__init__(clock)
        self.id = f"{kind.lower()}-{mac.lower()}"
        self.kind, self.model, self.mac = kind, model, mac
        self.parts: list[Relay | Triphase] = []
        self._digest = Digest(self.id, password) if password else None
        self._sockets: dict[web.WebSocketResponse, str] = {}

    @classmethod
    def plug(
        cls,
        wiring: Wiring,
        outlet: Outlet,
        *,
        metered: bool = True,
        password: str | None = None,
        mac: str = "AABBCCDDEEFF",
    ) -> Self:
        """A Plus 1PM; without a meter a Plus 1."""
        kind, model = ("Plus1PM", "SNSW-001P16EU") if metered else ("Plus1", "SNSW-001X16EU")
        one = cls(wiring.clock, kind, model, mac, password)
        one._add(Relay(one, 0, outlet, wiring.meter(outlet) if metered else None))
        return one

    @classmethod
    def panel(
        cls, wiring: Wiring, outlets: Sequence[Outlet], *, password: str | None = None
    ) -> Self:
        """A Pro 4PM, or as many channels as there are outlets."""
        one = cls(wiring.clock, "Pro4PM", "SPSW-004PE16EU", "AABBCCDDEE04", password)
        for number, outlet in enumerate(outlets):
            one._add(Relay(one, number, outlet, wiring.meter(outlet)))
        return one

    @classmethod
    def meter3(cls, wiring: Wiring, meter: Meter, *, password: str | None = None) -> Self:
        """A Pro 3EM over this meter, such as `wiring.main`."""
        one = cls(wiring.clock, "Pro3EM", "SPEM-003CEBEU", "AABBCCDDEE3E", password)
        one.parts.append(Triphase(meter))
        return one

    @property
    def relay(self) -> Relay:
        first = self.parts[0]
        assert isinstance(first, Relay)
        return first

    def press(self, channel: int = 0, source: str = "button") -> None:
        """A person pushes its button."""
        part = self.parts[channel]
        assert isinstance(part, Relay)
        part.press(source)

    def darken(self) -> None:
        for part in self.parts:
            if isinstance(part, Relay):
                part.outlet.closed = False

    def boot(self, cold: bool) -> None:
        if self._digest:
            self._digest.forget()
        for part in self.parts:
            part.boot()

    def info(self) -> dict[str, Any]:
        return {
            "name": "Test Name",
            "id": self.id,
            "mac": self.mac,
            "slot": 0,
            "model": self.model,
            "gen": 2,
            "fw_id": "20231219-133934/1.1.0-g34b5d4f",
            "ver": "1.1.0",
            "app": self.kind,
            "auth_en": self._digest is not None,
            "auth_domain": self.id if self._digest else None,
        }

    def call(self, method: str, params: dict[str, Any], source: str) -> Any:
        """Does one method; raises `RpcError`."""
        match method:
            case "Shelly.GetDeviceInfo":
                return self.info()
            case "Shelly.GetStatus":
                return {part.key: part.status() for part in self.parts} | self._system()
            case "Shelly.GetConfig":
                return {part.key: part.config for part in self.parts} | self._settings()
            case "Shelly.ListMethods":
                verbs = ("GetStatus", "GetConfig", "SetConfig", "Set", "Toggle")
                kinds = {NAMES[part.kind] for part in self.parts}
                return {"methods": [f"{kind}.{verb}" for kind in sorted(kinds) for verb in verbs]}
            case "Shelly.Reboot":
                self.order("reboot", lambda: self.later(self.reboot(0.1)))
                return None
            case "Sys.GetStatus":
                return self._system()["sys"]
            case "Sys.GetConfig":
                return self._settings()["sys"]
        family, _, verb = method.partition(".")
        return self._part(family, method, params).call(verb, params, source)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/shelly":
            return reply(self.info())
        if request.path == "/rpc" and request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        if not request.path.startswith("/rpc"):
            return web.Response(status=404, text="Not Found")
        method = request.path.removeprefix("/rpc").removeprefix("/")
        if self._digest and method != OPEN_TO_ALL and not self._digest.lets_in(request):
            return self._digest.refusal()
        if method:
            return await self._plain(request, method)
        try:
            frame = json.loads(await request.text())
            assert isinstance(frame, dict) and isinstance(frame.get("method"), str)
        except (ValueError, AssertionError):
            return reply({"code": -103, "message": "Invalid JSON payload!"}, 500)
        return reply(self._frame(frame, "http"))

    async def _plain(self, request: web.BaseRequest, method: str) -> web.Response:
        """One method as a path: the answer has no frame around it."""
        params = {name: _value(text) for name, text in request.query.items()}
        if request.method == "POST" and (text := await request.text()):
            params = json.loads(text)
        try:
            return reply(self.call(method, params, "http"))
        except RpcError as error:
            status = 404 if error.code == 404 else 500
            return reply({"code": error.code, "message": error.words}, status)

    def _frame(self, frame: dict[str, Any], source: str) -> dict[str, Any]:
        head = {"id": frame.get("id"), "src": self.id}
        if "src" in frame:
            head["dst"] = frame["src"]
        try:
            return head | {"result": self.call(frame["method"], frame.get("params") or {}, source)}
        except RpcError as error:
            return head | {"error": {"code": error.code, "message": error.words}}

    async def _talk(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(socket, json.loads(message.data))
        finally:
            self._sockets.pop(socket, None)
        return socket

    async def _hear(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        self._sockets[socket] = frame.get("src", "")
        fault = self.suffers
        if isinstance(fault, Dead):
            return
        if isinstance(fault, Slow):
            await pause(self.clock, fault.seconds)
        guarded = self._digest and frame["method"] != OPEN_TO_ALL
        if guarded and self._digest and not self._digest.lets_frame_in(frame):
            words = json.dumps(self._digest.challenge())
            head = {"id": frame.get("id"), "src": self.id, "dst": frame.get("src")}
            answer = head | {"error": {"code": 401, "message": words}}
        else:
            answer = self._frame(frame, "WS_in")
        if isinstance(fault, Late):
            await pause(self.clock, fault.seconds)
        await socket.send_str(json.dumps(answer))

    def _add(self, relay: Relay) -> None:
        relay.changed = self._tell
        self.parts.append(relay)

    def _tell(self, key: str) -> None:
        """Those who are connected by WebSocket hear of a change."""
        status = next(part.status() for part in self.parts if part.key == key)
        for socket, listener in self._sockets.items():
            params = {"ts": round(self.clock.wall(), 2), key: status}
            frame = {"src": self.id, "dst": listener, "method": "NotifyStatus", "params": params}
            self.later(socket.send_str(json.dumps(frame)))

    def _part(self, family: str, method: str, params: dict[str, Any]) -> Relay | Triphase:
        mine = {part.number: part for part in self.parts if NAMES[part.kind] == family}
        if not mine:
            raise RpcError(404, f"No handler for {method}")
        number = params.get("id")
        if isinstance(number, bool) or not isinstance(number, int):
            raise RpcError(-103, "Missing required argument 'id'!")
        if number not in mine:
            raise RpcError(-105, f"Argument 'id', value {number} not found!")
        return mine[number]

    def _system(self) -> dict[str, Any]:
        system = {
            "mac": self.mac,
            "restart_required": False,
            "time": "18:28",
            "unixtime": int(self.clock.wall()),
            "uptime": self.uptime_s,
            "ram_free": 122072,
            "cfg_rev": 35,
            "available_updates": {},
            "reset_reason": 3,
        }
        wifi = {"sta_ip": "127.0.0.1", "status": "got ip", "ssid": "Test", "rssi": -64}
        return {"sys": system, "wifi": wifi, "cloud": {"connected": False}}

    def _settings(self) -> dict[str, Any]:
        device = {"name": "Test Name", "mac": self.mac, "fw_id": self.info()["fw_id"]}
        mqtt = {"enable": False, "server": None, "enable_rpc": True, "enable_control": True}
        return {"sys": {"device": device, "cfg_rev": 35}, "mqtt": mqtt, "ws": {"enable": False}}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
