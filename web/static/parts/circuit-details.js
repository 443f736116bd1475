// The sheet of one circuit: everything the controller says about it, live while it is open.

import { second, state } from "../core/live.js";
import {
  countdown,
  duration,
  kw,
  moment,
  ordinal,
  percent,
  rating,
  starter,
} from "../core/words.js";
import { html } from "../vendor/ui.js";
import { note } from "./components.js";
import { Scrolled } from "./dialog.js";
import { Lockout } from "./lockout.js";

const CONTROL = {
  relay: "On and off",
  modulating: "Any power up to its rating",
  none: "Cannot be switched",
  ev_pilot: "Charging current, from 6 A",
  duty_cycle: "On average, by switching",
};

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function shedRule({ order, limit_percent }) {
  if (order === null || limit_percent === null) return "Never";
  return `${ordinal(order)} in order, up to ${percent(limit_percent)} of what it draws`;
}

function lastSwitch({ switched_by, switched_at }, now) {
  if (switched_at === null) return "Not yet";
  return `${moment(switched_at, now.t, now.site.timezone)}, ${starter(switched_by)}`;
}

/** `Rests for 4:12`, `Runs for 3:10 at least`: what its own protection asks for now. */
function protection({ rests_until, runs_until }) {
  const [rests, runs] = [rests_until, runs_until].map((until) => (until ?? 0) - second.value);
  if (rests > 0) return `Rests for ${countdown(rests)}`;
  return runs > 0 ? `Runs for ${countdown(runs)} at least` : null;
}

/** `Gave 2 of 3 times, 40 min of 2 h`. */
function today({
  sheds_today,
  shed_today_s,
  max_sheds_per_day: most_times,
  max_shed_per_day_s: most_s,
}) {
  if (!sheds_today && most_times === null && most_s === null) return null;
  const times = sheds_today === 1 ? "once" : `${sheds_today} times`;
  const count = most_times === null ? times : `${sheds_today} of ${most_times} times`;
  const length = duration(shed_today_s) + (most_s === null ? "" : ` of ${duration(most_s)}`);
  return `Gave ${count}, ${length}`;
}

function facts(circuit, now) {
  const age = now.reading_at === null ? null : second.value - now.reading_at;
  return [
    ["Draws now", `${kw(circuit.power_kw)} of ${rating(circuit.rated_kw, 1)}`],
    ["Would draw", circuit.free_kw === null ? null : kw(circuit.free_kw)],
    ["Shed now", kw(circuit.shed_kw)],
    ["Held at", circuit.held_kw === null ? "Not held" : kw(circuit.held_kw)],
    ["Event", capital(circuit.reason ?? "")],
    ["Gives way", shedRule(circuit)],
    ["Today", today(circuit)],
    ["Protection", protection(circuit)],
    ["Comes back", circuit.comes_back === "by_hand" ? "By hand only" : null],
    ["Control", CONTROL[circuit.control] ?? capital(circuit.control)],
    ["Driver", circuit.simulated ? `${circuit.driver} (simulated)` : circuit.driver],
    ["Meter", circuit.metered ? "Yes" : "None: its power is estimated"],
    ["Reading", age === null ? "None yet" : `${duration(age)} ago`],
    ["Last switch", lastSwitch(circuit, now)],
  ].filter(([, value]) => value);
}

export function CircuitSheet({ id, close }) {
  const now = state.value;
  const circuit = now.circuits.find((one) => one.id === id);
  const shut = html`<div class="actions"><button class="button" onClick=${close}>Close</button></div>`;
  if (!circuit) {
    return html`<h2 id="dialog-title">This circuit is gone</h2>
      <p>It is no longer in the configuration file.</p>${shut}`;
  }
  return html`<h2 id="dialog-title">${circuit.name}</h2>
    <p class="muted small">
      ${circuit.id}${circuit.critical && ", critical"}${circuit.enabled ? ", on" : ", off"}
    </p>
    <${Scrolled} label="Facts"><dl class="details">
      ${facts(circuit, now).map(([name, value]) => html`<dt>${name}</dt><dd class="numeric">${value}</dd>`)}
    </dl><//>
    ${circuit.fault && note("triangle-alert", circuit.fault, "bad")}
    ${
      circuit.locked &&
      note(
        "lock",
        "Locked in the configuration file: nobody switches or sheds it from here. " +
          "This is no lockout: open its breaker before you work on it.",
      )
    }
    ${!circuit.locked && !circuit.remote && note("lock", "The cloud may not switch it; this page may.")}
    <${Lockout} circuit=${circuit} now=${now} />
    ${shut}`;
}
