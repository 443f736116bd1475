"""Whether a circuit is wired as ven.yaml says, judged by which meters moved when it was switched.

A meter counts as moved only if it did so in every step, and came back with the circuit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .series import Levels, Move, OffOnStep, Series, lost, moves

LEAST_PROOF_W = 50  # a circuit that draws less proves nothing
LEFT_PERCENT = 20  # what may still be drawn when it is off
MAIN = "the main meter"
MAIN_PERCENT = 30  # how far the main meter may differ from a circuit's own
Grade = Literal["ok", "unproved", "warning", "failed"]
GRADES: tuple[Grade, ...] = ("ok", "unproved", "warning", "failed")
Kind = Literal[
    "ok",
    "ok_by_main",
    "exchanged",
    "elsewhere",
    "reversed",
    "not_seen",
    "unconfirmed",
    "deaf",
    "partly",
    "not_back",
    "lost_link",
    "too_small",
    "no_meter",
    "main_restless",
    "main_unmoved",
    "main_reversed",
    "main_differs",
]
GRADE_OF: Mapping[Kind, Grade] = {
    "ok": "ok",
    "ok_by_main": "ok",
    "exchanged": "failed",
    "elsewhere": "failed",
    "reversed": "failed",
    "not_seen": "failed",
    "unconfirmed": "failed",
    "deaf": "failed",
    "partly": "warning",
    "not_back": "warning",
    "lost_link": "failed",
    "too_small": "unproved",
    "no_meter": "unproved",
    "main_restless": "ok",
    "main_unmoved": "warning",
    "main_reversed": "failed",
    "main_differs": "warning",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded while one circuit was switched off and on, once or twice.

    `meters` has each circuit that is metered, by its id. `main` is the main meter; None: there is
    none. `supplied` has whatever else was reached meanwhile, by name.
    """

    circuit: str
    steps: tuple[OffOnStep, ...]
    meters: Mapping[str, Series]
    main: Series | None = None
    supplied: Mapping[str, Series] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WiringFinding:
    """One thing that the recording shows. `others` are circuits or names, `watts` and `of_w` what
    `kind` is about.
    """

    kind: Kind
    watts: int = 0
    of_w: int = 0
    others: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        return GRADE_OF[self.kind]


def worst(grades: Sequence[Grade]) -> Grade:
    """The grade of a whole from those of its parts."""
    return max(grades, key=GRADES.index, default="unproved")


def judge(recording: Recording) -> tuple[WiringFinding, ...]:
    """What a recording shows, the most important first."""
    return tuple(_findings(_Scene(recording)))


def conclusive(findings: Sequence[WiringFinding]) -> bool:
    """Whether one step is enough. Doubtful results are repeated, since other loads move too."""
    return all(finding.kind in ("ok", "not_seen", "lost_link") for finding in findings)


