"""Real circuits: from a hold to a relay read back, beside a bare client; and a look at many.

The relays are a process of their own. Both sides do the same, write and read back, and take turns.
The bare client of MQTT only waits for what the relay says.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import aiohttp
from awscrt import mqtt5

from statemachine import read
from statemachine.device.control import WiredLoad
from statemachine.device.declaration import LinkDeclaration
from statemachine.device.form import Template
from statemachine.device.requests import LinkAnswer, Order, Query
from venctl.base.clocks import clocks
from venctl.devices.catalog import shipped
from venctl.drivers import Panel
from venctl.drivers.device import DeviceDriver
from venctl.drivers.links import DeviceLink, LinkState, open_link

from .brokers import mosquitto
from .children import child, until
from .growth import _site

TURNS, DEVICES, LINKS = 100, 100, 10
HERE = Path(__file__).parent
LOAD = WiredLoad("relay", 230, 2_000)


def main() -> None:
    """Print both ways of a command, and a look at many devices."""
    with (
        tempfile.TemporaryDirectory() as made,
        mosquitto(Path(made)) as (broker, _),
        _relay(Path(made), broker) as port,
    ):
        asyncio.run(_commands(port, broker))
    asyncio.run(_looks())


@contextmanager
def _relay(folder: Path, broker: int) -> Iterator[int]:
    ready = folder / "relay.json"
    with child(folder, str(HERE / "relay.py"), str(broker), str(ready)):
        until(ready.exists, "the relay")
        time.sleep(0.3)
        yield int(json.loads(ready.read_text()))


class _Quiet:
    """A `DeviceListener` that nothing happens to."""

    def doubted(self, circuit: str) -> None: ...

    def moved(self, circuit: str, on: bool) -> None: ...

    def noticed(self, circuit: str, text: str | None) -> None: ...


async def _commands(port: int, broker: int) -> None:
    shelly = shipped()["shelly"]
    link = open_link(LinkDeclaration("http", f"http://127.0.0.1:{port}"), str)
    params = {"host": f"127.0.0.1:{port}", "channel": "0", "password": ""}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        await _beside("HTTP", shelly, params, link, lambda on: _bare_http(session, on))
    tasmota = shipped()["tasmota"]
    house = open_link(LinkDeclaration("mqtt", f"127.0.0.1:{broker}"), str)
    async with _BareMqtt(broker) as bare:
        params = {"topic": "ours", "relay": "1", "report": "POWER"}
        await _beside("MQTT", _on_alone(tasmota), params, house, bare.switch)


def _on_alone(template: Template) -> Template:
    """A template that reads back its relay and nothing else, as the bare client does."""
    return template.model_copy(update={"read": {"on": template.read["on"]}})


async def _beside(
    what: str,
    template: Template,
    params: dict[str, str],
    link: DeviceLink,
    bare: Callable[[bool], Awaitable[None]],
) -> None:
    """Print the medians of both sides and their ratio."""
    driver = DeviceDriver("c0", template, params, LOAD, link, None, _Quiet(), clocks)
    ours, theirs = list[float](), list[float]()
    for turn in range(2 * TURNS):
        took = time.perf_counter()
        await driver.hold("c0", 0 if turn % 2 == 0 else None, clocks()[0] + 120_000)
        ours.append(time.perf_counter() - took)
        took = time.perf_counter()
        await bare(turn % 2 == 1)
        await bare(turn % 2 == 0)
        theirs.append((time.perf_counter() - took) / 2)
    await link.close()
    ratio = median(ours) / median(theirs)
    print(
        f"hold to relay read back, {what:<5} p50 {median(ours) * 1e3:6.2f} ms, "
        f"bare client {median(theirs) * 1e3:6.2f} ms  {ratio:.1f} x"
    )


async def _bare_http(session: aiohttp.ClientSession, on: bool) -> None:
    body = {"id": 1, "method": "Switch.Set", "params": {"id": 1, "on": on}}
    async with session.post("/rpc", json=body) as answer:
        await answer.json()
    async with session.get("/rpc/Switch.GetStatus?id=1") as answer:
        assert (await answer.json())["output"] is on


class _BareMqtt:
    """A client that publishes, and waits for what the relay says."""

    def __init__(self, port: int) -> None:
        self._loop, self._up = asyncio.get_running_loop(), asyncio.Event()
        self._said = asyncio.Queue[str]()
        self._client = mqtt5.Client(
            mqtt5.ClientOptions(
                host_name="127.0.0.1",
                port=port,
                disable_metrics=True,
                on_lifecycle_event_connection_success_fn=self._connected,
                on_publish_callback_fn=self._hear,
            )
        )

    async def __aenter__(self) -> _BareMqtt:
        self._client.start()
        await self._up.wait()
        topic = mqtt5.Subscription("stat/bare/POWER", mqtt5.QoS.AT_LEAST_ONCE)
        await asyncio.wrap_future(self._client.subscribe(mqtt5.SubscribePacket([topic])))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.stop()

    async def switch(self, on: bool) -> None:
        while not self._said.empty():
            self._said.get_nowait()
        packet = mqtt5.PublishPacket(
            topic="cmnd/bare/Power1", payload=b"1" if on else b"0", qos=mqtt5.QoS.AT_LEAST_ONCE
        )
        await asyncio.wrap_future(self._client.publish(packet))
        assert await self._said.get() == ("ON" if on else "OFF")

    def _connected(self, _: object) -> None:
        self._loop.call_soon_threadsafe(self._up.set)

    def _hear(self, data: mqtt5.PublishReceivedData) -> None:
        text = (data.publish_packet.payload or b"").decode()
        self._loop.call_soon_threadsafe(self._said.put_nowait, text)


class _Gateway:
    """Ten devices behind one link, each of which answers after 2 ms; a dead one never does."""

    def __init__(self, dead: bool) -> None:
        self._line, self._dead = asyncio.Lock(), dead

    async def ask(self, query: Query) -> LinkAnswer:
        async with self._line:
            await asyncio.sleep(2 if self._dead else 0.002)
        return LinkAnswer('{"output":true,"apower":1000,"source":"http","sys":{"uptime":9}}', 0)

    async def tell(self, order: Order) -> None: ...

    def state(self) -> LinkState:
        return LinkState("", True, 0, 0, 0, None)

    async def close(self) -> None: ...


async def _looks() -> None:
    """A look at 100 devices on 10 links, with and without a link that hangs."""
    for dead in (0, 1):
        links = [_Gateway(n < dead) for n in range(LINKS)]
        params = {"host": "", "channel": "0", "password": ""}
        drivers = {
            f"c{n}": DeviceDriver(
                f"c{n}", shipped()["shelly"], params, LOAD, links[n % LINKS], None, _Quiet(), clocks
            )
            for n in range(DEVICES)
        }
        panel = Panel(read(_site(DEVICES), "b"), drivers, _nothing, _nothing, lambda: None)
        began = time.perf_counter()
        await panel.read()
        first_s = time.perf_counter() - began
        began = time.perf_counter()
        cpu = time.process_time()
        await panel.read()
        print(
            f"look at {DEVICES} devices on {LINKS} links, {dead} of them dead: "
            f"{first_s * 1e3:.0f} ms (200), the next {1e3 * (time.perf_counter() - began):.0f} ms, "
            f"{1e3 * (time.process_time() - cpu):.1f} ms of it work"
        )
        await panel.stop()


def _nothing(*_: object) -> None:
    """Nobody listens."""


if __name__ == "__main__":
    main()
