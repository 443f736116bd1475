"""The battery of reliability tests as a table: `make battery`.

Each row runs the tests that stand for it and says what was seen; what is not built is named too.
`make battery ARGS="T3 T10"` plays some; `--long` plays the long forms.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.kit.paths import ROOT

PYTEST = ("-m", "pytest", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider")


@dataclass(frozen=True, slots=True)
class Row:
    """One test of the battery. `files` are run by pytest, `module` by itself; with neither it is
    not built, and `lacks` says what. `lacks` beside tests says what they leave out.
    """

    target: str
    files: tuple[str, ...] = ()
    module: tuple[str, ...] = ()
    long: Mapping[str, str] = field(default_factory=dict)
    lacks: str = ""


def _tests(*names: str) -> tuple[str, ...]:
    """`system/run` is tests/system/test_run.py."""
    folders = [name.rpartition("/") for name in names]
    return tuple(f"tests/{folder}/test_{name}.py" for folder, _, name in folders)


BATTERY: Mapping[str, Row] = {
    "T1 crash matrix": Row(
        "no acknowledged fact is lost, no deed is done twice, outputs as the journal has them",
        _tests(
            "system/crash_matrix",
            "system/simulated_site",
            "venctl/store/storage",
            "statemachine/chart/examples",
            "system/duplicates",
            "system/exit",
        ),
        long={"CRASHES": "all", "SEEDS": "2000"},
    ),
    "T2 power loss": Row(
        "whatever was not synced is lost or torn: nothing that was promised is, no file is damaged",
        _tests("system/power_loss"),
        long={"IMAGES": "2000"},
    ),
    "T3 broker flap": Row(
        "every wish and ack arrives, at most one CONNECT a second",
        _tests("system/flap", "venctl/base/backoff"),
        long={"FLAPS": "50"},
    ),
    "T4 partition": Row(
        "events go on without the broker, looks keep their pace",
        _tests("venctl/telemetry", "venctl/link/no_shadow", "venctl/store/outbox"),
        lacks="the spool of telemetry, which comes with the history",
    ),
    "T5 duplicates": Row(
        "nothing is done twice, every order ends alike",
        _tests(
            "system/duplicates", "statemachine/shadow/convergence", "statemachine/decide/copies"
        ),
        long={"CONVERGE": "10000"},
    ),
    "T6 expired and future": Row(
        "nothing is executed after its time",
        _tests(
            "statemachine/decide/events", "statemachine/decide/moved_events", "venctl/link/retained"
        ),
    ),
    "T7 clocks": Row(
        "an event keeps its length, no step begins it twice; steps over 5 s are logged",
        _tests(
            "statemachine/decide/any_order",
            "venctl/health/health_monitor",
            "statemachine/curtail/bounds",
        ),
    ),
    "T8 drivers": Row(
        "no circuit waits for another, a look each second within a fifth, load comes back",
        _tests(
            "system/faults",
            "venctl/drivers/panel",
            "statemachine/interlock/wanted_state",
            "statemachine/curtail/plausible",
            "venctl/telemetry",
            "statemachine/interlock/interlock",
        ),
    ),
    "T9 disks": Row(
        "control goes on in memory, promises are refused, ends are kept",
        _tests(
            "system/bad_disk",
            "kit/process/faulty_disk",
            "system/slow_disk",
            "venctl/standin/disk/disk",
        ),
        long={"CHAOS": "all"},
    ),
    "T10 damaged journal": Row(
        "a start in the safe state, what can be read goes on, the loss is told",
        _tests(
            "venctl/store/damage",
            "venctl/store/high_water",
            "venctl/store/opening",
            "venctl/store/upgrade",
        ),
        long={"FLIPS": "2000"},
    ),
    "T11 slow consumers": Row(
        "a client that never reads is dropped and delays nobody",
        _tests("web/live", "web/http/connections", "venctl/standin/broker/edges"),
    ),
    "T12 flood": Row(
        "every command is answered once, who wants load back is heard within a second",
        _tests(
            "venctl/runtime/queue", "venctl/runtime/flood", "system/flood", "venctl/cli/kit/logs"
        ),
        lacks="a minute at 1,000 a second, which is `make flood`",
    ),
    "T13 huge payloads": Row(
        "refused unread, nothing grows",
        _tests("venctl/cli/hostile_input", "venctl/standin/broker/broker", "web/http/connections"),
    ),
    "T14 malformed input": Row(
        "no traceback, no 5xx, nothing changes",
        _tests(
            "venctl/cli/hostile_input",
            "venctl/standin/broker/fuzz",
            "statemachine/wire/acks",
            "statemachine/audit/bad_files",
            "statemachine/wire/spellings",
        ),
        long={"FUZZ_S": "20"},
    ),
    "T15 soak": Row(
        "in days of simulated time no object, task or row is left over, no line is logged",
        _tests("system/soak"),
        lacks="hours of real time, which are `make soak HOURS=24`",
        long={"SOAK_DAYS": "30"},
    ),
    "T16 simulation": Row(
        "every rule holds on random days; the whole runtime under faults is T1's `simulated_site`",
        module=("tests.kit.campaigns.days", "--days", "90", "--building", "1", "--random", "30"),
    ),
    "T18 start and stop": Row(
        "ready and gone in time, whatever the disk, the link or the moment",
        _tests(
            "system/stops",
            "system/bad_start",
            "system/run",
            "venctl/greeting",
            "venctl/health/watchdog",
            "system/service",
        ),
    ),
}


def main() -> int:
    """Play the rows that are named, or all; 1 where one did not hold."""
    parser = argparse.ArgumentParser(prog="make battery ARGS=")
    parser.add_argument("rows", nargs="*", help="T3 T10; all where none is named")
    parser.add_argument("--long", action="store_true", help="the long forms")
    args = parser.parse_args()
    chosen = [name for name in BATTERY if not args.rows or name.split()[0] in args.rows]
    held = [_play(name, BATTERY[name], args.long) for name in chosen]
    return int(not all(held))


def _play(name: str, row: Row, long: bool) -> bool:
    if not row.files and not row.module:
        print(f"{name:<22} NOT BUILT  {row.lacks}", flush=True)
        return True
    began_s = time.monotonic()
    command = [sys.executable, *(("-m", *row.module) if row.module else (*PYTEST, *row.files))]
    env = {**os.environ, **(row.long if long else {})}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    seen = _seen(done.stdout)
    mark, took_s = "held" if done.returncode == 0 else "NOT HELD", time.monotonic() - began_s
    print(f"{name:<22} {mark:<10} {row.target}", flush=True)
    print(f"{'':<33} {seen}, {took_s:,.0f} s", flush=True)
    if row.lacks:
        print(f"{'':<33} left out: {row.lacks}", flush=True)
    if done.returncode:
        print(done.stdout[-4_000:] + done.stderr[-2_000:], flush=True)
    return done.returncode == 0


def _seen(output: str) -> str:
    """How many tests, or days, and what became of them."""
    days = re.findall(r"^.*decisions.*$", output, re.M)
    if days:
        return f"{days[-1].strip()}; {output.strip().splitlines()[-1]}"
    counts = re.findall(r"(\d+) (passed|failed|skipped|error)", output)
    return ", ".join(f"{count} {word}" for count, word in counts) or "no test ran"


if __name__ == "__main__":
    sys.exit(main())
