// The Circuits card: every circuit in the order in which it is shed, with its switch.
import { latest, second, stale } from "../core/live.js";
import { knownKw, kw, ordinal, percent, rating } from "../core/numbers.js";
import { comingBack, turnedDown } from "../core/outlook.js";
import { countdown, soon } from "../core/times.js";
import { asSentence } from "../core/words.js";
import { AllBack } from "../parts/all-back.js";
import { CircuitDetails } from "../parts/circuit-details.js";
import { bar, icon, note, smallChip } from "../parts/components.js";
import { openDialog } from "../parts/dialog.js";
import {
  faults,
  pending,
  shownOn,
  switchesLocked,
  toggle,
  toggleLock,
} from "../parts/switching.js";
import { html } from "../vendor/ui.js";

/** @import { Circuit, State } from "../core/bodies.js" */
/** @import { IconName } from "../vendor/icons.js" */

// Maps: a circuit's type is any word, and `constructor` is one of every object's own.
/** @type {Map<string, IconName>} */
const ICON = new Map([
  ["heater", "heater"],
  ["water_heater", "droplets"],
  ["lights", "lightbulb"],
  ["ev", "car"],
  ["hvac", "air-vent"],
  ["fridge", "refrigerator"],
  ["motor", "fan"],
]);
const OVER = 1.005; // a share of the rating; less is within what a meter errs
const COMPRESSORS = new Set(["hvac", "fridge"]);

/** @param {Circuit} circuit */
const isOver = (circuit) => (circuit.power_kw ?? 0) > circuit.rated_kw * OVER;

/**
 * `1st, up to 100 %`.
 * @param {Circuit} circuit
 */
const shedOrder = ({ order, limit_percent }) =>
  order === null || limit_percent === null
    ? "Never shed"
    : `${ordinal(order)}, up to ${percent(limit_percent)}`;

/**
 * @param {Circuit} circuit
 * @param {boolean} mixed  whether others are real
 */
function badges(circuit, mixed) {
  return [
    mixed && circuit.simulated && smallChip("", null, "Simulated"),
    circuit.critical && smallChip("info", "shield", "Critical"),
    circuit.shed_kw > 0 && smallChip("shed numeric", null, kw(-circuit.shed_kw)),
    !shownOn(circuit) && smallChip("", null, "Off"),
    (circuit.locked || circuit.locked_by) && smallChip("", "lock", "Locked"),
    circuit.opted_out && smallChip("", "hand", "Kept out"),
    circuit.comes_back === "by_hand" && smallChip("", "hand", "By hand"),
    !circuit.metered && smallChip("", null, "No meter"),
    isOver(circuit) && smallChip("bad", "triangle-alert", "Over rating"),
    circuit.fault && smallChip("bad", "triangle-alert", "Fault"),
  ];
}

/** @param {number | null} until */
const left_s = (until) => (until === null ? 0 : Math.max(0, until - second.value));

/**
 * What holds the circuit down or off, in one sentence; null when nothing does.
 * @param {Circuit} circuit @param {State} now
 */
function hindrance(circuit, now) {
  const { enabled, held_kw, back_how, back_at } = circuit;
  if (circuit.planned_kw > 0 && now.binding !== null) {
    if (now.mode === "observe") return `Would be turned down by ${kw(circuit.planned_kw)}`;
    return turnedDown(circuit, now);
  }
  if (enabled && back_how === "rest" && left_s(back_at) > 0) {
    const why = COMPRESSORS.has(circuit.type) ? "compressor protection" : "it must rest";
    return `Comes on in ${countdown(left_s(back_at))} (${why})`;
  }
  if (enabled && held_kw !== null && back_how !== null) {
    return comingBack(circuit, now, soon(left_s(back_at)));
  }
  if (!enabled && circuit.switched_by === "event") {
    return "Off since the event. Switch it on by hand.";
  }
  return null;
}