class _Scene:
    """How each meter moved."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        steps, id = recording.steps, recording.circuit
        found = {name: moves(series, steps) for name, series in recording.meters.items()}
        self.own, self.own_levels = found.pop(id, ("unknown", None))
        self.others: dict[str, tuple[Move, Levels | None]] = found
        self.main, self.main_levels = moves(recording.main or (), steps)
        self.seen = all(step.off_seen_ms is not None for step in steps)

    def moved_elsewhere(self) -> list[tuple[str, int]]:
        """The other circuits whose meters moved, and by how much."""
        return [
            (name, levels.fall_w)
            for name, (move, levels) in self.others.items()
            if levels is not None and move in ("fell", "rose")
        ]

    def likeliest(self) -> tuple[str, int] | None:
        """Whose meter sees this circuit: the one that moved most like the main meter."""
        moved = self.moved_elsewhere()
        if not moved:
            return None
        main_w = self.main_levels.fall_w if self.main_levels is not None else None
        if main_w is None or self.main not in ("fell", "rose"):
            return max(moved, key=lambda one: abs(one[1]))
        return min(moved, key=lambda one: abs(abs(one[1]) - abs(main_w)))

    def main_falls_w(self) -> list[int]:
        """By how much the main meter fell: all of it, and without what other circuits did."""
        if self.main_levels is None:
            return []
        beside_w = sum(levels.fall_w for _, levels in self.others.values() if levels is not None)
        return [self.main_levels.fall_w, self.main_levels.fall_w - beside_w]


def _findings(scene: _Scene) -> Iterator[WiringFinding]:
    recording = scene.recording
    everything = {**recording.meters, **recording.supplied}
    if recording.main is not None:
        everything[MAIN] = recording.main
    gone = {name for step in recording.steps for name in lost(everything, step)}
    if gone:
        yield WiringFinding("lost_link", others=tuple(sorted(gone)))
        return
    if not scene.seen:
        yield _not_seen(scene)
        return
    first = _first(scene)
    yield first
    if first.kind in ("ok", "partly", "reversed", "exchanged"):
        yield from _main(scene, abs(first.watts))


def _not_seen(scene: _Scene) -> WiringFinding:
    """CommandResult, and not read back: mute, or its answer says nothing of what it does."""
    if scene.own in ("fell", "rose") and scene.own_levels is not None:
        return WiringFinding("unconfirmed", abs(scene.own_levels.fall_w))
    return WiringFinding("not_seen")


def _first(scene: _Scene) -> WiringFinding:
    own, levels = scene.own, scene.own_levels
    if levels is not None and own == "fell":
        before_w, off_w = levels.before_w, levels.off_w
        if off_w > LEAST_PROOF_W and off_w * 100 > before_w * LEFT_PERCENT:
            return WiringFinding("partly", levels.fall_w, off_w)
        if before_w < LEAST_PROOF_W:
            return WiringFinding("too_small", before_w)
        return WiringFinding("ok", levels.fall_w, off_w)
    if levels is not None and own == "rose":
        return WiringFinding("reversed", levels.fall_w, levels.before_w)
    if levels is not None and own == "not_back" and levels.fall_w > 0:
        return WiringFinding("not_back", levels.fall_w, levels.off_w)
    return _not_at_its_own(scene)


def _not_at_its_own(scene: _Scene) -> WiringFinding:
    """Its own meter did not move with it, or there is none."""
    levels = scene.own_levels
    if (other := scene.likeliest()) is not None:
        return WiringFinding("exchanged", other[1], others=(other[0],))
    if scene.main in ("fell", "rose") and scene.main_levels is not None:
        fall_w = scene.main_levels.fall_w
        if levels is not None:
            return WiringFinding("elsewhere", fall_w, levels.before_w)
        return WiringFinding("ok_by_main" if fall_w > 0 else "main_reversed", abs(fall_w))
    if levels is None:
        return WiringFinding("no_meter")
    if abs(levels.before_w) < LEAST_PROOF_W:
        return WiringFinding("too_small", levels.before_w)
    return WiringFinding("deaf", levels.off_w)


def _main(scene: _Scene, own_w: int) -> Iterator[WiringFinding]:
    """What the main meter adds. `own_w` is by how much a circuit's meter moved."""
    falls_w, levels = scene.main_falls_w(), scene.main_levels
    if levels is None:
        return
    if own_w <= levels.least_w:
        yield WiringFinding("main_restless", round(levels.least_w), own_w)
        return
    slack_w = own_w * MAIN_PERCENT / 100 + levels.least_w
    if any(abs(fall_w - own_w) <= slack_w for fall_w in falls_w):
        return
    fall_w = levels.fall_w
    if any(abs(fall_w + own_w) <= slack_w for fall_w in falls_w):
        yield WiringFinding("main_reversed", fall_w, own_w)
    elif scene.main == "still":
        yield WiringFinding("main_unmoved", fall_w, own_w)
    else:
        yield WiringFinding("main_differs", fall_w, own_w)
