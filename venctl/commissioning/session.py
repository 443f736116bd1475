"""A whole test: one circuit after another, each restored before the next and on every way out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from statemachine.commissioning.judgement import Grade, worst
from statemachine.commissioning.rules import lease_to_prove_ms, stood, why_not
from statemachine.device.control import FREE, limit_w_of, position_of, stands
from statemachine.site.spec import Spec
from statemachine.state.memory import Memory

from ..drivers.device import DeviceDriver
from .bench import Bench
from .reads import DeviceReads, read_device
from .recorder import Recorder
from .report import (
    head,
    lease_line,
    read_lines,
    report_line,
    sentences,
    setting_grade,
    switch_lines,
)
from .results import LastTest, digest
from .switching import CircuitSwitch
from .trial import CircuitTest, LeaseOutcome, Outcome
from .unfinished import Unfinished

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to test. `only`: these circuits; empty: all. `also`: also these protected ones."""

    only: Collection[str] = ()
    also: Collection[str] = ()
    read_only: bool = False
    lease: bool = False


@dataclass(slots=True)
class SiteTest:
    """The test of a site. `say` prints a line and never fails."""

    bench: Bench
    memory: Memory
    folder: Path
    wishes: Wishes
    say: Say
    results: dict[str, LastTest] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    _terms: set[str] = field(default_factory=set)

    def chosen(self) -> list[str]:
        """The circuits to look at, in the order of the file."""
        only = self.wishes.only
        return [id for id in self.spec.circuits if not only or id in only]

    def switchable(self) -> list[str]:
        """Those that would be switched, unless their devices say otherwise."""
        return [id for id in self.chosen() if self._why_not(id) is None]

    @property
    def spec(self) -> Spec:
        return self.bench.spec

    async def restore(self, note: Unfinished) -> bool:
        """Bring back what a test that was cut off left off; returns whether all is back."""
        left = note.found
        if left is None:
            return True
        device = self.bench.devices.get(left.circuit)
        if device is None:
            self.say(
                f"a test had switched off {left.circuit}, which can no longer be reached here; "
                "look after it"
            )
            return False
        self.say(f"a test was cut off while {left.circuit} was off: it is brought back first")
        told = await self._switching(device, left.driver, left.held_w, note).on()
        return told.seen_ms is not None

    async def run(self, note: Unfinished) -> Grade:
        """Test all that was chosen. Returns the worst grade."""
        recorder = Recorder(self.bench.meters, self.bench.main, self.bench.clocks)
        if not self.wishes.read_only:
            recorder.start()
        try:
            await self._main_meter()
            for id in self.chosen():
                await self._circuit(id, recorder, note)
        finally:
            await recorder.stop()
        return worst([one.grade for one in self.results.values()] or ["ok"])

    async def _main_meter(self) -> None:
        main = self.bench.main
        if self.spec.meter is None:
            self.say("there is no main meter (`meter:`), so circuits are judged by their own")
            return
        if main is None:
            self.say(report_line("", "the main meter cannot be used", "failed"))
            return
        try:
            measured = await main.back.power()
            power = "no reading" if measured is None else f"{measured.watts:,} W"
            self.say(f"main meter  {main.what}: {power}")
        except Exception as error:
            self.say(report_line("", f"the main meter cannot be read: {error}", "failed"))

    def _why_not(self, id: str) -> str | None:
        circuit = self.spec.circuits[id]
        why = why_not(id, circuit, self.memory.circuits.get(id), self.wishes.also)
        device = self.bench.devices.get(id)
        if why is None and device is not None and not device.template.write:
            return "its device only measures"
        return why

    async def _circuit(self, id: str, recorder: Recorder, note: Unfinished) -> None:
        device = self.bench.devices.get(id)
        if device is None:
            if id in self.bench.unusable:
                self.say(f"{id}  {self.bench.unusable[id]}")
                self._keep(id, "?", None, None, None, ["failed"], [self.bench.unusable[id]])
            else:
                self.skipped[id] = "simulated"
            return
        self._show_terms(device)
        reads = await read_device(
            device.template,
            device.params,
            device.link,
            device.back,
            device.load,
            self.bench.clocks,
        )
        self.say(head(id, device.template.title, reads, self._where(device)))
        for line in read_lines(reads):
            self.say(line)
        grades: list[Grade] = [setting_grade(one) for one in reads.settings]
        said = [
            f"{one.name} is {one.said}: {one.why}" for one in reads.settings if one.good is False
        ]
        if reads.seen is None:
            self._keep(
                id, device.template.device, reads, None, None, ["failed"], [reads.fault or ""]
            )
            return
        why = None if self.wishes.read_only else self._why_not(id) or self._not_free(device, reads)
        if why is not None:
            self.skipped[id] = why
            self.say(report_line("off", f"not switched: {why}", None))
        if why is not None or self.wishes.read_only:
            if "failed" in grades or "warning" in grades:
                self._keep(id, device.template.device, reads, None, None, grades, said)
            return
        outcome, lease = await self._switch(device, reads, recorder, note)
        grades += [one.grade for one in outcome.findings]
        said += sentences(outcome.findings)
        if lease is not None:
            grades.append("ok" if lease.ok else "failed")
            said += [] if lease.ok else [lease.fault or "it did not come back by itself"]
        self._keep(id, device.template.device, reads, outcome, lease, grades, said)

    async def _switch(
        self, device: DeviceDriver, reads: DeviceReads, recorder: Recorder, note: Unfinished
    ) -> tuple[Outcome, LeaseOutcome | None]:
        id = device.circuit
        assert reads.seen is not None
        held_w = stood(device.load, limit_w_of(device.template, device.load, reads.seen))
        switching = self._switching(device, self.spec.circuits[id].driver, held_w, note)
        trial = CircuitTest(self.bench, switching, recorder)
        lease: LeaseOutcome | None = None
        try:
            outcome = await trial.run(lambda text: self.say(report_line("", text, None)))
            for line in switch_lines(outcome):
                self.say(line)
            if self.wishes.lease and outcome.off.seen_ms is not None:
                lease = await self._lease(device, trial)
        finally:
            await trial.restore()
        return outcome, lease

    async def _lease(self, device: DeviceDriver, trial: CircuitTest) -> LeaseOutcome | None:
        lease_ms = lease_to_prove_ms(device.template)
        if lease_ms is None:
            self.say(report_line("lease", "none that gives back by itself within a minute", None))
            return None
        lease = await trial.lease(lease_ms)
        self.say(lease_line(lease))
        return lease

    def _not_free(self, device: DeviceDriver, reads: DeviceReads) -> str | None:
        """Why a circuit that is off already proves nothing."""
        assert reads.seen is not None
        off = position_of(device.load, True, 0, 0)
        stands_off = stands(device.template, device.load, off, reads.seen)
        says_on = {"on", "limit"} & device.template.read.keys()
        if stands_off and says_on and not stands(device.template, device.load, FREE, reads.seen):
            return "it is off at the device; switch it on first"
        return None

    def _switching(
        self, device: DeviceDriver, driver: str, held_w: int | None, note: Unfinished
    ) -> CircuitSwitch:
        return CircuitSwitch(
            device, self.bench.timed(device), driver, held_w, note, self.bench.clocks, self.say
        )

    def _show_terms(self, device: DeviceDriver) -> None:
        template = device.template
        if template.terms is not None and template.device not in self._terms:
            self._terms.add(template.device)
            self.say(f"{template.title}: {template.terms}")

    def _where(self, device: DeviceDriver) -> str:
        return device.link.state().what

    def _keep(
        self,
        id: str,
        name: str,
        reads: DeviceReads | None,
        outcome: Outcome | None,
        lease: LeaseOutcome | None,
        grades: list[Grade],
        said: list[str],
    ) -> None:
        circuit = self.spec.circuits[id]
        self.results[id] = LastTest(
            at_ms=self.bench.clocks()[0],
            grade=worst(grades),
            device=name,
            declared=digest(circuit.driver, circuit.meter),
            model=None if reads is None else reads.model,
            firmware=None if reads is None else reads.firmware,
            told_ms=None if outcome is None else outcome.off.told_ms,
            seen_ms=None if outcome is None else outcome.off.took_ms,
            meter_ms=None if outcome is None else outcome.meter_off_ms,
            lease_ms=None if lease is None else lease.back_ms,
            findings=tuple(said),
        )


def never_fails(say: Say) -> Say:
    """A terminal that is gone must not keep a circuit off."""

    def quiet(line: str) -> None:
        with suppress(OSError, ValueError):
            say(line)

    return quiet
