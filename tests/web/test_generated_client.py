"""A client that somebody else's generator makes of the API's document, against the real page."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer, unused_port

from tests.kit.core.contract import described
from tests.kit.core.web_controller import START_MS, WebController, site
from tests.kit.paths import ROOT
from web.app import access_for, make_app

NAME, TOKEN = "a_generated_client", "a-token-nobody-guesses"


def tunnel() -> dict[str, str]:
    """Whoever comes so is asked for the token. A client writes its own into what it is given."""
    return {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The client, generated without a warning and imported."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(described()), "utf-8")
    (folder / "config.yaml").write_text("post_hooks: []\n", "utf-8")
    order = [*("generate", "--path", "openapi.json", "--config", "config.yaml")]
    order += ["--meta", "none", "--output-path", NAME, "--fail-on-warning"]
    command = [sys.executable, "-m", "openapi_python_client", *order]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


@pytest.fixture
def models(made: ModuleType) -> ModuleType:
    """The bodies, as classes."""
    return importlib.import_module(f"{NAME}.models")


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """The address of a page over the sample site."""
    port, desk = unused_port(), WebController(site())
    app = make_app(desk, access_for("127.0.0.1", port, (), {}, TOKEN))
    async with TestClient(TestServer(app, port=port)) as opened:
        yield str(opened.make_url("")).rstrip("/")


@pytest.fixture
async def here(made: ModuleType, page: str) -> AsyncIterator[Any]:
    """A client on the same machine."""
    async with made.Client(base_url=page) as client:
        yield client


def call(tag: str, operation: str) -> Callable[..., Any]:
    """The function that the generator made of an operation."""
    return importlib.import_module(f"{NAME}.api.{tag}.{operation}").asyncio


def test_every_operation_is_a_function_and_every_body_a_class(models: ModuleType) -> None:
    document = described()
    for methods in document["paths"].values():
        for one in methods.values():
            module = importlib.import_module(f"{NAME}.api.{one['tags'][0]}.{one['operationId']}")
            assert callable(module.asyncio_detailed)
    assert set(document["components"]["schemas"]) <= set(models.__all__)


async def test_the_document_is_the_one_that_is_served(here: Any) -> None:
    served = await here.get_async_httpx_client().get("/api/v1/openapi.json")
    assert served.json() == described()


async def test_the_state_comes_as_objects(models: ModuleType, here: Any) -> None:
    state = await call("site", "get_state")(client=here)
    assert isinstance(state, models.State)
    assert (state.power_kw, state.mode, state.t) == (10.0, "act", START_MS / 1000)
    heater = state.circuits[0]
    assert isinstance(heater, models.Circuit)
    assert (heater.name, heater.control, heater.back_at) == ("Heater", "modulating", None)


async def test_a_circuit_is_switched(models: ModuleType, here: Any) -> None:
    body = models.CircuitChange(enabled=False)
    heater = await call("circuits", "switch_circuit")("heater1", client=here, body=body)
    assert isinstance(heater, models.CircuitDone)
    assert (heater.enabled, heater.power_kw) == (False, 0.0)
    again = await call("circuits", "get_circuit")("heater1", client=here)
    assert again.switched_by == "page"


async def test_an_event_is_previewed_called_with_the_token_and_restored(
    made: ModuleType, models: ModuleType, page: str
) -> None:
    async with made.AuthenticatedClient(base_url=page, token=TOKEN, headers=tunnel()) as client:
        preview = await call("site", "get_preview")(client=client, shed_kw=2.0, duration_s=300.0)
        assert preview.rev == "heater1:1500,lights1:280,misc1:220"
        body = models.EventCall(shed_kw=2.0, duration_s=300.0, plan_rev=preview.rev)
        key = "0123456789abcdef"
        ack = await call("events", "create_event")(client=client, body=body, idempotency_key=key)
        assert isinstance(ack, models.Ack)
        assert (ack.status, ack.actual_shed_kw) == (models.Status.ACCEPTED, 2.0)
        assert [one.id for one in ack.circuits_curtailed] == ["heater1", "lights1", "misc1"]
        event = await call("events", "get_event")(ack.event_id, client=client)
        assert (event.source, event.delivery) == ("page", "achieved")
        ended = await call("events", "restore_event")(
            ack.event_id, client=client, body=models.End(reason="it is cold")
        )
        assert ended.status == models.Status.SUCCESS


async def test_without_the_token_it_hears_a_problem(
    made: ModuleType, models: ModuleType, page: str
) -> None:
    async with made.Client(base_url=page, headers=tunnel()) as client:
        body = models.EventCall(shed_kw=2.0)
        problem = await call("events", "create_event")(client=client, body=body)
        assert isinstance(problem, models.Problem)
        assert (problem.status, problem.code) == (401, "token-required")


async def test_a_refusal_is_a_problem_with_the_cores_reason(models: ModuleType, here: Any) -> None:
    body = models.EventCall(shed_kw=2.0, duration_s=20_000.0)
    problem = await call("events", "create_event")(client=here, body=body)
    assert isinstance(problem, models.Problem)
    assert (problem.status, problem.reason) == (409, models.Reason.LIMIT)
    wrong = models.EventCall(shed_kw=2.0, start_at="tomorrow")
    problem = await call("events", "create_event")(client=here, body=wrong)
    assert (problem.status, problem.errors[0].pointer) == (422, "/start_at")
    problem = await call("circuits", "get_circuit")("nobody", client=here)
    assert (problem.status, problem.code) == (404, "not-found")


async def test_a_command_is_answered_with_its_ack(models: ModuleType, here: Any) -> None:
    send = call("site", "send_command")
    loads = models.CommandData(what=models.CommandDataWhat.LOADS)
    ack = await send(client=here, body=models.Command(op=models.CommandOp.GET, data=loads))
    assert isinstance(ack.data[0], models.Load) and ack.data[0].load_id == "heater1"
    status = await send(client=here, body=models.Command(op=models.CommandOp.GET))
    assert isinstance(status.data, models.Measured) and status.data.power_kw == 10.0
    lost = models.Command(op=models.CommandOp.SETLOAD, load_id="nobody", enabled=True)
    refused = await send(client=here, body=lost)
    assert isinstance(refused, models.Ack)
    assert (refused.ok, refused.reason) == (False, models.Reason.NOT_FOUND)


async def test_the_example_of_the_document_does_as_it_says(
    made: ModuleType, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/api.md").read_text("utf-8"), re.S)
    example = example.replace("ven_client", NAME).replace("http://127.0.0.1:8080", page)
    await asyncio.to_thread(exec, example, {})
    state, event = capsys.readouterr().out.splitlines()
    assert state == "Maple Street 12 draws 10.0 kW"
    assert event.startswith("evt-") and event.endswith(" sheds 2.0 kW")


async def test_what_takes_no_fields_takes_an_empty_object(models: ModuleType, here: Any) -> None:
    brought = await call("site", "reload")(client=here, body=models.Nothing())
    assert isinstance(brought, models.Reload) and brought.lines == ["nothing changes"]
    back = await call("site", "all_back")(client=here, body=models.End())
    assert back.ok
    signed_in = importlib.import_module(f"{NAME}.api.session.sign_in").asyncio_detailed
    answer = await signed_in(client=here, body=models.Token(token=TOKEN))
    assert answer.status_code == 204 and "ven_session" in answer.headers["Set-Cookie"]
