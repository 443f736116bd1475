"""How the doctor learns about MQTT: its own connection, or the running controller's report."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from awscrt import mqtt5

from statemachine import Spec
from statemachine.site.named_shadows import circuits_by_shadow

from ..base.reason_codes import FOREIGN, VERSION
from ..link.endpoint import Endpoint
from ..link.link import Denied, Link, LinkLost, LinkUp, News, SendFailed, SendRefused
from ..link.shadow_client import TIMED_OUT, ShadowClient, ShadowDocument, ShadowRejected
from ..link.tls import ConfigProblem, utc

CONNECT_S, ANSWER_S = 15.0, 6.0
CLOCK_S = 5
PASSING = (409, 429)  # refusals that occur in normal operation
MOST_FILTERS = 8  # the limit of AWS for one SUBSCRIBE
POLICY = "correct the permissions at the broker; on AWS compare the policy with `venctl aws policy`"
UNCOMPARED = "not checked: there is no server time to compare with"
ANSWERS = ("get/+", "update/accepted", "update/rejected", "update/delta")


class Probe(Protocol):
    """Each step returns what it found, or raises `ConfigProblem`."""

    async def connect(self) -> str: ...
    async def subscribe(self) -> str: ...
    async def publish(self) -> str: ...
    async def shadow(self) -> str: ...
    async def clock(self) -> str: ...
    async def leave(self) -> None: ...


class OwnConnection:
    """The doctor's own connection. It acknowledges no command, so queued commands stay queued."""

    def __init__(self, spec: Spec, endpoint: Endpoint, answered: bool) -> None:
        self._spec, self._endpoint, self._answered = spec, endpoint, answered
        self._topics = spec.topics.named(spec.site.id)
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._denied: list[str] = []
        self._link: Link | None = None
        self._shadows = list(circuits_by_shadow(spec)) if spec.cloud.has_shadow else []
        self._filters = [
            f"$aws/things/{spec.site.id}/shadow{f'/name/{name}' if name else ''}/{end}"
            for name in self._shadows
            for end in ANSWERS
        ]
        self._clock: tuple[float, int] | None = None

    async def connect(self) -> str:
        # The command topic is subscribed at once: what the session holds for the controller arrives
        # now, and only a message on a subscribed topic is left unacknowledged, to be sent again.
        topics = [self._topics.command] if self._topics.command else []
        self._link = Link(self._endpoint, topics, None, self._news.put_nowait)
        self._link.start()
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._up()
        except TimeoutError:
            problem = f"the broker did not answer within {CONNECT_S:.0f} s"
            raise ConfigProblem(problem, VERSION) from None
        return f"connected as {self._endpoint.client_id}"

    async def _up(self) -> None:
        while True:
            match await self._news.get():
                case LinkUp():
                    return
                case Denied(topic, why):
                    self._denied.append(f"{topic} ({why})")
                case LinkLost(why):
                    problem, _, question = why.partition("; ")
                    if question:
                        raise ConfigProblem(problem, self._unheard(problem, question))
                    raise ConfigProblem(f"the broker refuses the connection: {why}", self._let_in())

    def _unheard(self, problem: str, question: str) -> str:
        needed = f"{question}, which venctl needs"
        return needed if problem == FOREIGN else f"{needed}; if it does, {self._let_in()}"

    def _let_in(self) -> str:
        if not self._endpoint.aws:
            return "check `username` and `password` in ven.yaml, and the broker's log"
        return (
            "activate the certificate, and attach it to a policy that allows iot:Connect on "
            f"client/{self._endpoint.client_id} and to the thing of that name"
        )

    async def subscribe(self) -> str:
        denied = list(self._denied)
        for at in range(0, len(self._filters), MOST_FILTERS):
            denied += await self._refused(self._filters[at : at + MOST_FILTERS])
        if denied:
            raise ConfigProblem(f"the broker refuses subscriptions to {', '.join(denied)}", POLICY)
        number = len(self._filters) + (1 if self._topics.command else 0)
        return "1 topic granted" if number == 1 else f"{number} topics granted"

    async def _refused(self, filters: Sequence[str]) -> list[str]:
        packet = mqtt5.SubscribePacket(
            [
                mqtt5.Subscription(
                    name,
                    mqtt5.QoS.AT_LEAST_ONCE,
                    retain_handling_type=mqtt5.RetainHandlingType.DONT_SEND,
                )
                for name in filters
            ]
        )
        assert self._link is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                suback = await asyncio.shield(
                    asyncio.wrap_future(self._link.client.subscribe(packet))
                )
        except Exception as error:
            raise ConfigProblem(f"no answer to SUBSCRIBE: {error}", POLICY) from None
        answers = zip(filters, suback.reason_codes, strict=True)
        return [name for name, code in answers if int(code) >= 0x80]

    async def publish(self) -> str:
        now_s, token = int(time.time()), f"doctor-{time.time_ns():x}"
        pong = {"op": "ping", "status": "success", "pong": True, "ts": now_s}
        messages = [(self._topics.ack, {**pong, "correlationId": token})]
        messages.append((self._topics.status, {"type": "doctor", "ts": now_s}))
        allowed, refused = [], []
        for topic, body in messages:
            if topic is not None and (why := await self._say(topic, body)):
                refused.append(why)
            elif topic is not None:
                allowed.append(topic)
        if self._topics.ack and self._topics.ack not in allowed:
            raise ConfigProblem(refused[0], POLICY)
        also = f"; {refused[0]}, but everything else works without it" if refused else ""
        return f"on {', '.join(allowed)}{also}"

    async def _say(self, topic: str, body: Mapping[str, Any]) -> str | None:
        assert self._link is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._link.publish(topic, json.dumps(body).encode())
        except (SendFailed, SendRefused, TimeoutError) as error:
            return str(error) or f"no answer to PUBLISH on {topic}"
        return None

    async def shadow(self) -> str:
        if not self._spec.cloud.has_shadow:
            return "none, because ven.yaml says `shadow: off`"
        if not self._answered:
            return "provided by the controller, which is not running"
        assert self._link is not None
        twin = ShadowClient(self._link.client, self._spec.site.id, lambda *_: None)
        answers = [await self._asked(twin, name) for name in self._shadows]
        return "; ".join(answers)

    async def _asked(self, twin: ShadowClient, name: str) -> str:
        whose, asked_s = name or self._spec.site.id, time.time()
        answer = await twin.get(name)
        match answer:
            case ShadowRejected(code, _) if code == TIMED_OUT:
                raise ConfigProblem(f"the shadow of {whose} does not answer", POLICY)
            case ShadowRejected(code, message):
                raise ConfigProblem(f"the shadow of {whose} answers {code}: {message}", POLICY)
        return f"{name} {self._read(answer, (asked_s + time.time()) / 2)}".strip()

    def _read(self, document: ShadowDocument, at_s: float) -> str:
        if document.timestamp_s is None:
            return "answers; it has no document yet"
        self._clock = (at_s, document.timestamp_s)
        return f"answers, version {document.version}"

    async def clock(self) -> str:
        if self._clock is None:
            return UNCOMPARED
        return _compared(*self._clock)

    async def leave(self) -> None:
        if self._link is None:
            return
        if self._link.connected and self._filters:
            with suppress(Exception):
                async with asyncio.timeout(2):
                    await self._unsubscribe()
        await self._link.stop()

    async def _unsubscribe(self) -> None:
        assert self._link is not None
        for at in range(0, len(self._filters), MOST_FILTERS):
            packet = mqtt5.UnsubscribePacket(self._filters[at : at + MOST_FILTERS])
            await asyncio.shield(asyncio.wrap_future(self._link.client.unsubscribe(packet)))


