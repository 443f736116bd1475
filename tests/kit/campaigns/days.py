"""Random days of the sample sites and of random sites, as `venctl verify` plays them: `make days`.

Each day has a number, which plays it again: `python -m tests.kit.campaigns.days --only house:4711`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from multiprocessing import Pool
from random import Random

from statemachine import Spec, read
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.search.pairs import differences
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.random_sites import invent_site
from tests.kit.paths import ROOT
from venctl.simulate.search import random_day

FILES = {
    "ven": ROOT / "ven.yaml",
    **{name: ROOT / "examples" / f"{name}.yaml" for name in ("house", "shop", "building")},
}
HOMES = ("ven", "house", "shop")
Day = tuple[str, int]
Outcome = tuple[Day, list[str], float, int]  # sentences, hours played, decisions


def played(day: Day) -> Outcome:
    """One day: a sentence for each rule that it breaks, once."""
    name, number = day
    dice = Random(f"{name}:{number}")
    spec = invent_site(dice) if name == "random" else _site(name)
    rule, words = random_day(spec, dice)
    scenario = Scenario.model_validate(words)
    if rule:
        differing = next(differences(spec, scenario, rule), None)
        return day, [] if differing is None else [f"{rule}: {differing[1]}"], 0.0, 0
    play, found = Play(spec, scenario), dict[str, str]()
    for one in violations_of(play):
        found.setdefault(one.rule, str(one))
    return day, list(found.values()), play.ms / 3_600_000, play.decisions


@cache
def _site(name: str) -> Spec:
    return read(FILES[name].read_text("utf-8"), FILES[name].name)


def days_of(args: argparse.Namespace) -> Iterator[Day]:
    """The slow ones first, so that no worker ends alone."""
    first = args.first
    yield from (("building", n) for n in range(first, first + args.building))
    yield from ((HOMES[n % len(HOMES)], n) for n in range(first, first + args.days))
    yield from (("random", n) for n in range(first, first + args.random))


def main() -> int:
    """Play them on all cores; 1 where a rule was broken."""
    parser = argparse.ArgumentParser(prog="make days ARGS=")
    parser.add_argument("--days", type=int, default=10_000, help="of ven.yaml, house and shop")
    parser.add_argument("--building", type=int, default=200)
    parser.add_argument("--random", type=int, default=2_000, help="each of a site of its own")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--only", help="one day again: house:4711")
    args = parser.parse_args()
    if args.only:
        name, _, number = args.only.partition(":")
        _, sentences, _, _ = played((name, int(number)))
        print("\n".join(sentences) or "every rule held")
        return int(bool(sentences))
    return _all(args)


def _all(args: argparse.Namespace) -> int:
    began_s, tried, hours, decisions = time.monotonic(), Counter[str](), 0.0, 0
    broken = Counter[str]()
    with Pool() as pool:
        for (name, number), sentences, more_hours, more in pool.imap_unordered(
            played, days_of(args)
        ):
            tried[name] += 1
            hours, decisions = hours + more_hours, decisions + more
            for sentence in sentences:
                broken[name] += 1
                print(f"{name}:{number}  {sentence}", flush=True)
            if sum(tried.values()) % 500 == 0:
                print(f"  {_figures(tried)} after {time.monotonic() - began_s:,.0f} s", flush=True)
    print(f"{_figures(tried)}; {hours:,.0f} h, {decisions:,} decisions, ", end="")
    print(f"{time.monotonic() - began_s:,.0f} s")
    print(f"broken: {dict(broken)}" if broken else "every rule held")
    return int(bool(broken))


def _figures(tried: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(tried.items()))


if __name__ == "__main__":
    sys.exit(main())
