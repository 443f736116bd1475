"""Puts the parts of a running controller together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from statemachine import Spec, Ven
from statemachine.decide.progress import Overdue, Progress, overdue
from statemachine.state.effects import Effect, Hold, Switch
from statemachine.state.memory import Memory, Transition
from statemachine.state.triggers import Command, Connected, Held, Restarted, Switched
from web.controller_port import ChartPoint, DevicesView, LinkView, ReloadResult

from .audit_log import AuditLog
from .base.clocks import clocks
from .commissioning.results import last_tests
from .commissioning.unfinished import Unfinished
from .device_reports import DeviceReports, may_be_off
from .device_views import DeviceViews
from .devices.catalog import devices_beside
from .drivers import Panel
from .drivers.circuits import Circuits
from .drivers.links import open_link, secret_reader
from .folder.claim import Claim
from .health.alarms import Alarms, log_alarms
from .health.health_monitor import HealthMonitor
from .health.notify import Notify
from .health.tasks import Tasks
from .health.watchdog import Watchdog, status_line
from .link.endpoint import Endpoint
from .link.environment import REAL, Environment
from .link.tls import check_files
from .link.uplink import Uplink
from .reach.supervisor import ConnectionSupervisor
from .reload import Reloader
from .runtime.decision import Decision
from .runtime.runtime import Runtime
from .standin.start import StandIn
from .store.journal import Batch
from .store.opening import JournalContent
from .store.start import Store
from .telemetry import TelemetryLoop

CLOSE_S = 0.5
UNSTORED = (
    "decisions cannot be stored; control continues in memory, "
    "and requests that shed load are refused"
)
UNREAD = "; the stored state cannot be read either, so all circuits were restored"


@dataclass(frozen=True, slots=True)
class Options:
    """Command-line options. A port of None means the default."""

    file: Path
    folder: Path
    port: int | None
    mqtt_port: int | None
    data_port: int | None
    ready_file: Path | None
    as_json: bool


class Controller:
    """A running site, and the `ControllerPort` that the page uses."""

    def __init__(
        self,
        spec: Spec,
        options: Options,
        endpoint: Endpoint,
        stand_in: StandIn | None,
        store: Store,
        notify: Notify,
        outside: Environment = REAL,
    ) -> None:
        self._stand_in, self._storage, self._outside = stand_in, store.storage, outside
        self._notes = store.notes
        self._audit = AuditLog(options.folder, outside.worker("audit"))
        self.runtime = Runtime(Ven(spec), self._storage, store.found, self._perform)
        self.runtime.aftermath.decided = self._decided
        self.alarms = Alarms(lambda: self.memory.alarms, self.runtime.post)
        self._tasks = Tasks(self.alarms)
        self._reports = DeviceReports(self.runtime, lambda: self.panel, lambda: self.alarms)
        self._tested = Unfinished(options.folder)
        self._catalog = partial(devices_beside, options.file)
        self.circuits = Circuits(
            spec,
            outside.circuits(spec, options.folder),
            self._catalog(),
            self._reports,
            clocks,
            partial(
                open_link, secrets=secret_reader(options.file.parent), beside=options.file.parent
            ),
        )
        self._views = DeviceViews(self.circuits, lambda: self.spec, last_tests(options.folder))
        self.panel = Panel(
            spec,
            self.circuits.build(self.memory.leaving, self._may_be_off),
            self._held,
            self._switched,
            lambda: self.telemetry.look(),
            self.circuits.queue_of,
        )
        self.uplink = Uplink(spec, endpoint, self._storage.sent, self.runtime.post, outside)
        self.uplink.add(store.found.todo)
        self.telemetry = TelemetryLoop(
            self.runtime,
            self.panel,
            self._storage.message,
            self.circuits.beside_w,
            self.uplink.telemetry,
        )
        self.watchdog = Watchdog(notify, self.alarms, self._progress, self._status)
        self.editing = Reloader(
            options.file,
            options.folder,
            store.notes,
            self.runtime,
            self._use,
            self.connected,
            self.watchdog.reloading,
        )
        dates = partial(check_files, endpoint)
        self._lookout = HealthMonitor(self.alarms, self.uplink.view, dates, outside.worker)
        self._approach = ConnectionSupervisor(
            spec, endpoint, options.folder, self.uplink, self._tasks
        )
        self._listen_to_storage()

    @property
    def spec(self) -> Spec:
        return self.runtime.ven.spec

    @property
    def memory(self) -> Memory:
        return self.runtime.memory

    @property
    def rev(self) -> int:
        return self.runtime.rev

    @property
    def blind(self) -> bool:
        return self._storage.unknown

    @property
    def link(self) -> LinkView:
        return self.uplink.view()

    @property
    def recent(self) -> list[ChartPoint]:
        return list(self.telemetry.recent)

    @property
    def waits(self) -> tuple[str, ...]:
        return self.editing.waits

    def devices(self) -> DevicesView:
        return self._views.view()

    def clocks(self) -> tuple[int, int]:
        return clocks()

    def connected(self) -> bool:
        """Whether the core knows that the link is up."""
        return self.uplink.connected()

    async def reload(self) -> ReloadResult:
        return await self.editing.reload()

    async def submit(self, command: Command) -> Mapping[str, Any]:
        return await self.runtime.submit(command)

    def watch(self) -> AsyncIterator[Transition | None]:
        return self.runtime.watch()

    async def start(self, claim: Claim) -> None:
        """Apply the stored state again before any request is taken."""
        at_ms, mono_ms = clocks()
        self.panel.start()
        known = not self._storage.unknown
        self.runtime.post(
            Restarted(at_ms=at_ms, mono_ms=mono_ms, boot=self._outside.boot(), known=known)
        )
        self.alarms.open()
        self._reports.begin()
        await self.telemetry.read()
        self._tasks.start("reading the circuits", self.telemetry.run)
        self._tasks.start("telemetry", self.telemetry.publish)
        self._tasks.start("the check of clock, link and certificate", self._lookout.run)
        self._tasks.start("the watchdog", self.watchdog.run)
        self._tasks.start("applying a new ven.yaml", self.editing.run)
        self._tasks.start("the connection to the broker", self._approach.run)
        self._tasks.start("the outbox", self.uplink.run)
        self._tasks.start(
            "the lock on the state folder", partial(claim.keep, self._outside.worker("lock"))
        )
        self._tasks.start("the check of the journal file", self._storage.watch)
        self._tasks.start("the check of the other state files", self._notes.watch)

    async def stop(self) -> None:
        """Leave the circuits as `restore.on_stop` says, then stop."""
        await self._tasks.stop()
        self.runtime.stop()
        await self.panel.stop()
        if self.spec.restore.on_stop == "restore":
            await self.panel.let_go(self._may_be_held())
        await self.circuits.close()
        await self._approach.stop()
        await self._storage.close(CLOSE_S)

    def _listen_to_storage(self) -> None:
        self._storage.whole = self._everything
        self._storage.idle = self.runtime.go_on
        self._storage.changed = self._storage_changed
        self._storage.found = self._remember
        self._storage_changed()

    def _everything(self) -> Batch:
        batch = self.runtime.everything()
        batch.letters = self.uplink.unsent()
        return batch

    def _remember(self, content: JournalContent) -> None:
        self.uplink.add(content.todo)
        self.runtime.adopt(content, self._outside.boot())
        if self.connected():  # which is not stored, so it is posted again
            at_ms, mono_ms = clocks()
            self.runtime.post(Connected(at_ms=at_ms, mono_ms=mono_ms))

    def _storage_changed(self) -> None:
        lost, self._storage.lost = self._storage.lost, None
        if lost is not None:
            self.alarms.raise_alarm("memory_lost", lost)
        if self._storage.down is None:
            self.alarms.end("storage")
        else:
            text = UNSTORED + (UNREAD if self._storage.unknown else "")
            self.alarms.raise_alarm("storage", f"{text}. {self._storage.down}")
        self.runtime.go_on()

    def _decided(self, made: Decision) -> None:
        log_alarms(made.before.alarms, made.after.alarms)
        self._audit.note(made)

    def _perform(self, effect: Effect, number: int | None) -> None:
        match effect:
            case Hold() | Switch():
                self.panel.put(effect)
            case _:
                self.uplink.perform(effect, number)

    def _switched(self, circuit: str, enabled: bool, fault: str | None) -> None:
        at_ms, mono_ms = clocks()
        self.runtime.post(
            Switched(at_ms=at_ms, mono_ms=mono_ms, circuit=circuit, enabled=enabled, fault=fault)
        )

    def _held(self, circuit: str, watts: int | None, fault: str | None) -> None:
        at_ms, mono_ms = clocks()
        if fault is None:
            self._tested.done(circuit)
        self.runtime.post(
            Held(at_ms=at_ms, mono_ms=mono_ms, circuit=circuit, watts=watts, fault=fault)
        )

    def _may_be_held(self) -> list[str]:
        """Circuits that we may hold; in observe mode only those that are known to be held."""
        lives, observes = self.memory.circuits.items(), self.spec.observes
        held = [id for id, live in lives if live.held_w is not None or not observes]
        return [*held, *self.memory.leaving]

    def _may_be_off(self, circuit: str) -> bool | None:
        lost = self._storage.unknown or self._storage.lost is not None
        tested = self._tested.is_off(circuit, self.spec.circuits[circuit].driver)
        return True if lost or tested else may_be_off(self.memory, circuit)

    def _progress(self, before: Overdue | None, now_ms: int) -> Progress:
        timer = overdue(before, self.memory.due_ms(), clocks()[0], now_ms)
        return Progress(self.telemetry.looked_ms, timer, self.panel.busy_ms())

    def _status(self) -> str:
        held = sum(live.held_w is not None for live in self.memory.circuits.values())
        return status_line(self.link.state, len(self.memory.events), held, len(self.memory.alarms))

    def _use(self, spec: Spec) -> None:
        self.panel.use(spec, self.circuits.use(spec, self._catalog()))
        if self._stand_in is not None:
            self._stand_in.use(spec)
        self.uplink.use(spec)
