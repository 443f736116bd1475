"""The test of one circuit: quiet, off, on again, and what all meters showed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from statemachine.commissioning.judgement import Recording, WiringFinding, conclusive, judge
from statemachine.commissioning.series import Levels, OffOnStep, levels, reached_ms, settled

from .bench import Bench
from .recorder import Recorder
from .switching import CircuitSwitch, CommandResult

QUIET_S, REST_S = 10.0, 10.0
LEAST_S = 3.0
LOOK_S = 0.2
WAITS_MS = 60_000  # how long a load may take until it draws power again
LEASE_SLACK_MS = 8_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One circuit, switched off and on: the commands, the meters, and what they show.

    `second`: it was done twice, because the first time left doubts.
    """

    off: CommandResult
    on: CommandResult
    own: Levels | None
    main: Levels | None
    meter_off_ms: int | None
    meter_on_ms: int | None
    findings: tuple[WiringFinding, ...]
    second: bool


@dataclass(frozen=True, slots=True)
class LeaseOutcome:
    """How long a device was off that was told to come back by itself; None: it did not."""

    asked_ms: int
    back_ms: int | None
    fault: str | None

    @property
    def ok(self) -> bool:
        return self.back_ms is not None


_Once: TypeAlias = tuple[CommandResult, CommandResult, tuple[WiringFinding, ...]]


class CircuitTest:
    """The test of one circuit. Whatever happens, `restore` brings it back."""

    def __init__(self, bench: Bench, switching: CircuitSwitch, recorder: Recorder) -> None:
        self._bench, self._switching, self._recorder = bench, switching, recorder
        self._id = switching.device.circuit
        self._circuit = bench.spec.circuits[self._id]
        self._off = False

    async def run(self, wait: Callable[[str], None]) -> Outcome:
        """Switch it, and again if that leaves doubts. Raises OSError if that cannot be noted."""
        steps: list[OffOnStep] = []
        off, on, findings = await self._once(steps)
        second = not conclusive(findings) and on.seen_ms is not None
        if second and self._circuit.min_on_ms <= WAITS_MS:
            wait("not clear yet; once more")
            await asyncio.sleep(max(REST_S, self._circuit.min_on_ms / 1000))
            off, on, findings = await self._once(steps)
        else:
            second = False
        return self._outcome(steps[-1], off, on, findings, second)

    async def lease(self, lease_ms: int) -> LeaseOutcome:
        """Switch it off for so long, tell it nothing more, and wait until it is on by itself."""
        await asyncio.sleep(max(REST_S, self._circuit.min_on_ms / 1000))
        self._off = True
        told = await self._switching.off(lease_ms)
        if told.seen_ms is None:
            await self.restore()
            return LeaseOutcome(lease_ms, None, told.fault or "told, but not seen off")
        back_ms = await self._back_by_itself(told.at_ms, lease_ms)
        await self.restore()
        return LeaseOutcome(lease_ms, back_ms, None)

    async def restore(self) -> CommandResult | None:
        """As it stood before; None: nothing was switched."""
        if not self._off:
            return None
        told = await self._switching.on()
        self._off = told.seen_ms is None
        return told

    async def _once(
        self, steps: list[OffOnStep]
    ) -> tuple[CommandResult, CommandResult, tuple[WiringFinding, ...]]:
        quiet_ms = self._now_ms()
        await asyncio.sleep(QUIET_S)
        self._off = True
        off = await self._switching.off()
        await self._watch_off(quiet_ms, off)
        on = await self.restore()
        assert on is not None
        step = self._step(quiet_ms, off, on.at_ms, on.seen_ms)
        await self._watch(step, on.at_ms, on.at_ms + self._patience_ms(WAITS_MS), back=True)
        steps.append(self._step(quiet_ms, off, on.at_ms, on.seen_ms))
        return off, on, judge(self._recording(tuple(steps)))

    async def _watch_off(self, quiet_ms: int, off: CommandResult) -> None:
        """At least as long as the circuit must stay off, and never longer than it may."""
        ends_ms = off.at_ms + min(self._patience_ms(0), self._switching.most_off_ms - 2_000)
        step = self._step(quiet_ms, off, ends_ms, None)
        if off.seen_ms is not None:
            await self._watch(step, off.seen_ms, ends_ms, back=False)
            rest_ms = off.at_ms + self._circuit.min_off_ms - self._now_ms()
            await asyncio.sleep(max(0, rest_ms) / 1000)

    async def _watch(self, step: OffOnStep, since_ms: int, ends_ms: int, back: bool) -> None:
        """Until the meters have shown it."""
        least_ms = since_ms + round(LEAST_S * 1000)
        while (now_ms := self._now_ms()) < ends_ms:
            if now_ms >= least_ms and self._shown(step, since_ms, back):
                return
            await asyncio.sleep(LOOK_S)

    def _shown(self, step: OffOnStep, since_ms: int, back: bool) -> bool:
        own = self._recorder.series.get(self._id)
        series = own if own is not None else self._recorder.main_series()
        return series is not None and settled(series, step, since_ms, back)

    def _patience_ms(self, least_ms: int) -> int:
        """How long the slowest meter needs to show three times how it stands."""
        polls = [one.poll_ms for one in self._bench.meters.values()]
        if self._bench.main is not None:
            polls.append(self._bench.main.poll_ms)
        slowest_ms = max(polls, default=0)
        return max(least_ms, 10_000, min(45_000, 3 * slowest_ms))

    async def _back_by_itself(self, off_ms: int, lease_ms: int) -> int | None:
        while self._now_ms() < off_ms + lease_ms + LEASE_SLACK_MS:
            await asyncio.sleep(LOOK_S)
            if await self._switching.is_off() is False:
                return self._now_ms() - off_ms
        return None

    def _step(
        self, quiet_ms: int, off: CommandResult, on_ms: int, on_seen_ms: int | None
    ) -> OffOnStep:
        return OffOnStep(
            quiet_ms=quiet_ms,
            off_ms=off.at_ms,
            off_seen_ms=off.seen_ms,
            on_ms=on_ms,
            on_seen_ms=on_seen_ms,
            end_ms=max(self._now_ms(), on_ms) + 1,
        )

    def _recording(self, steps: tuple[OffOnStep, ...]) -> Recording:
        return Recording(self._id, steps, self._recorder.series, self._recorder.main_series())

    def _outcome(
        self,
        step: OffOnStep,
        off: CommandResult,
        on: CommandResult,
        findings: tuple[WiringFinding, ...],
        second: bool,
    ) -> Outcome:
        series = self._recorder.series.get(self._id, [])
        own, main = levels(series, step), levels(self._recorder.main_series() or (), step)
        went_ms = came_ms = None
        if own is not None and own.after_w is not None and own.move in ("fell", "rose"):
            went_ms = reached_ms(series, step.off_ms, own.off_w, own.before_w)
            came_ms = reached_ms(series, step.on_ms, own.after_w, own.off_w)
        return Outcome(off, on, own, main, went_ms, came_ms, findings, second)

    def _now_ms(self) -> int:
        return self._bench.clocks()[1]