class RunningController:
    """Reports from the running controller: a connection with its client id would disconnect it.

    `state` is the answer of GET /api/v1/state.
    """

    def __init__(self, spec: Spec, state: Mapping[str, Any], journal: Path) -> None:
        self._spec, self._link, self._journal = spec, state["link"], journal
        self._topics = spec.topics.named(spec.site.id)

    async def connect(self) -> str:
        if self._link["state"] != "connected":
            why = self._link["detail"] or self._link["state"]
            raise ConfigProblem(
                f"the running controller is not connected: {why}", "see `venctl log`"
            )
        return f"the running controller has been connected since {utc(self._link['since'])}"

    async def subscribe(self) -> str:
        denied: list[str] = self._link["denied"]
        if self._topics.command in denied:
            raise ConfigProblem(
                f"the broker refuses a subscription to {self._topics.command}", POLICY
            )
        return f"granted, but {', '.join(denied)} is refused" if denied else "granted"

    async def publish(self) -> str:
        last_s = self._link["last_sent"]
        if last_s is None:
            raise ConfigProblem(
                "the running controller has sent nothing yet",
                "run `venctl doctor` again in a minute",
            )
        return f"the last message was sent {time.time() - last_s:.0f} s ago"

    async def shadow(self) -> str:
        last = self._last_answer()
        if last is None:
            raise ConfigProblem("the shadow has never answered the running controller", POLICY)
        if last[0] == "Refused" and last[1]["code"] not in PASSING:
            raise ConfigProblem(
                f"the shadow refused the last request: {last[1]['code']} {last[1]['message']}",
                POLICY,
            )
        ago_s = time.time() - last[1]["at_ms"] / 1000
        return f"answered the running controller {ago_s:.0f} s ago"

    async def clock(self) -> str:
        last = self._last_answer()
        if last is None or last[1].get("server_s") is None:
            return UNCOMPARED
        return _compared(last[1]["at_ms"] / 1000, last[1]["server_s"])

    async def leave(self) -> None:
        """There is no connection to close."""

    def _last_answer(self) -> tuple[str, dict[str, Any]] | None:
        """The kind and the fields of the shadow's newest answer in the journal."""
        db = sqlite3.connect(f"file:{self._journal}?mode=ro", uri=True)
        try:
            row = db.execute(
                "SELECT trigger FROM decision WHERE trigger LIKE 'Document %' "
                "OR trigger LIKE 'Answered %' OR trigger LIKE 'Refused %' ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        finally:
            db.close()
        if row is None:
            return None
        kind, _, fields = row[0].partition(" ")
        return kind, json.loads(fields)


def _compared(here_s: float, there_s: int) -> str:
    """Compare both clocks. The shadow truncates its time to whole seconds."""
    ahead_s = here_s - there_s - 0.5
    if abs(ahead_s) <= CLOCK_S:
        return "correct to within a second" if abs(ahead_s) <= 1.5 else f"{ahead_s:+.0f} s"
    way = "ahead of" if ahead_s > 0 else "behind"
    problem = f"this machine's clock is {abs(ahead_s):.0f} s {way} the server's"
    raise ConfigProblem(problem, "synchronize it with NTP: `sudo timedatectl set-ntp true`")
