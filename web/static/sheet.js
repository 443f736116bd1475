// The sheet of one circuit: everything the controller says about it, live while it is open.
import { html } from "./vendor/ui.js";
import { second, state } from "./live.js";
import { Lockout } from "./lockout.js";
import { note } from "./parts.js";
import { duration, kw, moment, ordinal, percent, rating, starter } from "./words.js";

const CONTROL = {
  relay: "On and off", modulating: "Any power up to its rating", none: "Cannot be switched",
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

function facts(circuit, now) {
  const age = now.reading_at === null ? null : second.value - now.reading_at;
  return [
    ["Draws now", `${kw(circuit.power_kw)} of ${rating(circuit.rated_kw, 1)}`],
    ["Would draw", circuit.free_kw === null ? null : kw(circuit.free_kw)],
    ["Shed now", kw(circuit.shed_kw)],
    ["Held at", circuit.held_kw === null ? "Not held" : kw(circuit.held_kw)],
    ["Event", capital(circuit.reason ?? "")],
    ["Gives way", shedRule(circuit)],
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
  const shut = html`<div class="acts"><button class="btn" autofocus onClick=${close}>Close</button></div>`;
  if (!circuit) {
    return html`<h2 id="dialog-title">This circuit is gone</h2>
      <p>It is no longer in the configuration file.</p>${shut}`;
  }
  return html`<h2 id="dialog-title">${circuit.name}</h2>
    <p class="muted sml">
      ${circuit.id}${circuit.critical && ", critical"}${circuit.enabled ? ", on" : ", off"}
    </p>
    <dl class="sheet">
      ${facts(circuit, now).map(([name, value]) => html`<dt>${name}</dt><dd class="num">${value}</dd>`)}
    </dl>
    ${circuit.fault && note("triangle-alert", circuit.fault, "bad")}
    ${!circuit.remote && note("lock", "Locked in the configuration file: it takes no switching from here.")}
    <${Lockout} circuit=${circuit} now=${now} />
    ${shut}`;
}
