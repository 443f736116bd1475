"""The end of a real `venctl run`: with its exit code, whatever still hangs by then."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.site import STEADY, Backend, Site, until
from tests.kit.simulated.faulty_panel import faulty, set_faults

CALL = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}
MANY = [f"c{number}" for number in range(40)]


def held(site: Site) -> set[str]:
    """The circuits that the devices of the panel hold."""
    panel = json.loads((site.folder / ".venctl" / "volttron_local" / "panel.json").read_text())
    return {id for id, device in panel.items() if device["hold_w"] is not None}


@pytest.mark.parametrize("fault", ["hang", "deaf", "thread"])
def test_a_call_that_never_ends_keeps_neither_load_nor_the_program(
    tmp_path: Path, fault: str
) -> None:
    site = Site(tmp_path, env=faulty(tmp_path)).start().connected()
    try:
        backend = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
        until(lambda: site.state()["power_kw"] == 10.0, "a reading")
        backend.ask(CALL)
        until(lambda: held(site) == {"heater1", "lights1", "misc1"}, "three that give")
        set_faults(tmp_path, {"heater1": {"hold": fault}})
        backend.close()
        assert site.stop() == 0
        assert held(site) == {"heater1"}
        assert "heater1 could not be released: no answer within 1 s" in site.said()
    finally:
        site.close()


def test_calls_that_sit_in_every_thread_hold_up_neither_an_edit_nor_the_end(tmp_path: Path) -> None:
    """Our own work has threads of its own: asyncio's are fewer than the circuits of a site."""
    broker = Mosquitto(tmp_path, None, "")
    cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {broker.port}, shadow: serve}}"
    circuits = "".join(f"  {id}: {{rated: 100 W, shed: 100 %}}\n" for id in MANY)
    text = STEADY.replace("cloud: {kind: local}", cloud, 1)
    text = text.replace("circuits:\n", f"circuits:\n{circuits}", 1)
    site = Site(tmp_path, text, faulty(tmp_path))
    set_faults(tmp_path, {id: {"hold": "thread"} for id in MANY})
    try:
        site.start().connected()
        assert site.venctl("reload").returncode == 0
        assert site.stop() == 0
        missed = [id for id in MANY if f"{id} could not be released" not in site.said()]
        assert missed == []
    finally:
        site.close()
        broker.kill()


def test_a_start_that_is_refused_ends_though_a_call_is_under_way(tmp_path: Path) -> None:
    site = Site(tmp_path, env=faulty(tmp_path))
    set_faults(tmp_path, {"heater1": {"hold": "thread"}})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = site.venctl("run", "--port", port, "--mqtt-port", "0", "--data-port", "0")
    assert done.returncode == 2
    assert f"the page cannot listen on 127.0.0.1:{port}" in done.stderr
