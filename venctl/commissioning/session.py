"""A whole test: one circuit after another, each restored before the next and on every way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from statemachine.commissioning.judgement import Grade, worst
from statemachine.commissioning.rules import lease_to_prove_ms, stood, why_not
from statemachine.device.control import FREE, SeenState, limit_w_of, position_of, stands
from statemachine.site.spec import Spec
from statemachine.state.memory import Memory

from ..drivers.device import DeviceDriver
from ..drivers.links import LinkFault
from .bench import Bench
from .circuit_report import CircuitReport
from .reads import read_device
from .recorder import Recorder
from .report import (
    head,
    lease_line,
    read_lines,
    report_line,
    switch_lines,
)
from .results import LastTest
from .switching import CircuitSwitch
from .trial import CircuitTest, LeaseOutcome
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
        elif main is None:
            self.say("the main meter cannot be used; run `venctl check`")
        else:
            try:
                measured = await main.back.power()
            except LinkFault as fault:
                self.say(f"main meter  {main.what}: {fault}")
                return
            power = "no reading" if measured is None else f"{measured.watts:,} W"
            self.say(f"main meter  {main.what}: {power}")

    def _why_not(self, id: str) -> str | None:
        circuit = self.spec.circuits[id]
        why = why_not(id, circuit, self.memory.circuits.get(id), self.wishes.also)
        device = self.bench.devices.get(id)
        if why is None and device is not None and not device.template.write:
            return "its device only measures"
        return why

    async def _circuit(self, id: str, recorder: Recorder, note: Unfinished) -> None:
        device = self.bench.devices.get(id)
        if device is not None:
            report = CircuitReport(self.spec.circuits[id], device.template.device)
            await self._device(device, report, recorder, note)
        elif id in self.bench.unusable:
            report = CircuitReport(self.spec.circuits[id], "?")
            report.fail(self.bench.unusable[id])
            self.say(report_line(id, self.bench.unusable[id], "failed"))
        else:
            self.skipped[id] = "simulated"
            return
        if report.tells:
            self.results[id] = report.result(self.bench.clocks()[0])

    async def _device(
        self, device: DeviceDriver, report: CircuitReport, recorder: Recorder, note: Unfinished
    ) -> None:
        id = device.circuit
        self._show_terms(device)
        reads = await read_device(
            device.template,
            device.params,
            device.link,
            device.back,
            device.load,
            self.bench.clocks,
        )
        self.say(head(id, device.template.title, reads, device.link.state().what))
        self._say_all(read_lines(reads))
        report.take_reads(reads)
        if reads.seen is None or self.wishes.read_only:
            return
        why = self._why_not(id) or self._not_free(device, reads.seen)
        if why is not None:
            self.skipped[id] = why
            self.say(report_line("off", f"not switched: {why}", None))
            return
        await self._switch(device, reads.seen, report, recorder, note)

    async def _switch(
        self,
        device: DeviceDriver,
        seen: SeenState,
        report: CircuitReport,
        recorder: Recorder,
        note: Unfinished,
    ) -> None:
        held_w = stood(device.load, limit_w_of(device.template, device.load, seen))
        driver = self.spec.circuits[device.circuit].driver
        trial = CircuitTest(self.bench, self._switching(device, driver, held_w, note), recorder)
        try:
            outcome = await trial.run(lambda text: self.say(report_line("", text, None)))
            report.take_outcome(outcome)
            self._say_all(switch_lines(outcome))
            if self.wishes.lease and outcome.off.seen_ms is not None:
                report.take_lease(await self._lease(device, trial))
        finally:
            await trial.restore()

    async def _lease(self, device: DeviceDriver, trial: CircuitTest) -> LeaseOutcome | None:
        lease_ms = lease_to_prove_ms(device.template)
        if lease_ms is None:
            self.say(report_line("lease", "none that gives back by itself within a minute", None))
            return None
        lease = await trial.lease(lease_ms)
        self.say(lease_line(lease))
        return lease

    def _not_free(self, device: DeviceDriver, seen: SeenState) -> str | None:
        """Why a circuit that is off already proves nothing."""
        off = position_of(device.load, True, 0, 0)
        says_on = {"on", "limit"} & device.template.read.keys()
        if (
            says_on
            and stands(device.template, device.load, off, seen)
            and not stands(device.template, device.load, FREE, seen)
        ):
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

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.say(line)


def never_fails(say: Say) -> Say:
    """A terminal that is gone must not keep a circuit off."""

    def quiet(line: str) -> None:
        with suppress(OSError, ValueError):
            say(line)

    return quiet
