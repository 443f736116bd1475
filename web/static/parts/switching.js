// Switches circuits: what was asked for, what became of it, and Undo.
import { messageOf, Refusal, SWITCH_PATIENCE_MS, send } from "../core/api.js";
import { latest, state } from "../core/live.js";
import { kw } from "../core/numbers.js";
import { effect, signal } from "../vendor/ui.js";
import { remembered } from "./components.js";
import { confirmFirst, showToast } from "./dialog.js";

/** @import { Circuit, State } from "../core/bodies.js" */
/** @import { Fact } from "./dialog.js" */

/**
 * A switch under way. It is `answered` once the controller accepted it, and `unsure` where no answer
 * came: then the next states tell.
 * @typedef {{wanted: boolean, answered: boolean, unsure?: boolean}} Pending
 */

const CONFIRM_WITHIN_MS = SWITCH_PATIENCE_MS + 1000;

// Maps: a circuit's type is any word, and `constructor` is one of every object's own.
const CONSEQUENCE = new Map(
  Object.entries({
    fridge: "Food can spoil while it is off.",
    hvac: "The house can get too warm or too cold.",
    heater: "The house can get cold.",
    water_heater: "The hot water will run out.",
  }),
);

/** Per circuit id: the switch that is under way. */
export const pending = signal(/** @type {Record<string, Pending>} */ ({}));

/** Per circuit id: why the last switch did not happen, and what was wanted. */
export const faults = signal(/** @type {Record<string, {why: string, wanted: boolean}>} */ ({}));

/** Whether this browser refuses to switch, so that nobody does by mistake. */
export const switchesLocked = signal(remembered.read("switches") === "locked");

export function toggleLock() {
  switchesLocked.value = !switchesLocked.value;
  remembered.write("switches", switchesLocked.value ? "locked" : "free");
}

/**
 * @template T
 * @param {Record<string, T>} all @param {string} id
 */
const without = (all, id) => Object.fromEntries(Object.entries(all).filter(([key]) => key !== id));

/**
 * What the switch shows: what is wanted while it is under way, so that it never jumps back and forth.
 * @param {Circuit} circuit
 */
export const shownOn = (circuit) => pending.value[circuit.id]?.wanted ?? circuit.enabled;

/**
 * Switches a circuit over; asks first before a critical one goes off.
 * @param {Circuit} circuit
 */
export function toggle(circuit) {
  if (pending.value[circuit.id]) return;
  const wanted = !circuit.enabled;
  if (circuit.critical && !wanted) askAboutCritical(circuit);
  else switchTo(circuit, wanted, false);
}

/** @param {Circuit} circuit */
function askAboutCritical(circuit) {
  const consequence = CONSEQUENCE.get(circuit.type);
  /** @type {Fact[]} */
  const facts = [["clock", "It stays off until someone switches it on again."]];
  if ((circuit.power_kw ?? 0) > 0) facts.push(["zap", `Frees ${kw(circuit.power_kw)}.`]);
  confirmFirst({
    name: "shield",
    title: `Switch off ${circuit.name}?`,
    text: [`${circuit.name} is marked critical.`, consequence].filter(Boolean).join(" "),
    facts,
    keep: "Keep on",
    go: `Switch off ${circuit.name}`,
    danger: true,
    act: () => switchTo(circuit, false, true),
  });
}

/** @param {Circuit} circuit @param {boolean} wanted @param {boolean} confirmed */
async function switchTo(circuit, wanted, confirmed) {
  const { id } = circuit;
  /** @type {Pending} */
  const mine = { wanted, answered: false };
  faults.value = without(faults.value, id);
  pending.value = { ...pending.value, [id]: mine };
  setTimeout(() => giveUp(id, mine, `${circuit.name} did not answer.`), CONFIRM_WITHIN_MS);
  try {
    const body = { enabled: wanted, ...(confirmed && { confirm_critical: true }) };
    const sending = { patience_ms: SWITCH_PATIENCE_MS };
    await send("PATCH", `/api/v1/circuits/${encodeURIComponent(id)}`, body, sending);
    mine.answered = true;
    confirmSwitches(latest());
  } catch (error) {
    if (!(error instanceof Refusal)) {
      // Without an answer it may still have been done: the next states tell, until time is up.
      mine.answered = true;
      mine.unsure = true;
    } else if (error.code === "critical-circuit" && !confirmed) {
      forget(id);
      askAboutCritical(circuit);
    } else {
      giveUp(id, mine, messageOf(error));
    }
  }
}

/** @param {string} id */
function forget(id) {
  pending.value = without(pending.value, id);
}

/** @param {string} id @param {Pending} mine @param {string} why */
function giveUp(id, mine, why) {
  if (pending.value[id] !== mine) return;
  forget(id);
  faults.value = { ...faults.value, [id]: { why, wanted: mine.wanted } };
}

/**
 * Compares what is under way with a new state.
 * @param {State} now
 */
function confirmSwitches(now) {
  for (const circuit of now.circuits) {
    // A switch that came late came after all: then its fault is over.
    if (faults.peek()[circuit.id]?.wanted === circuit.enabled && !circuit.fault) {
      faults.value = without(faults.peek(), circuit.id);
    }
    const mine = pending.peek()[circuit.id];
    if (!mine?.answered || mine.wanted !== circuit.enabled) continue;
    if (mine.unsure && circuit.fault) {
      giveUp(circuit.id, mine, circuit.fault);
      continue;
    }
    forget(circuit.id);
    announce(circuit);
  }
}

/** @param {Circuit} circuit */
function announce(circuit) {
  const back = circuit.critical && circuit.enabled ? null : () => undo(circuit);
  showToast(`${circuit.name} switched ${circuit.enabled ? "on" : "off"}.`, back);
}

/** @param {Circuit} switched */
function undo({ id, enabled }) {
  const circuit = latest().circuits.find((candidate) => candidate.id === id);
  if (circuit?.enabled === enabled && !pending.peek()[id]) switchTo(circuit, !enabled, false);
}

/** Called once, when the page starts. */
export function start() {
  effect(() => {
    if (state.value) confirmSwitches(state.value);
  });
}
