"""The alarms that stand: raised, changed, over, acknowledged, and told of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..kit.frozen import changed
from ..state.alarm import KINDS, MOST_TEXT, Alarm, alarm_body, alarm_id
from ..state.effects import Ack
from ..state.triggers import Acknowledge, Noticed, Trigger
from ..state.turn import Turn
from ..wire.messages import rejected
from .conditions import SEEN, conditions


def apply_noticed(turn: Turn, said: Noticed) -> None:
    """The program has noticed that something is wrong with it, or is no more."""
    id, alarms = alarm_id(said.kind, said.about), turn.memory.alarms
    if said.text is not None:
        found = Alarm(said.kind, turn.now_ms, said.text)
        turn.remember(alarms={**alarms, id: _going_on(alarms.get(id), found)})
    elif not KINDS[said.kind].lasts:
        turn.remember(alarms={other: one for other, one in alarms.items() if other != id})


def update_alarms(turn: Turn) -> None:
    """What memory shows to be wrong is an alarm, and what it shows no more is none."""
    was, found = turn.memory.alarms, conditions(turn.spec, turn.memory)
    kept = {id: one for id, one in was.items() if one.kind not in SEEN or id in found}
    turn.remember(alarms={**kept, **{id: _going_on(was.get(id), found[id]) for id in found}})


def acknowledge(turn: Turn, asked: Acknowledge) -> Ack | None:
    """Somebody has seen an alarm: one whose cause is gone by itself is over with that."""
    alarms = turn.memory.alarms
    if (known := alarms.get(asked.alarm)) is None:
        return rejected(asked, "not_found", f"there is no alarm {asked.alarm!r}")
    if KINDS[known.kind].lasts:
        turn.remember(alarms={id: one for id, one in alarms.items() if id != asked.alarm})
    elif not known.by:
        seen = changed(known, by=asked.source, acknowledged_ms=turn.now_ms)
        turn.remember(alarms={**alarms, asked.alarm: seen})
    return None


def alarm_messages(turn: Turn) -> Iterator[Mapping[str, object]]:
    """A message for each alarm that was raised in this decision, is over, or was acknowledged."""
    was, now = turn.before.alarms, turn.memory.alarms
    for id in {**was, **now}:
        if word := _what_became(id, was, now, turn.trigger):
            by = turn.trigger.source if isinstance(turn.trigger, Acknowledge) else ""
            said = alarm_body(id, now.get(id) or was[id]) | ({"by": by} if by else {})
            yield {"type": "alarm", "state": word, **said, "ts": turn.now_ms // 1000}


def _going_on(known: Alarm | None, found: Alarm) -> Alarm:
    text = found.text[:MOST_TEXT]
    if known is None:
        return changed(found, text=text)
    return known if known.text == text else changed(known, text=text)


def _what_became(
    id: str, was: Mapping[str, Alarm], now: Mapping[str, Alarm], trigger: Trigger
) -> str | None:
    seen = isinstance(trigger, Acknowledge) and trigger.alarm == id
    if id not in was:
        return "raised"
    if id not in now:
        return "acknowledged" if seen else "over"
    return "acknowledged" if was[id].by != now[id].by else None
