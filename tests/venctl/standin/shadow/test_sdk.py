"""The stand-in's shadows as AWS's own device SDK sees them: awscrt and IotShadowClientV2."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from awscrt import mqtt5
from awscrt import mqtt_request_response as request_response
from awsiot import ServiceStreamOptions, V2ServiceException, iotshadow

from venctl.standin.server import StandInServer

WITHIN_S = 10.0


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInServer]:
    one = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path_factory.mktemp("cloud"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def shadows(cloud: StandInServer) -> Iterator[Any]:
    connected, stopped = threading.Event(), threading.Event()
    client = mqtt5.Client(
        mqtt5.ClientOptions(
            host_name="127.0.0.1",
            port=cloud.mqtt_port,
            connect_options=mqtt5.ConnectPacket(client_id="sdk"),
            on_lifecycle_event_connection_success_fn=lambda _: connected.set(),
            on_lifecycle_event_stopped_fn=lambda _: stopped.set(),
        )
    )
    client.start()
    assert connected.wait(WITHIN_S)
    options = request_response.ClientOptions(
        max_request_response_subscriptions=4,
        max_streaming_subscriptions=2,
        operation_timeout_in_seconds=5,
    )
    yield iotshadow.IotShadowClientV2(client, options)
    client.stop(mqtt5.DisconnectPacket())
    assert stopped.wait(WITHIN_S)


def update(shadows: Any, thing: str, version: int | None = None, **state: Any) -> Any:
    request = iotshadow.UpdateShadowRequest(
        thing_name=thing, state=iotshadow.ShadowState(**state), version=version
    )
    return shadows.update_shadow(request).result(WITHIN_S)


def get(shadows: Any, thing: str) -> Any:
    return shadows.get_shadow(iotshadow.GetShadowRequest(thing_name=thing)).result(WITHIN_S)


def test_what_is_updated_is_got_with_its_delta(shadows: Any) -> None:
    taken = update(shadows, "t1", desired={"on": True}, reported={"on": False, "kw": 2.5})
    found = get(shadows, "t1")
    assert (taken.version, found.version) == (1, 1)
    assert found.state.desired == {"on": True}
    assert found.state.reported == {"on": False, "kw": 2.5}
    assert found.state.delta == {"on": True}


def test_a_nullable_section_is_cleared(shadows: Any) -> None:
    update(shadows, "t2", desired={"a": 1}, reported={"a": 1})
    update(shadows, "t2", desired=None, desired_is_nullable=True)
    state = get(shadows, "t2").state
    assert (state.desired, state.reported, state.delta) == (None, {"a": 1}, None)


def test_a_deleted_shadow_is_not_found_and_a_new_one_counts_on(shadows: Any) -> None:
    update(shadows, "t3", reported={"a": 1})
    gone = shadows.delete_shadow(iotshadow.DeleteShadowRequest(thing_name="t3")).result(WITHIN_S)
    with pytest.raises(V2ServiceException) as refusal:
        get(shadows, "t3")
    assert (gone.version, refusal.value.modeled_error.code) == (1, 404)
    assert refusal.value.modeled_error.message == "No shadow exists with name: 't3'"
    assert update(shadows, "t3", reported={"a": 2}).version == 3


def test_a_stale_version_is_a_conflict(shadows: Any) -> None:
    update(shadows, "t4", reported={"a": 1})
    with pytest.raises(V2ServiceException) as refusal:
        update(shadows, "t4", version=7, reported={"a": 2})
    error = refusal.value.modeled_error
    assert (error.code, error.message) == (409, "Version conflict")


def test_the_delta_stream_tells_all_that_differs(shadows: Any) -> None:
    heard: queue.Queue[Any] = queue.Queue()
    subscribed = threading.Event()
    stream = shadows.create_shadow_delta_updated_stream(
        iotshadow.ShadowDeltaUpdatedSubscriptionRequest(thing_name="t5"),
        ServiceStreamOptions(
            incoming_event_listener=heard.put,
            subscription_status_listener=lambda _: subscribed.set(),
            deserialization_failure_listener=heard.put,
        ),
    )
    stream.open()
    assert subscribed.wait(WITHIN_S)
    update(shadows, "t5", desired={"a": 1})
    update(shadows, "t5", desired={"b": 2})
    update(shadows, "t5", reported={"a": 1})
    told = [heard.get(timeout=WITHIN_S) for _ in range(3)]
    assert [(one.version, one.state) for one in told] == [
        (1, {"a": 1}),
        (2, {"a": 1, "b": 2}),
        (3, {"b": 2}),
    ]


def test_a_named_shadow_is_one_of_its_own(shadows: Any) -> None:
    update(shadows, "t6", reported={"classic": True})
    shadows.update_named_shadow(
        iotshadow.UpdateNamedShadowRequest(
            thing_name="t6", shadow_name="n1", state=iotshadow.ShadowState(reported={"n": 1})
        )
    ).result(WITHIN_S)
    request = iotshadow.GetNamedShadowRequest(thing_name="t6", shadow_name="n1")
    assert shadows.get_named_shadow(request).result(WITHIN_S).state.reported == {"n": 1}
    assert get(shadows, "t6").state.reported == {"classic": True}


def test_shadows_are_there_after_a_restart_of_the_stand_in(tmp_path: Path) -> None:
    first = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path)
    port = first.mqtt_port
    first.stop()
    first.stop()
    again = StandInServer.start(mqtt_port=port, data_port=0, folder=tmp_path)
    assert again.mqtt_port == port
    again.stop()
