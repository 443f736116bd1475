"""Runs the shadow charts of a site: passes on triggers, and sends what each state asks for.

One machine for each shadow, all with the same chart. The key of the classic shadow is "".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..chart.machine import Chart
from ..kit.frozen import changed
from ..site.tables import Table
from ..state.cloud_triggers import Answered, Delta, Document, Refused
from ..state.effects import GetShadow, Report
from ..state.shadow import End, ShadowState
from ..state.triggers import NO_ANSWER, Connected, Disconnected, Switched
from ..state.turn import Turn
from .ack_record import APPLIED, FAILED, SILENT, SUPERSEDED, ack_record
from .actions import FULLER_MS, TOO_LARGE, answered_s, count_answer, end_open_wishes
from .report import TELLING_W, fingerprint, newsworthy_w, reported_section

MAX_ROUNDS = 50
MIN_GAP_MS = 1_000
PATIENCE_MS = 10_000
MOST_GETS = 5  # the service takes ten requests at a time; only one of them is an update


class ShadowProtocol:
    """All shadow charts of a site. It has no state: everything is in the turn's memory.

    On a broker without a shadow service they do nothing, because nobody would answer.
    """

    def __init__(self, table: Table, kept: bool) -> None:
        self._chart, self._kept = Chart(table), kept

    def restart(self, turn: Turn) -> None:
        """Forget requests that were under way when the program stopped."""
        if not self._kept:
            turn.remember(shadows=_stilled(turn))
        for key in self._keys(turn):
            self._fire(turn, key, "restarted")
            turn.remember_shadow(in_flight=None, doing="", look_ms=None)
            turn.remember_shadow(answers=(), answered=(), newest=0)
            turn.remember_shadow(updated_ms=min(turn.shadow.updated_ms, turn.now_ms))

    def fire_due(self, turn: Turn) -> None:
        """Fire all due timers of shadows, and give up requests without an answer."""
        for key in self._keys(turn):
            turn.event_id, turn.key = "", key
            if turn.shadow.in_flight is not None and turn.now_ms >= _patience_ms(turn.shadow):
                self._be_refused(turn, 504, "no answer")
            for _ in range(MAX_ROUNDS):
                wakes = turn.shadow.wakes
                due = min(zip(wakes.values(), wakes, strict=True), default=None)
                if due is None or due[0] > turn.now_ms:
                    break
                turn.remember_shadow(wakes=_without(wakes, due[1]))
                self._fire(turn, key, due[1])

    def apply(self, turn: Turn) -> None:
        """Handle a message of the shadow service, or a change of the link."""
        trigger = turn.trigger
        match trigger:
            case Connected() | Disconnected():
                for key in self._keys(turn):
                    turn.event_id, turn.key = "", key
                    turn.remember_shadow(in_flight=None, doing="", sent="", refusals=0)
                    turn.remember_shadow(lean=0, fuller_ms=0, fuller_pause_ms=0, newest=0)
                    self._fire(turn, key, trigger.name)
            case Delta(key=key) if key in self._keys(turn):
                self._fire(turn, key, "delta")
            case Document(key=key) | Answered(key=key) | Refused(key=key):
                if key in self._keys(turn):
                    turn.event_id, turn.key = "", key
                    if trigger.token == turn.shadow.in_flight:
                        self._hear_answer(turn, trigger)

    def applied(self, turn: Turn) -> bool:
        """Fire `applied` in every shadow whose wishes have all ended; True if a row took it."""
        moved = False
        for key in self._keys(turn):
            if not turn.memory.shadows[key].open_wishes():
                moved |= self._fire(turn, key, "applied")
        return moved

    def switched(self, turn: Turn, trigger: Switched) -> None:
        """A driver answered: end the wishes that waited for it."""
        end: End = (APPLIED, "")
        if trigger.fault is not None:
            end = (SILENT if trigger.fault.startswith(NO_ANSWER) else FAILED), trigger.fault[:64]
        end_open_wishes(turn, trigger.circuit, end, trigger.enabled)

    def toggled(self, turn: Turn, circuit: str, by: str) -> None:
        """A person switched the circuit: end what the cloud wanted before."""
        end_open_wishes(turn, circuit, (SUPERSEDED, f"switched by {by} later"), None)

    def report(self, turn: Turn) -> None:
        """Send what each state asks for, if it is due and the service has room for a request."""
        for key in self._keys(turn):
            turn.event_id, turn.key = "", key
            due_ms = _due_ms(turn)
            if due_ms is not None and turn.now_ms >= due_ms and turn.shadow.in_flight is None:
                if _has_room(turn):
                    _send(turn)
                due_ms = _patience_ms(turn.shadow) if turn.shadow.in_flight else None
            if due_ms != turn.shadow.look_ms:
                turn.remember_shadow(look_ms=due_ms)

    def _keys(self, turn: Turn) -> Collection[str]:
        return turn.memory.shadows.keys() if self._kept else ()

    def _fire(self, turn: Turn, key: str, name: str) -> bool:
        """Fire a trigger in one shadow's chart; True if a row took it."""
        turn.event_id, turn.key, turn.name = "", key, name
        state = self._chart.fire(turn.shadow.state, turn)
        if state is not None and state != turn.shadow.state:
            turn.remember_shadow(state=state)
        return state is not None

    def _hear_answer(self, turn: Turn, answer: Document | Answered | Refused) -> None:
        if isinstance(answer, Refused):
            self._be_refused(turn, answer.code, answer.message)
            return
        turn.remember_shadow(in_flight=None, doing="", refusal=None)
        if answer.server_s is not None:
            turn.remember(server_mono_ms=answer.server_s * 1000 - answer.mono_ms)
        if isinstance(answer, Document):
            self._fire(turn, turn.key, "document")
            return
        _has_fitted(turn)
        self._fire(turn, turn.key, "settled" if answer.settles else "reported")

    def _be_refused(self, turn: Turn, code: int, words: str) -> None:
        turn.remember_shadow(in_flight=None, doing="", sent="", refusal=(code, words[:64]))
        self._fire(turn, turn.key, "refused")


