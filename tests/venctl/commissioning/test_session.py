"""`circuits test` on a wired house whose truth is known, in time that only seems to pass."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from statemachine.state.memory import initial_memory
from tests.kit.simulated.skipping import run
from tests.kit.simulated.wired_fakes import clocks
from tests.kit.simulated.wired_site import Plug, Wired, meter, plug
from venctl.commissioning.bench import Bench
from venctl.commissioning.results import LastTest, keep, last_tests, results_line
from venctl.commissioning.session import SiteTest, Wishes
from venctl.commissioning.unfinished import NAME, SwitchedOff, Unfinished

ALL = Wishes()
CATALOG = {"plug": plug(), "meter": meter()}


@dataclass
class Played:
    """What a test printed and found, and how long it took."""

    lines: list[str] = field(default_factory=list)
    results: dict[str, LastTest] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    took_s: float = 0

    @property
    def grades(self) -> dict[str, str]:
        return {id: one.grade for id, one in self.results.items()}

    def said(self, id: str) -> str:
        return "; ".join(self.results[id].findings)


def play(
    wired: Wired,
    folder: Path,
    wishes: Wishes = ALL,
    meanwhile: Callable[[asyncio.Task[None]], None] | None = None,
    catalog: object = None,
    **lines: str,
) -> Played:
    """Play `circuits test`; `meanwhile` may do something to the house, or end the test."""
    played = Played()

    async def story() -> None:
        spec = wired.spec(**lines)
        bench = Bench(spec, catalog or CATALOG, wired.open_link, clocks, {})  # type: ignore[arg-type]
        session = SiteTest(bench, initial_memory(spec), folder, wishes, played.lines.append)
        session.results, session.skipped = played.results, played.skipped

        async def whole() -> None:
            note = Unfinished(folder)
            await session.restore(note)
            await session.run(note)

        task = asyncio.create_task(whole())
        if meanwhile is not None:
            meanwhile(task)
        await asyncio.wait({task})
        played.took_s = asyncio.get_running_loop().time()
        if not task.cancelled() and (error := task.exception()):
            raise error

    run(story())
    return played


def test_a_good_circuit_is_ok_and_stands_as_before(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(1_482)})
    played = play(wired, tmp_path)
    assert played.grades == {"a": "ok"}
    assert wired.plugs["a"].said_on and wired.plugs["a"].back_s is None
    assert any("own meter 1,482 -> 0 W" in line and line.endswith("ok") for line in played.lines)
    assert any("main meter 2,182 -> 700 W (-1,482)" in line for line in played.lines)
    result = played.results["a"]
    assert (result.model, result.firmware) == ("P1", "1.1")
    assert result.told_ms == 30 and result.seen_ms is not None and result.meter_ms is not None


def test_exchanged_meters_are_named_both(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(2_010, sees="b"), "b": Plug(900, sees="a")})
    played = play(wired, tmp_path)
    assert played.grades == {"a": "failed", "b": "failed"}
    assert "b's fell by 2,010 W: the two are exchanged" in played.said("a")
    assert "a's fell by 900 W: the two are exchanged" in played.said("b")


def test_a_mute_device_is_told_but_not_seen_and_the_rest_is_tested(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(1_000, fault="mute"), "b": Plug(800)})
    played = play(wired, tmp_path)
    assert played.grades == {"a": "failed", "b": "ok"}
    assert any("NOT SEEN in 10 s" in line and line.endswith("FAILED") for line in played.lines)


@pytest.mark.parametrize(
    ("fault", "grade", "words"),
    [("stuck", "failed", "contact does not open"), ("dead", "failed", "does not answer")],
)
def test_a_device_that_does_not_do_it_fails(
    tmp_path: Path, fault: str, grade: str, words: str
) -> None:
    played = play(Wired({"a": Plug(1_000, fault=fault)}), tmp_path)
    assert played.grades == {"a": grade}
    assert words in played.said("a")


def test_a_reversed_meter_and_a_reversed_main_meter_are_called_so(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(1_000, turned=True), "b": Plug(700)}, main_turned=True)
    played = play(wired, tmp_path)
    assert played.grades == {"a": "failed", "b": "failed"}
    assert "the meter is reversed" in played.said("a")
    assert played.said("b") == "the main meter rose by 700 W when it went off: it is reversed"


def test_a_wrong_setting_is_a_warning_that_says_what_happens_otherwise(tmp_path: Path) -> None:
    played = play(Wired({"a": Plug(1_000, initial="off")}), tmp_path)
    assert played.grades == {"a": "warning"}
    assert played.said("a") == "initial is off: it stays off"


def test_one_circuit_at_a_time_and_none_longer_than_a_minute(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900), "b": Plug(800, fault="stuck"), "c": Plug(700, sees="a")})
    play(wired, tmp_path)
    spans = sorted(span for one in wired.plugs.values() for span in one.off_spans)
    assert all(len(span) == 2 and span[1] - span[0] < 60 for span in spans)
    assert all(ended + 10 <= begun for (_, ended), (begun, _) in pairwise(spans))


def test_every_off_carries_its_end(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900)})
    play(wired, tmp_path)
    assert [what for _, what in wired.plugs["a"].writes] == ["60", "on"]


def test_read_only_switches_nothing(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900), "b": Plug(800, initial="off")})
    played = play(wired, tmp_path, Wishes(read_only=True))
    assert not wired.plugs["a"].writes and not wired.plugs["b"].writes
    assert played.grades == {"b": "warning"}


def test_protected_circuits_are_switched_only_if_they_are_named(tmp_path: Path) -> None:
    plugs = {id: Plug(900) for id in ("a", "b", "c", "d")}
    lines = {"a": ", critical: true", "b": ", comes_back: by_hand", "c": ", min_off: 5 min"}
    wired = Wired(plugs)
    played = play(wired, tmp_path, **lines)
    assert set(played.grades) == {"d"}
    assert "add --also a" in played.skipped["a"] and "min_off" in played.skipped["c"]
    again = play(Wired({id: Plug(900) for id in plugs}), tmp_path, Wishes(also=["a", "c"]), **lines)
    assert set(again.grades) == {"a", "d"}, "min_off holds whatever is named"


def test_a_circuit_stays_off_for_its_least_time(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900)})
    play(wired, tmp_path, a=", min_off: 40 s")
    ((went_s, came_s),) = wired.plugs["a"].off_spans
    assert 40 <= came_s - went_s < 60


def test_what_is_off_already_is_left_off(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900, said_on=False, off_spans=[[0.0]])})
    played = play(wired, tmp_path)
    assert not wired.plugs["a"].writes and "off at the device" in played.skipped["a"]


def test_the_lease_is_proved_by_telling_nothing_more(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900)})
    played = play(wired, tmp_path, Wishes(lease=True))
    assert played.grades == {"a": "ok"}
    assert 20_000 <= (played.results["a"].lease_ms or 0) < 21_000
    assert any("20 s asked, not renewed: back after 20." in line for line in played.lines)


def test_a_lease_that_is_not_kept_fails_and_the_circuit_is_brought_back(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900, leases=False)})
    played = play(wired, tmp_path, Wishes(lease=True))
    assert played.grades == {"a": "failed"}
    assert wired.plugs["a"].said_on


def test_a_circuit_that_feeds_the_way_to_another_comes_back_and_is_named(tmp_path: Path) -> None:
    wired = Wired({"router": Plug(60, feeds="b"), "b": Plug(900)})
    played = play(wired, tmp_path, Wishes(only=["router"]))
    assert played.grades == {"router": "failed"}
    assert "b was out of reach" in played.said("router")


def test_a_circuit_that_feeds_the_way_to_itself_comes_back_by_its_lease(tmp_path: Path) -> None:
    wired = Wired({"router": Plug(60, feeds="router")})
    played = play(wired, tmp_path)
    assert played.grades == {"router": "failed"}
    assert "router was out of reach" in played.said("router")
    assert wired.plugs["router"].said_on
    assert Unfinished(tmp_path).found is None


@pytest.mark.parametrize("after_s", [1, 9.99, 10.01, 10.04, 10.06, 10.2, 12, 14, 16, 20, 25])
def test_whoever_stops_the_test_finds_every_circuit_as_it_was(
    tmp_path: Path, after_s: float
) -> None:
    wired = Wired({"a": Plug(900), "b": Plug(800)})

    def stop(task: asyncio.Task[None]) -> None:
        asyncio.get_running_loop().call_later(after_s, task.cancel)

    play(wired, tmp_path, meanwhile=stop)
    for one in wired.plugs.values():
        assert one.said_on and one.back_s is None
    assert Unfinished(tmp_path).found is None


def test_what_a_crash_left_off_is_brought_back_first(tmp_path: Path) -> None:
    """Without a lease, and no other program knows of it."""
    wired = Wired({"a": Plug(900, said_on=False, off_spans=[[0.0]])})
    driver = wired.spec().circuits["a"].driver
    Unfinished(tmp_path).begin(SwitchedOff("a", driver, None))
    played = play(wired, tmp_path, Wishes(read_only=True))
    assert wired.plugs["a"].said_on
    assert "brought back first" in played.lines[0]
    assert not (tmp_path / NAME).exists()


def test_the_note_is_on_the_disk_before_the_circuit_is_switched(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900)})
    at_write: list[bool] = []

    def watch(task: asyncio.Task[None]) -> None:
        writes = wired.plugs["a"].writes

        class Watched(list):  # type: ignore[type-arg]
            def append(self, one: object) -> None:
                at_write.append((tmp_path / NAME).exists())
                super().append(one)

        wired.plugs["a"].writes = Watched(writes)

    play(wired, tmp_path, meanwhile=watch)
    assert at_write == [True, True]
    assert not (tmp_path / NAME).exists()


def test_nothing_is_switched_if_that_cannot_be_noted(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900)})
    with pytest.raises(OSError):
        play(wired, tmp_path / "none")
    assert not wired.plugs["a"].writes


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"circuit": 1}', "[" * 9_999, "\xff"])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content, "latin-1")
    assert Unfinished(tmp_path).found is None


def test_terms_are_shown_once(tmp_path: Path) -> None:
    catalog = {"plug": plug(terms="for private use only"), "meter": meter()}
    played = play(Wired({"a": Plug(900), "b": Plug(800)}), tmp_path, catalog=catalog)
    assert sum("for private use only" in line for line in played.lines) == 1


def test_results_are_kept_and_a_changed_declaration_was_never_tested(tmp_path: Path) -> None:
    wired = Wired({"a": Plug(900), "b": Plug(800, fault="mute"), "c": Plug(700)})
    played = play(wired, tmp_path, Wishes(only=["a", "b"]))
    keep(tmp_path, played.results)
    spec = wired.spec()
    line = results_line(spec, tmp_path, lambda at_s: "today")
    assert line == "circuits last tested today: 1 ok, 1 failed; failed: b; never tested: c"
    moved = spec.circuits["a"].model_copy(update={"driver": spec.circuits["c"].driver})
    other = spec.model_copy(update={"circuits": {**spec.circuits, "a": moved}})
    assert "never tested: a, c" in str(results_line(other, tmp_path, lambda at_s: "today"))


def test_results_of_other_circuits_stay(tmp_path: Path) -> None:
    one = LastTest(at_ms=1, grade="ok", device="plug", declared="x")
    keep(tmp_path, {"a": one})
    keep(tmp_path, {"b": one})
    assert set(last_tests(tmp_path)) == {"a", "b"}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"circuits": 1}', json.dumps({"circuits": {"a": {"grade": "x"}}})]
)
def test_results_that_cannot_be_read_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "circuits-test.json").write_text(content)
    assert last_tests(tmp_path) == {}
