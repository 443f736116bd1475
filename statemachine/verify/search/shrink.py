"""Shrinks a day that breaks a rule: fewer steps, rounder numbers, less time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...kit.quantity import millis, millis_text, watts, watts_text
from ..world.elapsed import elapsed_text, parse_elapsed
from .generate_days import STARTS, Words

Test = Callable[[Words], bool]
PAUSES_MS = (60_000, 10_000, 1_000)  # short enough to read


def shrink(day: Words, breaks: Test, enough: Callable[[], bool]) -> Words:
    """The smallest day found for which `breaks` is true; the search ends when `enough`."""
    tried = [day]
    while not enough():
        for candidate in _simpler(day):
            if enough():
                return day
            if candidate in tried:
                continue
            tried.append(candidate)
            if breaks(candidate):
                day = candidate
                break
        else:
            return day
    return day


def _simpler(day: Words) -> Iterator[Words]:
    """Days a little simpler than this one, the simplest first."""
    steps: list[Words] = day["steps"]
    size = len(steps)
    while size:
        for first in range(0, len(steps), size):
            yield {**day, "steps": steps[:first] + steps[first + size :]}
        size //= 2
    for name, plain in (("loads", "steady"), ("start", STARTS[0])):
        if day.get(name) != plain:
            yield {**day, name: plain}
    for id in day["draws"]:
        yield {**day, "draws": {other: w for other, w in day["draws"].items() if other != id}}
    for index, step in enumerate(steps):
        for plainer in _plainer(step):
            yield {**day, "steps": [*steps[:index], plainer, *steps[index + 1 :]]}
    yield from _sooner(day)
    for id, draw in day["draws"].items():
        for round_w in _round(watts(draw), (1_000, 100)):
            yield {**day, "draws": {**day["draws"], id: watts_text(round_w)}}


def _plainer(step: Words) -> Iterator[Words]:
    """The step without optional keys, and with rounder numbers."""
    (name,) = (name for name in step if name != "at")
    deed = step[name]
    if not isinstance(deed, dict):
        return
    for extra in ("random", "issued", "start", "revision", "reboot", "amid", "door"):
        if extra in deed:
            yield {**step, name: {key: value for key, value in deed.items() if key != extra}}
    for key in ("shed", "draws"):
        for round_w in _round(watts(deed[key]), (1_000, 100)) if key in deed else ():
            yield {**step, name: {**deed, key: watts_text(max(1, round_w))}}
    for key in ("for", "down"):
        for round_ms in _round(millis(deed[key]), (600_000, 60_000, 1_000)) if key in deed else ():
            yield {**step, name: {**deed, key: millis_text(max(1_000, round_ms))}}


def _sooner(day: Words) -> Iterator[Words]:
    """The day with one of its pauses cut to a minute, ten seconds or one, or to a rounder one."""
    last_ms = 0
    for index, step in enumerate(day["steps"]):
        at_ms = parse_elapsed(step["at"])
        gap_ms = at_ms - last_ms
        plain = () if gap_ms in PAUSES_MS else (*PAUSES_MS, *_round(gap_ms, (600_000, 60_000)))
        for round_ms in plain:
            if round_ms < gap_ms:
                yield {**day, "steps": _moved(day["steps"], index, round_ms - gap_ms)}
        last_ms = at_ms


def _moved(steps: list[Words], first: int, by_ms: int) -> list[Words]:
    """All steps, those from `first` on moved by `by_ms`, with the times in them."""
    moved = []
    for step in steps[first:]:
        later = {**step, "at": elapsed_text(max(0, parse_elapsed(step["at"]) + by_ms))}
        if "event" in step:
            times = {
                key: elapsed_text(max(0, parse_elapsed(step["event"][key]) + by_ms))
                for key in ("start", "issued")
                if key in step["event"]
            }
            later["event"] = {**step["event"], **times}
        moved.append(later)
    return [*steps[:first], *moved]


def _round(value: int, units: tuple[int, ...]) -> Iterator[int]:
    """Rounder values below, the roundest first."""
    for unit in units:
        if value > unit and value % unit:
            yield value // unit * unit
