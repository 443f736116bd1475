"""`venctl circuits test`: switch each wired circuit once, and see whether its meter follows."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Collection, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from statemachine import Spec
from statemachine.commissioning.judgement import Grade
from statemachine.commissioning.rules import MOST_OFF_MS, why_not_now
from statemachine.device.catalog import Catalog
from statemachine.kit.errors import suggestion
from statemachine.state.memory import Memory

from ...base.clocks import clocks
from ...commissioning.bench import Bench
from ...commissioning.results import counts_text, keep
from ...commissioning.session import SiteTest, Wishes, never_fails
from ...commissioning.stored import stored_memory
from ...commissioning.unfinished import Unfinished
from ...devices.catalog import devices_beside
from ...drivers.links import open_link, secret_reader
from ...folder.claim import Claim, StateFolderInUse
from ...folder.state_folder import state_folder
from .. import DONE, REFUSED, USAGE
from ..kit.site import site
from ..kit.until_stopped import run_until_stopped

STOPPED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def circuits(args: argparse.Namespace) -> int:
    """Test the circuits of a ven.yaml. Returns 1 if something failed or needs a person."""
    spec = site(args.file)
    _known(spec, [*args.circuit, *args.also])
    folder = state_folder(args.file, spec.site.id, args.state)
    try:
        claim = Claim(folder)
    except StateFolderInUse as error:
        said = "it uses the devices; stop it, test, and start it again"
        print(f"venctl: {error}; {said}", file=sys.stderr)
        return USAGE
    try:
        memory = stored_memory(spec, folder)
        wishes = Wishes(args.circuit, args.also, args.read_only, args.lease)
        catalog = devices_beside(args.file)
        return run_until_stopped(
            _stoppable(_test(args, spec, memory, folder, catalog, wishes), folder)
        )
    finally:
        claim.close()


def _known(spec: Spec, named: Collection[str]) -> None:
    for id in named:
        if id not in spec.circuits:
            raise ValueError(f"no circuit is called {id!r}; {suggestion(id, spec.circuits)}")


async def _stoppable(work: Coroutine[Any, Any, int], folder: Path) -> int:
    """Ctrl-C ends the test, and it still restores; a second one gives that up."""
    task = asyncio.ensure_future(work)
    for name in STOPPED:
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print(f"venctl: stopped; {_left(folder)}", file=sys.stderr)
        return REFUSED


def _left(folder: Path) -> str:
    left = Unfinished(folder).found
    if left is None:
        return "every circuit stands as before"
    return (
        f"{left.circuit} may still be off; `venctl circuits test --read-only` brings it back, "
        "and so does `venctl run`"
    )


async def _test(
    args: argparse.Namespace,
    spec: Spec,
    memory: Memory,
    folder: Path,
    catalog: Catalog,
    wishes: Wishes,
) -> int:
    say = never_fails(partial(print, file=sys.stderr if args.json else sys.stdout, flush=True))
    note = Unfinished(folder)
    beside = args.file.resolve().parent
    opened = partial(open_link, secrets=secret_reader(beside), beside=beside)
    bench = Bench(spec, catalog, opened, clocks, _leaving(spec, note))
    session = SiteTest(bench, memory, folder, wishes, say)
    try:
        if not await session.restore(note):
            return REFUSED
        if not wishes.read_only and (why := why_not_now(spec, memory, clocks()[0])):
            raise ValueError(why)
        if not bench.devices and not bench.unusable:
            say("no circuit has a device (`driver:`); all are simulated")
            return DONE
        if not _agreed(args, session):
            return REFUSED
        try:
            grade = await session.run(note)
        finally:
            keep(folder, session.results)
        return _told(args, session, grade)
    finally:
        await bench.close()


def _leaving(spec: Spec, note: Unfinished) -> dict[str, str]:
    """The circuit that a test left off, if ven.yaml does not declare it so any more."""
    left = note.found
    if left is None:
        return {}
    now = spec.circuits.get(left.circuit)
    return {} if now is not None and now.driver == left.driver else {left.circuit: left.driver}


def _agreed(args: argparse.Namespace, session: SiteTest) -> bool:
    """Whether a person agrees that circuits are switched."""
    which = session.switchable()
    if args.read_only or args.yes or not which:
        return True
    if not sys.stdin.isatty():
        raise ValueError(
            f"this switches {', '.join(which)} off; add --yes, or --read-only to switch nothing"
        )
    most_s = MOST_OFF_MS // 1000
    print(
        f"This switches off, one after another, for {most_s} s at most: {', '.join(which)}. "
        "Go on? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _told(args: argparse.Namespace, session: SiteTest, grade: Grade) -> int:
    results = session.results
    if args.json:
        body = {id: one.model_dump(mode="json") for id, one in results.items()}
        print(json.dumps({"circuits": body, "skipped": session.skipped}))
    for id, why in session.skipped.items():
        session.say(f"{id}  not tested: {why}")
    if args.read_only and not results:
        session.say("read only: nothing was switched, and no setting is wrong")
        return DONE
    count = len(results)
    counts = counts_text([one.grade for one in results.values()])
    circuits = "1 circuit" if count == 1 else f"{count} circuits"
    kept = " Kept; `venctl check` and the page tell until it is repeated." if results else ""
    session.say(f"{circuits}: {counts}.{kept}")
    return REFUSED if grade in ("failed", "warning") else DONE
