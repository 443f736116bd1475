"""Whatever is removed or changed, no load stays down for an event that will not ask for it.

The oracle keeps its own account of commands, acks and holds, over loads that are its own; it never
asks the program what it thinks of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from statemachine import Spec
from statemachine.returns import release
from statemachine.returns.bridge import bridged_circuits
from statemachine.state.effects import Effect, Hold, Status
from statemachine.state.memory import Memory
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.triggers import Restarted
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.depth import examples
from tests.kit.harness import Harness

PANEL = """
  a: {rated: 1 kW, shed: 100 %}
  b: {rated: 1 kW, shed: 100 %}
  c: {rated: 1 kW, shed: 100 %, critical: true}
"""
GRACE_MS = 2_000


class Bench(Harness):
    """A site that is called in one line."""

    def call(
        self, id: str, kw: float, in_s: float | None, seconds: float, revision: int = 0
    ) -> Any:
        start = {} if in_s is None else {"start_ts": self.ms / 1000 + in_s}
        said = {"event_id": id, "shed_kw": kw, "duration_sec": seconds, "revision": revision}
        return self.ask(op="event", **said, **start)


def text_of(more: str = "", circuits: str = PANEL) -> str:
    return f"site: {{id: v, timezone: UTC}}\n{more}\ncircuits:{circuits}"


def bridged(more: str = "") -> Bench:
    """All three circuits are held, for nothing but `b`, which starts in 40 s."""
    desk = Bench(site(text_of(more)))
    desk.read()
    desk.call("a", 3.0, None, 1_800)
    desk.wait(120)
    desk.call("b", 3.0, 40, 600)
    desk.ask(op="restore", event_id="a")
    desk.wait(5)
    assert desk.held() == {"a": 0, "b": 0, "c": 0} and desk.memory.cuts == {}
    return desk


# -- each way in which an event goes ---------------------------------------------------------------

WAYS: dict[str, Any] = {
    "cancelled": lambda desk: desk.ask(op="cancel", event_id="b"),
    "cancelled on the page": lambda desk: desk.ask_from("page", op="cancel", event_id="b"),
    "restored": lambda desk: desk.ask(op="restore", event_id="b"),
    "opted out of": lambda desk: desk.ask_from("page", op="optOut", event_id="b"),
    "postponed": lambda desk: desk.call("b", 3.0, 3_600, 600, revision=1),
    "at 0.1 kW": lambda desk: desk.call("b", 0.1, 40, 600, revision=1),
    "later than the bridge": lambda desk: desk.step(-600_000) or desk.wait(0),
    "not bridged in the new file": lambda desk: desk.reload(text_of("restore: {bridge: 0 s}")),
    "of a site that only observes": lambda desk: desk.reload(text_of("mode: observe")),
}


@pytest.mark.parametrize("way", WAYS)
def test_load_begins_to_come_back_at_once_when_the_event_that_kept_it_down_is(way: str) -> None:
    desk = bridged()
    WAYS[way](desk)
    assert desk.held() == {"a": 0, "b": 0}
    desk.wait(10)
    assert desk.held() == {"a": 0}
    desk.wait(10)
    assert desk.held() == ({"a": 0} if way == "at 0.1 kW" else {})


def test_a_refused_command_is_the_first_to_find_that_the_clock_was_set() -> None:
    desk = bridged()
    desk.step(-600_000)
    assert desk.ask(op="cancel", event_id="nobody")["status"] == "rejected"
    assert desk.held() == {"a": 0, "b": 0}


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000])
def test_the_next_look_at_a_protection_is_a_date_of_the_clock_that_was_set(step_ms: int) -> None:
    desk = Bench(site(text_of(circuits="\n  a: {rated: 1 kW, shed: 100 %, min_release: 5 min}\n")))
    desk.read()
    desk.call("e", 1.0, None, 60)
    desk.wait(70)
    left_ms = (desk.memory.look_ms or 0) - desk.ms
    assert desk.held() == {} and 0 < left_ms <= 300_000
    desk.step(step_ms)
    desk.ask(op="cancel", event_id="nobody")
    assert desk.memory.look_ms == desk.ms + left_ms


def test_one_circuit_that_is_kept_out_of_the_event_comes_back_and_the_others_wait() -> None:
    desk = bridged()
    desk.ask_from("page", op="optOut", event_id="b", loadId="c")
    assert desk.held() == {"a": 0, "b": 0}
    desk.wait(34)
    assert desk.held() == {"a": 0, "b": 0}


def test_an_event_that_is_moved_near_keeps_down_what_is_still_held() -> None:
    desk = bridged()
    desk.call("b", 3.0, 3_600, 600, revision=1)
    desk.wait(1)
    desk.call("b", 3.0, 30, 600, revision=2)
    desk.wait(29)
    assert desk.held() == {"a": 0, "b": 0}


@given(
    way=st.sampled_from(("cancelled", "restored", "opted out of", "postponed", "at 0.1 kW")),
    every=st.sampled_from(("10 s", "5 min")),
    gone_s=st.integers(0, 33),
    restarts_s=st.sets(st.integers(0, 60), max_size=4),
)
@settings(max_examples=examples(15), deadline=None)
def test_a_program_that_is_killed_now_and_then_gives_back_as_one_that_never_was(
    way: str, every: str, gone_s: int, restarts_s: set[int]
) -> None:
    """Killed half a second past the full one: no step is the last thing that it knew."""
    killed, other = (bridged(f"restore: {{every: {every}}}") for _ in range(2))
    for second in range(61):
        for desk in (killed, other):
            desk.read()
            if second == gone_s:
                WAYS[way](desk)
            desk.wait(0.5)
        if second in restarts_s:
            killed.restart()
        for desk in (killed, other):
            desk.wait(0.5)
        assert killed.held() == other.held()


def test_what_an_older_version_put_off_until_the_start_comes_back_at_the_sites_own_pace() -> None:
    desk = bridged()
    desk.ask(op="cancel", event_id="b")
    parts = to_parts(desk.memory)
    del parts["site"]["coming"]["bridged"]
    parts["site"]["coming"]["due_ms"] = desk.ms + 3_600_000
    desk.memory = from_parts(desk.spec, parts)
    desk.hear(Restarted(**desk.stamp(), boot=""))
    desk.wait(20)
    assert desk.held() == {}


def test_what_waits_for_an_event_asks_for_no_look_at_the_clock() -> None:
    """A due time in the past would be looked at over and over."""
    desk = bridged()
    due_ms = desk.memory.due_ms()
    assert due_ms is not None and due_ms > desk.ms


# -- what is said of its delivery ------------------------------------------------------------------


def test_an_event_that_was_short_before_it_was_postponed_has_half_a_minute_anew() -> None:
    desk = Bench(site(text_of()))
    desk.read()
    desk.call("e", 9.0, None, 600)
    desk.read()
    desk.wait(20)
    assert desk.memory.events["e"].short_ms is not None
    desk.call("e", 9.0, 60, 600, revision=1)
    assert (desk.memory.events["e"].short_ms, desk.memory.events["e"].told) == (None, ())
    desk.wait(61)
    desk.read()
    assert _said(desk.effects) == []
    desk.wait(31)
    assert _said(desk.effects) == ["underperforming"]


@pytest.mark.parametrize(("kw", "words"), [(2.0, ["achieved"]), (1.0, [])])
def test_what_was_achieved_is_said_anew_of_another_size_and_not_of_the_same(
    kw: float, words: list[str]
) -> None:
    desk = Bench(site(text_of()))
    desk.read()
    desk.call("e", 1.0, None, 600)
    desk.read()
    assert _said(desk.effects) == ["achieved"]
    desk.call("e", kw, None, 900, revision=1)
    desk.read()
    assert _said(desk.effects) == words


def _said(effects: list[Effect]) -> list[str]:
    return [effect.body["state"] for effect in effects if isinstance(effect, Status)]


# -- who watches finds it --------------------------------------------------------------------------

GOES: dict[str, dict[str, Any]] = {
    "cancelled": {"cancel": {"event": "b"}},
    "opted out of": {"opt_out": {"event": "b"}},
    "restored": {"restore": {"event": "b"}},
    "postponed": {
        "event": {"id": "b", "shed": "2 kW", "for": "10 min", "start": "2:00:00", "revision": "1"}
    },
}


def broken_on(*steps: dict[str, Any]) -> set[str]:
    """The rules that a short day breaks: `a` is restored 40 s before `b` starts, then `steps`."""
    day = [
        {"at": "0:10:00", "event": {"id": "a", "shed": "2 kW", "for": "30 min"}},
        {
            "at": "0:12:00",
            "event": {"id": "b", "shed": "2 kW", "for": "10 min", "start": "0:12:40"},
        },
        {"at": "0:12:01", "restore": {"event": "a"}},
        *steps,
    ]
    scenario = Scenario.model_validate({"look": "5 s", "loads": "steady", "steps": day})
    return {one.rule for one in violations_of(Play(site(MAPLE), scenario))}


@pytest.mark.parametrize("way", GOES)
def test_load_kept_down_for_an_event_that_is_no_more_is_found(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = {"at": "0:12:03", **GOES[way]}
    assert broken_on(step) == set()
    once: dict[str, int] = {}

    def remembered(spec: Spec, memory: Memory) -> dict[str, int]:
        once.update(bridged_circuits(spec, memory))
        return {id: at_ms for id, at_ms in once.items() if at_ms > memory.at_ms}

    monkeypatch.setattr(release, "bridged_circuits", remembered)
    assert broken_on(step) == {"E2"}


def test_what_waits_for_an_event_that_lives_is_no_fault_whoever_returns_before_it() -> None:
    out = {"at": "0:12:03", "opt_out": {"event": "b", "circuit": "heater1"}}
    assert broken_on() == broken_on(out) == set()


# -- any site, any story ---------------------------------------------------------------------------


@dataclass
class Called:
    """An event as the oracle heard of it. `begun` and `over` stay when the clock is set."""

    shed_w: int
    start_ms: int
    end_ms: int
    dated: bool
    source: str
    begun: bool = False
    over: bool = False


@dataclass
class Line:
    """A circuit as the oracle sees it: what it would draw, how it is held, since when it is off."""

    load_w: int
    relay: bool
    min_off_ms: int
    held_w: int | None = None
    off_ms: int | None = None


@dataclass
class Oracle:
    """What may be held down, by its own account. Times ending in `_mono` are of no wall clock."""

    spec: Spec
    lines: dict[str, Line]
    calls: dict[str, Called] = field(default_factory=dict)
    excused_mono: int = 0
    last_mono: int = -(10**9)
    owed_mono: int | None = None
    back_by_mono: int = 0
    bound_w: int = 0

    def hear(self, effects: list[Effect], mono: int) -> None:
        for effect in effects:
            if isinstance(effect, Hold):
                line = self.lines[effect.circuit]
                if line.held_w is not None and (effect.watts is None or effect.watts > line.held_w):
                    self.last_mono, self.owed_mono = mono, None
                if effect.watts == 0 and line.held_w != 0:
                    line.off_ms = mono
                line.held_w = effect.watts

    def may_hold_w(self, now_ms: int) -> int:
        """The most that all live events may take: what runs, and what starts within the bridge."""
        runs = [one for one in self.calls.values() if one.begun and not one.over]
        last_ms = now_ms + self.spec.restore.bridge
        soon = [
            one
            for one in self.calls.values()
            if not one.begun and not one.over and now_ms < one.start_ms <= last_ms
        ]
        loads_w = sorted((line.load_w for line in self.lines.values()), reverse=True)
        relay_w = max((line.load_w for line in self.lines.values() if line.relay), default=0)
        bound_w = self._together(runs) + relay_w if runs else 0
        for start_ms in {one.start_ms for one in soon}:
            then = [one for one in (*runs, *soon) if one.start_ms <= start_ms < one.end_ms]
            whole_w = sum(loads_w[: 1 + len(soon)])  # each keeps its last circuit whole
            bound_w = max(bound_w, self._together(then) + whole_w if then else 0)
        return bound_w

    def _together(self, events: list[Called]) -> int:
        asked_w = [one.shed_w for one in events]
        return sum(asked_w) if self.spec.curtail.overlap == "sum" else max(asked_w, default=0)

    def taken_w(self, mono: int) -> int:
        """What is held down, but for circuits that rest for their own sake."""
        return sum(
            line.load_w - min(line.load_w, line.held_w)
            for line in self.lines.values()
            if line.held_w is not None and not self.rests(line, mono)
        )

    def rests(self, line: Line, mono: int) -> bool:
        return line.held_w == 0 and mono - (line.off_ms or 0) <= line.min_off_ms

    def away(self, mono: int, down_ms: int, stepped: bool) -> None:
        """The program is back after `down_ms`, in which nobody could give anything back."""
        self.owed_mono, self.back_by_mono = None, self.back_by_mono + down_ms
        if stepped:
            self.last_mono, self.back_by_mono = mono, self.back_by_mono + self.spec.restore.every

    def look(self, now_ms: int, mono: int) -> None:
        """Load that nothing asks for comes back, one circuit each `every`, beginning at once."""
        for one in self.calls.values():
            one.begun |= one.start_ms <= now_ms
            if one.begun and not one.over and one.end_ms <= now_ms:
                one.over = True
                if one.source == "operator":
                    self.excused_mono = max(self.excused_mono, mono + self.spec.restore.spread)
        every_ms, taken_w = self.spec.restore.every, self.taken_w(mono)
        held = sum(line.held_w is not None for line in self.lines.values())
        before_w, self.bound_w = self.bound_w, self.may_hold_w(now_ms)
        excused = mono <= self.excused_mono or any(
            self.rests(line, mono) for line in self.lines.values()
        )
        if self.bound_w < before_w or excused:
            self.back_by_mono = mono + held * every_ms + GRACE_MS
        if taken_w <= self.bound_w or excused:
            self.owed_mono = None
            return
        self.owed_mono = mono if self.owed_mono is None else self.owed_mono
        begins_by = max(self.owed_mono, self.last_mono + every_ms) + GRACE_MS
        said = f"{taken_w} W are held down where {self.bound_w} W may be"
        assert mono <= begins_by, f"{said}, and none comes back"
        assert mono <= max(self.back_by_mono, self.owed_mono + GRACE_MS), said


CIRCUITS = st.lists(
    st.tuples(
        st.sampled_from((200, 500, 1_000, 1_500)),
        st.sampled_from(("modulating", "modulating", "relay", "relay, min_off: 20 s")),
        st.sampled_from(("", "", ", priority: 1", ", critical: true")),
    ),
    min_size=1,
    max_size=5,
)
IDS = st.sampled_from(("x", "y", "z"))
KW = st.sampled_from((0.1, 0.5, 1.0, 2.0, 5.0))
LENGTHS_S = st.sampled_from((20, 60, 600))
AHEAD_S = st.sampled_from((None, None, 5, 30, 59, 61, 300))
DOORS = st.sampled_from(("operator", "page"))


class Removals(RuleBasedStateMachine):
    """Events come, go and change in every way there is, and time passes second by second."""

    @initialize(
        circuits=CIRCUITS,
        every=st.sampled_from(("1 s", "3 s", "10 s")),
        spread=st.sampled_from(("0 s", "0 s", "40 s")),
        overlap=st.sampled_from(("max", "sum")),
    )
    def a_site(self, circuits: Any, every: str, spread: str, overlap: str) -> None:
        lines = [
            f"  c{n}: {{rated: {watts} W, shed: 100 %, control: {control}{more}}}"
            for n, (watts, control, more) in enumerate(circuits)
        ]
        self.pace, self.overlap = f"every: {every}, spread: {spread}", overlap
        self.circuits = "\n" + "\n".join(lines) + "\n"
        self.revision, self.mono = 0, 0
        spec = site(self.text("60 s"))
        known = {
            id: Line(one.rated, one.control == "relay", one.min_off_ms)
            for id, one in spec.circuits.items()
        }
        self.desk, self.oracle = Bench(spec), Oracle(spec, known)
        self.done(self.desk.read())
        self.event("x", 2.0, 600, None, "page")

    def text(self, bridge: str) -> str:
        more = f"restore: {{{self.pace}, bridge: {bridge}}}\ncurtail: {{overlap: {self.overlap}}}"
        return text_of(more, self.circuits)

    def done(self, effects: list[Effect]) -> None:
        self.oracle.hear(effects, self.mono)
        self.oracle.look(self.desk.ms, self.mono)

    def ask(self, door: str, **said: Any) -> bool:
        ack = self.desk.ask_from(door, **said)
        self.oracle.hear(self.desk.effects, self.mono)
        return ack["status"] not in ("rejected", "duplicate")

    def look(self) -> None:
        self.oracle.look(self.desk.ms, self.mono)

    @rule(id=IDS, kw=KW, seconds=LENGTHS_S, ahead_s=AHEAD_S, door=DOORS)
    def event(self, id: str, kw: float, seconds: int, ahead_s: int | None, door: str) -> None:
        """A call, or a revision: sooner, later, larger, smaller, longer, shorter."""
        self.revision += 1
        now_ms, known = self.desk.ms, self.oracle.calls.get(id)
        said = {"event_id": id, "shed_kw": kw, "duration_sec": seconds, "revision": self.revision}
        if ahead_s is not None:
            said["start_ts"] = now_ms / 1000 + ahead_s
        if self.ask(door, op="event", **said):
            lives = known is not None and not known.over
            start_ms = now_ms + (ahead_s or 0) * 1000
            dated, source = ahead_s is not None, door
            if lives and known is not None:
                source = known.source
                if ahead_s is None:
                    start_ms, dated = known.start_ms, known.dated
            end_ms = start_ms + seconds * 1000
            self.oracle.calls[id] = Called(round(kw * 1000), start_ms, end_ms, dated, source)
        self.look()

    @rule(id=IDS, door=DOORS)
    def cancel(self, id: str, door: str) -> None:
        if self.ask(door, op="cancel", event_id=id):
            self.forget([id])
        self.look()

    @rule(id=IDS)
    def opt_out(self, id: str) -> None:
        if self.ask("page", op="optOut", event_id=id):
            self.forget([id])
            self.oracle.excused_mono = 0
        self.look()

    @rule(id=IDS, n=st.integers(0, 4))
    def keep_one_circuit_out(self, id: str, n: int) -> None:
        self.ask("page", op="optOut", event_id=id, loadId=f"c{n}")
        self.look()

    @rule(id=st.sampled_from((None, "x", "y", "z")), door=DOORS)
    def restore(self, id: str | None, door: str) -> None:
        named = {} if id is None else {"event_id": id}
        if self.ask(door, op="restore", **named):
            begun = [x for x, one in self.oracle.calls.items() if one.begun]
            self.forget(begun if id is None else [id])
            self.oracle.excused_mono = 0
        self.look()

    def forget(self, ids: list[str]) -> None:
        for id in ids:
            if id in self.oracle.calls:
                self.oracle.calls[id].over = True

    @rule(step_ms=st.sampled_from((-600_000, -30_000, 30_000, 600_000)))
    def set_the_clock(self, step_ms: int) -> None:
        self.desk.step(step_ms)
        for one in self.oracle.calls.values():
            if not one.dated:
                one.start_ms, one.end_ms = one.start_ms + step_ms, one.end_ms + step_ms
        self.done(self.desk.read())

    @rule(down_s=st.sampled_from((0, 0, 1, 20)))
    def the_program_dies(self, down_s: int) -> None:
        """A step that was the last it did may be done only when it is back."""
        stepped = self.oracle.last_mono == self.mono
        self.desk.ms, self.mono = self.desk.ms + down_s * 1_000, self.mono + down_s * 1_000
        self.desk.restart()
        self.oracle.away(self.mono, down_s * 1_000, stepped)
        self.done(self.desk.effects)

    @rule(bridge=st.sampled_from(("0 s", "60 s", "10 min")))
    def reload(self, bridge: str) -> None:
        self.desk.reload(self.text(bridge))
        self.oracle.spec = self.desk.spec
        self.done(self.desk.effects)

    @rule(seconds=st.sampled_from((1, 2, 5, 20, 45)))
    def time_passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.desk.wait(1)
            self.mono += 1_000
            self.done(self.desk.effects)
            if self.mono % 5_000 == 0:
                self.done(self.desk.read())

    @invariant()
    def nothing_is_overdue(self) -> None:
        due_ms = self.desk.memory.due_ms() if hasattr(self, "desk") else None
        assert due_ms is None or due_ms > self.desk.ms, "a look in the past would spin"

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.restore(None, "page")
            for id in ("x", "y", "z"):
                self.cancel(id, "page")
            self.time_passes(75)
            assert self.desk.held() == {} and self.oracle.taken_w(self.mono) == 0


TestRemovals = Removals.TestCase
TestRemovals.settings = settings(max_examples=examples(20), stateful_step_count=25, deadline=None)
