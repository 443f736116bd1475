"""What a test has found out about one circuit so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from statemachine.commissioning.judgement import Grade, worst
from statemachine.site.panel import Circuit

from .reads import DeviceReads
from .report import sentences, setting_grade
from .results import LastTest, digest
from .trial import LeaseOutcome, Outcome


@dataclass(slots=True)
class CircuitReport:
    """Grades and sentences about one circuit, as they come."""

    circuit: Circuit
    device: str
    reads: DeviceReads | None = None
    outcome: Outcome | None = None
    lease: LeaseOutcome | None = None
    grades: list[Grade] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """It cannot be tested."""
        self.grades.append("failed")
        self.said.append(why)

    def take_reads(self, reads: DeviceReads) -> None:
        """What the device says, and how it is set."""
        self.reads = reads
        if reads.seen is None:
            self.fail(reads.fault or "it does not answer")
        self.grades += [setting_grade(one) for one in reads.settings]
        wrong = [one for one in reads.settings if one.good is False]
        self.said += [f"{one.name} is {one.said}: {one.why}" for one in wrong]

    def take_outcome(self, outcome: Outcome) -> None:
        """How it went off and came on."""
        self.outcome = outcome
        self.grades += [finding.grade for finding in outcome.findings]
        self.said += sentences(outcome.findings)
        self.said += [] if outcome.off.fault is None else [outcome.off.fault]

    def take_lease(self, lease: LeaseOutcome | None) -> None:
        """Whether it came back by itself."""
        self.lease = lease
        if lease is not None:
            self.grades.append("ok" if lease.ok else "failed")
            self.said += [] if lease.ok else [lease.fault or "it did not come back by itself"]

    @property
    def tells(self) -> bool:
        """Whether there is more to keep than that its settings are right."""
        return self.outcome is not None or worst(self.grades) in ("failed", "warning")

    def result(self, at_ms: int) -> LastTest:
        """To be kept."""
        reads, outcome = self.reads, self.outcome
        return LastTest(
            at_ms=at_ms,
            grade=worst(self.grades),
            device=self.device,
            declared=digest(self.circuit.driver, self.circuit.meter),
            model=None if reads is None else reads.model,
            firmware=None if reads is None else reads.firmware,
            told_ms=None if outcome is None else outcome.off.told_ms,
            seen_ms=None if outcome is None else outcome.off.took_ms,
            meter_ms=None if outcome is None else outcome.meter_off_ms,
            lease_ms=None if self.lease is None else self.lease.back_ms,
            findings=tuple(self.said),
        )
