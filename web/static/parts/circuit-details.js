// The details of one circuit: everything the controller knows about it, live while they are open.
import * as device from "../core/device-text.js";
import { latest, second } from "../core/live.js";
import { knownKw, kw, ordinal, percent, rating } from "../core/numbers.js";
import { isExpected } from "../core/preview-text.js";
import { countdown, duration, moment } from "../core/times.js";
import { asSentence, capital, sourceName } from "../core/words.js";
import { html } from "../vendor/ui.js";
import { note } from "./components.js";
import { Scrolled } from "./dialog.js";
import { Lockout } from "./lockout.js";

/** @import { Circuit, State } from "../core/bodies.js" */

/** @type {Record<string, string>} */
const CONTROL = {
  relay: "On and off",
  modulating: "Any power up to its rating",
  none: "Cannot be switched",
  ev_pilot: "Charging current, from 6 A",
  duty_cycle: "Average power, by switching on and off",
};

const FIXED =
  "Locked in the configuration file: it cannot be switched or shed from here. " +
  "This is not a lockout: open its breaker before you work on it.";

/** @param {Circuit} circuit */
function shedRule({ order, limit_percent }) {
  if (order === null || limit_percent === null) return "Never shed";
  return `${ordinal(order)}, by up to ${percent(limit_percent)} of what it draws`;
}

/** @param {Circuit} circuit @param {State} now */
function lastSwitch({ switched_by, switched_at }, now) {
  if (switched_at === null) return "Not yet";
  return `${moment(switched_at, now.t, now.site.timezone)}, by ${sourceName(switched_by)}`;
}

/**
 * What its own protection asks for now: `Rests for 4:12`, `Runs for at least 3:10`.
 * @param {Circuit} circuit
 */
function protection({ rests_until, runs_until }) {
  const [rests, runs] = [rests_until, runs_until].map((until) => (until ?? 0) - second.value);
  if (rests > 0) return `Rests for ${countdown(rests)}`;
  return runs > 0 ? `Runs for at least ${countdown(runs)}` : null;
}

/**
 * `Shed 2 of 3 times, 40 min of 2 h`.
 * @param {Circuit} circuit
 */
function today(circuit) {
  const { sheds_today, shed_today_s, max_sheds_per_day, max_shed_per_day_s } = circuit;
  if (!sheds_today && max_sheds_per_day === null && max_shed_per_day_s === null) return null;
  const times = sheds_today === 1 ? "once" : `${sheds_today} times`;
  const count = max_sheds_per_day === null ? times : `${sheds_today} of ${max_sheds_per_day} times`;
  const most = max_shed_per_day_s === null ? "" : ` of ${duration(max_shed_per_day_s)}`;
  return `Shed ${count}, ${duration(shed_today_s)}${most}`;
}

/** @param {Circuit} circuit */
function reading({ metered, read_at }) {
  if (!metered) return null;
  return read_at === null ? "None yet" : `${duration(second.value - read_at)} ago`;
}

/**
 * What switches it, how it is reached, and what it was told.
 * @param {Circuit} circuit @param {State} now
 */
function deviceFacts(circuit, now) {
  const own = circuit.device;
  if (own === null) return [["Device", circuit.simulated ? "Simulated" : null]];
  return [
    ["Device", device.deviceName(own)],
    ["Link", device.linkOf(own, now)],
    ["Last command", device.lastCommand(own, now)],
    ["Without venctl", device.withoutUs(own)],
    ["Last test", device.testText(own, now)],
  ];
}

/**
 * The facts that say something, as [name, value].
 * @param {Circuit} circuit @param {State} now
 */
function facts(circuit, now) {
  const { free_kw, held_kw, shed_kw } = circuit;
  return [
    ["Draws now", `${knownKw(circuit.power_kw)} of ${rating(circuit.rated_kw, 1)}`],
    ["Without an event", free_kw === null || shed_kw === 0 ? null : kw(free_kw)],
    ["Shed now", shed_kw > 0 ? kw(shed_kw) : null],
    ["Held at", held_kw === null ? null : kw(held_kw)],
    ["Event", isExpected(circuit.reason ?? "") ? null : capital(circuit.reason ?? "")],
    ["Shed order", shedRule(circuit)],
    ["Today", today(circuit)],
    ["Protection", protection(circuit)],
    ["Comes back", circuit.comes_back === "by_hand" ? "Only when someone switches it on" : null],
    ["Control", CONTROL[circuit.control] ?? capital(circuit.control)],
    ...deviceFacts(circuit, now),
    ["Meter", device.meterText(circuit)],
    ["Reading", reading(circuit)],
    ["Last switched", lastSwitch(circuit, now)],
  ].filter(([, value]) => value);
}

/** @param {{id: string, close: () => void}} props */
export function CircuitDetails({ id, close }) {
  const now = latest();
  const circuit = now.circuits.find((candidate) => candidate.id === id);
  const actions = html`<div class="actions"><button class="button" onClick=${close}>Close</button></div>`;
  if (!circuit) {
    return html`<h2 id="dialog-title">This circuit is gone</h2>
      <p>It is no longer in the configuration file.</p>${actions}`;
  }
  return html`<h2 id="dialog-title">${circuit.name}</h2>
    <p class="muted small">
      ${circuit.id}${circuit.critical && ", critical"}${circuit.enabled ? ", on" : ", off"}
    </p>
    <${Scrolled} label="Facts"><dl class="details">
      ${facts(circuit, now).map(([name, value]) => html`<dt>${name}</dt><dd class="numeric">${value}</dd>`)}
    </dl><//>
    ${circuit.fault && note("triangle-alert", asSentence(circuit.fault), "bad")}
    ${device.deviceFaults(circuit).map((text) => note("triangle-alert", asSentence(text), "bad"))}
    ${circuit.device?.test?.findings.map((text) => note("info", `Last test: ${asSentence(text)}`))}
    ${circuit.locked && note("lock", FIXED)}
    ${
      !circuit.locked &&
      !circuit.remote &&
      note("lock", "It can be switched on this page, but not by the cloud.")
    }
    <${Lockout} circuit=${circuit} now=${now} />
    ${actions}`;
}
