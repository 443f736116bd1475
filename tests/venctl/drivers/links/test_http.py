"""The HTTP link against real sockets: its limits, and what it makes of what devices answer."""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import HttpRequest, Publish
from tests.kit.devices.counting_http import Asked, CountingHttp, Reply
from tests.kit.devices.hand_clocks import HandClocks
from tests.kit.devices.strangers.servers import black_hole
from tests.kit.mqtt.certificates import Authority
from tests.kit.mqtt.mosquitto import free_port
from venctl.drivers.links import DeviceLink, LinkFault, open_link
from venctl.drivers.links.http import HttpLink

STATUS = HttpRequest("GET", "/rpc/Switch.GetStatus?id=0")
# A Shelly Plus 1PM's own, from the fixtures of aioshelly.
PLUS_1PM = '{"id":0,"source":"WS_in","output":false,"apower":0.0,"voltage":232.8,"current":0.0}'
OFF = HttpRequest("POST", "/rpc", json.dumps({"id": 1, "method": "Switch.Set"}))


@pytest.fixture
async def device() -> AsyncIterator[CountingHttp]:
    async with CountingHttp() as one:
        yield one


@pytest.fixture
async def link(device: CountingHttp) -> AsyncIterator[DeviceLink]:
    one = linked(device.address)
    yield one
    await one.close()


def linked(to: str, beside: Path = Path(), **settings: str) -> DeviceLink:
    return open_link(LinkDeclaration("http", to, settings), lambda reference: "s3cret", beside)


def by_hand(device: CountingHttp, clock: HandClocks) -> HttpLink:
    return HttpLink(LinkDeclaration("http", device.address), str, Path(), clock)


async def fault_of(asking: object) -> LinkFault:
    with pytest.raises(LinkFault) as caught:
        await asking  # type: ignore[misc]
    return caught.value


async def test_what_the_device_answers_is_handed_on_as_text(
    device: CountingHttp, link: DeviceLink
) -> None:
    device.always(Reply(PLUS_1PM))
    answer = await link.ask(STATUS)
    assert (answer.raw, answer.age_ms) == (PLUS_1PM, 0)
    assert (device.asked[0].method, device.asked[0].path) == ("GET", "/rpc/Switch.GetStatus?id=0")
    assert (link.state().up, link.state().errors) == (True, 0)


async def test_an_order_is_sent_with_its_body(device: CountingHttp, link: DeviceLink) -> None:
    device.always(Reply('{"id":1,"result":{"was_on":true}}'))
    await link.tell(OFF)
    assert device.asked[0].body == OFF.body
    assert device.asked[0].headers["content-type"] == "application/json"


async def test_failure_25_fifty_circuits_on_one_host_share_one_connection_and_ask_in_turn(
    device: CountingHttp, link: DeviceLink
) -> None:
    async def slowly(asked: Asked) -> Reply:
        await asyncio.sleep(0.001)
        return Reply()

    device.answer = slowly
    await asyncio.gather(*(link.ask(HttpRequest("GET", f"/{n}")) for n in range(50)))
    assert (device.connections, device.most_at_once, len(device.asked)) == (1, 1, 50)


