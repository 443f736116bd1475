"""Thousands of stories of the whole controller in simulated time, over all cores: `make simulate`.

A story that breaks a rule is printed, and its seed kept in `failing_seeds.txt`, which CI plays.
`python -m tests.kit.campaigns.stories --only 4711` plays one again, with its trace.
"""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool

from tests.kit.paths import DATA
from tests.kit.simulated.site_story import broken_by

KEPT = DATA / "failing_seeds.txt"


def kept() -> list[int]:
    """The seeds that once broke a rule."""
    lines = KEPT.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def main() -> int:
    """Play them; 1 where a rule was broken."""
    parser = argparse.ArgumentParser(prog="make simulate ARGS=")
    parser.add_argument("--seeds", type=int, default=20_000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--only", type=int, help="one again, with all that happens in it")
    args = parser.parse_args()
    if args.only is None:
        return _all(range(args.first, args.first + args.seeds))
    _, wrong, trace = played(args.only)
    print("\n".join([*trace, wrong or "every rule held"]))
    return int(bool(wrong))


def played(seed: int) -> tuple[int, str, list[str]]:
    """A seed, what it breaks, and its trace."""
    return seed, *broken_by(seed)


def _all(seeds: range) -> int:
    began_s, broken = time.monotonic(), 0
    with Pool() as pool:
        for number, (seed, wrong, trace) in enumerate(pool.imap_unordered(played, seeds), 1):
            if wrong:
                broken += 1
                _keep(seed, wrong)
                print("\n".join([f"--- seed {seed}", *trace, wrong]), flush=True)
            if number % 1_000 == 0:
                print(f"  {number:,} after {time.monotonic() - began_s:,.0f} s", flush=True)
    took_s = time.monotonic() - began_s
    print(f"{len(seeds):,} seeds, {broken:,} broke a rule, {took_s:,.0f} s")
    return int(broken > 0)


def _keep(seed: int, wrong: str) -> None:
    if seed not in kept():
        with KEPT.open("a") as file:
            file.write(f"{seed} {wrong.splitlines()[0][:100]}\n")


if __name__ == "__main__":
    sys.exit(main())
