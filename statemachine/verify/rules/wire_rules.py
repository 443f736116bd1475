"""Rules for every message of a site, at every moment of a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...state.effects import Ack, GetShadow, Report
from ...state.triggers import Cancel, Command, DrEvent, Lock, OptOut, Restore, Toggle
from ..observer.observer import Observer
from ..world.play import Moment
from .day_rules import day_rule


@day_rule("P45")
def every_ack_names_all_readable_ids(book: Observer, now: Moment) -> Iterator[str]:
    trigger = now.trigger
    acks = [effect for effect in now.effects if isinstance(effect, Ack)]
    for ack in acks:
        named = {"venId": book.spec.site.id, "ok": ack.body["status"] != "rejected"}
        if isinstance(trigger, Command) and ack.reply == trigger.reply:
            named |= _named(trigger)
        if missing := [name for name, value in named.items() if ack.body.get(name) != value]:
            yield f"the ack of {ack.body['op']} lacks {', '.join(missing)}"


@day_rule("P46")
def a_site_without_a_shadow_requests_none(book: Observer, now: Moment) -> Iterator[str]:
    asked = any(isinstance(effect, GetShadow | Report) for effect in now.effects)
    if asked and not book.spec.cloud.has_shadow:
        yield "a shadow is requested that nobody provides"


def _named(command: Command) -> dict[str, Any]:
    match command:
        case DrEvent(event_id=id, revision=revision):
            earlier = command.earlier  # a copy names the event of the first one
            return {"event_id": id, "revision": revision} if earlier is None else {}
        case OptOut(event_id=id) | Cancel(event_id=id):
            return {"event_id": id}
        case Restore(event_id=str(id)):
            return {"event_id": id}
        case Toggle(circuit=id) | Lock(circuit=id):
            return {"loadId": id}
    return {}
