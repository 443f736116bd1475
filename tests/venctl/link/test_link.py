"""One link over awscrt to a real broker: what it hears, what it publishes, and how it ends."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.kit.mqtt.link_peer import HANG_S, Peer, endpoint, peer
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.tools import tool
from venctl.link.endpoint import LastWill
from venctl.link.link import Denied, Link, LinkLost, LinkUp, Message, News, SendFailed, SendRefused

CMD, ACK, STATUS = "ven/cmd/v1", "ven/ack/v1", "ven/status/v1"


CHILD = """
import asyncio, sys
from venctl.link.endpoint import Endpoint, LastWill
from venctl.link.link import Link, Message, LinkUp
async def main(port):
    def hear(news):
        if isinstance(news, Message): print(news.payload.decode(), flush=True)
        if isinstance(news, LinkUp): print("up", flush=True)
    where = Endpoint("127.0.0.1", port, "v1")
    link = Link(where, ["ven/cmd/v1"], LastWill("ven/status/v1", lambda: b"gone"), hear)
    link.start()
    await asyncio.to_thread(sys.stdin.readline)
    await link.stop()
asyncio.run(main(int(sys.argv[1])))
"""


@pytest.fixture
def child(broker: Mosquitto) -> Iterator[subprocess.Popen[str]]:
    """A controller in a process of its own that never acknowledges; it stops on a line of input."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(broker.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


async def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(HANG_S):
        return (await asyncio.to_thread(process.stdout.readline)).strip()


async def test_the_reply_is_with_the_broker_before_the_puback(broker: Mosquitto) -> None:
    async with (
        peer(endpoint(broker.port, "v1"), [CMD]) as ven,
        peer(endpoint(broker.port, "op"), [ACK]) as operator,
    ):
        await operator.link.publish(CMD, b"shed")
        command = await ven.next(Message)
        await ven.link.publish(ACK, b"done")
        assert await operator.message() == b"done"
        assert "Received PUBACK from v1" not in broker.log()
        command.puback()
        command.puback()
        await ven.link.publish("ven/other", b"")
        said = broker.log()
        assert said.count("Received PUBACK from v1") == 1
        assert said.index("Received PUBLISH from v1") < said.index("Received PUBACK from v1")


async def test_a_killed_controller_gets_again_what_it_never_acknowledged(
    broker: Mosquitto, child: subprocess.Popen[str]
) -> None:
    assert await line(child) == "up"
    async with peer(endpoint(broker.port, "op")) as operator:
        await operator.link.publish(CMD, b"one")
        await operator.link.publish(CMD, b"two")
        assert [await line(child), await line(child)] == ["one", "two"]
        child.kill()
        child.wait()
        async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
            assert [await ven.message(), await ven.message()] == [b"one", b"two"]
            await ven.link.publish(ACK, b"behind both PUBACKs")
        await operator.link.publish(CMD, b"three")
        async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
            assert await ven.message() == b"three"


async def test_messages_kept_by_the_broker_survive_its_restart(broker: Mosquitto) -> None:
    async with peer(endpoint(broker.port, "v1"), [CMD]):
        pass
    async with peer(endpoint(broker.port, "op")) as operator:
        await operator.link.publish(CMD, b"kept")
        broker.stop()
        broker.start()
    ven = Peer(endpoint(broker.port, "v1"), [CMD], None)
    ven.link.start()
    assert await ven.next(LinkUp) == LinkUp(resumed=True)
    assert await ven.message() == b"kept"
    await ven.link.stop()


async def test_the_link_comes_back_by_itself_and_an_old_puback_does_no_harm(
    broker: Mosquitto,
) -> None:
    async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
        await ven.link.publish(CMD, b"held")
        old = await ven.next(Message)
        broker.stop()
        assert (await ven.next(LinkLost)).why
        old.puback()
        broker.start()
        await ven.next(LinkUp)
        old.puback()
        await ven.link.publish(CMD, b"new")
        assert [await ven.message(), await ven.message()] == [b"held", b"new"]


async def test_a_publish_offline_is_refused_at_once(broker: Mosquitto) -> None:
    ven = Peer(endpoint(broker.port, "v1"), [CMD], None)
    with pytest.raises(SendFailed, match="not connected yet"):
        await ven.link.publish(ACK, b"early")
    ven.link.start()
    await ven.next(LinkUp)
    broker.kill()
    down = await ven.next(LinkLost)
    with pytest.raises(SendFailed) as refusal:
        await ven.link.publish(ACK, b"late")
    assert str(refusal.value)
    assert down.why
    broker.start()
    await ven.next(LinkUp)
    await ven.link.publish(ACK, b"again")
    await ven.link.stop()


