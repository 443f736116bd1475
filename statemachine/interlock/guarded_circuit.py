"""One circuit behind its interlock: what its driver is to do, as far as that is allowed now.

If everything is allowed, this only passes requests to `wanted_state.py`. A forbidden request is
reported as its fault, and so is the end of the fault. A request that is only too early waits until
it is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..returns.idle import idle_after_ms
from ..site.spec import Spec
from ..state.effects import Hold, Switch
from .headroom import Headroom
from .interlock import Interlock, Ruling
from .wanted_state import Deed, DeviceAnswer, WantedState, wants_same

RENEW_MS = 40_000


@dataclass(slots=True)
class _Asked:
    """The newest request of one kind, what its driver got instead, and since when.

    `why` it was changed, "" if it was not; `fault` of its driver; `said`: the last report of that.
    """

    deed: Deed
    put_ms: int
    given: Deed | None = None
    given_ms: int = 0
    why: str = ""
    fault: str | None = None
    said: str | None = None
    due_ms: int | None = None


class GuardedCircuit:
    """One circuit, in ven.yaml or not. Times are ms of a clock that only runs forward."""

    def __init__(self, id: str, spec: Spec, headroom: Headroom, now_ms: int) -> None:
        self._id, self._headroom = id, headroom
        self._interlock = Interlock(spec.circuits.get(id), idle_after_ms(spec), now_ms)
        self._wanted, self._asked = WantedState(), dict[type[Deed], _Asked]()

    def use(self, spec: Spec, now_ms: int) -> None:
        """Use another ven.yaml."""
        self._interlock.use(spec.circuits.get(self._id), idle_after_ms(spec), now_ms)

    def put(self, deed: Deed, now_ms: int) -> list[DeviceAnswer]:
        """Request this from now on; returns results that are known at once."""
        kind = type(deed)
        request = self._asked.setdefault(kind, _Asked(deed, now_ms))
        if not wants_same(request.deed, deed):
            request.said = None
            if isinstance(deed, Hold):
                self._interlock.renew()
        request.deed, request.put_ms = deed, now_ms
        return list(self._judge(now_ms, kind))

    def look(self, now_ms: int) -> list[DeviceAnswer]:
        """Check again what is allowed now; returns new results."""
        due_ms = self._judge_ms()
        return [] if due_ms is None or now_ms < due_ms else list(self._judge(now_ms, None))

    def next(self, now_ms: int) -> Deed | None:
        """What its driver is to do now; None: nothing."""
        return self._wanted.next(now_ms)

    def begin(self, now_ms: int) -> Deed | None:
        """The same, and mark it as begun. Call `ended` with its result."""
        deed = self._wanted.next(now_ms)
        if deed is not None:
            self._interlock.observed.began(deed, self._asked[type(deed)].given_ms, now_ms)
        return deed

    def due_ms(self) -> int | None:
        """When to `look` next, or when its driver has to act; None: all is done."""
        dues = (self._judge_ms(), self._wanted.due_ms())
        return min((due for due in dues if due is not None), default=None)

    def busy(self) -> bool:
        """Whether something is to be done, retried, or done otherwise than requested."""
        return self._wanted.due_ms() is not None or bool(self.overruled())

    def overruled(self) -> list[str]:
        """Why requests are not done as requested, in words."""
        return [request.why for request in self._asked.values() if request.why]

    def ended(self, deed: Deed, fault: str | None, now_ms: int) -> list[DeviceAnswer]:
        """Its driver has done it (`fault` None) or failed; returns the results to report."""
        if fault is None:
            self._interlock.observed.done(deed)
        return [*self._told(self._wanted.ended(deed, fault, now_ms)), *self._judge(now_ms, None)]

    def doubt(self, now_ms: int) -> None:
        """The state of the circuit is not known any more: do all requests again."""
        self._wanted.doubt(now_ms)

    def seen(self, drawn_w: int, at_ms: int) -> None:
        """A reading of its meter at `at_ms`, in watts."""
        self._interlock.observed.seen(drawn_w, at_ms, self._enabled(), self._wanted.free)

    def _judge(self, now_ms: int, fresh: type[Deed] | None) -> Iterator[DeviceAnswer]:
        if (request := self._asked.get(Switch)) is not None and isinstance(request.deed, Switch):
            ruling = self._interlock.switch(request.deed, Hold in self._asked, now_ms)
            yield from self._give(request, ruling, fresh is Switch, now_ms)
        if (request := self._asked.get(Hold)) is not None and isinstance(request.deed, Hold):
            ruling = self._interlock.hold(request.deed, self._enabled(), self._fits, now_ms)
            yield from self._give(request, ruling, fresh is Hold, now_ms)

    def _give(
        self, request: _Asked, ruling: Ruling, fresh: bool, now_ms: int
    ) -> Iterator[DeviceAnswer]:
        """Pass on what is allowed, if that is new, and report what is not."""
        was_other, request.why, request.due_ms = bool(request.why), ruling.why, ruling.due_ms
        deed = ruling.deed
        if isinstance(deed, Hold) and deed.watts is not None and _is_free(request.deed):
            deed = replace(deed, until_ms=deed.until_ms + now_ms - request.put_ms)
            fresh |= now_ms - request.given_ms >= RENEW_MS  # nobody else renews this hold
            request.due_ms = min(request.due_ms or now_ms + RENEW_MS, now_ms + RENEW_MS)
        if deed is not None and (fresh or not wants_same(request.given, deed)):
            request.fault = request.fault if wants_same(request.given, deed) else None
            request.given, request.given_ms = deed, now_ms
            yield from self._told(self._wanted.put(deed, now_ms, owes=was_other))
        if request.why:
            yield from self._say(request)

    def _told(self, answers: Iterable[DeviceAnswer]) -> Iterator[DeviceAnswer]:
        """Results of a driver, as results of the original request."""
        for answer in answers:
            request = self._asked[type(answer.deed)]
            request.fault = answer.fault
            if request.why:
                yield from self._say(request)
            else:
                request.said = None
                yield answer

    def _say(self, request: _Asked) -> Iterator[DeviceAnswer]:
        fault = f"{request.why}; {request.fault}" if request.fault else request.why
        if request.said != fault:
            request.said = fault
            yield DeviceAnswer(request.deed, fault)

    def _enabled(self) -> bool:
        """Whether it is to be on, as far as that is allowed."""
        request = self._asked.get(Switch)
        return request is None or not isinstance(request.given, Switch) or request.given.enabled

    def _fits(self, watts: int, now_ms: int) -> bool:
        return self._headroom.take(self._id, watts, now_ms)

    def _judge_ms(self) -> int | None:
        dues = [request.due_ms for request in self._asked.values() if request.due_ms is not None]
        return min(dues, default=None)


def _is_free(deed: Deed) -> bool:
    return isinstance(deed, Hold) and deed.watts is None
