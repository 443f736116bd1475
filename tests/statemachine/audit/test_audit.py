"""What the audit lets pass can be trusted: such a life ends by itself, and no dead row ever fires.

Charts are made by changing the declared ones at random; then random lives are led by them.
"""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from statemachine import Spec
from statemachine.audit.audit import audit
from statemachine.audit.draft import Draft
from statemachine.audit.reader import examine
from statemachine.chart.names import names_of
from statemachine.chart.registry import ACTIONS, GUARDS, SCOPES
from statemachine.describe.writer import to_yaml
from statemachine.kit.errors import Finding
from statemachine.site.source import parse
from statemachine.site.tables import Row, State, Table
from tests.kit.core.sample_sites import PANEL, site
from tests.kit.depth import examples
from tests.kit.harness import Harness
from tests.kit.paths import ROOT

PLAIN = site(PANEL)
CHARTS = [PLAIN.event] + [
    site((ROOT / f"examples/{name}.yaml").read_text()).event
    for name in ("house", "shop", "building")
]
TRIGGERS = names_of("event", "trigger")
ASKED = [name for name in GUARDS if SCOPES[name].chart == "event"]
LATE_S = 3_600  # longer than any `for` of these charts, and the return of all load


@st.composite
def changed(draw: st.DrawFn) -> Table:
    """A declared chart in which a few things are otherwise."""
    table = draw(st.sampled_from(CHARTS))
    states, rows = dict(table.states), list(table.transitions)
    name = st.sampled_from(sorted(states))
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(["drop", "lead", "ask", "time", "add", "shed", "swap"]))
        place = draw(st.integers(0, len(rows) - 1))
        match what:
            case "drop" if len(rows) > 1:
                del rows[place]
            case "lead":
                to = draw(name | st.sampled_from(["same", None]))
                rows[place] = rows[place].model_copy(update={"to": to})
            case "ask":
                key = draw(st.sampled_from(["if_", "unless"]))
                rows[place] = rows[place].model_copy(update={key: [draw(st.sampled_from(ASKED))]})
            case "time":
                which = draw(name)
                timed: dict[str, Any] = {
                    "until": draw(st.sampled_from([None, "start", "end"])),
                    "for_": draw(st.sampled_from([None, None, 60_000])),
                }
                states[which] = states[which].model_copy(update=timed)
            case "shed":
                which = draw(name)
                share = draw(st.sampled_from([None, 50, 100]))
                states[which] = states[which].model_copy(update={"sheds": share})
            case "swap":
                rows[place], rows[0] = rows[0], rows[place]
            case _:
                rows.insert(place, draw(a_row(sorted(states))))
    return Table(initial=table.initial, states=states, transitions=rows)


def a_row(states: list[str]) -> st.SearchStrategy[Row]:
    """Any row at all."""
    name = st.sampled_from(states)
    return st.builds(
        lambda trigger, source, to, yes, no: Row(
            trigger=trigger, from_=source, to=to, if_=yes, unless=no,
            do=["accept"] if trigger == "dr_event" else [],
        ),
        st.sampled_from(TRIGGERS),
        st.lists(name | st.just("any"), min_size=1, max_size=2, unique=True),
        name | st.sampled_from(["same", None]),
        st.lists(st.sampled_from(ASKED), max_size=1),
        st.lists(st.sampled_from(ASKED), max_size=1),
    )  # fmt: skip


def with_chart(table: Table) -> Spec:
    return PLAIN.model_copy(update={"event": table})


def found_in(spec: Spec) -> list[Finding]:
    """What the audit says of a site, by way of its file."""
    return list(audit(Draft(spec, parse(to_yaml(spec), "ven.yaml"))))


STEPS = st.lists(
    st.tuples(st.just("wait"), st.integers(1, 400))
    | st.tuples(st.just("call"), st.integers(0, 1))
    | st.tuples(st.just("later"), st.integers(1, 300))
    | st.tuples(st.sampled_from(["restore", "cancel"]), st.integers(0, 1))
    | st.tuples(st.just("idle"), st.integers(0, 3)),
    max_size=8,
)


def lead(spec: Spec, steps: list[tuple[str, int]]) -> tuple[Harness, list[str]]:
    """A life, step by step, and all that was done in it."""
    desk, done, circuits = Harness(spec), list[str](), spec.circuits.items()
    done += map(str, desk.read())
    for number, (what, much) in enumerate(steps):
        match what:
            case "wait":
                desk.wait(much)
            case "call":
                desk.ask(op="event", event_id=f"e{much}", shed_kw=2, duration_sec=300,
                         revision=number)  # fmt: skip
            case "later":
                desk.ask(op="event", event_id="e0", shed_kw=3, duration_sec=200, revision=number,
                         start_ts=desk.ms // 1000 + much)  # fmt: skip
            case "idle":
                desk.draws(**{id: one.rated * (3 - much) // 3 for id, one in circuits})
                desk.read()
            case _:
                desk.ask(op=what, event_id=f"e{much}", correlationId=str(number))
        done += map(str, desk.effects)
    return desk, done


@settings(max_examples=examples(60), deadline=None)
@given(changed(), STEPS)
def test_left_alone_every_life_that_the_audit_accepts_comes_to_its_end(
    table: Table, steps: list[tuple[str, int]]
) -> None:
    spec = with_chart(table)
    errors = [fault for fault in found_in(spec) if fault.severity == "error"]
    event("refused" if errors else "accepted")
    if errors:
        return
    desk, _ = lead(spec, [("call", 0), *steps])
    desk.wait(LATE_S)
    assert not desk.memory.events, desk.memory.events
    assert not desk.held()


@settings(max_examples=examples(50), deadline=None)
@given(changed(), STEPS)
def test_a_row_that_is_called_dead_is_not_missed_when_it_is_taken_out(
    table: Table, steps: list[tuple[str, int]]
) -> None:
    spec = with_chart(table)
    lines = {
        fault.mark.line
        for fault in found_in(spec)
        if fault.kind in ("dead-row", "contradiction", "no-such-moment", "from-final")
        and "never fire from" not in fault.problem
    }
    source = parse(to_yaml(spec), "ven.yaml")
    rows = list(table.transitions)
    dead = [n for n in range(len(rows)) if source.mark(("event", "transitions", n)).line in lines]
    whole = [n for n in dead if _fires_nowhere(table, rows[n])]
    event("with a dead row" if whole else "without")
    if not whole:
        return
    less = table.model_copy(
        update={"transitions": [row for n, row in enumerate(rows) if n not in whole]}
    )
    steps = [("call", 0), *steps]
    assert lead(spec, steps)[1] == lead(with_chart(less), steps)[1]


def _fires_nowhere(table: Table, row: Row) -> bool:
    """The fault is about the row as a whole, not about one of its states."""
    return len(table.sources(row)) == 1


def test_a_site_that_is_written_out_is_read_back_with_its_charts() -> None:
    for table in CHARTS:
        spec, faults = examine(to_yaml(with_chart(table)), "ven.yaml")
        assert spec is not None and spec.event == table and not faults


def test_every_guard_and_action_has_a_scope() -> None:
    assert SCOPES.keys() == GUARDS.keys() | ACTIONS.keys()
    assert not GUARDS.keys() & ACTIONS.keys()
    for name, scope in SCOPES.items():
        assert set(scope.triggers) <= set(names_of(scope.chart, "trigger")), name
        assert scope.implies in ("", *GUARDS)


def test_a_state_that_is_empty_is_a_state() -> None:
    assert State() == State.model_validate(None)
