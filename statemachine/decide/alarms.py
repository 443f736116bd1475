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


def apply_noticed(turn: Turn, notice: Noticed) -> None:
    """The program has noticed that something is wrong with it, or is no more."""
    id, alarms = alarm_id(notice.kind, notice.about), turn.memory.alarms
    if notice.text is not None:
        alarm = Alarm(notice.kind, turn.now_ms, notice.text)
        turn.remember(alarms={**alarms, id: _going_on(alarms.get(id), alarm)})
    elif not KINDS[notice.kind].lasts:
        turn.remember(alarms={other: entry for other, entry in alarms.items() if other != id})


def update_alarms(turn: Turn) -> None:
    """What memory shows to be wrong is an alarm, and what it shows no more is none."""
    was, standing = turn.memory.alarms, conditions(turn.spec, turn.memory)
    if not was and not standing:
        return
    kept = {id: alarm for id, alarm in was.items() if alarm.kind not in SEEN or id in standing}
    turn.remember(alarms={**kept, **{id: _going_on(was.get(id), standing[id]) for id in standing}})


def acknowledge(turn: Turn, command: Acknowledge) -> Ack | None:
    """Somebody has seen an alarm: one whose cause is gone by itself is over with that."""
    alarms = turn.memory.alarms
    if (known := alarms.get(command.alarm)) is None:
        return rejected(command, "not_found", f"there is no alarm {command.alarm!r}")
    if KINDS[known.kind].lasts:
        turn.remember(alarms={id: alarm for id, alarm in alarms.items() if id != command.alarm})
    elif not known.by:
        seen = changed(known, by=command.source, acknowledged_ms=turn.now_ms)
        turn.remember(alarms={**alarms, command.alarm: seen})
    return None


def alarm_messages(turn: Turn) -> Iterator[Mapping[str, object]]:
    """A message for each alarm that was raised in this decision, is over, or was acknowledged."""
    was, now = turn.before.alarms, turn.memory.alarms
    for id in {**was, **now}:
        if word := _what_became(id, was, now, turn.trigger):
            by = turn.trigger.source if isinstance(turn.trigger, Acknowledge) else ""
            body = alarm_body(id, now.get(id) or was[id]) | ({"by": by} if by else {})
            yield {"type": "alarm", "state": word, **body, "ts": turn.now_ms // 1000}


def _going_on(standing: Alarm | None, alarm: Alarm) -> Alarm:
    text = alarm.text[:MOST_TEXT]
    if standing is None:
        return changed(alarm, text=text)
    return standing if standing.text == text else changed(standing, text=text)


def _what_became(
    id: str, was: Mapping[str, Alarm], now: Mapping[str, Alarm], trigger: Trigger
) -> str | None:
    seen = isinstance(trigger, Acknowledge) and trigger.alarm == id
    if id not in was:
        return "raised"
    if id not in now:
        return "acknowledged" if seen else "over"
    return "acknowledged" if was[id].by != now[id].by else None
