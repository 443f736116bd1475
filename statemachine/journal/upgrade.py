"""Upgrades memory stored by earlier versions of the program, one format at a time.

Format 1: one shadow, and circuits with little history. Format 2: several shadows, past events, a
plan with its basis. Format 3: each circuit, event and shadow is a part of its own. Format 4 has
more fields. Format 5 has no readings of the last minutes. Journals without a format count as 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Parts = Mapping[str, Any]
APPLIED, PENDING = (200, ""), (202, "")

# Fields without a default that earlier versions did not store.
_LIVE: Parts = {"driver": "sim"}
_EVENT: Parts = {"told": [], "opted_out": []}
_SITE: Parts = {
    "opted_out": [],
    "leaving": {},
    "basis": {"events": [], "usable": []},
    "coming": {},
    "draining": None,
}


def upgrade_parts(format: int, parts: Parts) -> Parts:
    """The parts of memory in the present format, from those of `format`, 0 to 5.

    Raises KeyError, TypeError, ValueError or AttributeError if they are not of that format.
    """
    first = max(1, format)
    if first == 2 and "shadow" in parts:  # as format 2 was at first
        first = 1
    for step in _STEPS[first - 1 :]:
        parts = step(parts)
    return parts


def digest_of(format: int, key: str, digest: str) -> str:
    """The digest of a command answered under `format`; "" if its terms cannot be compared.

    Up to format 2 the digest of an event also included its sender and time.
    """
    return "" if format <= 2 and key.startswith("event:") else digest


def _from_1(parts: Parts) -> Parts:
    site, circuits, events = dict(parts["site"]), parts["circuits"], parts["events"]
    if "release_ms" in site:
        clocks = _clocks(site)
        circuits = {id: {**live, **_marks(live, clocks)} for id, live in circuits.items()}
        site = {**site, **clocks, "coming": _coming(site)}
        for name in ("release_ms", "released_ms", "offset_ms"):
            del site[name]
    past = parts["past"] if "past" in parts else list(events.values())
    lasting = {name: parts[name] for name in ("events", "cuts", "last")}
    shadows = {"": _shadow(parts["shadow"])}
    return {**lasting, "site": site, "circuits": circuits, "past": past, "shadows": shadows}


def _from_2(parts: Parts) -> Parts:
    site = {**_SITE, **parts["site"], "cuts": parts["cuts"], "last": parts["last"]}
    shelves = {
        "shadows": parts["shadows"],
        "circuits": {id: {**_LIVE, **live} for id, live in parts["circuits"].items()},
        "events": {id: {**_EVENT, **event} for id, event in parts["events"].items()},
        "past": {row[0]: row for row in map(_row, parts["past"])},
    }
    return {"site": site, **dict(_each(shelves))}


def _from_3(parts: Parts) -> Parts:
    """Every new field of format 4 has a default."""
    return parts


def _from_4(parts: Parts) -> Parts:
    """Remove the samples of five minutes; estimates now use the last reading."""
    return {
        name: _without_samples(part) if name.startswith("circuits/") else part
        for name, part in parts.items()
    }


def _without_samples(live: Parts) -> Parts:
    return {name: live[name] for name in live if name not in ("samples_w", "sampled_mono_ms")}


_STEPS = (_from_1, _from_2, _from_3, _from_4)


def _clocks(site: Parts) -> dict[str, int]:
    """Both clocks at the last reading, if known; else times count from now."""
    at_ms, offset_ms = site["read_ms"], site["offset_ms"]
    if at_ms is None or offset_ms is None:
        return {}
    return {"at_ms": at_ms, "mono_ms": at_ms - offset_ms}


def _marks(live: Parts, clocks: Mapping[str, int]) -> dict[str, Any]:
    """Since when a circuit is off or shed was not stored: use its last reading, to be safe."""
    if not clocks or live["drawn_w"] is None:
        return {}
    marks = {"read_mono_ms": clocks["mono_ms"]}
    if not live["enabled"] or live["held_w"] == 0:
        marks["off_mono_ms"] = clocks["mono_ms"]
    if live["held_w"] is not None:
        marks |= {"giving_mono_ms": clocks["mono_ms"], "gave_ms": clocks["at_ms"]}
    return marks


def _coming(site: Parts) -> dict[str, Any]:
    return {"due_ms": site["release_ms"], "last_ms": site["released_ms"]}


def _shadow(kept: Parts) -> dict[str, Any]:
    """A wish keeps its result; one without stays open, and is not carried out again."""
    wished = {wish["circuit"] for wish in kept["wishes"]}
    results, decided = kept["results"], kept["decided"]
    same = ("state", "version", "wishes", "token", "refusals", "ack", "wakes")
    return {
        **{name: kept[name] for name in same},
        **{name: [] for name in ("doubled", "acked", "answers")},
        **{"interval": None, "refusal": None},
        "clears": ["circuits"] if wished else [],
        "refused": {id: end for id, end in results.items() if id not in decided},
        "decided": {
            id: _decision(wish, results.get(id, PENDING if id in wished else APPLIED))
            for id, wish in decided.items()
        },
        "updated_ms": kept["reported_ms"],
    }


def _decision(wish: Parts, end: tuple[int, str]) -> dict[str, Any]:
    code, words = end
    asked = {"enabled": wish["enabled"], "stamp_s": wish["stamp_s"]}
    return {**asked, "code": code, "words": words, "at_ms": 0}


def _row(past: Any) -> list[Any]:
    """A past or live event in the four fields that are stored."""
    if isinstance(past, Mapping):
        return [past[name] for name in ("id", "source", "start_ms", "end_ms")]
    return list(past)


def _each(shelves: Mapping[str, Parts]) -> Iterator[tuple[str, Any]]:
    for shelf, entries in shelves.items():
        for key, entry in entries.items():
            yield f"{shelf}/{key}", entry
