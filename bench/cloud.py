"""The stand-in beside mosquitto with nodelay: QoS 1 echo, shadow updates, memory a session.

Medians of five runs that take turns.

For the shadow figures mosquitto carries the same messages, with our shadow service as its client.
Both write to memory where the system has such a folder: on a disk both pay for one fsync an
update, and that alone would be measured.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import mqtt5 as codec
from awscrt import mqtt5

from .brokers import Client, mosquitto, resident_kb, shadow_client, stand_in

RUNS, ECHOES, UPDATES, IN_FLIGHT = 5, 500, 300, 10
SESSIONS = 200  # the stand-in takes 256 connections
PAYLOAD = b"x" * 200
Figures = tuple[float, float]


def main() -> None:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as name, ExitStack() as stack:
        folder = Path(name)
        ours, our_process = stack.enter_context(stand_in(folder))
        theirs, their_process = stack.enter_context(mosquitto(folder))
        for client, echo in (("awscrt", _echo_awscrt), ("a bare socket", _echo_bare)):
            print(_line(f"QoS 1 echo, {client}", *_alternating(echo, ours, theirs)))
        lasting, _ = _alternating(_echo_lasting, ours, theirs)
        print(
            f"{'QoS 1 echo, a session that lasts':<34} p50 {lasting[0]:.3f} p99 {lasting[1]:.3f} ms"
        )
        stack.enter_context(shadow_client(folder, theirs))
        print(_line("shadow update", *_alternating(_updates, ours, theirs)))
        rates = _alternating(_throughput, ours, theirs)
        print(f"{'shadow updates a second':<34} {rates[0][0]:.0f}, {rates[1][0]:.0f} over mosquitto"
              f"  {rates[0][0] / rates[1][0]:.2f} x")  # fmt: skip
        for what, port, process in (("", ours, our_process), (" mosquitto", theirs, their_process)):
            print(f"{'memory a session' + what:<34} {_session_kb(port, process):.1f} KB")


def _alternating(measure: Callable[[int], Figures], ours: int, theirs: int) -> tuple[Figures, ...]:
    """Medians over runs that take turns, so that a slow moment of the machine meets both."""
    measure(ours), measure(theirs)
    runs = [(measure(ours), measure(theirs)) for _ in range(RUNS)]
    return tuple(
        (median(run[side][0] for run in runs), median(run[side][1] for run in runs))
        for side in (0, 1)
    )


def _line(what: str, ours: Figures, theirs: Figures) -> str:
    return (
        f"{what:<34} p50 {ours[0]:.3f} p99 {ours[1]:.3f} ms, mosquitto {theirs[0]:.3f} "
        f"{theirs[1]:.3f}  {ours[0] / theirs[0]:.2f} x {ours[1] / theirs[1]:.2f} x"
    )


def _percentiles(times_s: list[float]) -> Figures:
    times_s.sort()
    return times_s[len(times_s) // 2] * 1e3, times_s[len(times_s) * 99 // 100] * 1e3


def _echo_bare(port: int, expiry_s: int = 0) -> Figures:
    client = Client(port, "echo", expiry_s)
    client.subscribe("echo/bare")
    times = []
    for number in range(1, ECHOES + 1):
        qos = codec.QoS.AT_LEAST_ONCE
        packet = codec.PublishPacket("echo/bare", PAYLOAD, qos=qos, packet_id=number)
        began, acked, heard = time.perf_counter(), False, 0.0
        client.send(packet)
        while not (acked and heard):
            if isinstance(client.next(), codec.PublishPacket):
                heard = time.perf_counter()
            else:
                acked = True
        times.append(heard - began)
    client.close()
    return _percentiles(times)


def _echo_lasting(port: int) -> Figures:
    return _echo_bare(port, 300)


def _echo_awscrt(port: int) -> Figures:
    return asyncio.run(_echo(port))


async def _echo(port: int) -> Figures:
    loop, up, heard = asyncio.get_running_loop(), asyncio.Event(), asyncio.Queue[float]()
    gone = asyncio.Event()

    def tell(what: Callable[..., Any], *more: Any) -> None:
        loop.call_soon_threadsafe(what, *more)

    client = mqtt5.Client(
        mqtt5.ClientOptions(
            host_name="127.0.0.1",
            port=port,
            connect_options=mqtt5.ConnectPacket(client_id="echo-crt"),
            on_publish_callback_fn=lambda _: tell(lambda: heard.put_nowait(time.perf_counter())),
            on_lifecycle_event_connection_success_fn=lambda _: tell(up.set),
            on_lifecycle_event_stopped_fn=lambda _: tell(gone.set),
        )
    )
    client.start()
    async with asyncio.timeout(60):
        await up.wait()
        wanted = [mqtt5.Subscription("echo/crt", mqtt5.QoS.AT_LEAST_ONCE)]
        await _result(client.subscribe(mqtt5.SubscribePacket(wanted)))
        times = []
        for _ in range(ECHOES):
            packet = mqtt5.PublishPacket(PAYLOAD, mqtt5.QoS.AT_LEAST_ONCE, topic="echo/crt")
            began = time.perf_counter()
            sent = client.publish(packet)
            await heard.get()
            times.append(time.perf_counter() - began)
            await _result(sent)
        client.stop(mqtt5.DisconnectPacket())
        await gone.wait()
    return _percentiles(times)


async def _result(future: Future[Any]) -> Any:
    return await asyncio.wrap_future(future)


def _update(thing: str, number: int) -> Any:
    state = {"state": {"reported": {"power_kw": number, "circuits": [{"id": "a", "on": True}] * 6}}}
    return codec.PublishPacket(
        f"$aws/things/{thing}/shadow/update",
        json.dumps(state).encode(),
        qos=codec.QoS.AT_LEAST_ONCE,
        packet_id=number % 60_000 + 1,
    )


def _updates(port: int) -> Figures:
    """One after the other, each waiting for its answer; as many things as the rate limit asks."""
    client, times = Client(port, "shadow"), []
    client.subscribe("$aws/things/+/shadow/update/accepted")
    for number in range(UPDATES):
        packet = _update(f"t{number % 150}", number)
        began, waited = time.perf_counter(), {"answer", "puback"}
        client.send(packet)
        while waited:
            kind = "answer" if isinstance(client.next(), codec.PublishPacket) else "puback"
            waited.discard(kind)
            if kind == "answer":
                times.append(time.perf_counter() - began)
    client.close()
    return _percentiles(times)


def _throughput(port: int) -> Figures:
    """Ten in flight, which is what AWS allows a connection."""
    client = Client(port, "shadow-many")
    client.subscribe("$aws/things/+/shadow/update/accepted")
    began, sent, answered = time.perf_counter(), 0, 0
    while answered < UPDATES:
        while sent < UPDATES and sent - answered < IN_FLIGHT:
            client.send(_update(f"m{sent % 150}", sent))
            sent += 1
        answered += isinstance(client.next(), codec.PublishPacket)
    client.close()
    return UPDATES / (time.perf_counter() - began), 0.0


def _session_kb(port: int, process: int) -> float:
    before = resident_kb(process)
    clients = [Client(port, f"many-{n}", 300) for n in range(SESSIONS)]
    for client in clients:
        client.subscribe("ven/cmd/many", "$aws/things/many/shadow/get/+")
    after = resident_kb(process)
    for client in clients:
        client.close()
    return (after - before) / SESSIONS
