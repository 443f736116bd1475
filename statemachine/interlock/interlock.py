"""The last line of defence: what can be done to a circuit now, whatever the plan is.

It knows the settings of the circuit and what was really done, but no events and plans. It is never
stricter than the settings, so it does not affect a plan that keeps them. People can switch as they
like. After a start the first hold is accepted, because it may already be in force; tighter ones
are checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..kit.quantity import millis_text, watts_text
from ..site.panel import LEAST_AMPS, Circuit
from ..state.effects import BY_EVENT, Hold, Switch
from .device_state import LAG_MS, DeviceState, allows_running

AGAIN_MS = 1_000  # how often it checks for room
GONE = "this circuit is not in ven.yaml, so it is not held or switched"
Fits = Callable[[int, int], bool]  # watts, now_ms: whether the site has room for that


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done instead of a request; None: nothing, it stays as it is.

    `why` "": it is done as requested. `due_ms`: when to check again; None: on the next change.
    """

    deed: Hold | Switch | None
    why: str = ""
    due_ms: int | None = None


class Interlock:
    """One circuit; None: it is not in ven.yaml. `return_ms`: the longest time that load of this
    site takes to come back.
    """

    def __init__(self, circuit: Circuit | None, return_ms: int, now_ms: int) -> None:
        self.observed = DeviceState(circuit)
        self._circuit, self._return_ms = circuit, return_ms
        rest_ms = 0 if circuit is None else circuit.min_off_ms
        self._believes_until_ms = now_ms + rest_ms + return_ms
        self._accepted, self._first = Hold("", None, 0), True
        self._spent = False

    def use(self, circuit: Circuit | None, return_ms: int, now_ms: int) -> None:
        """Use other settings; what is held by the old ones is released in its time."""
        if circuit != self._circuit:
            self._believes_until_ms = max(self._believes_until_ms, now_ms + return_ms)
        self._circuit, self._return_ms = circuit, return_ms
        self.observed.use(circuit)

    def renew(self) -> None:
        """A new hold is requested, so that the maximum time off counts anew."""
        self._spent = False

    def hold(self, hold: Hold, enabled: bool, fits: Fits, now_ms: int) -> Ruling:
        """What becomes of a hold; `enabled`: the circuit is to be on."""
        ruling = self._hold(hold, enabled, fits, now_ms)
        if isinstance(ruling.deed, Hold):
            self._accepted, self._first = ruling.deed, False
            self.observed.wanted(ruling.deed.watts, now_ms)
        return ruling

    def switch(self, switch: Switch, held: bool, now_ms: int) -> Ruling:
        """What becomes of a switch; `held`: a hold can keep it off while it must rest."""
        circuit = self._circuit
        if circuit is None:
            return Ruling(None, GONE)
        if switch.by == BY_EVENT and (switch.enabled or circuit.comes_back != "by_hand"):
            way = "on" if switch.enabled else "off"
            return Ruling(None, f"an event cannot switch it {way}, and no person asked for it")
        if switch.enabled and not held and (due_ms := self._rested_ms(circuit, now_ms)):
            return Ruling(None, _rests(circuit), due_ms)
        if switch.by == BY_EVENT and (due_ms := self._ran_ms(circuit, now_ms)):
            return Ruling(None, _runs(circuit), due_ms)
        return Ruling(switch)

    def _hold(self, hold: Hold, enabled: bool, fits: Fits, now_ms: int) -> Ruling:
        circuit = self._circuit
        if not enabled or (circuit is None and hold.watts is None):
            return Ruling(hold)
        if circuit is None:
            believed = self._believed(hold, now_ms)
            return Ruling(hold) if believed else Ruling(_at(hold, None), GONE)
        if not allows_running(circuit, hold.watts):
            return self._off(circuit, hold, fits, now_ms)
        if due_ms := self._rested_ms(circuit, now_ms):
            return Ruling(_at(hold, 0), _rests(circuit), due_ms)
        return self._limited(circuit, hold, fits, now_ms)

    def _off(self, circuit: Circuit, hold: Hold, fits: Fits, now_ms: int) -> Ruling:
        """A hold that leaves it off."""
        if rested_ms := self._rested_ms(circuit, now_ms):
            self._believes_until_ms = max(self._believes_until_ms, rested_ms + self._return_ms)
            return Ruling(hold, due_ms=rested_ms)
        due_ms = self._off_until_ms(circuit)
        if due_ms is not None and now_ms >= due_ms and not self._spent:
            self._spent = fits(self._needs_w(circuit), now_ms)
            due_ms = now_ms + AGAIN_MS
        if self._spent:
            most_ms = millis_text(circuit.max_off_ms or 0)
            return Ruling(_at(hold, None), f"it was off for {most_ms}, its maximum")
        if circuit.goes_off:
            if ran_ms := self._ran_ms(circuit, now_ms):
                return Ruling(_at(hold, _running_w(circuit)), _runs(circuit), ran_ms)
            return Ruling(hold, due_ms=due_ms)
        return _sooner(self._limited(circuit, hold, fits, now_ms), due_ms)

    def _limited(self, circuit: Circuit, hold: Hold, fits: Fits, now_ms: int) -> Ruling:
        """A hold that leaves it on: not below its limit, unless it comes back from less."""
        if hold.watts is None or (why := self._too_low(circuit, hold.watts)) is None:
            return Ruling(hold)
        if self._believed(hold, now_ms):
            return Ruling(hold, due_ms=self._believes_until_ms)
        comes_back = not self._first and not self._tighter(hold)
        if comes_back and not fits(self._needs_w(circuit), now_ms):
            return Ruling(hold, due_ms=now_ms + AGAIN_MS)
        return Ruling(_at(hold, self._least_w(circuit)), why)

    def _too_low(self, circuit: Circuit, watts: int) -> str | None:
        """Why a hold at `watts` is too low; None: it is not."""
        if circuit.locked:
            return "it has `shed: never` in ven.yaml"
        if not circuit.shed_percent:
            return "it has no `shed` in ven.yaml"
        if circuit.control == "relay" and (watts or not circuit.goes_off):
            return f"a relay is on or off, and cannot be held at {watts_text(watts)}"
        may_run = circuit.goes_off or allows_running(circuit, watts)
        if may_run and watts >= self._lowest_w(circuit):
            return None
        floor = f", with a floor of {watts_text(circuit.floor)}" if circuit.floor else ""
        most = f"it sheds at most {circuit.shed} %{floor}"
        return f"it cannot be held at {watts_text(watts)}: {most}"

    def _lowest_w(self, circuit: Circuit) -> int:
        free_w = self.observed.free_w
        if free_w is None:
            return circuit.floor
        percent_w = free_w * circuit.shed_percent // 100
        return free_w - max(0, min(percent_w, free_w - circuit.floor))

    def _least_w(self, circuit: Circuit) -> int | None:
        """The lowest allowed hold, in watts; None: it must not be held."""
        least_w = self._lowest_w(circuit)
        if circuit.control == "ev_pilot":
            least_w = max(LEAST_AMPS, -(-least_w // circuit.amp_w)) * circuit.amp_w
        nothing = not circuit.shed_percent or circuit.control == "relay" or not least_w
        return None if nothing or least_w >= circuit.rated else least_w

    def _needs_w(self, circuit: Circuit) -> int:
        return max(circuit.rated, self.observed.free_w or 0)

    def _believed(self, hold: Hold, now_ms: int) -> bool:
        return now_ms < self._believes_until_ms and (self._first or not self._tighter(hold))

    def _tighter(self, hold: Hold) -> bool:
        had_w = self._accepted.watts
        return hold.watts is not None and (had_w is None or hold.watts < had_w)

    def _off_until_ms(self, circuit: Circuit) -> int | None:
        """Until when it can be off; None: no limit, or only a person switches it on again."""
        off_ms, most_ms = self.observed.off_ms, circuit.max_off_ms
        if off_ms is None or most_ms is None or circuit.comes_back == "by_hand":
            return None
        return off_ms + max(most_ms, circuit.min_off_ms) + LAG_MS

    def _rested_ms(self, circuit: Circuit, now_ms: int) -> int | None:
        """Until when it must stay off; None: it need not."""
        rests_ms = self.observed.rests_ms
        until_ms = None if rests_ms is None else rests_ms + circuit.min_off_ms
        return until_ms if until_ms is not None and now_ms < until_ms else None

    def _ran_ms(self, circuit: Circuit, now_ms: int) -> int | None:
        """Until when it must run; None: it can be switched off."""
        on_ms = self.observed.on_ms
        until_ms = None if on_ms is None else on_ms + circuit.min_on_ms
        return until_ms if until_ms is not None and now_ms < until_ms else None


def _at(hold: Hold, watts: int | None) -> Hold:
    return Hold(hold.circuit, watts, hold.until_ms)


def _running_w(circuit: Circuit) -> int | None:
    """The lowest hold with which it still runs, in watts; None: only without a hold."""
    return None if circuit.control == "relay" else circuit.least_running_w


def _rests(circuit: Circuit) -> str:
    return f"it must be off for {millis_text(circuit.min_off_ms)} first"


def _runs(circuit: Circuit) -> str:
    return f"it must run for {millis_text(circuit.min_on_ms)} before it is switched off"


def _sooner(ruling: Ruling, due_ms: int | None) -> Ruling:
    dues = [due for due in (ruling.due_ms, due_ms) if due is not None]
    return Ruling(ruling.deed, ruling.why, min(dues, default=None))