/** @param {{circuit: Circuit}} props */
function Switch({ circuit }) {
  const busy = circuit.id in pending.value;
  const observes = latest().mode === "observe";
  const held = circuit.locked || circuit.locked_by !== null;
  const locked = switchesLocked.value || held || observes;
  return html`<button class=${`switch${busy ? " busy" : ""}${locked ? " locked" : ""}`} role="switch"
    aria-checked=${String(shownOn(circuit))} aria-label=${circuit.name} aria-busy=${String(busy)}
    aria-describedby=${circuit.id in faults.value ? `fault-${circuit.id}` : undefined}
    disabled=${stale.value || locked} onClick=${() => toggle(circuit)}>
    ${icon(locked ? "lock" : "check")}
  </button>`;
}

/** @param {{circuit: Circuit, now: State}} props */
function Row({ circuit, now }) {
  const tone = circuit.shed_kw > 0 ? "is-shedding" : shownOn(circuit) ? "is-on" : "";
  const held = hindrance(circuit, now);
  const fault = faults.value[circuit.id]?.why ?? (circuit.ails && asSentence(circuit.ails));
  const details = () =>
    openDialog((close) => html`<${CircuitDetails} id=${circuit.id} close=${close} />`);
  return html`<li class=${tone} data-circuit=${circuit.id} id=${`circuit-${circuit.id}`}>
    <span class="circuit-icon">${icon(ICON.get(circuit.type) ?? "plug")}</span>
    <div class="about">
      <div class="circuit-name">
        <button class="details-button" aria-haspopup="dialog" aria-label=${`${circuit.name}, details`}
          onClick=${details}>${circuit.name}</button>
        ${badges(circuit, !now.circuits.every((one) => one.simulated))}
        <span class="shed-order">${shedOrder(circuit)}</span>
      </div>
      ${bar(circuit.power_kw ?? 0, circuit.shed_kw, circuit.rated_kw, isOver(circuit))}
    </div>
    <div class="circuit-power numeric">
      <b>${knownKw(circuit.power_kw)}</b><small>of ${rating(circuit.rated_kw, 1)}</small>
    </div>
    <${Switch} circuit=${circuit} />
    ${held && html`<p class="hindrance numeric">${held}</p>`}
    <div class="circuit-fault" role="alert" id=${`fault-${circuit.id}`}>
      ${fault && note("triangle-alert", fault, "bad")}
    </div>
  </li>`;
}

/** @param {{power_kw: number | null}} props */
const Unmetered = ({ power_kw }) => html`<li data-circuit="unmetered">
  <span class="circuit-icon">${icon("house")}</span>
  <div class="about"><div class="circuit-name">Other, not metered<span class="shed-order">Never shed</span></div></div>
  <div class="circuit-power numeric"><b>${knownKw(power_kw)}</b></div>
</li>`;

/** @param {Circuit[]} circuits */
const inShedOrder = (circuits) =>
  [...circuits].sort((a, b) => (a.order ?? Infinity) - (b.order ?? Infinity) || 0);

function LockButton() {
  const locked = switchesLocked.value;
  return html`<button class="button small" onClick=${toggleLock}>
    ${icon(locked ? "lock" : "lock-open")}${locked ? "Unlock switches" : "Lock switches"}
  </button>`;
}

export function CircuitsCard() {
  const now = latest();
  const on = now.circuits.filter(shownOn).length;
  return html`<section class="card circuits" aria-labelledby="h-circuits">
    <header>
      <h2 id="h-circuits">Circuits</h2>
      <span class="end">
        <span class="muted numeric small">${on} of ${now.circuits.length} on</span>
        <${LockButton} />
      </span>
    </header>
    <${AllBack} now=${now} />
    ${
      now.circuits.length === 0 &&
      html`<p class="muted">There are no circuits. Add them to the configuration file.</p>`
    }
    <ul class="circuit-list">
      ${inShedOrder(now.circuits).map(
        (circuit) => html`<${Row} key=${circuit.id} circuit=${circuit} now=${now} />`,
      )}
      ${now.reading_at !== null && html`<${Unmetered} power_kw=${now.unmetered_kw} />`}
    </ul>
  </section>`;
}
