// Switches circuits: what was wished for, what became of it, and the way back.

import { Refusal, SWITCH_PATIENCE_MS, tell } from "../core/api.js";
import { state } from "../core/live.js";
import { kw } from "../core/words.js";
import { effect, signal } from "../vendor/ui.js";
import { remembered } from "./components.js";
import { confirmFirst, tellToast } from "./dialog.js";

const CONFIRM_WITHIN_MS = SWITCH_PATIENCE_MS + 1000;

const CONSEQUENCE = new Map(
  Object.entries({
    fridge: "Food can spoil while it is off.",
    hvac: "The house can get too warm or too cold.",
    heater: "The house can get cold.",
    water_heater: "The hot water will run out.",
  }),
);

/** Per circuit id: {wanted, answered, unsure} while a wish is under way. */
export const wishes = signal({});

/** Per circuit id: {why, wanted} of a last wish that came to nothing. */
export const faults = signal({});

/** Whether this browser refuses to switch, so that nobody does by mistake. */
export const switchesLocked = signal(remembered.read("switches") === "locked");

export function toggleLock() {
  switchesLocked.value = !switchesLocked.value;
  remembered.write("switches", switchesLocked.value ? "locked" : "free");
}

const without = (all, id) => Object.fromEntries(Object.entries(all).filter(([key]) => key !== id));

/** What the switch shows: the wish while it is under way, so that it never jumps back and forth. */
export const shownOn = (circuit) => wishes.value[circuit.id]?.wanted ?? circuit.enabled;

/** Turns a circuit over; asks first before a critical one goes off. */
export function flip(circuit) {
  if (wishes.value[circuit.id]) return;
  const wanted = !circuit.enabled;
  if (circuit.critical && !wanted) askAboutCritical(circuit);
  else wish(circuit, wanted, false);
}

function askAboutCritical(circuit) {
  const consequence = CONSEQUENCE.get(circuit.type);
  confirmFirst({
    name: "shield",
    title: `Switch off ${circuit.name}?`,
    text: [`${circuit.name} is marked critical.`, consequence].filter(Boolean).join(" "),
    facts: [
      ["clock", "It stays off until someone switches it on again."],
      ...(circuit.power_kw > 0 ? [["zap", `Frees ${kw(circuit.power_kw)}.`]] : []),
    ],
    keep: "Keep on",
    go: `Switch off ${circuit.name}`,
    danger: true,
    act: () => wish(circuit, false, true),
  });
}

async function wish(circuit, wanted, confirmed) {
  const { id } = circuit;
  const mine = { wanted, answered: false };
  faults.value = without(faults.value, id);
  wishes.value = { ...wishes.value, [id]: mine };
  const late = `${circuit.name} did not answer.`;
  setTimeout(() => giveUp(circuit, mine, late), CONFIRM_WITHIN_MS);
  try {
    const body = { enabled: wanted, ...(confirmed && { confirm_critical: true }) };
    const patience = { patience_ms: SWITCH_PATIENCE_MS };
    await tell("PATCH", `/api/v1/circuits/${encodeURIComponent(id)}`, body, patience);
    mine.answered = true;
    settle(state.peek());
  } catch (error) {
    // Without an answer it may still have been done: the next states tell, until time is up.
    if (!(error instanceof Refusal)) mine.answered = mine.unsure = true;
    else if (error.code === "critical-circuit" && !confirmed) {
      forget(id);
      askAboutCritical(circuit);
    } else giveUp(circuit, mine, error.message);
  }
}

const forget = (id) => (wishes.value = without(wishes.value, id));

function giveUp({ id }, mine, why) {
  if (wishes.value[id] !== mine) return;
  forget(id);
  faults.value = { ...faults.value, [id]: { why, wanted: mine.wanted } };
}

function settle(now) {
  for (const circuit of now.circuits) {
    // What came late came after all: it is wanted so at once, and has moved once no fault is left.
    if (faults.peek()[circuit.id]?.wanted === circuit.enabled && !circuit.fault) {
      faults.value = without(faults.peek(), circuit.id);
    }
    const mine = wishes.peek()[circuit.id];
    if (!mine?.answered || mine.wanted !== circuit.enabled) continue;
    if (mine.unsure && circuit.fault) {
      giveUp(circuit, mine, circuit.fault);
      continue;
    }
    forget(circuit.id);
    announce(circuit);
  }
}

function announce(circuit) {
  const back = circuit.critical && circuit.enabled ? null : () => undo(circuit);
  tellToast(`${circuit.name} switched ${circuit.enabled ? "on" : "off"}.`, back);
}

function undo({ id, enabled }) {
  const circuit = state.peek().circuits.find((one) => one.id === id);
  if (circuit?.enabled === enabled && !wishes.peek()[id]) wish(circuit, !enabled, false);
}

/** Called once, when the page starts. */
export function start() {
  effect(() => {
    if (state.value) settle(state.value);
  });
}