async def test_a_broker_that_is_not_there_yet_is_told_once_and_waited_for(
    broker: Mosquitto,
) -> None:
    broker.stop()
    ven = Peer(endpoint(broker.port, "v1"), [CMD], None)
    ven.link.start()
    assert "refused" in (await ven.next(LinkLost)).why
    await asyncio.sleep(0.5)  # a few attempts more
    broker.start()
    assert await ven.change() == LinkUp(resumed=False)
    await ven.link.stop()


async def test_a_wrong_password_is_told_and_the_right_one_lets_in(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("v1:right\n")
    subprocess.run([tool("mosquitto_passwd"), "-U", str(passwords)], check=True)
    broker = Mosquitto(tmp_path, None, f"allow_anonymous false\npassword_file {passwords}\n")
    where = replace(endpoint(broker.port, "v1"), username="v1", password="wrong")
    try:
        ven = Peer(where, [CMD], None)
        ven.link.start()
        assert "not authorized" in (await ven.next(LinkLost)).why
        await ven.link.stop()
        async with peer(replace(where, password="right")) as let_in:
            assert let_in.link.connected
    finally:
        broker.kill()


async def test_a_publish_on_its_way_is_given_up_when_the_link_is_lost(broker: Mosquitto) -> None:
    async with peer(endpoint(broker.port, "v1")) as ven:
        broker.freeze()
        sent = asyncio.create_task(ven.link.publish(ACK, b"lost?"))
        await asyncio.sleep(0)
        broker.kill()
        with pytest.raises(SendFailed):
            await asyncio.wait_for(sent, HANG_S)


async def test_the_will_is_said_of_a_killed_controller(
    broker: Mosquitto, child: subprocess.Popen[str]
) -> None:
    assert await line(child) == "up"
    async with peer(endpoint(broker.port, "op"), [STATUS]) as operator:
        child.kill()
        assert await operator.message() == b"gone"
    async with peer(endpoint(broker.port, "page"), [STATUS], stored=True) as page:
        assert await page.message() == b"gone", "the will is retained"


async def test_the_will_is_not_said_of_a_stopped_controller(
    broker: Mosquitto, child: subprocess.Popen[str]
) -> None:
    assert await line(child) == "up"
    async with peer(endpoint(broker.port, "op"), [STATUS]) as operator:
        await asyncio.to_thread(child.communicate, "stop\n")
        await operator.link.publish(STATUS, b"marker")
        assert await operator.message() == b"marker"


async def test_a_denied_subscription_is_told_and_the_link_is_up_all_the_same() -> None:
    # mosquitto accepts every SUBSCRIBE, so a broker of three packets answers this one.
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(bytes([0x20, 3, 0, 0, 0]))
        subscribe = await reader.read(4096)
        writer.write(bytes([0x90, 4, *subscribe[2:4], 0, 0x87]))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ven = Peer(endpoint(port, "v1"), [CMD], None)
        ven.link.start()
        assert await ven.next(Denied) == Denied(CMD, "not authorized")
        assert await ven.next(LinkUp) == LinkUp(resumed=False)
        await ven.link.stop()


async def test_a_topic_nobody_may_subscribe_to_is_told_and_the_link_is_up_all_the_same(
    broker: Mosquitto,
) -> None:
    ven = Peer(endpoint(broker.port, "v1"), ["ven/#/cmd"], None)
    ven.link.start()
    assert (await ven.next(Denied)).topic == "ven/#/cmd"
    assert await ven.change() == LinkUp(resumed=False)
    await ven.link.stop()


@pytest.mark.parametrize("topic", ["", "ven/#", "ven/\0", "ven/\ud800"])
async def test_a_topic_nobody_may_publish_on_is_refused_like_any_other(
    broker: Mosquitto, topic: str
) -> None:
    async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
        with pytest.raises(SendRefused, match="cannot publish"):
            await ven.link.publish(topic, b"")
        await ven.link.publish(CMD, b"fine")
        assert await ven.message() == b"fine"


async def test_the_broker_refusing_a_publish_is_told_with_its_reason(tmp_path: Path) -> None:
    rights = tmp_path / "rights"
    rights.write_text(f"topic readwrite {CMD}\n")
    broker = Mosquitto(tmp_path, None, f"acl_file {rights}\n")
    try:
        async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
            with pytest.raises(SendRefused, match=f"{ACK}: not authorized"):
                await ven.link.publish(ACK, b"")
            assert ven.link.connected
    finally:
        broker.kill()


def disconnect(code: int) -> bytes:
    return bytes([0xE0, 1, code])


@pytest.mark.parametrize(
    ("end", "cut_off"),
    [
        (disconnect(0x87), (ACK, False)),  # not authorized
        (b"", (ACK, False)),  # without a word
        (disconnect(0x8B), None),  # shutting down
        (disconnect(0x8E), None),  # session taken over
    ],
)
async def test_a_connection_that_ends_in_place_of_a_puback_is_blamed_on_the_oldest_publish(
    end: bytes, cut_off: tuple[str, bool] | None
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(bytes([0x20, 3, 0, 0, 0]))
        came = b""
        while b"second" not in came:
            came += await reader.read(4096)
        writer.write(end)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with peer(endpoint(port, "v1")) as ven:
            sent = [
                asyncio.create_task(ven.link.publish(topic, payload))
                for topic, payload in ((ACK, b"first"), (STATUS, b"second"))
            ]
            assert (await ven.next(LinkLost)).cut_off == cut_off
            ends = await asyncio.gather(*sent, return_exceptions=True)
            assert [type(one) for one in ends] == [SendFailed, SendFailed]


@pytest.mark.parametrize(("code", "barred"), [(0x87, True), (0x90, True), (0x88, False)])
async def test_a_connect_is_barred_where_the_broker_says_that_something_is_not_allowed(
    code: int, barred: bool
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(bytes([0x20, 3, 0, code, 0]))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ven = Peer(endpoint(port, "v1"), [CMD], LastWill(STATUS, lambda: b"gone"))
        ven.link.start()
        assert (await ven.next(LinkLost)).barred == barred
        await ven.link.stop()


async def test_every_connect_carries_a_will_of_its_own_time() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(4096))
        writer.write(bytes([0x20, 3, 0, 0, 0]))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port, times = server.sockets[0].getsockname()[1], count()
        will = LastWill(STATUS, lambda: b"gone at %d" % next(times))
        ven = Peer(endpoint(port, "v1"), [], will)
        renewed: list[object] = []
        ven.link.tell_renewals(renewed.append)
        ven.link.start()
        for _ in range(3):
            await ven.next(LinkUp)
            await ven.next(LinkLost)
        await ven.link.stop()
    said = [re.findall(rb"gone at \d+", one) for one in seen]
    assert said[:3] == [[b"gone at 0"], [b"gone at 1"], [b"gone at 2"]]
    assert renewed[-1] is ven.link.client and len(set(renewed)) == len(renewed) >= 2


async def test_a_message_of_any_bytes_arrives_and_one_nobody_can_take_costs_only_itself(
    broker: Mosquitto,
) -> None:
    heard: asyncio.Queue[News] = asyncio.Queue()

    def hear(news: News) -> None:
        heard.put_nowait(news)
        raise ZeroDivisionError

    link = Link(endpoint(broker.port, "v1"), [CMD], None, hear)
    link.start()
    async with asyncio.timeout(HANG_S):
        assert await heard.get() == LinkUp(resumed=False)
        for payload in (b"", bytes(range(256))):
            await link.publish(CMD, payload)
            message = await heard.get()
            assert isinstance(message, Message)
            assert message.payload == payload
            message.puback()
        broker.kill()
        assert isinstance(await heard.get(), LinkLost)
    await link.stop()


async def test_a_listener_that_trips_over_a_refusal_still_hears_that_the_link_is_up(
    broker: Mosquitto,
) -> None:
    heard: asyncio.Queue[News] = asyncio.Queue()

    def hear(news: News) -> None:
        heard.put_nowait(news)
        raise ZeroDivisionError

    link = Link(endpoint(broker.port, "v1"), ["ven/#/cmd"], None, hear)
    link.start()
    async with asyncio.timeout(HANG_S):
        assert isinstance(await heard.get(), Denied)
        assert await heard.get() == LinkUp(resumed=False)
    await link.stop()


async def test_being_stopped_is_told_once(broker: Mosquitto) -> None:
    async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
        await ven.link.stop()
        assert isinstance(await ven.change(), LinkLost)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ven.next(LinkLost)


async def test_a_subscription_without_an_answer_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("venctl.link.endpoint.ACK_TIMEOUT_S", 1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(bytes([0x20, 3, 0, 0, 0]))
        await reader.read(4096)
        second = await reader.read(4096)
        writer.write(bytes([0x90, 4, *second[2:4], 0, 1]))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with peer(endpoint(port, "v1"), [CMD]) as ven:
            assert ven.link.connected


async def test_stopping_does_not_wait_for_a_frozen_broker(broker: Mosquitto) -> None:
    ven = Peer(endpoint(broker.port, "v1"), [CMD], None)
    ven.link.start()
    await ven.next(LinkUp)
    broker.freeze()
    sent = asyncio.create_task(ven.link.publish(ACK, b"?"))
    await asyncio.sleep(0)
    await asyncio.wait_for(ven.link.stop(), HANG_S)
    with pytest.raises(SendFailed):
        await sent
    assert not ven.link.connected
