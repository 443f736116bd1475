"""`venctl verify` and `venctl simulate`: a site in simulated time."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from random import randrange
from typing import TYPE_CHECKING, Any

from statemachine import Spec, SpecError
from statemachine.curtail.dwell import duration
from statemachine.verify.search.narrate import narrate, scenario_text
from statemachine.verify.world.elapsed import elapsed_text, parse_elapsed
from statemachine.verify.world.scenario import (
    LONGEST_LOOK_MS,
    LOOKS,
    SHORTEST_LOOK_MS,
    Scenario,
    Step,
)

from ..base.local_site import read_local_site
from ..base.private_files import read_text
from ..devices.catalog import devices_beside
from . import DONE, REFUSED, USAGE
from .check import as_json
from .kit.clock import of_zone
from .kit.format import millis_of, watts_of

if TYPE_CHECKING:
    from ..simulate.days import PlayedDay
    from ..simulate.report import ReportRow
    from ..simulate.search import Counterexample, Progress, SearchProgress

SAMPLE = Path("ven.yaml")
WIDTH = 100
SEEDS = 1_000_000
CALLED = "cli"  # id of the event that --shed adds


def verify(args: argparse.Namespace) -> int:
    """Test random days against every rule; 1 if one is broken, with a scenario that shows it."""
    from ..simulate.search import Search, rule_count

    spec = _read(args)
    if spec is None:
        return USAGE
    seed = randrange(SEEDS) if args.seed is None else args.seed
    search = Search(spec, args.examples, seed, args.seconds, _progress())
    counterexamples = search.run()
    files = [_kept(example, args.story, index) for index, example in enumerate(counterexamples)]
    if args.json:
        broken = [
            _plain(example, file) for example, file in zip(counterexamples, files, strict=True)
        ]
        print(json.dumps({"seed": seed, "tried": search.tried.as_dict(), "broken": broken}))
        return REFUSED if counterexamples else DONE
    print(f"tested {rule_count()} rules and the site's own; {search.tried}; --seed {seed}")
    for example, file in zip(counterexamples, files, strict=True):
        print("\n" + "\n".join(example.story or (example.sentence,)), file=sys.stderr)
        if file is not None:
            site = "" if args.file == SAMPLE else f" --site {args.file}"
            print(f"to repeat: venctl simulate {file}{site}", file=sys.stderr)
    print(f"broken rules: {len(counterexamples)}" if counterexamples else "every rule held")
    return REFUSED if counterexamples else DONE


def simulate(args: argparse.Namespace) -> int:
    """Play a scenario or a recorded day; 1 if a rule breaks or the event of --shed is refused."""
    from ..simulate.days import load_day, play_day

    spec = _read(args)
    if spec is None:
        return USAGE
    try:
        scenario, recorded = load_day(spec, args.scenario)
    except SpecError as error:
        return _refused(error, args.json)
    played = play_day(spec, _changed(scenario, args), recorded, millis_of(args.every))
    if args.json:
        print(json.dumps(_as_json(played)))
    else:
        _print_table(played)
        if args.chart:
            from ..simulate.charts import blocks

            print("\n" + blocks(played.diary.lines, played.clock))
        _print_end(played)
    if args.svg is not None:
        from ..simulate.charts import svg

        args.svg.write_text(svg(played.diary.lines, spec.shed_order(), played.clock), "utf-8")
    for no in played.refused:
        print(f"{played.clock(no.ms)}  {no}", file=sys.stderr)
    for violation in played.broken:
        story = narrate(spec, played.play.scenario, violation.ms, str(violation), recorded)
        print("\n" + "\n".join(story), file=sys.stderr)
    called = any(no.event_id == CALLED for no in played.refused)
    return REFUSED if played.broken or called else DONE


def _changed(scenario: Scenario, args: argparse.Namespace) -> Scenario:
    """The scenario with the changes from the command line."""
    changes: dict[str, Any] = {}
    if args.look:
        changes["look"] = _look_ms(args.look)
    if args.shed:
        watts_of(args.shed)
        call = {"id": CALLED, "shed": args.shed, "for": args.length, "door": "cli"}
        at_ms = parse_elapsed(args.at)
        millis_of(args.length)
        step = Step.model_validate({"at": elapsed_text(at_ms), "event": call})
        changes["steps"] = [*scenario.steps, step]
    return scenario.model_copy(update=changes)


def _look_ms(text: str) -> int:
    ms = millis_of(text)
    if not SHORTEST_LOOK_MS <= ms <= LONGEST_LOOK_MS:
        raise ValueError(f"--look {text!r}: {LOOKS}")
    return ms


def _print_table(played: PlayedDay) -> None:
    head = f"{'time':<8}  {'asked':>7} {'command':>7} {'shed':>7} {'power':>7}  events; held"
    print(head)
    most = max(WIDTH, shutil.get_terminal_size().columns)
    for line in played.diary.rows:
        print(_row(played, line)[:most])


def _row(played: PlayedDay, line: ReportRow) -> str:
    figures = (line.asked_w, line.commanded_w, line.measured_w, line.power_w)
    events = ", ".join(f"{id} {state}" for id, state in line.events.items())
    held = ", ".join(f"{id} {watts / 1000:g}" for id, watts in line.held.items())
    kilowatts = " ".join(f"{watts / 1000:7.2f}" for watts in figures)
    return f"{played.clock(line.ms):<8}  {kilowatts}  {events or '-'}; {held or '-'}"


def _print_end(played: PlayedDay) -> None:
    diary, play = played.diary, played.play
    start = of_zone(play.spec.site.timezone).text(play.start_ms / 1000)
    print(
        f"\nsimulated {duration(play.ms)} from {start} in {played.took_s:.1f} s, "
        f"{played.times:,.0f} times real time; {play.decisions:,} decisions; "
        f"{diary.asked_wh() / 1000:.2f} kWh requested, {diary.shed_wh() / 1000:.2f} kWh shed; "
        + (f"broken rules: {len(played.broken)}" if played.broken else "every rule held")
    )


def _as_json(played: PlayedDay) -> dict[str, Any]:
    rows = [
        {
            "t": (played.play.start_ms + line.ms) / 1000,
            "events": dict(line.events),
            "asked_kw": line.asked_w / 1000,
            "commanded_kw": line.commanded_w / 1000,
            "measured_kw": line.measured_w / 1000,
            "power_kw": line.power_w / 1000,
            "held_kw": {id: watts / 1000 for id, watts in line.held.items()},
        }
        for line in played.diary.rows
    ]
    broken = [{"rule": str(violation), "t": violation.ms / 1000} for violation in played.broken]
    figures = {"decisions": played.play.decisions, "times_real": round(played.times)}
    refused = [
        {
            "t": (played.play.start_ms + no.ms) / 1000,
            "op": no.op,
            "event_id": no.event_id,
            "reason": no.reason,
            "detail": no.detail,
        }
        for no in played.refused
    ]
    return {"rows": rows, "refused": refused, "broken": broken, **figures}


def _kept(example: Counterexample, file: Path, index: int) -> Path | None:
    """Write the scenario of a broken rule to its own file: story.yaml, story-2.yaml."""
    if example.words is None:
        return None
    name = file if index == 0 else file.with_stem(f"{file.stem}-{index + 1}")
    name.write_text(scenario_text(example.words, example.story), "utf-8")
    return name


def _plain(example: Counterexample, file: Path | None) -> dict[str, Any]:
    return {"rule": example.sentence, "story": list(example.story), "file": file and str(file)}


def _progress() -> Progress:
    """Prints the progress of the search on a terminal, twice a second."""
    said_s = 0.0

    def say(tried: SearchProgress) -> None:
        nonlocal said_s
        if sys.stderr.isatty() and time.monotonic() - said_s > 0.5:
            said_s = time.monotonic()
            print(f"\r\x1b[K{tried}", end="\r", file=sys.stderr, flush=True)

    return say


def _read(args: argparse.Namespace) -> Spec | None:
    try:
        return read_local_site(read_text(args.file), str(args.file), devices_beside(args.file))
    except SpecError as error:
        _refused(error, args.json)
        return None


def _refused(error: SpecError, as_text: bool) -> int:
    if as_text:
        print(json.dumps({"faults": as_json(error.faults)}))
    else:
        print("\n".join(fault.pretty() for fault in error.faults), file=sys.stderr)
    return USAGE
