"""What of a site as a whole cannot be: cloud, topics, limits, the rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ..kit.errors import Fault, closest, meant
from ..kit.quantity import millis_text, percent_text, watts_text
from ..site.panel import Circuit
from ..site.spec import Never
from .draft import Draft

DAY_MIN, DAY_MS = 24 * 60, 86_400_000
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_LISTEN = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+|\*?):(\d{1,5})")

# section, setting: the least and the most with which it can do its work, and how to write them.
RANGES: dict[tuple[str, str], tuple[int, int, Callable[[int], str]]] = {
    ("site", "service"): (1, 10**9, watts_text),
    ("cloud", "port"): (1, 65_535, str),
    ("limits", "longest_event"): (1_000, 31 * DAY_MS, millis_text),
    ("telemetry", "every"): (1_000, 900_000, millis_text),
    ("telemetry", "shadow_every"): (1_000, DAY_MS, millis_text),
    ("commands", "max_age"): (1_000, DAY_MS, millis_text),
    ("restore", "ramp"): (1, 10**9, watts_text),
}
CLOUD = {  # kind: what it needs, what else it takes
    "local": ((), ("policy", "tls")),
    "aws": (("endpoint", "cert", "key"), ("ca", "port")),
    "mqtt": (
        ("host",),
        ("port", "cert", "key", "ca", "username", "password", "password_file", "shadow"),
    ),
}
AWS_LEVELS, TOPIC_BYTES = 8, 256


def site_faults(draft: Draft) -> Iterator[Fault]:
    """Every fault of the settings beside circuits and charts."""
    for section, check in (
        ("site", _site),
        ("cloud", _cloud),
        ("web", _listen),
        ("topics", _topics),
        ("limits", _limits),
        ("restore", _surge),
    ):
        if draft.sound(section):
            yield from check(draft)
    yield from _ranges(draft)
    yield from _rules(draft)


def _site(draft: Draft) -> Iterator[Fault]:
    site = draft.spec.site
    if site.unmetered >= site.service > 0:
        problem = "what is unmetered is all that the main breaker carries"
        hint = f"site.service is {watts_text(site.service)}"
        yield draft.at(("site", "unmetered"), "small-service", problem, hint)
    name = site.timezone
    if name is not None and not _known(name):
        problem = f"no time zone is called {name!r}"
        near = closest(name, available_timezones()) or "Europe/Berlin"
        yield draft.at(("site", "timezone"), "unknown-zone", problem, f"try {near}")


def _known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _ranges(draft: Draft) -> Iterator[Fault]:
    for (section, name), (least, most, text) in RANGES.items():
        value = getattr(getattr(draft.spec, section), name)
        if draft.sound(section) and value is not None and not least <= value <= most:
            problem = f"{section}.{name} cannot be {text(value)}"
            hint = f"it is {text(least)} to {text(most)}"
            yield draft.at((section, name), "out-of-range", problem, hint)


def _cloud(draft: Draft) -> Iterator[Fault]:
    cloud = draft.spec.cloud
    needs, takes = CLOUD[cloud.kind]
    for name in needs:
        if getattr(cloud, name) is None:
            yield draft.at(("cloud",), "wrong-cloud", f"kind {cloud.kind} needs `{name}`")
    for name in type(cloud).model_fields:
        if name not in ("kind", *needs, *takes) and getattr(cloud, name) is not None:
            problem = f"kind {cloud.kind} takes no `{name}`"
            yield draft.of(("cloud", name), "wrong-cloud", problem)
    if cloud.password is not None and cloud.password_file is not None:
        problem, hint = "one password is enough", "keep `password` or `password_file`"
        yield draft.of(("cloud", "password_file"), "wrong-cloud", problem, hint)
    for name in ("endpoint", "host"):
        if (host := getattr(cloud, name)) is not None and not _HOST.fullmatch(host):
            hint = "write the name alone: no https://, no port, no path"
            yield draft.at(("cloud", name), "bad-value", f"{host!r} is not a host", hint)


def _listen(draft: Draft) -> Iterator[Fault]:
    said = draft.spec.web.listen
    found = _LISTEN.fullmatch(said)
    if found is None or int(found[2]) > 65_535:
        hint = "write it like 127.0.0.1:8080"
        yield draft.at(("web", "listen"), "bad-value", f"{said!r} is no host and port", hint)


def _topics(draft: Draft) -> Iterator[Fault]:
    spec, seen = draft.spec, dict[str, str]()
    named = spec.topics.named(spec.site.id)
    for name in type(spec.topics).model_fields:
        topic = getattr(named, name)
        if topic is None:
            continue
        if wrong := _unfit(topic, spec.cloud.kind):
            yield draft.at(("topics", name), "bad-topic", *wrong)
        elif topic in seen:
            said = name if draft.source.has(("topics", name)) else seen[topic]
            problem = f"{name} has the topic of {seen[topic]}, {topic}"
            yield draft.at(("topics", said), "topic-clash", problem, "give each its own")
        elif name in ("command", "ack") and spec.site.id not in topic:
            problem = f"every VEN of this broker shares {topic}"
            hint = f"write {{venId}} in it, as in {type(spec.topics).model_fields[name].default}"
            yield draft.at(("topics", name), "shared-topic", problem, hint)
        seen.setdefault(topic, name)


def _unfit(topic: str, kind: str) -> tuple[str, str] | None:
    if found := re.search(r"\{[^}]*\}?", topic):
        return f"nothing fills {found[0]} in {topic}", "the one placeholder is {venId}"
    if topic.startswith("$"):
        return f"{topic} belongs to the broker", "begin it without $"
    if kind == "aws" and topic.count("/") >= AWS_LEVELS:
        return f"{topic} has more than {AWS_LEVELS} levels", "AWS IoT takes no more"
    if len(topic.encode()) > TOPIC_BYTES:
        return f"{topic[:40]}... is longer than {TOPIC_BYTES} bytes", "shorten it"
    return None


def _limits(draft: Draft) -> Iterator[Fault]:
    limits = draft.spec.limits
    dark = {minute % DAY_MIN for hours in limits.blackout for minute in _minutes(*hours)}
    if len(dark) == DAY_MIN:
        problem = "the blackout covers the whole day, and no event can ever run"
        yield draft.of(("limits", "blackout"), "always-blackout", problem, "leave some hours free")
    for name in ("events_per_day", "hours_per_month"):
        if getattr(limits, name) == 0:
            problem = f"with {name}: 0 the grid operator can call nothing"
            hint = "leave it out for no limit"
            yield draft.at(("limits", name), "never-asked", problem, hint)


def _minutes(start: int, end: int) -> range:
    return range(start, start + ((end - start) % DAY_MIN or DAY_MIN))


def _surge(draft: Draft) -> Iterator[Fault]:
    shed = sum(circuit.shed_percent > 0 for circuit in draft.spec.circuits.values())
    if draft.spec.restore.every == 0 and shed > 1:
        problem = f"with every: 0 s all {shed} circuits come back at once"
        yield draft.at(("restore", "every"), "surge", problem, "10 s is the default")


def _rules(draft: Draft) -> Iterator[Fault]:
    spec = draft.spec
    for place, rule in enumerate(spec.never if draft.sound("never") else []):
        circuit = spec.circuits.get(rule.circuit)
        if circuit is not None:
            yield from _never(draft, place, rule, circuit)
        elif not draft.source.has(("circuits", rule.circuit)):
            problem = f"no circuit is called {rule.circuit!r}"
            hint = meant(rule.circuit, spec.circuits)
            yield draft.at(("never", place, "circuit"), "unknown-circuit", problem, hint)
    for place, always in enumerate(spec.always if draft.sound("always") else []):
        if always.site_below is None and always.shed_below is None:
            hint = "write site_below or shed_below"
            yield draft.at(("always", place), "empty-rule", "this rule asks for nothing", hint)
        if always.site_below is not None and always.site_below <= spec.site.unmetered:
            problem = f"what is unmetered, {watts_text(spec.site.unmetered)}, is above it already"
            yield draft.at(("always", place, "site_below"), "impossible-rule", problem)


def _never(draft: Draft, place: int, rule: Never, circuit: Circuit) -> Iterator[Fault]:
    bounds = {name: getattr(rule, name) for name in type(rule).model_fields if name != "circuit"}
    if all(bound is None for bound in bounds.values()):
        hint = f"write one of {', '.join(bounds)}"
        yield draft.at(("never", place), "empty-rule", "this rule forbids nothing", hint)
    elif not circuit.shed_percent:
        problem = f"{rule.circuit} is never shed, so this is always so"
        yield draft.at(("never", place), "idle-rule", problem, "leave the rule out")
    else:
        for name, problem, hint in _unkept(rule, circuit):
            yield draft.at(("never", place, name), "unkept-rule", problem, hint)


def _unkept(rule: Never, circuit: Circuit) -> Iterator[tuple[str, str, str]]:
    """What the circuit's own settings allow beyond the rule, and how to narrow them."""
    id, off_ms = rule.circuit, circuit.max_off_ms
    if rule.off_for is not None and circuit.goes_off and (off_ms is None or off_ms > rule.off_for):
        allowed = "for as long as it lasts" if off_ms is None else f"for {millis_text(off_ms)}"
        hint = f"write max_off: {millis_text(rule.off_for)} for {id}"
        yield "off_for", f"an event may keep {id} off {allowed}", hint
    if rule.shed_percent is not None and circuit.shed_percent > rule.shed_percent:
        hint = f"write shed: {percent_text(rule.shed_percent)} for {id}"
        yield "shed_percent", f"{id} may give {percent_text(circuit.shed_percent)}", hint
    if rule.shed_above is not None and circuit.most_w > rule.shed_above:
        hint = f"write a lower `shed` or a higher `floor` for {id}"
        yield "shed_above", f"{id} may give {watts_text(circuit.most_w)}", hint