def _stilled(turn: Turn) -> dict[str, ShadowState]:
    """Shadows at rest, with their decisions: ven.yaml may have named another broker before."""
    still: dict[str, Any] = {"state": turn.spec.shadow.initial, "wants": "", "wakes": {}}
    still |= {"in_flight": None, "doing": "", "look_ms": None, "alarms": {}}
    return {key: changed(shadow, **still) for key, shadow in turn.memory.shadows.items()}


def _due_ms(turn: Turn) -> int | None:
    """When a shadow next has to send something or give up waiting, in UTC ms; None: never."""
    shadow, now_ms = turn.shadow, turn.now_ms
    if shadow.in_flight is not None:
        return _patience_ms(shadow)
    match shadow.wants:
        case "get":
            return now_ms
        case "settle":
            return shadow.updated_ms + MIN_GAP_MS
        case "report":
            heartbeat_ms = max(MIN_GAP_MS, turn.spec.telemetry.shadow_every)
            soon_ms = shadow.updated_ms + MIN_GAP_MS
            fuller_ms = max(soon_ms, shadow.fuller_ms or soon_ms + heartbeat_ms)
            late_ms = min(shadow.updated_ms + heartbeat_ms, fuller_ms)
            return soon_ms if _has_news(turn) else late_ms
    return None


def _has_news(turn: Turn) -> bool:
    shadow = turn.shadow
    more_w = abs(newsworthy_w(turn.memory, turn.key) - shadow.sent_w)
    digest = fingerprint(turn.spec, turn.memory, turn.key, turn.now_ms)
    return digest != shadow.sent or more_w >= TELLING_W


def _has_room(turn: Turn) -> bool:
    """Whether the service has room for another request now."""
    under_way = [shadow.doing for shadow in turn.memory.shadows.values()]
    if turn.shadow.wants == "get":
        return under_way.count("get") < MOST_GETS
    return not {"settle", "report"} & set(under_way)


def _send(turn: Turn) -> None:
    what, token = turn.shadow.wants, turn.shadow.token + 1
    turn.remember_shadow(token=token, in_flight=token, doing=what, asked_ms=turn.now_ms)
    if what == "get":
        turn.remember_shadow(wants="")
        turn.do(GetShadow(token, turn.key))
    elif what == "settle":
        turn.remember_shadow(wants="", ack=ack_record(turn.shadow, answered_s(turn)))
        count_answer(turn)
        clears, version = turn.shadow.clears, turn.shadow.version
        turn.do(Report(token, _said(turn), clears, version, turn.key))
    else:
        _try_fuller(turn)
        turn.do(Report(token, _said(turn), key=turn.key))


def _said(turn: Turn) -> dict[str, Any]:
    """What is reported now; it is remembered as sent."""
    spec, memory, key, now_ms = turn.spec, turn.memory, turn.key, turn.now_ms
    ids = tuple((turn.shadow.ack or {}).get("r", {}))
    turn.remember_shadow(
        updated_ms=now_ms,
        sent=fingerprint(spec, memory, key, now_ms),
        sent_w=newsworthy_w(memory, key),
        acked=tuple(dict.fromkeys((*turn.shadow.acked, *ids))),
    )
    return reported_section(spec, memory, key, now_ms)


def _try_fuller(turn: Turn) -> None:
    """Try with less left out from time to time, because nobody tells when there is room again."""
    shadow = turn.shadow
    if shadow.lean and 0 < shadow.fuller_ms <= turn.now_ms:
        turn.remember_shadow(lean=shadow.lean - 1, fuller_ms=0)


def _has_fitted(turn: Turn) -> None:
    """An update was accepted: end the alarm, or try soon to send even more."""
    shadow = turn.shadow
    if not shadow.lean:
        alarms = _without(shadow.alarms, TOO_LARGE)
        turn.remember_shadow(alarms=alarms, fuller_ms=0, fuller_pause_ms=0)
    elif not shadow.fuller_ms:
        turn.remember_shadow(fuller_ms=turn.now_ms + FULLER_MS, fuller_pause_ms=FULLER_MS)


def _patience_ms(shadow: ShadowState) -> int:
    return shadow.asked_ms + PATIENCE_MS


def _without(all: Mapping[str, int], name: str) -> dict[str, int]:
    return {other: value for other, value in all.items() if other != name}