async def test_rule_7_an_order_overtakes_the_queries_that_wait(
    device: CountingHttp, link: DeviceLink
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def held(asked: Asked) -> Reply:
        begun.set()
        await go_on.wait()
        return Reply()

    device.answer = held
    queries = [asyncio.create_task(link.ask(HttpRequest("GET", f"/{n}"))) for n in range(3)]
    await begun.wait()
    order = asyncio.create_task(link.tell(HttpRequest("GET", "/relay/0?turn=off")))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(order, *queries)
    assert [asked.path for asked in device.asked] == ["/0", "/relay/0?turn=off", "/1", "/2"]


async def test_rule_5_a_mute_device_is_given_up_and_its_connection_closed(
    device: CountingHttp, link: DeviceLink
) -> None:
    async def never(asked: Asked) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    device.answer = never
    fault = await fault_of(link.ask(STATUS))
    assert str(fault) == f"{device.address} gave no answer within 2 s"
    await device.until_closed()
    device.always(Reply(PLUS_1PM))
    assert (await link.ask(STATUS)).raw == PLUS_1PM
    assert device.most_open == 1


async def test_failure_9_a_cancelled_request_closes_its_connection_and_the_next_is_right(
    device: CountingHttp, link: DeviceLink
) -> None:
    begun = asyncio.Event()

    async def late(asked: Asked) -> Reply:
        begun.set()
        await asyncio.sleep(0.05 if asked.path == "/old" else 0)
        return Reply(f'"{asked.path}"')

    device.answer = late
    old = asyncio.create_task(link.ask(HttpRequest("GET", "/old")))
    await begun.wait()
    old.cancel()
    with pytest.raises(asyncio.CancelledError):
        await old
    assert (await link.ask(HttpRequest("GET", "/new"))).raw == '"/new"'
    await device.until_closed()
    assert device.connections == 2


async def test_who_gives_up_waiting_leaves_the_connection_to_the_others(
    device: CountingHttp, link: DeviceLink
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def held(asked: Asked) -> Reply:
        begun.set()
        await go_on.wait()
        return Reply()

    device.answer = held
    first = asyncio.create_task(link.ask(STATUS))
    await begun.wait()
    second = asyncio.create_task(link.ask(HttpRequest("GET", "/second")))
    await asyncio.sleep(0)
    second.cancel()
    go_on.set()
    await first
    await link.ask(HttpRequest("GET", "/third"))
    assert [asked.path for asked in device.asked] == [STATUS.path, "/third"]
    assert device.connections == 1


async def test_nobody_at_that_address_is_a_fault_in_words() -> None:
    link = linked(f"127.0.0.1:{(port := free_port())}")
    fault = await fault_of(link.ask(STATUS))
    assert str(fault) == f"127.0.0.1:{port} refuses the connection"
    assert (link.state().up, link.state().fault) == (False, str(fault))
    await link.close()


async def test_queries_that_wait_for_an_absent_host_do_not_each_try_for_themselves() -> None:
    link = linked("no-such-host.invalid")
    faults = await asyncio.gather(*(fault_of(link.ask(STATUS)) for _ in range(12)))
    assert {str(fault) for fault in faults} == {
        "no-such-host.invalid is a name that nobody here knows"
    }
    await link.close()


async def test_an_idle_connection_that_the_device_closed_costs_no_order(
    device: CountingHttp, link: DeviceLink
) -> None:
    await link.ask(STATUS)
    device.drop()
    await link.tell(OFF)
    assert device.asked[-1].body == OFF.body


async def test_a_device_that_hangs_up_is_a_fault(device: CountingHttp, link: DeviceLink) -> None:
    device.always(None)
    fault = await fault_of(link.tell(OFF))
    assert str(fault).startswith(device.address)
    assert not fault.lasting


@pytest.mark.parametrize(
    "long",
    [
        Reply("x" * 65_537),
        Reply("x" * 1_000_000, endless=True),
        Reply("x", length=10_000_000),
    ],
)
async def test_an_answer_longer_than_64_kib_is_refused(
    device: CountingHttp, link: DeviceLink, long: Reply
) -> None:
    device.always(long)
    fault = await fault_of(link.ask(STATUS))
    assert str(fault).endswith("/rpc/Switch.GetStatus is longer than 64 KiB")
    device.always(Reply("x" * 65_536))
    assert len((await link.ask(STATUS)).raw) == 65_536


async def test_a_redirect_is_not_followed(device: CountingHttp, link: DeviceLink) -> None:
    device.always(Reply("", 302, {"Location": f"http://{device.address}/elsewhere"}))
    fault = await fault_of(link.ask(STATUS))
    assert "elsewhere, which is not followed" in str(fault)
    assert len(device.asked) == 1


async def test_a_proxy_of_the_environment_is_not_used(
    device: CountingHttp, link: DeviceLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    await link.ask(STATUS)


@pytest.mark.parametrize("path", ["@evil.example/x", "http://evil.example/", "", ":80/x"])
async def test_a_path_never_leads_to_another_host(
    device: CountingHttp, link: DeviceLink, path: str
) -> None:
    fault = await fault_of(link.ask(HttpRequest("GET", path)))
    assert fault.lasting
    assert not device.asked


@pytest.mark.parametrize("path", ["//evil.example/x", "/a b\r\nX-Evil: 1", "/cm?cmnd=Status%208"])
async def test_odd_paths_stay_one_request_to_the_declared_host(
    device: CountingHttp, link: DeviceLink, path: str
) -> None:
    await link.ask(HttpRequest("GET", path))
    assert len(device.asked) == 1
    assert "x-evil" not in device.asked[0].headers
    assert path[-4:] != "%208" or device.asked[0].path == path


async def test_rule_20_a_refusal_is_told_in_the_devices_own_words(
    device: CountingHttp, link: DeviceLink
) -> None:
    device.always(Reply('{"message": "Entity not found."}', 404))
    fault = await fault_of(link.ask(HttpRequest("GET", "/api/states/switch.pmup")))
    assert str(fault) == (
        f"{device.address} answers 404 Not Found to GET /api/states/switch.pmup: "
        '{"message": "Entity not found."}'
    )
    assert not fault.lasting
    assert link.state().up is True


async def test_rule_20_an_order_that_fails_by_json_rpc_with_http_200_is_a_fault(
    device: CountingHttp, link: DeviceLink
) -> None:
    # DOC of Shelly Gen 2: the answer to a channel that does not exist.
    error = {"code": -105, "message": "Argument 'id', value 5 not found!"}
    device.always(Reply(json.dumps({"id": 1, "src": "shellyplus1pm-a8032ab12345", "error": error})))
    fault = await fault_of(link.tell(OFF))
    assert str(fault) == f"{device.address} refuses POST /rpc: Argument 'id', value 5 not found!"


async def test_a_query_that_fails_by_json_rpc_is_left_to_the_extraction(
    device: CountingHttp, link: DeviceLink
) -> None:
    device.always(Reply('{"error":{"code":-105,"message":"not found"}}'))
    assert "not found" in str((await link.ask(STATUS)).raw)


@pytest.mark.parametrize("status", [401, 403])
async def test_rule_20_a_refused_password_is_not_tried_again_within_a_minute(
    device: CountingHttp, status: int
) -> None:
    clock = HandClocks()
    link = by_hand(device, clock)
    device.always(Reply("", status))
    assert (await fault_of(link.tell(OFF))).lasting
    for _ in range(59):
        clock.now_ms += 1000
        assert (await fault_of(link.tell(OFF))).lasting
    assert len(device.asked) == 1
    clock.now_ms += 1000
    await fault_of(link.tell(OFF))
    assert len(device.asked) == 2
    await link.close()


async def test_a_refused_password_holds_for_all_and_a_forbidden_path_for_itself(
    device: CountingHttp,
) -> None:
    for status, asked in ((401, 1), (403, 2)):
        link, before = by_hand(device, HandClocks()), len(device.asked)
        device.always(Reply("", status))
        await fault_of(link.ask(HttpRequest("GET", "/one")))
        await fault_of(link.ask(HttpRequest("GET", "/two")))
        assert len(device.asked) - before == asked
        await link.close()


async def test_failure_17_a_device_that_answers_429_each_second_time_is_paced_down_to_a_minute(
    device: CountingHttp,
) -> None:
    clock = HandClocks()
    link = by_hand(device, clock)
    device.always(Reply(PLUS_1PM), Reply("", 429))
    asked_at: list[int] = []
    for _ in range(720):  # an hour at the pace of a Shelly
        before = len(device.asked)
        try:
            await link.ask(STATUS)
        except LinkFault as fault:
            assert not fault.lasting
        asked_at += [clock.now_ms] * (len(device.asked) - before)
        clock.now_ms += 5_000
    gaps = [after - before for before, after in itertools.pairwise(asked_at)]
    assert max(gaps) == 60_000
    assert len(asked_at) < 90
    assert link.state().pace_ms > 30_000
    device.always(Reply(PLUS_1PM))
    for _ in range(720):
        clock.now_ms += 5_000
        try:
            await link.ask(STATUS)
        except LinkFault:
            continue
    assert link.state().pace_ms == 0
    await link.close()


async def test_retry_after_is_honoured_and_an_order_goes_through(device: CountingHttp) -> None:
    clock = HandClocks()
    link = by_hand(device, clock)
    device.always(Reply("", 503, {"Retry-After": "30"}))
    await fault_of(link.ask(STATUS))
    device.always(Reply(PLUS_1PM))
    clock.now_ms += 29_000
    assert "is left alone for 1 s" in str(await fault_of(link.ask(STATUS)))
    await link.tell(OFF)
    clock.now_ms += 1_000
    assert (await link.ask(STATUS)).raw == PLUS_1PM
    await link.close()


async def test_a_password_is_sent_as_basic_and_a_token_as_bearer(device: CountingHttp) -> None:
    for settings, sent in (
        ({"username": "me", "password": "env:A"}, "Basic bWU6czNjcmV0"),
        ({"password": "env:A", "auth": "bearer"}, "Bearer s3cret"),
        ({"token": "env:A"}, "Bearer s3cret"),
    ):
        link = linked(device.address, **settings)
        await link.ask(STATUS)
        assert device.asked[-1].headers["authorization"] == sent
        await link.close()


async def test_a_shelly_with_a_password_is_asked_by_digest(device: CountingHttp) -> None:
    challenge = 'Digest qop="auth", realm="shellyplus1pm", nonce="60dc2c6f", algorithm=SHA-256'

    async def guarded(asked: Asked) -> Reply:
        if "authorization" not in asked.headers:
            return Reply("", 401, {"WWW-Authenticate": challenge})
        return Reply(PLUS_1PM)

    device.answer = guarded
    link = linked(device.address, auth="digest", username="admin", password="env:A")
    assert (await link.ask(STATUS)).raw == PLUS_1PM
    sent = device.asked[-1].headers["authorization"]
    assert 'username="admin"' in sent and "algorithm=SHA-256" in sent and "s3cret" not in sent
    await link.ask(STATUS)
    assert len(device.asked) == 3, "the second query knows the challenge already"
    await link.close()


async def test_a_secret_that_cannot_be_read_is_a_fault_and_no_request(device: CountingHttp) -> None:
    def secrets(reference: str) -> str:
        raise ValueError("the environment variable WORD is not set")

    link = open_link(LinkDeclaration("http", device.address, {"password": "env:WORD"}), secrets)
    fault = await fault_of(link.ask(STATUS))
    assert str(fault) == "password: the environment variable WORD is not set"
    assert fault.lasting
    assert not device.asked


async def test_https_trusts_the_own_ca_and_no_stranger(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    pair = ours.server("device", host="127.0.0.1", days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    async with CountingHttp(context) as device:
        good = linked(f"https://{device.address}", tmp_path, ca=ours.ca.name)
        assert (await good.ask(STATUS)).raw == "{}"
        await good.close()
        wrong = linked(f"https://{device.address}", tmp_path, ca=other.ca.name)
        assert "has a certificate that is not trusted" in str(await fault_of(wrong.ask(STATUS)))
        await wrong.close()
        absent = linked(f"https://{device.address}", tmp_path, ca="none.pem")
        assert "none.pem cannot be read" in str(await fault_of(absent.ask(STATUS)))


async def test_a_request_of_another_protocol_is_refused(link: DeviceLink) -> None:
    assert (await fault_of(link.tell(Publish("a", "b")))).lasting


@pytest.mark.parametrize("to", ["", "http://", "ftp://host", "host:99999", "http://me:word@host"])
def test_an_address_that_is_none_is_refused_without_the_password_in_it(to: str) -> None:
    with pytest.raises(LinkFault) as caught:
        linked(to)
    assert "word@" not in str(caught.value)


async def test_rule_5_a_host_that_swallows_connections_is_given_up_after_a_second() -> None:
    with black_hole() as port:
        link = linked(f"127.0.0.1:{port}")
        async with asyncio.timeout(1.9):  # an answer would be waited for longer
            fault = await fault_of(link.ask(STATUS))
    assert "does not answer" in str(fault)
    assert fault.away
    await link.close()
