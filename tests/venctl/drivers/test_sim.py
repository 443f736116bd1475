"""The modelled panel as a driver: it draws as in a simulated day, and its file ends no start."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.state.effects import Hold, Switch
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.depth import examples
from tests.kit.harness import Harness
from venctl.drivers.sim import SimPanel

CONTROLS = """
site: {id: v, service: 24 kW, unmetered: 1.3 kW}
circuits:
  dimmed: {rated: 1.5 kW, shed: 100 %}
  relay:  {rated: 2 kW, shed: 100 %, control: relay}
  pilot:  {rated: 7.2 kW, shed: 100 %, type: ev, control: ev_pilot}
  cycle:  {rated: 3 kW, shed: 50 %, type: hvac, control: duty_cycle}
  none:   {rated: 0.8 kW, control: none}
  off:    {rated: 0.5 kW, type: fridge, enabled: false}
"""
IDS = list(site(CONTROLS).circuits)
circuits = st.sampled_from(IDS)
STEPS = st.lists(
    st.tuples(st.just("hold"), circuits, st.none() | st.integers(0, 8_000), st.integers(0, 200))
    | st.tuples(st.just("switch"), circuits, st.booleans(), st.just(0))
    | st.tuples(st.just("wait"), st.just(""), st.none(), st.integers(0, 2_000)),
    max_size=20,
)


# -- one panel for all ----------------------------------------------------------------------------


@settings(max_examples=examples(60), deadline=None)
@given(STEPS, st.sampled_from(["steady", "drift", "cycling"]), st.integers(0, 9))
def test_run_simulate_and_the_tests_draw_the_same_to_the_watt(
    steps: list[tuple[str, str, int | bool | None, int]], load: str, seed: int
) -> None:
    spec = site(f"sim: {{load: {load}, seed: {seed}}}\n{CONTROLS}")
    play = Play(spec, Scenario())
    played, start_ms, ms = play.breakers, play.start_ms, 0
    harness = Harness(spec)
    harness.ms = harness.offset_ms = start_ms
    harness.panel.loads = played.loads  # a harness alone draws steadily
    with TemporaryDirectory() as folder:
        run = SimPanel(spec, Path(folder), lambda: start_ms + ms)
        for what, id, value, seconds in steps:
            if what == "wait":
                ms += seconds * 1_000
                harness.ms = start_ms + ms
            elif what == "hold":
                until_ms = ms + seconds * 1_000
                asyncio.run(run.hold(id, value, start_ms + until_ms))
                played.hold(id, value, until_ms)
                harness.do(Hold(id, value, start_ms + until_ms))
            else:
                asyncio.run(run.switch(id, bool(value)))
                played.switch(id, bool(value))
                harness.do(Switch(id, bool(value)))
            simulated = played.readings(ms)
            assert dict(asyncio.run(run.readings())) == simulated
            assert harness.panel.readings(harness.clocks()[1]) == simulated
            assert run.unmetered_w() == played.loads.unmetered_w(ms)


HELD_W = [
    ("dimmed", 400, 400), ("dimmed", 0, 0), ("dimmed", 9_000, 1_500),
    ("relay", 0, 0), ("relay", 1, 2_000), ("relay", 1_999, 2_000),
    ("pilot", 3_000, 3_000), ("pilot", 1_439, 0), ("pilot", 1_440, 1_440), ("pilot", 0, 0),
    ("cycle", 1_500, 1_500), ("cycle", 0, 0),
    ("none", 0, 800), ("none", 300, 800),
    ("off", 100, 0),
]  # fmt: skip


@pytest.mark.parametrize(("circuit", "hold_w", "drawn_w"), HELD_W)
async def test_what_is_held_draws_as_its_kind_of_control_can(
    tmp_path: Path, circuit: str, hold_w: int, drawn_w: int
) -> None:
    """By hand: a relay is on or off, a car charges from 6 A at 240 V, `none` obeys nothing."""
    spec = site(f"sim: {{load: steady}}\n{CONTROLS}")
    now_ms = 1_000
    panel = SimPanel(spec, tmp_path, lambda: now_ms)
    await panel.hold(circuit, hold_w, 2_000)
    assert (await panel.readings())[circuit] == drawn_w
    now_ms = 2_000
    free_w = spec.circuits[circuit].rated * spec.circuits[circuit].enabled
    assert (await panel.readings())[circuit] == free_w, "the lease has run out"


# -- its file -------------------------------------------------------------------------------------

SITE = site(MAPLE)


def sim(folder: Path) -> SimPanel:
    return SimPanel(SITE, folder, lambda: 1_000)


async def test_a_disk_that_refuses_stops_no_breaker_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    panel = sim(tmp_path)
    (tmp_path / "panel.json").mkdir()
    for _ in range(3):
        await panel.hold("heater1", 0, 10_000)
    assert (await panel.readings())["heater1"] == 0
    assert len([r for r in caplog.records if "cannot be written" in r.getMessage()]) == 1
    (tmp_path / "panel.json").rmdir()
    await panel.switch("heater1", False)
    kept = json.loads((tmp_path / "panel.json").read_text())
    assert kept["heater1"] == {"on": False, "hold_w": 0, "until_ms": 10_000}


@pytest.mark.parametrize(
    "raw",
    [b"[]", b"7", b"null", b"\xff\x00\x80", b"{", b"[" * 100_000, b'{"heater1": 7}',
     b'{"heater1": {}}', b'{"heater1": {"on": "yes", "hold_w": null, "until_ms": 0}}',
     b'{"heater1": {"on": true, "hold_w": NaN, "until_ms": 0}}',
     b'{"heater1": {"on": true, "hold_w": null, "until_ms": "soon"}}'],
)  # fmt: skip
async def test_a_panel_file_of_another_shape_ends_no_start(
    tmp_path: Path, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "panel.json").write_bytes(raw)
    panel = sim(tmp_path)
    assert (await panel.readings())["heater1"] == 1_500
    assert len(caplog.records) == 1, "and it is told once"
    await panel.hold("heater1", 0, 10_000)
    assert (await sim(tmp_path).readings())["heater1"] == 0


async def test_breakers_that_nobody_names_stay_on_the_wall(tmp_path: Path) -> None:
    pump = {"on": True, "hold_w": 0, "until_ms": 5}
    (tmp_path / "panel.json").write_text(json.dumps({"pump1": pump, "odd": [1]}))
    panel = sim(tmp_path)
    await panel.switch("heater1", False)
    kept = json.loads((tmp_path / "panel.json").read_text())
    assert kept["pump1"] == pump and kept["odd"] == [1]
    await panel.hold("odd", None, 0)
