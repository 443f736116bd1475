"""Whoever watches a simulated site and its shadows, and says which rule of the protocol broke.

It keeps an account of its own: who wanted what and when in true time, what was carried out, what
the cloud holds. It looks into the controller's memory only to compare.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statemachine.site.named_shadows import circuits_by_shadow
from statemachine.state.cloud_triggers import Delta, Desired
from statemachine.state.desires import Wish
from statemachine.state.effects import Effect, GetShadow, Report, Switch
from statemachine.state.memory import Memory
from statemachine.state.triggers import SetConfig, Toggle, Trigger
from venctl.standin.shadow.service import ShadowRequestError, StoredShadow

if TYPE_CHECKING:
    from tests.kit.simulated.shadow_site import World

MOST_RESPONSE_MS = 5_000  # how old the service's time can be when it arrives
SOON_MS = 25_000  # before the heartbeat would bring it up anyway
MOST_SILENCES = 3  # each costs a timeout and a pause; more do not fit into `SOON_MS`
LOOP_MS, MOST_SETTLES = 60_000, 10
Asked = tuple[str, str, bool, int]  # shadow, circuit, on, stamp


@dataclass
class Said:
    """Somebody wanted a circuit so, in true milliseconds."""

    at_ms: int
    enabled: bool
    boot: int


@dataclass
class Witness:
    """Every method may raise AssertionError with a sentence."""

    world: World
    updates: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    settles: dict[tuple[str, str, bool], list[tuple[int, int]]] = field(default_factory=dict)
    executed: dict[str, Asked] = field(default_factory=dict)
    carried_out: int = 0
    answered: dict[Asked, tuple[int, str]] = field(default_factory=dict)
    toggles: dict[str, Said] = field(default_factory=dict)
    last_wish: dict[str, tuple[Asked, int]] = field(default_factory=dict)
    executed_at: dict[str, int] = field(default_factory=dict)
    intervals: list[tuple[int | None, int, int]] = field(default_factory=list)
    uneasy_ms: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    on_settle: Callable[[str], None] = lambda name: None
    causes: int = 0
    refused: int = 0

    # -- what is seen ---------------------------------------------------------------------------

    def wrote(self, name: str) -> None:
        self.causes += 1

    def deleted(self, name: str) -> None:
        self.causes += 1
        self.lost.add(name)

    def wished_interval(self, seconds: object) -> None:
        """0 ms stands for what cannot be: it also takes the place of a wish not seen yet."""
        every_ms = 0 if isinstance(seconds, str) else round(float(str(seconds)) * 1000)
        self.intervals.append((None, self.world.now_ms, every_ms))

    def delivered(self, delta: Delta) -> None:
        """A delta reached the site: what it wishes is answered before any heartbeat."""
        site, session = self.world.site, self.world.site.session
        wishes = [_asked(delta.key, wish) for wish in delta.wishes or ()]
        began_ms = self.world.now_ms

        def look() -> None:
            calm = session == site.session and self.uneasy_ms.get(delta.key, 0) < began_ms
            left = {asked for asked, _ in _wishes(delta.key, self._document(delta.key))}
            waits = [
                a for a in wishes if a in left and a not in self.answered and a[1] in self._ids
            ]
            assert not (calm and waits), f"{waits} were heard and not answered"

        if wishes and self.world.odds.lost:
            self.world.after(SOON_MS, look)

    def asked(self, effect: GetShadow | Report, others: list[GetShadow | Report]) -> None:
        """The site says something to the cloud."""
        site, now_ms = self.world.site, self.world.now_ms
        assert site.memory.shadows[effect.key].state != "offline", "nothing is said while offline"
        if site.repeats:
            return
        assert effect.key not in [one.key for one in others], "one request at a time of a shadow"
        assert len(others) < 10, "the service takes ten requests at a time"
        if not isinstance(effect, Report):
            return
        assert not [one for one in others if isinstance(one, Report)], "updates follow one another"
        before = self.updates[effect.key]
        gap_ms = now_ms - before[-1] if before else 1_000
        assert gap_ms >= 1_000, f"two updates of {effect.key!r} within {gap_ms} ms"
        before.append(now_ms)
        if effect.clears:
            self._check_loop(effect.key, now_ms)

    def _check_loop(self, key: str, now_ms: int) -> None:
        site, often = self.world.site, []
        for wish in site.memory.shadows[key].wishes:
            settles = self.settles.setdefault((key, wish.circuit, wish.enabled), [])
            settles.append((now_ms, site.run))
            recent = [at for at, run in settles if at > now_ms - LOOP_MS and run == site.run]
            often.append(len(recent))
        assert min(often, default=0) <= MOST_SETTLES, f"{often} answers about the same in a minute"

    def decided(self, before: Memory, trigger: Trigger, effects: list[Effect]) -> None:
        """The site has decided, and the journal has it."""
        site = self.world.site
        self._note_person(before, trigger)
        if isinstance(trigger, Desired):
            self._note_wishes(before, trigger, effects)
        for key, shadow in site.memory.shadows.items():
            if shadow.state == "muted" or shadow.refusals > MOST_SILENCES:
                self.uneasy_ms[key] = self.world.now_ms + 1
            for wish in shadow.wishes:
                self._note_end(_asked(key, wish), shadow.ends()[wish.circuit])

    def _note_end(self, asked: Asked, end: tuple[int, str]) -> None:
        code, words = end
        if code == 202 or asked in self.answered:
            return
        self.answered[asked] = end
        assert code < 300 or words, f"{code} without a reason"
        if code == 200:
            live = self.world.site.memory.circuits[asked[1]]
            assert live.enabled == asked[2], f"{asked} is said to be applied, and is not"

    def _note_person(self, before: Memory, trigger: Trigger) -> None:
        if isinstance(trigger, Toggle) and trigger.circuit in before.circuits:
            was, now = before.circuits[trigger.circuit], self.world.site.memory.circuits
            if now[trigger.circuit].changed_mono_ms != was.changed_mono_ms:
                said = Said(self.world.now_ms, trigger.enabled, self.world.site.boot)
                self.toggles[trigger.circuit] = said
                if was.enabled != trigger.enabled:
                    self._expect_report(before)
            self.causes += 1
        if isinstance(trigger, SetConfig):
            self.causes += 1
            if self.world.site.memory.every_mono_ms == trigger.mono_ms:  # it was not refused
                chosen = (self.world.site.boot, self.world.now_ms, trigger.every_ms)
                self.intervals.append(chosen)

    def _expect_report(self, before: Memory) -> None:
        """A circuit changed while all was quiet: the classic shadow hears of it at once."""
        site, session, now_ms = self.world.site, self.world.site.session, self.world.now_ms
        if before.shadow.state != "in_sync" or before.shadow.doing or len(before.shadows) > 1:
            return

        def look() -> None:
            quiet = session == site.session and site.memory.shadow.state == "in_sync"
            assert not quiet or self.updates[""][-1] >= now_ms, "a change was not reported"

        self.world.after(1_001, look)

    def _note_wishes(self, before: Memory, trigger: Desired, effects: list[Effect]) -> None:
        """A switch that follows a document or delta was wished for, and is done once."""
        for effect in effects:
            if not isinstance(effect, Switch):
                continue
            wishes = [w for w in trigger.wishes or () if w.circuit == effect.circuit]
            assert len(wishes) == 1 and wishes[0].enabled == effect.enabled, "nobody wished that"
            asked = _asked(trigger.key, wishes[0])
            assert self.executed.get(effect.circuit) != asked, f"{asked} was carried out twice"
            assert before.circuits[effect.circuit].locked_by is None, "a locked circuit"
            last = self.executed_at.get(trigger.key, 0)
            assert trigger.version >= last, f"version {trigger.version} was read after {last}"
            self._check_elsewhere(asked)
            self.executed_at[trigger.key] = trigger.version
            self.executed[effect.circuit] = asked
            self.last_wish[effect.circuit] = (asked, 200)
            self.carried_out += 1
            self._check_newest(wishes[0])

    def _check_newest(self, wish: Wish) -> None:
        """A wish that is carried out is not older than what a person did, as far as is knowable."""
        said = self.toggles.get(wish.circuit)
        if said is None or said.boot != self.world.site.boot or not wish.stamp_s:
            return
        wished_ms = wish.stamp_s * 1000 - EPOCH_MS
        late_ms = said.at_ms - wished_ms
        assert late_ms <= 2_000 + MOST_RESPONSE_MS, f"{wish} undid a choice {late_ms} ms younger"

    def _check_elsewhere(self, asked: Asked) -> None:
        earlier = self.executed.get(asked[1])
        if earlier is not None and earlier[0] != asked[0]:
            assert earlier[3] <= asked[3], f"{asked} undid a newer wish, {earlier}"

    def accepted(self, effect: Report, before: StoredShadow) -> None:
        """The service took an update of the site's: nothing unseen may be gone."""
        if not {"circuits", "loads"} & {*effect.clears} or not before.desired:
            return
        self.on_settle(effect.key)
        for asked, raw in _wishes(effect.key, before):
            if not isinstance(raw, bool) or asked[1] not in self.world.spec.circuits:
                continue
            assert asked in self.answered, f"{asked} was wiped unseen"
            code, _ = self.answered[asked]
            self._note_last(asked, code)
            self.refused += code >= 400
            if code == 409 and self._by_person(asked):
                self._check_superseded(asked)

    def _note_last(self, asked: Asked, code: int) -> None:
        """The last wish for a circuit; of two shadows' within one second, the one done last."""
        known = self.last_wish.get(asked[1])
        same = known is not None and known[0][0] == asked[0]
        if known is None or known[0][3] < asked[3] or (same and known[0][3] == asked[3]):
            self.last_wish[asked[1]] = (asked, code)

    def _by_person(self, asked: Asked) -> bool:
        return self.answered[asked][1].startswith("switched by")

    def _check_superseded(self, asked: Asked) -> None:
        said = self.toggles.get(asked[1])
        assert said is not None, f"{asked} is superseded by nobody"
        assert EPOCH_MS + said.at_ms >= asked[3] * 1000, f"{asked} is newer than what refused it"

    # -- what must be when everything has come to rest ------------------------------------------

    def at_rest(self) -> None:
        """Raises where cloud, memory and breakers do not agree, or too much was said."""
        site = self.world.site
        assert site.online
        for key, ids in circuits_by_shadow(self.world.spec).items():
            self._check_document(key, ids)
        for id, live in site.memory.circuits.items():
            assert live.fault or site.panel.all[id].on == live.enabled, f"the breaker of {id}"
            self._check_last_word(id, live.enabled)
        self._check_amount()

    def _check_document(self, key: str, ids: tuple[str, ...]) -> None:
        site = self.world.site
        shadow = site.memory.shadows[key]
        assert shadow.state == "in_sync", f"{key!r} rests in {shadow.state}"
        try:
            state = self.world.service.get("v1", key, b"").body["state"]
        except ShadowRequestError:
            raise AssertionError(f"nothing is reported in {key!r}") from None
        left = {k: v for k, v in state.get("delta", {}).items() if k != "welcome"}
        assert not left, f"a delta is left in {key!r}: {left}"
        assert not {"circuits", "loads"} & state.get("desired", {}).keys(), "a wish is left"
        reported = state["reported"]
        told = {one["id"]: one["enabled"] for one in reported.get("circuits", [])}
        assert told == {id: site.memory.circuits[id].enabled for id in ids}, f"{key!r}: {told}"
        said = reported.get("ack")
        assert said == _plain(shadow.ack), f"in the cloud the ack record is {said}"
        if not key:
            assert reported["report_interval_seconds"] * 1000 == site.memory.every_ms
            self._check_interval(site.memory.every_ms)

    def _check_last_word(self, id: str, enabled: bool) -> None:
        """Whoever spoke last, by more than clocks can tell, has it his way."""
        said, wished = self.toggles.get(id), self.last_wish.get(id)
        if said is None or wished is None:
            return
        (_, _, on, stamp_s), code = wished
        later_ms = said.at_ms - (stamp_s * 1000 - EPOCH_MS)
        if later_ms > 2_000 + MOST_RESPONSE_MS and said.boot == self.world.site.boot:
            assert enabled == said.enabled, f"a wish undid what a person chose for {id}"
        elif later_ms < -1_000 and code in (200, 502, 504):
            assert enabled == on, f"the wish for {id} came last"

    def _check_interval(self, every_ms: int) -> None:
        """The last to choose the interval has it, unless two chose at about the same time."""
        if "" in self.lost or not self.intervals:
            return
        boot, at_ms, wanted_ms = self.intervals[-1]
        if not wanted_ms or boot not in (None, self.world.site.boot):
            return  # after a reboot the age of a choice at the site is unknown
        rivals = [at for _, at, _ in self.intervals[:-1] if at > at_ms - 3_000 - MOST_RESPONSE_MS]
        assert rivals or every_ms == wanted_ms, f"{wanted_ms} ms was chosen last, not {every_ms}"

    @property
    def _ids(self) -> set[str]:
        return set(self.world.spec.circuits)

    def _document(self, key: str) -> StoredShadow:
        return self.world.shadows.get(("v1", key), StoredShadow())

    def _check_amount(self) -> None:
        """Heartbeats, and a few updates for each thing that somebody did."""
        every_ms = self.world.spec.telemetry.shadow_every
        for key, times in self.updates.items():
            beats = self.world.now_ms // every_ms + 2
            most = beats + 6 * (self.causes + self.world.site.session) + 20
            assert len(times) <= most, f"a storm: {len(times)} updates of {key!r}, {most} at most"


EPOCH_MS = 1_700_000_000_000


def _asked(key: str, wish: Wish) -> Asked:
    return key, wish.circuit, wish.enabled, wish.stamp_s


def _wishes(key: str, shadow: StoredShadow) -> list[tuple[Asked, Any]]:
    """What a document desires of circuits, read once more and by other means."""
    out: dict[str, tuple[Asked, Any]] = {}
    for name in ("loads", "circuits"):
        circuits = (shadow.desired or {}).get(name)
        stamps = (shadow.desired_metadata or {}).get(name)
        if isinstance(circuits, dict):
            entries = [(id, one, stamps[id]) for id, one in circuits.items()]
        else:
            entries = [(one["id"], one, stamps[n]) for n, one in enumerate(circuits or [])]
        own: dict[str, tuple[Asked, Any]] = {}
        for id, one, stamp in entries:
            asked = (key, id, one["enabled"], stamp["enabled"]["timestamp"])
            own[id] = (asked, one["enabled"])
        for id, wish in own.items():
            if id not in out or out[id][0][3] <= wish[0][3]:  # of two names the newer counts
                out[id] = wish
    return list(out.values())


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
